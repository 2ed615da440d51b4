// The state machine itself: misuse, hostile bytes, use after free, and what a panic leaves behind.

import assert from "node:assert/strict";
import { before, test } from "node:test";

import { BadValueError, Client, ClosedError, InternalError, QuantumSyncError, UnreachableError, Vault, now } from "quantumsync";

import { pattern, startNode } from "./network.js";
// Inside of the package: not for its users.
import { use } from "./node_modules/quantumsync/js/handle.js";

let token;
before(async () => {
  const node = await startNode();
  token = node.token;
  await node.stop();
});

const at = { monoUs: 0, unixMs: 1_800_000_000_000 };
const made = (options) => new Client(at, token, Vault.create(), { entry: ["127.0.0.1:9"], ...options });
const typesOf = (outputs) => [...outputs].map((output) => output.type);

/** A client that has dialled and said its first word. */
function begun() {
  const client = made();
  client.status(at);
  const [dial] = client.outputs();
  client.handleConnected(at, dial.conn, dial.address);
  return { client, conn: dial.conn, sent: [...client.outputs()] };
}

test("an operation dials, fails where nobody is, and says so once", () => {
  const client = made();
  const op = client.status(at);
  const [dial, ...rest] = client.outputs();
  assert.deepEqual(dial, { type: "dial", conn: dial.conn, address: "127.0.0.1:9" });
  assert.deepEqual(rest, []);
  client.handleDialFailed(at, dial.conn);
  const failed = [...client.outputs()].filter((output) => output.type === "failed");
  assert.equal(failed.length, 1);
  assert.equal(failed[0].op, op);
  assert.ok(failed[0].error instanceof UnreachableError && failed[0].error instanceof Error);
  assert.equal(failed[0].error.name, "UnreachableError");
});

test("the same settings make the same bytes", () => {
  const settings = { device: new Uint8Array(32), seed: new Uint8Array(32).fill(7) };
  const [first, second] = [1, 2].map(() => {
    const client = made(settings);
    client.status(at);
    const [dial] = client.outputs();
    client.handleConnected(at, dial.conn, dial.address, new Uint8Array(32).fill(9));
    return [...client.outputs()];
  });
  assert.equal(first[0].type, "send");
  assert.deepEqual(first, second);
});

test("what a peer sends never throws, whatever it is", () => {
  for (let seed = 0; seed < 200; seed += 1) {
    const { client, conn, sent } = begun();
    for (const output of sent) if (output.type === "send") client.handleSent(at, conn, output.data.length);
    const bytes = pattern(1 + ((seed * 97) % 5000), seed);
    try {
      client.handleReceived(at, conn, bytes);
    } catch (error) {
      // Only where the link is gone already.
      assert.equal(error.code, "misuse");
    }
    for (const output of client.outputs()) assert.notEqual(output.type, "data");
    client.free();
  }
});

test("misuse is an error by name and changes nothing", () => {
  const { client, conn } = begun();
  const misuse = { code: "misuse", constructor: BadValueError };
  assert.throws(() => client.handleReceived(at, 999, new Uint8Array(1)), misuse);
  assert.throws(() => client.handleConnected(at, conn, "127.0.0.1:9"), misuse);
  assert.throws(() => client.handleSent(at, conn, 2 ** 40), misuse);
  assert.throws(() => client.runJob(at, 999), misuse);
  assert.throws(() => client.handleWritten(at, 999), misuse);
  assert.throws(() => client.provide(at, 999, new Uint8Array(1)), misuse);
  assert.throws(() => client.consumed(at, 999, 1), misuse);
  client.cancel(at, 999);
  assert.deepEqual(typesOf(client.outputs()), []);
});

test("arguments of a wrong type are refused by name, and the client goes on", () => {
  const client = made();
  const wrong = { code: "bad_value", constructor: BadValueError };
  const times = [undefined, null, 7, {}, { monoUs: -1, unixMs: 0 }, { monoUs: 0.5, unixMs: 0 }, { monoUs: 0n, unixMs: 0 }];
  for (const time of [...times, { monoUs: NaN, unixMs: 0 }]) assert.throws(() => client.status(time), wrong);
  for (const key of [undefined, null, 7, {}, [], "\udfff"]) assert.throws(() => client.get(at, key), wrong);
  for (const data of [undefined, "text", 7, [1, 2], {}]) assert.throws(() => client.provide(at, 0, data), wrong);
  for (const number of [undefined, "0", -1, 1.5, NaN, Infinity, 2 ** 53, 1n]) {
    assert.throws(() => client.finish(at, number), wrong);
    assert.throws(() => client.handleDisconnected(at, number), wrong);
    if (number !== undefined) assert.throws(() => client.get(at, "a", { first: number }), wrong);
  }
  assert.throws(() => client.store(at, "a", 7), wrong);
  assert.throws(() => client.handleReceived(at, 0, new ArrayBuffer(2 ** 31)), wrong);
  assert.throws(() => client.get(at, "k".repeat(2 ** 28)), wrong);
  assert.throws(() => client.handleRows(at, 0, "rows"), wrong);
  assert.throws(() => new Client(at, 7), wrong);
  assert.throws(() => new Client(at, token, {}), wrong);
  assert.throws(() => made({ entry: ["nowhere"] }), wrong);
  assert.throws(() => made({ entry: ["short@127.0.0.1:9"] }), wrong);
  assert.throws(() => made({ seed: new Uint8Array(33) }), wrong);
  assert.throws(() => Client.prototype.status.call({}, at), wrong);
  assert.ok(client.status(at) > 0);
});

test("keys that cannot be are refused by the operation", () => {
  const client = made();
  for (const key of ["", "a\0", "k".repeat(1025), "k".repeat(1 << 22)]) {
    const op = client.get(at, key);
    const [failed] = [...client.outputs()].filter((output) => output.op === op);
    assert.deepEqual([failed.type, failed.error.code], ["failed", "bad_key"]);
  }
});

test("a freed client is used no more, and takes no vault with it", () => {
  const vault = Vault.create();
  const client = new Client(at, token, vault, { entry: ["127.0.0.1:9"] });
  client.free();
  for (const use of [() => client.status(at), () => client.pollOutput(), () => client.pollTimeout()]) {
    assert.throws(use, { code: "closed", constructor: ClosedError });
  }
  assert.equal(vault.words().split(" ").length, 24);
  const kept = new Client(at, token, vault, { entry: ["127.0.0.1:9"] });
  vault.free();
  assert.ok(kept.store(at, "a") > 0);
});

test("after a panic its object is dead and says so, and all others live", () => {
  const [client, other] = [made(), made()];
  const defect = { code: "internal", constructor: InternalError, message: /on purpose/ };
  assert.throws(() => use(client, (machine) => machine.panicOnPurpose()), defect);
  assert.throws(() => client.status(at), defect);
  assert.throws(() => client.pollOutput(), (error) => error instanceof QuantumSyncError);
  client.free();
  assert.ok(other.status(at) > 0);
});

test("the clocks are whole numbers that go forward", () => {
  const [first, second] = [now(), now()];
  assert.ok(Number.isInteger(first.monoUs) && Number.isInteger(first.unixMs));
  assert.ok(second.monoUs >= first.monoUs && second.unixMs >= 1_700_000_000_000);
});
