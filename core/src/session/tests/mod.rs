//! Two sessions, wired together byte by byte; and one session against a peer that obeys nothing.

mod flow;
mod frames;
mod garbage;
mod hostile;
mod limits;
mod opening;
mod vectors;

use alloc::sync::Arc;
use alloc::vec;
use alloc::vec::Vec;

use bytes::Bytes;

use super::{LocalRole, LocalSide, Session, SessionEvent};
use crate::config::Config;
use crate::crypto::{LinkIdentity, Secret, SigningKey, Suite};
use crate::error::PeerFault;
use crate::id::{BlobId, Name, NetworkId, NodeId, ObjectId, OwnerId};
use crate::record::{Admission, Pin, PinBody, Version, network_id};
use crate::time::{Instant, Now};
use crate::wire::{Message, Request, Response};

const SUITE: Suite = Suite::Real;
const NOW: Now = Now { mono: Instant(1_000_000), unix_ms: 1_800_000_000_000 };
const PSK: [u8; 32] = [0x55; 32];

fn signing_key(seed: u8) -> SigningKey {
    SigningKey::from_seed(SUITE, Secret::new([seed; 32]))
}

/// The network's signing key.
fn founder() -> SigningKey {
    signing_key(1)
}

fn network() -> NetworkId {
    network_id(SUITE, founder().public())
}

fn identity(seed: u8) -> LinkIdentity {
    LinkIdentity::from_secret(SUITE, Secret::new([seed; 32]))
}

fn node_id(seed: u8) -> NodeId {
    identity(seed).node_id(SUITE)
}

fn admission(seed: u8, not_after: u64, signer: &SigningKey) -> Admission {
    let signature = signing_key(0).sign("", &network(), &[]);
    let node = node_id(seed);
    Admission {
        node,
        positions: 8,
        volatile: false,
        serial: 1,
        not_after,
        signature,
        unknown: Default::default(),
    }
    .sign(&network(), signer)
}

fn local(role: LocalRole) -> LocalSide {
    LocalSide {
        suite: SUITE,
        network: network(),
        network_key: *founder().public(),
        psks: vec![(1, Secret::new(PSK))],
        role,
    }
}

/// A member whose identity has this seed.
fn node(seed: u8) -> LocalSide {
    local(LocalRole::Node {
        identity: identity(seed),
        admission: admission(seed, 0, &founder()),
        addrs: vec!["192.0.2.1:4270".parse().unwrap()],
        incarnation: [seed; 16],
        control: Some(*signing_key(99).public()),
    })
}

/// A user who proves the owner of this seed.
fn client(owner: u8) -> LocalSide {
    local(LocalRole::Client { owner: Some(signing_key(owner)), control: None })
}

/// Two sides of one link, and what each has told its owner.
struct Pair {
    dialler: End,
    answerer: End,
}

struct End {
    session: Session,
    events: Vec<SessionEvent>,
    fault: Option<PeerFault>,
}

impl End {
    fn new(session: Session) -> Self {
        Self { session, events: Vec::new(), fault: None }
    }

    /// All that this end has to send, at once: every byte counts as sent.
    fn transmit(&mut self) -> Vec<Bytes> {
        let mut out = Vec::new();
        while let Some(bytes) = self.session.poll_transmit() {
            assert!(self.session.sent(bytes.len()));
            out.push(bytes);
        }
        out
    }

    fn receive(&mut self, bytes: Bytes) {
        if let Err(fault) = self.session.receive(NOW, bytes) {
            self.fault.get_or_insert(fault);
        }
        while let Some(event) = self.session.poll_event() {
            self.events.push(event);
        }
    }

    fn messages(&self) -> Vec<&Message> {
        let mut messages = Vec::new();
        for event in &self.events {
            if let SessionEvent::Message { message, .. } = event {
                messages.push(message);
            }
        }
        messages
    }

    /// The ids of the requests that came, in their order.
    fn request_ids(&self) -> Vec<u32> {
        let id = |message: &&Message| match message {
            Message::Request { id, .. } => Some(*id),
            _ => None,
        };
        self.messages().iter().filter_map(id).collect()
    }

    fn opened(&self) -> bool {
        matches!(self.events.first(), Some(SessionEvent::Open(_)))
    }

    /// Gives back the credit of all messages that came.
    fn release_all(&mut self) {
        for event in &self.events {
            if let SessionEvent::Message { class, bytes, .. } = event {
                self.session.release(*class, *bytes);
            }
        }
        self.events.retain(|event| matches!(event, SessionEvent::Open(_)));
    }
}

impl Pair {
    fn new(config: &Config, dialler: LocalSide, answerer: LocalSide) -> Self {
        Self::expecting(config, dialler, answerer, None)
    }

    fn expecting(config: &Config, dialler: LocalSide, answerer: LocalSide, expect: Option<NodeId>) -> Self {
        Self {
            dialler: End::new(Session::dial(config, NOW, Arc::new(dialler), expect, [2; 32])),
            answerer: End::new(Session::accept(config, NOW, Arc::new(answerer), [3; 32])),
        }
    }

    /// A link between client 7 and node 20, open.
    fn open(config: &Config) -> Self {
        let mut pair = Self::new(config, client(7), node(20));
        pair.run();
        assert!(pair.dialler.opened() && pair.answerer.opened());
        pair
    }

    /// A link between nodes 10 and 20, open.
    fn open_nodes(config: &Config) -> Self {
        let mut pair = Self::new(config, node(10), node(20));
        pair.run();
        assert!(pair.dialler.opened() && pair.answerer.opened());
        pair
    }

    /// Carries bytes both ways until none are left.
    fn run(&mut self) {
        loop {
            let (out, back) = (self.dialler.transmit(), self.answerer.transmit());
            if out.is_empty() && back.is_empty() {
                return;
            }
            out.into_iter().for_each(|bytes| self.answerer.receive(bytes));
            back.into_iter().for_each(|bytes| self.dialler.receive(bytes));
        }
    }
}

/// A request to keep a blob of this length: it costs credit.
fn put(id: u32, len: usize) -> Message {
    let blob = Bytes::from(vec![id as u8; len]);
    let owner = signing_key(7);
    let body = PinBody {
        owner: OwnerId(*owner.public()),
        name: Name([1; 32]),
        object: ObjectId([2; 16]),
        since: Version::default(),
        blob: BlobId([3; 32]),
        length: len as u32,
        grant: None,
    };
    let pin = Pin::sign(&network(), &owner, body);
    Message::Request { id, request: Request::PutBlob { pins: vec![pin], blob } }
}

fn get(id: u32) -> Message {
    Message::Request { id, request: Request::GetBlob { id: BlobId([4; 32]), offset: 0, len: 0 } }
}

fn ping(id: u32) -> Message {
    Message::Request { id, request: Request::Status }
}

fn blob_answer(id: u32, len: usize) -> Message {
    let bytes = Bytes::from((0..len).map(|i| (i / 3) as u8).collect::<Vec<_>>());
    Message::response(id, Response::Blob { source: node_id(20), bytes })
}

fn stored(id: u32) -> Message {
    Message::response(id, Response::Stored { copies: 1, wanted: 1 })
}
