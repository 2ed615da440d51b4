//! Tokens, and everything that is signed in a network (PROTOCOL.md 2 and 6 to 9), true and forged.

use std::time::{SystemTime, UNIX_EPOCH};

use ed25519_dalek::{Signer as _, SigningKey};

use crate::bytes::{In, Out};
use crate::noise::sha256;

pub(crate) const RECORD: &str = "quantumsync/1/record";
pub(crate) const PIN: &str = "quantumsync/1/pin";
pub(crate) const ADMISSION: &str = "quantumsync/1/admission";
pub(crate) const REMOVAL: &str = "quantumsync/1/removal";
pub(crate) const SETTINGS: &str = "quantumsync/1/settings";

/// What a token tells.
#[derive(Clone)]
pub(crate) struct Keys {
    pub(crate) psk: [u8; 32],
    pub(crate) network: [u8; 32],
    /// The network's signing key: in tokens for nodes alone.
    pub(crate) signing: Option<[u8; 32]>,
}

impl Keys {
    pub(crate) fn of_token(token: &str) -> Self {
        let base32 = token.strip_prefix("qs1").unwrap().to_uppercase();
        let bytes = data_encoding::BASE32_NOPAD.decode(base32.as_bytes()).unwrap();
        let (body, checksum) = bytes.split_at(bytes.len() - 4);
        assert_eq!(checksum, &sha256(&[&[19], b"quantumsync/1/token", body])[..4]);
        let mut body = In(body);
        assert_eq!(body.u8(), 1, "the version");
        let for_node = body.u8() == 1;
        body.u32();
        let (psk, network_key) = (body.array(), body.array::<32>());
        let signing = for_node.then(|| body.array());
        Self { psk, network: sha256(&[&[21], b"quantumsync/1/network", &network_key]), signing }
    }

    /// Signs as the holder of this seed.
    pub(crate) fn sign(&self, seed: &[u8; 32], label: &str, bytes: &[u8]) -> [u8; 64] {
        let message = Out::new()
            .u8(u8::try_from(label.len()).unwrap())
            .raw(label.as_bytes())
            .raw(&self.network)
            .raw(bytes)
            .done();
        SigningKey::from_bytes(seed).sign(&message).to_bytes()
    }

    /// Bytes and their signature behind them.
    pub(crate) fn signed(&self, seed: &[u8; 32], label: &str, bytes: Vec<u8>) -> Vec<u8> {
        let signature = self.sign(seed, label, &bytes);
        Out::new().raw(&bytes).raw(&signature).done()
    }

    /// An admission by the network's key, or by whoever's this is. A volatile member takes no place of another.
    pub(crate) fn admission(&self, seed: &[u8; 32], node: &[u8; 32], volatile: bool, serial: u64) -> Vec<u8> {
        let body = Out::new().raw(b"QSa\x01").raw(node).u8(8).u8(volatile.into()).u64(serial).u64(0).u16(0);
        self.signed(seed, ADMISSION, body.done())
    }

    pub(crate) fn removal(&self, seed: &[u8; 32], node: &[u8; 32], serial: u64) -> Vec<u8> {
        let body = Out::new().raw(b"QSx\x01").raw(node).u8(1).u64(serial).u16(0);
        self.signed(seed, REMOVAL, body.done())
    }

    pub(crate) fn settings(&self, seed: &[u8; 32], number: u64, replicas: u8) -> Vec<u8> {
        let body = Out::new().raw(b"QSs\x01").u64(number).u8(replicas).u64(900_000).u64(60_000).u16(0);
        self.signed(seed, SETTINGS, body.done())
    }
}

pub(crate) fn now_ms() -> u64 {
    u64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis()).unwrap()
}

/// A version so many milliseconds after now.
pub(crate) fn version(after_ms: i64) -> [u8; 16] {
    let ms = now_ms().checked_add_signed(after_ms).unwrap();
    Out::new().raw(&ms.to_be_bytes()[2..]).u16(0).raw(&[7; 8]).done().try_into().unwrap()
}

/// Who writes: the owner of this seed, in this network.
#[derive(Clone)]
pub(crate) struct Owner {
    pub(crate) keys: Keys,
    pub(crate) seed: [u8; 32],
}

/// Random bytes: what two tests make must not be the same.
pub(crate) fn random() -> [u8; 32] {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).unwrap();
    bytes
}

impl Owner {
    pub(crate) fn new(keys: &Keys) -> Self {
        Self { keys: keys.clone(), seed: random() }
    }

    pub(crate) fn id(&self) -> [u8; 32] {
        SigningKey::from_bytes(&self.seed).verifying_key().to_bytes()
    }

    /// A record of this name with a head of so many bytes and no live object; a tombstone if it is 0.
    pub(crate) fn record(&self, name: &[u8; 32], version: &[u8; 16], head: usize) -> Vec<u8> {
        let header = self.header(name, version, head);
        let signature = self.keys.sign(&self.seed, RECORD, &header);
        Out::new().short(&header).raw(&signature).raw(&vec![5; head]).done()
    }

    fn header(&self, name: &[u8; 32], version: &[u8; 16], head: usize) -> Vec<u8> {
        let hash = if head == 0 { [0; 32] } else { sha256(&[&vec![5; head]]) };
        let start = Out::new().raw(b"QSr\x01").raw(&self.id()).raw(name).u8(0).raw(version).u32(0);
        let end = start.u16(0).u64(0).u32(u32::try_from(head).unwrap()).raw(&hash).u32(0).raw(&[0; 32]);
        end.done()
    }

    /// A pin of a blob.
    pub(crate) fn pin(&self, since: &[u8; 16], blob: &[u8; 32], length: usize) -> Vec<u8> {
        let body = self.pin_body(since, blob, length);
        self.keys.signed(&self.seed, PIN, body)
    }

    pub(crate) fn pin_body(&self, since: &[u8; 16], blob: &[u8; 32], length: usize) -> Vec<u8> {
        let start = Out::new().raw(b"QSp\x01").raw(&self.id()).raw(&[1; 32]).raw(&[2; 16]).raw(since);
        start.raw(blob).u32(u32::try_from(length).unwrap()).done()
    }
}
