// Ethereum wallets by viem. A secret is 32 bytes in hex.
"use strict";

const { privateKeyToAccount } = require("viem/accounts");
const { parseSiweMessage, validateSiweMessage } = require("viem/siwe");

const accountOf = (secret) => privateKeyToAccount(`0x${secret}`);
const address = (secret) => accountOf(secret).address;

exports["personal_sign"] = {
  address,
  sign: (secret, { text }) => accountOf(secret).signMessage({ message: text }),
};

exports["typed data"] = {
  address,
  sign: (secret, { typed_data: typed }) => accountOf(secret).signTypedData(typed),
};

// What a wallet shows of a text that it knows for Sign-In with Ethereum; null where it does not.
exports["shown"] = (text) => {
  const message = parseSiweMessage(text);
  return validateSiweMessage({ message, address: message.address, domain: message.domain }) ? message : null;
};
