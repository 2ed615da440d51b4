//! The ring, and the votes of its members (PROTOCOL.md 13 and 14), by hand.

use crate::bytes::Out;
use crate::noise::sha256;

/// Positions of each member: what nodes offer if nobody says otherwise.
const POSITIONS: u8 = 8;

/// Who keeps what, for so many copies, among these members.
pub(crate) struct Ring {
    replicas: u8,
    members: Vec<[u8; 32]>,
    /// Positions and whose they are, rising.
    points: Vec<([u8; 32], [u8; 32])>,
}

impl Ring {
    pub(crate) fn new(replicas: u8, members: &[[u8; 32]]) -> Self {
        let mut members = members.to_vec();
        members.sort_unstable();
        let points_of = |node: &[u8; 32]| {
            let node = *node;
            (0..POSITIONS).map(move |number| (sha256(&[&node, &[number]]), node))
        };
        let mut points: Vec<_> = members.iter().flat_map(points_of).collect();
        points.sort_unstable();
        Self { replicas, members, points }
    }

    fn copies(&self) -> usize {
        usize::from(self.replicas).min(self.members.len())
    }

    /// The replicas of what lies here.
    fn set(&self, position: &[u8; 32]) -> Vec<[u8; 32]> {
        let start = self.points.partition_point(|(at, _)| at < position);
        let mut set = Vec::new();
        for (_, node) in self.points[start..].iter().chain(&self.points[..start]) {
            if set.len() < self.copies() && !set.contains(node) {
                set.push(*node);
            }
        }
        set
    }

    pub(crate) fn is_replica(&self, node: &[u8; 32], position: &[u8; 32]) -> bool {
        self.set(position).contains(node)
    }

    /// The hash of the set of what lies here.
    pub(crate) fn set_hash(&self, position: &[u8; 32]) -> [u8; 32] {
        let mut set = self.set(position);
        set.sort_unstable();
        let quorum = u8::try_from(self.copies() / 2 + 1).unwrap();
        sha256(&[b"quantumsync/1/set", &[quorum], &set.concat()])
    }

    /// The digest of the placement.
    pub(crate) fn digest(&self) -> [u8; 32] {
        let count = u32::try_from(self.members.len()).unwrap();
        let start = Out::new().raw(b"quantumsync/1/placement").u8(self.replicas).u32(count);
        let members = self.members.iter().fold(start, |out, node| out.raw(node).u8(POSITIONS));
        sha256(&[&members.done()])
    }
}

/// Where the records of an owner whose names begin with this byte lie.
pub(crate) fn record_position(owner: &[u8], first: u8) -> [u8; 32] {
    sha256(&[b"record", owner, &[first]])
}
