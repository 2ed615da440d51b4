//! What an answering node stands for: the replica sets in its own view, without which its answer is none.

use crate::codec::{Reader, Writer};
use crate::error::MalformedMessage;
use crate::id::SetHash;

/// The tag of the set's hash.
const SET: u16 = 1;
/// The tag of the shards.
const SHARDS: u16 = 2;

/// An answering node's own view of who keeps what was asked about. It counts only for who sees the same.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Vote {
    /// The hash of the replica set, or of several: SHA-256 over those of all items for which the node votes.
    pub set: SetHash,
    /// Of answers about all of an owner's records: for which shards it votes.
    pub shards: Option<Shards>,
}

impl Vote {
    /// For one item.
    pub const fn of(set: SetHash) -> Self {
        Self { set, shards: None }
    }

    pub(super) fn encode(&self, out: &mut Writer) {
        out.field(SET, self.set.as_bytes());
        if let Some(shards) = &self.shards {
            out.field(SHARDS, &shards.0);
        }
    }

    /// Reads the optional fields at the end of an answer.
    pub(super) fn decode(body: Reader) -> Result<Option<Self>, MalformedMessage> {
        let [set, shards] = body.fields([SET, SHARDS])?;
        let Some(set) = set else { return Ok(None) };
        let array = |value: &[u8]| <[u8; 32]>::try_from(value).map_err(|_| MalformedMessage::Value);
        let shards = shards.map(|shards| array(&shards)).transpose()?;
        Ok(Some(Self { set: SetHash(array(&set)?), shards: shards.map(Shards) }))
    }
}

/// A set of shards: shard s is bit s mod 8 (the lowest is 0) of byte s / 8.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Shards(pub [u8; 32]);

impl Shards {
    /// Adds one.
    pub const fn insert(&mut self, shard: u8) {
        self.0[(shard / 8) as usize] |= 1 << (shard % 8);
    }

    /// True if it is one of them.
    pub const fn contains(&self, shard: u8) -> bool {
        self.0[(shard / 8) as usize] & (1 << (shard % 8)) != 0
    }

    /// All of them, rising.
    pub fn iter(&self) -> impl Iterator<Item = u8> {
        (0..=u8::MAX).filter(|shard| self.contains(*shard))
    }
}

impl FromIterator<u8> for Shards {
    fn from_iter<T: IntoIterator<Item = u8>>(shards: T) -> Self {
        let mut set = Self::default();
        shards.into_iter().for_each(|shard| set.insert(shard));
        set
    }
}
