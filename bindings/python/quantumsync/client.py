"""The blocking client: :class:`Client`."""

from __future__ import annotations

import builtins
import io
import os
import secrets
import warnings
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Literal, Protocol, TypeAlias, cast, overload

from . import _quantumsync as native
from ._address import resolve
from ._content import Content, Source, content_of, inclusive, milliseconds, unix_ms
from ._running import Running, warn_if_degraded
from .errors import BadValueError, NotFreshWarning
from .files import ReadFile, WriteFile
from .node import Node
from .vault import Vault, keys_of

__all__ = ["Client", "Progress", "Writable"]

Progress: TypeAlias = Callable[[int, int | None], object]
"""Called with the bytes done, and with all there are, if that is known."""


class Writable(Protocol):
    """Anything that bytes can be written to."""

    def write(self, data: bytes, /) -> object:
        """Takes all of these bytes."""
        ...


class Client:
    """A user's files in a network.

    >>> from quantumsync import Client, Node, Vault
    >>> with Node(volatile=True) as node, Client(node, Vault.create()) as client:
    ...     _ = client.store("greeting", b"hello, peers")
    ...     client.get("greeting")
    b'hello, peers'

    ``node`` is a :class:`Node` of this process, or the address of one, ``[NODEID@]HOST:PORT``; without it the addresses of
    ``token`` are tried. A node of this process needs no token. With a ``home``, the client remembers there which device it is
    and the newest version of each file, and so notices when peers serve an older one; without, only as long as it lives.

    Every method may be called from any thread, and waits without holding the interpreter. ``timeout``, in seconds, is what
    one call may take; that of the client holds where the call has none. What went wrong is a
    :class:`~quantumsync.errors.QuantumSyncError`.
    """

    _native: native.Client | None = None

    def __init__(
        self,
        node: Node | str | None,
        vault: Vault,
        *,
        token: str | None = None,
        home: str | os.PathLike[str] | None = None,
        timeout: float | None = None,
    ) -> None:
        entry: list[tuple[str | None, str]] = []
        control: native.Node | None = None
        if isinstance(node, Node):
            token = node.invite()
            entry.append((node.id, node.address))
            control = node._native
        elif node is not None:
            entry.append(resolve(node, "127.0.0.1"))
        if token is None:
            raise BadValueError("a client needs a token: what invite() of a node gives", "bad_token")
        self._timeout = timeout
        self._closed = False
        self._identity = secrets.token_hex()
        home = None if home is None else os.fspath(home)
        self._native = native.Client(token, keys_of(vault), entry=entry, node=control, home=home)

    def store(
        self,
        key: str,
        source: Source,
        *,
        ttl: timedelta | float | None = None,
        modified: datetime | float | None = None,
        progress: Progress | None = None,
        timeout: float | None = None,
    ) -> native.Stored:
        """Stores bytes, the file at a path, or all that can be read from ``source``, under ``key``.

        When it returns, the file is durable on ``copies`` peers. If these are fewer than wanted, it is ``degraded`` and says so
        with :class:`~quantumsync.errors.DegradedWarning`. Takes the same memory whatever the size. ``ttl`` is after how many
        seconds the file counts as deleted.
        """
        with content_of(source) as content:
            modified_ms = content.modified_ms if modified is None else unix_ms(modified)
            operation = self._running().store(key, ttl_ms=milliseconds(ttl), modified_ms=modified_ms)
            with self._run(operation, timeout, key) as running:
                done = 0
                for event in running:
                    if isinstance(event, native.NeedData):
                        done = _feed(operation, event.max, content, done, progress)
                stored = cast(native.Stored, running.result)
        warn_if_degraded(stored, 2)
        return stored

    def get(
        self,
        key: str,
        *,
        start: int = 0,
        stop: int | None = None,
        fresh: bool = False,
        progress: Progress | None = None,
        timeout: float | None = None,
    ) -> bytes:
        """The file's content, or its bytes ``[start:stop]``.

        Where too few peers answer to be sure of the newest version, it warns with
        :class:`~quantumsync.errors.NotFreshWarning`; with ``fresh`` it raises instead.
        """
        output = io.BytesIO()
        self._get(key, output, start, stop, fresh, progress, timeout)
        return output.getvalue()

    def download(
        self,
        key: str,
        target: str | os.PathLike[str] | Writable,
        *,
        fresh: bool = False,
        progress: Progress | None = None,
        timeout: float | None = None,
    ) -> native.FileInfo:
        """Writes a file to a path, or to something with ``write()``, in the same memory whatever the size.

        At the path there is the whole file or what was there before, never a part.
        """
        if not isinstance(target, (str, os.PathLike)):
            return self._get(key, target, 0, None, fresh, progress, timeout)
        path = Path(target)
        aside = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
        try:
            with open(aside, "xb") as file:
                info = self._get(key, file, 0, None, fresh, progress, timeout)
            os.replace(aside, path)
            return info
        finally:
            aside.unlink(missing_ok=True)

    @overload
    def open(
        self, key: str, mode: Literal["rb", "r"] = "rb", *, fresh: bool = False, timeout: float | None = None
    ) -> ReadFile: ...

    @overload
    def open(self, key: str, mode: Literal["wb"], *, timeout: float | None = None) -> WriteFile: ...

    def open(
        self, key: str, mode: str = "rb", *, fresh: bool = False, timeout: float | None = None
    ) -> ReadFile | WriteFile:
        """The file as a binary file object: seekable for reading, or new for writing.

        >>> import zipfile  # doctest: +SKIP
        >>> zipfile.ZipFile(client.open("photos.zip")).namelist()  # doctest: +SKIP

        ``timeout`` is what one read or write may take.
        """
        timeout = self._timeout if timeout is None else timeout
        if mode in ("rb", "r"):
            return ReadFile(self._running(), key, fresh, timeout)
        if mode == "wb":
            return WriteFile(self._run(self._running().store(key), timeout, key), key, timeout)
        raise BadValueError(f"mode {mode!r} is neither 'rb' nor 'wb'", "bad_value")

    def info(self, key: str, *, timeout: float | None = None) -> native.FileInfo:
        """What is known of a file without its content."""
        with self._run(self._running().get(key), timeout, key) as running:
            for event in running:
                if isinstance(event, native.Found):
                    return event.info
        raise AssertionError("a get ended well and found nothing")

    def exists(self, key: str, *, timeout: float | None = None) -> bool:
        """Whether there is a file under this key."""
        try:
            self.info(key, timeout=timeout)
        except KeyError:
            return False
        return True

    def delete(self, key: str, *, timeout: float | None = None) -> native.Written:
        """Deletes a file everywhere, also from peers that are away just now."""
        written = cast(native.Written, self._do(self._running().delete(key), timeout, key))
        warn_if_degraded(written, 2)
        return written

    def clear(self, *, timeout: float | None = None) -> native.Written:
        """Deletes everything of this vault everywhere."""
        written = cast(native.Written, self._do(self._running().clear(), timeout))
        warn_if_degraded(written, 2)
        return written

    def list(self, prefix: str = "", *, timeout: float | None = None) -> builtins.list[native.FileInfo]:
        """The files whose key begins with ``prefix``, sorted by key."""
        return sorted(self.iterate(prefix, timeout=timeout), key=lambda info: info.key)

    def iterate(self, prefix: str = "", *, timeout: float | None = None) -> Iterator[native.FileInfo]:
        """As :meth:`list`, one by one and unsorted, for more files than memory should hold.

        If part of the network does not answer it warns with :class:`~quantumsync.errors.NotFreshWarning` at the end.
        """
        operation = self._running().list(prefix)
        with self._run(operation, timeout) as running:
            for event in running:
                if isinstance(event, native.Entries):
                    yield from event.files
                    operation.consumed(len(event.files))
            if not running.result.complete:
                warnings.warn("part of the network did not answer: more files may exist", NotFreshWarning, stacklevel=2)

    def status(self, *, timeout: float | None = None) -> native.Status:
        """What the entry node is and holds."""
        return cast(native.Status, self._do(self._running().status(), timeout))

    def peers(self, *, timeout: float | None = None) -> builtins.list[native.Peer]:
        """Who is in the network. Only for a node of this process."""
        return cast("builtins.list[native.Peer]", self._do(self._running().peers(), timeout))

    @property
    def closed(self) -> bool:
        """Whether :meth:`close` was called."""
        return self._native is None or self._closed

    def close(self) -> None:
        """Cancels what is under way, in any thread, and closes the link."""
        if self._native is not None and not self._closed:
            self._closed = True
            self._native.close()

    def __enter__(self) -> Client:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<Client, {'closed' if self.closed else 'open'}>"

    def __del__(self) -> None:
        if not self.closed:
            warnings.warn(f"unclosed {self!r}", ResourceWarning, source=self)
            self.close()

    def __dask_tokenize__(self) -> str:
        """What dask takes it for: one of its kind."""
        return self._identity

    def _running(self) -> native.Client:
        assert self._native is not None
        return self._native

    def _run(self, operation: native.Operation, timeout: float | None, key: str | None = None) -> Running:
        return Running(operation, self._timeout if timeout is None else timeout, key)

    def _do(self, operation: native.Operation, timeout: float | None, key: str | None = None) -> object:
        with self._run(operation, timeout, key) as running:
            return running.wait()

    def _get(
        self,
        key: str,
        output: Writable,
        start: int,
        stop: int | None,
        fresh: bool,
        progress: Progress | None,
        timeout: float | None,
    ) -> native.FileInfo:
        first, last = inclusive(start, stop)
        operation = self._running().get(key, first=first, last=last, fresh=fresh)
        with self._run(operation, timeout, key) as running:
            info: native.FileInfo | None = None
            done, total = 0, None
            for event in running:
                if isinstance(event, native.Found):
                    info = event.info
                    total = (info.size if stop is None else min(stop, info.size)) - start
                elif isinstance(event, native.Data):
                    output.write(event.data)
                    operation.consumed(len(event.data))
                    done += len(event.data)
                    if progress is not None:
                        progress(done, total)
            if not running.result.fresh:
                warnings.warn(
                    "too few peers answered to be sure that this is the newest version", NotFreshWarning, stacklevel=3
                )
        assert info is not None
        return info


def _feed(operation: native.Operation, room: int, content: Content, done: int, progress: Progress | None) -> int:
    """Gives a store what it has room for; how much was given so far."""
    while room > 0:
        data = content.read(room)
        if not data:
            operation.finish()
            break
        if len(data) > room:
            raise BadValueError("the source read more than it was asked for", "bad_value")
        operation.provide(data)
        room -= len(data)
        done += len(data)
        if progress is not None:
            progress(done, content.size)
    return done
