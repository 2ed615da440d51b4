"""Vaults: their words, their files, and what they do not show."""

from __future__ import annotations

import copy
import pickle
import stat
from pathlib import Path

import pytest

from quantumsync import AccessError, BadValueError, DamagedError, StorageError, Vault


def test_words_bring_a_vault_back() -> None:
    vault = Vault.create()
    words = vault.words()
    assert len(words.split()) == 24
    assert Vault.from_words(words).owner == vault.owner
    assert Vault.create().owner != vault.owner


@pytest.mark.parametrize("words", ["", "abandon " * 24, "zoo", "\0", "word " * 100_000])
def test_words_that_are_no_vault_are_a_value_error(words: str) -> None:
    with pytest.raises(BadValueError):
        Vault.from_words(words)


def test_an_error_of_words_shows_none_of_them() -> None:
    words = Vault.create().words().split()
    with pytest.raises(BadValueError) as caught:
        Vault.from_words(" ".join(words[:23] + ["xylograph"]))
    assert not set(words) & set(str(caught.value).split())
    assert "xylograph" not in str(caught.value)


@pytest.mark.parametrize("passphrase", [None, "correct horse", "", "пароль"])
def test_a_vault_file_opens_with_its_passphrase(tmp_path: Path, passphrase: str | None) -> None:
    path = tmp_path / "vault"
    vault = Vault.create()
    vault.save(path, passphrase)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [entry.name for entry in tmp_path.iterdir()] == ["vault"]
    assert Vault.open(path, passphrase).owner == vault.owner


def test_a_wrong_or_missing_passphrase_is_a_permission_error(tmp_path: Path) -> None:
    path = tmp_path / "vault"
    Vault.create().save(path, "right")
    for passphrase, code in [("wrong", "wrong_passphrase"), (None, "needs_passphrase")]:
        with pytest.raises(PermissionError) as caught:
            Vault.open(path, passphrase)
        assert isinstance(caught.value, AccessError) and caught.value.code == code


def test_an_existing_file_is_kept_unless_it_may_be_replaced(tmp_path: Path) -> None:
    path = tmp_path / "vault"
    first, second = Vault.create(), Vault.create()
    first.save(path)
    with pytest.raises(StorageError) as caught:
        second.save(path)
    assert caught.value.code == "exists"
    assert Vault.open(path).owner == first.owner
    second.save(path, replace=True)
    assert Vault.open(path).owner == second.owner
    assert [entry.name for entry in tmp_path.iterdir()] == ["vault"]


def test_a_damaged_file_is_told_from_a_wrong_passphrase(tmp_path: Path) -> None:
    path = tmp_path / "vault"
    Vault.create().save(path, "right")
    whole = path.read_bytes()
    for damaged in [b"", b"no vault", whole[:-1], whole[:20] + b"?" + whole[21:], b"x" * 100_000]:
        path.write_bytes(damaged)
        with pytest.raises(DamagedError):
            Vault.open(path, "right")


def test_no_secret_is_shown_copied_or_pickled() -> None:
    vault = Vault.create()
    shown = repr(vault) + str(vault)
    assert not any(word in shown.split() for word in vault.words().split())
    assert vault.owner[:8] in shown
    for leak in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(TypeError):
            leak(vault)
    with pytest.raises(TypeError):
        Vault()
    with pytest.raises(TypeError):
        pickle.dumps(vault._native)
