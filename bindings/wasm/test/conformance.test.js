// The conformance cases, whose form is described in bindings/conformance/README.md.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

import { Client, QuantumSyncError, Vault, open, seal } from "quantumsync";

import { pattern } from "./network.js";
// Inside of the package: not for its users.
import { fromCode } from "./node_modules/quantumsync/js/errors.js";

for (const one of casesOf("vault.json")) {
  test(`vault: ${one.name}`, () => {
    const make = () => (one.words === undefined ? Vault.open(bytes(one.file), one.passphrase) : Vault.fromWords(one.words));
    if (one.error === undefined) assert.equal(make().owner, one.owner);
    else assert.throws(make, { code: one.error });
  });
}

test("errors: every code has a class of its own", () => {
  for (const { code } of casesOf("errors.json")) {
    const error = fromCode(code, "why");
    assert.equal(error.code, code);
    assert.notEqual(error.constructor, QuantumSyncError, code);
  }
});

for (const one of casesOf("client.json")) {
  test(`client: ${one.name}`, () => {
    const player = new Player(one);
    one.steps.forEach((step, i) => player.play(step, `step ${i}: ${step.call.type}`));
  });
}

for (const one of casesOf("seal.json")) {
  test(`seal: ${one.name}`, async () => {
    const [vault, content] = [Vault.fromWords(one.words), pattern(one.content.length, one.content.pattern)];
    const settings = { token: one.token, device: bytes(one.device), nowMs: one.now_ms, modifiedMs: one.modified_ms, ttlMs: one.ttl_ms };
    const [blobs, told] = [new Map(), []];
    let record;
    for await (const part of seal(vault, one.key, content, settings)) {
      if (part.type === "record") record = part.data;
      else told.push({ id: part.id, length: part.data.length }) && blobs.set(part.id, part.data);
    }
    assert.deepEqual(told, one.blobs);
    assert.equal(hex(record), one.record);
    const parts = [];
    for await (const part of open(vault, record, (id) => blobs.get(id), { token: one.token, key: one.key })) parts.push(part);
    assert.ok(Buffer.concat(parts).equals(content));
  });
}

/** Plays the steps of a case. */
class Player {
  #client;
  #conns = [];
  #tickets = [];

  constructor({ now, token, words, device, seed }) {
    const options = { device: bytes(device), seed: bytes(seed) };
    this.#client = new Client(timeOf(now), token, Vault.fromWords(words), options);
  }

  play(step, what) {
    const make = () => this.#call(timeOf(step.now), step.call);
    if (step.error === undefined) assert.equal(make(), step.op, what);
    else assert.throws(make, { code: step.error }, what);
    const outputs = [...this.#client.outputs()].map((output) => this.#show(output));
    assert.deepEqual(outputs, step.outputs, what);
    assert.equal(this.#client.pollTimeout() ?? null, step.timeout_us, what);
  }

  #call(now, call) {
    const client = this.#client;
    const [conn, ticket] = [this.#conns[call.conn], this.#tickets[call.ticket]];
    switch (call.type) {
      case "store":
        return client.store(now, call.key, { ttlMs: call.ttl_ms, modifiedMs: call.modified_ms });
      case "get":
        return client.get(now, call.key, { first: call.first, last: call.last, fresh: call.fresh });
      case "delete":
        return client.delete(now, call.key);
      case "clear":
        return client.clear(now);
      case "list":
        return client.list(now, call.prefix);
      case "status":
        return client.status(now);
      case "provide":
        return client.provide(now, call.op, call.content ? pattern(call.content.length, call.content.pattern) : bytes(call.data));
      case "finish":
        return client.finish(now, call.op);
      case "cancel":
        return client.cancel(now, call.op);
      case "consumed":
        return client.consumed(now, call.op, call.count);
      case "close":
        return client.close(now);
      case "timeout":
        return client.handleTimeout(now);
      case "connected":
        return client.handleConnected(now, conn, call.address, bytes(call.entropy));
      case "dial_failed":
        return client.handleDialFailed(now, conn);
      case "disconnected":
        return client.handleDisconnected(now, conn);
      case "received":
        return client.handleReceived(now, conn, bytes(call.data));
      case "sent":
        return client.handleSent(now, conn, call.count);
      case "rows":
        return client.handleRows(now, ticket, call.values.map((value) => value && bytes(value)));
      case "written":
        return client.handleWritten(now, ticket);
      case "disk_failed":
        return client.handleDiskFailed(now, ticket);
      case "job":
        return client.runJob(now, ticket);
      default:
        return assert.fail(`an unknown call: ${call.type}`);
    }
  }

  /** An output as the case writes it. */
  #show(output) {
    const { op } = output;
    switch (output.type) {
      case "dial":
        this.#conns.push(output.conn);
        return { type: "dial", conn: this.#conns.indexOf(output.conn), address: output.address };
      case "send":
        return { type: "send", conn: this.#conns.indexOf(output.conn), data: hex(output.data) };
      case "close":
        return { type: "close", conn: this.#conns.indexOf(output.conn) };
      case "readRows":
        return { type: "read_rows", ticket: this.#numberOf(output.ticket), keys: output.keys.map(hex) };
      case "writeRows": {
        const rows = output.rows.map(({ key, value }) => [hex(key), value === undefined ? null : hex(value)]);
        return { type: "write_rows", ticket: this.#numberOf(output.ticket), rows };
      }
      case "job":
        return { type: "job", ticket: this.#numberOf(output.ticket) };
      case "connected":
        return { type: "connected", node: output.node, address: output.address };
      case "disconnected":
        return { type: "disconnected", error: output.error?.code ?? null };
      case "needData":
        return { type: "need_data", op, max: output.max };
      case "found":
        return { type: "found", op, file: fileOf(output.info) };
      case "data":
        return { type: "data", op, offset: output.offset, data: hex(output.data) };
      case "entries":
        return { type: "entries", op, files: output.files.map(fileOf) };
      case "done":
        return { type: "done", op, result: resultOf(output.result) };
      case "failed":
        return { type: "failed", op, error: output.error.code };
      default:
        return assert.fail(`an unknown output: ${output.type}`);
    }
  }

  #numberOf(ticket) {
    return this.#tickets.push(ticket) - 1;
  }
}

function casesOf(file) {
  const { format, cases } = JSON.parse(readFileSync(join(process.env.QUANTUMSYNC_CONFORMANCE, file), "utf8"));
  assert.equal(format, 1);
  assert.ok(cases.length > 0);
  return cases;
}

function fileOf({ key, size, modifiedMs, version, expiresMs }) {
  return { key, size, modified_ms: modifiedMs, version, expires_ms: expiresMs ?? null };
}

function resultOf({ type, ...result }) {
  switch (type) {
    case "stored": {
      const { sentBytes, ...rest } = result;
      return { ...rest, sent_bytes: sentBytes };
    }
    case "got":
      return { ...result, sources: result.sources.map(({ node, bytes }) => [node, bytes]) };
    default:
      return result;
  }
}

function timeOf([monoUs, unixMs]) {
  return { monoUs, unixMs };
}

function bytes(digits) {
  return new Uint8Array(Buffer.from(digits, "hex"));
}

function hex(data) {
  return Buffer.from(data).toString("hex");
}
