//! What a node holds in its queues, buffers and tables, beside its limits.

use alloc::collections::BTreeMap;
use core::net::IpAddr;

use super::Node;
use super::hub::Hub;
use super::link::{Link, Phase, weight};
use crate::config::{Config, limit};
use crate::gauge::Gauges;
use crate::session::{Session, Share};
use crate::wire::Role;

/// Operations of a node's own that are there once: a refill, a search for strays, and one question of each walk.
const CHORES: usize = 4;
/// An answer that is not a read: an acknowledgement, or a refusal with a stub.
const BRIEF: usize = 8 << 10;

impl Node {
    /// Tells what it holds.
    pub(crate) fn gauge(&self, config: &Config, gauges: &mut Gauges) {
        let own = config.offers_in_flight.max(1) + config.pulls_at_once + config.mends_at_once + CHORES;
        gauges.count(
            "node: operations",
            self.running.len(),
            config.max_operations + own,
            "max_operations, offers_in_flight, pulls_at_once, mends_at_once",
        );
        for running in self.running.values() {
            running.operation.gauge(config, gauges);
        }
        self.hub.gauge(config, gauges);
        self.hub.store.gauge(config, gauges);
        gauges.memory("node: memory");
    }
}

impl Hub {
    fn gauge(&self, config: &Config, gauges: &mut Gauges) {
        self.gauge_links(config, gauges);
        let links = config.max_links;
        let requests = usize::from(config.max_requests);
        gauges.count("node: answers on their way to operations", self.answers.len(), 0, "taken at once");
        gauges.count(
            "node: requests of clients that wait",
            self.requests.len(),
            links * requests,
            "max_links, max_requests",
        );
        gauges.count(
            "node: answers to views that wait for the disk",
            self.standing.held(),
            links * requests,
            "max_links, max_requests",
        );
        let parked =
            |calls: &super::calls::Parked| calls.iter().map(|(_, request)| weight(request)).sum::<usize>();
        for calls in self.parked.values() {
            gauges.count(
                "node: calls that wait for a dial",
                calls.len(),
                config.max_operations,
                "max_operations",
            );
            let most = config.link_backlog + limit::MESSAGE;
            gauges.bytes("node: bytes of calls that wait for a dial", parked(calls), most, "link_backlog");
        }
        // Whatever is asked waits somewhere: a call that does not was forgotten, and stays for ever.
        let on_links: usize = self.links.iter().map(|(_, link)| link.asked.len() + link.waiting.len()).sum();
        let parked: usize = self.parked.values().map(|calls| calls.len()).sum();
        gauges.count(
            "node: calls",
            self.calls.len(),
            on_links + parked + self.store.asked(),
            "calls on links, of its store and of dials",
        );
        self.gauge_members(config, gauges);
    }

    fn gauge_members(&self, config: &Config, gauges: &mut Gauges) {
        let members = limit::MEMBERS;
        for (of, value, limit, by) in [
            ("node: members", self.members.count(), members, "limit::MEMBERS"),
            ("node: members that it looks after", self.peers.count(), members, "limit::MEMBERS"),
            ("node: addresses of a member", self.peers.most_addrs(), limit::ADDRS, "limit::ADDRS"),
            ("node: addresses to begin with", self.bootstrap.count(), members, "limit::MEMBERS"),
            ("node: members that were compared lately", self.compared.len(), members, "limit::MEMBERS"),
            ("node: members to pull from", self.repair.sources(), members, "limit::MEMBERS"),
            ("node: pulls", self.repair.pulls(), config.pulls_at_once.max(1), "pulls_at_once"),
            (
                "node: things that are mended",
                self.repair.mending.running(),
                config.mends_at_once,
                "mends_at_once",
            ),
            (
                "node: things to be mended",
                self.repair.mending.open() as usize,
                super::mend::BLOBS + limit::DOUBTS,
                "limit::DOUBTS and as many blobs",
            ),
            ("node: members that are out", self.standing.out(), members, "limit::MEMBERS"),
            (
                "node: placements to be taken over from",
                self.standing.history.count(),
                limit::PLACEMENTS,
                "limit::PLACEMENTS",
            ),
        ] {
            gauges.count(of, value, limit, by);
        }
    }

    fn gauge_links(&self, config: &Config, gauges: &mut Gauges) {
        let mut half_open: BTreeMap<IpAddr, usize> = BTreeMap::new();
        let mut clients: BTreeMap<IpAddr, usize> = BTreeMap::new();
        let mut links = 0;
        for (conn, link) in self.links.iter() {
            // Those that end are there until the driver has closed them.
            links += usize::from(!matches!(link.phase, Phase::Closing { .. } | Phase::Closed));
            if !conn.is_dialled() && link.is_half_open() {
                *half_open.entry(link.remote.ip()).or_default() += 1;
            }
            if link.peer().is_some_and(|peer| peer.role == Role::Client) {
                *clients.entry(link.remote.ip()).or_default() += 1;
            }
            link.gauge(config, gauges);
        }
        gauges.count("node: links", links, config.max_links, "max_links");
        let most = |of: &BTreeMap<IpAddr, usize>| of.values().copied().max().unwrap_or(0);
        gauges.count(
            "node: links of an address that are not open",
            most(&half_open),
            config.half_open_per_addr,
            "half_open_per_addr",
        );
        gauges.count(
            "node: links of clients at an address",
            most(&clients),
            config.clients_per_addr,
            "clients_per_addr",
        );
    }
}

impl Link {
    fn gauge(&self, config: &Config, gauges: &mut Gauges) {
        let requests = usize::from(config.max_requests);
        // What is asked at the edge of the backlog may be as long as anything.
        let backlog = config.link_backlog + limit::MESSAGE;
        gauges.count(
            "node: calls of a link that wait",
            self.waiting.len(),
            config.max_operations,
            "max_operations",
        );
        gauges.bytes("node: bytes asked on a link", self.in_flight, backlog, "link_backlog");
        gauges.count(
            "node: requests of a peer that are not answered",
            self.unanswered,
            requests,
            "max_requests",
        );
        gauges.count("node: reads of a peer that wait", self.reads.len(), requests, "max_requests");
        let reading: usize = self.reading.values().sum();
        let window = config.answer_window + 2 * limit::BLOB + limit::CONTROL_MESSAGE;
        gauges.bytes("node: bytes that are read for a peer", reading, window, "answer_window");
        let session = match &self.phase {
            Phase::Half(session) | Phase::Open(session) => Some(session),
            Phase::Closing { session, .. } => session.as_ref(),
            Phase::Held { bytes, .. } => {
                let held = bytes.iter().map(bytes::Bytes::len).sum();
                gauges.bytes(
                    "node: bytes of a link that is held",
                    held,
                    config.pre_open_bytes,
                    "pre_open_bytes",
                );
                None
            }
            Phase::Dialling { .. } | Phase::Closed => None,
        };
        let share = Share { coming: backlog, going: window + backlog + requests * BRIEF };
        if let Some(session) = session {
            Session::gauge(session, config, share, gauges);
        }
    }
}
