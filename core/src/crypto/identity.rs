//! Identities: Ed25519 keys that sign, X25519 keys that a link is bound to.

use super::{Secret, Suite};
use crate::id::{NetworkId, NodeId};
use alloc::vec::Vec;

/// An Ed25519 signature.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Signature(pub [u8; 64]);

/// What is really signed: `u8 length ‖ label ‖ network id ‖ parts`. One signed thing never passes for another,
/// nor in another network.
pub fn signed_message(_label: &str, _network: &NetworkId, _parts: &[&[u8]]) -> Vec<u8> {
    todo!()
}

/// An Ed25519 key pair from its 32-byte seed.
#[derive(Clone, Debug)]
pub struct SigningKey {
    seed: Secret<32>,
    public: [u8; 32],
    suite: Suite,
}

impl SigningKey {
    /// The key pair of this seed.
    pub fn from_seed(_suite: Suite, _seed: Secret<32>) -> Self {
        todo!()
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
        let _ = (label, network, parts, self.suite);
        todo!()
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
    pub fn from_secret(_suite: Suite, _secret: Secret<32>) -> Self {
        todo!()
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
