"""Stored files as Python's own: read, sought, written, and handed to what expects files."""

from __future__ import annotations

import csv
import io
import os
import random
import shutil
import tarfile
import threading
import zipfile

import pytest

from quantumsync import Client, ConflictError

CONTENT = random.Random(6).randbytes(3_000_000)


def test_a_file_reads_like_a_file_of_bytes(client: Client) -> None:
    client.store("key", CONTENT)
    choice = random.Random(7)
    with client.open("key") as file, io.BytesIO(CONTENT) as model:
        assert (file.readable(), file.seekable(), file.writable(), file.size) == (True, True, False, len(CONTENT))
        for _ in range(60):
            if choice.random() < 0.4:
                whence = choice.choice([os.SEEK_SET, os.SEEK_END])
                offset = choice.randrange(len(CONTENT)) * (-1 if whence == os.SEEK_END else 1)
                assert file.seek(offset, whence) == model.seek(offset, whence)
            else:
                size = choice.choice([0, 1, 100, 70_000, 900_000])
                expected = model.read(size)
                got = b""
                while len(got) < len(expected):
                    got += file.read(size - len(got)) or pytest.fail("an early end")
                assert got == expected
            assert file.tell() == model.tell()
        assert file.read() == model.read()
        assert file.read(10) == b""


@pytest.mark.parametrize("size", [0, 1, 16 << 10, (256 << 10) + 1])
def test_a_file_of_any_size_is_read_to_its_end(client: Client, size: int) -> None:
    client.store("key", CONTENT[:size])
    with client.open("key") as file:
        assert file.read() == CONTENT[:size]
        assert file.seek(size + 5) == size + 5
        assert file.read(3) == b""


def test_many_files_may_be_open_at_once(client: Client) -> None:
    client.store("key", CONTENT)
    files = [client.open("key") for _ in range(40)]
    for file in files:
        assert file.read(10) == CONTENT[:10]
    for file in files:
        file.seek(1_000_000)
        assert file.read(10) == CONTENT[1_000_000:1_000_010]
        file.close()


def test_a_file_stored_anew_meanwhile_is_a_conflict_and_no_mixture(client: Client) -> None:
    client.store("key", CONTENT)
    with client.open("key") as file:
        assert file.read(10) == CONTENT[:10]
        client.store("key", CONTENT[::-1])
        with pytest.raises(ConflictError, match="'key'"):
            file.seek(2_000_000)
            file.read(10)


def test_a_written_file_is_there_when_it_is_closed(client: Client) -> None:
    with client.open("key", "wb") as file:
        shutil.copyfileobj(io.BytesIO(CONTENT), file)
        assert file.tell() == len(CONTENT)
        assert not client.exists("key")
    assert file.stored is not None and file.stored.size == len(CONTENT)
    assert client.get("key") == CONTENT


def test_an_empty_file_can_be_written(client: Client) -> None:
    client.open("key", "wb").close()
    assert client.get("key") == b""


def test_a_file_left_by_an_exception_is_not_stored(client: Client) -> None:
    with pytest.raises(ZeroDivisionError), client.open("key", "wb") as file:
        file.write(CONTENT)
        raise ZeroDivisionError
    assert file.closed and not client.exists("key")


def test_a_forgotten_file_is_not_stored_and_said(client: Client) -> None:
    file = client.open("key", "wb")
    file.write(b"a part")
    with pytest.warns(ResourceWarning, match="not stored"):
        del file
    assert not client.exists("key")


@pytest.mark.parametrize("mode", ["rb", "wb"])
def test_a_closed_file_is_a_value_error(client: Client, mode: str) -> None:
    client.store("key", b"x")
    file = client.open("key", mode)  # type: ignore[call-overload]
    file.close()
    file.close()
    for call in (file.tell, lambda: file.read(1), lambda: file.write(b"x")):
        with pytest.raises((ValueError, io.UnsupportedOperation)):
            call()


def test_archives_are_written_and_read(client: Client) -> None:
    with client.open("photos.zip", "wb") as file, zipfile.ZipFile(file, "w") as archive:
        archive.writestr("text", "hello " * 1000, zipfile.ZIP_DEFLATED)
        archive.writestr("noise", CONTENT)
    with client.open("photos.zip") as stored, zipfile.ZipFile(stored) as archive:
        assert archive.namelist() == ["text", "noise"]
        assert archive.read("noise") == CONTENT
    with client.open("photos.tar", "wb") as file, tarfile.open(fileobj=file, mode="w|") as tar:
        member = tarfile.TarInfo("noise")
        member.size = len(CONTENT)
        tar.addfile(member, io.BytesIO(CONTENT))
    with client.open("photos.tar") as stored, tarfile.open(fileobj=stored) as tar:
        extracted = tar.extractfile("noise")
        assert extracted is not None and extracted.read() == CONTENT


def test_text_is_read_through_pythons_own_wrapper(client: Client) -> None:
    client.store("people.csv", "name,city\nZoë,Zürich\n".encode())
    with io.TextIOWrapper(io.BufferedReader(client.open("people.csv")), encoding="utf-8") as file:
        assert list(csv.reader(file)) == [["name", "city"], ["Zoë", "Zürich"]]


def test_threads_may_share_a_file(client: Client) -> None:
    client.store("key", CONTENT)
    parts: list[bytes] = []
    with client.open("key") as file:

        def read() -> None:
            while data := file.read(50_000):
                parts.append(data)

        threads = [threading.Thread(target=read) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert sorted(map(len, parts)) and sum(map(len, parts)) == len(CONTENT)


def test_a_mode_that_is_none_is_a_value_error(client: Client) -> None:
    for mode in ["ab", "r+b", "w", ""]:
        with pytest.raises(ValueError, match="mode"):
            client.open("key", mode)  # type: ignore[call-overload]
