// Payers by hive-js: operations are signed and broadcast as its own client does it.
"use strict";

const { api, broadcast, config, memo } = require("@hiveio/hive-js");

exports.send = async (url, chainId, wif, operations) => {
  api.setOptions({ url });
  config.set("chain_id", chainId);
  config.set("address_prefix", "STM");
  const { id } = await broadcast.sendAsync({ extensions: [], operations }, { active: wif });
  return id;
};

exports.encrypt = (wif, recipient, text) => memo.encode(wif, recipient, `#${text}`);
