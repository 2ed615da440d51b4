/// <reference types="node" />

/** What there is in Node.js beside all of `index.d.ts`: a client over its sockets. */

import type { Bytes, Content, FileInfo, GetOptions, OwnBytes, Status, Stored, StoreOptions, Vault, Written } from "./index.js";

export * from "./index.js";

/** Ends an operation early: `AbortSignal.timeout(5000)`. It rejects with the signal's reason. */
export interface Abortable {
  signal?: AbortSignal | undefined;
}

/** Called with the number of bytes that have moved so far. */
export interface Observed {
  onProgress?: ((bytes: number) => void) | undefined;
}

export interface ConnectOptions extends Abortable {
  /** What `quantumsync invite` prints. */
  token: string;
  vault: Vault;
  /** 32 secret bytes that tell this device's versions from others', the same from one start to the next. Random unless given. */
  device?: Bytes | undefined;
}

/** A user's files in the network of this node, `[NODEID@]HOST:PORT`; without an address, of the token's. */
export declare function connect(address: string | null | undefined, options: ConnectOptions): Promise<Connection>;

/**
 * A user's files in a network. The link is made again whenever it is needed. Versions seen are remembered as long as it lives. It
 * keeps the process alive until it is closed.
 */
export declare class Connection {
  private constructor();
  /** Stores a file, in the same memory whatever the size. */
  store(key: string, content: Content, options?: StoreOptions & Abortable & Observed): Promise<Stored>;
  /** A file's content, or its bytes from `first` to `last`. */
  get(key: string, options?: GetOptions & Abortable & Observed): Promise<Buffer>;
  /** The same as a stream, in the same memory whatever the size. */
  stream(key: string, options?: GetOptions & Abortable & Observed): ReadableStream<OwnBytes>;
  /** What is known of a file without its content. */
  info(key: string, options?: Abortable): Promise<FileInfo>;
  /** The files whose key begins with `prefix`, unsorted. */
  list(prefix?: string, options?: Abortable): AsyncGenerator<FileInfo, void, void>;
  /** Deletes a file everywhere, also from peers that are away just now. */
  delete(key: string, options?: Abortable): Promise<Written>;
  /** Deletes everything of this vault everywhere. */
  clear(options?: Abortable): Promise<Written>;
  /** What the entry node is and holds. */
  status(options?: Abortable): Promise<Status>;
  get closed(): boolean;
  /** Cancels what is under way and closes the link. */
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}
