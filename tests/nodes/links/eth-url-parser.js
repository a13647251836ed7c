// Ethereum links by eth-url-parser.
"use strict";

const { build, parse } = require("eth-url-parser");

exports.parse = (link) => parse(link);
exports.write = (request) => build(request);
