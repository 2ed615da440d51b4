// What a user writes in TypeScript, under its strictest settings. Never run: only its types are checked.

import {
  Client,
  type ClientEvent,
  Connection,
  type Effect,
  type FileInfo,
  NotFoundError,
  QuantumSyncError,
  Vault,
  connect,
  now,
  open,
  seal,
} from "quantumsync";

export async function upload(file: Blob, token: string): Promise<string> {
  using vault = Vault.open(await file.arrayBuffer(), "a passphrase");
  let version: string | undefined;
  for await (const part of seal(vault, "key", file.stream(), { token, ttlMs: 60_000 })) {
    const name: string = part.type === "blob" ? part.id : part.version;
    await fetch(`/${name}`, { method: "PUT", body: part.data });
    if (part.type === "record") version = part.version;
  }
  if (version === undefined) throw new Error("the record is the last part");
  return version;
}

export async function download(vault: Vault, record: Uint8Array, token: string): Promise<Response> {
  const file = open(vault, record, async (id) => (await fetch(`/${id}`)).arrayBuffer(), { token, key: "key" });
  const info: FileInfo = file.info;
  for await (const part of file) console.log(part.byteLength, info.expiresMs?.toFixed());
  return new Response(file.stream());
}

export async function files(token: string, signal: AbortSignal): Promise<number | undefined> {
  await using client: Connection = await connect("localhost:4270", { token, vault: Vault.create(), signal });
  const { copies, wanted } = await client.store("key", [new Uint8Array(3)], { modifiedMs: 5, onProgress: console.log });
  const part: Buffer = await client.get("key", { first: 1, last: 2, fresh: true });
  for await (const { key, size } of client.list("prefix/", { signal })) console.log(key, size, copies < wanted, part);
  try {
    await client.delete("key");
  } catch (error) {
    if (error instanceof NotFoundError) return undefined;
    if (error instanceof QuantumSyncError) console.log(error.code.length, error.message);
    throw error;
  }
  return (await client.status()).freeBytes;
}

/** Every output is of a kind that is known here. */
export function perform(client: Client, output: Effect | ClientEvent): number | undefined {
  switch (output.type) {
    case "dial":
      return client.handleConnected(now(), output.conn, output.address), undefined;
    case "send":
      return client.handleSent(now(), output.conn, output.data.length), undefined;
    case "close":
      return client.handleDisconnected(now(), output.conn), undefined;
    case "readRows":
      return client.handleRows(now(), output.ticket, output.keys.map(() => undefined)), undefined;
    case "writeRows":
      return client.handleWritten(now(), output.ticket), undefined;
    case "job":
      return client.runJob(now(), output.ticket), undefined;
    case "needData":
      return client.provide(now(), output.op, new Uint8Array(output.max)), undefined;
    case "data":
      return client.consumed(now(), output.op, output.data.length), undefined;
    case "entries":
      return client.consumed(now(), output.op, output.files.length), undefined;
    case "found":
      return output.info.size;
    case "connected":
    case "disconnected":
      return undefined;
    case "done":
      return output.result.type === "got" ? output.result.size : undefined;
    case "failed":
      throw output.error;
    default:
      return output satisfies never;
  }
}

// @ts-expect-error A vault is made by its static methods.
new Vault();
// @ts-expect-error A token is needed.
seal(Vault.create(), "key", []);
// @ts-expect-error A text is no content.
seal(Vault.create(), "key", "text", { token: "" });
// @ts-expect-error The time is an object.
new Client(0, "token").status(0);
