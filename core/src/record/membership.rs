//! Who belongs to a network: admissions and removals signed with the network's key, and its settings.

use super::SignedError;
use crate::crypto::{Signature, SigningKey, Suite};
use crate::id::{NetworkId, NodeId};
use alloc::vec::Vec;
use bytes::Bytes;
use core::time::Duration;

/// The identity of a network: a labelled hash of the public key it was founded with.
pub fn network_id(_suite: Suite, _founding_key: &[u8; 32]) -> NetworkId {
    todo!()
}

/// Leave for a node to take part.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Admission {
    /// Which node.
    pub node: NodeId,
    /// At how many positions it stands on the ring, 1 to 64.
    pub positions: u8,
    /// It holds only extra copies, in memory.
    pub volatile: bool,
    /// The higher serial wins; at equal ones a removal.
    pub serial: u64,
    /// Unix milliseconds after which it opens no links; 0 for no end.
    pub not_after: u64,
    /// The network's.
    pub signature: Signature,
}

/// Word that a node takes part no more.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Removal {
    /// Which node.
    pub node: NodeId,
    /// True if it was banned, false if it left.
    pub banned: bool,
    /// As in [`Admission`].
    pub serial: u64,
    /// The network's.
    pub signature: Signature,
}

/// What all members hold to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Settings {
    /// The higher number wins.
    pub number: u64,
    /// Copies of everything, 1 to 16.
    pub replicas: u8,
    /// Silence after which a member leaves the placement.
    pub gone_after: Duration,
    /// How long a blob outlives its last pin, for readers in flight.
    pub linger: Duration,
    /// The network's.
    pub signature: Signature,
}

/// Each of the three has `sign(suite, network, key, …)`, `encode`, `decode`, `verify(suite, network, network_key)`.
impl Admission {
    /// Signs; `signature` of `self` is replaced.
    pub fn sign(self, _network: &NetworkId, _key: &SigningKey) -> Self {
        todo!()
    }
    /// Appends the bytes.
    pub fn encode(&self, _out: &mut Vec<u8>) {
        todo!()
    }
    /// Reads from the front of `bytes`, which moves on.
    pub fn decode(_bytes: &mut Bytes) -> Result<Self, SignedError> {
        todo!()
    }
    /// Checks the signature.
    pub fn verify(
        &self,
        _suite: Suite,
        _network: &NetworkId,
        _network_key: &[u8; 32],
    ) -> Result<(), SignedError> {
        todo!()
    }
}
impl Removal {
    /// Signs; `signature` of `self` is replaced.
    pub fn sign(self, _network: &NetworkId, _key: &SigningKey) -> Self {
        todo!()
    }
    /// Appends the bytes.
    pub fn encode(&self, _out: &mut Vec<u8>) {
        todo!()
    }
    /// Reads from the front of `bytes`, which moves on.
    pub fn decode(_bytes: &mut Bytes) -> Result<Self, SignedError> {
        todo!()
    }
    /// Checks the signature.
    pub fn verify(
        &self,
        _suite: Suite,
        _network: &NetworkId,
        _network_key: &[u8; 32],
    ) -> Result<(), SignedError> {
        todo!()
    }
}
impl Settings {
    /// Signs; `signature` of `self` is replaced.
    pub fn sign(self, _network: &NetworkId, _key: &SigningKey) -> Self {
        todo!()
    }
    /// Appends the bytes.
    pub fn encode(&self, _out: &mut Vec<u8>) {
        todo!()
    }
    /// Reads from the front of `bytes`, which moves on.
    pub fn decode(_bytes: &mut Bytes) -> Result<Self, SignedError> {
        todo!()
    }
    /// Checks the signature.
    pub fn verify(
        &self,
        _suite: Suite,
        _network: &NetworkId,
        _network_key: &[u8; 32],
    ) -> Result<(), SignedError> {
        todo!()
    }
}

/// What is known of all nodes ever admitted: a join-semilattice, so gossip in any order converges.
#[derive(Clone, Debug, Default)]
pub struct Membership {}

/// What [`Membership::add_admission`] and [`Membership::add_removal`] did.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum MembershipChange {
    /// Nothing new.
    Known,
    /// New, and kept.
    Changed,
    /// Over the limit of members: refused.
    Full,
}

impl Membership {
    /// Adds a verified admission; the higher serial wins, at equal ones a removal.
    pub fn add_admission(&mut self, _admission: Admission, _limit: usize) -> MembershipChange {
        todo!()
    }
    /// Adds a verified removal.
    pub fn add_removal(&mut self, _removal: Removal, _limit: usize) -> MembershipChange {
        todo!()
    }
    /// The admission of a present member.
    pub fn member(&self, _node: &NodeId) -> Option<&Admission> {
        todo!()
    }
    /// The present members in the order of their ids.
    pub fn members(&self) -> impl Iterator<Item = &Admission> {
        [].iter()
    }
    /// The removals in force, in the order of the ids.
    pub fn removals(&self) -> impl Iterator<Item = &Removal> {
        [].iter()
    }
    /// The hash over everything known, the same for the same set: tells two nodes in 32 bytes whether they agree.
    pub fn digest(&self, _suite: Suite) -> [u8; 32] {
        todo!()
    }
}
