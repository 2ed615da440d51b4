"""Makes the examples of PROTOCOL.md again, from its own words: a page that is wrong about itself does not pass."""

import re
import struct
from pathlib import Path

from mnemonic import Mnemonic

import link
import messages
import signed
import vault
from primitives import ed25519_public, sha256, signed_message, u8, u16, u32, u64, x25519_public

PAGE = Path(__file__).parents[2] / "PROTOCOL.md"

MASTER, NETWORK_SEED, PSK, NODE_SECRET = bytes(range(32)), b"\xa0" * 32, b"\xb0" * 32, b"\xc0" * 32
DEVICE, WRITER_SEED = b"\xd0" * 32, b"\xe0" * 32
TIME = 1_795_219_200_000

KEYS = vault.Keys(MASTER)
NETWORK_KEY = ed25519_public(NETWORK_SEED)
NETWORK = signed.network_id(NETWORK_KEY)
NODE_STATIC = x25519_public(NODE_SECRET)
NODE = sha256(NODE_STATIC)
NAME = KEYS.name(0, "notes.txt")
TAG = vault.writer_tag(DEVICE, NAME)
VERSION = signed.version(TIME, 0, TAG)
OBJECT = KEYS.object_id(NAME, VERSION)
WRITER = ed25519_public(WRITER_SEED)
GRANT = signed.grant(NETWORK, KEYS.sign_seed, WRITER, bytes(32), 1, TIME + 1000)
UNKNOWN = (9, b"note")
BANNED = b"\x11" * 32
BLOB_ID = b"\x0b" * 32
ADDRESS = "192.0.2.1:4270"
BIG = b"".join(sha256(u64(number)) for number in range((5 << 20) // 32))
PIECES = vault.chunks(KEYS.chunk, BIG)
TREE, ROOT = vault.tree(KEYS, PIECES)


def read():
    """Name to the hexadecimal digits, or the text, of each example on the page."""
    blocks = re.findall(r"^```(hex|text) name=([\w-]+)\n(.*?)^```", PAGE.read_text(), re.M | re.S)
    return {
        name: "".join(line.split("#")[0].strip() for line in text.splitlines()) if form == "hex" else text.strip()
        for form, name, text in blocks
    }


def read_messages():
    """Name to the bytes of each message on the page: one where a comment begins, or the whole example."""
    found = {}
    for name, text in re.findall(r"^```hex name=([\w-]+)\n(.*?)^```", PAGE.read_text(), re.M | re.S):
        if name in ("have", "put-blob", "view", "view-standing"):
            text = re.sub("#.*", "", text)
            found[name] = bytes.fromhex(text)
        elif name in ("link-messages", "requests", "answers", "between-nodes", "between-nodes-answers", "votes"):
            for line in text.splitlines():
                digits, _, note = line.partition("#")
                if note:
                    title = f"{name}/{note.strip()}"
                    found[title] = b""
                found[title] += bytes.fromhex(digits)
    return found


def make(page):
    """The same. `page` gives the secret keys that the link example says were drawn."""
    # A table of constants, not an example of how to make something.
    made = {"limits": page["limits"]}
    for part in (_vault_side, _records, _network, _messages, _members, _placement):
        made.update(part())
    made["link"] = _link([page["link"][at : at + 64] for at in (0, 64, 128)])
    return {name: value.hex() if isinstance(value, bytes) else value for name, value in made.items()}


def _vault_side():
    k, gear = KEYS, vault.gear_table(KEYS.chunk)
    id, key, blob = vault.seal_piece(k.dedup_data, b"a" * 700)
    entropy = b"\xf1" * 32 + b"\xf2" * 16
    keys = (k.root, k.write, k.sign_seed, k.owner, k.name_key, k.read, k.record, k.dedup_data, k.dedup_manifest)
    return {
        "signed-message": signed_message("quantumsync/1/record", NETWORK, b"header"),
        "keys": b"".join((*keys, k.chunk, k.siv, k.object_id_key, k.salt)),
        "names": NAME + k.record_key(NAME, 0) + TAG + VERSION + OBJECT,
        "piece": key + id + blob,
        "sealed-part": vault.seal_part(k.record_key(NAME, 0), k.siv, vault.HEAD, b"prefix", b"plaintext"),
        "gear": b"".join(u64(gear[at]) for at in (0, 1, 255)),
        "pieces": b"".join(id for level, _, id, _, _ in TREE if level == 0),
        "manifest-node": vault.node_payload(1, [(id, key, len_) for level, len_, id, key, _ in TREE if level == 0]),
        "words": Mnemonic("english").to_mnemonic(MASTER),
        "vault-open": vault.vault_file(MASTER, None, entropy),
        "vault-passphrase": vault.vault_file(MASTER, "correct horse", entropy),
    }


def _tombstone(counter, seed=None, *optional):
    prefix = signed.header_prefix(KEYS.owner, NAME, signed.FILE, signed.version(TIME, counter, TAG), [], 0)
    return signed.record(NETWORK, seed or KEYS.sign_seed, prefix, b"", b"", *optional)[1]


def _floor():
    version = signed.version(TIME, 2, TAG)
    prefix = signed.header_prefix(KEYS.owner, bytes(32), signed.FLOOR, version, [], 0)
    return signed.record(NETWORK, KEYS.sign_seed, prefix, b"", b"", signed.floor_field(version, 1))[1]


def _records():
    parts = [vault.head("notes.txt", 5, TIME - 1000, [], None), vault.body(b"hello")]
    prefix = signed.header_prefix(KEYS.owner, NAME, signed.FILE, VERSION, [], 0)
    key = KEYS.record_key(NAME, 0)
    sealed = [vault.seal_part(key, KEYS.siv, part, prefix, plain) for part, plain in enumerate(parts)]
    big = KEYS.name(0, "big.bin")
    object_id = KEYS.object_id(big, signed.version(TIME, 0, vault.writer_tag(DEVICE, big)))
    granted = ((signed.FILE_EPOCH_TAG, u32(1)), (signed.GRANT_TAG, GRANT), UNKNOWN)
    pinned = (KEYS.owner, NAME, OBJECT, VERSION, BLOB_ID, 704)
    return {
        "record-tombstone": _tombstone(1),
        "record-floor": _floor(),
        "record-granted": _tombstone(3, WRITER_SEED, *granted),
        "record-file": signed.record(NETWORK, KEYS.sign_seed, prefix, *sealed)[1],
        "head-plaintext": parts[0],
        "body-plaintext": parts[1],
        "head-tree": vault.head("big.bin", len(BIG), TIME, [], (object_id, ROOT)),
        "grant": GRANT,
        "pin": signed.pin(NETWORK, WRITER_SEED, *pinned, (signed.GRANT_TAG, GRANT)),
    }


ADMISSION = signed.admission(NETWORK_SEED, NODE, 8, False, 1, 0)
REMOVAL = signed.removal(NETWORK_SEED, b"\x0e" * 32, True, 2, UNKNOWN)
SETTINGS = signed.settings(NETWORK_SEED, 1, 3, 900_000, 60_000)
SECOND = (b"\x0f" * 32, "[2001:db8::1]:4270")


def _token(seed, *peers):
    return signed.token(1, PSK, NETWORK_KEY, seed, peers)


def _network():
    return {
        "network": NETWORK_KEY + NETWORK + NODE_STATIC + NODE,
        "admission": ADMISSION,
        "removal": REMOVAL,
        "settings": SETTINGS,
        "membership-digest": signed.membership_digest({NODE: ADMISSION, b"\x0e" * 32: REMOVAL}),
        "token-client": _token(None, (NODE, ADDRESS), SECOND),
        "token-node": _token(NETWORK_SEED, (NODE, ADDRESS), SECOND),
    }


def _long(data):
    return u32(len(data)) + data


def _short(data):
    return u16(len(data)) + data


def _messages():
    number = 7
    message, optional, flag, counted = link.message, link.optional, link.flag, link.counted
    pin = signed.pin(NETWORK, KEYS.sign_seed, KEYS.owner, NAME, OBJECT, VERSION, BLOB_ID, 704)
    tombstone, floor = _tombstone(1), _floor()
    addr = optional(signed.address(ADDRESS))
    status = NODE + NETWORK + addr + _short(b"0.1.0") + u64(1) + struct.pack(">4I", 2, 3, 4, 5) + u8(3)
    status += struct.pack(">7Q", *range(6, 13)) + flag(True) + struct.pack(">3Q", 13, 14, 15) + counted([BANNED])
    status += struct.pack(">3Q", 16, 17, 18)
    peer = NODE + addr + u8(0) + u32(0) + u64(0) + u8(8) + flag(False) + flag(True) + flag(False)
    leaving = BANNED + optional(None) + u8(4) + u32(1500) + u64(250) + u8(8) + flag(True) + flag(False) + flag(True)
    page = b"\xdd" * 32 + counted([ADMISSION + counted([signed.address(ADDRESS)])]) + counted([REMOVAL])
    requests = (
        message(0x12, number, BLOB_ID, u32(4096), u32(0)),
        message(0x13, number, _long(tombstone)),
        message(0x14, number, KEYS.owner, NAME),
        message(0x15, number, KEYS.owner, optional(NAME), u16(256), u8(0), u8(255)),
        message(0x17, number),
        message(0x20, number, KEYS.owner, optional(None)),
        message(0x21, number, optional(None)),
        message(0x22, number),
        message(0x23, number, flag(True)),
        message(0x24, number, flag(False)),
        message(0x25, number, BANNED),
        message(0x26, number, optional(None)),
        message(0x30, number, u64(TIME)),
    )
    answers = (
        message(0x90, number, _short(bytes([2, 0])), u8(2)),
        message(0x91, number, u8(2), u8(2)),
        message(0x92, number, NODE, link.payload(b"blob")),
        message(0x94, number, optional(_long(tombstone)), optional(_long(floor)), flag(True)),
        message(0x95, number, counted([_long(tombstone)]), optional(None), optional(None), flag(True)),
        message(0x97, number, status),
        message(0xA0, number, u64(1), u64(704)),
        message(0xA1, number, u64(64), u64(1 << 20), counted([BLOB_ID]), optional(None)),
        message(0xA2, number, counted([peer, leaving])),
        message(0xA3, number, _short(_token(None, (NODE, ADDRESS), SECOND).encode())),
        message(0xA4, number, flag(False), counted([BANNED]), u64(2)),
        message(0xA5, number),
        message(0xA6, number, u64(65), counted([KEYS.owner + NAME]), optional(None)),
        message(0xB0, number, u64(TIME)),
        message(0xFF, number, u8(4), optional(_long(tombstone))),
    )
    (ping,) = link.segments(4, message(0x30, number, u64(TIME)))
    begun = u32(3) + u8(1) + _short(u32(100_000) + u8(0x11) + u32(6))
    return {
        "frame": ping + begun + u32(2) + u8(2) + _short(b"end"),
        "link-messages": message(0x01, 0, u8(2), u32(65_536)) + message(0x02, 0, u8(0)),
        "have": message(0x10, number, counted([_short(pin)])),
        "put-blob": message(0x11, number, counted([_short(pin)]), link.payload(b"blob")),
        "requests": b"".join(requests),
        "answers": b"".join(answers),
        "view": message(0x31, number, page, optional(SETTINGS), optional(None)),
    }


class Placement:
    """Section 13, for members with two positions each, R = 3."""

    def __init__(self, on_ring, counted):
        self.on_ring, self.counted = sorted(on_ring), counted
        self.wanted = min(3, len(self.on_ring))
        self.quorum = min(3, counted) // 2 + 1
        self.ring = [(sha256(node, u8(at)), node) for node in self.on_ring for at in range(2)]

    def replicas(self, position):
        found = []
        for at, node in sorted(self.ring, key=lambda point: (point[0] < position, point)):
            if node not in found:
                found.append(node)
        return found[: self.wanted]

    def set_hash(self, position):
        return sha256(b"quantumsync/1/set", u8(self.quorum), *sorted(self.replicas(position)))

    def digest(self):
        members = (node + u8(2) for node in self.on_ring)
        return sha256(b"quantumsync/1/placement", u8(3), u32(self.counted), *members)

    def shown(self, position):
        return b"".join(self.replicas(position)) + self.set_hash(position) + self.digest()


MEMBERS = [bytes([number]) * 32 for number in range(1, 6)]
PLACED = Placement(MEMBERS, 5)


def _shard(first_byte):
    return sha256(b"record", KEYS.owner, u8(first_byte))


def _placement():
    positions = b"".join(position for position, _ in PLACED.ring)
    return {
        "placement": positions + _shard(0x5A) + PLACED.shown(_shard(0x5A)),
        "placement-out": Placement(MEMBERS[:4], 5).shown(_shard(0x5A)),
    }


NONCE, BLOB = b"\x5e" * 32, b"blob"
PROOF = sha256(NONCE, BLOB)


def _members():
    """Messages between members."""
    number, write = 7, messages.encode
    pin = signed.pin(NETWORK, KEYS.sign_seed, KEYS.owner, NAME, OBJECT, VERSION, BLOB_ID, 704)
    tombstone, floor = messages.record(_tombstone(1)), messages.record(_floor())
    rows = [{"pin": messages.pin(pin), "age": 60_000, "pending": 1}]
    object_ = {"owner": KEYS.owner, "name": NAME, "object": OBJECT, "since": VERSION}
    at_record = {"at": _shard(NAME[0]), "owner": KEYS.owner, "name": NAME, "object": bytes(16)}
    at_pin = {"at": BLOB_ID, "owner": KEYS.owner, "name": NAME, "object": OBJECT}
    digest = PLACED.digest()
    requests = (
        write(0x35, number, promise=0, objects=[object_]),
        write(0x35, number, promise=1, objects=[object_]),
        write(0x37, number, placement=digest, part=0, after=None, rows=256),
        write(0x37, number, placement=digest, part=1, after=at_record, rows=256),
        write(0x38, number, placement=digest, after=at_pin, rows=256),
        write(0x39, number, nonce=NONCE, blobs=[sha256(BLOB), BLOB_ID]),
        write(0x3A, number, record=tombstone),
        write(0x3B, number, pins=rows),
    )
    pulled = [{"record": tombstone, "age": 60_000, "expired": 0}]
    answers = (
        write(0xB5, number, states=[(0, {}), (1, {}), (2, floor)]),
        write(0xB7, number, records=pulled, promises=[], next=at_record),
        write(0xB7, number, records=[], promises=[object_], next=None),
        write(0xB8, number, pins=rows, next=at_pin),
        write(0xB9, number, proofs=[PROOF, None]),
        write(0xBA, number, clean=1),
        write(0xBB, number, kept=[2, 1, 0], records=[tombstone]),
        write(0xFF, number, code=15, record=None),
    )
    return {
        "between-nodes": b"".join(requests),
        "between-nodes-answers": b"".join(answers),
        "proof": NONCE + BLOB + sha256(BLOB) + PROOF,
        "votes": _votes(tombstone),
        "view-standing": _standing(),
    }


def _votes(tombstone):
    """Of several items, or of shards, the vote is the hash of the hashes of their sets."""
    number, write = 7, messages.encode
    shards = [0x5A, 0x5B]
    sets = [PLACED.set_hash(_shard(shard)) for shard in shards]
    which = bytearray(32)
    for shard in shards:
        which[shard // 8] |= 1 << shard % 8
    stored = write(0x91, number, vote=[sets[0]], copies=1, wanted=2)
    return b"".join((
        stored,
        write(0x91, number, vote=[sets[0]], skipped=dict([UNKNOWN]), copies=1, wanted=2),
        write(0x90, number, vote=[sha256(PLACED.set_hash(BLOB_ID))], copies=[1, 0], wanted=2),
        write(0xB9, number, vote=[sha256(PLACED.set_hash(sha256(BLOB)))], proofs=[PROOF, None]),
        write(
            0x95, number, vote=[sha256(*sets), bytes(which)], records=[], next=None, floor=None, complete=0
        ),
        write(0xFF, number, vote=[sets[0]], code=4, record=tombstone),
    ))


def _standing():
    past = {"epoch": 3, "replicas": 3}
    past["members"] = [{"node": node, "positions": 2, "placed": 1} for node in MEMBERS]
    standing = {
        "syncing": 1, "leaving": 0, "settled": 0, "noted": PLACED.digest(), "placement": b"\xdd" * 32, "epoch": 4,
        "out": [{"node": MEMBERS[4], "why": 0}], "unheard": [{"node": MEMBERS[1], "ms": 250}], "previous": [past],
    }
    return messages.encode(
        0xB1, 7, digest=b"\xdd" * 32, admissions=[], removals=[], settings=None, standing=standing
    )


def _link(drawn):
    """A client that proves the owner dials the node."""
    dialler_ephemeral, dialler_static, answerer_ephemeral = secrets = [bytes.fromhex(key) for key in drawn]
    noise = link.Handshake(PSK, dialler_static, dialler_ephemeral, NODE_SECRET, answerer_ephemeral)
    proof = link.owner_proof(NETWORK, KEYS.sign_seed, "quantumsync/1/link/owner", noise, link.CLIENT)
    limits = (TIME, 256, 9 << 20, 9 << 20)
    node_hello = link.hello(link.NODE, ADMISSION, None, None, [ADDRESS], *limits, b"\x33" * 16)
    client_hello = link.hello(link.CLIENT, None, KEYS.owner + proof, None, [], *limits, bytes(16))
    frames = [
        link.Direction(key).frame(link.segments(0, hello)[0])
        for key, hello in ((noise.answerer_key, node_hello), (noise.dialler_key, client_hello))
    ]
    messages = [link.framed(message) for message in noise.messages]
    return b"".join((*secrets, *messages, node_hello, *frames))
