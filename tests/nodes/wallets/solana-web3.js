// Solana wallets that sign transactions alone: the text is a memo in one that is never sent. A secret is a seed in hex.
"use strict";

const { Keypair, PublicKey, Transaction, TransactionInstruction, TransactionMessage, VersionedTransaction } =
  require("@solana/web3.js");

const MEMO = new PublicKey("MemoSq4gqABAXKb96qnH8TysNcWxMyWCqXgDLGmfcHr");
const NO_BLOCK = PublicKey.default.toBase58(); // a hash of zeros, which no validator takes

const pair = (secret) => Keypair.fromSeed(Buffer.from(secret, "hex"));
const address = (secret) => pair(secret).publicKey.toBase58();

function memo(key, text) {
  const keys = [{ pubkey: key, isSigner: true, isWritable: false }];
  return new TransactionInstruction({ keys, programId: MEMO, data: Buffer.from(text) });
}

exports["a memo in a transaction"] = {
  address,
  sign: (secret, { text }) => {
    const { publicKey } = pair(secret);
    const transaction = new Transaction({ feePayer: publicKey, recentBlockhash: NO_BLOCK }).add(memo(publicKey, text));
    transaction.sign(pair(secret));
    return transaction.serialize().toString("base64");
  },
};

exports["a memo in a versioned transaction"] = {
  address,
  sign: (secret, { text }) => {
    const { publicKey: payerKey } = pair(secret);
    const message = new TransactionMessage({ payerKey, recentBlockhash: NO_BLOCK, instructions: [memo(payerKey, text)] });
    const transaction = new VersionedTransaction(message.compileToV0Message());
    transaction.sign([pair(secret)]);
    return Buffer.from(transaction.serialize()).toString("base64");
  },
};
