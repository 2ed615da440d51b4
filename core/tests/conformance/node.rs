//! A node beside the client that is recorded: in memory, at once, and its clock the client's.

use std::net::SocketAddr;

use quantumsync_core::Bytes;
use quantumsync_core::config::Config;
use quantumsync_core::crypto::{LinkIdentity, Secret, SigningKey, Suite, node_id};
use quantumsync_core::driver::{Input, Machine as _, Output};
use quantumsync_core::id::{ConnId, NodeId};
use quantumsync_core::node::{Node, NodeSetup, SettingsWanted};
use quantumsync_core::sim::SimDisk;
use quantumsync_core::time::{Instant, Now};

use crate::signing;

pub(crate) const ADDRESS: &str = "192.0.2.1:4270";

/// What a node does on the link to the client.
pub(crate) enum Done {
    Sent(Bytes),
    Closed,
}

pub(crate) struct MemoryNode {
    node: Node,
    disk: SimDisk,
    links: u64,
}

impl MemoryNode {
    /// The founder, and only member, of the network of all cases.
    pub(crate) fn new(now: Now) -> Self {
        let control = SigningKey::from_seed(Suite::Real, Secret::new([5; 32]));
        let setup = NodeSetup {
            suite: Suite::Real,
            config: Config::default(),
            network_key: *signing().public(),
            signing: Some(signing()),
            psks: vec![(0, Secret::new([2; 32]))],
            identity: identity(),
            control: *control.public(),
            settings: Some(SettingsWanted { replicas: Some(1), ..SettingsWanted::default() }),
            founder: true,
            is_new: true,
            rejoin: false,
            listen: vec![address()],
            peers: Vec::new(),
            positions: 8,
            volatile: false,
            seed: [6; 32],
            version: "conformance".into(),
        };
        let mut node = Self { node: Node::new(now, setup), disk: SimDisk::new([7; 32]), links: 0 };
        assert!(node.perform(now).is_empty(), "there is no link yet");
        node
    }

    /// The client has dialled.
    pub(crate) fn connected(&mut self, now: Now) -> Vec<Done> {
        self.links += 1;
        let remote = "192.0.2.9:50000".parse().expect("it is an address");
        self.tell(now, Input::Connected { conn: self.conn(), remote, entropy: [self.links as u8; 32] })
    }

    pub(crate) fn received(&mut self, now: Now, bytes: Bytes) -> Vec<Done> {
        self.tell(now, Input::Received { conn: self.conn(), bytes })
    }

    pub(crate) fn disconnected(&mut self, now: Now) -> Vec<Done> {
        self.tell(now, Input::Disconnected { conn: self.conn() })
    }

    pub(crate) fn timeout(&mut self, now: Now) -> Vec<Done> {
        self.tell(now, Input::Timeout)
    }

    pub(crate) fn next_timeout(&self) -> Option<Instant> {
        self.node.poll_timeout()
    }

    fn conn(&self) -> ConnId {
        ConnId::accepted(self.links)
    }

    fn tell(&mut self, now: Now, input: Input) -> Vec<Done> {
        // A link that the node has closed already may be told of once more.
        let _ = self.node.handle_input(now, input);
        self.perform(now)
    }

    fn perform(&mut self, now: Now) -> Vec<Done> {
        let mut done = Vec::new();
        loop {
            let mut answers = Vec::new();
            while let Some(output) = self.node.poll_output() {
                match output {
                    Output::Send { conn, bytes } => {
                        answers.push(Input::Sent { conn, bytes: bytes.len() });
                        done.push(Done::Sent(bytes));
                    }
                    Output::Close { conn } => {
                        answers.push(Input::Disconnected { conn });
                        done.push(Done::Closed);
                    }
                    Output::Disk { ticket, request } => self.disk.submit(now.mono, ticket, request),
                    Output::Job { ticket, job } => answers.push(Input::Job { ticket, result: job.run() }),
                    Output::Dial { conn, .. } => answers.push(Input::DialFailed { conn }),
                    Output::Event(_) => {}
                }
            }
            while let Some((ticket, result)) = self.disk.finish_one(now.mono) {
                answers.push(Input::Disk { ticket, result });
            }
            if answers.is_empty() {
                return done;
            }
            for answer in answers {
                self.node.handle_input(now, answer).expect("it waits for this");
            }
        }
    }
}

pub(crate) fn id() -> NodeId {
    node_id(Suite::Real, identity().public())
}

fn identity() -> LinkIdentity {
    LinkIdentity::from_secret(Suite::Real, Secret::new([4; 32]))
}

fn address() -> SocketAddr {
    ADDRESS.parse().expect("it is an address")
}
