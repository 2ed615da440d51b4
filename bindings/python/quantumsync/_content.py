"""What can be stored, whatever it is: one way to read it. Knows nothing of clients."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Protocol, TypeAlias

from .errors import BadValueError

READ_AT_ONCE = 1 << 20
"""Bytes read at once: enough that a call costs nothing beside it."""


class Readable(Protocol):
    """Anything that reads bytes: an open file, a socket's file, a response."""

    def read(self, size: int, /) -> bytes | None:
        """At most so many bytes; none at the end."""
        ...


Source: TypeAlias = bytes | bytearray | memoryview | str | os.PathLike[str] | Readable
"""What can be stored: bytes, the path of a file, or something to read bytes from."""


class Content:
    """A source that is read once, from where it stands to its end."""

    def __init__(self, source: Readable, size: int | None, modified_ms: int | None) -> None:
        self._source = source
        self.size = size
        self.modified_ms = modified_ms

    def read(self, size: int) -> bytes:
        """At most so many bytes; none at the end."""
        data = self._source.read(min(size, READ_AT_ONCE))
        if isinstance(data, bytes):
            return data
        if isinstance(data, (bytearray, memoryview)):
            return bytes(data)
        if data is None:
            raise BadValueError("the source has no bytes ready: it must wait for them", "bad_value")
        raise TypeError(f"the source reads {type(data).__name__}, not bytes: open files in binary mode")


class _Bytes:
    """Bytes as something to read from."""

    def __init__(self, data: bytes | bytearray | memoryview) -> None:
        self._view = memoryview(data).cast("B")

    def __len__(self) -> int:
        return len(self._view)

    def read(self, size: int, /) -> bytes:
        data, self._view = bytes(self._view[:size]), self._view[size:]
        return data


@contextmanager
def content_of(source: Source) -> Iterator[Content]:
    """Opens what is to be stored, and closes what it opened."""
    if isinstance(source, (bytes, bytearray, memoryview)):
        data = _Bytes(source)
        yield Content(data, len(data), None)
    elif isinstance(source, (str, os.PathLike)):
        with open(source, "rb") as file:
            status = os.fstat(file.fileno())
            yield Content(file, status.st_size, status.st_mtime_ns // 1_000_000)
    elif callable(getattr(source, "read", None)):
        yield Content(source, None, None)
    else:
        raise TypeError(f"cannot store {type(source).__name__}: give bytes, a path, or something with read()")


def milliseconds(ttl: timedelta | float | None) -> int | None:
    """A length of time as the native layer takes it."""
    if ttl is None:
        return None
    seconds = ttl.total_seconds() if isinstance(ttl, timedelta) else ttl
    if not 0 <= seconds < 1 << 40:
        raise BadValueError("a time to live is a number of seconds from 0 on", "bad_value")
    return round(seconds * 1000)


def unix_ms(time: datetime | float | None) -> int | None:
    """A moment as the native layer takes it."""
    if time is None:
        return None
    seconds = time.timestamp() if isinstance(time, datetime) else time
    if not 0 <= seconds < 1 << 40:
        raise BadValueError("a time of modification is one after 1970", "bad_value")
    return round(seconds * 1000)


def inclusive(start: int, stop: int | None) -> tuple[int | None, int | None]:
    """The slice ``[start:stop]`` as first and last byte; none of both for the whole."""
    if start < 0 or (stop is not None and stop <= start):
        raise BadValueError("a range begins at 0 or later, and ends after it begins", "bad_range")
    if start == 0 and stop is None:
        return None, None
    return start, None if stop is None else stop - 1
