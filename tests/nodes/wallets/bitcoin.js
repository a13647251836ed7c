// Keys and regtest addresses by bitcoinjs-lib, for the libraries that sign texts with them. A secret is 32 bytes in hex.
"use strict";

const ecc = require("@bitcoinerlab/secp256k1");
const bitcoin = require("bitcoinjs-lib");
const { ECPairFactory } = require("ecpair");

bitcoin.initEccLib(ecc);
const ECPair = ECPairFactory(ecc);
const network = bitcoin.networks.regtest;

exports.pair = (secret, compressed = true) =>
  ECPair.fromPrivateKey(Buffer.from(secret, "hex"), { network, compressed });

exports.addresses = {
  P2PKH: ({ publicKey: pubkey }) => bitcoin.payments.p2pkh({ pubkey, network }).address,
  P2WPKH: ({ publicKey: pubkey }) => bitcoin.payments.p2wpkh({ pubkey, network }).address,
  "P2SH-P2WPKH": ({ publicKey: pubkey }) =>
    bitcoin.payments.p2sh({ redeem: bitcoin.payments.p2wpkh({ pubkey, network }), network }).address,
  P2TR: ({ publicKey }) => bitcoin.payments.p2tr({ internalPubkey: publicKey.subarray(1), network }).address,
};
