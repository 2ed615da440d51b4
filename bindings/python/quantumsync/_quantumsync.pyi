"""
The native layer of `quantumsync`: use that package.
"""

from _typeshed import SupportsGetItem
from datetime import datetime
from os import PathLike
from typing import Any, SupportsFloat, SupportsIndex, final
from typing_extensions import disjoint_base

__all__ = ["Client", "Close", "Conn", "Connected", "Data", "Dial", "Disconnected", "Done", "Entries", "Evicted", "Failed", "FileInfo", "Found", "Got", "Job", "JobResult", "Leaving", "Listed", "Machine", "NeedData", "Node", "Now", "Operation", "Peer", "ReadRows", "Send", "Status", "Stored", "Vault", "Verified", "WriteRows", "Written", "error_codes", "panic_on_purpose"]

@final
class Client:
    """
    A user of a network, on a thread of its own.
    """
    def __new__(cls, /, token: str, vault: Vault | None = None, *, entry: SupportsGetItem[int, tuple[str | None, str]] = ..., node: Node | None = None, home: str | PathLike[str] | None = None) -> Client:
        """
        With an entry, only that is dialled; with a home, device and versions seen are remembered there.
        """
    def ban(self, /, node: str) -> Operation:
        """
        Removes a member for good.
        """
    def clear(self, /) -> Operation:
        """
        Begins to delete everything of this vault.
        """
    def close(self, /) -> None:
        """
        Cancels what is under way, closes the link and ends the thread.
        """
    def delete(self, /, key: str) -> Operation:
        """
        Begins a delete.
        """
    def evict(self, /, key: str | None = None) -> Operation:
        """
        Begins to drop the entry node's own bytes of one file, or of all of this vault.
        """
    def get(self, /, key: str, *, first: SupportsIndex | None = None, last: SupportsIndex | None = None, fresh: bool = False) -> Operation:
        """
        Begins a get of a file, or of its bytes from `first` to `last`, both included.
        """
    def leave(self, /, cancel: bool = False) -> Operation:
        """
        Lets the entry node leave the network, or stay after all.
        """
    def list(self, /, prefix: str = ...) -> Operation:
        """
        Begins a list.
        """
    def peers(self, /) -> Operation:
        """
        Asks who is in the network.
        """
    def status(self, /) -> Operation:
        """
        Asks what the entry node is and holds.
        """
    def store(self, /, key: str, *, ttl_ms: SupportsIndex | None = None, modified_ms: SupportsIndex | None = None) -> Operation:
        """
        Begins a store.
        """
    def verify(self, /) -> Operation:
        """
        Lets the entry node hash everything that it holds.
        """

@final
class Close:
    """
    Send what was given before, then close; answer with `handle_disconnected`.
    """
    def __repr__(self, /) -> str: ...
    @property
    def conn(self, /) -> Conn:
        """
        The link.
        """

@final
class Conn:
    """
    One link, as the machine names it. Never used again.
    """
    def __eq__(self, value: object, /) -> bool: ...
    def __hash__(self, /) -> int: ...
    def __ne__(self, value: object, /) -> bool: ...
    def __repr__(self, /) -> str: ...

@final
class Connected:
    """
    A link to an entry node is open.
    """
    def __repr__(self, /) -> str: ...
    @property
    def address(self, /) -> str:
        """
        Where it was dialled.
        """
    @property
    def node(self, /) -> str:
        """
        The node's id, as proved.
        """

@final
class Data:
    """
    The next bytes of a file, checked: give their number back with `consumed`.
    """
    def __repr__(self, /) -> str: ...
    @property
    def data(self, /) -> bytes:
        """
        The bytes; never empty.
        """
    @property
    def offset(self, /) -> int:
        """
        Where in the file they begin.
        """
    @property
    def op(self, /) -> int:
        """
        The get.
        """

@final
class Dial:
    """
    Open a link; answer with `handle_connected` or `handle_dial_failed`.
    """
    def __repr__(self, /) -> str: ...
    @property
    def address(self, /) -> str:
        """
        Where to: `IP:PORT`.
        """
    @property
    def conn(self, /) -> Conn:
        """
        The new link.
        """

@final
class Disconnected:
    """
    The link is gone; it is dialled again when an operation needs it.
    """
    def __repr__(self, /) -> str: ...
    @property
    def error(self, /) -> Any | None:
        """
        What the node did wrong, if that is why.
        """

@final
class Done:
    """
    An operation ended with success.
    """
    def __repr__(self, /) -> str: ...
    @property
    def op(self, /) -> int:
        """
        The operation.
        """
    @property
    def result(self, /) -> Any:
        """
        What came of it.
        """

@final
class Entries:
    """
    More files of a list: give their number back with `consumed`.
    """
    def __repr__(self, /) -> str: ...
    @property
    def files(self, /) -> list[FileInfo]:
        """
        The files; never empty.
        """
    @property
    def op(self, /) -> int:
        """
        The list.
        """

@final
class Evicted:
    """
    What a node dropped of its own bytes.
    """
    def __repr__(self, /) -> str: ...
    @property
    def blobs(self, /) -> int:
        """
        Blobs.
        """
    @property
    def bytes(self, /) -> int:
        """
        Their bytes.
        """

@final
class Failed:
    """
    An operation ended without success.
    """
    def __repr__(self, /) -> str: ...
    @property
    def error(self, /) -> Any:
        """
        Why: a `QuantumSyncError`, to be raised.
        """
    @property
    def op(self, /) -> int:
        """
        The operation.
        """

@final
class FileInfo:
    """
    What is known of a file without its content.
    """
    def __repr__(self, /) -> str: ...
    @property
    def expires(self, /) -> datetime | None:
        """
        When it expires, if it does.
        """
    @property
    def expires_ms(self, /) -> int | None:
        """
        Unix milliseconds after which it counts as deleted, if it expires.
        """
    @property
    def key(self, /) -> str:
        """
        Its key.
        """
    @property
    def modified(self, /) -> datetime:
        """
        When it was last modified.
        """
    @property
    def modified_ms(self, /) -> int:
        """
        When it was last modified, in Unix milliseconds.
        """
    @property
    def size(self, /) -> int:
        """
        Its length in bytes.
        """
    @property
    def version(self, /) -> str:
        """
        Its version: 32 hexadecimal digits that sort by age.
        """

@final
class Found:
    """
    A get has found its file; the data follow.
    """
    def __repr__(self, /) -> str: ...
    @property
    def info(self, /) -> FileInfo:
        """
        The file.
        """
    @property
    def op(self, /) -> int:
        """
        The get.
        """

@final
class Got:
    """
    A file that was got.
    """
    def __repr__(self, /) -> str: ...
    @property
    def fresh(self, /) -> bool:
        """
        Enough peers agreed that there is nothing newer.
        """
    @property
    def size(self, /) -> int:
        """
        Bytes delivered.
        """
    @property
    def sources(self, /) -> list[tuple[str, int]]:
        """
        Which peers gave how many bytes; empty for a small file.
        """

@final
class Job:
    """
    Heavy work: run it, on any thread, and give what it returns to `handle_job`.
    """
    def __repr__(self, /) -> str: ...
    def run(self, /) -> JobResult:
        """
        Does the work, without holding the interpreter. Once.
        """

@final
class JobResult:
    """
    What a job came to.
    """

@final
class Leaving:
    """
    How far a node is that leaves.
    """
    def __repr__(self, /) -> str: ...
    @property
    def done(self, /) -> bool:
        """
        It is no member any more.
        """
    @property
    def strays(self, /) -> int:
        """
        How much only it holds.
        """
    @property
    def waits_for(self, /) -> list[str]:
        """
        The members that still take over what it holds, or cannot be reached.
        """

@final
class Listed:
    """
    The end of a list.
    """
    def __repr__(self, /) -> str: ...
    @property
    def complete(self, /) -> bool:
        """
        Every part of the network answered.
        """

@disjoint_base
class Machine:
    """
    A user's state machine: bytes, times and results go in, effects and events come out.
    """
    def __new__(cls, /, now: Now, token: str, vault: Vault | None = None, *, entry: SupportsGetItem[int, tuple[str | None, str]] = ..., device: bytes | None = None, seed: bytes | None = None) -> Machine: ...
    def cancel(self, /, now: Now, op: SupportsIndex) -> None:
        """
        Ends an operation; nothing if it has ended.
        """
    def clear(self, /, now: Now) -> int:
        """
        Deletes everything of this vault everywhere; ends with `Written`.
        """
    def close(self, /, now: Now) -> None:
        """
        Cancels everything and closes the link.
        """
    def consumed(self, /, now: Now, op: SupportsIndex, count: SupportsIndex) -> None:
        """
        Gives back credit: bytes of a get, or files of a list, that were dealt with.
        """
    def delete(self, /, now: Now, key: str) -> int:
        """
        Deletes a file everywhere; ends with `Written`.
        """
    def finish(self, /, now: Now, op: SupportsIndex) -> None:
        """
        Tells a store that its content is complete.
        """
    def get(self, /, now: Now, key: str, *, first: SupportsIndex | None = None, last: SupportsIndex | None = None, fresh: bool = False) -> int:
        """
        Gets a file, or its bytes from `first` to `last`, both included: `Found`, then `Data`, ends with `Got`.
        """
    def handle_connected(self, /, now: Now, conn: Conn, remote: str, entropy: bytes | None = None) -> None:
        """
        A link that was dialled stands. `entropy` is 32 fresh bytes of the operating system's randomness, which it fetches
        itself if they are not given.
        """
    def handle_dial_failed(self, /, now: Now, conn: Conn) -> None:
        """
        A dial ended without a link.
        """
    def handle_disconnected(self, /, now: Now, conn: Conn) -> None:
        """
        A link ended, whoever ended it.
        """
    def handle_disk_failed(self, /, now: Now, ticket: SupportsIndex) -> None:
        """
        The other answer to `ReadRows` and `WriteRows`.
        """
    def handle_job(self, /, now: Now, result: JobResult) -> None:
        """
        The answer to `Job`.
        """
    def handle_received(self, /, now: Now, conn: Conn, data: bytes) -> None:
        """
        Bytes came, in any portions.
        """
    def handle_rows(self, /, now: Now, ticket: SupportsIndex, values: SupportsGetItem[int, bytes | None]) -> None:
        """
        The answer to `ReadRows`: one value for each key, None for a row that is not there.
        """
    def handle_sent(self, /, now: Now, conn: Conn, count: SupportsIndex) -> None:
        """
        So many bytes that were given with `Send` have left.
        """
    def handle_timeout(self, /, now: Now) -> None:
        """
        The time of `poll_timeout` has come.
        """
    def handle_written(self, /, now: Now, ticket: SupportsIndex) -> None:
        """
        The answer to `WriteRows`: done, and durable.
        """
    def list(self, /, now: Now, prefix: str = "") -> int:
        """
        Lists the files whose key begins with `prefix`: `Entries`, ends with `Listed`.
        """
    def poll_output(self, /) -> Dial | Send | Close | ReadRows | WriteRows | Job | Connected | Disconnected | NeedData | Found | Data | Entries | Done | Failed | None:
        """
        The next effect or event, in order; None when there is nothing until the next call.
        """
    def poll_timeout(self, /) -> int | None:
        """
        When to call `handle_timeout` if nothing happens before, in microseconds of the monotonic clock.
        """
    def provide(self, /, now: Now, op: SupportsIndex, data: bytes) -> None:
        """
        Gives a store some of its content: at most what `NeedData` asked for.
        """
    def status(self, /, now: Now) -> int:
        """
        What the entry node is and holds; ends with `Status`.
        """
    def store(self, /, now: Now, key: str, *, ttl_ms: SupportsIndex | None = None, modified_ms: SupportsIndex | None = None) -> int:
        """
        Stores a file: asks for its content with `NeedData`, ends with `Stored`.
        """

@final
class NeedData:
    """
    A store takes more bytes: answer with `provide`, at the end with `finish`.
    """
    def __repr__(self, /) -> str: ...
    @property
    def max(self, /) -> int:
        """
        How many bytes at most.
        """
    @property
    def op(self, /) -> int:
        """
        The store.
        """

@final
class Node:
    """
    A running peer.
    """
    def __new__(cls, /, home: str | PathLike[str], listen: str, *, advertise: str | None = None, join: str | None = None, peers: SupportsGetItem[int, tuple[str | None, str]] = ..., replicas: SupportsIndex | None = None, gone_after_s: SupportsIndex | None = None, volatile: bool = False) -> Node:
        """
        Starts the node of this home, and returns when it serves.
        """
    @property
    def address(self, /) -> str:
        """
        Where it listens: `IP:PORT`.
        """
    def close(self, /) -> None:
        """
        Stops it and waits until its disk is closed. Says why if it had ended by itself.
        """
    @property
    def id(self, /) -> str:
        """
        Its id: 64 hexadecimal digits.
        """
    def invite(self, /, node: bool = False) -> str:
        """
        A token that lets a user, or another node, into its network.
        """

@final
class Now:
    """
    Both clocks at one moment, as the caller reads them.
    """
    def __eq__(self, value: object, /) -> bool: ...
    def __hash__(self, /) -> int: ...
    def __ne__(self, value: object, /) -> bool: ...
    def __new__(cls, /, mono_us: SupportsIndex, unix_ms: SupportsIndex) -> Now: ...
    def __repr__(self, /) -> str: ...
    @property
    def mono_us(self, /) -> int:
        """
        Microseconds of a monotonic clock.
        """
    @property
    def unix_ms(self, /) -> int:
        """
        Milliseconds since 1970-01-01 UTC.
        """

@final
class Operation:
    """
    One operation under way.
    """
    def cancel(self, /) -> None:
        """
        Ends it, if it has not ended.
        """
    def consumed(self, /, count: SupportsIndex) -> None:
        """
        Gives back credit: bytes of a get, or files of a list, that were dealt with.
        """
    def finish(self, /) -> None:
        """
        Tells a store that its content is complete.
        """
    def next_event(self, /, timeout: SupportsFloat | SupportsIndex | None = None) -> Connected | Disconnected | NeedData | Found | Data | Entries | Done | Failed | None:
        """
        The next event; None if none came within so many seconds. Waits without holding the interpreter, and lets signals
        through.
        """
    def provide(self, /, data: bytes) -> None:
        """
        Gives a store some of its content: at most what `NeedData` asked for.
        """

@final
class Peer:
    """
    A member, as the node that was asked sees it.
    """
    def __repr__(self, /) -> str: ...
    @property
    def address(self, /) -> str | None:
        """
        Where it was last reached.
        """
    @property
    def linked(self, /) -> bool:
        """
        There is a link to it.
        """
    @property
    def node(self, /) -> str:
        """
        Its id.
        """
    @property
    def rtt_us(self, /) -> int:
        """
        Smoothed round-trip time in microseconds; 0 if unknown.
        """
    @property
    def silent_ms(self, /) -> int:
        """
        For how long nothing came from it, in milliseconds.
        """
    @property
    def state(self, /) -> str:
        """
        `self`, `alive`, `suspect`, `gone` or `leaving`.
        """
    @property
    def syncing(self, /) -> bool:
        """
        It still takes over what belongs on it.
        """

@final
class ReadRows:
    """
    Look up rows of the table of versions seen; answer with `handle_rows`.
    """
    def __repr__(self, /) -> str: ...
    @property
    def keys(self, /) -> list[bytes]:
        """
        The keys.
        """
    @property
    def ticket(self, /) -> int:
        """
        Names the request in its answer.
        """

@final
class Send:
    """
    Send bytes on a link, after all earlier ones; tell with `handle_sent` as they leave.
    """
    def __repr__(self, /) -> str: ...
    @property
    def conn(self, /) -> Conn:
        """
        The link.
        """
    @property
    def data(self, /) -> bytes:
        """
        The bytes.
        """

@final
class Status:
    """
    What a node is and holds.
    """
    def __repr__(self, /) -> str: ...
    @property
    def address(self, /) -> str | None:
        """
        Where it listens.
        """
    @property
    def blob_bytes(self, /) -> int:
        """
        Their bytes.
        """
    @property
    def blobs(self, /) -> int:
        """
        Blobs held.
        """
    @property
    def copies_missing(self, /) -> int:
        """
        Those that are not.
        """
    @property
    def copies_present(self, /) -> int:
        """
        Those that are here.
        """
    @property
    def copies_wanted(self, /) -> int:
        """
        Items that belong on this node.
        """
    @property
    def free_bytes(self, /) -> int:
        """
        Free space.
        """
    @property
    def members(self, /) -> int:
        """
        Members in all.
        """
    @property
    def network(self, /) -> str:
        """
        Its network.
        """
    @property
    def node(self, /) -> str:
        """
        Its id.
        """
    @property
    def peers_alive(self, /) -> int:
        """
        Members that are there.
        """
    @property
    def peers_gone(self, /) -> int:
        """
        Members that were silent for long.
        """
    @property
    def peers_suspect(self, /) -> int:
        """
        Members that were silent for a while.
        """
    @property
    def pending_ops(self, /) -> int:
        """
        Requests and repairs under way.
        """
    @property
    def quota(self, /) -> int:
        """
        Bytes that one user may store here; 0 for no limit.
        """
    @property
    def records(self, /) -> int:
        """
        Records held.
        """
    @property
    def replicas(self, /) -> int:
        """
        Copies wanted of everything.
        """
    @property
    def syncing(self, /) -> bool:
        """
        Still catching up.
        """
    @property
    def tombstones(self, /) -> int:
        """
        Tombstones held.
        """
    @property
    def uptime_ms(self, /) -> int:
        """
        How long it has been up, in milliseconds.
        """
    @property
    def version(self, /) -> str:
        """
        Its program's version.
        """

@final
class Stored:
    """
    A stored file.
    """
    def __repr__(self, /) -> str: ...
    @property
    def copies(self, /) -> int:
        """
        Peers on which all of it is durable.
        """
    @property
    def degraded(self, /) -> bool:
        """
        On fewer peers than wanted; they finish it when the others are back.
        """
    @property
    def sent_bytes(self, /) -> int:
        """
        Bytes that had to be sent: less than the content where peers had parts of it.
        """
    @property
    def size(self, /) -> int:
        """
        Length of the content.
        """
    @property
    def version(self, /) -> str:
        """
        The version that it became.
        """
    @property
    def wanted(self, /) -> int:
        """
        How many are wanted.
        """

@final
class Vault:
    """
    The keys of one user.
    """
    @staticmethod
    def create() -> Vault:
        """
        A new vault from the operating system's randomness.
        """
    @staticmethod
    def from_words(words: str) -> Vault:
        """
        The vault of these 24 words.
        """
    def lock(self, /, passphrase: str | None = None) -> bytes:
        """
        The bytes of a vault file.
        """
    @property
    def owner(self, /) -> str:
        """
        Whose files these are: a public key in hexadecimal digits.
        """
    @staticmethod
    def unlock(file: SupportsGetItem[int, SupportsIndex], passphrase: str | None = None) -> Vault:
        """
        Opens the bytes of a vault file.
        """
    def words(self, /) -> str:
        """
        The 24 words that are this vault.
        """

@final
class Verified:
    """
    A node's own check of what it holds.
    """
    def __repr__(self, /) -> str: ...
    @property
    def bytes(self, /) -> int:
        """
        Their bytes.
        """
    @property
    def checked(self, /) -> int:
        """
        Blobs hashed.
        """
    @property
    def damaged(self, /) -> list[str]:
        """
        Those that were damaged, by their ids.
        """
    @property
    def damaged_records(self, /) -> list[tuple[str, str]]:
        """
        Those that were damaged, as pseudonyms of owners and names.
        """
    @property
    def records(self, /) -> int:
        """
        Records verified.
        """

@final
class WriteRows:
    """
    Change rows of the table of versions seen, durably; answer with `handle_written`.
    """
    def __repr__(self, /) -> str: ...
    @property
    def rows(self, /) -> list[tuple[bytes, bytes | None]]:
        """
        Keys with their new values; None removes the row.
        """
    @property
    def ticket(self, /) -> int:
        """
        Names the request in its answer.
        """

@final
class Written:
    """
    A delete or clear.
    """
    def __repr__(self, /) -> str: ...
    @property
    def copies(self, /) -> int:
        """
        Peers on which it is durable.
        """
    @property
    def degraded(self, /) -> bool:
        """
        On fewer peers than wanted; they finish it when the others are back.
        """
    @property
    def version(self, /) -> str:
        """
        Its version: what is older is gone.
        """
    @property
    def wanted(self, /) -> int:
        """
        How many are wanted.
        """

def error_codes() -> "dict[str, str]":
    """
    Every code that an operation can end with, and one message of each: the package's table must know them.
    """

def panic_on_purpose() -> None:
    """
    Panics, so that a test can see what becomes of it.
    """
