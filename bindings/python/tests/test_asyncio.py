"""The client for asyncio: the same files, over a driver that is nothing but asyncio."""

from __future__ import annotations

import asyncio
import io
import random
import threading
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from quantumsync import AsyncClient, BadValueError, CancelledError, Client, ClosedError, DeadlineError, Node, Vault
from quantumsync import UnreachableError

CONTENT = random.Random(9).randbytes(6_000_000)


def run(node: Node, vault: Vault, body: Callable[[AsyncClient], Awaitable[None]]) -> None:
    """Runs `body` with a client in an event loop of its own, whose slow callbacks and lost tasks are errors."""

    async def main() -> None:
        async with AsyncClient(node, vault, timeout=60) as client:
            await body(client)
        assert asyncio.all_tasks() == {asyncio.current_task()}

    asyncio.run(main(), debug=True)


def test_files_come_back_and_are_the_same_to_both_clients(node: Node, vault: Vault, client: Client) -> None:
    async def body(asynchronous: AsyncClient) -> None:
        for content in (b"", b"x", CONTENT):
            stored = await asynchronous.store("key", content)
            assert stored.size == len(content)
            assert await asynchronous.get("key") == content == client.get("key")
        client.store("other", CONTENT[::-1])
        assert await asynchronous.get("other", start=5, stop=4_000_000) == CONTENT[::-1][5:4_000_000]
        assert [info.key for info in await asynchronous.list()] == ["key", "other"]
        assert (await asynchronous.info("other")).size == len(CONTENT)
        await asynchronous.delete("key")
        assert not await asynchronous.exists("key")
        with pytest.raises(KeyError, match="'key'"):
            await asynchronous.get("key")
        await asynchronous.clear()
        assert await asynchronous.list() == []
        assert (await asynchronous.status()).members == 1

    run(node, vault, body)


def test_every_kind_of_source_is_stored(node: Node, vault: Vault, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(CONTENT)

    async def body(client: AsyncClient) -> None:
        stream = asyncio.StreamReader(limit=1 << 26)
        stream.feed_data(CONTENT)
        stream.feed_eof()
        for source in (bytearray(CONTENT), tmp_path / "file", io.BytesIO(CONTENT), stream):
            stored = await client.store("key", source)
            assert stored.size == len(CONTENT)
        assert await client.get("key") == CONTENT

    run(node, vault, body)


def test_a_stream_gives_a_file_piece_by_piece_and_may_be_left(node: Node, vault: Vault) -> None:
    async def body(client: AsyncClient) -> None:
        await client.store("key", CONTENT)
        assert b"".join([part async for part in client.stream("key", start=7)]) == CONTENT[7:]
        stream = client.stream("key")
        assert CONTENT.startswith(await anext(stream))
        await stream.aclose()  # type: ignore[attr-defined]
        assert await client.get("key") == CONTENT

    run(node, vault, body)


def test_many_operations_run_at_once(node: Node, vault: Vault) -> None:
    async def body(client: AsyncClient) -> None:
        contents = {f"{n}": CONTENT[n * 1000 : n * 1000 + 50_000] for n in range(50)}
        await asyncio.gather(*(client.store(key, content) for key, content in contents.items()))
        got = await asyncio.gather(*(client.get(key) for key in contents))
        assert got == [*contents.values()]

    run(node, vault, body)


def test_progress_is_told_up_to_the_end(node: Node, vault: Vault) -> None:
    async def body(client: AsyncClient) -> None:
        calls: list[tuple[int, int | None]] = []
        await client.store("key", CONTENT, progress=lambda done, total: calls.append((done, total)))
        assert calls[-1] == (len(CONTENT), len(CONTENT))
        await client.get("key", start=10, progress=lambda done, total: calls.append((done, total)))
        assert calls[-1] == (len(CONTENT) - 10, len(CONTENT) - 10)

    run(node, vault, body)


def test_a_task_that_is_cancelled_cancels_its_operation(node: Node, vault: Vault) -> None:
    async def body(client: AsyncClient) -> None:
        begun = asyncio.Event()

        class Endless:
            async def read(self, size: int, /) -> bytes:
                begun.set()
                await asyncio.Event().wait()
                raise AssertionError("nobody sets it")

        task = asyncio.create_task(client.store("key", Endless()))
        await begun.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert not await client.exists("key")

    run(node, vault, body)


def test_a_timeout_is_a_timeout_error(silent_peer: str, node: Node, vault: Vault) -> None:
    async def main() -> None:
        async with AsyncClient(silent_peer, vault, token=node.invite(), timeout=0.1) as client:
            with pytest.raises(TimeoutError) as caught:
                await client.get("key")
            assert isinstance(caught.value, DeadlineError)

    asyncio.run(main())


def test_no_peer_at_all_is_a_connection_error(vault: Vault) -> None:
    with Node(volatile=True) as gone:
        token = gone.invite()

    async def main() -> None:
        async with AsyncClient(None, vault, token=token) as client:
            with pytest.raises(ConnectionError) as caught:
                await client.get("key")
            assert isinstance(caught.value, UnreachableError)

    asyncio.run(main())


def test_closing_ends_what_is_under_way(node: Node, vault: Vault) -> None:
    async def main() -> None:
        async with AsyncClient(node, vault) as client:

            class Endless:
                async def read(self, size: int, /) -> bytes:
                    await client.close()
                    return b"x"

            with pytest.raises(CancelledError):
                await client.store("key", Endless())
            with pytest.raises(ClosedError):
                await client.get("key")
        assert "closed" in repr(client)

    asyncio.run(main(), debug=True)


def test_a_client_that_was_not_entered_says_so(node: Node, vault: Vault) -> None:
    client = AsyncClient(node, vault)
    with pytest.raises(ClosedError, match="async with"):
        asyncio.run(client.get("key"))
    with pytest.raises(BadValueError, match="token"):
        AsyncClient("127.0.0.1:1", vault)


def test_many_event_loops_run_side_by_side(node: Node) -> None:
    failures: list[BaseException] = []

    def work(number: int) -> None:
        async def body(client: AsyncClient) -> None:
            for turn in range(5):
                await client.store(f"{turn}", CONTENT[number : number + 30_000])
                assert await client.get(f"{turn}") == CONTENT[number : number + 30_000]

        try:
            run(node, Vault.create(), body)
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=work, args=[number]) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
