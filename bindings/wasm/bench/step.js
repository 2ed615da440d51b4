// What a call of the sans-IO level costs beside what the core does: nanoseconds of calls that find nothing to do.
// step.js TOKEN

import { Client, Vault, now } from "quantumsync";

const CALLS = 1_000_000;
const at = now();
const client = new Client(at, process.argv[2], Vault.create());
const start = performance.now();
for (let call = 0; call < CALLS; call += 1) {
  client.handleTimeout(at);
  for (const output of client.outputs()) void output;
  client.pollTimeout();
}
const took = ((performance.now() - start) * 1e6) / CALLS;
console.log(`${took.toFixed(0)} ns a step: handleTimeout, outputs, pollTimeout`);
