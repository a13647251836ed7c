// Bitcoin wallets that sign by BIP-137. A secret is 32 bytes in hex.
"use strict";

const message = require("bitcoinjs-message");
const { addresses, pair } = require("./bitcoin.js");

function wallet(kind, { segwitType, compressed = true } = {}) {
  return {
    address: (secret) => addresses[kind](pair(secret, compressed)),
    sign: (secret, { text }) =>
      message.sign(text, pair(secret).privateKey, compressed, segwitType && { segwitType }).toString("base64"),
  };
}

exports["P2PKH"] = wallet("P2PKH");
exports["P2PKH of the long key"] = wallet("P2PKH", { compressed: false });
exports["P2SH-P2WPKH"] = wallet("P2SH-P2WPKH", { segwitType: "p2sh(p2wpkh)" });
exports["P2WPKH"] = wallet("P2WPKH", { segwitType: "p2wpkh" });
exports["P2WPKH under the oldest header"] = wallet("P2WPKH"); // as Electrum signs for every kind of address
