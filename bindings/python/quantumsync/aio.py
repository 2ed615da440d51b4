"""The client for asyncio: :class:`AsyncClient`.

Written in Python over ``quantumsync.sansio``: sockets, timers and threads are asyncio's, and nothing runs beside the event loop but
the sealing and opening of pieces, in its executor.
"""

from __future__ import annotations

import asyncio
import builtins
import inspect
import io
import socket
import warnings
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import datetime, timedelta
from types import TracebackType
from typing import Any, Protocol, TypeAlias, cast

from . import _quantumsync as native
from . import sansio
from ._address import numeric, parse
from ._asyncio_driver import Driver
from ._content import READ_AT_ONCE, Source, content_of, inclusive, milliseconds, unix_ms
from ._running import warn_if_degraded
from .client import Progress
from .errors import BadValueError, ClosedError, DeadlineError, NotFreshWarning, UnreachableError
from .node import Node
from .vault import Vault

__all__ = ["AsyncClient", "AsyncReadable"]


class AsyncReadable(Protocol):
    """Anything that reads bytes and has to be awaited, such as an :class:`asyncio.StreamReader`."""

    async def read(self, size: int, /) -> bytes:
        """At most so many bytes; none at the end."""
        ...


_Read: TypeAlias = Callable[[int], Awaitable[bytes]]


class AsyncClient:
    """A user's files in a network, for asyncio: :class:`~quantumsync.Client` with ``await``.

    >>> import asyncio
    >>> from quantumsync import Node, Vault
    >>> async def main(node: Node) -> bytes:
    ...     async with AsyncClient(node, Vault.create()) as client:
    ...         await client.store("greeting", b"hello, peers")
    ...         return await client.get("greeting")
    >>> with Node(volatile=True) as node:
    ...     asyncio.run(main(node))
    b'hello, peers'

    It belongs to the event loop that entered it. A task that is cancelled cancels its operation. Versions seen are remembered
    as long as it lives.
    """

    _driver: Driver | None = None

    def __init__(
        self,
        node: Node | str | None,
        vault: Vault,
        *,
        token: str | None = None,
        timeout: float | None = None,
    ) -> None:
        if isinstance(node, Node):
            token, node = node.invite(), f"{node.id}@{node.address}"
        if token is None:
            raise BadValueError("a client needs a token: what invite() of a node gives", "bad_token")
        self._node = node
        self._vault = vault
        self._token = token
        self._timeout = timeout

    async def store(
        self,
        key: str,
        source: Source | AsyncReadable,
        *,
        ttl: timedelta | float | None = None,
        modified: datetime | float | None = None,
        progress: Progress | None = None,
        timeout: float | None = None,
    ) -> native.Stored:
        """Stores bytes, the file at a path, or all that can be read from ``source``; see :meth:`quantumsync.Client.store`.

        What reads without being awaited is read in the event loop's executor.
        """
        driver = self._open_driver()
        if inspect.iscoroutinefunction(getattr(source, "read", None)):
            read: _Read = cast(AsyncReadable, source).read
            return await self._store(driver, key, read, None, unix_ms(modified), ttl, progress, timeout)
        with content_of(cast(Source, source)) as content:
            modified_ms = content.modified_ms if modified is None else unix_ms(modified)
            loop = asyncio.get_running_loop()

            def read_in_thread(size: int) -> Awaitable[bytes]:
                return loop.run_in_executor(None, content.read, size)

            return await self._store(
                driver, key, read_in_thread, content.size, modified_ms, ttl, progress, timeout
            )

    async def get(
        self,
        key: str,
        *,
        start: int = 0,
        stop: int | None = None,
        fresh: bool = False,
        progress: Progress | None = None,
        timeout: float | None = None,
    ) -> bytes:
        """The file's content, or its bytes ``[start:stop]``; see :meth:`quantumsync.Client.get`."""
        output = io.BytesIO()
        running = self._begin_get(key, start, stop, fresh, timeout)
        async with running:
            total: int | None = None
            async for event in running:
                if isinstance(event, native.Found):
                    total = (event.info.size if stop is None else min(stop, event.info.size)) - start
                elif isinstance(event, native.Data):
                    output.write(event.data)
                    running.consumed(len(event.data))
                    if progress is not None:
                        progress(output.tell(), total)
            running.warn_unless_fresh()
        return output.getvalue()

    async def stream(
        self,
        key: str,
        *,
        start: int = 0,
        stop: int | None = None,
        fresh: bool = False,
        timeout: float | None = None,
    ) -> AsyncIterator[bytes]:
        """The file's content piece by piece, in the same memory whatever the size.

        ``async for data in client.stream("film.mkv"): ...``
        """
        running = self._begin_get(key, start, stop, fresh, timeout)
        async with running:
            async for event in running:
                if isinstance(event, native.Data):
                    yield event.data
                    running.consumed(len(event.data))
            running.warn_unless_fresh()

    async def info(self, key: str, *, timeout: float | None = None) -> native.FileInfo:
        """What is known of a file without its content."""
        async with self._begin_get(key, 0, None, False, timeout) as running:
            async for event in running:
                if isinstance(event, native.Found):
                    return event.info
        raise AssertionError("a get ended well and found nothing")

    async def exists(self, key: str, *, timeout: float | None = None) -> bool:
        """Whether there is a file under this key."""
        try:
            await self.info(key, timeout=timeout)
        except KeyError:
            return False
        return True

    async def delete(self, key: str, *, timeout: float | None = None) -> native.Written:
        """Deletes a file everywhere, also from peers that are away just now."""
        driver = self._open_driver()
        op = driver.call(driver.machine.delete, key)
        written = cast(native.Written, await self._run(driver, op, timeout, key).wait())
        warn_if_degraded(written, 2)
        return written

    async def clear(self, *, timeout: float | None = None) -> native.Written:
        """Deletes everything of this vault everywhere."""
        driver = self._open_driver()
        written = cast(native.Written, await self._run(driver, driver.call(driver.machine.clear), timeout).wait())
        warn_if_degraded(written, 2)
        return written

    async def list(self, prefix: str = "", *, timeout: float | None = None) -> builtins.list[native.FileInfo]:
        """The files whose key begins with ``prefix``, sorted by key."""
        infos = [info async for info in self.iterate(prefix, timeout=timeout)]
        return sorted(infos, key=lambda info: info.key)

    async def iterate(
        self, prefix: str = "", *, timeout: float | None = None
    ) -> AsyncIterator[native.FileInfo]:
        """As :meth:`list`, one by one and unsorted, for more files than memory should hold."""
        driver = self._open_driver()
        async with self._run(driver, driver.call(driver.machine.list, prefix), timeout) as running:
            async for event in running:
                if isinstance(event, native.Entries):
                    for info in event.files:
                        yield info
                    running.consumed(len(event.files))
            if not running.result.complete:
                warnings.warn("part of the network did not answer: more files may exist", NotFreshWarning, stacklevel=2)

    async def status(self, *, timeout: float | None = None) -> native.Status:
        """What the entry node is and holds."""
        driver = self._open_driver()
        return cast(native.Status, await self._run(driver, driver.call(driver.machine.status), timeout).wait())

    @property
    def closed(self) -> bool:
        """Whether it is not entered, or left again."""
        return self._driver is None

    async def close(self) -> None:
        """Cancels what is under way and closes the link."""
        driver, self._driver = self._driver, None
        if driver is not None:
            await driver.close()

    async def __aenter__(self) -> AsyncClient:
        if self._driver is not None:
            raise BadValueError("this client was entered before", "misuse")
        entry = [] if self._node is None else [await _resolve(self._node)]
        machine = sansio.Client(sansio.now(), self._token, self._vault, entry=entry)
        self._driver = Driver(machine, asyncio.get_running_loop())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    def __repr__(self) -> str:
        return f"<AsyncClient, {'closed' if self.closed else 'open'}>"

    def _open_driver(self) -> Driver:
        if self._driver is None:
            raise ClosedError("this client is closed, or was not entered: use `async with`", "closed")
        return self._driver

    def _run(self, driver: Driver, op: int, timeout: float | None, key: str | None = None) -> _Running:
        return _Running(driver, op, self._timeout if timeout is None else timeout, key)

    def _begin_get(self, key: str, start: int, stop: int | None, fresh: bool, timeout: float | None) -> _Running:
        driver = self._open_driver()
        first, last = inclusive(start, stop)
        return self._run(driver, driver.call(driver.machine.get, key, first=first, last=last, fresh=fresh), timeout, key)

    async def _store(
        self,
        driver: Driver,
        key: str,
        read: _Read,
        size: int | None,
        modified_ms: int | None,
        ttl: timedelta | float | None,
        progress: Progress | None,
        timeout: float | None,
    ) -> native.Stored:
        op = driver.call(driver.machine.store, key, ttl_ms=milliseconds(ttl), modified_ms=modified_ms)
        async with self._run(driver, op, timeout, key) as running:
            done = 0
            async for event in running:
                room = event.max if isinstance(event, native.NeedData) else 0
                while room > 0 and running.is_under_way:
                    data = await read(min(room, READ_AT_ONCE))
                    if not data:
                        running.finish()
                        break
                    running.provide(data)
                    room -= len(data)
                    done += len(data)
                    if progress is not None:
                        progress(done, size)
        stored = cast(native.Stored, running.result)
        warn_if_degraded(stored, 3)
        return stored


class _Running:
    """One operation: iterates over its events but the last, whose result is then ``result``. Left before, it is cancelled."""

    result: Any = None

    def __init__(self, driver: Driver, op: int, timeout: float | None, key: str | None) -> None:
        self._driver = driver
        self._op = op
        self._key = key
        self._until = None if timeout is None else driver.loop.time() + timeout

    async def wait(self) -> Any:
        async with self:
            async for _ in self:
                pass
        return self.result

    @property
    def is_under_way(self) -> bool:
        """Whether the machine has not ended it; how it ended, its last event tells."""
        return self._driver.is_running(self._op)

    def provide(self, data: bytes) -> None:
        self._call(self._driver.machine.provide, data)

    def finish(self) -> None:
        self._call(self._driver.machine.finish)

    def consumed(self, count: int) -> None:
        self._call(self._driver.machine.consumed, count)

    def warn_unless_fresh(self) -> None:
        if not self.result.fresh:
            warnings.warn(
                "too few peers answered to be sure that this is the newest version", NotFreshWarning, stacklevel=3
            )

    def __aiter__(self) -> _Running:
        return self

    async def __anext__(self) -> sansio.Event:
        event = await self._next()
        match event:
            case native.Failed(error=error):
                error.key = self._key
                try:
                    raise error
                finally:
                    # Raised, it holds this frame: nothing here may hold it.
                    del event, error
            case native.Done():
                self.result = event.result
                raise StopAsyncIteration
            case _:
                return event

    async def __aenter__(self) -> _Running:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._driver.forget(self._op)

    async def _next(self) -> sansio.Event:
        events = self._driver.events_of(self._op)
        if self._until is None:
            return await events.get()
        left = self._until - self._driver.loop.time()
        try:
            return await asyncio.wait_for(events.get(), max(0.0, left))
        except asyncio.TimeoutError as error:
            raise DeadlineError("not done within the timeout that was given", "deadline", self._key) from error

    def _call(self, call: Callable[..., object], *arguments: object) -> None:
        if self.is_under_way:
            self._driver.call(call, self._op, *arguments)


async def _resolve(text: str) -> tuple[str | None, str]:
    """The node's id, if the address names it, and ``IP:PORT``."""
    node, host, port = parse(text)
    loop = asyncio.get_running_loop()
    try:
        found = await loop.getaddrinfo(host or "127.0.0.1", port, type=socket.SOCK_STREAM)
    except OSError as error:
        raise UnreachableError(f"cannot resolve {host}: {error}", "unreachable") from error
    found.sort(key=lambda info: info[0] == socket.AF_INET6)
    return node, numeric(str(found[0][4][0]), port)
