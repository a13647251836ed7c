// Solana wallets with `signIn`, which write the text themselves from its fields. A secret is a seed in hex.
"use strict";

const bs58 = require("bs58").default;
const nacl = require("tweetnacl");
const { createSignInMessage, parseSignInMessageText } = require("@solana/wallet-standard-util");
const { Keypair } = require("@solana/web3.js");

const pair = (secret) => Keypair.fromSeed(Buffer.from(secret, "hex"));

exports["signIn"] = {
  address: (secret) => pair(secret).publicKey.toBase58(),
  sign: (secret, { text }) =>
    bs58.encode(nacl.sign.detached(createSignInMessage(parseSignInMessageText(text)), pair(secret).secretKey)),
};
