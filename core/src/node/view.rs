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
    replicas: u8,
    /// Those on the ring, in the order of their ids, with their numbers of positions.
    members: Vec<(NodeId, u8)>,
    counted: usize,
    ring: Vec<Point>,
}

impl View {
    /// The ring of these members, each with its number of positions (taken as 1 to 64), with so many copies
    /// of everything (taken as 1 to 16). `counted`: how many members there are, those that are out of the
    /// placement included; a majority is one of them all.
    pub fn new(
        suite: Suite,
        replicas: u8,
        members: impl IntoIterator<Item = (NodeId, u8)>,
        counted: usize,
    ) -> Self {
        let mut members: Vec<_> = members
            .into_iter()
            .map(|(node, positions)| (node, positions.clamp(1, limit::POSITIONS)))
            .collect();
        members.sort_unstable();
        members.dedup_by_key(|(node, _)| *node);
        let points = |(node, positions): &(NodeId, u8)| {
            let node = *node;
            (0..*positions).map(move |i| (Position(suite.hash(&[node.as_bytes(), &[i]])), node))
        };
        let mut ring: Vec<Point> = members.iter().flat_map(points).collect();
        ring.sort_unstable();
        let counted = counted.max(members.len());
        Self { suite, replicas: replicas.clamp(1, limit::REPLICAS), members, counted, ring }
    }

    /// The members on the ring, in the order of their ids, with their numbers of positions.
    pub fn members(&self) -> &[(NodeId, u8)] {
        &self.members
    }

    /// True if this member is on the ring.
    pub fn is_placed(&self, node: &NodeId) -> bool {
        self.members.binary_search_by_key(node, |(member, _)| *member).is_ok()
    }

    /// Where replica sets change: the set of everything between two of these positions is that of the later one.
    pub fn borders(&self) -> impl Iterator<Item = &Position> {
        self.ring.iter().map(|(at, _)| at)
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

    /// How many copies everything has: as many as wanted, or as there are members on the ring.
    pub fn copies(&self) -> usize {
        usize::from(self.replicas).min(self.members.len())
    }

    /// W: on how many replicas a write must be durable. A majority of the copies that there would be with all
    /// members on the ring: it may be more than there are just now, and then nothing can be acknowledged.
    pub fn quorum(&self) -> u8 {
        // At most 16 copies, so at most 9.
        (usize::from(self.replicas).min(self.counted) / 2 + 1) as u8
    }

    /// The same for two nodes that place what lies at `position` on the same members, and need as many of them.
    pub fn set_hash(&self, position: &Position) -> SetHash {
        let mut set = self.replicas(position);
        set.sort_unstable();
        let quorum = [self.quorum()];
        let mut parts: Vec<&[u8]> = Vec::with_capacity(set.len() + 2);
        parts.push(label::SET.as_bytes());
        parts.push(&quorum);
        parts.extend(set.iter().map(|node| &node.as_bytes()[..]));
        SetHash(self.suite.hash(&parts))
    }

    /// The same for two nodes that place everything alike.
    pub fn digest(&self) -> [u8; 32] {
        // At most 256 members.
        let counted = (self.counted as u32).to_be_bytes();
        let head = [self.replicas];
        let positions: Vec<[u8; 1]> = self.members.iter().map(|(_, positions)| [*positions]).collect();
        let mut parts: Vec<&[u8]> = Vec::with_capacity(2 * self.members.len() + 3);
        parts.extend([label::PLACEMENT.as_bytes(), &head, &counted]);
        for ((node, _), positions) in self.members.iter().zip(&positions) {
            parts.push(node.as_bytes());
            parts.push(positions);
        }
        self.suite.hash(&parts)
    }
}

impl Placement for View {
    fn is_replica(&self, node: &NodeId, position: &Position) -> bool {
        self.replicas(position).contains(node)
    }

    fn has_others(&self) -> bool {
        self.counted > 1
    }

    fn run(&self, node: &NodeId, from: &Position, wanted: bool) -> Option<(Position, Position)> {
        let mut run: Option<(Position, Position)> = None;
        let mut first = *from;
        for at in self.ring.partition_point(|(at, _)| at < from)..=self.ring.len() {
            // Between two points of the ring the replicas are the same.
            let last = self.ring.get(at).map_or(Position([u8::MAX; 32]), |(at, _)| *at);
            if self.is_replica(node, &last) == wanted {
                run = Some((run.map_or(first, |(begin, _)| begin), last));
            } else if run.is_some() {
                break;
            }
            let Some(next) = successor(&last) else { break };
            first = next;
        }
        run
    }
}

/// The position after this one; `None` after the last.
pub(in crate::node) fn successor(position: &Position) -> Option<Position> {
    let mut next = position.0;
    for byte in next.iter_mut().rev() {
        let carry;
        (*byte, carry) = byte.overflowing_add(1);
        if !carry {
            return Some(Position(next));
        }
    }
    None
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

    fn of(replicas: u8, n: u8) -> View {
        View::new(Suite::Sim, replicas, members(n), usize::from(n))
    }

    fn positions() -> impl Iterator<Item = Position> {
        (0..=255).map(|i| record_position(Suite::Sim, &OwnerId([9; 32]), i))
    }

    #[test]
    fn everything_lies_on_as_many_distinct_members_as_wanted() {
        let view = of(3, 9);
        for position in positions() {
            let mut set = view.replicas(&position);
            set.sort_unstable();
            set.dedup();
            assert_eq!(set.len(), 3);
        }
    }

    #[test]
    fn with_fewer_members_than_copies_everything_lies_everywhere() {
        let view = of(3, 2);
        assert!(positions().all(|p| view.replicas(&p).len() == 2));
        assert!(of(3, 0).replicas(&Position([5; 32])).is_empty());
    }

    #[test]
    fn a_write_needs_a_majority_of_the_copies() {
        let quorum = |replicas, n| of(replicas, n).quorum();
        assert_eq!([quorum(3, 1), quorum(3, 2), quorum(3, 3), quorum(3, 9)], [1, 2, 2, 2]);
        assert_eq!([quorum(5, 9), quorum(16, 30), quorum(1, 9)], [3, 9, 1]);
    }

    #[test]
    fn members_that_are_out_count_for_the_majority() {
        let alone = View::new(Suite::Sim, 3, members(1), 3);
        assert_eq!((alone.copies(), alone.quorum()), (1, 2));
        let two = View::new(Suite::Sim, 3, members(2), 3);
        assert_eq!((two.copies(), two.quorum()), (2, 2));
        assert_eq!(View::new(Suite::Sim, 3, members(2), 0).quorum(), 2);
    }

    #[test]
    fn a_set_that_needs_another_majority_is_another_set() {
        let known = |counted| View::new(Suite::Sim, 5, members(3), counted);
        for position in positions() {
            assert_eq!(known(3).replicas(&position), known(5).replicas(&position));
            assert_ne!(known(3).set_hash(&position), known(5).set_hash(&position));
        }
        assert_ne!(known(3).digest(), known(5).digest());
    }

    #[test]
    fn the_order_in_which_members_are_named_does_not_matter() {
        let mut reversed: Vec<_> = members(7).collect();
        reversed.reverse();
        assert_eq!(of(3, 7), View::new(Suite::Sim, 3, reversed, 7));
    }

    #[test]
    fn a_new_member_takes_over_and_nothing_moves_between_the_others() {
        let before = of(3, 8);
        let after = of(3, 9);
        let new = NodeId([8; 32]);
        for position in positions() {
            let (old, now) = (before.replicas(&position), after.replicas(&position));
            assert!(now.iter().all(|node| *node == new || old.contains(node)));
            assert_eq!(before.set_hash(&position) == after.set_hash(&position), !now.contains(&new));
        }
    }

    #[test]
    fn a_position_on_a_member_belongs_to_that_member_first() {
        let view = of(2, 5);
        for (position, node) in &view.ring {
            assert_eq!(view.replicas(position)[0], *node);
        }
    }

    #[test]
    fn runs_hold_the_positions_of_a_member_and_no_others() {
        let view = View::new(Suite::Sim, 3, members(7), 7);
        for wanted in [true, false] {
            let node = NodeId([3; 32]);
            let mut from = Some(Position([0; 32]));
            let mut runs = Vec::new();
            while let Some((first, last)) = from.and_then(|from| view.run(&node, &from, wanted)) {
                runs.push((first, last));
                from = successor(&last);
            }
            let ends = view.ring.iter().map(|(at, _)| *at);
            for position in positions().chain(ends.clone()).chain(ends.filter_map(|at| successor(&at))) {
                let inside = runs.iter().any(|(first, last)| *first <= position && position <= *last);
                assert_eq!(inside, view.is_replica(&node, &position) == wanted);
            }
        }
        let alone = View::new(Suite::Sim, 3, members(1), 1);
        let everything = (Position([0; 32]), Position([u8::MAX; 32]));
        assert_eq!(alone.run(&NodeId([0; 32]), &everything.0, true), Some(everything));
        assert_eq!(alone.run(&NodeId([0; 32]), &everything.0, false), None);
    }

    #[test]
    fn positions_are_clamped_to_what_the_format_allows() {
        let ring = |t| View::new(Suite::Sim, 3, [(NodeId([1; 32]), t)], 1).ring.len();
        assert_eq!([ring(0), ring(1), ring(64), ring(255)], [1, 1, 64, 64]);
    }
}
