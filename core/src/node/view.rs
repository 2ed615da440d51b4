//! The ring: which members keep what.
//!
//! A pure function of the members and the number of copies. Knows nothing of links or of who answers just now.

use crate::config::limit;
use crate::crypto::{Suite, label};
use crate::id::{BlobId, NodeId, OwnerId, Position, SetHash};
use crate::node::store::Placement;
use alloc::vec::Vec;

/// A member's place in the ring's order, and whose it is.
type Point = (Position, NodeId);

/// The ring of one set of members.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct View {
    suite: Suite,
    replicas: usize,
    members: usize,
    ring: Vec<Point>,
}

impl View {
    /// The ring of these members, each with its number of positions (taken as 1 to 64), with so many copies
    /// of everything (taken as 1 to 16).
    pub fn new(suite: Suite, replicas: u8, members: impl IntoIterator<Item = (NodeId, u8)>) -> Self {
        let mut ring = Vec::new();
        let mut count = 0;
        for (node, positions) in members {
            count += 1;
            let positions = positions.clamp(1, limit::POSITIONS);
            ring.extend((0..positions).map(|i| (Position(suite.hash(&[node.as_bytes(), &[i]])), node)));
        }
        ring.sort_unstable();
        ring.dedup();
        Self { suite, replicas: usize::from(replicas.clamp(1, limit::REPLICAS)), members: count, ring }
    }

    /// The replicas of what lies at `position`: the first distinct members at or after it, wrapping.
    pub fn replicas(&self, position: &Position) -> Vec<NodeId> {
        let wanted = self.copies();
        let mut found = Vec::with_capacity(wanted);
        let start = self.ring.partition_point(|(at, _)| at < position);
        for (_, node) in self.ring[start..].iter().chain(&self.ring[..start]) {
            if found.len() == wanted {
                break;
            }
            if !found.contains(node) {
                found.push(*node);
            }
        }
        found
    }

    /// How many copies everything has: as many as wanted, or as there are members.
    pub fn copies(&self) -> usize {
        self.replicas.min(self.members)
    }

    /// W: on how many replicas a write must be durable. A majority of the copies.
    pub fn quorum(&self) -> u8 {
        // At most 16 copies, so at most 9.
        (self.copies() / 2 + 1) as u8
    }

    /// The same for two nodes that place what lies at `position` on the same members.
    pub fn set_hash(&self, position: &Position) -> SetHash {
        let mut set = self.replicas(position);
        set.sort_unstable();
        let mut parts: Vec<&[u8]> = Vec::with_capacity(set.len() + 1);
        parts.push(label::SET.as_bytes());
        parts.extend(set.iter().map(|node| &node.as_bytes()[..]));
        SetHash(self.suite.hash(&parts))
    }
}

impl Placement for View {
    fn is_replica(&self, node: &NodeId, position: &Position) -> bool {
        self.replicas(position).contains(node)
    }
}

/// Where a blob lies: at its id.
pub const fn blob_position(blob: &BlobId) -> Position {
    Position(blob.0)
}

/// Where the records of an owner lie whose names begin with `shard`.
pub fn record_position(suite: Suite, owner: &OwnerId, shard: u8) -> Position {
    Position(suite.hash(&[b"record", owner.as_bytes(), &[shard]]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn members(n: u8) -> impl Iterator<Item = (NodeId, u8)> {
        (0..n).map(|i| (NodeId([i; 32]), 8))
    }

    fn positions() -> impl Iterator<Item = Position> {
        (0..=255).map(|i| record_position(Suite::Sim, &OwnerId([9; 32]), i))
    }

    #[test]
    fn everything_lies_on_as_many_distinct_members_as_wanted() {
        let view = View::new(Suite::Sim, 3, members(9));
        for position in positions() {
            let mut set = view.replicas(&position);
            set.sort_unstable();
            set.dedup();
            assert_eq!(set.len(), 3);
        }
    }

    #[test]
    fn with_fewer_members_than_copies_everything_lies_everywhere() {
        let view = View::new(Suite::Sim, 3, members(2));
        assert!(positions().all(|p| view.replicas(&p).len() == 2));
        assert!(View::new(Suite::Sim, 3, members(0)).replicas(&Position([5; 32])).is_empty());
    }

    #[test]
    fn a_write_needs_a_majority_of_the_copies() {
        let quorum = |replicas, n| View::new(Suite::Sim, replicas, members(n)).quorum();
        assert_eq!([quorum(3, 1), quorum(3, 2), quorum(3, 3), quorum(3, 9)], [1, 2, 2, 2]);
        assert_eq!([quorum(5, 9), quorum(16, 30), quorum(1, 9)], [3, 9, 1]);
    }

    #[test]
    fn the_order_in_which_members_are_named_does_not_matter() {
        let mut reversed: Vec<_> = members(7).collect();
        reversed.reverse();
        assert_eq!(View::new(Suite::Sim, 3, members(7)), View::new(Suite::Sim, 3, reversed));
    }

    #[test]
    fn a_new_member_takes_over_and_nothing_moves_between_the_others() {
        let before = View::new(Suite::Sim, 3, members(8));
        let after = View::new(Suite::Sim, 3, members(9));
        let new = NodeId([8; 32]);
        for position in positions() {
            let (old, now) = (before.replicas(&position), after.replicas(&position));
            assert!(now.iter().all(|node| *node == new || old.contains(node)));
            assert_eq!(before.set_hash(&position) == after.set_hash(&position), !now.contains(&new));
        }
    }

    #[test]
    fn a_position_on_a_member_belongs_to_that_member_first() {
        let view = View::new(Suite::Sim, 2, members(5));
        for (position, node) in &view.ring {
            assert_eq!(view.replicas(position)[0], *node);
        }
    }

    #[test]
    fn positions_are_clamped_to_what_the_format_allows() {
        let ring = |t| View::new(Suite::Sim, 3, [(NodeId([1; 32]), t)]).ring.len();
        assert_eq!([ring(0), ring(1), ring(64), ring(255)], [1, 1, 64, 64]);
    }
}
