"""A filesystem of fsspec: ``quantumsync://`` for pandas, pyarrow, dask and all that opens files through it.

    pandas.read_csv("quantumsync://tables/people.csv", storage_options={"client": client})

Keys are paths; what stands before a ``/`` in one of them is a folder, which is there as long as a key begins with it. A ``/`` at the
beginning of a path means nothing: keys that have one are for a ``Client`` alone. Instead of a
``client``, ``storage_options`` may name what one is made of: ``node``, ``token``, ``vault`` (the path of a vault file) and
``passphrase``. With those alone, other processes can open the same filesystem.
"""

from __future__ import annotations

import io
import weakref
from datetime import datetime
from typing import Any, cast

from fsspec.spec import AbstractFileSystem

from .client import Client
from .errors import BadValueError, NotFoundError
from .node import Node
from .vault import Vault

__all__ = ["QuantumSyncFileSystem"]


class QuantumSyncFileSystem(AbstractFileSystem):
    """A user's files as a filesystem.

    >>> from quantumsync import Client, Node, Vault
    >>> with Node(volatile=True) as node, Client(node, Vault.create()) as client:
    ...     files = QuantumSyncFileSystem(client=client)
    ...     files.pipe("tables/people.csv", b"name,age")
    ...     files.ls("tables", detail=False)
    ['tables/people.csv']
    """

    protocol = "quantumsync"
    cachable = False
    root_marker = ""

    def __init__(
        self,
        client: Client | None = None,
        *,
        node: Node | str | None = None,
        token: str | None = None,
        vault: Vault | str | None = None,
        passphrase: str | None = None,
        **options: Any,
    ) -> None:
        super().__init__(**options)
        if client is None:
            if vault is None:
                raise BadValueError("quantumsync:// needs a client, or a vault and a token", "bad_value")
            vault = vault if isinstance(vault, Vault) else Vault.open(vault, passphrase)
            client = Client(node, vault, token=token)
            weakref.finalize(self, client.close)
        self.client = client

    def ls(self, path: str, detail: bool = True, **options: Any) -> list[Any]:
        """The files and folders in a folder, or the file itself."""
        path = self._key(path)
        prefix = f"{path}/" if path else ""
        found: dict[str, dict[str, Any]] = {}
        for info in self.client.iterate(path):
            if info.key == path:
                found[path] = _file(info.key, info.size, info.modified)
            elif info.key.startswith(prefix):
                name, _, below = info.key[len(prefix) :].partition("/")
                is_file = len(prefix) + len(name) == len(info.key)
                entry = _file(info.key, info.size, info.modified) if is_file else _folder(prefix + name)
                found.setdefault(entry["name"], entry)
        if path and not found:
            raise FileNotFoundError(path)
        entries = [found[name] for name in sorted(found)]
        return entries if detail else [entry["name"] for entry in entries]

    def info(self, path: str, **options: Any) -> dict[str, Any]:
        """What is known of a file or folder."""
        path = self._key(path)
        try:
            if path:
                info = self.client.info(path)
                return _file(info.key, info.size, info.modified)
        except NotFoundError:
            if next(iter(self.client.iterate(f"{path}/")), None) is None:
                raise FileNotFoundError(path) from None
        return _folder(path)

    def modified(self, path: str) -> datetime:
        """When a file was last modified."""
        return cast(datetime, self.info(path)["mtime"])

    def cat_file(self, path: str, start: int | None = None, end: int | None = None, **options: Any) -> bytes:
        """The content of a file, or a slice of it."""
        path = self._key(path)
        try:
            if not start and end is None:
                return self.client.get(path)
            size = self.client.info(path).size
            begin, stop, _ = slice(start, end).indices(size)
            return self.client.get(path, start=begin, stop=stop) if stop > begin else b""
        except NotFoundError:
            raise FileNotFoundError(path) from None

    def pipe_file(self, path: str, value: bytes, mode: str = "overwrite", **options: Any) -> None:
        """Stores these bytes."""
        path = self._key(path)
        if mode == "create" and self.client.exists(path):
            raise FileExistsError(path)
        self.client.store(path, value)

    def rm_file(self, path: str) -> None:
        """Deletes a file everywhere."""
        key = self._key(path)
        # To the network a delete of what is not there is one like any other.
        if not self.client.exists(key):
            raise FileNotFoundError(key)
        self.client.delete(key)

    def rm(self, path: Any, recursive: bool = False, maxdepth: int | None = None) -> None:
        """Deletes files everywhere, with ``recursive`` all in these folders."""
        found = self.expand_path(path, recursive=recursive, maxdepth=maxdepth)
        files = [name for name in found if self.isfile(name)]
        if not files:
            raise FileNotFoundError(path)
        for name in files:
            self.client.delete(name)

    def _rm(self, path: str) -> None:
        self.rm_file(path)

    def cp_file(self, path1: str, path2: str, **options: Any) -> None:
        """Stores a file under a second key; its pieces are with the peers already and are not sent again."""
        with self._open(path1) as source:
            self.client.store(self._key(path2), cast(Any, source))

    def mkdir(self, path: str, create_parents: bool = True, **options: Any) -> None:
        """Nothing: a folder is there with its first file."""

    def makedirs(self, path: str, exist_ok: bool = False) -> None:
        """Nothing: a folder is there with its first file."""

    def rmdir(self, path: str) -> None:
        """Nothing: a folder is gone with its last file."""

    def created(self, path: str) -> datetime:
        """When the file that is there now was made: as :meth:`modified`, for files are replaced whole."""
        return self.modified(path)

    def _open(
        self,
        path: str,
        mode: str = "rb",
        block_size: int | str | None = None,
        autocommit: bool = True,
        cache_options: dict[str, Any] | None = None,
        **options: Any,
    ) -> io.IOBase:
        path = self._key(path)
        if mode == "rb":
            try:
                file = self.client.open(path)
                file.owner = self
                return io.BufferedReader(file)
            except NotFoundError:
                raise FileNotFoundError(path) from None
        if mode in ("wb", "xb"):
            if mode == "xb" and self.client.exists(path):
                raise FileExistsError(path)
            new = self.client.open(path, "wb")
            new.owner = self
            return new
        raise BadValueError(f"mode {mode!r}: stored files are read, or written anew", "bad_value")

    def _key(self, path: str) -> str:
        return cast(str, self._strip_protocol(path))

    @classmethod
    def _strip_protocol(cls, path: Any) -> Any:
        stripped = super()._strip_protocol(path)
        return stripped.lstrip("/") if isinstance(stripped, str) else stripped


def _file(key: str, size: int, modified: datetime) -> dict[str, Any]:
    return {"name": key, "size": size, "type": "file", "mtime": modified}


def _folder(name: str) -> dict[str, Any]:
    return {"name": name, "size": 0, "type": "directory"}
