// The code in the README works as it stands there.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { after, before, test } from "node:test";
import { promisify } from "node:util";
import { gzipSync } from "node:zlib";

import { startNode } from "./network.js";

const README = readFileSync(new URL("README.md", import.meta.url), "utf8");
const BLOCKS = [...README.matchAll(/^```js\n(.*?)^```$/gms)].map(([, code]) => code);

let node;
before(async () => {
  node = await startNode();
});
after(() => node.stop());

/** Runs a block as a file of its own: what it wrote. */
async function run(code) {
  const file = new URL("readme_block.mjs", import.meta.url);
  writeFileSync(file, code);
  const env = { ...process.env, QUANTUMSYNC_TOKEN: node.token };
  const { stdout, stderr } = await promisify(execFile)(process.execPath, [file.pathname], { env, timeout: 60_000 });
  assert.equal(stderr, "");
  return stdout;
}

test("the README begins with an install line and ten lines that work as pasted", async () => {
  assert.match(README, /^# .*\n\n {4}.*npm install .*\n/);
  assert.equal(BLOCKS.length, 2);
  assert.ok(BLOCKS[0].split("\n").length <= 11);
  assert.equal(await run(BLOCKS[0]), "hello, peers\ngreeting 12\n");
});

test("the driver of the README has some 60 lines, and stores a file and gets it back", async () => {
  assert.ok(BLOCKS[1].split("\n").length <= 65);
  assert.equal(await run(BLOCKS[1]), "the same\n");
});

test("the README tells the module's size", () => {
  const module = readFileSync(new URL("node_modules/quantumsync/native/quantumsync_bg.wasm", import.meta.url));
  const [size, gzipped] = [module.length, gzipSync(module, { level: 9 }).length].map((bytes) => Math.round(bytes / 1024));
  const [, toldSize, toldGzipped] = README.match(/\((\d+) KiB, (\d+) KiB gzipped\)/).map(Number);
  const says = `the README says ${toldSize} KiB, ${toldGzipped} gzipped; it is ${size} KiB, ${gzipped} gzipped`;
  // Another compiler's module differs a little.
  assert.ok(Math.abs(toldSize - size) <= size / 50 && Math.abs(toldGzipped - gzipped) <= gzipped / 50, says);
  assert.ok(gzipped < 600, says);
});
