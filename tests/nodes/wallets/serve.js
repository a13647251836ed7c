// Answers questions on standard input, one JSON value a line, with the modules of a folder: `node serve.js <folder>`.
// A question is {module, call: ["member", ...], arguments: [...]}; the answer is {result} or {error}.
"use strict";

const path = require("node:path");
const readline = require("node:readline");

const folder = path.resolve(process.argv[2]);

async function answer({ module, call, arguments: given }) {
  let called = require(path.join(folder, `${module}.js`));
  for (const member of call) called = called[member];
  return called(...given);
}

async function serve() {
  for await (const line of readline.createInterface({ input: process.stdin })) {
    let said;
    try {
      said = { result: await answer(JSON.parse(line)) };
    } catch (error) {
      said = { error: String(error && error.message) };
    }
    process.stdout.write(`${JSON.stringify(said)}\n`);
  }
}

serve();
