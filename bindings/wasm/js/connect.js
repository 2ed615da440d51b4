// A user's files in a network, for Node.js: operations with `await`, over a driver of sockets.

import { lookup } from "node:dns/promises";
import { isIP } from "node:net";

import { bad, maybe, options as optionsOf, text } from "./check.js";
import { portions, streamOf } from "./content.js";
import { Driver } from "./driver.js";
import { fromCode } from "./errors.js";
import { asyncDispose } from "./handle.js";
import { Client, now } from "./sansio.js";
import { vaultOf } from "./vault.js";

export async function connect(address, options) {
  const given = optionsOf(options);
  const entry = maybe(text, address, "an address") === undefined ? [] : [await resolved(address)];
  const client = new Client(now(), given.token, vaultOf(given.vault), { entry, device: given.device });
  const connection = new Connection(new Driver(client));
  try {
    await connection.status({ signal: given.signal });
  } catch (error) {
    await connection.close();
    throw error;
  }
  return connection;
}

export class Connection {
  #driver;

  constructor(driver) {
    if (!(driver instanceof Driver)) throw bad("use connect()");
    this.#driver = driver;
  }

  async store(key, content, options) {
    const { signal, onProgress, ...given } = optionsOf(options);
    const source = portions(content);
    try {
      const running = this.#run("store", [key, given], signal);
      return await resultOf(running, this.#feeder(source, signal, onProgress));
    } finally {
      // Not awaited: a source that is silent would keep it.
      source.return().catch(() => {});
    }
  }

  async get(key, options) {
    const parts = [];
    for await (const part of this.#portions(key, options)) parts.push(part);
    return Buffer.concat(parts);
  }

  stream(key, options) {
    return streamOf(this.#portions(key, options));
  }

  async info(key, options) {
    const { signal } = optionsOf(options);
    for await (const event of this.#run("get", [key, {}], signal)) {
      if (event.type === "found") return event.info;
    }
    throw fromCode("internal", "a get ended well and found nothing");
  }

  async *list(prefix, options) {
    const { signal } = optionsOf(options);
    for await (const event of this.#run("list", [prefix], signal)) {
      if (event.type !== "entries") continue;
      yield* event.files;
      this.#driver.answer("consumed", event.op, event.files.length);
    }
  }

  delete(key, options) {
    return resultOf(this.#run("delete", [key], optionsOf(options).signal));
  }

  clear(options) {
    return resultOf(this.#run("clear", [], optionsOf(options).signal));
  }

  status(options) {
    return resultOf(this.#run("status", [], optionsOf(options).signal));
  }

  get closed() {
    return this.#driver.closed;
  }

  async close() {
    await this.#driver.close();
  }

  async [asyncDispose]() {
    await this.close();
  }

  async *#portions(key, options) {
    const { signal, onProgress, ...given } = optionsOf(options);
    let done = 0;
    for await (const event of this.#run("get", [key, given], signal)) {
      if (event.type !== "data") continue;
      yield event.data;
      done += event.data.length;
      onProgress?.(done);
      this.#driver.answer("consumed", event.op, event.data.length);
    }
  }

  /** What answers `needData` from a source. */
  #feeder(source, signal, onProgress) {
    let [rest, done] = [new Uint8Array(0), 0];
    return async ({ type, op, max }) => {
      let room = type === "needData" ? max : 0;
      while (room > 0) {
        if (rest.length === 0) {
          const next = await unlessAborted(this.#unlessEnded(op, source.next()), signal);
          // Ended meanwhile: how, its last event tells.
          if (next.done) return this.#driver.answer("finish", op);
          rest = next.value;
          continue;
        }
        const part = rest.subarray(0, room);
        if (!this.#driver.answer("provide", op, part)) return false;
        rest = rest.subarray(part.length);
        room -= part.length;
        done += part.length;
        onProgress?.(done);
      }
      return true;
    };
  }

  /** The next portion of a source; none if the operation ends before it comes. */
  #unlessEnded(op, portion) {
    return new Promise((resolve, reject) => {
      this.#driver.whenEnded(op, () => resolve({ done: true }));
      portion.then(resolve, reject);
    });
  }

  /** The events of one operation, and at last its result. Left before its end, it is cancelled. */
  async *#run(command, values, signal) {
    signal?.throwIfAborted();
    const queue = this.#driver.begin(command, ...values);
    try {
      for (;;) {
        const event = await unlessAborted(queue.next(), signal);
        if (event.type === "failed") throw event.error;
        if (event.type === "done") return event.result;
        yield event;
      }
    } finally {
      this.#driver.forget(queue);
    }
  }
}

/** Runs an operation to its end: its result. */
async function resultOf(running, onEvent) {
  try {
    for (;;) {
      const { done, value } = await running.next();
      if (done) return value;
      await onEvent?.(value);
    }
  } finally {
    await running.return();
  }
}

function unlessAborted(promise, signal) {
  if (signal === undefined) return promise;
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason);
    if (signal.aborted) return abort();
    signal.addEventListener("abort", abort, { once: true });
    return promise.then(resolve, reject).finally(() => signal.removeEventListener("abort", abort));
  });
}

/** The same address with its host as a number: `[NODEID@]IP:PORT`. */
async function resolved(address) {
  const [, id = "", bracketed, plain, port] = /^([^@]*@)?(?:\[([^\]]*)\]|([^:]*)):(\d+)$/.exec(address) ?? [];
  if (port === undefined) throw bad("an address has the form [NODEID@]HOST:PORT");
  const host = bracketed ?? (plain || "127.0.0.1");
  let ip = host;
  if (isIP(host) === 0) {
    try {
      ip = (await lookup(host)).address;
    } catch (error) {
      throw Object.assign(fromCode("unreachable", `cannot resolve ${host}`), { cause: error });
    }
  }
  return isIP(ip) === 6 ? `${id}[${ip}]:${port}` : `${id}${ip}:${port}`;
}
