"""Written for mypy --strict: what a user's program looks like to it. Also run, by test_typing.py."""

from __future__ import annotations

import asyncio
import io
import zipfile
from pathlib import Path

import quantumsync
from quantumsync import sansio


def blocking(node: quantumsync.Node, vault: quantumsync.Vault, path: Path) -> int:
    with quantumsync.Client(node, vault, timeout=30.0) as client:
        stored: quantumsync.Stored = client.store("a.zip", path, progress=lambda done, total: None)
        with client.open("a.zip") as file, zipfile.ZipFile(file) as archive:
            names: list[str] = archive.namelist()
        with client.open("copy", "wb") as target:
            target.write(client.get("a.zip", start=0, stop=None))
        infos: list[quantumsync.FileInfo] = client.list()
        buffered: io.BufferedReader[quantumsync.ReadFile] = io.BufferedReader(client.open("copy"))
        buffered.close()
        try:
            client.get("nothing")
        except KeyError as error:
            assert isinstance(error, quantumsync.NotFoundError)
            code: str = error.code
            assert code == "not_found"
        return stored.size + len(names) + len(infos)


async def asynchronous(node: quantumsync.Node, vault: quantumsync.Vault) -> bytes:
    async with quantumsync.AsyncClient(node, vault) as client:
        await client.store("b", b"content")
        parts = [part async for part in client.stream("b")]
        infos: list[quantumsync.FileInfo] = await client.list()
        assert [info.key for info in infos][-1] == "copy"
        return b"".join(parts)


def without_io(token: str) -> str:
    machine = sansio.Client(sansio.now(), token, quantumsync.Vault.create())
    op: int = machine.status(sansio.now())
    for output in machine.outputs():
        match output:
            case sansio.Dial(conn=conn, address=address):
                machine.handle_dial_failed(sansio.now(), conn)
                return address
            case sansio.Failed(op=failed, error=error) if failed == op:
                raise error
            case _:
                pass
    raise AssertionError("a machine that needs a link dials")


def main(path: Path) -> None:
    vault = quantumsync.Vault.create()
    with quantumsync.Node(volatile=True) as node:
        assert blocking(node, vault, path) > 0
        assert asyncio.run(asynchronous(node, vault)) == b"content"
        assert without_io(node.invite()).startswith("127.0.0.1:")
