#!/usr/bin/env python3
"""Makes crypto.txt: known answers of the key hierarchy and the seals, written from the description of
the protocol and not from the Rust code. BLAKE3 stands here in full; AES, Ed25519, X25519 and Argon2id are those of
the package `cryptography`, SHA-256 and HMAC those of Python.

    python3 core/tests/vectors/crypto.py > core/tests/vectors/crypto.txt
"""

import hashlib
import hmac
import struct

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

# BLAKE3, keyed, 32 bytes of output (the BLAKE3 paper, section 2).

IV = [0x6A09E667, 0xBB67AE85, 0x3C6EF372, 0xA54FF53A, 0x510E527F, 0x9B05688C, 0x1F83D9AB, 0x5BE0CD19]
ORDER = [2, 6, 3, 10, 7, 0, 4, 13, 1, 11, 12, 5, 9, 14, 15, 8]
CHUNK_START, CHUNK_END, PARENT, ROOT, KEYED = 1, 2, 4, 8, 16


def rotate(word, bits):
    return (word >> bits | word << (32 - bits)) & 0xFFFFFFFF


def compress(chain, block, counter, length, flags):
    v = chain + IV[:4] + [counter & 0xFFFFFFFF, counter >> 32, length, flags]
    m = list(struct.unpack("<16I", block.ljust(64, b"\0")))

    def mix(a, b, c, d, x, y):
        for word, high, low in ((x, 16, 12), (y, 8, 7)):
            v[a] = (v[a] + v[b] + word) & 0xFFFFFFFF
            v[d] = rotate(v[d] ^ v[a], high)
            v[c] = (v[c] + v[d]) & 0xFFFFFFFF
            v[b] = rotate(v[b] ^ v[c], low)

    for _ in range(7):
        for i in range(4):
            mix(i, 4 + i, 8 + i, 12 + i, m[2 * i], m[2 * i + 1])
        for i in range(4):
            mix(i, 4 + (i + 1) % 4, 8 + (i + 2) % 4, 12 + (i + 3) % 4, m[8 + 2 * i], m[9 + 2 * i])
        m = [m[i] for i in ORDER]
    return [v[i] ^ v[i + 8] for i in range(8)]


def blake3_keyed(key, data):
    words = list(struct.unpack("<8I", key))

    def node(data, first, root):
        if len(data) <= 1024:
            blocks = [data[i : i + 64] for i in range(0, len(data), 64)] or [b""]
            chain = words
            for i, block in enumerate(blocks):
                flags = KEYED | (CHUNK_START if i == 0 else 0)
                if i == len(blocks) - 1:
                    flags |= CHUNK_END | root
                chain = compress(chain, block, first, len(block), flags)
            return chain
        # The left side is the largest power of two of chunks that leaves something for the right.
        left = 1
        while left * 2 * 1024 < len(data):
            left *= 2
        both = node(data[: left * 1024], first, 0) + node(data[left * 1024 :], first + left, 0)
        return compress(words, struct.pack("<16I", *both), 0, 64, KEYED | PARENT | root)

    return struct.pack("<8I", *node(data, 0, ROOT))


# The protocol.


def mac(key, data):
    return hmac.new(key, data, hashlib.sha256).digest()


def expand(key, label, *fields, length=32):
    info = b"".join(bytes([len(part)]) + part for part in (("quantumsync/1/" + label).encode(), *fields))
    out, last, count = b"", b"", 1
    while len(out) < length:
        last = mac(key, last + info + bytes([count]))
        out, count = out + last, count + 1
    return out[:length]


def ctr(key, data):
    return Cipher(algorithms.AES(key), modes.CTR(bytes(16))).encryptor().update(data)


def padme(length):
    exponent = length.bit_length() - 1
    zeros = exponent - exponent.bit_length()
    return (length + (1 << zeros) - 1) >> zeros << zeros


def u32(number):
    return number.to_bytes(4, "big")


def show(name, value):
    print(f"{name} = {value.hex()}")


def main():
    master = bytes(range(32))
    root = mac(b"quantumsync/1", master)
    write = expand(root, "key/space", u32(0), u32(0))
    seed = expand(write, "key/sign")
    signer = Ed25519PrivateKey.from_private_bytes(seed)
    name_key = expand(write, "key/name")
    read = expand(write, "key/read", u32(0))
    record = expand(read, "key/read/record")
    dedup = expand(read, "key/read/dedup/data")
    siv_key = expand(read, "key/read/siv")
    object_key = expand(read, "key/read/object-id")
    name = mac(name_key, b"\0" + b"photo.jpg")
    file_key = expand(record, "key/file", name, u32(0))

    show("master", master)
    show("sign", seed)
    show("owner", signer.public_key().public_bytes_raw())
    show("name_key", name_key)
    show("record", record)
    show("dedup_data", dedup)
    show("dedup_manifest", expand(read, "key/read/dedup/manifest"))
    show("chunk", expand(read, "key/read/chunk"))
    show("siv", siv_key)
    show("object_id_key", object_key)
    show("salt", expand(read, "key/read/salt"))
    show("name", name)
    show("file_epoch_0", file_key)
    show("file_epoch_1", expand(record, "key/file", name, u32(1)))
    show("object_id", mac(object_key, name + b"\x55" * 16)[:16])
    show("writer_tag", mac(b"\x11" * 32, name)[:8])

    for length in (0, 5, 1000, 1500, 100_000):
        payload = bytes(i % 251 for i in range(length))
        body = b"\x01\x00" + payload
        body = body.ljust(padme(len(body)), b"\0")
        key = expand(blake3_keyed(dedup, body), "key/piece")
        blob = ctr(key, body)
        show(f"piece_{length}_key", key)
        show(f"piece_{length}_id", hashlib.sha256(blob).digest())
        if length < 100:
            show(f"piece_{length}_blob", blob)

    for part, label in ((0, "head"), (1, "body")):
        header, plain = b"the header's fields", bytes(range(128))
        aad = bytes([part]) + header
        siv = mac(siv_key, aad + plain)[:16]
        keys = expand(file_key, "key/seal", siv, length=64)
        sealed = siv + ctr(keys[:32], plain)
        show(label, sealed + mac(keys[32:], aad + sealed))

    message = b"\x14quantumsync/1/record" + b"\x22" * 32 + b"signed bytes"
    show("signature", signer.sign(message))
    static = X25519PrivateKey.from_private_bytes(b"\x33" * 32).public_key().public_bytes_raw()
    show("static_public", static)
    show("node_id", hashlib.sha256(static).digest())
    argon2 = Argon2id(salt=b"\x44" * 16, length=32, iterations=2, lanes=1, memory_cost=64)
    show("password", argon2.derive(b"password"))


if __name__ == "__main__":
    official = "75c46f6f3d9eb4f55ecaaee480db732e6c2105546f1e675003687c31719c7ba4"
    known = blake3_keyed(b"whats the Elvish word for friend", bytes(i % 251 for i in range(1024)))
    assert known.hex() == official, "BLAKE3 is not that of its official vectors"
    main()
