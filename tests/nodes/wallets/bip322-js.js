// Bitcoin wallets that sign by BIP-322. A secret is 32 bytes in hex.
"use strict";

const { Signer } = require("bip322-js");
const { addresses, pair } = require("./bitcoin.js");

function wallet(kind) {
  const address = (secret) => addresses[kind](pair(secret));
  return { address, sign: (secret, { text }) => Signer.sign(pair(secret).toWIF(), address(secret), text) };
}

for (const kind of ["P2WPKH", "P2SH-P2WPKH", "P2TR"]) exports[kind] = wallet(kind);
