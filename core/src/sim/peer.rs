//! Nodes, clients and liars in one world.

use alloc::boxed::Box;

use super::liar::Liar;
use crate::client::{Client, ClientEvent};
use crate::driver::{Input, Machine, Output};
use crate::error::ApiMisuse;
use crate::node::{Node, NodeEvent};
use crate::time::{Instant, Now};

/// Any of the machines.
#[derive(Debug)]
pub enum Peer {
    /// A node.
    Node(Box<Node>),
    /// A client.
    Client(Box<Client>),
    /// A node that lies.
    Liar(Box<Liar>),
}

/// What a machine tells its user.
#[derive(Clone, PartialEq, Debug)]
pub enum PeerEvent {
    /// A node's, or a liar's.
    Node(NodeEvent),
    /// A client's.
    Client(ClientEvent),
}

impl Peer {
    /// The node.
    ///
    /// # Panics
    /// If it is no node.
    pub fn node(&mut self) -> &mut Node {
        match self {
            Self::Node(node) => node,
            Self::Client(_) | Self::Liar(_) => panic!("this host is no node"),
        }
    }

    /// The client.
    ///
    /// # Panics
    /// If it is no client.
    pub fn client(&mut self) -> &mut Client {
        match self {
            Self::Client(client) => client,
            Self::Node(_) | Self::Liar(_) => panic!("this host is no client"),
        }
    }

    /// The liar.
    ///
    /// # Panics
    /// If it is honest.
    pub fn liar(&mut self) -> &mut Liar {
        match self {
            Self::Liar(liar) => liar,
            Self::Node(_) | Self::Client(_) => panic!("this host is honest"),
        }
    }
}

impl Machine for Peer {
    type Event = PeerEvent;

    fn handle_input(&mut self, now: Now, input: Input) -> Result<(), ApiMisuse> {
        match self {
            Self::Node(node) => node.handle_input(now, input),
            Self::Client(client) => client.handle_input(now, input),
            Self::Liar(liar) => liar.handle_input(now, input),
        }
    }

    fn poll_output(&mut self) -> Option<Output<PeerEvent>> {
        match self {
            Self::Node(node) => Some(wrap(node.poll_output()?, PeerEvent::Node)),
            Self::Client(client) => Some(wrap(client.poll_output()?, PeerEvent::Client)),
            Self::Liar(liar) => Some(wrap(liar.poll_output()?, PeerEvent::Node)),
        }
    }

    fn poll_timeout(&self) -> Option<Instant> {
        match self {
            Self::Node(node) => node.poll_timeout(),
            Self::Client(client) => client.poll_timeout(),
            Self::Liar(liar) => liar.poll_timeout(),
        }
    }
}

fn wrap<E>(output: Output<E>, event: impl FnOnce(E) -> PeerEvent) -> Output<PeerEvent> {
    match output {
        Output::Dial { conn, addr } => Output::Dial { conn, addr },
        Output::Send { conn, bytes } => Output::Send { conn, bytes },
        Output::Close { conn } => Output::Close { conn },
        Output::Disk { ticket, request } => Output::Disk { ticket, request },
        Output::Job { ticket, job } => Output::Job { ticket, job },
        Output::Event(inner) => Output::Event(event(inner)),
    }
}
