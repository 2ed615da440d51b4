"""The standard primitives, from published packages, and the few ways in which the protocol uses them.

Everything here is told by PROTOCOL.md, section "Cryptography".
"""

import hashlib
import hmac as _hmac

import blake3
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

_RAW = (serialization.Encoding.Raw, serialization.PublicFormat.Raw)


def u8(value):
    return value.to_bytes(1, "big")


def u16(value):
    return value.to_bytes(2, "big")


def u32(value):
    return value.to_bytes(4, "big")


def u64(value):
    return value.to_bytes(8, "big")


def sha256(*parts):
    return hashlib.sha256(b"".join(parts)).digest()


def hmac(key, *parts):
    return _hmac.new(key, b"".join(parts), hashlib.sha256).digest()


def extract(salt, entropy):
    """HKDF-Extract, RFC 5869."""
    return hmac(salt, entropy)


def hkdf_expand(key, info, length):
    """HKDF-Expand, RFC 5869."""
    out, block = b"", b""
    while len(out) < length:
        block = hmac(key, block, info, u8(len(out) // 32 + 1))
        out += block
    return out[:length]


def prefixed(text):
    """A label or field after its length in one byte."""
    data = text.encode() if isinstance(text, str) else text
    return u8(len(data)) + data


def expand(key, label, *fields, length=32):
    """HKDF-Expand under a label and its fields, each after its length."""
    return hkdf_expand(key, b"".join(map(prefixed, (label, *fields))), length)


def aes_ctr(key, data):
    """AES-256-CTR from counter 0: encrypts and decrypts."""
    cipher = Cipher(algorithms.AES(key), modes.CTR(bytes(16))).encryptor()
    return cipher.update(data) + cipher.finalize()


def aes_gcm(key, nonce, associated, plain):
    """AES-256-GCM with Noise's nonce: 32 zero bits and the counter."""
    return AESGCM(key).encrypt(bytes(4) + u64(nonce), plain, associated)


def blake3_keyed(key, data, length=32):
    return blake3.blake3(data, key=key).digest(length=length)


def argon2id(password, salt, memory_kib, passes, lanes):
    kdf = Argon2id(salt=salt, length=32, iterations=passes, lanes=lanes, memory_cost=memory_kib)
    return kdf.derive(password)


def ed25519_public(seed):
    return Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes(*_RAW)


def ed25519_sign(seed, message):
    return Ed25519PrivateKey.from_private_bytes(seed).sign(message)


def ed25519_verifies(public, message, signature):
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, message)
        return True
    except InvalidSignature:
        return False


def x25519_public(secret):
    return X25519PrivateKey.from_private_bytes(secret).public_key().public_bytes(*_RAW)


def x25519(secret, public):
    return X25519PrivateKey.from_private_bytes(secret).exchange(X25519PublicKey.from_public_bytes(public))


def signed_message(label, network, *parts):
    """What a signature is really over: one thing never passes for another, nor in another network."""
    return prefixed(label) + network + b"".join(parts)


def sign(seed, label, network, *parts):
    message = signed_message(label, network, *parts)
    signature = ed25519_sign(seed, message)
    assert ed25519_verifies(ed25519_public(seed), message, signature)
    return signature


def fields(*pairs):
    """Optional fields: tag u16, length u32, value; tags rise."""
    return b"".join(u16(tag) + u32(len(value)) + value for tag, value in pairs)
