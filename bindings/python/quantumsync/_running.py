"""One operation of the blocking client under way: its events, its deadline, its end. Knows nothing of files."""

from __future__ import annotations

import time
import warnings
from collections.abc import Iterator
from types import TracebackType
from typing import Any

from . import _quantumsync as native
from .errors import DeadlineError, DegradedWarning

Event = (
    native.Connected
    | native.Disconnected
    | native.NeedData
    | native.Found
    | native.Data
    | native.Entries
    | native.Done
    | native.Failed
)


class Running:
    """Iterates over the events but the last, whose result is then :attr:`result`. Left before, the operation is cancelled.

    ``timeout`` seconds are what it may take from now on in all; None is no limit. ``key`` is for its errors.
    """

    result: Any = None

    def __init__(self, operation: native.Operation, timeout: float | None, key: str | None = None) -> None:
        self.operation = operation
        self.key = key
        self.limit(timeout)

    def limit(self, timeout: float | None) -> None:
        """Gives it so many seconds from now."""
        self._until = None if timeout is None else time.monotonic() + timeout

    def wait(self) -> Any:
        """The result of an operation whose events are of no interest."""
        for _ in self:
            pass
        return self.result

    def __iter__(self) -> Iterator[Event]:
        return self

    def __next__(self) -> Event:
        left = None if self._until is None else max(0.0, self._until - time.monotonic())
        event = self.operation.next_event(left)
        match event:
            case None:
                raise DeadlineError("not done within the timeout that was given", "deadline", self.key)
            case native.Failed(error=error):
                error.key = self.key
                try:
                    raise error
                finally:
                    # Raised, it holds this frame: nothing here may hold it.
                    del event, error
            case native.Done():
                self.result = event.result
                raise StopIteration
            case _:
                return event

    def __enter__(self) -> Running:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.operation.cancel()


def warn_if_degraded(written: native.Stored | native.Written, stacklevel: int) -> None:
    """Says of a write that it is not on as many peers as it should be."""
    if written.degraded:
        warnings.warn(
            f"durable on {written.copies} of {written.wanted} peers; they finish it when the others are back",
            DegradedWarning,
            stacklevel=stacklevel + 1,
        )
