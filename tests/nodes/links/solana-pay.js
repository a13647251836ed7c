// Solana Pay links by Solana's own library, whose amounts are floats.
"use strict";

const { encodeURL, parseURL } = require("@solana/pay");

exports.parse = (link) => parseURL(link);
exports.write = ({ link, ...fields }) => String(encodeURL(link === undefined ? fields : { link: new URL(link) }));
