"""The client as a state machine without any I/O: bring your own sockets, clock, threads and event loop.

A :class:`Client` is told what happened and says what it wants done. Whoever does that is its driver: ``quantumsync.aio`` is one for
asyncio, written with nothing but this module. After every call, take all outputs:

==================  ==========================================================================================
``Dial``            open a link; answer ``handle_connected`` or ``handle_dial_failed``
``Send``            send bytes on a link, after all earlier ones; ``handle_sent`` as they leave
``Close``           send what was given before, then close; ``handle_disconnected``
``ReadRows``        look up rows of the table of versions seen; ``handle_rows``
``WriteRows``       change rows of it, durably; ``handle_written`` or ``handle_disk_failed``
``Job``             ``run()`` it, on any thread; ``handle_job`` with what it returned
everything else     is an event, for the user
==================  ==========================================================================================

Bytes that came are told with ``handle_received``, the end of a link with ``handle_disconnected``, and the time of
``poll_timeout`` with ``handle_timeout``. Each call takes the time as a :class:`Now`. A call that the machine does not allow has no
effect and raises :class:`~quantumsync.errors.BadValueError`; what a peer sends never raises.

A client whose rows are kept in memory alone, as by :class:`MemoryRows`, notices only as long as it lives when peers serve
an older version than it has seen.

>>> from quantumsync import Node, Vault
>>> with Node(volatile=True) as node:
...     client = Client(Now(0, 0), node.invite(), Vault.create())
>>> op = client.status(Now(0, 0))
>>> client.poll_output()  # doctest: +ELLIPSIS
Dial(conn=Conn(out0), address='127.0.0.1:...')
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from typing import TypeAlias, cast

from . import _quantumsync as native
from ._quantumsync import (
    Close,
    Conn,
    Connected,
    Data,
    Dial,
    Disconnected,
    Done,
    Entries,
    Failed,
    Found,
    Job,
    JobResult,
    NeedData,
    Now,
    ReadRows,
    Send,
    WriteRows,
)
from .vault import Vault, keys_of

__all__ = [
    "Client",
    "Close",
    "Conn",
    "Connected",
    "Data",
    "Dial",
    "Disconnected",
    "Done",
    "Effect",
    "Entries",
    "Event",
    "Failed",
    "Found",
    "Job",
    "JobResult",
    "MemoryRows",
    "NeedData",
    "Now",
    "ReadRows",
    "Send",
    "WriteRows",
    "now",
]

Event: TypeAlias = Connected | Disconnected | NeedData | Found | Data | Entries | Done | Failed
"""What the machine tells its user."""

Effect: TypeAlias = Dial | Send | Close | ReadRows | WriteRows | Job
"""What the machine wants done."""


def now() -> Now:
    """The time, by the system's clocks."""
    return Now(time.monotonic_ns() // 1000, time.time_ns() // 1_000_000)


class MemoryRows:
    """The table of versions seen, in memory."""

    def __init__(self) -> None:
        self._rows: dict[bytes, bytes] = {}

    def read(self, keys: Iterable[bytes]) -> list[bytes | None]:
        """The values of these rows."""
        return [self._rows.get(key) for key in keys]

    def write(self, rows: Iterable[tuple[bytes, bytes | None]]) -> None:
        """Changes these rows."""
        for key, value in rows:
            if value is None:
                self._rows.pop(key, None)
            else:
                self._rows[key] = value


class Client(native.Machine):
    """A user's state machine.

    ``entry`` are nodes to enter by, each an id or None and ``IP:PORT``; without them, those of the token. ``device``
    (32 secret bytes) tells this device's versions from others' and stays the same from one start to the next; ``seed``
    (32 bytes) is for the jitter of waits. Both are random unless they are given.

    Commands return the number of an operation at once; it ends with one ``Done`` or ``Failed``.
    """

    __slots__ = ()

    def __new__(
        cls,
        now: Now,
        token: str,
        vault: Vault | None = None,
        *,
        entry: Sequence[tuple[str | None, str]] = (),
        device: bytes | None = None,
        seed: bytes | None = None,
    ) -> Client:
        inner = None if vault is None else keys_of(vault)
        made = super().__new__(cls, now, token, inner, entry=entry, device=device, seed=seed)
        return cast(Client, made)

    def __repr__(self) -> str:
        return "<sansio.Client>"

    def outputs(self) -> Iterator[Effect | Event]:
        """All outputs that wait, in their order; also those that come while they are performed."""
        while (output := self.poll_output()) is not None:
            yield output
