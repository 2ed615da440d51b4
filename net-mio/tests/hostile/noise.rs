//! `Noise_XXpsk0_25519_AESGCM_SHA256` by hand, either side of it, and the keys of the frames after it (PROTOCOL.md 11).

use aes_gcm::Aes256Gcm;
use aes_gcm::aead::{AeadInOut as _, KeyInit as _};
use hmac::{Hmac, Mac as _};
use sha2::{Digest as _, Sha256};
use x25519_dalek::{PublicKey, StaticSecret};

const NAME: &[u8; 32] = b"Noise_XXpsk0_25519_AESGCM_SHA256";
const PROLOGUE: &[u8] = b"quantumsync/1";
const TAG: usize = 16;

pub(crate) fn sha256(parts: &[&[u8]]) -> [u8; 32] {
    let mut hash = Sha256::new();
    parts.iter().for_each(|part| hash.update(part));
    hash.finalize().into()
}

/// The public half of a static key.
pub(crate) fn public_key(secret: &[u8; 32]) -> [u8; 32] {
    PublicKey::from(&StaticSecret::from(*secret)).to_bytes()
}

fn hmac(key: &[u8], parts: &[&[u8]]) -> [u8; 32] {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).unwrap();
    parts.iter().for_each(|part| mac.update(part));
    mac.finalize().into_bytes().into()
}

/// A key and how often it was used.
pub(crate) struct Key {
    cipher: Aes256Gcm,
    count: u64,
}

impl Key {
    fn new(key: &[u8; 32]) -> Self {
        Self { cipher: Aes256Gcm::new(key.into()), count: 0 }
    }

    fn nonce(&mut self) -> [u8; 12] {
        let mut nonce = [0; 12];
        nonce[4..].copy_from_slice(&self.count.to_be_bytes());
        self.count += 1;
        nonce
    }

    pub(crate) fn seal(&mut self, associated: &[u8], plain: &[u8]) -> Vec<u8> {
        let mut bytes = plain.to_vec();
        let nonce = self.nonce().into();
        let tag = self.cipher.encrypt_inout_detached(&nonce, associated, bytes.as_mut_slice().into());
        bytes.extend_from_slice(&tag.unwrap());
        bytes
    }

    pub(crate) fn open(&mut self, associated: &[u8], sealed: &[u8]) -> Vec<u8> {
        let (cipher, tag) = sealed.split_at(sealed.len() - TAG);
        let (mut bytes, tag) = (cipher.to_vec(), <[u8; TAG]>::try_from(tag).unwrap());
        let nonce = self.nonce().into();
        let opened =
            self.cipher.decrypt_inout_detached(&nonce, associated, bytes.as_mut_slice().into(), &tag.into());
        opened.expect("what the node sent opens");
        bytes
    }
}

/// One side of a handshake under way.
pub(crate) struct Handshake {
    chaining: [u8; 32],
    hash: [u8; 32],
    key: Option<Key>,
    own: StaticSecret,
    ephemeral: StaticSecret,
    remote_ephemeral: PublicKey,
    remote: PublicKey,
    dials: bool,
}

/// What a finished handshake gives.
pub(crate) struct Secured {
    pub(crate) sending: Key,
    pub(crate) receiving: Key,
    /// Names this link.
    pub(crate) hash: [u8; 32],
    pub(crate) own: [u8; 32],
    pub(crate) remote: [u8; 32],
    pub(crate) dialled: bool,
}

impl Handshake {
    pub(crate) fn new(dials: bool, psk: &[u8; 32], own: [u8; 32], ephemeral: [u8; 32]) -> Self {
        let none = PublicKey::from([0; 32]);
        let mut handshake = Self {
            chaining: *NAME,
            hash: *NAME,
            key: None,
            own: StaticSecret::from(own),
            ephemeral: StaticSecret::from(ephemeral),
            remote_ephemeral: none,
            remote: none,
            dials,
        };
        handshake.mix_hash(PROLOGUE);
        let [chaining, hash, key] = handshake.expand(psk);
        handshake.chaining = chaining;
        handshake.mix_hash(&hash);
        handshake.key = Some(Key::new(&key));
        handshake
    }

    /// The dialling side's first message.
    pub(crate) fn first(&mut self) -> Vec<u8> {
        let mut message = self.write_ephemeral();
        message.extend(self.seal(&[]));
        message
    }

    /// The answering side: takes the first message and makes the second.
    pub(crate) fn second(&mut self, first: &[u8]) -> Vec<u8> {
        self.read_ephemeral(&first[..32]);
        self.open(&first[32..]);
        let mut message = self.write_ephemeral();
        self.mix_key(&self.ephemeral.diffie_hellman(&self.remote_ephemeral).to_bytes());
        message.extend(self.seal(PublicKey::from(&self.own).as_bytes()));
        self.mix_key(&self.own.diffie_hellman(&self.remote_ephemeral).to_bytes());
        message.extend(self.seal(&[]));
        message
    }

    /// The dialling side: takes the second message and makes the third.
    pub(crate) fn third(&mut self, second: &[u8]) -> Vec<u8> {
        self.read_ephemeral(&second[..32]);
        self.mix_key(&self.ephemeral.diffie_hellman(&self.remote_ephemeral).to_bytes());
        self.read_static(&second[32..80]);
        self.mix_key(&self.ephemeral.diffie_hellman(&self.remote).to_bytes());
        self.open(&second[80..]);
        let mut message = self.seal(PublicKey::from(&self.own).as_bytes());
        self.mix_key(&self.own.diffie_hellman(&self.remote_ephemeral).to_bytes());
        message.extend(self.seal(&[]));
        message
    }

    /// The answering side: takes the third message.
    pub(crate) fn last(&mut self, third: &[u8]) {
        self.read_static(&third[..48]);
        self.mix_key(&self.ephemeral.diffie_hellman(&self.remote).to_bytes());
        self.open(&third[48..]);
    }

    pub(crate) fn secured(self) -> Secured {
        let [first, second, _] = self.expand(&[]);
        let (dialler, answerer) = (Key::new(&first), Key::new(&second));
        let (sending, receiving) = if self.dials { (dialler, answerer) } else { (answerer, dialler) };
        let own = PublicKey::from(&self.own).to_bytes();
        Secured {
            sending,
            receiving,
            hash: self.hash,
            own,
            remote: self.remote.to_bytes(),
            dialled: self.dials,
        }
    }

    fn mix_hash(&mut self, bytes: &[u8]) {
        self.hash = sha256(&[&self.hash, bytes]);
    }

    fn expand(&self, input: &[u8]) -> [[u8; 32]; 3] {
        let temporary = hmac(&self.chaining, &[input]);
        let first = hmac(&temporary, &[&[1]]);
        let second = hmac(&temporary, &[&first, &[2]]);
        [first, second, hmac(&temporary, &[&second, &[3]])]
    }

    fn mix_key(&mut self, input: &[u8]) {
        let [chaining, key, _] = self.expand(input);
        self.chaining = chaining;
        self.key = Some(Key::new(&key));
    }

    fn seal(&mut self, plain: &[u8]) -> Vec<u8> {
        let sealed = self.key.as_mut().unwrap().seal(&self.hash, plain);
        self.mix_hash(&sealed);
        sealed
    }

    fn open(&mut self, sealed: &[u8]) -> Vec<u8> {
        let plain = self.key.as_mut().unwrap().open(&self.hash, sealed);
        self.mix_hash(sealed);
        plain
    }

    fn write_ephemeral(&mut self) -> Vec<u8> {
        let public = PublicKey::from(&self.ephemeral).to_bytes();
        self.mix_hash(&public);
        self.mix_key(&public);
        public.to_vec()
    }

    fn read_ephemeral(&mut self, public: &[u8]) {
        self.remote_ephemeral = PublicKey::from(<[u8; 32]>::try_from(public).unwrap());
        self.mix_hash(public);
        self.mix_key(public);
    }

    fn read_static(&mut self, sealed: &[u8]) {
        let public = self.open(sealed);
        self.remote = PublicKey::from(<[u8; 32]>::try_from(public).unwrap());
    }
}
