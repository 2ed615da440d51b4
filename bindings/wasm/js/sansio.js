// The client as a state machine without any I/O: it is told what happened, and says what it wants done. Whoever does that is
// its driver: `driver.js` is one for the sockets of Node.js, the README has one in 60 lines.

import * as native from "../native/quantumsync.js";
import { bad, bytes, maybe, options as optionsOf, random, text, whole } from "./check.js";
import { Handle, use } from "./handle.js";
import { vaultOf } from "./vault.js";

/** The time by the system's clocks. */
export function now() {
  return { monoUs: Math.floor(performance.now() * 1000), unixMs: Date.now() };
}

/** The table of versions seen, in memory. */
export class MemoryRows {
  #rows = new Map();

  read(keys) {
    return keys.map((key) => this.#rows.get(String.fromCharCode(...key)));
  }

  write(rows) {
    for (const { key, value } of rows) {
      if (value === undefined) this.#rows.delete(String.fromCharCode(...key));
      else this.#rows.set(String.fromCharCode(...key), value);
    }
  }
}

export class Client extends Handle {
  constructor(now, token, vault, options) {
    const given = optionsOf(options);
    const clocks = clocksOf(now);
    const entry = entriesOf(given.entry ?? []);
    const device = maybe(bytes, given.device, "a device's secret") ?? random(32);
    const seed = maybe(bytes, given.seed, "a seed") ?? random(32);
    text(token, "a token");
    const keys = maybe(vaultOf, vault);
    super(() => {
      const own = keys && use(keys, (inner) => inner.share());
      return new native.Machine(...clocks, token, own, entry, device, seed);
    });
  }

  store(now, key, options) {
    const given = optionsOf(options);
    const ttlMs = maybe(whole, given.ttlMs, "a time to live");
    const modifiedMs = maybe(whole, given.modifiedMs, "a time");
    return call(this, now, "store", text(key, "a key"), ttlMs, modifiedMs);
  }

  get(now, key, options) {
    const given = optionsOf(options);
    const first = maybe(whole, given.first, "a first byte");
    const last = maybe(whole, given.last, "a last byte");
    return call(this, now, "get", text(key, "a key"), first, last, given.fresh === true);
  }

  delete(now, key) {
    return call(this, now, "delete", text(key, "a key"));
  }

  clear(now) {
    return call(this, now, "clear");
  }

  list(now, prefix = "") {
    return call(this, now, "list", text(prefix, "a prefix"));
  }

  status(now) {
    return call(this, now, "status");
  }

  provide(now, op, data) {
    call(this, now, "provide", operation(op), bytes(data, "data"));
  }

  finish(now, op) {
    call(this, now, "finish", operation(op));
  }

  consumed(now, op, count) {
    call(this, now, "consumed", operation(op), whole(count, "a count"));
  }

  cancel(now, op) {
    call(this, now, "cancel", operation(op));
  }

  close(now) {
    call(this, now, "close");
  }

  handleTimeout(now) {
    call(this, now, "handleTimeout");
  }

  handleConnected(now, conn, remote, entropy) {
    const fresh = maybe(bytes, entropy, "entropy") ?? random(32);
    call(this, now, "handleConnected", link(conn), text(remote, "an address"), fresh);
  }

  handleDialFailed(now, conn) {
    call(this, now, "handleDialFailed", link(conn));
  }

  handleReceived(now, conn, data) {
    call(this, now, "handleReceived", link(conn), bytes(data, "data"));
  }

  handleSent(now, conn, count) {
    call(this, now, "handleSent", link(conn), whole(count, "a count"));
  }

  handleDisconnected(now, conn) {
    call(this, now, "handleDisconnected", link(conn));
  }

  handleRows(now, ticket, values) {
    if (!Array.isArray(values)) throw bad("the values of rows are an array");
    const rows = values.map((value) => maybe(bytes, value, "the value of a row"));
    call(this, now, "handleRows", ticketOf(ticket), rows);
  }

  handleWritten(now, ticket) {
    call(this, now, "handleWritten", ticketOf(ticket));
  }

  handleDiskFailed(now, ticket) {
    call(this, now, "handleDiskFailed", ticketOf(ticket));
  }

  runJob(now, ticket) {
    call(this, now, "runJob", ticketOf(ticket));
  }

  pollOutput() {
    return use(this, (machine) => machine.pollOutput());
  }

  pollTimeout() {
    return use(this, (machine) => machine.pollTimeout());
  }

  *outputs() {
    let output;
    while ((output = this.pollOutput()) !== undefined) yield output;
  }
}

function call(client, now, method, ...values) {
  const clocks = clocksOf(now);
  return use(client, (machine) => machine[method](...clocks, ...values));
}

function clocksOf(now) {
  if (typeof now !== "object" || now === null) throw bad("the time is an object { monoUs, unixMs }");
  return [whole(now.monoUs, "a monotonic clock"), whole(now.unixMs, "a wall clock")];
}

/** Ids and addresses in turn, of texts `[NODEID@]IP:PORT`. */
function entriesOf(entry) {
  if (!Array.isArray(entry)) throw bad("the nodes to enter by are an array");
  return entry.flatMap((node) => {
    const [address, id = ""] = text(node, "a node to enter by").split("@").reverse();
    return [id, address];
  });
}

const operation = (op) => whole(op, "an operation");
const link = (conn) => whole(conn, "a link");
const ticketOf = (ticket) => whole(ticket, "a ticket");
