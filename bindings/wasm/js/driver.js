// Drives the sans-IO client with the sockets, timers and event loop of Node.js. Knows nothing of files.

import { connect } from "node:net";

import { fromCode } from "./errors.js";
import { MemoryRows, now } from "./sansio.js";

/** Milliseconds that a link which is closed has for what was sent on it before. */
const FLUSH_MS = 1000;
/** The longest that a timer of Node.js can wait. */
const LONGEST_MS = 2 ** 31 - 1;

export class Driver {
  #machine;
  #rows = new MemoryRows();
  #links = new Map();
  #events = new Map();
  #timer;
  #performing = false;
  #closed = false;

  constructor(machine) {
    this.#machine = machine;
  }

  /** Begins an operation: the queue of its events. */
  begin(command, ...values) {
    const op = this.#call(command, values, false);
    const queue = new Queue(op);
    this.#events.set(op, queue);
    this.#perform();
    return queue;
  }

  /** Calls a method of the machine with the time, and performs what it wants then. */
  call(method, ...values) {
    return this.#call(method, values, true);
  }

  /** Calls a method for an operation, unless that has ended: false then. */
  answer(method, op, ...values) {
    if (this.#events.get(op)?.ended !== false) return false;
    this.call(method, op, ...values);
    return true;
  }

  /** Calls this, instead of what was given before, when an operation has ended. */
  whenEnded(op, callback) {
    this.#events.get(op)?.whenEnded(callback);
  }

  /** Nobody waits for this operation any more. */
  forget({ op, ended }) {
    if (!ended && !this.#closed) this.call("cancel", op);
    this.#events.delete(op);
  }

  /** Closes the machine, and waits for its links to be gone. */
  async close() {
    if (!this.#closed) {
      this.call("close");
      this.#end(fromCode("cancelled", "the client was closed"));
    }
    await Promise.all([...this.#links.values()].map((link) => link.gone));
  }

  get closed() {
    return this.#closed;
  }

  #call(method, values, perform) {
    if (this.#closed) throw fromCode("closed", "this client is closed");
    const came = this.#machine[method](now(), ...values);
    if (perform) this.#perform();
    return came;
  }

  /** The same for what happens by itself: there is no caller to see an error. */
  #tell(method, ...values) {
    if (this.#closed) return;
    try {
      this.call(method, ...values);
    } catch (error) {
      this.#end(error);
      for (const link of this.#links.values()) link.close();
    }
  }

  #perform() {
    // What is performed may call the machine again: the outermost loop takes all outputs.
    if (this.#performing) return;
    this.#performing = true;
    try {
      for (const output of this.#machine.outputs()) this.#performOne(output);
    } finally {
      this.#performing = false;
    }
    this.#setTimer();
  }

  #performOne(output) {
    switch (output.type) {
      case "dial":
        return this.#dial(output.conn, output.address);
      case "send":
        return this.#links.get(output.conn).send(output.data);
      case "close":
        return this.#links.get(output.conn).close();
      case "readRows":
        return this.call("handleRows", output.ticket, this.#rows.read(output.keys));
      case "writeRows":
        this.#rows.write(output.rows);
        return this.call("handleWritten", output.ticket);
      case "job":
        // In its turn, so that sockets have theirs between two pieces.
        return setImmediate(() => this.#tell("runJob", output.ticket));
      case "connected":
      case "disconnected":
        return undefined;
      default:
        return this.#events.get(output.op)?.push(output);
    }
  }

  #dial(conn, address) {
    const tell = (method, ...values) => {
      if (method === "handleDisconnected" || method === "handleDialFailed") this.#links.delete(conn);
      this.#tell(method, conn, ...values);
    };
    this.#links.set(conn, new Link(address, tell));
  }

  #setTimer() {
    clearTimeout(this.#timer);
    const due = this.#closed ? undefined : this.#machine.pollTimeout();
    if (due === undefined) return;
    const wait = Math.ceil(Math.max(0, due - now().monoUs) / 1000);
    this.#timer = setTimeout(() => this.#tell("handleTimeout"), Math.min(wait, LONGEST_MS));
  }

  /** Nothing more is done for the machine; operations that wait end with this error. */
  #end(error) {
    this.#closed = true;
    clearTimeout(this.#timer);
    for (const queue of this.#events.values()) queue.push({ type: "failed", op: queue.op, error });
    this.#machine.free();
  }
}

/** One link, from its dial to its end. */
class Link {
  #socket;
  #tell;
  #ended;

  constructor(address, tell) {
    this.gone = new Promise((resolve) => {
      this.#ended = resolve;
    });
    this.#tell = tell;
    const [, host, port] = /^\[?([^\]]*)\]?:(\d+)$/.exec(address);
    this.#socket = connect({ host, port: Number(port), noDelay: true });
    let notThere = "handleDialFailed";
    this.#socket
      .on("connect", () => {
        notThere = "handleDisconnected";
        tell("handleConnected", address);
      })
      .on("data", (data) => tell("handleReceived", data))
      // `close` follows and says it all.
      .on("error", () => {})
      .on("close", () => {
        // A machine that has closed a link which did not stand yet waits for its end, too.
        tell(this.closing ? "handleDisconnected" : notThere);
        this.#ended();
      });
  }

  send(data) {
    this.#socket.write(data, (error) => {
      if (!error) this.#tell("handleSent", data.length);
    });
  }

  close() {
    this.closing = true;
    if (this.#socket.connecting) this.#socket.destroy();
    else this.#socket.end();
    setTimeout(() => this.#socket.destroy(), FLUSH_MS).unref();
  }
}

/** The events of one operation, in order. */
class Queue {
  ended = false;
  #events = [];
  #wake = () => {};
  #onEnd = () => {};

  constructor(op) {
    this.op = op;
  }

  push(event) {
    if (this.ended) return;
    this.ended = event.type === "done" || event.type === "failed";
    this.#events.push(event);
    this.#wake();
    if (this.ended) this.#onEnd();
  }

  whenEnded(callback) {
    this.#onEnd = callback;
    if (this.ended) callback();
  }

  /** The next event, as soon as there is one. */
  async next() {
    while (this.#events.length === 0) {
      await new Promise((resolve) => {
        this.#wake = resolve;
      });
    }
    return this.#events.shift();
  }
}
