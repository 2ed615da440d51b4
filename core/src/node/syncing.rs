//! What this node must still take from others before its word counts.

use alloc::vec::Vec;

use super::hub::Hub;
use crate::id::{NodeId, Position};

impl Hub {
    /// True while there is any position at which this node is a replica and its word does not count.
    pub(super) const fn is_syncing(&self) -> bool {
        !self.members.joined
    }

    /// True while this node's word does not count at `position`.
    pub(super) const fn is_syncing_at(&self, _position: &Position) -> bool {
        !self.members.joined
    }

    /// The members from whom to take what this node lacks.
    pub(super) const fn sources(&self) -> Vec<NodeId> {
        Vec::new()
    }

    /// Changes whenever everything is to be taken anew.
    pub(super) const fn sync_round(&self) -> u64 {
        0
    }

    /// Everything was taken from `node` that it holds for this one. What began in an earlier round is ignored.
    pub(super) const fn reconciled(&mut self, _node: NodeId, _round: u64) {}
}
