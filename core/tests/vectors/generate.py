#!/usr/bin/env python3
"""Writes vectors.json; with --check compares what this program makes with it and with the examples of PROTOCOL.md.

The program is written from PROTOCOL.md and imports nothing of the project: what it and the project agree on, a stranger
can build too. tests/vectors.rs makes the same values with the project's code. Run it in a virtual environment with
the packages of requirements.txt (`pip install --require-hashes -r requirements.txt`).
"""

import contextlib
import io
import json
import sys
from pathlib import Path

from mnemonic import Mnemonic

import crypto
import examples
import link
import message_vectors
import messages as wire
import signed
import vault
from given import (
    ANSWERER_ENTROPY, CONTENT, DEVICE, DIALLER_ENTROPY, KEY_STRING, KEYS, MASTER, MS, NAME, NETWORK, NETWORK_SEED, NODE,
    NODE_SECRET, OBJECT, OTHER_NODE, PARENT, PSK, SINCE, UNKNOWN_FIELD, WRITER_SEED, sample, seed,
)
from primitives import ed25519_public, sha256, u8, u32, u64

FILE = Path(__file__).with_name("vectors.json")


def keys():
    return {
        "master": MASTER,
        "words": Mnemonic("english").to_mnemonic(MASTER),
        "owner": KEYS.owner,
        "sign_seed": KEYS.sign_seed,
        "name_key": KEYS.name_key,
        "record": KEYS.record,
        "dedup_data": KEYS.dedup_data,
        "dedup_manifest": KEYS.dedup_manifest,
        "chunk": KEYS.chunk,
        "siv": KEYS.siv,
        "object_id_key": KEYS.object_id_key,
        "salt": KEYS.salt,
    }


def names():
    return {
        "key_string": KEY_STRING,
        "name": NAME,
        "record_key": KEYS.record_key(NAME, 0),
        "record_key_of_epoch_5": KEYS.record_key(NAME, 5),
        "device": DEVICE,
        "writer_tag": vault.writer_tag(DEVICE, NAME),
        "since": SINCE,
        "object_id": OBJECT,
    }


def pieces():
    """Payload lengths around each step of the padding."""
    vectors = []
    for length in (0, 1, 2, 6, 7, 14, 15, 100, 4094, 4095, 65_536, 1_000_003, vault.PIECE_MAX):
        payload = sample("piece", length)
        id, key, blob = vault.seal_piece(KEYS.dedup_data, payload)
        vector = {"length": length, "id": id, "key": key, "blob_length": len(blob)}
        vectors.append(vector | ({"blob": blob} if length <= 100 else {}))
    return vectors


def gear():
    table = vault.gear_table(KEYS.chunk)
    return {"chunk_key": KEYS.chunk, "table": b"".join(map(u64, table))}


def tree():
    cut = vault.chunks(KEYS.chunk, CONTENT)
    blobs, root = vault.tree(KEYS, cut)
    zeros = vault.chunks(KEYS.chunk, bytes(vault.PIECE_MAX + 300_000))
    return {
        "content_length": len(CONTENT),
        "piece_lengths": [len(piece) for piece in cut],
        "piece_lengths_of_zeros": [len(piece) for piece in zeros],
        "blobs": [
            {"level": level, "plain_length": length, "id": id, "key": key, "length": len(blob)}
            for level, length, id, key, blob in blobs
        ],
        "node_blob": blobs[-1][4],
        "root": _root(root),
        "blob_count": len(blobs),
        "padded_bytes": sum(len(blob) for *_, blob in blobs),
    }


def _root(root):
    return {name: getattr(root, name) for name in ("id", "key", "level", "length", "pieces")}


def _file_record(content_length, live, parts):
    prefix = signed.header_prefix(KEYS.owner, NAME, signed.FILE, SINCE, live, MS + 86_400_000)
    record_key = KEYS.record_key(NAME, 0)
    sealed = [vault.seal_part(record_key, KEYS.siv, part, prefix, plain) for part, plain in enumerate(parts)]
    sealed += [b""] * (2 - len(sealed))
    header, record = signed.record(NETWORK, KEYS.sign_seed, prefix, *sealed)
    return {
        "content_length": content_length,
        "head": parts[0],
        "sealed_head": sealed[0],
        "sealed_body": sealed[1],
        "header": header,
        "record": record,
        "order_hash": sha256(header),
    }


def records():
    inline = sample("inline", 300)
    blobs, root = vault.tree(KEYS, vault.chunks(KEYS.chunk, CONTENT))
    live = [(OBJECT, sum(len(blob) for *_, blob in blobs), len(blobs))]
    tombstone_version = signed.version(MS, 8, bytes(8))
    tombstone = signed.header_prefix(KEYS.owner, NAME, signed.FILE, tombstone_version, [], 0)
    floor_version = signed.version(MS, 9, bytes(8))
    floor = signed.header_prefix(KEYS.owner, bytes(32), signed.FLOOR, floor_version, [], 0)
    writer = ed25519_public(WRITER_SEED)
    grant = signed.grant(NETWORK, KEYS.sign_seed, writer, NAME, 3, MS + 1)
    granted = signed.record(NETWORK, WRITER_SEED, tombstone, b"", b"", (signed.GRANT_TAG, grant), UNKNOWN_FIELD)
    epoch = signed.record(NETWORK, KEYS.sign_seed, tombstone, b"", b"", (signed.FILE_EPOCH_TAG, u32(5)))
    pin = signed.pin(NETWORK, KEYS.sign_seed, KEYS.owner, NAME, OBJECT, SINCE, root.id, 4096)
    granted_pin = signed.pin(
        NETWORK, WRITER_SEED, KEYS.owner, NAME, OBJECT, SINCE, root.id, 4096, (signed.GRANT_TAG, grant)
    )
    return {
        "network": NETWORK,
        "key_string": KEY_STRING,
        "parent": PARENT,
        "since": SINCE,
        "modified_ms": MS - 5000,
        "expires": MS + 86_400_000,
        "empty": _file_record(0, [], _inline(b"")),
        "inline": _file_record(len(inline), [], _inline(inline)),
        "tree": _file_record(
            len(CONTENT), live, [vault.head(KEY_STRING, len(CONTENT), MS - 5000, [PARENT], (OBJECT, root))]
        ),
        "tombstone_version": tombstone_version,
        "tombstone": signed.record(NETWORK, KEYS.sign_seed, tombstone, b"", b"")[1],
        "floor_version": floor_version,
        "floor": signed.record(
            NETWORK, KEYS.sign_seed, floor, b"", b"", signed.floor_field(floor_version, 4)
        )[1],
        "writer_seed": WRITER_SEED,
        "granted_tombstone": granted[1],
        "file_epoch_5_tombstone": epoch[1],
        "pin": pin,
        "granted_pin": granted_pin,
    }


def _inline(content):
    return [vault.head(KEY_STRING, len(content), MS - 5000, [PARENT], None), vault.body(content)]


def network():
    admission = signed.admission(NETWORK_SEED, NODE, 8, False, 3, MS)
    other = signed.admission(NETWORK_SEED, OTHER_NODE, 64, True, 1, 0, UNKNOWN_FIELD)
    removal = signed.removal(NETWORK_SEED, OTHER_NODE, True, 2)
    peers = [(NODE, "192.0.2.1:4270"), (OTHER_NODE, "[2001:db8::1]:65535")]
    public = ed25519_public(NETWORK_SEED)
    return {
        "seed": NETWORK_SEED,
        "public": public,
        "network": NETWORK,
        "node_secret": NODE_SECRET,
        "node": NODE,
        "other_node": OTHER_NODE,
        "admission": admission,
        "admission_with_unknown_field": other,
        "removal": removal,
        "settings": signed.settings(NETWORK_SEED, 2, 3, 900_000, 60_000),
        "membership_digest": signed.membership_digest({NODE: admission, OTHER_NODE: removal}),
        "psk": PSK,
        "client_token": signed.token(1, PSK, public, None, peers),
        "node_token": signed.token(2, PSK, public, NETWORK_SEED, peers[:1]),
        "node_position_3": sha256(NODE, u8(3)),
        "record_position": sha256(b"record", KEYS.owner, NAME[:1]),
    }


def vault_files():
    entropy = seed(20) + seed(21)
    return {
        "entropy": entropy,
        "passphrase": "Grüße",
        "open": vault.vault_file(MASTER, None, entropy),
        "locked": vault.vault_file(MASTER, "Grüße", entropy),
    }


def paths():
    """Where a blob lies on a disk: folders of so many digits of its id, one after the other, then all digits."""
    digits = sha256(b"a blob").hex()
    settings = ((2, 2), (0, 0), (1, 3), (64, 1), (12, 5))
    folders = ([digits[at * width:(at + 1) * width] for at in range(depth)] for depth, width in settings)
    made = ("/".join([*parts, digits]) for parts in folders)
    return [{"depth": depth, "width": width, "path": path} for (depth, width), path in zip(settings, made)]


def messages():
    return message_vectors.messages(records())


REKEY_FRAMES = 2


def handshake():
    """A client with an owner dials a node; then a request and its answer, with new keys after every second frame."""
    client = link.client_static(DIALLER_ENTROPY)
    dialler_e, answerer_e = link.ephemeral(DIALLER_ENTROPY), link.ephemeral(ANSWERER_ENTROPY)
    noise = link.Handshake(PSK, client, dialler_e, NODE_SECRET, answerer_e)
    admission = signed.admission(NETWORK_SEED, NODE, 8, False, 3, 0)
    proof = link.owner_proof(NETWORK, KEYS.sign_seed, "quantumsync/1/link/owner", noise, link.CLIENT)
    limits = (MS, 256, 9 << 20, 9 << 20)
    incarnation = bytes(range(16))
    node_hello = link.hello(link.NODE, admission, None, None, ["192.0.2.1:4270"], *limits, incarnation)
    client_hello = link.hello(link.CLIENT, None, KEYS.owner + proof, None, [], *limits, bytes(16))
    dialler = link.Direction(noise.dialler_key, REKEY_FRAMES)
    answerer = link.Direction(noise.answerer_key, REKEY_FRAMES)

    def send(direction, stream, message):
        (segment,) = link.segments(stream, message)
        return direction.frame(segment)

    ping = [link.message(0x30, number, u64(MS)) for number in range(1, 4)]
    pong = [link.message(0xB0, number, u64(MS + 1)) for number in range(1, 4)]
    blob = sample("long answer", 100_000)
    get = link.message(0x12, 4, sha256(blob), u32(0), u32(0))
    answer = link.message(0x92, 4, NODE, link.payload(blob))
    room = 65_535 - 16 - 7
    return {
        "psk": PSK,
        "dialler_entropy": DIALLER_ENTROPY,
        "answerer_secret": NODE_SECRET,
        "answerer_entropy": ANSWERER_ENTROPY,
        "unix_ms": MS,
        "incarnation": incarnation,
        "rekey_frames": REKEY_FRAMES,
        "dialler_static": noise.dialler,
        "handshake_hash": noise.hash,
        "messages": [link.framed(message) for message in noise.messages],
        "answerer_hello": send(answerer, 0, node_hello),
        "dialler_hello": send(dialler, 0, client_hello),
        "pings": [send(dialler, number, message) for number, message in enumerate(ping, 1)],
        "pongs": [send(answerer, number, message) for number, message in enumerate(pong, 1)],
        "get": send(dialler, 4, get),
        "blob_length": len(blob),
        "blob_frames": [sha256(answerer.frame(part)) for part in link.segments(4, answer, (room,))],
    }


SECTIONS = (keys, names, pieces, gear, tree, records, network, vault_files, paths, messages, handshake)


def as_json(value):
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, dict):
        return {name: as_json(inner) for name, inner in value.items()}
    return [as_json(inner) for inner in value] if isinstance(value, list) else value


def leaves(value):
    """How many single values there are."""
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else None
    return 1 if inner is None else sum(map(leaves, inner))


def differences(path, made, stored):
    """The paths at which two values differ."""
    if isinstance(made, dict) and isinstance(stored, dict):
        names = [*made, *(name for name in stored if name not in made)]
        pairs = [(name, made.get(name), stored.get(name)) for name in names]
    elif isinstance(made, list) and isinstance(stored, list) and len(made) == len(stored):
        pairs = [(str(at), *pair) for at, pair in enumerate(zip(made, stored))]
    else:
        return [] if made == stored else [path]
    return [found for name, *pair in pairs for found in differences(f"{path}/{name}", *pair)]


def check():
    """Prints what differs; returns how many values there are and how many of them differ."""
    page = examples.read()
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        crypto.main()
    pairs = {
        FILE.name: (make(), json.loads(FILE.read_text())),
        examples.PAGE.name: (examples.make(page), page),
        "crypto.txt": (printed.getvalue().splitlines(), FILE.with_name("crypto.txt").read_text().splitlines()),
    }
    read = vectors_of_messages() | examples.read_messages()
    for name, data in read.items():
        pairs[f"read and written again: {name}"] = (True, wire.reads_back(data))
    for kind in wire.BODIES:
        pairs[f"an example of kind {kind:02x}"] = (True, any(data[0] == kind for data in read.values()))
    different = [path for name, pair in pairs.items() for path in differences(name, *pair)]
    for path in different:
        print(f"differs: {path}")
    return sum(leaves(made) for made, _ in pairs.values()), len(different)


def vectors_of_messages():
    return {name: bytes.fromhex(data) for name, data in json.loads(FILE.read_text())["messages"].items()}


def make():
    return as_json({section.__name__: section() for section in SECTIONS})


def main():
    if sys.argv[1:] == ["--check"]:
        count, different = check()
        print(f"{count - different} passed, {different} failed")
        sys.exit(1 if different else 0)
    FILE.write_text(json.dumps(make(), indent=1, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
