"""Thousands of operations, and nothing is left of them: memory, threads, descriptors."""

from __future__ import annotations

import asyncio
import gc
import os
import threading
import tracemalloc
from pathlib import Path

import pytest

from quantumsync import AsyncClient, Client, Node, Vault, sansio


def resident() -> int:
    """Bytes of this process in memory."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))


def test_ten_thousand_operations_leave_nothing_behind(vault: Vault) -> None:
    with Node(volatile=True) as node, Client(node, vault, timeout=60) as client:
        content = bytes(1000)

        def work(count: int) -> None:
            for turn in range(count):
                key = f"key {turn % 10}"
                client.store(key, content)
                assert client.get(key) == content
                assert client.exists(key)
                with pytest.raises(KeyError):
                    client.get("nothing")

        # What is made once, buffers and caches, is made here.
        work(500)
        gc.collect()
        tracemalloc.start()
        try:
            threads, open_files, before = threading.active_count(), descriptors(), resident()
            traced = tracemalloc.get_traced_memory()[0]
            work(2500)
            gc.collect()
            assert tracemalloc.get_traced_memory()[0] - traced < 200_000
        finally:
            tracemalloc.stop()
        assert resident() - before < 24 << 20
        assert (threading.active_count(), descriptors()) == (threads, open_files)


def test_clients_and_machines_that_come_and_go_leave_nothing_behind(node: Node) -> None:
    vault, token = Vault.create(), node.invite()

    async def once() -> None:
        async with AsyncClient(node, vault) as client:
            await client.store("key", b"x")

    def work(count: int) -> None:
        for _ in range(count):
            with Client(node, vault) as client:
                client.store("key", b"x")
            asyncio.run(once())
            for _ in range(20):
                machine = sansio.Client(sansio.now(), token, vault)
                machine.get(sansio.now(), "key")
                list(machine.outputs())

    work(20)
    gc.collect()
    threads, open_files, before = threading.active_count(), descriptors(), resident()
    work(150)
    gc.collect()
    assert resident() - before < 24 << 20
    assert threading.active_count() == threads
    assert descriptors() <= open_files + 2
