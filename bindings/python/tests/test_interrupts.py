"""What keeps a call waiting, and what ends it: deadlines, Ctrl-C, closing, a node that goes away."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path

import pytest

from quantumsync import (
    CancelledError,
    Client,
    ClosedError,
    DeadlineError,
    Node,
    UnreachableError,
    Vault,
)

CONTENT = random.Random(8).randbytes(8_000_000)


def test_a_timeout_of_a_call_or_of_the_client_is_a_timeout_error(silent_peer: str, node: Node, vault: Vault) -> None:
    with Client(silent_peer, vault, token=node.invite(), timeout=0.2) as client:
        with pytest.raises(TimeoutError) as caught:
            client.get("key")
        assert isinstance(caught.value, DeadlineError) and caught.value.key == "key"
        for call in (client.status, client.list, client.clear):
            with pytest.raises(DeadlineError):
                call(timeout=0.01)
        with pytest.raises(DeadlineError):
            client.open("key", timeout=0)


def test_no_peer_at_all_is_a_connection_error(vault: Vault) -> None:
    with Node(volatile=True) as gone:
        token = gone.invite()
    with Client(None, vault, token=token) as client, pytest.raises(ConnectionError) as caught:
        client.get("key")
    assert isinstance(caught.value, UnreachableError)


def test_ctrl_c_ends_a_call_that_waits(silent_peer: str, node: Node) -> None:
    script = f"""
        import quantumsync
        client = quantumsync.Client({silent_peer!r}, quantumsync.Vault.create(), token={node.invite()!r})
        try:
            print("waiting", flush=True)
            client.get("key")
        except KeyboardInterrupt:
            client.close()
            print("interrupted", flush=True)
    """
    command = [sys.executable, "-W", "error", "-c", textwrap.dedent(script)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "waiting\n"
        process.send_signal(signal.SIGINT)
        assert process.stdout.readline() == "interrupted\n"
        assert process.wait() == 0


def test_a_client_closed_in_another_thread_ends_its_calls(silent_peer: str, node: Node, vault: Vault) -> None:
    client = Client(silent_peer, vault, token=node.invite())
    ended: list[BaseException] = []

    def wait() -> None:
        try:
            client.get("key")
        except BaseException as error:
            ended.append(error)

    thread = threading.Thread(target=wait)
    thread.start()
    client.close()
    thread.join(30)
    assert [type(error) for error in ended] in ([CancelledError], [ClosedError])


def test_what_was_closed_says_so(node: Node, vault: Vault) -> None:
    client = Client(node, vault)
    client.close()
    client.close()
    assert client.closed and "closed" in repr(client)
    for call in (client.list, client.clear, client.status):
        with pytest.raises(ClosedError):
            call()
    with pytest.raises(ClosedError):
        client.store("key", b"x")
    with Node(volatile=True) as short:
        pass
    short.close()
    assert short.closed and "closed" in repr(short)
    with pytest.raises(ClosedError):
        short.invite()
    with pytest.raises(ClosedError):
        Client(short, vault)


def test_a_client_or_node_that_nobody_closed_is_said(node: Node, vault: Vault) -> None:
    client = Client(node, vault)
    with pytest.warns(ResourceWarning, match="unclosed <Client"):
        del client
    other = Node(volatile=True)
    with pytest.warns(ResourceWarning, match="unclosed <Node"):
        del other


def test_a_node_that_dies_in_the_middle_of_a_store_is_an_error_in_time(vault: Vault) -> None:
    node = Node(volatile=True)

    class Source:
        given = 0

        def read(self, size: int, /) -> bytes:
            self.given += size
            if self.given > 4 << 20:
                node.close()
            return os.urandom(size)

    with Client(node, vault, timeout=2) as client:
        with pytest.raises((UnreachableError, DeadlineError)):
            client.store("key", Source())


def test_many_threads_share_a_client(client: Client) -> None:
    failures: list[BaseException] = []

    def work(number: int) -> None:
        try:
            for turn in range(10):
                key, content = f"{number}/{turn}", CONTENT[number * 1000 : number * 1000 + 40_000]
                client.store(key, content)
                assert client.get(key) == content
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=work, args=[number]) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert len(client.list()) == 80


def test_other_threads_run_while_a_call_waits(silent_peer: str, node: Node, vault: Vault) -> None:
    turns = 0
    with Client(silent_peer, vault, token=node.invite()) as client:
        done = threading.Event()

        def wait() -> None:
            with pytest.raises(DeadlineError):
                client.get("key", timeout=0.3)
            done.set()

        thread = threading.Thread(target=wait)
        thread.start()
        while not done.is_set():
            turns += 1
            time.sleep(0)
        thread.join()
    # Held by the call, the interpreter would have run this thread once in a slice of the wait.
    assert turns > 100


def test_a_client_with_a_home_remembers_its_device(node: Node, vault: Vault, tmp_path: Path) -> None:
    home = tmp_path / "home"
    for content in (b"one", b"two"):
        with Client(node, vault, home=home) as client:
            client.store("key", content)
            assert client.get("key") == content
    assert (home / "device" / "secret").stat().st_size == 32
    assert any((home / "device" / "seen").iterdir())
