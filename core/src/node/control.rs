//! What a node tells of itself: its status, its peers, tokens.
//!
//! Who may ask is decided before (`serve`). Changes nothing.

use alloc::vec::Vec;

use super::hub::Hub;
use super::link::Caller;
use crate::id::NodeId;
use crate::wire::{ErrorCode, PeerState, PeerStatus, Response, Status, Token};

impl Hub {
    /// Adds what the store does not know.
    pub(super) fn complete_status(&self, status: &mut Status) {
        let states: Vec<_> = self.members.ids().map(|node| self.state(&node)).collect();
        // At most 256 members.
        let count = |state| states.iter().filter(|of| **of == state).count() as u32;
        status.node = self.own;
        status.network = self.members.network();
        status.addr = self.own_addrs().first().copied();
        status.version.clone_from(&self.setup.version);
        status.uptime_ms = millis(self.now.mono.since(self.started));
        status.peers_alive = count(PeerState::Alive);
        status.peers_suspect = count(PeerState::Suspect);
        status.peers_gone = count(PeerState::Gone);
        status.members = states.len() as u32;
        status.replicas = self.members.replicas();
        status.syncing |= !self.members.joined;
        status.waits_for = self.waits_for();
        status.pending_ops = self.store.pending() + self.open_operations as u64 + self.requests.len() as u64;
        self.repair_status(status);
    }

    pub(super) fn tell_peers(&mut self, caller: &Caller) {
        let members: Vec<_> = self.members.ids().collect();
        let peers = members.iter().map(|node| self.peer_status(node)).collect();
        self.settle(caller, Response::Peers(peers));
    }

    fn peer_status(&self, node: &NodeId) -> PeerStatus {
        let own = self.is_own(node);
        PeerStatus {
            node: *node,
            addr: self.addrs(node).first().copied(),
            state: self.state(node),
            rtt_us: self.peers.rtt_us(node),
            silent_ms: if own { 0 } else { millis(self.peers.silence(self.now, node)) },
            positions: self.members.admission(node).map_or(0, |admission| admission.positions),
            out: self.members.joined && !self.view.is_placed(node),
            syncing: if own { self.is_syncing() } else { self.told(node).is_some_and(|told| told.syncing) },
            linked: self.peers.link(node).is_some(),
        }
    }

    /// A token of this network with this node's address first, then those of members that are there.
    pub(super) fn invite(&mut self, caller: &Caller, for_node: bool) {
        let Some((psk_epoch, psk)) = self.setup.psks.first().cloned() else {
            self.refuse(caller, ErrorCode::Unsupported);
            return;
        };
        let signing_seed = self.setup.signing.as_ref().filter(|_| for_node).map(|key| key.seed().clone());
        if for_node && signing_seed.is_none() {
            self.refuse(caller, ErrorCode::Forbidden);
            return;
        }
        let mut peers: Vec<_> = self.own_addrs().into_iter().map(|addr| (self.own, addr)).collect();
        let linked = self.peers.linked();
        peers.extend(linked.filter_map(|(node, _)| Some((node, *self.peers.addrs(&node).first()?))));
        let token = Token { psk_epoch, psk, network_key: self.setup.network_key, signing_seed, peers };
        self.settle(caller, Response::Invite { token });
    }
}

fn millis(duration: core::time::Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
