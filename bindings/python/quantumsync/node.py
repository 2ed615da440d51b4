"""A whole peer in this process: :class:`Node`."""

from __future__ import annotations

import os
import tempfile
import warnings
from collections.abc import Iterable
from datetime import timedelta
from types import TracebackType

from . import _quantumsync as native
from ._address import resolve
from .errors import BadValueError

__all__ = ["Node"]


class Node:
    """A peer that runs in this process, on threads of its own, until it is closed.

    >>> with Node(volatile=True) as node:
    ...     node.address.startswith("127.0.0.1:")
    True

    ``home`` is the folder of its identity and of what it keeps; a volatile node keeps everything in memory and needs
    none. The first node of a home founds a new network, unless ``join`` is a token that another node's
    ``invite(node=True)`` made. Port 0 lets the system choose.
    """

    _native: native.Node | None = None
    _temporary: tempfile.TemporaryDirectory[str] | None = None

    def __init__(
        self,
        home: str | os.PathLike[str] | None = None,
        listen: str = "127.0.0.1:0",
        *,
        advertise: str | None = None,
        join: str | None = None,
        peers: Iterable[str] = (),
        replicas: int | None = None,
        gone_after: timedelta | None = None,
        volatile: bool = False,
    ) -> None:
        if home is None:
            if not volatile:
                raise BadValueError("a node needs a home, unless it is volatile", "bad_value")
            self._temporary = tempfile.TemporaryDirectory(prefix="quantumsync-", ignore_cleanup_errors=True)
            home = self._temporary.name
        try:
            self._native = native.Node(
                os.fspath(home),
                resolve(listen, "0.0.0.0")[1],
                advertise=None if advertise is None else resolve(advertise, "127.0.0.1")[1],
                join=join,
                peers=[resolve(peer, "127.0.0.1") for peer in peers],
                replicas=replicas,
                gone_after_s=None if gone_after is None else round(gone_after.total_seconds()),
                volatile=volatile,
            )
        except BaseException:
            self._forget_home()
            raise
        self._closed = False

    @property
    def id(self) -> str:
        """Its id: 64 hexadecimal digits."""
        return self._running().id

    @property
    def address(self) -> str:
        """Where it listens: ``IP:PORT``."""
        return self._running().address

    @property
    def closed(self) -> bool:
        """Whether :meth:`close` was called."""
        return self._native is None or self._closed

    def invite(self, *, node: bool = False) -> str:
        """A token that lets a user into its network; with ``node``, one that lets in another node.

        A token is a secret, and whoever holds one for nodes administers the network.
        """
        return self._running().invite(node)

    def close(self) -> None:
        """Stops it and waits until its disk is closed. Raises why, if it had ended by itself."""
        if self._native is None or self._closed:
            return
        self._closed = True
        try:
            self._native.close()
        finally:
            self._forget_home()

    def __enter__(self) -> Node:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        if self._native is None:
            return "<Node, not started>"
        return f"<Node {self._native.id[:8]}… {'closed' if self._closed else f'at {self._native.address}'}>"

    def __del__(self) -> None:
        if not self.closed:
            warnings.warn(f"unclosed {self!r}", ResourceWarning, source=self)
            self.close()

    def _running(self) -> native.Node:
        assert self._native is not None
        return self._native

    def _forget_home(self) -> None:
        if self._temporary is not None:
            self._temporary.cleanup()
