"""The filesystem of fsspec: by its URL, by its methods, and by what opens files through it."""

from __future__ import annotations

import random
from pathlib import Path

import fsspec
import pytest

from quantumsync import BadValueError, Client, Node, Vault
from quantumsync.fsspec import QuantumSyncFileSystem

CONTENT = random.Random(10).randbytes(2_000_000)


@pytest.fixture
def files(client: Client) -> QuantumSyncFileSystem:
    return QuantumSyncFileSystem(client=client)


def test_the_url_is_registered(client: Client) -> None:
    with fsspec.open("quantumsync://a/b.bin", "wb", client=client) as file:
        file.write(CONTENT)
    assert client.get("a/b.bin") == CONTENT
    with fsspec.open("quantumsync://a/b.bin", "rb", client=client) as file:
        assert file.read() == CONTENT
    with fsspec.open("quantumsync://a/text", "wt", client=client, encoding="utf-8") as file:
        file.write("Zoë\n")
    with fsspec.open("quantumsync://a/text", "rt", client=client, encoding="utf-8") as file:
        assert file.readline() == "Zoë\n"


def test_folders_are_what_keys_begin_with(files: QuantumSyncFileSystem) -> None:
    for key in ["top", "a/1", "a/b/2", "ab"]:
        files.pipe(key, b"x")
    assert files.ls("", detail=False) == ["a", "ab", "top"]
    assert files.ls("quantumsync://a/", detail=False) == ["a/1", "a/b"]
    assert files.ls("a/1", detail=False) == ["a/1"]
    assert files.find("") == ["a/1", "a/b/2", "ab", "top"]
    assert files.glob("a/**") == ["a", "a/1", "a/b", "a/b/2"]
    assert [files.isdir(path) for path in ["", "a", "a/b", "a/1", "none"]] == [True, True, True, False, False]
    assert [files.isfile(path) for path in ["", "a", "a/1", "none"]] == [False, False, True, False]
    assert files.size("a/1") == 1 and files.modified("a/1").year >= 2026
    assert files.du("a") == 2
    with pytest.raises(FileNotFoundError):
        files.ls("none")


def test_files_are_copied_moved_and_removed(files: QuantumSyncFileSystem) -> None:
    files.pipe("one", CONTENT)
    files.cp("one", "two")
    files.mv("two", "three")
    assert files.cat("three") == CONTENT
    assert not files.exists("two")
    files.pipe({"tree/a": b"a", "tree/b/c": b"c"})
    with pytest.raises(FileNotFoundError):
        files.rm("tree")
    files.rm("tree", recursive=True)
    assert files.find("") == ["one", "three"]


def test_a_folder_of_this_machine_goes_there_and_back(files: QuantumSyncFileSystem, tmp_path: Path) -> None:
    (tmp_path / "here" / "below").mkdir(parents=True)
    (tmp_path / "here" / "a").write_bytes(CONTENT)
    (tmp_path / "here" / "below" / "b").write_bytes(b"b")
    files.put(str(tmp_path / "here"), "there", recursive=True)
    files.get("there", str(tmp_path / "back"), recursive=True)
    assert (tmp_path / "back" / "a").read_bytes() == CONTENT
    assert (tmp_path / "back" / "below" / "b").read_bytes() == b"b"


def test_a_part_of_a_file_is_a_slice(files: QuantumSyncFileSystem) -> None:
    files.pipe("key", CONTENT)
    for start, end in [(None, None), (0, 10), (5, None), (-10, None), (None, -1), (9, 3), (10**9, None)]:
        assert files.cat_file("key", start, end) == CONTENT[start:end]
    assert files.head("key", 10) == CONTENT[:10] and files.tail("key", 10) == CONTENT[-10:]


def test_what_is_not_there_is_a_file_not_found_error(files: QuantumSyncFileSystem) -> None:
    for call in (files.cat_file, files.open, files.info, files.rm_file, files.modified):
        with pytest.raises(FileNotFoundError):
            call("none")
    files.pipe("key", b"x")
    for mode in ("xb",):
        with pytest.raises(FileExistsError):
            files.open("key", mode)
    with pytest.raises(BadValueError, match="mode"):
        files.open("key", "ab")


def test_it_is_made_of_a_vault_and_a_token(node: Node, vault: Vault, tmp_path: Path) -> None:
    vault.save(tmp_path / "vault", "secret")
    options = {"token": node.invite(), "vault": str(tmp_path / "vault"), "passphrase": "secret"}
    files = fsspec.filesystem("quantumsync", **options)
    files.pipe("key", b"x")
    assert fsspec.filesystem("quantumsync", **options).cat("key") == b"x"
    assert "secret" not in repr(files)
    with pytest.raises(BadValueError, match="vault"):
        fsspec.filesystem("quantumsync")
