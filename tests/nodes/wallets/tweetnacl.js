// Solana wallets whose `signMessage` signs the text's bytes, as pages hand such signatures on. A secret is a seed in hex.
"use strict";

const bs58 = require("bs58").default;
const nacl = require("tweetnacl");
const { Keypair } = require("@solana/web3.js");

const pair = (secret) => Keypair.fromSeed(Buffer.from(secret, "hex"));

function wallet(written) {
  return {
    address: (secret) => pair(secret).publicKey.toBase58(),
    sign: (secret, { text }) => written(nacl.sign.detached(Buffer.from(text), pair(secret).secretKey)),
  };
}

exports["base58"] = wallet(bs58.encode);
exports["base64"] = wallet((signature) => Buffer.from(signature).toString("base64"));
exports["integers"] = wallet((signature) => [...signature]);
exports["integers by index"] = wallet((signature) => signature); // what JSON makes of a Uint8Array
