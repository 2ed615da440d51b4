//! The ciphertext side: peers, placement, replication, disk. Must not know the vault's or the client's modules.

mod setup;
pub mod store;
pub mod view;

pub use setup::{NodeEvent, NodeSetup, SettingsWanted};
pub use view::View;

use crate::driver::{Input, Machine, Output};
use crate::error::ApiMisuse;
use crate::id::{NetworkId, NodeId};
use crate::time::{Instant, Now};

/// A peer's state machine.
#[derive(Debug)]
pub struct Node {}

impl Node {
    /// Begins to load its state from the disk; [`NodeEvent::Ready`] follows.
    pub fn new(_now: Now, _setup: NodeSetup) -> Self {
        todo!()
    }

    /// This node.
    pub fn id(&self) -> NodeId {
        todo!()
    }

    /// The network it belongs to.
    pub fn network(&self) -> NetworkId {
        todo!()
    }

    /// Ends what is under way, says goodbye to every peer, and then tells [`NodeEvent::Stopped`].
    pub fn stop(&mut self, _now: Now) {
        todo!()
    }
}

impl Machine for Node {
    type Event = NodeEvent;

    fn handle_input(&mut self, _now: Now, _input: Input) -> Result<(), ApiMisuse> {
        todo!()
    }

    fn poll_output(&mut self) -> Option<Output<NodeEvent>> {
        todo!()
    }

    fn poll_timeout(&self) -> Option<Instant> {
        todo!()
    }
}
