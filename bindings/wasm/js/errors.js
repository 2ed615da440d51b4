// What can go wrong. Every error of this package is a QuantumSyncError with a short, stable `code`; the core chooses the
// code, and the one table below the class.

export class QuantumSyncError extends Error {
  constructor(message, code = "failed") {
    super(message);
    this.code = code;
  }

  // Not an own field, as with the errors of the language.
  get name() {
    return this.constructor.name;
  }
}

export class NotFoundError extends QuantumSyncError {}
export class BadValueError extends QuantumSyncError {}
export class AccessError extends QuantumSyncError {}
export class UnreachableError extends QuantumSyncError {}
export class PeerError extends QuantumSyncError {}
export class DeadlineError extends QuantumSyncError {}
export class BusyError extends QuantumSyncError {}
export class ConflictError extends QuantumSyncError {}
export class RollbackError extends QuantumSyncError {}
export class NotFreshError extends QuantumSyncError {}
export class ClockError extends QuantumSyncError {}
export class DamagedError extends QuantumSyncError {}
export class StorageError extends QuantumSyncError {}
export class CancelledError extends QuantumSyncError {}
export class ClosedError extends QuantumSyncError {}
export class InternalError extends QuantumSyncError {}

const CLASSES = [
  [NotFoundError, "not_found"],
  [BadValueError, "bad_key bad_range bad_token bad_words bad_value too_large misuse"],
  [AccessError, "wrong_key wrong_password wrong_passphrase needs_passphrase wrong_network forbidden"],
  [UnreachableError, "unreachable"],
  [PeerError, "peer_fault peer_disk refused unknown"],
  [DeadlineError, "deadline"],
  [BusyError, "busy"],
  [ConflictError, "conflict"],
  [RollbackError, "rollback"],
  [NotFreshError, "not_fresh"],
  [ClockError, "clock"],
  [DamagedError, "missing_piece damaged vault_damaged not_a_vault vault_parameters"],
  [StorageError, "no_space quota disk"],
  [CancelledError, "cancelled"],
  [ClosedError, "closed"],
  [InternalError, "internal"],
];

const BY_CODE = new Map(CLASSES.flatMap(([kind, codes]) => codes.split(" ").map((code) => [code, kind])));

/** The error for a code of the native layer; an unknown one is a plain QuantumSyncError. */
export function fromCode(code, message) {
  return new (BY_CODE.get(code) ?? QuantumSyncError)(message, code);
}
