"""What is signed: records, pins, grants, floors, and what the network's key signs; tokens."""

import base64
import ipaddress

from primitives import ed25519_public, fields, prefixed, sha256, sign, u8, u16, u32, u64

FILE, FLOOR = 0, 1
FILE_EPOCH_TAG, FLOOR_TAG, GRANT_TAG = 1, 2, 3


def network_id(public):
    return sha256(prefixed("quantumsync/1/network"), public)


def version(ms, counter, writer):
    return ms.to_bytes(6, "big") + u16(counter) + writer


def header_prefix(owner, name, kind, version_, live, expires, key_epoch=0):
    out = b"QSr\x01" + owner + name + u8(kind) + version_ + u32(key_epoch)
    out += u16(len(live)) + b"".join(object_id + u64(size) + u32(blobs) for object_id, size, blobs in live)
    return out + u64(expires)


def part_info(part):
    return u32(len(part)) + (sha256(part) if part else bytes(32))


def record(network, seed, prefix, head, body, *optional):
    """Returns (header, record)."""
    header = prefix + part_info(head) + part_info(body) + fields(*optional)
    signature = sign(seed, "quantumsync/1/record", network, header)
    return header, u16(len(header)) + header + signature + head + body


def floor_field(version_, grant_epoch):
    return FLOOR_TAG, version_ + u32(grant_epoch)


def grant(network, owner_seed, writer, scope, epoch, not_after):
    content = writer + scope + u32(epoch) + u64(not_after)
    return content + sign(owner_seed, "quantumsync/1/grant", network, content)


def pin(network, seed, owner, name, object_id, since, blob, length, *optional):
    content = b"QSp\x01" + owner + name + object_id + since + blob + u32(length) + fields(*optional)
    return content + sign(seed, "quantumsync/1/pin", network, content)


def _with_network(seed, label, content, optional):
    network = network_id(ed25519_public(seed))
    content += u16(len(fields(*optional))) + fields(*optional)
    return content + sign(seed, label, network, content)


def admission(seed, node, positions, volatile, serial, not_after, *optional):
    content = b"QSa\x01" + node + u8(positions) + u8(volatile) + u64(serial) + u64(not_after)
    return _with_network(seed, "quantumsync/1/admission", content, optional)


def removal(seed, node, banned, serial, *optional):
    content = b"QSx\x01" + node + u8(banned) + u64(serial)
    return _with_network(seed, "quantumsync/1/removal", content, optional)


def settings(seed, number, replicas, gone_after_ms, linger_ms, *optional):
    content = b"QSs\x01" + u64(number) + u8(replicas) + u64(gone_after_ms) + u64(linger_ms)
    return _with_network(seed, "quantumsync/1/settings", content, optional)


def membership_digest(words):
    """`words`: node id to the bytes of the admission or removal in force."""
    return sha256(*(words[node] for node in sorted(words)))


def address(text):
    """`1.2.3.4:5` or `[::1]:5`."""
    host, port = text.rsplit(":", 1)
    ip = ipaddress.ip_address(host.strip("[]"))
    return u8(ip.version) + ip.packed + u16(int(port))


def token(psk_epoch, psk, network_key, signing_seed, peers):
    content = u8(1) + u8(0 if signing_seed is None else 1) + u32(psk_epoch) + psk + network_key
    content += signing_seed or b""
    content += u8(len(peers)) + b"".join(node + address(addr) for node, addr in peers)
    content += sha256(prefixed("quantumsync/1/token"), content)[:4]
    return "qs1" + base64.b32encode(content).decode().rstrip("=").lower()
