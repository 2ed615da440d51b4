"""Real nodes on loopback, at ports that the system chooses, and clients of them."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from quantumsync import Client, Node, Vault


@pytest.fixture(scope="session")
def node() -> Iterator[Node]:
    """A node that all tests share: each has a vault of its own."""
    with Node(volatile=True) as node:
        yield node


@pytest.fixture
def vault() -> Vault:
    return Vault.create()


@pytest.fixture
def client(node: Node, vault: Vault) -> Iterator[Client]:
    with Client(node, vault, timeout=60) as client:
        yield client


@pytest.fixture
def silent_peer() -> Iterator[str]:
    """The address of something that takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"127.0.0.1:{server.getsockname()[1]}"
