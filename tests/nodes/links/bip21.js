// Bitcoin links by bip21, whose amounts are floats; it writes those that it is given as text as they are.
"use strict";

const bip21 = require("bip21");

exports.parse = (link) => bip21.decode(link);
exports.write = (address, options) => bip21.encode(address, options);
