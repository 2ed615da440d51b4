"""What goes in comes out: of every kind of source, into every kind of target."""

from __future__ import annotations

import io
import os
import random
import tracemalloc
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any, cast

import pytest

from quantumsync import BadValueError, Client, Node, NotFoundError, Vault, sansio

LARGE = random.Random(5).randbytes(6_000_000)


@pytest.mark.parametrize("content", [b"", b"x", b"\x00" * 20_000, LARGE], ids=["empty", "one", "zeros", "large"])
def test_bytes_come_back(client: Client, content: bytes) -> None:
    stored = client.store("key", content)
    assert (stored.size, stored.copies, stored.wanted, stored.degraded) == (len(content), 1, 1, False)
    assert client.get("key") == content


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview, io.BytesIO])
def test_every_kind_of_source_is_stored(client: Client, kind: type) -> None:
    client.store("key", kind(LARGE))
    assert client.get("key") == LARGE


def test_a_path_is_stored_with_its_time_of_modification(client: Client, tmp_path: Path) -> None:
    path = tmp_path / "photo.jpg"
    path.write_bytes(b"pixels")
    os.utime(path, (1_000_000_000, 1_000_000_000))
    client.store("as path", path)
    client.store("as string", str(path))
    expected = datetime(2001, 9, 9, 1, 46, 40, tzinfo=timezone.utc)
    assert [info.modified for info in client.list()] == [expected, expected]


def test_an_open_file_is_stored_from_where_it_stands(client: Client, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"head and body")
    with open(tmp_path / "file", "rb") as file:
        file.seek(9)
        client.store("key", file)
    assert client.get("key") == b"body"


def test_a_source_that_reads_little_at_a_time_is_stored_whole(client: Client) -> None:
    class Trickle(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            return super().read(min(size or 0, 1000))

    client.store("key", Trickle(LARGE[:100_000]))
    assert client.get("key") == LARGE[:100_000]


def test_a_range_is_a_slice(client: Client) -> None:
    client.store("key", LARGE)
    for start, stop in [(0, 1), (0, None), (5, 2_000_005), (5_999_999, None), (3_000_000, 99_000_000)]:
        assert client.get("key", start=start, stop=stop) == LARGE[start:stop]


@pytest.mark.parametrize(("start", "stop"), [(-1, None), (3, 3), (4, 3), (10, None)])
def test_a_range_outside_the_file_is_a_value_error(client: Client, start: int, stop: int | None) -> None:
    client.store("key", b"0123456789")
    with pytest.raises(ValueError):
        client.get("key", start=start, stop=stop)


def test_what_the_peers_have_is_not_sent_again(client: Client) -> None:
    assert client.store("one", LARGE).sent_bytes > len(LARGE)
    assert client.store("two", LARGE).sent_bytes == 0


def test_a_download_is_whole_or_what_was_there_before(client: Client, tmp_path: Path) -> None:
    target = tmp_path / "copy"
    client.store("key", LARGE)
    assert client.download("key", target).size == len(LARGE)
    assert target.read_bytes() == LARGE
    with pytest.raises(NotFoundError):
        client.download("other", target)
    assert target.read_bytes() == LARGE
    assert [path.name for path in tmp_path.iterdir()] == ["copy"]


def test_a_download_writes_to_anything_that_can_be_written_to(client: Client) -> None:
    client.store("key", LARGE)
    output = io.BytesIO()
    client.download("key", output)
    assert output.getvalue() == LARGE


def test_progress_is_told_up_to_the_end(client: Client) -> None:
    stored: list[tuple[int, int | None]] = []
    got: list[tuple[int, int | None]] = []
    client.store("key", LARGE, progress=lambda done, total: stored.append((done, total)))
    client.get("key", progress=lambda done, total: got.append((done, total)))
    for calls in (stored, got):
        assert calls[-1] == (len(LARGE), len(LARGE))
        assert [done for done, _ in calls] == sorted({done for done, _ in calls})


def test_an_error_of_a_callback_or_source_ends_the_operation_and_is_raised(client: Client) -> None:
    def fail(done: int, total: int | None) -> None:
        raise ZeroDivisionError

    class Broken:
        def read(self, size: int, /) -> bytes:
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        client.store("key", LARGE, progress=fail)
    with pytest.raises(ZeroDivisionError):
        client.store("key", Broken())
    assert not client.exists("key")
    client.store("key", LARGE)
    with pytest.raises(ZeroDivisionError):
        client.get("key", progress=fail)
    assert client.get("key") == LARGE


def test_a_store_and_a_get_take_the_same_memory_whatever_the_size(client: Client, tmp_path: Path) -> None:
    path = tmp_path / "large"
    path.write_bytes(LARGE * 10)
    with open(os.devnull, "wb") as nothing:
        tracemalloc.start()
        try:
            client.store("key", path)
            client.download("key", nothing)
            with client.open("key") as file:
                while file.read(1 << 20):
                    pass
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert peak < 16 << 20


def test_a_list_has_all_files_under_a_prefix_sorted(client: Client) -> None:
    for key in ["b", "a/2", "a/1", "c"]:
        client.store(key, b"x")
    assert [info.key for info in client.list()] == ["a/1", "a/2", "b", "c"]
    assert [info.key for info in client.list("a/")] == ["a/1", "a/2"]
    assert client.list("nothing") == []


def test_deleted_is_gone_and_cleared_is_all_gone(client: Client) -> None:
    for key in ["a", "b", "c"]:
        client.store(key, b"x")
    client.delete("a")
    assert not client.exists("a") and client.exists("b")
    client.clear()
    assert client.list() == []


def test_a_file_with_a_time_to_live_tells_when_it_expires(client: Client) -> None:
    client.store("key", b"x", ttl=timedelta(hours=1))
    info = client.info("key")
    assert info.expires is not None
    assert timedelta(0) < info.expires - datetime.now(timezone.utc) <= timedelta(hours=1)


def test_what_is_not_there_is_a_key_error_that_names_it(client: Client) -> None:
    with pytest.raises(KeyError, match="'letter'") as caught:
        client.get("letter")
    assert isinstance(caught.value, NotFoundError)
    assert (caught.value.code, caught.value.key) == ("not_found", "letter")


def test_another_vault_finds_nothing(client: Client, node: Node) -> None:
    client.store("key", b"x")
    with Client(node, Vault.create()) as other:
        assert not other.exists("key")


@pytest.mark.parametrize("key", ["", "a" * 1025, "nul\0"])
def test_a_key_that_cannot_be_used_is_a_value_error(client: Client, key: str) -> None:
    for call in (client.get, client.delete, client.info, client.open):
        with pytest.raises(BadValueError):
            call(key)
    with pytest.raises(BadValueError):
        client.store(key, b"x")


def test_a_key_is_any_text(client: Client) -> None:
    for key in ["ein Schlüssel", "鍵", "a/b/../c", " ", "a" * 1024]:
        client.store(key, key.encode())
        assert client.get(key) == key.encode()


@pytest.mark.parametrize("source", [None, 3, ["x"], object()])
def test_a_source_of_a_wrong_type_is_a_type_error(client: Client, source: object) -> None:
    with pytest.raises(TypeError, match="cannot store"):
        client.store("key", source)  # type: ignore[arg-type]


def test_text_is_a_type_error_that_says_what_to_do(client: Client) -> None:
    with pytest.raises(TypeError, match="binary mode"):
        client.store("key", io.StringIO("text"))  # type: ignore[arg-type]


@pytest.mark.parametrize("key", [3, None, b"key", "\ud800"])
def test_a_key_of_a_wrong_type_is_an_error_of_python(client: Client, key: object) -> None:
    with pytest.raises((TypeError, UnicodeEncodeError)):
        client.get(key)  # type: ignore[arg-type]


def test_a_file_that_is_not_there_is_pythons_own_error(client: Client, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        client.store("key", tmp_path / "nothing")


def test_a_client_of_something_else_is_a_type_error(node: Node, vault: Vault) -> None:
    token: Any = node.invite()
    with pytest.raises(TypeError, match="an address is a str, not int"):
        Client(cast(Any, 5), vault, token=token)
    with pytest.raises(TypeError, match="a vault is a Vault, not str"):
        Client(node, cast(Any, "vault"))
    with pytest.raises(TypeError, match="a vault is a Vault, not bytes"):
        sansio.Client(sansio.now(), token, cast(Any, b"vault"))


def test_a_huge_key_is_not_shown_whole(client: Client) -> None:
    with pytest.raises(BadValueError) as caught:
        client.store("k" * 100_000, b"x")
    assert len(str(caught.value)) < 300
