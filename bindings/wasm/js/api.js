// What there is in every environment; `index.js` and `node.js` load the module for theirs.

export {
  AccessError,
  BadValueError,
  BusyError,
  CancelledError,
  ClockError,
  ClosedError,
  ConflictError,
  DamagedError,
  DeadlineError,
  InternalError,
  NotFoundError,
  NotFreshError,
  PeerError,
  QuantumSyncError,
  RollbackError,
  StorageError,
  UnreachableError,
} from "./errors.js";
export { OpenedFile, open } from "./open.js";
export { Client, MemoryRows, now } from "./sansio.js";
export { seal } from "./seal.js";
export { Vault } from "./vault.js";
