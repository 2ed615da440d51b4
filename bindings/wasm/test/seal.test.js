// Encrypting and opening whole files without a network.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { before, test } from "node:test";
import { Readable } from "node:stream";

import { BadValueError, DamagedError, Vault, open, seal } from "quantumsync";

import { pattern, startNode } from "./network.js";

let token;
before(async () => {
  const node = await startNode();
  token = node.token;
  await node.stop();
});

/** Seals a content: its blobs by id, and its record. */
async function sealed(vault, key, content, options) {
  const blobs = new Map();
  let record;
  for await (const part of seal(vault, key, content, { token, ...options })) {
    if (part.type === "blob") blobs.set(part.id, part.data);
    else record = part;
  }
  return { blobs, record };
}

async function contentOf(parts) {
  const all = [];
  for await (const part of parts) all.push(part);
  return Buffer.concat(all);
}

test("what is sealed opens again, whatever its size", async () => {
  const vault = Vault.create();
  for (const size of [0, 1, 16384, 16385, 300_000, 9_000_000]) {
    const content = pattern(size, size);
    const { blobs, record } = await sealed(vault, "é/file", content, { modifiedMs: 7 });
    assert.equal(blobs.size > 0, size > 16384);
    for (const [id, blob] of blobs) {
      assert.equal(createHash("sha256").update(blob).digest("hex"), id);
      assert.ok(blob.length <= 4 << 20);
    }
    const file = open(vault, record.data, (id) => blobs.get(id), { token, key: "é/file" });
    const { modifiedMs, version, expiresMs } = file.info;
    assert.deepEqual([file.info.key, file.info.size, modifiedMs, version], ["é/file", size, 7, record.version]);
    assert.equal(expiresMs, undefined);
    assert.ok(Buffer.compare(await contentOf(file), content) === 0);
    assert.ok(Buffer.compare(await contentOf(file.stream()), content) === 0, "it reads twice, also as a stream");
  }
});

test("the same file gives the same blobs however it comes in, and the same record with the same settings", async () => {
  const [vault, content] = [Vault.create(), pattern(3_000_000, 1)];
  const settings = { device: new Uint8Array(32), nowMs: 1_800_000_000_000 };
  const whole = await sealed(vault, "a", content, settings);
  const cut = (size) => Array.from({ length: Math.ceil(content.length / size) }, (_, i) => content.subarray(i * size, (i + 1) * size));
  const ways = [content.buffer, new DataView(content.buffer), new Blob([content]), new Blob([content]).stream()];
  for (const way of [...ways, cut(999), Readable.from(cut(65536)), ReadableStream.from(cut(1 << 20))]) {
    const other = await sealed(vault, "a", way, settings);
    assert.deepEqual([...other.blobs.keys()], [...whole.blobs.keys()]);
    assert.deepEqual(other.record, whole.record);
  }
  assert.notDeepEqual((await sealed(vault, "a", content)).record.version, whole.record.version);
});

test("a newer version is above the one that it replaces, even when the clock stands still", async () => {
  const [vault, settings] = [Vault.create(), { nowMs: 1_800_000_000_000 }];
  const first = await sealed(vault, "a", new Uint8Array(1), settings);
  const second = await sealed(vault, "a", new Uint8Array(1), { ...settings, replaces: first.record.version });
  assert.ok(second.record.version > first.record.version);
});

test("altered blobs and records are refused, and so are those of others", async () => {
  const [vault, other, content] = [Vault.create(), Vault.create(), pattern(100_000, 2)];
  const { blobs, record } = await sealed(vault, "a", content);
  const altered = (bytes, at) => bytes.map((byte, i) => (i === at ? byte ^ 1 : byte));
  const damaged = { code: "damaged", constructor: DamagedError };
  for (const at of [0, 1, 100, record.data.length - 1]) {
    assert.throws(() => open(vault, altered(record.data, at), () => {}, { token }), damaged);
  }
  assert.throws(() => open(vault, new Uint8Array(1 << 20), () => {}, { token }), damaged);
  assert.throws(() => open(other, record.data, () => {}, { token }), { code: "wrong_key" });
  assert.throws(() => open(vault, record.data, () => {}, { token, key: "b" }), { code: "wrong_key" });
  for (const fetched of [(id) => altered(blobs.get(id), 5), () => new Uint8Array(), () => new Uint8Array(5 << 20)]) {
    await assert.rejects(contentOf(open(vault, record.data, fetched, { token })), damaged);
  }
  await assert.rejects(contentOf(open(vault, record.data, () => "text", { token })), BadValueError);
  const lost = async () => {
    throw new Error("lost on the way");
  };
  await assert.rejects(contentOf(open(vault, record.data, lost, { token })), { message: "lost on the way" });
});

test("keys, contents and options of a wrong kind are refused before anything is read", async () => {
  const vault = Vault.create();
  const bad = { code: "bad_value", constructor: BadValueError };
  for (const content of [undefined, null, 7, "text", {}]) assert.throws(() => seal(vault, "a", content, { token }), bad);
  for (const key of [undefined, 7, "\ud800"]) assert.throws(() => seal(vault, key, [], { token }), bad);
  for (const key of ["", "a\0b", "k".repeat(1025), "k".repeat(1 << 22)]) {
    assert.throws(() => seal(vault, key, [], { token }), { code: "bad_key" });
  }
  assert.throws(() => seal({}, "a", [], { token }), bad);
  assert.throws(() => seal(vault, "a", [], {}), bad);
  assert.throws(() => seal(vault, "a", [], { token: "qs1aaaa" }), { code: "bad_token" });
  assert.throws(() => seal(vault, "a", [], { token, device: new Uint8Array(31) }), bad);
  assert.throws(() => seal(vault, "a", [], { token, replaces: "not a version" }), bad);
  assert.throws(() => seal(vault, "a", [], { token, nowMs: Number.MAX_SAFE_INTEGER }), { code: "clock" });
  await assert.rejects(sealed(vault, "a", ["text"]), bad);
});

test("who stops in the middle lets go of the source", async () => {
  let left = false;
  async function* source() {
    try {
      for (;;) yield new Uint8Array(1 << 20).fill(1);
    } finally {
      left = true;
    }
  }
  for await (const part of seal(Vault.create(), "a", source(), { token })) {
    assert.equal(part.type, "blob");
    break;
  }
  assert.ok(left);
});
