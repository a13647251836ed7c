// Hive wallets by dhive. A secret is {name, password}, of which the keys are made.
"use strict";

const { PrivateKey, cryptoUtils } = require("@hiveio/dhive");

const wallet = (role) => ({
  address: ({ name }) => name,
  sign: ({ name, password }, { text }) =>
    PrivateKey.fromLogin(name, password, role).sign(cryptoUtils.sha256(text)).toString(),
});

for (const role of ["posting", "active", "owner", "memo"]) exports[role] = wallet(role);
