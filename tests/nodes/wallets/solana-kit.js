// Solana wallets that sign off-chain messages in place of a text, as devices do. A secret is a seed in hex.
"use strict";

const kit = require("@solana/kit");

const NO_APPLICATION = "11111111111111111111111111111111";

const pair = (secret) => kit.createKeyPairFromPrivateKeyBytes(Buffer.from(secret, "hex"));
const address = async (secret) => kit.getAddressFromPublicKey((await pair(secret)).publicKey);

function wallet(envelopeOf) {
  return {
    address,
    sign: async (secret, { text }) => {
      const signer = await address(secret);
      const signed = await kit.signOffchainMessageEnvelope([await pair(secret)], envelopeOf(signer, text));
      return kit.getBase58Decoder().decode(signed.signatures[signer]);
    },
  };
}

const version0 = (contentOf) =>
  wallet((signer, text) =>
    kit.compileOffchainMessageV0Envelope({
      version: 0,
      applicationDomain: NO_APPLICATION,
      content: contentOf(text),
      requiredSignatories: [{ address: signer }],
    }),
  );

exports["off-chain message"] = version0(kit.offchainMessageContentUtf8Of1232BytesMax);
exports["off-chain message beyond a device"] = version0(kit.offchainMessageContentUtf8Of65535BytesMax);
exports["off-chain message of version 1"] = wallet((signer, text) =>
  kit.compileOffchainMessageV1Envelope({ version: 1, content: text, requiredSignatories: [{ address: signer }] }),
);
