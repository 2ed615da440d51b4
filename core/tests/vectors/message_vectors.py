"""One vector of each kind of message."""

import link
import messages as wire
import signed
from given import (
    KEYS, MS, NAME, NETWORK, NETWORK_SEED, NODE, OBJECT, OTHER_NODE, PSK, SINCE, sample, seed,
)
from primitives import ed25519_public, sha256, u8, u16, u32, u64


def messages(made):
    """`made`: the vectors of records."""
    admission = signed.admission(NETWORK_SEED, NODE, 8, False, 3, MS)
    removal = signed.removal(NETWORK_SEED, OTHER_NODE, True, 2)
    settings = signed.settings(NETWORK_SEED, 2, 3, 900_000, 60_000)
    record, tombstone, floor, pin = (made[name] for name in ("inline", "tombstone", "floor", "pin"))
    record = record["record"]
    blob = sample("blob", 40)
    id = sha256(blob)
    long = lambda data: u32(len(data)) + data
    short = lambda data: u16(len(data)) + data
    message, optional, flag, counted = link.message, link.optional, link.flag, link.counted
    addr = "192.0.2.1:4270"
    page = sha256(b"digest") + counted([admission + counted([signed.address(addr)])]) + counted([removal])
    page += optional(settings) + optional(None)
    status = NODE + NETWORK + optional(signed.address(addr)) + short("0.1.0".encode()) + u64(11)
    status += b"".join(map(u32, (1, 2, 3, 4))) + u8(3) + b"".join(map(u64, range(5, 12))) + flag(True)
    status += b"".join(map(u64, (12, 13, 14))) + counted([])
    status += b"".join(map(u64, (15, 16, 17)))
    peer = OTHER_NODE + optional(signed.address("[2001:db8::1]:65535")) + u8(2) + u32(1500) + u64(9000) + u8(8)
    peer += flag(False) + flag(True) + flag(False)
    token = signed.token(1, PSK, ed25519_public(NETWORK_SEED), None, [(NODE, addr)])
    proof = KEYS.owner + bytes(range(64))
    return {
        "hello": link.hello(
            link.NODE, admission, None, None, [addr, "[2001:db8::1]:65535"], MS, 256, 9, 10, bytes(range(16))
        ),
        "hello_of_control": link.hello(link.CONTROL, None, proof, proof, [], MS, 1, 2, 3, bytes(16)),
        "credit": message(0x01, 0, u8(2), u32(123_456)),
        "goodbye": message(0x02, 0, u8(4)),
        "have": message(0x10, 1, counted([short(pin)])),
        "put_blob": message(0x11, 2, counted([short(pin)]), link.payload(blob)),
        "get_blob": message(0x12, 3, id, u32(5), u32(6)),
        "put_record": message(0x13, 4, long(record)),
        "get_record": message(0x14, 5, KEYS.owner, NAME),
        "list_records": message(0x15, 6, KEYS.owner, optional(NAME), u16(256), u8(1), u8(254)),
        "status": message(0x17, 7),
        "evict": message(0x20, 8, KEYS.owner, optional(None)),
        "verify": message(0x21, 9, optional(id)),
        "peers": message(0x22, 10),
        "invite": message(0x23, 11, flag(True)),
        "ping": message(0x30, 12, u64(MS)),
        "view": message(0x31, 13, page),
        "leave": message(0x24, 14, flag(True)),
        "ban": message(0x25, 15, OTHER_NODE),
        "verify_records": message(0x26, 16, optional(None)),
        "unknown_request": message(0x7F, 14),
        "have_answer": message(0x90, 1, short(bytes([3, 0, 1])), u8(2)),
        "stored": message(0x91, 2, u8(1), u8(2)),
        "blob": message(0x92, 3, NODE, link.payload(blob)),
        "record": message(0x94, 5, optional(long(record)), optional(long(floor)), flag(True)),
        "no_record": message(0x94, 5, optional(None), optional(None), flag(False)),
        "records": message(
            0x95, 6, counted([long(tombstone)]), optional(NAME), optional(None), flag(True)
        ),
        "status_answer": message(0x97, 7, status),
        "evicted": message(0xA0, 8, u64(15), u64(16)),
        "verified": message(0xA1, 9, u64(17), u64(18), counted([id]), optional(None)),
        "verified_records": message(
            0xA6, 16, u64(19), counted([KEYS.owner + NAME]), optional(id + KEYS.owner + NAME + bytes(16))
        ),
        "peers_answer": message(0xA2, 10, counted([peer])),
        "invite_answer": message(0xA3, 11, short(token.encode())),
        "leave_answer": message(0xA4, 14, flag(False), counted([OTHER_NODE]), u64(18)),
        "done": message(0xA5, 15),
        "pong": message(0xB0, 12, u64(MS + 1)),
        "view_answer": message(0xB1, 13, page),
        "error": message(0xFF, 13, u8(4), optional(long(tombstone))),
    } | _between_members(made, blob)


def _between_members(made, blob):
    """What members ask of each other, and votes."""
    pin, tombstone, floor = wire.pin(made["pin"]), wire.record(made["tombstone"]), wire.record(made["floor"])
    head_only = wire.record(made["inline"]["record"]) | {"body": b""}
    promises = [{"owner": KEYS.owner, "name": NAME, "object": OBJECT, "since": SINCE}]
    at_pin = {"at": pin["blob"], "owner": KEYS.owner, "name": NAME, "object": OBJECT}
    at_promise = at_pin | {"at": bytes(32)}
    rows = [{"pin": pin, "age": 18, "pending": 0}, {"pin": wire.pin(made["granted_pin"]), "age": 19, "pending": 1}]
    digest, nonce, id = seed(22), seed(23), sha256(blob)
    vote = [seed(24)]
    records = [{"record": tombstone, "age": 20, "expired": 0}, {"record": head_only, "age": 21, "expired": 1}]
    standing = {
        "syncing": 0, "leaving": 1, "settled": 1, "noted": digest, "placement": seed(25), "epoch": 22,
        "out": [{"node": NODE, "why": 0}, {"node": OTHER_NODE, "why": 1}], "unheard": [{"node": OTHER_NODE, "ms": 23}],
        "previous": [
            {"epoch": 24, "replicas": 3, "members": [{"node": NODE, "positions": 8, "placed": 1}]},
            {"epoch": 25, "replicas": 2, "members": [{"node": OTHER_NODE, "positions": 64, "placed": 0}]},
        ],
    }
    page = {"digest": seed(26), "admissions": [], "removals": [], "settings": None, "standing": standing}
    return {
        "check_pins": wire.encode(0x35, 16, promise=1, objects=promises),
        "pull_records": wire.encode(0x37, 17, placement=digest, part=2, after=at_promise, rows=256),
        "pull_pins": wire.encode(0x38, 18, placement=digest, after=None, rows=1),
        "prove": wire.encode(0x39, 19, nonce=nonce, blobs=[id, pin["blob"]]),
        "forget": wire.encode(0x3A, 20, record=tombstone),
        "put_pins": wire.encode(0x3B, 21, pins=rows),
        "view_with_standing": wire.encode(0x31, 22, **page),
        "checked": wire.encode(0xB5, 16, vote=vote, states=[(2, tombstone), (0, {}), (1, {})]),
        "pulled_records": wire.encode(0xB7, 17, records=records, promises=[], next=None),
        "pulled_promises": wire.encode(0xB7, 17, records=[], promises=promises, next=at_promise),
        "pulled_pins": wire.encode(0xB8, 18, pins=rows, next=at_pin),
        "proved": wire.encode(0xB9, 19, vote=vote, proofs=[None, sha256(nonce, blob)]),
        "forgotten": wire.encode(0xBA, 20, clean=0),
        "pins_kept": wire.encode(0xBB, 21, vote=vote, kept=[0, 2], records=[floor]),
        "have_with_vote": wire.encode(0x90, 1, vote=vote, copies=[1], wanted=2),
        "records_with_vote": wire.encode(
            0x95, 6, vote=[seed(24), bytes(range(32))], records=[], next=None, floor=floor, complete=1
        ),
        "other_set": wire.encode(0xFF, 17, code=15, record=None),
    }
