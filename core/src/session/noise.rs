//! The primitives behind a link: what `snow` needs for the handshake, and the keys of the frames that follow it.
//!
//! Knows nothing of messages or roles. Frames are sealed where they lie, which is why the keys are taken from `snow`
//! after the handshake instead of leaving the frames to it.

use alloc::boxed::Box;
use alloc::vec::Vec;

use aes_gcm::aead::{AeadInOut as _, KeyInit as _};
use aes_gcm::{Aes256Gcm, Key, Nonce, Tag};
use bytes::BytesMut;
use snow::params::{CipherChoice, DHChoice, HashChoice};
use snow::resolvers::CryptoResolver;
use snow::types::{Cipher, Dh, Hash, Random};
use x25519_dalek::{PublicKey, StaticSecret};
use zeroize::{Zeroize as _, Zeroizing};

use crate::crypto::{LinkIdentity, Secret, Suite};

/// Length of the tag behind every ciphertext.
pub(super) const TAG_LEN: usize = 16;
/// Length of keys, hashes and public keys of this suite.
const LEN: usize = 32;

/// The key of one direction of an open link (Noise's `CipherState`): counts frames and renews itself.
pub(super) struct FrameKey {
    suite: Suite,
    aead: Aead,
    frames: u64,
    rekey_every: u64,
}

impl FrameKey {
    pub(super) fn new(suite: Suite, key: &Secret<LEN>, rekey_every: u64) -> Self {
        Self { suite, aead: Aead::new(suite, key.expose()), frames: 0, rekey_every: rekey_every.max(1) }
    }

    /// Encrypts what stands in `buffer` from `start` on, and appends the tag.
    pub(super) fn seal(&mut self, buffer: &mut BytesMut, start: usize) {
        let plain = buffer.get_mut(start..).unwrap_or_default();
        let tag = self.aead.seal(self.frames, &[], plain);
        buffer.extend_from_slice(&tag);
        self.count();
    }

    /// Decrypts a whole frame in place and cuts off the tag; `false` if it is not the next frame of this link.
    #[must_use]
    pub(super) fn open(&mut self, frame: &mut BytesMut) -> bool {
        let Some(len) = frame.len().checked_sub(TAG_LEN) else { return false };
        let (cipher, tag) = frame.split_at_mut(len);
        let opened = self.aead.open(self.frames, &[], cipher, tag);
        if opened {
            frame.truncate(len);
            self.count();
        }
        opened
    }

    /// Noise, section 11.3: both sides renew the key of a direction after the same frame. The nonce counts on.
    fn count(&mut self) {
        self.frames += 1;
        if self.frames.is_multiple_of(self.rekey_every) {
            let mut key = Zeroizing::new([0; LEN]);
            self.aead.seal(u64::MAX, &[], &mut *key);
            self.aead = Aead::new(self.suite, &key);
        }
    }
}

/// AES-256-GCM with Noise's nonces, or its transparent stand-in.
enum Aead {
    Real(Box<Aes256Gcm>),
    #[cfg(any(test, feature = "sim"))]
    Sim(Secret<LEN>),
}

impl Aead {
    fn new(suite: Suite, key: &[u8; LEN]) -> Self {
        match suite {
            Suite::Real => {
                let key: &Key<Aes256Gcm> = key.into();
                Self::Real(Box::new(Aes256Gcm::new(key)))
            }
            #[cfg(any(test, feature = "sim"))]
            Suite::Sim => Self::Sim(Secret::new(*key)),
        }
    }

    fn seal(&self, nonce: u64, associated: &[u8], buffer: &mut [u8]) -> [u8; TAG_LEN] {
        match self {
            Self::Real(cipher) => cipher
                .encrypt_inout_detached(&noise_nonce(nonce), associated, buffer.into())
                .expect("a frame is far below what one nonce may encrypt")
                .into(),
            #[cfg(any(test, feature = "sim"))]
            Self::Sim(key) => sim_tag(key, nonce, associated, buffer),
        }
    }

    fn open(&self, nonce: u64, associated: &[u8], buffer: &mut [u8], tag: &[u8]) -> bool {
        let Ok(tag) = <[u8; TAG_LEN]>::try_from(tag) else { return false };
        match self {
            Self::Real(cipher) => cipher
                .decrypt_inout_detached(&noise_nonce(nonce), associated, buffer.into(), &Tag::from(tag))
                .is_ok(),
            #[cfg(any(test, feature = "sim"))]
            Self::Sim(key) => sim_tag(key, nonce, associated, buffer) == tag,
        }
    }
}

/// Noise, section 12.4: 32 zero bits and the counter, big-endian.
fn noise_nonce(counter: u64) -> Nonce<<Aes256Gcm as aes_gcm::aead::AeadCore>::NonceSize> {
    let mut nonce = [0; 12];
    nonce[4..].copy_from_slice(&counter.to_be_bytes());
    nonce.into()
}

#[cfg(any(test, feature = "sim"))]
fn sim_tag(key: &Secret<LEN>, nonce: u64, associated: &[u8], buffer: &[u8]) -> [u8; TAG_LEN] {
    crate::crypto::sim_checksum(&[key.expose(), &nonce.to_be_bytes(), associated, buffer])
}

/// What both sides know, whichever of the two public keys is their own.
#[cfg(any(test, feature = "sim"))]
fn sim_shared_secret(one: &[u8; LEN], other: &[u8; LEN]) -> [u8; LEN] {
    Suite::Sim.hash(&[b"simulated shared secret", one.min(other), one.max(other)])
}

/// Gives `snow` the primitives of one [`Suite`], with a link's entropy as the only randomness.
pub(super) struct Resolver {
    pub(super) suite: Suite,
    pub(super) entropy: Secret<LEN>,
}

impl CryptoResolver for Resolver {
    fn resolve_rng(&self) -> Option<Box<dyn Random>> {
        Some(Box::new(NoiseRandom { suite: self.suite, seed: self.entropy.clone(), block: 0 }))
    }

    fn resolve_dh(&self, choice: &DHChoice) -> Option<Box<dyn Dh>> {
        match choice {
            DHChoice::Curve25519 => Some(Box::new(NoiseDh { suite: self.suite, pair: None })),
            _ => None,
        }
    }

    fn resolve_hash(&self, choice: &HashChoice) -> Option<Box<dyn Hash>> {
        match choice {
            HashChoice::SHA256 => Some(Box::new(NoiseHash { suite: self.suite, input: Vec::new() })),
            _ => None,
        }
    }

    fn resolve_cipher(&self, choice: &CipherChoice) -> Option<Box<dyn Cipher>> {
        match choice {
            CipherChoice::AESGCM => {
                Some(Box::new(NoiseCipher { suite: self.suite, aead: Aead::new(self.suite, &[0; LEN]) }))
            }
            _ => None,
        }
    }
}

/// A key derived from a link's entropy for one purpose.
pub(super) fn derive(suite: Suite, entropy: &Secret<LEN>, purpose: &[u8]) -> Secret<LEN> {
    Secret::new(suite.hmac(entropy.expose(), &[b"quantumsync/1/link/", purpose]))
}

/// The link's entropy, stretched: only ever asked for one ephemeral key.
struct NoiseRandom {
    suite: Suite,
    seed: Secret<LEN>,
    block: u64,
}

impl Random for NoiseRandom {
    fn try_fill_bytes(&mut self, dest: &mut [u8]) -> Result<(), snow::Error> {
        for chunk in dest.chunks_mut(LEN) {
            let block = Zeroizing::new(
                self.suite
                    .hmac(self.seed.expose(), &[b"quantumsync/1/link/random", &self.block.to_be_bytes()]),
            );
            chunk.copy_from_slice(&block[..chunk.len()]);
            self.block += 1;
        }
        Ok(())
    }
}

struct NoiseDh {
    suite: Suite,
    pair: Option<LinkIdentity>,
}

impl Dh for NoiseDh {
    fn name(&self) -> &'static str {
        "25519"
    }

    fn pub_len(&self) -> usize {
        LEN
    }

    fn priv_len(&self) -> usize {
        LEN
    }

    fn set(&mut self, privkey: &[u8]) {
        self.pair = <[u8; LEN]>::try_from(privkey)
            .ok()
            .map(|key| LinkIdentity::from_secret(self.suite, Secret::new(key)));
    }

    fn generate(&mut self, rng: &mut dyn Random) -> Result<(), snow::Error> {
        let mut key = Zeroizing::new([0; LEN]);
        rng.try_fill_bytes(&mut *key)?;
        self.set(&*key);
        Ok(())
    }

    fn pubkey(&self) -> &[u8] {
        self.pair.as_ref().map_or(&[], |pair| pair.public())
    }

    fn privkey(&self) -> &[u8] {
        self.pair.as_ref().map_or(&[], |pair| pair.secret().expose())
    }

    /// A shared secret of zeros, from a public key of small order, would not depend on our key: refused.
    fn dh(&self, pubkey: &[u8], out: &mut [u8]) -> Result<(), snow::Error> {
        let pair = self.pair.as_ref().ok_or(snow::Error::Dh)?;
        let public = pubkey.first_chunk::<LEN>().ok_or(snow::Error::Dh)?;
        let out = out.first_chunk_mut::<LEN>().ok_or(snow::Error::Dh)?;
        #[cfg(any(test, feature = "sim"))]
        if self.suite == Suite::Sim {
            *out = sim_shared_secret(pair.public(), public);
            return Ok(());
        }
        let own = StaticSecret::from(*pair.secret().expose());
        let shared = own.diffie_hellman(&PublicKey::from(*public));
        if !shared.was_contributory() {
            return Err(snow::Error::Dh);
        }
        *out = *shared.as_bytes();
        Ok(())
    }
}

/// Collects a handshake's few hundred bytes and hashes them at once, through the suite like everything else.
struct NoiseHash {
    suite: Suite,
    input: Vec<u8>,
}

impl Hash for NoiseHash {
    fn name(&self) -> &'static str {
        "SHA256"
    }

    fn block_len(&self) -> usize {
        64
    }

    fn hash_len(&self) -> usize {
        LEN
    }

    fn reset(&mut self) {
        self.input.zeroize();
    }

    fn input(&mut self, data: &[u8]) {
        self.input.extend_from_slice(data);
    }

    fn result(&mut self, out: &mut [u8]) {
        if let Some(out) = out.first_chunk_mut::<LEN>() {
            *out = self.suite.hash(&[&self.input]);
        }
        self.input.zeroize();
    }
}

impl Drop for NoiseHash {
    fn drop(&mut self) {
        self.input.zeroize();
    }
}

struct NoiseCipher {
    suite: Suite,
    aead: Aead,
}

impl Cipher for NoiseCipher {
    fn name(&self) -> &'static str {
        "AESGCM"
    }

    fn set(&mut self, key: &[u8; LEN]) {
        self.aead = Aead::new(self.suite, key);
    }

    fn encrypt(&self, nonce: u64, authtext: &[u8], plaintext: &[u8], out: &mut [u8]) -> usize {
        let (cipher, rest) = out.split_at_mut(plaintext.len());
        cipher.copy_from_slice(plaintext);
        rest[..TAG_LEN].copy_from_slice(&self.aead.seal(nonce, authtext, cipher));
        plaintext.len() + TAG_LEN
    }

    fn decrypt(
        &self,
        nonce: u64,
        authtext: &[u8],
        ciphertext: &[u8],
        out: &mut [u8],
    ) -> Result<usize, snow::Error> {
        let len = ciphertext.len().checked_sub(TAG_LEN).ok_or(snow::Error::Decrypt)?;
        let (cipher, tag) = ciphertext.split_at(len);
        let plain = out.get_mut(..len).ok_or(snow::Error::Decrypt)?;
        plain.copy_from_slice(cipher);
        if self.aead.open(nonce, authtext, plain, tag) { Ok(len) } else { Err(snow::Error::Decrypt) }
    }
}
