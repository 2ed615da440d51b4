"""A user's keys: :class:`Vault`."""

from __future__ import annotations

import os
import secrets
from pathlib import Path
from typing import NoReturn, final

from . import _quantumsync as native
from .errors import StorageError

__all__ = ["Vault"]

_MAX_FILE = 64 << 10
"""More than any vault file has."""


@final
class Vault:
    """The keys of one user. Whoever has its 24 words, or its file and passphrase, has everything that is stored with it.

    >>> vault = Vault.create()
    >>> words = vault.words()
    >>> Vault.from_words(words).owner == vault.owner
    True

    Its ``repr`` shows whose it is, and no secret.
    """

    __slots__ = ("_native",)

    _native: native.Vault

    def __init__(self) -> None:
        raise TypeError("use Vault.create(), Vault.from_words() or Vault.open()")

    @classmethod
    def create(cls) -> Vault:
        """A new vault. Write its :meth:`words` down: nothing else brings it back."""
        return cls._of(native.Vault.create())

    @classmethod
    def from_words(cls, words: str) -> Vault:
        """The vault of these 24 words."""
        return cls._of(native.Vault.from_words(words))

    @classmethod
    def open(cls, path: str | os.PathLike[str], passphrase: str | None = None) -> Vault:
        """Opens a vault file, such as :meth:`save` or ``quantumsync init`` has written."""
        with open(path, "rb") as file:
            return cls._of(native.Vault.unlock(file.read(_MAX_FILE), passphrase))

    def save(self, path: str | os.PathLike[str], passphrase: str | None = None, *, replace: bool = False) -> None:
        """Writes a vault file that only its owner may read; without a passphrase, whoever reads it has the vault.

        An existing file is kept, unless ``replace`` is true.
        """
        path = Path(path)
        content = self._native.lock(passphrase)
        aside = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
        descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with open(descriptor, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            if replace:
                os.replace(aside, path)
                return
            # Unlike a rename, a link never takes another file's place.
            os.link(aside, path)
        except FileExistsError as error:
            raise StorageError(f"{path} exists already and is kept", "exists") from error
        finally:
            aside.unlink(missing_ok=True)

    def words(self) -> str:
        """The 24 words that are this vault."""
        return self._native.words()

    @property
    def owner(self) -> str:
        """Whose files these are: the public key that signs them, in hexadecimal digits."""
        return self._native.owner

    def __repr__(self) -> str:
        return f"<Vault of {self.owner[:8]}…>"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a vault is not pickled, since that would write its keys down: save() seals them")

    @classmethod
    def _of(cls, inner: native.Vault) -> Vault:
        vault = object.__new__(cls)
        vault._native = inner
        return vault


def keys_of(vault: Vault) -> native.Vault:
    """What the native layer has of a vault."""
    if not isinstance(vault, Vault):
        raise TypeError(f"a vault is a Vault, not {type(vault).__name__}")
    return vault._native
