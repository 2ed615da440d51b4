// Real nodes on loopback, at ports that the system chooses, and clients of them.

import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";

import { Vault, connect } from "quantumsync";

/** The real program, as a user has it. */
const PROGRAM = process.env.QUANTUMSYNC_PROGRAM ?? "quantumsync";

/** Runs the program in a home: what it wrote. */
export function quantumsync(home, ...words) {
  return execFileSync(PROGRAM, ["--home", home, "--json", ...words], { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
}

/** An empty folder that is removed when the process ends. */
export function folder() {
  const path = mkdtempSync(join(tmpdir(), "quantumsync-"));
  process.on("exit", () => rmSync(path, { recursive: true, force: true }));
  return path;
}

/** Starts a node of a new network: where it is, a token for its clients, and how to end it. */
export async function startNode({ volatile = true } = {}) {
  const home = folder();
  const words = ["--home", home, "--json", "node", "--listen", "127.0.0.1:0", ...(volatile ? ["--volatile"] : [])];
  const child = spawn(PROGRAM, words, { stdio: ["ignore", "pipe", "inherit"] });
  process.on("exit", () => child.kill("SIGKILL"));
  const [line] = await once(createInterface(child.stdout), "line");
  const { addr: address, node } = JSON.parse(line);
  const { token } = JSON.parse(quantumsync(home, "invite"));
  const stop = async (signal) => {
    child.kill(signal);
    if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
  };
  return { home, address, node, token, stop };
}

/** A client with a vault of its own, closed when the test ends. */
export async function connected(test, { address, token }, vault = Vault.create()) {
  const client = await connect(address, { token, vault });
  test.after(() => client.close());
  return client;
}

/** The address of something that takes connections and does with them what it is told. */
export async function peer(test, onConnection = () => {}) {
  const sockets = new Set();
  const server = createServer((socket) => {
    sockets.add(socket.on("error", () => {}));
    onConnection(socket);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  test.after(() => {
    sockets.forEach((socket) => socket.destroy());
    server.close();
  });
  return `127.0.0.1:${server.address().port}`;
}

/** The pseudo-random bytes of the conformance cases: see bindings/conformance/README.md. */
export function pattern(length, seed) {
  const bytes = new Uint8Array(length);
  let state = seed;
  for (let i = 0; i < length; i += 1) {
    state = (Math.imul(state, 1103515245) + 12345) & 0x7fffffff;
    bytes[i] = state >> 16;
  }
  return bytes;
}
