//! Where this node stands: which members are out of the placement, and what its own word counts for.

use alloc::sync::Arc;

use super::hub::Hub;
use super::store::Placement;
use crate::id::{Position, SetHash};

impl Hub {
    /// Makes the ring again: the members have changed, or who of them is out.
    pub(super) fn place(&mut self) {
        self.view = Arc::new(self.members.view(|_| false));
        self.store.set_view(self.view.clone());
    }

    /// What this node's answers about `position` count for: the hash of the set that it belongs to there. `None` if
    /// they count for nothing: it is no replica, or does not hold all of it yet.
    pub(super) fn vote(&self, position: &Position) -> Option<SetHash> {
        let counts =
            self.members.joined && self.view.is_replica(&self.own, position) && !self.is_syncing_at(position);
        counts.then(|| self.view.set_hash(position))
    }

    /// The same as another member's if both place everything alike.
    pub(super) fn placement_digest(&self) -> [u8; 32] {
        self.view.digest()
    }
}
