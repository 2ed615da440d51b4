"""QuantumSync: a peer-to-peer, end-to-end-encrypted, content-addressed file store.

>>> import quantumsync
>>> with quantumsync.Node(volatile=True) as node:
...     with quantumsync.Client(node, quantumsync.Vault.create()) as client:
...         stored = client.store("greeting", b"hello, peers")
...         client.get("greeting")
b'hello, peers'

A :class:`Vault` holds a user's keys, a :class:`Client` stores and gets their files, and a :class:`Node` is a peer that keeps what is
sealed. :class:`AsyncClient` is the client for asyncio, ``quantumsync.sansio`` the state machine itself, without any I/O, and
``quantumsync://`` a filesystem of fsspec.
"""

from ._quantumsync import FileInfo, Got, Peer, Status, Stored, Written
from .aio import AsyncClient
from .client import Client
from .errors import (
    AccessError,
    BadValueError,
    BusyError,
    CancelledError,
    ClockError,
    ClosedError,
    ConflictError,
    DamagedError,
    DeadlineError,
    DegradedWarning,
    InternalError,
    NotFoundError,
    NotFreshError,
    NotFreshWarning,
    PeerError,
    QuantumSyncError,
    QuantumSyncWarning,
    RollbackError,
    StorageError,
    UnreachableError,
)
from .files import ReadFile, WriteFile
from .node import Node
from .vault import Vault

__all__ = [
    "AccessError",
    "AsyncClient",
    "BadValueError",
    "BusyError",
    "CancelledError",
    "Client",
    "ClockError",
    "ClosedError",
    "ConflictError",
    "DamagedError",
    "DeadlineError",
    "DegradedWarning",
    "FileInfo",
    "Got",
    "InternalError",
    "Node",
    "NotFoundError",
    "NotFreshError",
    "NotFreshWarning",
    "Peer",
    "PeerError",
    "QuantumSyncError",
    "QuantumSyncWarning",
    "ReadFile",
    "RollbackError",
    "Status",
    "StorageError",
    "Stored",
    "UnreachableError",
    "Vault",
    "WriteFile",
    "Written",
]
