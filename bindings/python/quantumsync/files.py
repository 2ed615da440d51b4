"""Stored files as Python's binary files: :class:`ReadFile` and :class:`WriteFile`, made by ``Client.open``.

Both keep the same memory whatever the size, and work wherever a binary file does: ``zipfile``, ``tarfile``, pandas, ``shutil``.
Wrap them in :class:`io.BufferedReader` or :class:`io.TextIOWrapper` for many small reads, or for text.
"""

from __future__ import annotations

import io
import os
import threading
import warnings
from types import TracebackType
from typing import TYPE_CHECKING, cast

from . import _quantumsync as native
from ._running import Running, warn_if_degraded
from .errors import BadValueError, ConflictError, NotFreshWarning

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer, WriteableBuffer

__all__ = ["ReadFile", "WriteFile"]

_FIRST_SPAN = 256 << 10
"""Bytes fetched at the beginning and after a jump; twice as many each time that reading goes on."""
_LAST_SPAN = 4 << 20
_WRITE_AT_ONCE = 1 << 20


class ReadFile(io.RawIOBase):
    """A stored file, readable and seekable.

    Fetches ahead, in one operation for each span: between two reads nothing is under way that others would wait for. If
    the file is stored anew meanwhile, the next fetch raises :class:`~quantumsync.errors.ConflictError`: what was read never is
    a mixture.
    """

    owner: object = None
    """Kept alive as long as this file is."""

    def __init__(self, client: native.Client, key: str, fresh: bool, timeout: float | None) -> None:
        super().__init__()
        self.name = key
        self.mode = "rb"
        self._client = client
        self._fresh = fresh
        self._timeout = timeout
        self._lock = threading.RLock()
        self._position = 0
        self._span = _FIRST_SPAN
        self._ahead = b""
        self._ahead_at = 0
        self.info = self._open()

    @property
    def size(self) -> int:
        """Its length in bytes."""
        return self.info.size

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        self._check_open()
        return self._position

    def seek(self, offset: int, whence: int = os.SEEK_SET, /) -> int:
        self._check_open()
        with self._lock:
            bases = {os.SEEK_SET: 0, os.SEEK_CUR: self._position, os.SEEK_END: self.size}
            if whence not in bases:
                raise BadValueError(f"{whence} is no way to seek", "bad_value")
            if bases[whence] + offset < 0:
                raise BadValueError("cannot seek before the beginning", "bad_value")
            self._position = bases[whence] + offset
            return self._position

    def readinto(self, buffer: WriteableBuffer, /) -> int:
        self._check_open()
        with self._lock, memoryview(buffer).cast("B") as view:
            data = self._read(len(view))
            view[: len(data)] = data
            return len(data)

    def write(self, data: ReadableBuffer, /) -> int:
        raise io.UnsupportedOperation("not writable")

    def readall(self) -> bytes:
        self._check_open()
        with self._lock:
            parts: list[bytes | memoryview] = []
            if data := self._read_ahead(self.size):
                parts.append(data)
            if self._position < self.size:
                parts.append(self._fetch(self._position, self.size))
                self._position = self.size
            return b"".join(parts)

    def __repr__(self) -> str:
        return f"<ReadFile, {'closed' if self.closed else f'{self.size} bytes'}>"

    def _read(self, size: int) -> memoryview | bytes:
        """At most ``size`` bytes from the position on, which moves; none at the end."""
        size = min(size, self.size - self._position)
        if size <= 0:
            return b""
        if data := self._read_ahead(size):
            return data
        goes_on = self._position == self._ahead_at + len(self._ahead)
        self._span = min(2 * self._span, _LAST_SPAN) if goes_on else _FIRST_SPAN
        end = min(self._position + max(self._span, min(size, _LAST_SPAN)), self.size)
        # Nobody needs what was fetched before; given up now, it is not held beside what comes.
        self._ahead, self._ahead_at = b"", self._position
        self._ahead = self._fetch(self._position, end)
        return self._read_ahead(size)

    def _read_ahead(self, size: int) -> memoryview:
        """What of it was fetched already."""
        begin = self._position - self._ahead_at
        data = memoryview(self._ahead)[begin : begin + size] if begin >= 0 else memoryview(b"")
        self._position += len(data)
        return data

    def _open(self) -> native.FileInfo:
        """Finds the file; a small one is fetched at once."""
        operation = self._client.get(self.name, fresh=self._fresh)
        parts: list[bytes] = []
        with Running(operation, self._timeout, self.name) as running:
            for event in running:
                if isinstance(event, native.Found):
                    info = event.info
                    if info.size > _FIRST_SPAN:
                        return info
                elif isinstance(event, native.Data):
                    parts.append(event.data)
                    operation.consumed(len(event.data))
            _warn_unless_fresh(running)
        self._ahead = b"".join(parts)
        return info

    def _fetch(self, start: int, end: int) -> bytes:
        operation = self._client.get(self.name, first=start, last=end - 1, fresh=self._fresh)
        parts: list[bytes] = []
        with Running(operation, self._timeout, self.name) as running:
            for event in running:
                if isinstance(event, native.Found) and event.info.version != self.info.version:
                    raise ConflictError("the file was stored anew while it was open", "conflict", self.name)
                if isinstance(event, native.Data):
                    parts.append(event.data)
                    operation.consumed(len(event.data))
            _warn_unless_fresh(running)
        return b"".join(parts)

    def _check_open(self) -> None:
        if self.closed:
            raise ValueError("I/O operation on closed file.")


class WriteFile(io.RawIOBase):
    """A new file, stored when it is closed: until then nothing is to be seen of it.

    Left by an exception, or forgotten without ``close()``, it is not stored at all.
    """

    stored: native.Stored | None = None
    """What came of it, once it is closed."""
    owner: object = None
    """Kept alive as long as this file is."""

    def __init__(self, running: Running, key: str, timeout: float | None) -> None:
        super().__init__()
        self.name = key
        self.mode = "wb"
        self._running = running
        self._timeout = timeout
        self._lock = threading.RLock()
        self._room = 0
        self._position = 0

    def writable(self) -> bool:
        return True

    def tell(self) -> int:
        self._check_open()
        return self._position

    def write(self, data: ReadableBuffer, /) -> int:
        self._check_open()
        with self._lock, memoryview(data).cast("B") as view:
            self._running.limit(self._timeout)
            at = 0
            while at < len(view):
                while self._room == 0:
                    event = next(self._running)
                    if isinstance(event, native.NeedData):
                        self._room = event.max
                part = bytes(view[at : at + min(self._room, _WRITE_AT_ONCE)])
                self._running.operation.provide(part)
                at += len(part)
                self._room -= len(part)
            self._position += at
            return at

    def readinto(self, buffer: WriteableBuffer, /) -> int:
        raise io.UnsupportedOperation("not readable")

    def close(self) -> None:
        """Stores it, and waits until it is durable."""
        if self.closed:
            return
        try:
            with self._lock, self._running:
                self._running.limit(self._timeout)
                self._finish()
                self.stored = cast(native.Stored, self._running.result)
        finally:
            super().close()
        warn_if_degraded(self.stored, 2)

    def discard(self) -> None:
        """Closes it without storing it."""
        if not self.closed:
            self._running.operation.cancel()
            super().close()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self.close()
        else:
            self.discard()

    def __del__(self) -> None:
        # The base class would close it, and so store what may be a part.
        if not self.closed and hasattr(self, "_running"):
            warnings.warn(f"unclosed {self!r}, not stored", ResourceWarning, source=self)
            self.discard()

    def __repr__(self) -> str:
        return f"<WriteFile, {'closed' if self.closed else f'{self._position} bytes so far'}>"

    def _finish(self) -> None:
        if self._room > 0:
            self._running.operation.finish()
        for event in self._running:
            # The store asks once more, or for the first time, before it can be told.
            if isinstance(event, native.NeedData):
                self._running.operation.finish()

    def _check_open(self) -> None:
        if self.closed:
            raise ValueError("I/O operation on closed file.")


def _warn_unless_fresh(running: Running) -> None:
    if not running.result.fresh:
        warnings.warn(
            "too few peers answered to be sure that this is the newest version", NotFreshWarning, stacklevel=4
        )
