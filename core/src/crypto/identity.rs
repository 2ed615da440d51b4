//! Identities: Ed25519 keys that sign, X25519 keys that a link is bound to.

use super::{Secret, Suite};
use crate::id::{NetworkId, NodeId, write_hex};
use alloc::boxed::Box;
use alloc::vec::Vec;
use core::fmt;
use ed25519_dalek::Signer as _;

/// An Ed25519 signature.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Signature(pub [u8; 64]);

/// What is really signed: `u8 length ‖ label ‖ network id ‖ parts`. One signed thing never passes for another,
/// nor in another network. Labels are those of [`label`](super::label), so at most 255 bytes.
pub fn signed_message(label: &str, network: &NetworkId, parts: &[&[u8]]) -> Vec<u8> {
    debug_assert!(label.len() <= 255, "labels are short");
    let len = 1 + label.len() + NetworkId::LEN + parts.iter().map(|part| part.len()).sum::<usize>();
    let mut message = Vec::with_capacity(len);
    message.push(label.len() as u8);
    message.extend_from_slice(label.as_bytes());
    message.extend_from_slice(network.as_bytes());
    parts.iter().for_each(|part| message.extend_from_slice(part));
    message
}

/// An Ed25519 key pair from its 32-byte seed.
#[derive(Clone)]
pub struct SigningKey {
    seed: Secret<32>,
    public: [u8; 32],
    signer: Signer,
}

/// What signs.
#[derive(Clone)]
enum Signer {
    /// Kept whole, because half the work of a signature is to make it from the seed. Wipes itself.
    Real(Box<ed25519_dalek::SigningKey>),
    #[cfg(any(test, feature = "sim"))]
    Sim,
}

impl SigningKey {
    /// The key pair of this seed.
    pub fn from_seed(suite: Suite, seed: Secret<32>) -> Self {
        match suite {
            Suite::Real => {
                let key = ed25519_dalek::SigningKey::from_bytes(seed.expose());
                Self { seed, public: key.verifying_key().to_bytes(), signer: Signer::Real(Box::new(key)) }
            }
            #[cfg(any(test, feature = "sim"))]
            Suite::Sim => {
                let public = super::sim::public_key(&seed);
                Self { seed, public, signer: Signer::Sim }
            }
        }
    }

    /// The public key.
    pub const fn public(&self) -> &[u8; 32] {
        &self.public
    }

    /// The seed, for whoever stores it.
    pub const fn seed(&self) -> &Secret<32> {
        &self.seed
    }

    /// Signs [`signed_message`].
    pub fn sign(&self, label: &str, network: &NetworkId, parts: &[&[u8]]) -> Signature {
        let message = signed_message(label, network, parts);
        match &self.signer {
            Signer::Real(key) => Signature(key.sign(&message).to_bytes()),
            #[cfg(any(test, feature = "sim"))]
            Signer::Sim => super::sim::sign(&self.public, &message),
        }
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SigningKey(of ")?;
        write_hex(f, &self.public[..4])?;
        f.write_str("…)")
    }
}

/// A static X25519 key pair: the identity of a node, or of a client for the time of one link.
#[derive(Clone, Debug)]
pub struct LinkIdentity {
    secret: Secret<32>,
    public: [u8; 32],
}

impl LinkIdentity {
    /// The key pair of these 32 secret bytes.
    pub fn from_secret(suite: Suite, secret: Secret<32>) -> Self {
        let public = match suite {
            Suite::Real => {
                let key = x25519_dalek::StaticSecret::from(*secret.expose());
                x25519_dalek::PublicKey::from(&key).to_bytes()
            }
            #[cfg(any(test, feature = "sim"))]
            Suite::Sim => super::sim::public_key(&secret),
        };
        Self { secret, public }
    }

    /// The public key.
    pub const fn public(&self) -> &[u8; 32] {
        &self.public
    }

    /// The secret key.
    pub const fn secret(&self) -> &Secret<32> {
        &self.secret
    }

    /// SHA-256 of the public key.
    pub fn node_id(&self, suite: Suite) -> NodeId {
        node_id(suite, &self.public)
    }
}

/// The node that holds this static key.
pub fn node_id(suite: Suite, public: &[u8; 32]) -> NodeId {
    NodeId(suite.hash(&[public]))
}
