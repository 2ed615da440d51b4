"""What all vectors are made from: keys, ids and inputs that look like nothing else here."""

import blake3

import signed
import vault
from primitives import ed25519_public, sha256, u8, x25519_public


def seed(number):
    """32 bytes that look like nothing else here."""
    return sha256(b"vector seed", u8(number))


def sample(text, length):
    """A long input, the same for every reader."""
    return blake3.blake3(text.encode()).digest(length=length)


MASTER, NETWORK_SEED, WRITER_SEED, CONTROL_SEED, DEVICE = (seed(number) for number in range(5))
PSK, NODE_SECRET, DIALLER_ENTROPY, ANSWERER_ENTROPY, SECOND_NODE = (seed(number) for number in range(5, 10))
KEYS = vault.Keys(MASTER)
NETWORK = signed.network_id(ed25519_public(NETWORK_SEED))
NODE = sha256(x25519_public(NODE_SECRET))
OTHER_NODE = sha256(x25519_public(SECOND_NODE))
KEY_STRING = "Zürich/photo 1.jpg"
NAME = KEYS.name(0, KEY_STRING)
MS = 1_795_219_200_000
SINCE = signed.version(MS, 7, vault.writer_tag(DEVICE, NAME))
PARENT = signed.version(MS - 1000, 0, bytes(range(8)))
OBJECT = KEYS.object_id(NAME, SINCE)
CONTENT = sample("file", 3_000_000)
UNKNOWN_FIELD = (0x0100, b"of a later version")
