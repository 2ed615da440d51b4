"""What can go wrong, as exceptions that also fit Python's own.

Every exception of this package is a :class:`QuantumSyncError` with a short, stable ``code``. Catch the builtin where that
says enough:

>>> issubclass(NotFoundError, KeyError), issubclass(DeadlineError, TimeoutError)
(True, True)
>>> issubclass(AccessError, PermissionError), issubclass(UnreachableError, ConnectionError)
(True, True)
"""

from __future__ import annotations

__all__ = [
    "AccessError",
    "BadValueError",
    "BusyError",
    "CancelledError",
    "ClockError",
    "ClosedError",
    "ConflictError",
    "DamagedError",
    "DeadlineError",
    "DegradedWarning",
    "InternalError",
    "NotFoundError",
    "NotFreshError",
    "NotFreshWarning",
    "PeerError",
    "QuantumSyncError",
    "QuantumSyncWarning",
    "RollbackError",
    "StorageError",
    "UnreachableError",
]


_LONGEST_SHOWN = 80
"""Characters of a key that a message shows."""


class QuantumSyncError(Exception):
    """Something of QuantumSync did not succeed. ``code`` names the reason for programs, ``str(error)`` for people; ``key`` is
    that of the file, if it is about one.
    """

    code: str
    key: str | None

    def __init__(self, message: str, code: str = "failed", key: str | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.key = key

    def __str__(self) -> str:
        message = str(self.args[0])
        if self.key is None:
            return message
        # What was given for a key may be of any length.
        shown = self.key if len(self.key) <= _LONGEST_SHOWN else f"{self.key[:_LONGEST_SHOWN]}…"
        return f"{shown!r}: {message}"

    def __reduce__(self) -> tuple[type[QuantumSyncError], tuple[str, str, str | None]]:
        return type(self), (str(self.args[0]), self.code, self.key)


class NotFoundError(QuantumSyncError, KeyError):
    """There is nothing under this key."""


class BadValueError(QuantumSyncError, ValueError):
    """An argument that cannot be used: a key, range, token, address or list of words."""


class AccessError(QuantumSyncError, PermissionError):
    """The keys, passphrase, token or rights do not fit."""


class UnreachableError(QuantumSyncError, ConnectionError):
    """No peer of the network could be reached."""


class PeerError(QuantumSyncError, ConnectionError):
    """The peer misbehaved, failed or refused, and no other was left."""


class DeadlineError(QuantumSyncError, TimeoutError):
    """No complete answer before the deadline."""


class BusyError(QuantumSyncError):
    """Too many operations at once."""


class ConflictError(QuantumSyncError):
    """The file was changed by another writer meanwhile."""


class RollbackError(QuantumSyncError):
    """The peers serve an older version than this device has seen."""


class NotFreshError(QuantumSyncError):
    """Too few peers answered to be sure of the newest version."""


class ClockError(QuantumSyncError):
    """This device's clock is too far from the network's."""


class DamagedError(QuantumSyncError, OSError):
    """What is stored is damaged or incomplete on every peer that answered."""


class StorageError(QuantumSyncError, OSError):
    """A disk, here or of the peers, is full or failed, or a file cannot be used."""


class CancelledError(QuantumSyncError):
    """The operation was cancelled, for example by closing its client."""


class ClosedError(QuantumSyncError, ValueError):
    """The node, client or file was closed before."""


class InternalError(QuantumSyncError, RuntimeError):
    """A defect of this package."""


class QuantumSyncWarning(UserWarning):
    """Something succeeded, but not fully."""


class NotFreshWarning(QuantumSyncWarning):
    """Too few peers answered to be sure that this is the newest version, or all of a list."""


class DegradedWarning(QuantumSyncWarning):
    """Durable on fewer peers than wanted; they finish it when the others are back."""


_CODES: dict[str, type[QuantumSyncError]] = {
    code: kind
    for kind, codes in {
        NotFoundError: "not_found",
        BadValueError: "bad_key bad_range bad_token bad_words bad_value too_large misuse client_token no_network settings",
        AccessError: "wrong_key wrong_password wrong_passphrase needs_passphrase wrong_network other_network forbidden "
        "not_admitted permission",
        UnreachableError: "unreachable",
        PeerError: "peer_fault peer_disk refused unknown",
        DeadlineError: "deadline",
        BusyError: "busy",
        ConflictError: "conflict",
        RollbackError: "rollback",
        NotFreshError: "not_fresh",
        ClockError: "clock",
        DamagedError: "missing_piece damaged vault_damaged not_a_vault home_damaged vault_parameters",
        StorageError: "no_space quota disk disk_full no_such_file io in_use exists address_in_use listen",
        CancelledError: "cancelled",
        ClosedError: "closed stopped",
        InternalError: "internal",
    }.items()
    for code in codes.split()
}


def from_code(code: str, message: str) -> QuantumSyncError:
    """The exception for a code of the native layer; an unknown one is a plain :class:`QuantumSyncError`."""
    return _CODES.get(code, QuantumSyncError)(message, code)
