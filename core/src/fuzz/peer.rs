//! The other side of a machine's link: it holds the network's keys and says what bytes tell it to, true or not.

use alloc::boxed::Box;
use alloc::collections::VecDeque;
use alloc::sync::Arc;
use alloc::vec;
use alloc::vec::Vec;

use bytes::Bytes;

use super::choices::Choices;
use super::session::{admitted, key, link_identity, network, side_of};
use crate::config::Config;
use crate::crypto::Suite;
use crate::id::{BlobId, Name, NodeId, ObjectId, OwnerId};
use crate::record::{Floor, Header, Kind, LiveObject, Pin, PinBody, Record, Version};
use crate::session::{LocalRole, Session, SessionEvent};
use crate::time::Now;
use crate::wire::{
    ErrorCode, MembershipPage, Message, Out, PinCheck, PinState, PinsKept, PinsPage, PullPart, PulledPin,
    RecordsPage, Request, Response, Standing, VerifiedRecords, Vote,
};

const SUITE: Suite = Suite::Sim;
const OBJECT: ObjectId = ObjectId([2; 16]);

/// One end of a link, beyond the driver.
pub(super) struct Peer {
    session: Session,
    /// Bytes on their way to the machine.
    wire: VecDeque<u8>,
    to_answer: VecDeque<(u32, Request)>,
    next_id: u32,
}

impl Peer {
    /// A peer that has dialled the machine: a client, the home of the node, or a member.
    pub(super) fn dialling(config: &Config, now: Now, role: u8, entropy: [u8; 32]) -> Self {
        let role = match role % 3 {
            0 => LocalRole::Client { owner: Some(key(7)), control: None },
            1 => LocalRole::Client { owner: Some(key(7)), control: Some(key(9)) },
            _ => member(),
        };
        Self::new(Session::dial(config, now, Arc::new(side_of(role)), None, entropy))
    }

    /// A member that the machine has dialled.
    pub(super) fn dialled(config: &Config, now: Now, entropy: [u8; 32]) -> Self {
        Self::new(Session::accept(config, now, Arc::new(side_of(member())), entropy))
    }

    fn new(session: Session) -> Self {
        let mut peer = Self { session, wire: VecDeque::new(), to_answer: VecDeque::new(), next_id: 0 };
        peer.transmit();
        peer
    }

    /// Takes what the machine has sent. What it makes of that is its own affair.
    pub(super) fn receive(&mut self, now: Now, bytes: Bytes) {
        let _ = self.session.receive(now, bytes);
        while let Some(event) = self.session.poll_event() {
            if let SessionEvent::Message { message, class, bytes } = event {
                self.session.release(class, bytes);
                if let Message::Request { id, request } = message {
                    self.to_answer.push_back((id, request));
                }
            }
        }
        self.transmit();
    }

    /// The next bytes for the machine, at most so many.
    pub(super) fn take(&mut self, len: usize) -> Bytes {
        self.wire.drain(..len.min(self.wire.len())).collect()
    }

    /// Flips a bit of what is on its way.
    pub(super) fn alter(&mut self, at: usize) {
        let len = self.wire.len();
        if len > 0 {
            self.wire[at * 7 % len] ^= 1 << (at % 8);
        }
    }

    /// Says this message, in a frame that is in order.
    pub(super) fn say(&mut self, message: &Message) {
        self.session.send(message);
        self.transmit();
    }

    /// Asks one of the requests that there are.
    pub(super) fn ask(&mut self, argument: u8) {
        self.next_id += 1;
        self.say(&Message::Request { id: self.next_id, request: request(argument) });
    }

    /// Answers the oldest question, fittingly for most arguments.
    pub(super) fn answer(&mut self, argument: u8) {
        let Some((id, asked)) = self.to_answer.pop_front() else { return };
        let response = if argument < 192 { fitting(&asked, argument) } else { any_response(argument) };
        let vote =
            response.may_vote().then_some(Vote { set: crate::id::SetHash([argument; 32]), shards: None });
        self.say(&Message::Response { id, response, vote });
    }

    fn transmit(&mut self) {
        while let Some(bytes) = self.session.poll_transmit() {
            assert!(self.session.sent(bytes.len()));
            self.wire.extend(&bytes);
        }
    }
}

fn member() -> LocalRole {
    let identity = link_identity(30);
    let admission = admitted(&identity);
    LocalRole::Node { identity, admission, addrs: Vec::new(), incarnation: [30; 16], control: None }
}

/// One of the requests that there are, about few owners, names and objects, so that they meet.
fn request(argument: u8) -> Request {
    let mut choices = Choices::new(core::slice::from_ref(&argument));
    let (kind, variant) = (choices.byte() % 21, argument / 21);
    let (owner, name) = (owner(), name(variant));
    match kind {
        0 => Request::Have { pins: vec![pin(variant)] },
        1 => Request::PutBlob { pins: vec![pin(variant)], blob: blob(variant) },
        2 => Request::GetBlob { id: blob_id(variant), offset: 0, len: u32::from(variant) },
        3 => Request::PutRecord { record: listing(variant) },
        4 => Request::PutRecord { record: tombstone(variant) },
        5 => Request::PutRecord { record: floor(variant) },
        6 => Request::GetRecord { owner, name },
        7 => Request::ListRecords { owner, after: None, rows: u16::from(variant), shards: (0, 255) },
        8 => Request::Status,
        9 => Request::Evict { owner, name: (variant > 6).then_some(name) },
        10 => Request::Verify { after: None },
        11 => Request::VerifyRecords { after: None },
        12 => Request::Peers,
        13 => Request::Invite { node: variant % 2 == 1 },
        14 => Request::Leave { cancel: variant % 2 == 0 },
        15 => Request::Ping { unix_ms: u64::from(variant) },
        16 => Request::View(view(variant)),
        17 => pulling(variant),
        18 => Request::PutPins {
            pins: vec![PulledPin { pin: pin(variant), lease_ms: 5, pending: variant % 2 == 1 }],
        },
        19 => Request::CheckPins { lapse: variant % 2 == 1, checks: vec![check(variant)] },
        _ => Request::Forget { record: tombstone(variant) },
    }
}

fn pulling(variant: u8) -> Request {
    match variant % 4 {
        0 => Request::PullRecords { placement: [0; 32], part: PullPart::Records, after: None, rows: 10 },
        1 => Request::PullRecords { placement: [0; 32], part: PullPart::Promises, after: None, rows: 10 },
        2 => Request::PullPins { placement: [0; 32], after: None, rows: 10 },
        _ => Request::Prove { nonce: [1; 32], blobs: vec![blob_id(variant)] },
    }
}

/// An answer of the kind that was asked for.
fn fitting(asked: &Request, variant: u8) -> Response {
    let some = variant % 4;
    let done = || Response::Stored { copies: some, wanted: 2 };
    let refusal = [ErrorCode::NotFound, ErrorCode::Busy, ErrorCode::OtherSet, ErrorCode::NoSpace];
    if variant >= 128 {
        return Response::Error(refusal[usize::from(some)].into());
    }
    match asked {
        Request::Have { pins } => Response::Have { copies: vec![some; pins.len()], wanted: 2 },
        Request::PutBlob { .. } | Request::PutRecord { .. } => done(),
        Request::GetBlob { .. } => Response::Blob { source: NodeId([30; 32]), bytes: blob(variant) },
        Request::GetRecord { .. } => {
            Response::Record { record: (some > 0).then(|| listing(variant)), floor: None, fresh: some > 1 }
        }
        Request::ListRecords { .. } => {
            let records = if some > 0 { vec![listing(variant)] } else { Vec::new() };
            Response::Records { records, next: None, floor: None, complete: some > 1 }
        }
        Request::Evict { .. } => Response::Evicted { blobs: 1, bytes: 2 },
        Request::Verify { .. } => {
            Response::Verified { checked: 1, bytes: 2, damaged: Vec::new(), next: None }
        }
        Request::VerifyRecords { .. } => {
            Response::VerifiedRecords(VerifiedRecords { checked: 1, damaged: Vec::new(), next: None })
        }
        Request::Peers => Response::Peers(Vec::new()),
        Request::Leave { .. } => Response::Leave { done: some > 0, waits_for: Vec::new(), strays: 0 },
        Request::Ping { unix_ms } => Response::Pong { unix_ms: *unix_ms },
        Request::View(page) if some > 0 => {
            Response::View(MembershipPage { digest: page.digest, ..MembershipPage::default() })
        }
        Request::View(_) => Response::View(view(variant)),
        Request::PullRecords { .. } => Response::PulledRecords(RecordsPage::default()),
        Request::PullPins { .. } => {
            let pulled = PulledPin { pin: pin(variant), lease_ms: 9, pending: some > 1 };
            Response::PulledPins(PinsPage {
                pins: if some > 0 { vec![pulled] } else { Vec::new() },
                next: None,
            })
        }
        Request::Prove { blobs, .. } => Response::Proved(vec![None; blobs.len()]),
        Request::PutPins { .. } => Response::PinsKept(PinsKept::default()),
        Request::CheckPins { checks, .. } => Response::Checked(vec![PinState::Nothing; checks.len()]),
        Request::Forget { .. } => Response::Forgotten { clean: some > 0 },
        _ => Response::Done,
    }
}

/// Of any kind, whatever was asked.
fn any_response(variant: u8) -> Response {
    fitting(&request(variant % 100), variant % 128)
}

fn view(variant: u8) -> MembershipPage {
    let standing = Standing {
        epoch: u64::MAX >> (variant % 64),
        out: vec![(NodeId([30; 32]), Out::Gone)],
        unheard: vec![(NodeId([variant; 32]), u64::MAX)],
        ..Standing::default()
    };
    let admissions =
        vec![(admitted(&link_identity(30 + variant)), vec!["10.0.0.9:4270".parse().expect("an address")])];
    MembershipPage {
        digest: [variant; 32],
        admissions,
        standing: Some(Box::new(standing)),
        ..MembershipPage::default()
    }
}

fn blob(variant: u8) -> Bytes {
    vec![variant; usize::from(variant) + 1].into()
}

fn blob_id(variant: u8) -> BlobId {
    SUITE.blob_id(&blob(variant))
}

fn owner() -> OwnerId {
    OwnerId(*key(7).public())
}

fn name(variant: u8) -> Name {
    Name([1 + variant % 2; 32])
}

fn version(variant: u8) -> Version {
    Version::new(1_800_000_000_000, u16::from(variant), [1; 8]).expect("not past the end of time")
}

fn pin(variant: u8) -> Pin {
    let body = PinBody {
        owner: owner(),
        name: name(variant),
        object: OBJECT,
        since: version(variant / 2),
        blob: blob_id(variant),
        length: blob(variant).len() as u32,
        grant: None,
    };
    Pin::sign(&network(), &key(7), body)
}

fn check(variant: u8) -> PinCheck {
    PinCheck { owner: owner(), name: name(variant), object: OBJECT, since: version(variant / 2) }
}

fn tombstone(variant: u8) -> Record {
    signed(header(name(variant), Kind::File, variant), &[])
}

/// The record of a file of one object.
fn listing(variant: u8) -> Record {
    let live = vec![LiveObject { object: OBJECT, bytes: u64::from(variant) + 1, blobs: 1 }];
    signed(Header { live, ..header(name(variant), Kind::File, variant / 2) }, b"a sealed head")
}

fn floor(variant: u8) -> Record {
    let floor = Some(Floor { version: version(variant), grant_epoch: 0 });
    signed(Header { floor, ..header(Name([0; 32]), Kind::Floor, variant) }, &[])
}

fn signed(header: Header, head: &[u8]) -> Record {
    Record::sign(SUITE, &network(), &key(7), header, head, &[]).expect("a record in order")
}

fn header(name: Name, kind: Kind, variant: u8) -> Header {
    Header {
        owner: owner(),
        name,
        kind,
        version: version(variant),
        key_epoch: 0,
        live: Vec::new(),
        expires: 0,
        head: Default::default(),
        body: Default::default(),
        file_epoch: 0,
        floor: None,
        grant: None,
        unknown: Default::default(),
    }
}
