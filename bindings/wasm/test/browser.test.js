// In a page of a real browser: as plain ES modules, and bundled.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { readFileSync, readdirSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { extname, join, relative } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";

import { chromium } from "playwright-core";
import { Vault } from "quantumsync";
import { build } from "vite";

import { folder, pattern, quantumsync, startNode } from "./network.js";

const HERE = fileURLToPath(new URL(".", import.meta.url));
const TYPES = { ".html": "text/html", ".js": "text/javascript", ".wasm": "application/wasm" };
const FLAGS =
  "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking --disable-component-update --disable-sync";

let browser;
before(async () => {
  const executablePath = process.env.QUANTUMSYNC_CHROMIUM ?? "/usr/bin/chromium";
  browser = await chromium.launch({ executablePath, args: FLAGS.split(" ") });
});
after(() => browser.close());

/** A page of a server for this folder; what goes wrong in it fails the test. */
async function pageOf(test, root, path) {
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url, "http://localhost");
    try {
      const body = readFileSync(join(root, pathname));
      response.writeHead(200, { "content-type": TYPES[extname(pathname)] ?? "application/octet-stream" }).end(body);
    } catch {
      response.writeHead(404).end();
    }
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  test.after(() => server.close().closeAllConnections());
  const page = await browser.newPage();
  page.on("pageerror", (error) => assert.fail(error));
  await page.goto(`http://127.0.0.1:${server.address().port}${path}`);
  return page;
}

/** Seals in a page: what `seal` gave, its data as hexadecimal digits where they are asked for. */
function sealInPage(page, settings) {
  return page.evaluate(async ({ words, key, content, options, withData }) => {
    const { Vault, seal } = await import("/node_modules/quantumsync/js/index.js");
    const hex = (bytes) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
    const bytes = Uint8Array.from(atob(content), (character) => character.charCodeAt(0));
    const given = { ...options, device: options.device && Uint8Array.from(options.device) };
    const parts = [];
    for await (const part of seal(Vault.fromWords(words), key, new Blob([bytes]).stream(), given)) {
      const hash = hex(new Uint8Array(await crypto.subtle.digest("SHA-256", part.data)));
      parts.push({ ...part, data: withData || part.type === "record" ? hex(part.data) : undefined, length: part.data.length, hash });
    }
    return parts;
  }, settings);
}

test("a page seals to the bytes of the conformance cases", async (t) => {
  const page = await pageOf(t, HERE, "/page/empty.html");
  const { cases } = JSON.parse(readFileSync(join(process.env.QUANTUMSYNC_CONFORMANCE, "seal.json"), "utf8"));
  for (const one of cases) {
    const content = Buffer.from(pattern(one.content.length, one.content.pattern)).toString("base64");
    const device = [...Buffer.from(one.device, "hex")];
    const options = { token: one.token, device, nowMs: one.now_ms, modifiedMs: one.modified_ms, ttlMs: one.ttl_ms };
    const parts = await sealInPage(page, { words: one.words, key: one.key, content, options });
    const blobs = parts.filter((part) => part.type === "blob");
    assert.deepEqual(blobs.map(({ id, length }) => ({ id, length })), one.blobs, one.name);
    assert.ok(blobs.every(({ id, hash }) => id === hash));
    assert.equal(parts.at(-1).data, one.record, one.name);
  }
});

test("a page seals to the blobs that the program has on its node's disk", async (t) => {
  const node = await startNode({ volatile: false });
  t.after(() => node.stop());
  quantumsync(node.home, "init", "--no-passphrase");
  const words = Vault.open(readFileSync(join(node.home, "vault"))).words();
  const content = Buffer.from(pattern(7_000_000, 4));
  writeFileSync(join(node.home, "file"), content);
  quantumsync(node.home, "store", join(node.home, "file"));
  // Small blobs are inside of the node's index: those of a file's pieces are files.
  const stored = blobsUnder(join(node.home, "node/blobs"));
  assert.ok(stored.size > 3);
  const page = await pageOf(t, HERE, "/page/empty.html");
  const settings = { words, key: "file", content: content.toString("base64"), options: { token: node.token }, withData: true };
  const sealed = (await sealInPage(page, settings)).filter(({ type, length }) => type === "blob" && length >= 65536);
  assert.deepEqual(new Set(sealed.map(({ id }) => id)), new Set(stored.keys()));
  for (const { id, data } of sealed) assert.ok(stored.get(id).equals(Buffer.from(data, "hex")), id);
});

test("a page has the client without any I/O, and its errors are errors of the page", async (t) => {
  const page = await pageOf(t, HERE, "/page/empty.html");
  const { cases } = JSON.parse(readFileSync(join(process.env.QUANTUMSYNC_CONFORMANCE, "client.json"), "utf8"));
  const came = await page.evaluate(async ([token, words]) => {
    const { Client, Vault, now } = await import("/node_modules/quantumsync/js/index.js");
    const client = new Client(now(), token, Vault.fromWords(words));
    client.status(now());
    const [dial] = client.outputs();
    client.handleDialFailed(now(), dial.conn);
    const [failed] = client.outputs();
    return [dial.type, failed.type, failed.error instanceof Error, failed.error.code];
  }, [cases[0].token, cases[0].words]);
  assert.deepEqual(came, ["dial", "failed", true, "unreachable"]);
});

test("a bundled page encrypts and opens", async (t) => {
  const [out, node] = [folder(), await startNode()];
  await node.stop();
  await build({ root: join(HERE, "page"), logLevel: "error", build: { outDir: out, emptyOutDir: true } });
  assert.ok(readdirSync(join(out, "assets")).some((name) => name.endsWith(".wasm")), "the module is taken along");
  const page = await pageOf(t, out, "/index.html");
  await page.waitForFunction(() => globalThis.roundTrip !== undefined);
  const words = Vault.create().words();
  const came = await page.evaluate(([...given]) => globalThis.roundTrip(...given), [words, node.token, 3_000_000]);
  assert.ok(came.blobs > 1);
  assert.deepEqual([came.same, came.size], [true, 3_000_000]);
});

/** All files under a folder by their ids, which their paths spell. */
function blobsUnder(root) {
  const blobs = new Map();
  for (const entry of readdirSync(root, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const bytes = readFileSync(join(entry.parentPath, entry.name));
    const id = createHash("sha256").update(bytes).digest("hex");
    assert.ok(relative(root, join(entry.parentPath, entry.name)).replaceAll("/", "").includes(id.slice(-32)));
    blobs.set(id, bytes);
  }
  return blobs;
}
