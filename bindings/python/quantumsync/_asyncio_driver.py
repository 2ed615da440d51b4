"""Drives the sans-IO client in an event loop of asyncio: links, timers, jobs. Knows nothing of files."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, cast

from . import sansio
from ._address import parse

_FLUSH = 1.0
"""Seconds that a link which is closed has for what was sent on it before."""


class Driver:
    """Performs what the machine wants, and tells it what came of that: all on the thread of one event loop."""

    def __init__(self, machine: sansio.Client, loop: asyncio.AbstractEventLoop) -> None:
        self.machine = machine
        self.loop = loop
        self._rows = sansio.MemoryRows()
        self._links: dict[sansio.Conn, Link] = {}
        self._events: dict[int, asyncio.Queue[sansio.Event]] = {}
        self._ended: set[int] = set()
        self._timer: asyncio.TimerHandle | None = None
        self._due: int | None = None
        self._performing = False
        self._closed = False

    def call(self, call: Callable[..., Any], *arguments: object, **options: object) -> Any:
        """Calls a method of the machine with the time, and performs what it wants then."""
        came = call(sansio.now(), *arguments, **options)
        self._perform()
        return came

    def events_of(self, op: int) -> asyncio.Queue[sansio.Event]:
        """Where the events of an operation arrive."""
        return self._events.setdefault(op, asyncio.Queue())

    def is_running(self, op: int) -> bool:
        """Whether the machine has not ended it."""
        return op not in self._ended

    def forget(self, op: int) -> None:
        """Nobody waits for this operation any more."""
        if self.is_running(op):
            self.call(self.machine.cancel, op)
        self._events.pop(op, None)
        self._ended.discard(op)

    async def close(self) -> None:
        """Closes the machine, and waits for its links to be gone."""
        self._closed = True
        self.call(self.machine.close)
        await asyncio.gather(*(link.gone.wait() for link in [*self._links.values()]))

    def _perform(self) -> None:
        # What is performed may call the machine again: the outermost loop takes all outputs.
        if self._performing:
            return
        self._performing = True
        try:
            for output in self.machine.outputs():
                self._perform_one(output)
        finally:
            self._performing = False
        self._set_timer()

    def _perform_one(self, output: sansio.Effect | sansio.Event) -> None:
        match output:
            case sansio.Dial(conn=conn, address=address):
                self._links[conn] = Link(self, conn, address)
            case sansio.Send(conn=conn, data=data):
                self._links[conn].send(data)
            case sansio.Close(conn=conn):
                self._links[conn].close()
            case sansio.ReadRows(ticket=ticket, keys=keys):
                self.call(self.machine.handle_rows, ticket, self._rows.read(keys))
            case sansio.WriteRows(ticket=ticket, rows=rows):
                self._rows.write(rows)
                self.call(self.machine.handle_written, ticket)
            case sansio.Job():
                self.loop.run_in_executor(None, output.run).add_done_callback(self._job_done)
            case sansio.Connected() | sansio.Disconnected():
                pass
            case sansio.Done(op=op) | sansio.Failed(op=op):
                self._ended.add(op)
                self.events_of(op).put_nowait(output)
            case _:
                self.events_of(output.op).put_nowait(output)

    def _job_done(self, job: asyncio.Future[sansio.JobResult]) -> None:
        if not self._closed and not job.cancelled():
            self.call(self.machine.handle_job, job.result())

    def _set_timer(self) -> None:
        due = None if self._closed else self.machine.poll_timeout()
        if due == self._due:
            return
        if self._timer is not None:
            self._timer.cancel()
        self._due = due
        if due is not None:
            wait = max(0.0, (due - sansio.now().mono_us) / 1e6)
            self._timer = self.loop.call_later(wait, self._time_out)

    def _time_out(self) -> None:
        self._due = None
        self.call(self.machine.handle_timeout)

    def link_is_gone(self, conn: sansio.Conn) -> None:
        """A link needs no more attention."""
        self._links.pop(conn, None)


class Link(asyncio.Protocol):
    """One link, from its dial to its end."""

    _transport: asyncio.Transport | None = None

    def __init__(self, driver: Driver, conn: sansio.Conn, address: str) -> None:
        self.gone = asyncio.Event()
        self._driver = driver
        self._conn = conn
        self._address = address
        self._unsent = 0
        self._dialling = driver.loop.create_task(self._dial())
        self._dialling.add_done_callback(self._dialled)

    def send(self, data: bytes) -> None:
        assert self._transport is not None
        self._unsent += len(data)
        self._transport.write(data)
        if self._transport.get_write_buffer_size() == 0:
            self.resume_writing()

    def close(self) -> None:
        if self._transport is None:
            self._dialling.cancel()
            return
        self._transport.close()
        self._driver.loop.call_later(_FLUSH, self._transport.abort)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        # Told of the least that waits, it tells when nothing does.
        self._transport.set_write_buffer_limits(high=0)
        self._driver.call(self._driver.machine.handle_connected, self._conn, self._address)

    def data_received(self, data: bytes) -> None:
        self._driver.call(self._driver.machine.handle_received, self._conn, data)

    def resume_writing(self) -> None:
        sent, self._unsent = self._unsent, 0
        if sent > 0:
            self._driver.call(self._driver.machine.handle_sent, self._conn, sent)

    def connection_lost(self, error: Exception | None) -> None:
        self._end(self._driver.machine.handle_disconnected)

    async def _dial(self) -> None:
        _, host, port = parse(self._address)
        await self._driver.loop.create_connection(lambda: self, host, port)

    def _dialled(self, dial: asyncio.Task[None]) -> None:
        if dial.cancelled():
            # The machine has closed a link that did not stand yet.
            self._end(self._driver.machine.handle_disconnected)
        elif dial.exception() is not None:
            self._end(self._driver.machine.handle_dial_failed)

    def _end(self, tell: Callable[[sansio.Now, sansio.Conn], None]) -> None:
        self._driver.link_is_gone(self._conn)
        self._driver.call(tell, self._conn)
        self.gone.set()
