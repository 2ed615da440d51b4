/// <reference lib="esnext.disposable" />

/** End-to-end-encrypted files in a network of peers: for browsers and Node.js. Needs TypeScript 5.7 or later. */

/** Bytes, or anything that gives bytes in portions: a file of a page, a fetched body, a stream of Node.js. */
export type Content =
  | ArrayBuffer
  | ArrayBufferView
  | Blob
  | ReadableStream<Uint8Array>
  | AsyncIterable<Uint8Array>
  | Iterable<Uint8Array>;

/** Bytes that this package made: memory of their own, as `fetch` and the rest of the platform want it. */
export type OwnBytes = Uint8Array<ArrayBuffer>;

/** Bytes, whatever kind of view they are in. */
export type Bytes = ArrayBuffer | ArrayBufferView;

/** What holds memory outside of JavaScript's heap. It is freed when nothing refers to it any more, or earlier by hand. */
export declare abstract class Handle {
  protected constructor();
  /** Frees it now; any later use is a {@link ClosedError}. Twice is once. */
  free(): void;
  [Symbol.dispose](): void;
}

/** The keys of one user. Whoever has its 24 words, or its file and passphrase, has everything that is stored with it. */
export declare class Vault extends Handle {
  private constructor();
  /** A new vault. Write its {@link words} down: nothing else brings it back. */
  static create(): Vault;
  /** The vault of these 24 words. */
  static fromWords(words: string): Vault;
  /** Opens the bytes of a vault file, such as {@link save} or `quantumsync init` has written. With a passphrase it takes a second. */
  static open(file: Bytes, passphrase?: string): Vault;
  /** The bytes of a vault file; without a passphrase, whoever reads it has the vault. */
  save(passphrase?: string): OwnBytes;
  /** The 24 words that are this vault. */
  words(): string;
  /** Whose files these are: the public key that signs them, in hexadecimal digits. */
  get owner(): string;
  /** Whose it is, and no secret. */
  toString(): string;
}

/** What is known of a file without its content. */
export interface FileInfo {
  /** Its key, in Unicode's normal form C. */
  key: string;
  /** Its length in bytes. */
  size: number;
  /** When it was last modified, in Unix milliseconds, as its writer said. */
  modifiedMs: number;
  /** Its version: 32 hexadecimal digits, which sort as versions do. */
  version: string;
  /** Unix milliseconds after which it counts as deleted. */
  expiresMs: number | undefined;
}

/** One encrypted piece of a file, or of the list of its pieces. */
export interface SealedBlob {
  type: "blob";
  /** The SHA-256 of the data, in hexadecimal digits. */
  id: string;
  data: OwnBytes;
}

/** What a sealed file begins with: signed, and sealed but for its size class. The last part of a {@link seal}. */
export interface SealedRecord {
  type: "record";
  key: string;
  /** Length of the content. */
  size: number;
  version: string;
  data: OwnBytes;
}

export interface SealOptions {
  /** Of the network that the record is for: what `quantumsync invite` prints. */
  token: string;
  /** 32 secret bytes that tell this device's versions from others'. Random unless given. */
  device?: Bytes;
  /** The time of the version, in Unix milliseconds. Now unless given. */
  nowMs?: number;
  /** When the content was last modified, in Unix milliseconds. The time of the version unless given. */
  modifiedMs?: number;
  /** Milliseconds after which it counts as deleted. */
  ttlMs?: number;
  /** The version that this one replaces. */
  replaces?: string;
}

/**
 * Encrypts a whole file without a network: yields its blobs, and at last its record. Takes the same memory whatever the size. The
 * same file under the same vault gives the same blobs, here and in every other program. A file of up to 16 KiB stands in
 * its record alone.
 */
export declare function seal(
  vault: Vault,
  key: string,
  content: Content,
  options: SealOptions,
): AsyncGenerator<SealedBlob | SealedRecord, void, void>;

export interface OpenOptions {
  /** Of the network that the record is of. */
  token: string;
  /** The key that the record must be of. */
  key?: string;
}

/** Gives the blob of this id, of so many bytes. Asked for several at once. What it gives is checked. */
export type FetchBlob = (id: string, length: number) => Bytes | Promise<Bytes>;

/** Opens what {@link seal} has made. The record is checked at once, each blob as it comes. */
export declare function open(vault: Vault, record: Bytes, fetchBlob: FetchBlob, options: OpenOptions): OpenedFile;

/** A sealed file whose record was checked and opened: `for await (const part of file)`, or a stream. */
export declare class OpenedFile extends Handle implements AsyncIterable<OwnBytes> {
  private constructor();
  /** What is known of it. */
  get info(): FileInfo;
  /** Its content, in order, with constant memory. */
  [Symbol.asyncIterator](): AsyncGenerator<OwnBytes, void, void>;
  /** The same as a stream. */
  stream(): ReadableStream<OwnBytes>;
}

/** Both clocks at one moment. */
export interface Now {
  /** Microseconds of a monotonic clock. */
  monoUs: number;
  /** Milliseconds since 1970-01-01 UTC. */
  unixMs: number;
}

/** The time by the system's clocks. */
export declare function now(): Now;

/** How a store ended. With fewer copies than wanted the peers finish it when the others are back. */
export interface Stored {
  type: "stored";
  size: number;
  /** On how many peers everything is durable. */
  copies: number;
  wanted: number;
  /** Bytes that had to be sent: less than the content where peers had pieces already. */
  sentBytes: number;
  version: string;
}

/** How a get ended. */
export interface Got {
  type: "got";
  /** Bytes delivered. */
  size: number;
  /** A quorum agreed that there is nothing newer. */
  fresh: boolean;
  /** Which nodes gave how many bytes of blobs. */
  sources: { node: string; bytes: number }[];
}

/** How a delete or a clear ended. */
export interface Written {
  type: "written";
  copies: number;
  wanted: number;
  version: string;
}

/** How a list ended. */
export interface Listed {
  type: "listed";
  /** All of the network answered. */
  complete: boolean;
}

/** What a node is and holds. */
export interface Status {
  type: "status";
  node: string;
  network: string;
  address: string | undefined;
  version: string;
  uptimeMs: number;
  peersAlive: number;
  peersSuspect: number;
  peersGone: number;
  members: number;
  replicas: number;
  blobs: number;
  blobBytes: number;
  records: number;
  tombstones: number;
  copiesWanted: number;
  copiesPresent: number;
  copiesMissing: number;
  syncing: boolean;
  pendingOps: number;
  quota: number;
  freeBytes: number;
}

/** What an operation comes to. */
export type Result = Stored | Got | Written | Listed | Status;

/** What the machine tells its user. Each operation ends with one `done` or `failed`. */
export type ClientEvent =
  /** A link to an entry node is open. */
  | { type: "connected"; node: string; address: string }
  /** The link is gone; it is dialled again when an operation needs it. The error is what the node did wrong, if that is why. */
  | { type: "disconnected"; error: QuantumSyncError | undefined }
  /** A store takes so many bytes more: answer with {@link Client.provide}, at the end with {@link Client.finish}. */
  | { type: "needData"; op: number; max: number }
  /** A get has found its file; the data follow. */
  | { type: "found"; op: number; info: FileInfo }
  /** The next bytes of a file, checked: give their number back with {@link Client.consumed}. */
  | { type: "data"; op: number; offset: number; data: OwnBytes }
  /** More files of a list: give their number back with {@link Client.consumed}. */
  | { type: "entries"; op: number; files: FileInfo[] }
  | { type: "done"; op: number; result: Result }
  | { type: "failed"; op: number; error: QuantumSyncError };

/** One change to the table of versions seen; without a value the row is removed. */
export interface Row {
  key: OwnBytes;
  value: OwnBytes | undefined;
}

/** What the machine wants done, in this order. */
export type Effect =
  /** Open a link; answer {@link Client.handleConnected} or {@link Client.handleDialFailed}. */
  | { type: "dial"; conn: number; address: string }
  /** Send bytes on a link, after all earlier ones; {@link Client.handleSent} as they leave. */
  | { type: "send"; conn: number; data: OwnBytes }
  /** Send what was given before, then close; {@link Client.handleDisconnected}. */
  | { type: "close"; conn: number }
  /** Look up rows of the table of versions seen; {@link Client.handleRows}. */
  | { type: "readRows"; ticket: number; keys: OwnBytes[] }
  /** Change rows of it; {@link Client.handleWritten} or {@link Client.handleDiskFailed}. */
  | { type: "writeRows"; ticket: number; rows: Row[] }
  /** Heavy work: {@link Client.runJob}, whenever it suits. */
  | { type: "job"; ticket: number };

export interface StoreOptions {
  /** Milliseconds after which the file counts as deleted. */
  ttlMs?: number | undefined;
  /** When it was last modified, in Unix milliseconds. Now unless given. */
  modifiedMs?: number | undefined;
}

export interface GetOptions {
  /** First byte. */
  first?: number | undefined;
  /** Last byte, included. */
  last?: number | undefined;
  /** Fail rather than take a version of which too few peers are sure that it is the newest. */
  fresh?: boolean | undefined;
}

export interface ClientOptions {
  /** Nodes to enter by, each `[NODEID@]IP:PORT`. Those of the token unless given. */
  entry?: string[];
  /** 32 secret bytes that tell this device's versions from others', the same from one start to the next. Random unless given. */
  device?: Bytes | undefined;
  /** 32 bytes for the jitter of waits. Random unless given. */
  seed?: Bytes | undefined;
}

/**
 * A user's files as a state machine without any I/O: bring your own sockets, clock and event loop. After every call take all
 * {@link outputs}; tell with `handle…` what came of them, and with {@link handleTimeout} that the time of {@link pollTimeout} has
 * come. Commands return the number of an operation at once.
 *
 * A call that the machine does not allow has no effect and throws a {@link BadValueError}; what a peer sends never throws.
 */
export declare class Client extends Handle {
  constructor(now: Now, token: string, vault?: Vault | null, options?: ClientOptions);
  /** Stores a file: asks for its content with `needData`, ends with {@link Stored}. */
  store(now: Now, key: string, options?: StoreOptions): number;
  /** Gets a file or a range of it: `found`, then `data`, ends with {@link Got}. */
  get(now: Now, key: string, options?: GetOptions): number;
  /** Deletes a file everywhere; ends with {@link Written}. */
  delete(now: Now, key: string): number;
  /** Deletes everything of this vault everywhere; ends with {@link Written}. */
  clear(now: Now): number;
  /** Lists the files whose key begins with `prefix`: `entries`, ends with {@link Listed}. */
  list(now: Now, prefix?: string): number;
  /** What the entry node is and holds; ends with {@link Status}. */
  status(now: Now): number;
  /** Gives a store some of its content: at most what `needData` asked for. */
  provide(now: Now, op: number, data: Bytes): void;
  /** Tells a store that its content is complete. */
  finish(now: Now, op: number): void;
  /** Gives back credit: bytes of a get, or files of a list, that were dealt with. */
  consumed(now: Now, op: number, count: number): void;
  /** Ends an operation; nothing if it has ended. */
  cancel(now: Now, op: number): void;
  /** Cancels everything and closes the link. */
  close(now: Now): void;
  /** The time of {@link pollTimeout} has come. */
  handleTimeout(now: Now): void;
  /** A link that was dialled stands. `entropy` is 32 bytes of fresh randomness; the system's unless given. */
  handleConnected(now: Now, conn: number, remote: string, entropy?: Bytes): void;
  /** A dial ended without a link. */
  handleDialFailed(now: Now, conn: number): void;
  /** Bytes came, in any portions. */
  handleReceived(now: Now, conn: number, data: Bytes): void;
  /** So many bytes that were given with `send` have left. */
  handleSent(now: Now, conn: number, count: number): void;
  /** A link ended, whoever ended it. */
  handleDisconnected(now: Now, conn: number): void;
  /** The answer to `readRows`: one value for each key. */
  handleRows(now: Now, ticket: number, values: (Bytes | undefined)[]): void;
  /** The answer to `writeRows`: done. */
  handleWritten(now: Now, ticket: number): void;
  /** The other answer to `readRows` and `writeRows`. */
  handleDiskFailed(now: Now, ticket: number): void;
  /** The answer to `job`: does the work, and tells what it came to. */
  runJob(now: Now, ticket: number): void;
  /** The next effect or event, in order. */
  pollOutput(): Effect | ClientEvent | undefined;
  /** When to call {@link handleTimeout} if nothing happens before, in microseconds of the monotonic clock. */
  pollTimeout(): number | undefined;
  /** All outputs that wait, in their order; also those that come while they are performed. */
  outputs(): Generator<Effect | ClientEvent, void, void>;
}

/** The table of versions seen, in memory: an older version that peers serve is noticed only as long as it lives. */
export declare class MemoryRows {
  read(keys: OwnBytes[]): (OwnBytes | undefined)[];
  write(rows: Row[]): void;
}

/** Something did not succeed. `code` names the reason for programs, `message` for people. */
export declare class QuantumSyncError extends Error {
  constructor(message: string, code?: string);
  readonly code: string;
}

/** There is nothing under this key. */
export declare class NotFoundError extends QuantumSyncError {}
/** An argument that cannot be used: a key, range, token, address or list of words; or one of a wrong type. */
export declare class BadValueError extends QuantumSyncError {}
/** The keys, passphrase, token or rights do not fit. */
export declare class AccessError extends QuantumSyncError {}
/** No peer of the network could be reached. */
export declare class UnreachableError extends QuantumSyncError {}
/** The peer misbehaved, failed or refused, and no other was left. */
export declare class PeerError extends QuantumSyncError {}
/** No complete answer before the deadline. */
export declare class DeadlineError extends QuantumSyncError {}
/** Too many operations at once. */
export declare class BusyError extends QuantumSyncError {}
/** The file was changed by another writer meanwhile. */
export declare class ConflictError extends QuantumSyncError {}
/** The peers serve an older version than this device has seen. */
export declare class RollbackError extends QuantumSyncError {}
/** Too few peers answered to be sure of the newest version. */
export declare class NotFreshError extends QuantumSyncError {}
/** This device's clock is too far from the network's. */
export declare class ClockError extends QuantumSyncError {}
/** What is stored is damaged or incomplete. */
export declare class DamagedError extends QuantumSyncError {}
/** A disk, here or of the peers, is full or failed. */
export declare class StorageError extends QuantumSyncError {}
/** The operation was cancelled, for example by closing its client. */
export declare class CancelledError extends QuantumSyncError {}
/** The object was freed or closed before. */
export declare class ClosedError extends QuantumSyncError {}
/** A defect of this package. */
export declare class InternalError extends QuantumSyncError {}
