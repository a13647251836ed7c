// Payers by dhive: operations are signed and broadcast as its own client does it.
"use strict";

const { Client, Memo, PrivateKey } = require("@hiveio/dhive");

exports.send = async (url, chainId, wif, operations) => {
  const client = new Client(url, { chainId, addressPrefix: "STM" });
  const { id } = await client.broadcast.sendOperations(operations, PrivateKey.fromString(wif));
  return id;
};

exports.encrypt = (wif, recipient, text) => Memo.encode(wif, recipient, `#${text}`);
