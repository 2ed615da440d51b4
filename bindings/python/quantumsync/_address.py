"""Addresses as users write them: ``[NODEID@]HOST:PORT``. Knows nothing of nodes and clients."""

from __future__ import annotations

import socket
from typing import NamedTuple

from .errors import BadValueError, UnreachableError


class Address(NamedTuple):
    """One address, taken apart."""

    node: str | None
    host: str
    port: int


def parse(text: str) -> Address:
    """Takes an address apart.

    >>> parse("[::1]:4270")
    Address(node=None, host='::1', port=4270)
    """
    if not isinstance(text, str):
        raise TypeError(f"an address is a str, not {type(text).__name__}")
    node, at, rest = text.rpartition("@")
    host, colon, port = rest.rpartition(":")
    if not colon or not (port.isascii() and port.isdigit()) or int(port) > 65535:
        raise BadValueError(f"{text!r} is no address of the form [NODEID@]HOST:PORT", "bad_value")
    host = host.removeprefix("[").removesuffix("]")
    return Address(node if at else None, host, int(port))


def numeric(host: str, port: int) -> str:
    """``IP:PORT`` as the native layer reads it."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def resolve(text: str, without_host: str) -> tuple[str | None, str]:
    """The node's id, if the address names it, and ``IP:PORT``; may ask the system's resolver."""
    node, host, port = parse(text)
    try:
        found = socket.getaddrinfo(host or without_host, port, type=socket.SOCK_STREAM)
    except OSError as error:
        raise UnreachableError(f"cannot resolve {host}: {error}", "unreachable") from error
    # A name such as localhost often has both; peers listen on IPv4 unless they are told otherwise.
    found.sort(key=lambda info: info[0] == socket.AF_INET6)
    return node, numeric(str(found[0][4][0]), port)
