//! Who belongs to a network, as far as one node knows.

use alloc::collections::BTreeMap;
use bytes::Bytes;

use super::{Admission, Removal};
use crate::codec::Writer;
use crate::crypto::Suite;
use crate::id::NodeId;

/// The latest word about each node ever admitted: a join-semilattice, so gossip in any order converges.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Membership {
    words: BTreeMap<NodeId, Word>,
    admitted: usize,
}

#[derive(Clone, PartialEq, Eq, Debug)]
enum Word {
    Admitted(Admission),
    Removed(Removal),
}

/// What [`Membership::add_admission`] and [`Membership::add_removal`] did.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum MembershipChange {
    /// Nothing new.
    Known,
    /// New, and kept.
    Changed,
    /// Over the limit: refused.
    Full,
}

impl Membership {
    /// Adds a verified admission; the higher serial wins, at equal ones a removal. A new member over `limit`
    /// present ones is refused.
    pub fn add_admission(&mut self, admission: Admission, limit: usize) -> MembershipChange {
        let full = self.member(&admission.node).is_none() && self.admitted >= limit;
        self.add(admission.node, Word::Admitted(admission), full)
    }

    /// Adds a verified removal. That of a node never heard of is refused over `limit` removals; that of a known one
    /// never.
    pub fn add_removal(&mut self, removal: Removal, limit: usize) -> MembershipChange {
        let removed = self.words.len() - self.admitted;
        let full = !self.words.contains_key(&removal.node) && removed >= limit;
        self.add(removal.node, Word::Removed(removal), full)
    }

    /// The admission of a present member.
    pub fn member(&self, node: &NodeId) -> Option<&Admission> {
        self.words.get(node)?.admission()
    }

    /// The present members in the order of their ids.
    pub fn members(&self) -> impl Iterator<Item = &Admission> {
        self.words.values().filter_map(Word::admission)
    }

    /// How many members are present.
    pub const fn member_count(&self) -> usize {
        self.admitted
    }

    /// The removal in force of a node.
    pub fn removal(&self, node: &NodeId) -> Option<&Removal> {
        self.words.get(node)?.removal()
    }

    /// The removals in force, in the order of the ids.
    pub fn removals(&self) -> impl Iterator<Item = &Removal> {
        self.words.values().filter_map(Word::removal)
    }

    /// The hash over everything known, the same for the same set: tells two nodes in 32 bytes whether they agree.
    pub fn digest(&self, suite: Suite) -> [u8; 32] {
        let mut out = Writer::default();
        self.words.values().for_each(|word| word.encode(&mut out));
        suite.hash(&[out.written()])
    }

    fn add(&mut self, node: NodeId, word: Word, full: bool) -> MembershipChange {
        if self.words.get(&node).is_some_and(|known| known.rank() >= word.rank()) {
            return MembershipChange::Known;
        }
        if full {
            return MembershipChange::Full;
        }
        self.admitted += usize::from(word.admission().is_some());
        if let Some(old) = self.words.insert(node, word) {
            self.admitted -= usize::from(old.admission().is_some());
        }
        MembershipChange::Changed
    }
}

impl Word {
    const fn admission(&self) -> Option<&Admission> {
        match self {
            Self::Admitted(admission) => Some(admission),
            Self::Removed(_) => None,
        }
    }

    const fn removal(&self) -> Option<&Removal> {
        match self {
            Self::Admitted(_) => None,
            Self::Removed(removal) => Some(removal),
        }
    }

    /// The total order in which the higher word wins. The bytes decide only where the network's key signed two words
    /// of one kind under one serial.
    fn rank(&self) -> (u64, bool, Bytes) {
        let mut out = Writer::default();
        self.encode(&mut out);
        match self {
            Self::Admitted(admission) => (admission.serial, false, out.freeze()),
            Self::Removed(removal) => (removal.serial, true, out.freeze()),
        }
    }

    fn encode(&self, out: &mut Writer) {
        match self {
            Self::Admitted(admission) => admission.encode(out),
            Self::Removed(removal) => removal.encode(out),
        }
    }
}
