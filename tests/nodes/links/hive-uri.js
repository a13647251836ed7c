// Hive links by hive-uri, up to what a wallet would sign.
"use strict";

const { decode, encodeOp, encodeOps, encodeTx, resolveTransaction } = require("hive-uri");

exports.parse = (link, signer) => {
  const { tx, params } = decode(link);
  const chain = { ref_block_num: 1, ref_block_prefix: 2, expiration: "2026-11-20T12:00:00" };
  return { params, ...resolveTransaction(tx, params, { signers: [signer], preferred_signer: signer, ...chain }) };
};

exports.write = { op: encodeOp, ops: encodeOps, tx: encodeTx };
