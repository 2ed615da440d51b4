//! Two sessions and the wires between them, against a model of what a link promises.

use alloc::collections::{BTreeMap, VecDeque};
use alloc::sync::Arc;
use alloc::vec;
use alloc::vec::Vec;
use core::time::Duration;

use bytes::Bytes;

use super::choices::Choices;
use crate::config::Config;
use crate::crypto::{LinkIdentity, Secret, Signature, SigningKey, Suite};
use crate::error::PeerFault;
use crate::id::{BlobId, Name, NetworkId, NodeId, ObjectId, OwnerId};
use crate::record::{Admission, Pin, PinBody, Version, network_id};
use crate::session::{LocalRole, LocalSide, Session, SessionEvent};
use crate::time::{Instant, Now};
use crate::wire::{Class, CloseReason, Message, Request, Response};

const SUITE: Suite = Suite::Sim;
const START: Now = Now { mono: Instant(1_000_000), unix_ms: 1_800_000_000_000 };
/// Small messages of the class `Control` are never cut and never overtaken by others of their kind.
const SMALL: usize = 8 * 1024;

/// `node or client u8 ‖ (operation, argument)…`: a script for both ends. A small letter is the dialler's operation, a capital
/// the answerer's:
///
/// | | |
/// |---|---|
/// | `p`, `b`, `g` | ask: a ping, the keeping of a blob, a blob; the argument is its length |
/// | `a` | answer the oldest request |
/// | `t`, `k` | give bytes to the wire; tell that they have left |
/// | `r` | receive bytes of the wire |
/// | `l` | be done with what was received |
/// | `x`, `z` | alter a byte of the wire to this end; lose some |
/// | `i` | answer what nobody asked |
/// | `c` | close |
/// | `o` | time passes |
///
/// What arrives is what was sent, once and unaltered, small messages in their order; what may be held unpaid is bounded. As long as
/// nobody breaks a rule and nothing is altered, there is no fault and all arrives in the end; a fault stays.
pub fn session(bytes: &[u8]) {
    let mut choices = Choices::new(bytes);
    let mut link = Link::new(choices.byte() % 2 == 1);
    while let [operation, argument] = *choices.take(2) {
        link.perform(operation, argument);
        link.check();
    }
    link.run();
    link.check();
    if !link.disturbed && link.ends.iter().all(|end| !end.closed) {
        for end in &link.ends {
            assert!(end.sent.is_empty(), "not arrived: {:?}", end.sent);
            assert!(end.session.is_drained() && end.session.peer().is_some());
        }
    }
}

struct Link {
    now: Now,
    config: Config,
    /// The dialler and the answerer.
    ends: [End; 2],
    /// A rule was broken, or bytes altered: from now on there may be faults.
    disturbed: bool,
}

struct End {
    session: Session,
    /// A client's end, which is asked nothing.
    is_client: bool,
    /// What was sent and has not arrived.
    sent: VecDeque<Message>,
    /// Bytes on their way to the other end.
    wire: VecDeque<u8>,
    /// Bytes given to the wire and not reported.
    unreported: usize,
    next_id: u32,
    /// How many of its requests have no answer.
    asked: usize,
    to_answer: VecDeque<(u32, Request)>,
    /// What was received and not dealt with.
    held: Vec<(Class, u32)>,
    closed: bool,
    fault: Option<PeerFault>,
}

impl Link {
    fn new(from_client: bool) -> Self {
        let config = Config {
            max_requests: 4,
            credit_terminal: 24_000,
            credit_relay: 24_000,
            send_window: 10_000,
            max_streams: 2,
            rekey_frames: 3,
            ..Config::default()
        };
        let dialler = if from_client { client() } else { node(10) };
        let dialler = Session::dial(&config, START, Arc::new(dialler), None, [2; 32]);
        let answerer = Session::accept(&config, START, Arc::new(node(20)), [3; 32]);
        let ends = [End::new(dialler, from_client), End::new(answerer, false)];
        Self { now: START, config, ends, disturbed: false }
    }

    fn perform(&mut self, operation: u8, argument: u8) {
        let own = usize::from(operation.is_ascii_uppercase());
        let len = usize::from(argument);
        match operation.to_ascii_lowercase() {
            b'p' => self.ask(own, Request::Ping { unix_ms: u64::from(argument) }),
            b'b' => self.ask(own, put_blob(argument, 64 * len)),
            b'g' => self.ask(own, Request::GetBlob { id: BlobId([4; 32]), offset: 0, len: 64 * len as u32 }),
            b'a' => self.answer(own),
            b't' => (0..=len).for_each(|_| self.ends[own].transmit()),
            b'k' => self.ends[own].report(1 + 64 * len),
            b'r' => self.receive(own, 1 + 4 * len * len),
            b'l' => self.ends[own].release(),
            b'x' => self.alter(own, len),
            b'z' => self.lose(own, len),
            b'i' => {
                self.disturbed = true;
                let answer = Message::response(u32::MAX - u32::from(argument), Response::Done);
                self.ends[own].send(answer);
            }
            b'c' => self.ends[own].close(),
            b'o' => self.pass(Duration::from_millis(50 * len as u64)),
            _ => {}
        }
    }

    /// Asks, unless that breaks a rule: clients are not asked, and no more at once than was agreed.
    fn ask(&mut self, own: usize, request: Request) {
        let may =
            !self.ends[1 - own].is_client && self.ends[own].asked < usize::from(self.config.max_requests);
        if may {
            let end = &mut self.ends[own];
            end.next_id += 1;
            end.asked += 1;
            end.send(Message::Request { id: end.next_id, request });
        }
    }

    fn answer(&mut self, own: usize) {
        let Some((id, request)) = self.ends[own].to_answer.pop_front() else { return };
        let response = match request {
            Request::GetBlob { len, .. } => {
                Response::Blob { source: NodeId([1; 32]), bytes: vec![id as u8; len as usize].into() }
            }
            Request::PutBlob { .. } => Response::Stored { copies: 1, wanted: 1 },
            _ => Response::Pong { unix_ms: 1 },
        };
        self.ends[own].send(Message::response(id, response));
    }

    fn receive(&mut self, own: usize, len: usize) {
        let wire = &mut self.ends[1 - own].wire;
        let portion: Vec<u8> = wire.drain(..len.min(wire.len())).collect();
        self.ends[own].take(self.now, portion.into());
        while let Some(event) = self.ends[own].session.poll_event() {
            self.happened(own, event);
        }
    }

    fn happened(&mut self, own: usize, event: SessionEvent) {
        let [end, other] = self.ends.get_disjoint_mut([own, 1 - own]).expect("two ends");
        let SessionEvent::Message { message, class, bytes } = event else { return };
        assert!(end.session.peer().is_some() || matches!(message, Message::Goodbye(_)), "before it is open");
        if matches!(message, Message::Goodbye(_)) {
            assert!(other.closed || other.fault.is_some(), "a goodbye that nobody said");
            // What comes after it is not looked at.
            end.closed = true;
            return;
        }
        let at = other.sent.iter().position(|sent| *sent == message).expect("what arrives was sent");
        if is_urgent(&message) {
            let overtaken = other.sent.iter().take(at).find(|sent| is_urgent(sent));
            assert_eq!(overtaken, None, "{message:?} came first");
        }
        other.sent.remove(at);
        end.held.push((class, bytes));
        match message {
            Message::Request { id, request } => end.to_answer.push_back((id, request)),
            Message::Response { .. } => end.asked = end.asked.saturating_sub(1),
            _ => {}
        }
    }

    fn alter(&mut self, own: usize, at: usize) {
        let wire = &mut self.ends[1 - own].wire;
        let len = wire.len();
        if len > 0 {
            wire[at * 7 % len] ^= 1 << (at % 8);
            self.disturbed = true;
        }
    }

    fn lose(&mut self, own: usize, count: usize) {
        let wire = &mut self.ends[1 - own].wire;
        self.disturbed |= !wire.is_empty();
        wire.drain(..count.min(wire.len()));
    }

    fn pass(&mut self, time: Duration) {
        self.now.mono = self.now.mono + time;
        for end in &mut self.ends {
            let due = end.session.poll_timeout().is_some_and(|deadline| deadline <= self.now.mono);
            let result = end.session.handle_timeout(self.now);
            if end.fault.is_none() {
                assert_eq!(result.is_err(), due, "a deadline holds");
                self.disturbed |= due;
            }
            end.note(result);
        }
    }

    /// Carries everything until nothing moves.
    fn run(&mut self) {
        for _ in 0..100_000 {
            let mut moved = false;
            for own in [0, 1] {
                self.ends[own].release();
                self.ends[own].report(usize::MAX);
                self.ends[own].transmit();
                moved |= !self.ends[own].wire.is_empty();
                self.receive(1 - own, usize::MAX);
            }
            if !moved {
                return;
            }
        }
        panic!("the link never becomes quiet");
    }

    fn check(&self) {
        for end in &self.ends {
            assert!(end.fault.is_none() || self.disturbed, "{:?} though nobody broke a rule", end.fault);
            let mut held = BTreeMap::new();
            for (class, bytes) in &end.held {
                *held.entry(class).or_insert(0) += *bytes as usize;
            }
            assert!(held.values().all(|held| *held <= 24_000), "no more is held than was paid for");
        }
    }
}

impl End {
    fn new(session: Session, is_client: bool) -> Self {
        Self {
            session,
            is_client,
            sent: VecDeque::new(),
            wire: VecDeque::new(),
            unreported: 0,
            next_id: 0,
            asked: 0,
            to_answer: VecDeque::new(),
            held: Vec::new(),
            closed: false,
            fault: None,
        }
    }

    fn send(&mut self, message: Message) {
        self.session.send(&message);
        if !self.closed && self.fault.is_none() {
            self.sent.push_back(message);
        }
    }

    fn transmit(&mut self) {
        if let Some(bytes) = self.session.poll_transmit() {
            assert!(!bytes.is_empty() && bytes.len() <= 2 + 65_535);
            self.unreported += bytes.len();
            self.wire.extend(&bytes);
        }
    }

    fn report(&mut self, bytes: usize) {
        let bytes = bytes.min(self.unreported);
        self.unreported -= bytes;
        assert!(self.session.sent(bytes));
        assert_eq!(self.session.is_sending(), self.unreported > 0);
        assert!(!self.session.sent(self.unreported + 1), "more than was given out");
    }

    fn take(&mut self, now: Now, bytes: Bytes) {
        let result = self.session.receive(now, bytes);
        self.note(result);
    }

    fn note(&mut self, result: Result<(), PeerFault>) {
        if let Some(fault) = &self.fault {
            assert_eq!(result.as_ref(), Err(fault), "a fault stays");
        }
        self.fault = result.err().or(self.fault.take());
    }

    fn release(&mut self) {
        for (class, bytes) in core::mem::take(&mut self.held) {
            self.session.release(class, bytes);
        }
    }

    fn close(&mut self) {
        self.closed = true;
        self.session.close(CloseReason::Shutdown);
    }
}

fn is_urgent(message: &Message) -> bool {
    let (head, payload) = message.encode();
    let paid = match message {
        // Both classes of those that are paid for: which of them does not matter here.
        Message::Request { request, .. } => request.class(true) != Class::Control,
        _ => false,
    };
    !paid && head.len() + payload.len() <= SMALL
}

fn put_blob(number: u8, len: usize) -> Request {
    let body = PinBody {
        owner: OwnerId(*key(7).public()),
        name: Name([1; 32]),
        object: ObjectId([2; 16]),
        since: Version::ZERO,
        blob: BlobId([3; 32]),
        length: len as u32,
        grant: None,
    };
    Request::PutBlob { pins: vec![Pin::sign(&network(), &key(7), body)], blob: vec![number; len].into() }
}

/// The key pair of this number; 1 is the network's, 7 an owner's, 9 that of a node's home.
pub(super) fn key(seed: u8) -> SigningKey {
    SigningKey::from_seed(SUITE, Secret::new([seed; 32]))
}

pub(super) fn network() -> NetworkId {
    network_id(SUITE, key(1).public())
}

fn client() -> LocalSide {
    side_of(LocalRole::Client { owner: Some(key(7)), control: None })
}

fn node(seed: u8) -> LocalSide {
    let identity = link_identity(seed);
    let admission = admitted(&identity);
    side_of(LocalRole::Node {
        identity,
        admission,
        addrs: Vec::new(),
        incarnation: [seed; 16],
        control: None,
    })
}

pub(super) fn link_identity(seed: u8) -> LinkIdentity {
    LinkIdentity::from_secret(SUITE, Secret::new([seed; 32]))
}

pub(super) fn admitted(identity: &LinkIdentity) -> Admission {
    let admission = Admission {
        node: identity.node_id(SUITE),
        positions: 8,
        volatile: false,
        serial: 1,
        not_after: 0,
        unknown: Default::default(),
        signature: Signature([0; 64]),
    };
    admission.sign(&network(), &key(1))
}

pub(super) fn side_of(role: LocalRole) -> LocalSide {
    LocalSide {
        suite: SUITE,
        network: network(),
        network_key: *key(1).public(),
        psks: vec![(1, Secret::new([0x55; 32]))],
        role,
    }
}
