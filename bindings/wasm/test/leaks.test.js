// Nothing grows with the number of operations: neither JavaScript's heap nor the module's memory.

import assert from "node:assert/strict";
import { before, test } from "node:test";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

import { Client, Vault, open, seal } from "quantumsync";

import { startNode } from "./network.js";
// Inside of the package: not for its users.
import { initSync } from "./node_modules/quantumsync/native/quantumsync.js";

setFlagsFromString("--expose-gc");
const gc = runInNewContext("gc");

let token;
before(async () => {
  const node = await startNode();
  token = node.token;
  await node.stop();
});

/** The module's memory; it is loaded already. */
const memory = () => initSync().memory.buffer.byteLength;

/** Runs a body often; how many bytes the module's memory has grown in all but the first part of it. */
async function growth(times, body) {
  for (let i = 0; i < times / 10; i += 1) await body(i);
  const before = memory();
  for (let i = 0; i < times; i += 1) {
    await body(i);
    // Finalizers run in turns of their own.
    if (i % 100 === 0) await new Promise(setImmediate);
  }
  return memory() - before;
}

const WORDS = `${"abandon ".repeat(23)}art`;
const at = { monoUs: 0, unixMs: 1_800_000_000_000 };

test("10,000 operations of one client leave nothing behind", async () => {
  const client = new Client(at, token, Vault.create(), { entry: ["127.0.0.1:9"] });
  let [monoUs, ended] = [0, 0];
  const grown = await growth(10_000, () => {
    monoUs += 1_000_000_000;
    const later = { monoUs, unixMs: at.unixMs };
    client.store(later, "key");
    for (const output of client.outputs()) {
      if (output.type === "needData") client.finish(later, output.op);
      if (output.type === "dial") client.handleDialFailed(later, output.conn);
      if (output.type === "readRows") client.handleRows(later, output.ticket, output.keys.map(() => undefined));
      if (output.type === "failed") {
        assert.equal(output.error.code, "unreachable");
        ended += 1;
      }
    }
  });
  assert.equal(ended, 11_000);
  assert.equal(grown, 0);
});

test("10,000 clients and vaults that were freed leave nothing behind", async () => {
  const grown = await growth(10_000, () => {
    const vault = Vault.fromWords(WORDS);
    const client = new Client(at, token, vault, { entry: ["127.0.0.1:9"] });
    client.status(at);
    client.free();
    vault.free();
  });
  assert.equal(grown, 0);
});

test("clients and vaults that were forgotten free themselves", async () => {
  const vault = Vault.create();
  const grown = await growth(5_000, async (i) => {
    new Client(at, token, vault, { entry: ["127.0.0.1:9"] }).status(at);
    Vault.fromWords(WORDS);
    if (i % 100 === 0) await collectGarbage();
  });
  // Some always wait for their finalizers; all of them together would take 14 MiB.
  assert.ok(grown <= 2 << 20, `${grown} bytes`);
});

test("sealing and opening takes the same memory whatever the size", async () => {
  const vault = Vault.create();
  async function* megabytes(count) {
    const bytes = new Uint8Array(1 << 20);
    for (let i = 0; i < count; i += 1) {
      globalThis.crypto.getRandomValues(bytes.subarray(0, 65536));
      bytes[70_000] = i;
      yield bytes;
    }
  }
  const pass = async (count) => {
    const blobs = new Map();
    let record;
    for await (const part of seal(vault, "a", megabytes(count), { token })) {
      if (part.type === "blob") blobs.set(part.id, part.data);
      else record = part.data;
    }
    let length = 0;
    for await (const part of open(vault, record, (id) => blobs.get(id), { token })) length += part.length;
    assert.equal(length, count << 20);
  };
  await pass(40);
  const before = memory();
  await pass(120);
  assert.equal(memory() - before, 0);
});

/** Collects all garbage, and lets the finalizers of it run. */
async function collectGarbage() {
  gc();
  await new Promise((resolve) => setTimeout(resolve, 1));
}
