"""The plaintext side: keys, names, pieces, record parts, heads, chunks, manifests, the vault file."""

from primitives import (
    aes_ctr, argon2id, blake3_keyed, ed25519_public, expand, extract, hmac, sha256, u8, u16, u32, u64,
)

PIECE_MAX = (4 << 20) - 64
FAN_OUT = 256


class Keys:
    """Everything that follows from the 32 bytes of a vault: space 0, write epoch 0, read epoch 0."""

    def __init__(self, master):
        key = "quantumsync/1/key/"
        self.root = extract(b"quantumsync/1", master)
        self.write = expand(self.root, key + "space", u32(0), u32(0))
        self.sign_seed = expand(self.write, key + "sign")
        self.owner = ed25519_public(self.sign_seed)
        self.name_key = expand(self.write, key + "name")
        self.read = expand(self.write, key + "read", u32(0))
        self.record = expand(self.read, key + "read/record")
        self.dedup_data = expand(self.read, key + "read/dedup/data")
        self.dedup_manifest = expand(self.read, key + "read/dedup/manifest")
        self.chunk = expand(self.read, key + "read/chunk")
        self.siv = expand(self.read, key + "read/siv")
        self.object_id_key = expand(self.read, key + "read/object-id")
        self.salt = expand(self.read, key + "read/salt")

    def name(self, kind, key_string):
        return hmac(self.name_key, u8(kind), key_string.encode())

    def record_key(self, name, file_epoch):
        return expand(self.record, "quantumsync/1/key/file", name, u32(file_epoch))

    def object_id(self, name, since):
        return hmac(self.object_id_key, name, since)[:16]


def writer_tag(device, name):
    return hmac(device, name)[:8]


def padme(length):
    """Keeps as many leading bits of a length as its exponent has bits, and rounds up."""
    exponent = length.bit_length() - 1
    kept = exponent.bit_length()
    step = 1 << (exponent - kept)
    return -(-length // step) * step


def padded_len(payload):
    return padme(2 + payload)


def seal_piece(dedup_key, payload):
    """Returns (id, key, blob)."""
    body = (b"\x01\x00" + payload).ljust(padded_len(len(payload)), b"\0")
    key = expand(blake3_keyed(dedup_key, body), "quantumsync/1/key/piece")
    blob = aes_ctr(key, body)
    return sha256(blob), key, blob


HEAD, BODY = 0, 1


def seal_part(record_key, siv_key, part, prefix, plain):
    siv = hmac(siv_key, u8(part), prefix, plain)[:16]
    keys = expand(record_key, "quantumsync/1/key/seal", siv, length=64)
    cipher = aes_ctr(keys[:32], plain)
    return siv + cipher + hmac(keys[32:], u8(part), prefix, siv, cipher)


def head(key_string, size, modified_ms, parents, live):
    """`live`: nothing for inline content, else (object id, root)."""
    out = u8(1) + u16(len(key_string.encode())) + key_string.encode() + u64(size) + u64(modified_ms)
    out += u16(len(parents)) + b"".join(parents)
    if live is None:
        out += u16(0)
    else:
        object_id, root = live
        out += u16(1) + object_id + root.id + root.key
        out += u8(root.level) + u64(root.length) + u32(root.pieces)
    out += u16(0)
    return out.ljust(-(-len(out) // 128) * 128, b"\0")


def body(content):
    return (b"\x01\x00" + content).ljust(padded_len(max(len(content), 126)), b"\0")


def gear_table(chunk_key):
    stream = blake3_keyed(chunk_key, b"quantumsync/1/gear", 2048)
    return [int.from_bytes(stream[at : at + 8], "big") for at in range(0, 2048, 8)]


def chunks(chunk_key, data):
    """Cuts data into pieces."""
    gear, word = gear_table(chunk_key), (1 << 64) - 1
    pieces, start = [], 0
    while start < len(data):
        end = min(len(data), start + PIECE_MAX)
        hash_ = 0
        for at in range(start + (256 << 10), end):
            hash_ = ((hash_ << 1) + gear[data[at]]) & word
            mask = 0x0000D91767537000 if at - start < 1 << 20 else 0x0000D91707537000
            if hash_ & mask == 0:
                end = at
                break
        pieces.append(data[start:end])
        start = end
    return pieces


class Root:
    def __init__(self, id, key, level, length, pieces):
        self.id, self.key, self.level, self.length, self.pieces = id, key, level, length, pieces


def node_payload(level, children):
    out = u8(level) + u16(len(children))
    return out + b"".join(id + key + u64(length) for id, key, length in children)


def tree(keys, pieces):
    """The sealed pieces and nodes as (level, payload length, id, key, blob), and the root."""
    blobs, row = [], []
    for piece in pieces:
        sealed = seal_piece(keys.dedup_data, piece)
        blobs.append((0, len(piece), *sealed))
        row.append((sealed[0], sealed[1], len(piece)))
    level = 0
    while len(row) > 1:
        level += 1
        above = []
        for at in range(0, len(row), FAN_OUT):
            children = row[at : at + FAN_OUT]
            payload = node_payload(level, children)
            sealed = seal_piece(keys.dedup_manifest, payload)
            blobs.append((level, len(payload), *sealed))
            above.append((sealed[0], sealed[1], sum(length for _, _, length in children)))
        row = above
    ((id, key, length),) = row
    return blobs, Root(id, key, level, length, len(pieces))


def vault_file(master, passphrase, entropy):
    """A vault file with one slot."""
    file_key, salt = entropy[:32], entropy[32:48]
    if passphrase is None:
        kind, params = 0, b""
        slot_key = expand(extract(salt, b""), "quantumsync/1/key/vault/open-slot")
    else:
        kind, params = 1, u32(65536) + u32(3) + u32(1)
        slot_key = argon2id(passphrase.encode(), salt, 65536, 3, 1)
    magic = b"qsvault\0" + u16(1)
    slot = params + salt
    slot += vault_seal(slot_key, magic + u8(kind) + slot, file_key)
    file = magic + u8(1) + u8(kind) + u16(len(slot)) + slot
    file += vault_seal(file_key, file, master)
    return file + sha256(file)


def vault_seal(key, context, plain):
    seal, siv = expand(key, "quantumsync/1/key/vault/seal"), expand(key, "quantumsync/1/key/vault/siv")
    return seal_part(seal, siv, HEAD, context, plain)
