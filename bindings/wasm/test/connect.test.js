// Files in a network, over the sockets of Node.js, against real nodes.

import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Readable } from "node:stream";
import { after, before, test } from "node:test";

import { AccessError, CancelledError, ClosedError, NotFoundError, UnreachableError, Vault, connect } from "quantumsync";

import { connected, folder, pattern, peer, quantumsync, startNode } from "./network.js";

let node;
before(async () => {
  node = await startNode();
});
after(() => node.stop());

test("what is stored comes back, whatever its size, until it is deleted", async (t) => {
  const client = await connected(t, node);
  for (const size of [0, 1, 20_000, 9_000_000]) {
    const content = pattern(size, size);
    const stored = await client.store("file", content);
    assert.deepEqual([stored.type, stored.size], ["stored", size]);
    assert.ok((await client.get("file")).equals(content));
  }
  assert.equal((await client.delete("file")).type, "written");
  await assert.rejects(client.get("file"), { code: "not_found", constructor: NotFoundError });
});

test("streams go in and come out, with their progress", async (t) => {
  const client = await connected(t, node);
  const portions = Array.from({ length: 40 }, (_, i) => pattern(100_000, i));
  const content = Buffer.concat(portions);
  let [sent, received] = [0, 0];
  await client.store("a", Readable.from(portions), { onProgress: (bytes) => (sent = bytes) });
  const parts = [];
  for await (const part of client.stream("a", { onProgress: (bytes) => (received = bytes) })) parts.push(part);
  assert.ok(Buffer.concat(parts).equals(content));
  assert.deepEqual([sent, received], [content.length, content.length]);
  assert.ok((await client.get("a", { first: 1_234_567, last: 3_210_000 })).equals(content.subarray(1_234_567, 3_210_001)));
  await assert.rejects(client.get("a", { first: content.length }), { code: "bad_range" });
});

test("files are told of and listed", async (t) => {
  const client = await connected(t, node);
  const keys = Array.from({ length: 60 }, (_, i) => `list/${i}`);
  await Promise.all(keys.map((key) => client.store(key, new Uint8Array(3), { modifiedMs: 5, ttlMs: 86_400_000 })));
  await client.store("other", new Uint8Array(1));
  const listed = [];
  for await (const file of client.list("list/")) listed.push(file.key);
  assert.deepEqual(listed.sort(), keys.sort());
  const info = await client.info("list/7");
  assert.deepEqual([info.key, info.size, info.modifiedMs], ["list/7", 3, 5]);
  assert.ok(info.expiresMs > Date.now());
  await client.clear();
  await assert.rejects(client.info("other"), NotFoundError);
  assert.equal((await client.status()).node, node.node);
});

test("the program gets what JavaScript stored, and the other way round", async (t) => {
  const home = folder();
  quantumsync(home, "init", "--no-passphrase", "--join", node.token);
  const client = await connected(t, node, Vault.open(readFileSync(join(home, "vault"))));
  const content = pattern(2_500_000, 9);
  await client.store("from js", content);
  quantumsync(home, "get", "from js", "-o", join(home, "copy"));
  assert.ok(readFileSync(join(home, "copy")).equals(content));
  writeFileSync(join(home, "own"), content.subarray(7));
  quantumsync(home, "store", join(home, "own"), "--key", "from the program");
  assert.ok((await client.get("from the program")).equals(content.subarray(7)));
});

test("an aborted operation ends with the reason, and the client goes on", async (t) => {
  const client = await connected(t, node);
  async function* silent() {
    yield new Uint8Array(100_000);
    await new Promise(() => {});
  }
  const reason = new Error("enough");
  const aborting = new AbortController();
  const storing = client.store("a", silent(), { signal: aborting.signal, onProgress: () => aborting.abort(reason) });
  await assert.rejects(storing, reason);
  await assert.rejects(client.get("a", { signal: AbortSignal.abort(reason) }), reason);
  await assert.rejects(client.get("a"), NotFoundError);
  await client.store("b", pattern(9_000_000, 1));
  for await (const part of client.stream("b")) {
    assert.ok(part.length > 0);
    break;
  }
  assert.equal((await client.info("b")).size, 9_000_000);
});

test("a source that fails is a store that fails with its error", async (t) => {
  const client = await connected(t, node);
  async function* broken() {
    yield new Uint8Array(10);
    throw new Error("the disk is gone");
  }
  await assert.rejects(client.store("a", broken()), { message: "the disk is gone" });
  await assert.rejects(client.get("a"), NotFoundError);
});

test("closing ends what is under way, and a closed client is used no more", async () => {
  const client = await connect(node.address, { token: node.token, vault: Vault.create() });
  const storing = client.store("a", (async function* () {
    await new Promise(() => {});
  })());
  const ended = assert.rejects(storing, CancelledError);
  await client.close();
  await client.close();
  await ended;
  assert.ok(client.closed);
  await assert.rejects(client.get("a"), { code: "closed", constructor: ClosedError });
});

test("where nobody listens, where nobody answers and where rubbish is answered, connecting fails by name", async (t) => {
  const options = { token: node.token, vault: Vault.create() };
  const nobody = await startNode();
  await nobody.stop();
  await assert.rejects(connect(nobody.address, options), { code: "unreachable", constructor: UnreachableError });
  const rubbish = await peer(t, (socket) => socket.end(pattern(100_000, 3)));
  await assert.rejects(connect(rubbish, options), (error) => error.code !== "internal");
  const closing = await peer(t, (socket) => socket.once("data", () => socket.destroy()));
  await assert.rejects(connect(closing, options), (error) => error.code !== "internal");
  const reason = new Error("enough");
  const aborting = new AbortController();
  const silent = await peer(t, () => aborting.abort(reason));
  await assert.rejects(connect(silent, { ...options, signal: aborting.signal }), reason);
  await assert.rejects(connect("no address", options), { code: "bad_value" });
  await assert.rejects(connect("127.0.0.1:1", { ...options, token: "qs1" }), { code: "bad_token" });
  await assert.rejects(connect("127.0.0.1:1", { token: node.token }), { code: "bad_value" });
  await assert.rejects(connect("127.0.0.1:1"), { code: "bad_value" });
});

test("a token of another network is told from a node that is not there", async () => {
  const other = await startNode();
  try {
    const connecting = connect(other.address, { token: node.token, vault: Vault.create() });
    await assert.rejects(connecting, { code: "wrong_network", constructor: AccessError });
  } finally {
    await other.stop();
  }
});
