"""The formats of section 12 of PROTOCOL.md, and of what messages carry, each told once: it reads and it writes."""

from forms import (
    FLAG, U8, U16, U32, U64, Address, Constant, Either, Fields, List, Malformed, Number, Optional, Raw, Reader,
    Rest, Sized, Struct, Text, Version, demand, whole,
)
from primitives import fields as written_fields
from primitives import u8, u32

PAYLOAD_TAG = 0xFFFF
ID, NOTHING, ADDRESS = Raw(32), Struct(), Address()
ADDRESSES = List(ADDRESS, 8)

# Sections 6 to 8.

LIVE = List(Struct(object=Raw(16), bytes=U64, blobs=U32), 256)
PART = Struct(length=U32, hash=ID)
HEADER = Struct(
    magic=Constant(b"QSr\x01"), owner=ID, name=ID, kind=Number(1, (0, 1)), version=Version(), key_epoch=U32,
    live=LIVE, expires=U64, head=PART, body=PART, fields=Fields(),
)
PIN = Struct(
    magic=Constant(b"QSp\x01"), owner=ID, name=ID, object=Raw(16), since=Version(), blob=ID, length=U32,
    fields=Rest(Fields(), 64), signature=Raw(64),
)
ADMISSION = Struct(
    magic=Constant(b"QSa\x01"), node=ID, positions=Number(1, range(1, 65)), volatile=FLAG, serial=U64,
    not_after=U64, fields=Sized(2, Fields()), signature=Raw(64),
)
REMOVAL = Struct(
    magic=Constant(b"QSx\x01"), node=ID, banned=FLAG, serial=U64, fields=Sized(2, Fields()), signature=Raw(64)
)
SETTINGS = Struct(
    magic=Constant(b"QSs\x01"), number=U64, replicas=Number(1, range(1, 17)), gone_after=U64, linger=U64,
    fields=Sized(2, Fields()), signature=Raw(64),
)


class Record:
    """Parts are there whole or not at all, the body only with the head."""

    def read(self, reader):
        header = Sized(2, HEADER).read(reader)
        signature = reader.take(64)
        lengths = header["head"]["length"], header["body"]["length"]
        parts = reader.data
        demand(len(parts) in (0, lengths[0], sum(lengths)))
        head, body = reader.take(min(len(parts), lengths[0])), reader.take(max(0, len(parts) - lengths[0]))
        return {"header": header, "signature": signature, "head": head, "body": body}

    def write(self, value):
        header = Sized(2, HEADER).write(value["header"])
        return header + value["signature"] + value["head"] + value["body"]


# Section 12.

RECORD, SHORT_PIN = Sized(4, Record(), 65_536), Sized(2, PIN)
PROMISE = Struct(owner=ID, name=ID, object=Raw(16), since=Version())
CURSOR = Struct(at=ID, owner=ID, name=ID, object=Raw(16))
ROWS_BYTES = 229_376
RECORD_ROWS = List(Struct(record=RECORD, age=U64, expired=FLAG), 256, ROWS_BYTES)
PROMISE_ROWS = List(PROMISE, 256, ROWS_BYTES)
PIN_ROWS = List(Struct(pin=SHORT_PIN, age=U64, pending=FLAG), 256, ROWS_BYTES)
PAST = Struct(epoch=U64, replicas=U8, members=List(Struct(node=ID, positions=U8, placed=FLAG), 256))
STANDING = Struct(
    syncing=FLAG, leaving=FLAG, settled=FLAG, noted=Optional(ID), placement=ID, epoch=U64,
    out=List(Struct(node=ID, why=Number(1, (0, 1))), 256), unheard=List(Struct(node=ID, ms=U64), 256),
    previous=List(PAST, 16),
)
PAGE = Struct(
    digest=ID, admissions=List(Struct(admission=ADMISSION, addresses=ADDRESSES), 256),
    removals=List(REMOVAL, 256), settings=Optional(SETTINGS), standing=Optional(STANDING),
)
STATUS = Struct(
    node=ID, network=ID, address=Optional(ADDRESS), version=Sized(2, Text(), 64), uptime=U64,
    alive=U32, suspect=U32, gone=U32, members=U32, replicas=U8, blobs=U64, bytes=U64, records=U64,
    tombstones=U64, wanted=U64, present=U64, missing=U64, syncing=FLAG, pending=U64, quota=U64, free=U64,
    waits_for=List(ID, 256), pending_pins=U64, unlisted_pins=U64, strays=U64,
)
PEER = Struct(
    node=ID, address=Optional(ADDRESS), state=Number(1, range(5)), rtt=U32, silent=U64, positions=U8, out=FLAG,
    syncing=FLAG, linked=FLAG,
)
PROOF = Struct(key=ID, signature=Raw(64))
HELLO = Struct(
    version=U16, role=Number(1, range(3)), admission=Optional(ADMISSION), owner=Optional(PROOF),
    control=Optional(PROOF), addresses=ADDRESSES, clock=U64, requests=U16, terminal=U32, relay=U32,
    incarnation=Raw(16),
)

BODIES = {
    0x00: HELLO,
    0x01: Struct(credit=Number(1, (1, 2)), bytes=U32),
    0x02: Struct(reason=U8),
    0x10: Struct(pins=List(SHORT_PIN, 256)),
    0x11: Struct(pins=List(SHORT_PIN, 16)),
    0x12: Struct(blob=ID, offset=U32, length=U32),
    0x13: Struct(record=RECORD),
    0x14: Struct(owner=ID, name=ID),
    0x15: Struct(owner=ID, after=Optional(ID), rows=U16, first=U8, last=U8),
    0x17: NOTHING,
    0x20: Struct(owner=ID, name=Optional(ID)),
    0x21: Struct(after=Optional(ID)),
    0x22: NOTHING,
    0x23: Struct(node=FLAG),
    0x24: Struct(stay=FLAG),
    0x25: Struct(node=ID),
    0x26: Struct(after=Optional(CURSOR)),
    0x30: Struct(clock=U64),
    0x31: PAGE,
    0x35: Struct(promise=FLAG, objects=List(PROMISE, 64)),
    0x37: Struct(placement=ID, part=Number(1, range(3)), after=Optional(CURSOR), rows=U16),
    0x38: Struct(placement=ID, after=Optional(CURSOR), rows=U16),
    0x39: Struct(nonce=ID, blobs=List(ID, 16)),
    0x3A: Struct(record=RECORD),
    0x3B: Struct(pins=PIN_ROWS),
    0x90: Struct(copies=List(U8, 256), wanted=U8),
    0x91: Struct(copies=U8, wanted=U8),
    0x92: Struct(node=ID),
    0x94: Struct(record=Optional(RECORD), floor=Optional(RECORD), fresh=FLAG),
    0x95: Struct(
        records=List(RECORD, 256), next=Optional(ID), floor=Optional(RECORD), complete=FLAG
    ),
    0x97: STATUS,
    0xA0: Struct(blobs=U64, bytes=U64),
    0xA1: Struct(checked=U64, bytes=U64, damaged=List(ID, 1024), next=Optional(ID)),
    0xA2: Struct(peers=List(PEER, 256)),
    0xA3: Struct(token=Sized(2, Text(), 512)),
    0xA4: Struct(done=FLAG, waits_for=List(ID, 256), strays=U64),
    0xA5: NOTHING,
    0xA6: Struct(checked=U64, damaged=List(Struct(owner=ID, name=ID), 1024), next=Optional(CURSOR)),
    0xB0: Struct(clock=U64),
    0xB1: PAGE,
    0xB5: Struct(states=List(Either({0: NOTHING, 1: NOTHING, 2: RECORD}), 64)),
    0xB7: Struct(records=RECORD_ROWS, promises=PROMISE_ROWS, next=Optional(CURSOR)),
    0xB8: Struct(pins=PIN_ROWS, next=Optional(CURSOR)),
    0xB9: Struct(proofs=List(Optional(ID), 16)),
    0xBA: Struct(clean=FLAG),
    0xBB: Struct(kept=List(Number(1, range(3)), 256), records=List(RECORD, 256, ROWS_BYTES)),
    0xFF: Struct(code=U8, record=Optional(RECORD)),
}
PAYLOADS = {0x11, 0x92}
VOTES = {0x90, 0x91, 0x94, 0x95, 0xB5, 0xB9, 0xBB, 0xFF}


def decode(data):
    """The message that fills these bytes, with the optional fields that it skips; None for an unknown request."""
    reader = Reader(data)
    kind, number = reader.number(1), reader.number(4)
    if kind not in BODIES and 0x10 <= kind < 0x80:
        return None
    demand(kind in BODIES)
    demand(kind >= 0x10 or number == 0)
    body = BODIES[kind].read(reader)
    payload = None
    if kind in PAYLOADS:
        payload, reader.data = _split_payload(reader.data)
    fields = Fields().read(reader)
    vote = []
    if kind in VOTES and 1 in fields:
        vote = [fields.pop(tag) for tag in (1, 2) if tag in fields]
    demand(all(len(value) == 32 for value in vote))
    return {"kind": kind, "number": number, "body": body, "payload": payload, "vote": vote, "skipped": fields}


def _split_payload(data):
    """A payload is the optional field with the highest tag, so it ends its message."""
    reader, before = Reader(data), b""
    while True:
        rest = reader.data
        tag, length = reader.number(2), reader.number(4)
        value = reader.take(length)
        if tag == PAYLOAD_TAG:
            demand(length <= 4_194_304 and not reader.data)
            return value, before
        before += rest[: 6 + length]


def encode(kind, number, payload=None, vote=(), skipped=None, **body):
    """`vote`: the hash of the set, and the set of shards if there is one. `skipped`: fields of a later version."""
    assert kind in VOTES or not vote
    fields = dict(enumerate(vote, 1)) | (skipped or {})
    data = u8(kind) + u32(number) + BODIES[kind].write(body) + written_fields(*sorted(fields.items()))
    return data if payload is None else data + written_fields((PAYLOAD_TAG, payload))


def encode_decoded(message):
    """Writes again what was read."""
    message = dict(message)
    return encode(**message.pop("body"), **message)


def reads_back(data):
    """True if these bytes are a message, and each beginning of them is that of no other message than it shows."""
    try:
        message = decode(data)
    except Malformed:
        return False
    if message is None:
        return True
    return encode_decoded(message) == data and all(map(_honest, (data[:at] for at in range(len(data)))))


def _honest(data):
    try:
        message = decode(data)
    except Malformed:
        return True
    return message is not None and encode_decoded(message) == data


def pin(data):
    """A pin as it stands in these bytes."""
    return whole(PIN, data)


def record(data):
    """The same for a record."""
    return whole(Record(), data)
