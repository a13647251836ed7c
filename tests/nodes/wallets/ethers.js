// Ethereum wallets by ethers. A secret is 32 bytes in hex.
"use strict";

const { Wallet } = require("ethers");

const walletOf = (secret) => new Wallet(`0x${secret}`);
const address = (secret) => walletOf(secret).address;

exports["personal_sign"] = {
  address,
  sign: (secret, { text }) => walletOf(secret).signMessage(text),
};

exports["typed data"] = {
  address,
  sign: (secret, { typed_data: typed }) => {
    const { EIP712Domain: _ours, ...types } = typed.types; // which ethers writes by itself
    return walletOf(secret).signTypedData(typed.domain, types, typed.message);
  },
};
