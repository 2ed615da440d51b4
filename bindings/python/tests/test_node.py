"""Peers in this process: their networks, their tokens, what they keep."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from quantumsync import AccessError, BadValueError, Client, DegradedWarning, Node, QuantumSyncError, StorageError, Vault


def test_a_node_keeps_its_identity_and_what_it_was_given(tmp_path: Path, vault: Vault) -> None:
    with Node(tmp_path) as node, Client(node, vault) as client:
        first = (node.id, node.address)
        client.store("key", b"kept")
    with Node(tmp_path) as node, Client(node, vault) as client:
        assert (node.id, node.address) == first
        assert client.get("key") == b"kept"


def settle(nodes: list[Node], vault: Vault) -> None:
    """Waits until every node knows all of them and lacks nothing."""
    for node in nodes:
        with Client(node, vault, timeout=60) as client:
            while True:
                status = client.status()
                if status.members == len(nodes) and not status.syncing and status.copies_missing == 0:
                    break


def test_three_nodes_keep_three_copies_and_one_may_go(tmp_path: Path, vault: Vault) -> None:
    with Node(tmp_path / "1") as first:
        token = first.invite(node=True)
        with Node(tmp_path / "2", join=token) as second, Node(tmp_path / "3", join=token) as third:
            settle([first, second, third], vault)
            with Client(second, vault, timeout=60) as client:
                stored = client.store("key", b"x" * 100_000)
                # Of three replicas a majority has to be durable.
                assert stored.wanted == 2 and stored.copies >= 2
                settle([first, second, third], vault)
                assert {peer.state for peer in client.peers()} == {"self", "alive"}
                first.close()
                assert client.get("key") == b"x" * 100_000


def test_a_write_on_fewer_peers_than_wanted_is_kept_and_said(tmp_path: Path, vault: Vault) -> None:
    with Node(tmp_path / "1") as first, Node(tmp_path / "2", join=first.invite(node=True)) as second:
        settle([first, second], vault)
        second.close()
        with Client(first, vault, timeout=60) as client:
            with pytest.warns(DegradedWarning, match="1 of 2"):
                assert client.store("key", b"kept").degraded
            with pytest.warns(DegradedWarning), client.open("other", "wb") as file:
                file.write(b"kept")


def test_a_clients_token_lets_in_users_only(node: Node) -> None:
    with pytest.raises(BadValueError) as caught:
        Node(volatile=True, join=node.invite())
    assert caught.value.code == "client_token"


def test_a_token_of_another_network_is_a_permission_error(node: Node, vault: Vault) -> None:
    with Node(volatile=True) as other:
        with Client(other.address, vault, token=node.invite(), timeout=60) as client:
            with pytest.raises(PermissionError) as caught:
                client.get("key")
            assert isinstance(caught.value, AccessError) and caught.value.code == "wrong_network"


@pytest.mark.parametrize("token", ["", "qs1", "x" * 10_000, "qs1aaaa", "\0"])
def test_what_is_no_token_is_a_value_error_that_does_not_show_it(token: str, vault: Vault) -> None:
    with pytest.raises(BadValueError) as caught:
        Client("127.0.0.1:1", vault, token=token)
    assert caught.value.code == "bad_token"


def test_a_client_without_a_token_says_what_is_missing(node: Node, vault: Vault) -> None:
    with pytest.raises(BadValueError, match="invite"):
        Client(node.address, vault)


@pytest.mark.parametrize("address", ["", "localhost", "localhost:", ":99999", "a:b", "1.2.3.4:-1", "zz@127.0.0.1:1"])
def test_what_is_no_address_is_a_value_error(address: str, node: Node, vault: Vault) -> None:
    with pytest.raises(BadValueError):
        Client(address, vault, token=node.invite())


def test_an_address_names_its_host_and_its_node(node: Node, vault: Vault) -> None:
    port = node.address.rpartition(":")[2]
    for address in (f":{port}", f"localhost:{port}", f"{node.id}@127.0.0.1:{port}"):
        with Client(address, vault, token=node.invite(), timeout=60) as client:
            assert client.status().node == node.id


def test_a_home_is_one_nodes_at_a_time(tmp_path: Path) -> None:
    with Node(tmp_path), pytest.raises(StorageError) as caught:
        Node(tmp_path)
    assert caught.value.code == "in_use"


def test_an_address_in_use_is_an_os_error(node: Node) -> None:
    with pytest.raises(OSError) as caught:
        Node(listen=node.address, volatile=True)
    assert isinstance(caught.value, QuantumSyncError) and caught.value.code == "address_in_use"


def test_a_node_needs_a_home_unless_it_is_volatile() -> None:
    with pytest.raises(BadValueError, match="home"):
        Node()


def test_settings_that_are_none_are_refused() -> None:
    for options in ({"replicas": 256}, {"replicas": -1}):
        with pytest.raises((ValueError, OverflowError)):
            Node(volatile=True, **options)  # type: ignore[arg-type]
    with Node(volatile=True, replicas=2, gone_after=timedelta(minutes=5)) as node:
        with Client(node, Vault.create()) as client:
            assert client.status().replicas == 2


def test_a_node_shows_where_it_is_and_no_secret(node: Node) -> None:
    assert node.address in repr(node)
    assert node.invite() not in repr(node)
