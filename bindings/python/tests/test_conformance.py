"""The conformance cases that every binding plays; their form is described in ``bindings/conformance/README.md``."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from quantumsync import Client, Node, QuantumSyncError, Vault, sansio
from quantumsync import _quantumsync as native
from quantumsync.errors import from_code

FOLDER = Path(__file__).parents[2] / "conformance"


def cases(file: str) -> list[Any]:
    content = json.loads((FOLDER / file).read_text())
    assert content["format"] == 1 and content["cases"]
    return [pytest.param(case, id=case["name"]) for case in content["cases"]]


@pytest.mark.parametrize("case", cases("vault.json"))
def test_vaults_open_or_say_why_not(case: dict[str, Any], tmp_path: Path) -> None:
    def opened() -> Vault:
        if "words" in case:
            return Vault.from_words(case["words"])
        path = tmp_path / "vault"
        path.write_bytes(bytes.fromhex(case["file"]))
        return Vault.open(path, case["passphrase"])

    if "error" not in case:
        assert opened().owner == case["owner"]
        return
    with pytest.raises(QuantumSyncError) as caught:
        opened()
    assert caught.value.code == case["error"]


@pytest.mark.parametrize("case", cases("errors.json"))
def test_every_code_has_a_class_of_its_own(case: dict[str, Any]) -> None:
    error = from_code(case["code"], "why")
    assert error.code == case["code"]
    assert type(error) is not QuantumSyncError


@pytest.mark.parametrize("case", cases("client.json"))
def test_a_client_does_the_same_byte_for_byte(case: dict[str, Any]) -> None:
    player = Player(case)
    for number, step in enumerate(case["steps"]):
        player.play(step, f"step {number}: {step['call']['type']}")


#: Smaller blobs lie inside of a node's index; these are files.
LARGE = 65536


@pytest.mark.parametrize("case", cases("seal.json"))
def test_a_store_leaves_on_a_nodes_disk_what_sealing_gives(case: dict[str, Any], tmp_path: Path) -> None:
    content = pattern(**case["content"])
    with Node(tmp_path) as node, Client(node, Vault.from_words(case["words"]), timeout=60) as client:
        client.store(case["key"], content)
        assert client.get(case["key"]) == content
    files = [path for path in (tmp_path / "node" / "blobs").rglob("*") if path.is_file()]
    # A blob's id is the hash of its bytes.
    kept = {hashlib.sha256(path.read_bytes()).hexdigest() for path in files}
    assert kept == {blob["id"] for blob in case["blobs"] if blob["length"] >= LARGE}


class Player:
    """Plays the steps of a case, and knows what its numbers stand for."""

    def __init__(self, case: dict[str, Any]) -> None:
        self._client = sansio.Client(
            sansio.Now(*case["now"]),
            case["token"],
            Vault.from_words(case["words"]),
            device=bytes.fromhex(case["device"]),
            seed=bytes.fromhex(case["seed"]),
        )
        self._conns: list[sansio.Conn] = []
        self._tickets: list[int | sansio.Job] = []

    def play(self, step: dict[str, Any], what: str) -> None:
        now = sansio.Now(*step["now"])
        if "error" in step:
            with pytest.raises(QuantumSyncError) as caught:
                self._call(now, step["call"])
            assert caught.value.code == step["error"], what
        else:
            assert self._call(now, step["call"]) == step.get("op"), what
        assert [self._shown(output) for output in self._client.outputs()] == step["outputs"], what
        assert self._client.poll_timeout() == step["timeout_us"], what

    def _call(self, now: sansio.Now, call: dict[str, Any]) -> int | None:
        arguments = dict(call)
        kind = arguments.pop("type")
        if "conn" in arguments:
            arguments["conn"] = self._conns[arguments["conn"]]
        if "ticket" in arguments:
            arguments["ticket"] = self._tickets[arguments["ticket"]]
        match kind:
            case "store" | "get" | "delete" | "clear" | "list" | "status" | "finish" | "cancel" | "consumed" | "close":
                method = kind
            case "provide":
                method = kind
                content = arguments.pop("content", None)
                arguments["data"] = pattern(**content) if content else bytes.fromhex(arguments["data"])
            case "connected":
                method = "handle_connected"
                arguments["remote"] = arguments.pop("address")
                arguments["entropy"] = bytes.fromhex(arguments["entropy"])
            case "received":
                method = "handle_received"
                arguments["data"] = bytes.fromhex(arguments["data"])
            case "rows":
                method = "handle_rows"
                values = arguments["values"]
                arguments["values"] = [None if value is None else bytes.fromhex(value) for value in values]
            case "job":
                method = "handle_job"
                arguments = {"result": arguments["ticket"].run()}
            case "timeout" | "dial_failed" | "disconnected" | "sent" | "written" | "disk_failed":
                method = f"handle_{kind}"
            case _:
                pytest.fail(f"an unknown call: {kind}")
        result: int | None = getattr(self._client, method)(now, **arguments)
        return result

    def _shown(self, output: sansio.Effect | sansio.Event) -> dict[str, Any]:
        match output:
            case sansio.Dial():
                self._conns.append(output.conn)
                return {"type": "dial", "conn": self._conns.index(output.conn), "address": output.address}
            case sansio.Send():
                return {"type": "send", "conn": self._conns.index(output.conn), "data": output.data.hex()}
            case sansio.Close():
                return {"type": "close", "conn": self._conns.index(output.conn)}
            case sansio.ReadRows():
                keys = [key.hex() for key in output.keys]
                return {"type": "read_rows", "ticket": self._number(output.ticket), "keys": keys}
            case sansio.WriteRows():
                rows = [[key.hex(), None if value is None else value.hex()] for key, value in output.rows]
                return {"type": "write_rows", "ticket": self._number(output.ticket), "rows": rows}
            case sansio.Job():
                return {"type": "job", "ticket": self._number(output)}
            case sansio.Connected():
                return {"type": "connected", "node": output.node, "address": output.address}
            case sansio.Disconnected():
                return {"type": "disconnected", "error": output.error and output.error.code}
            case sansio.NeedData():
                return {"type": "need_data", "op": output.op, "max": output.max}
            case sansio.Found():
                return {"type": "found", "op": output.op, "file": shown_file(output.info)}
            case sansio.Data():
                return {"type": "data", "op": output.op, "offset": output.offset, "data": output.data.hex()}
            case sansio.Entries():
                return {"type": "entries", "op": output.op, "files": [shown_file(file) for file in output.files]}
            case sansio.Done():
                return {"type": "done", "op": output.op, "result": shown_result(output.result)}
            case sansio.Failed():
                return {"type": "failed", "op": output.op, "error": output.error.code}

    def _number(self, ticket: int | sansio.Job) -> int:
        self._tickets.append(ticket)
        return len(self._tickets) - 1


def shown_file(info: native.FileInfo) -> dict[str, Any]:
    return {name: getattr(info, name) for name in ("key", "size", "modified_ms", "version", "expires_ms")}


def shown_result(result: object) -> dict[str, Any]:
    match result:
        case native.Stored():
            names = ["size", "copies", "wanted", "sent_bytes", "version"]
        case native.Got():
            sources = [list(source) for source in result.sources]
            return {"size": result.size, "fresh": result.fresh, "sources": sources}
        case native.Written():
            names = ["copies", "wanted", "version"]
        case native.Listed():
            names = ["complete"]
        case _:
            pytest.fail(f"no case ends so: {result!r}")
    return {name: getattr(result, name) for name in names}


def pattern(length: int, pattern: int) -> bytes:
    """The content that a case names."""
    made = bytearray()
    for _ in range(length):
        pattern = (pattern * 1103515245 + 12345) % 2**31
        made.append(pattern // 65536 % 256)
    return bytes(made)
