// Hive wallets by hive-js, as Keychain's `signBuffer` has it. A secret is {name, password}.
"use strict";

const { auth } = require("@hiveio/hive-js");
const { Signature } = require("@hiveio/hive-js/lib/auth/ecc");

const wallet = (role) => ({
  address: ({ name }) => name,
  sign: ({ name, password }, { text }) =>
    Signature.signBuffer(Buffer.from(text), auth.toWif(name, password, role)).toHex(),
});

exports["posting"] = wallet("posting");
exports["active"] = wallet("active");
