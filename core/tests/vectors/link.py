"""A link: the Noise handshake, written from the Noise specification (revision 34), then frames and messages."""

from primitives import aes_gcm, hmac, hkdf_expand, sha256, sign, u8, u16, u32, u64, x25519, x25519_public
from signed import address

NAME = b"Noise_XXpsk0_25519_AESGCM_SHA256"
PROLOGUE = b"quantumsync/1"


# How this implementation draws its secrets from the 32 random bytes of a link. Not part of the protocol: any random
# secrets will do. It is here so that a whole link can be made again.


def ephemeral(entropy):
    return hmac(entropy, b"quantumsync/1/link/random", u64(0))


def client_static(entropy):
    return hmac(entropy, b"quantumsync/1/link/static")


def noise_hkdf(chaining_key, material, outputs):
    stream = hkdf_expand(hmac(chaining_key, material), b"", 32 * outputs)
    return [stream[at : at + 32] for at in range(0, 32 * outputs, 32)]


class Symmetric:
    """Noise's SymmetricState; both sides of one handshake go through the same states."""

    def __init__(self):
        # The name has exactly 32 bytes, so it is the first hash as it stands.
        assert len(NAME) == 32
        self.hash = self.chaining_key = NAME
        self.key, self.nonce = None, 0
        self.mix_hash(PROLOGUE)

    def mix_hash(self, data):
        self.hash = sha256(self.hash, data)

    def mix_key(self, material):
        self.chaining_key, self.key = noise_hkdf(self.chaining_key, material, 2)
        self.nonce = 0

    def mix_key_and_hash(self, material):
        self.chaining_key, hashed, self.key = noise_hkdf(self.chaining_key, material, 3)
        self.mix_hash(hashed)
        self.nonce = 0

    def encrypt_and_hash(self, plain):
        cipher = aes_gcm(self.key, self.nonce, self.hash, plain)
        self.nonce += 1
        self.mix_hash(cipher)
        return cipher

    def split(self):
        return noise_hkdf(self.chaining_key, b"", 2)


class Handshake:
    """Both sides at once: the three messages, the final hash, and the keys of both directions."""

    def __init__(self, psk, dialler_static, dialler_e, answerer_static, answerer_e):
        """All are secret keys; `_e` the ephemeral ones."""
        self.dialler, self.answerer = x25519_public(dialler_static), x25519_public(answerer_static)
        state = Symmetric()

        # -> psk, e
        state.mix_key_and_hash(psk)
        first = self._e(state, dialler_e) + state.encrypt_and_hash(b"")
        # <- e, ee, s, es
        second = self._e(state, answerer_e)
        state.mix_key(x25519(answerer_e, x25519_public(dialler_e)))
        second += state.encrypt_and_hash(self.answerer)
        state.mix_key(x25519(answerer_static, x25519_public(dialler_e)))
        second += state.encrypt_and_hash(b"")
        # -> s, se
        third = state.encrypt_and_hash(self.dialler)
        state.mix_key(x25519(dialler_static, x25519_public(answerer_e)))
        third += state.encrypt_and_hash(b"")

        self.messages = [first, second, third]
        self.hash = state.hash
        self.dialler_key, self.answerer_key = state.split()

    @staticmethod
    def _e(state, secret):
        """The token e; with a psk its public key is mixed into the key as well."""
        public = x25519_public(secret)
        state.mix_hash(public)
        state.mix_key(public)
        return public


class Direction:
    """One direction of an open link: seals frames, renews its key."""

    def __init__(self, key, rekey_frames=1 << 20):
        self.key, self.frames, self.rekey_frames = key, 0, rekey_frames

    def frame(self, plain):
        cipher = aes_gcm(self.key, self.frames, b"", plain)
        self.frames += 1
        if self.frames % self.rekey_frames == 0:
            self.key = aes_gcm(self.key, 2**64 - 1, b"", bytes(32))[:32]
        return framed(cipher)


def framed(data):
    return u16(len(data)) + data


def segments(stream, message, sizes=()):
    """A message in segments with payloads of these sizes; the rest in the last one."""
    data, out, first = u32(len(message)) + message, [], True
    for size in (*sizes, len(data)):
        part, data = data[:size], data[size:]
        flags = (1 if first else 0) | (2 if not data else 0)
        out.append(u32(stream) + u8(flags) + u16(len(part)) + part)
        first = False
        if not data:
            break
    return out


def owner_proof(network, seed, label, handshake, role):
    return sign(seed, label, network, handshake.hash, u8(role), handshake.dialler, handshake.answerer)


NODE, CLIENT, CONTROL = 0, 1, 2


def message(kind, request, *parts):
    return u8(kind) + u32(request) + b"".join(parts)


def flag(value):
    return u8(1 if value else 0)


def optional(value):
    """An optional thing: 0, or 1 and its bytes."""
    return u8(0) if value is None else u8(1) + value


def counted(items):
    return u16(len(items)) + b"".join(items)


def hello(role, admission, owner, control, addrs, unix_ms, max_requests, terminal, relay, incarnation):
    """`owner` and `control`: a public key with its signature, or None."""
    return message(
        0x00, 0, u16(1), u8(role), optional(admission), optional(owner), optional(control),
        counted([address(addr) for addr in addrs]), u64(unix_ms), u16(max_requests), u32(terminal),
        u32(relay), incarnation,
    )


def payload(data):
    """A bulk payload: the last optional field."""
    return u16(0xFFFF) + u32(len(data)) + data
