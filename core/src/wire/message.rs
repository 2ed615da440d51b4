//! Messages: `u8 kind ‖ u32 request id ‖ body ‖ optional fields`.

use bytes::Bytes;

use super::{Hello, Request, Response, Vote};
use crate::codec::{Reader, Writer};
use crate::crypto::Suite;
use crate::error::MalformedMessage;

/// What pays for a message's bytes, so that relaying cannot deadlock.
#[derive(Clone, Copy, PartialEq, Eq, Debug, PartialOrd, Ord)]
#[repr(u8)]
pub enum Class {
    /// Control and answers: a small reserve, bounded by the number of open requests, never blocked.
    Control = 0,
    /// Replica writes and repair: wait only for the disk.
    Terminal = 1,
    /// Client uploads: wait for terminal credit elsewhere.
    Relay = 2,
}

impl Class {
    /// What pays for a request of this kind from a client (`from_client`) or a node.
    pub(super) const fn of_request(kind: u8, from_client: bool) -> Self {
        match kind {
            kind::HAVE | kind::PUT_BLOB | kind::PUT_RECORD if from_client => Self::Relay,
            kind::HAVE | kind::PUT_BLOB | kind::PUT_RECORD | kind::PUT_PINS => Self::Terminal,
            _ => Self::Control,
        }
    }

    /// Reads the number of a class of which credit is kept.
    fn from_number(number: u8) -> Result<Self, MalformedMessage> {
        [Self::Terminal, Self::Relay]
            .into_iter()
            .find(|class| *class as u8 == number)
            .ok_or(MalformedMessage::Value)
    }
}

/// Why a link is closed on purpose.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum CloseReason {
    /// The sender stops.
    Shutdown = 0,
    /// A second link between the same nodes.
    Duplicate = 1,
    /// The peer's admission is missing, expired or removed.
    NotAdmitted = 2,
    /// The peer broke the protocol.
    Fault = 3,
    /// Nothing was to be done for long.
    Idle = 4,
    /// The sender has too many links.
    Full = 5,
    /// A reason that this version does not know.
    Other = 255,
}

impl CloseReason {
    fn from_number(number: u8) -> Self {
        [Self::Shutdown, Self::Duplicate, Self::NotAdmitted, Self::Fault, Self::Idle, Self::Full]
            .into_iter()
            .find(|reason| *reason as u8 == number)
            .unwrap_or(Self::Other)
    }
}

/// The numbers of the kinds of messages. What is named here and nowhere else is reserved: such a request is
/// answered `Unsupported`.
pub(super) mod kind {
    pub(crate) const HELLO: u8 = 0x00;
    pub(crate) const CREDIT: u8 = 0x01;
    pub(crate) const GOODBYE: u8 = 0x02;

    pub(crate) const FIRST_REQUEST: u8 = 0x10;
    pub(crate) const HAVE: u8 = 0x10;
    pub(crate) const PUT_BLOB: u8 = 0x11;
    pub(crate) const GET_BLOB: u8 = 0x12;
    pub(crate) const PUT_RECORD: u8 = 0x13;
    pub(crate) const GET_RECORD: u8 = 0x14;
    pub(crate) const LIST_RECORDS: u8 = 0x15;
    // 0x16 WatchRecords: reserved.
    pub(crate) const STATUS: u8 = 0x17;
    pub(crate) const EVICT: u8 = 0x20;
    pub(crate) const VERIFY: u8 = 0x21;
    pub(crate) const PEERS: u8 = 0x22;
    pub(crate) const INVITE: u8 = 0x23;
    pub(crate) const LEAVE: u8 = 0x24;
    pub(crate) const BAN: u8 = 0x25;
    pub(crate) const VERIFY_RECORDS: u8 = 0x26;
    pub(crate) const PING: u8 = 0x30;
    pub(crate) const VIEW: u8 = 0x31;
    // 0x32 FindSuccessor, 0x33 Notify, 0x34 Digest, 0x36 RotateNetworkKey: reserved.
    pub(crate) const CHECK_PINS: u8 = 0x35;
    pub(crate) const FORGET: u8 = 0x3A;
    pub(crate) const PULL_RECORDS: u8 = 0x37;
    pub(crate) const PULL_PINS: u8 = 0x38;
    pub(crate) const PROVE: u8 = 0x39;
    pub(crate) const PUT_PINS: u8 = 0x3B;
    /// Never given to any request: what a request of an unknown kind is written as.
    pub(crate) const NO_REQUEST: u8 = 0x7F;

    /// Answers have this bit, and mostly the number of their request.
    pub(crate) const ANSWER: u8 = 0x80;
    /// The answer to any request that was not done.
    pub(crate) const ERROR: u8 = 0xFF;
}

/// Bytes of a message before its body.
pub const MESSAGE_HEADER: usize = 5;

/// One message.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Message {
    /// The first of each side.
    Hello(Hello),
    /// Gives the receiver leave for so many more bytes of a class.
    Credit {
        /// Terminal or relay; of `Control` no credit is kept.
        class: Class,
        /// Bytes.
        bytes: u32,
    },
    /// The last: why the sender closes.
    Goodbye(CloseReason),
    /// A request under an id of the sender's choosing, unused among its open ones.
    Request {
        /// The id.
        id: u32,
        /// What is asked.
        request: Request,
    },
    /// A request of a kind that this version does not know; answered [`ErrorCode::Unsupported`](super::ErrorCode::Unsupported).
    UnknownRequest {
        /// The id.
        id: u32,
    },
    /// The one answer to a request.
    Response {
        /// The request's id.
        id: u32,
        /// The answer.
        response: Response,
        /// Between nodes, what the answerer stands for; only with answers that [can have one](Response::may_vote).
        vote: Option<Vote>,
    },
}

impl Message {
    /// An answer that stands for nothing.
    pub const fn response(id: u32, response: Response) -> Self {
        Self::Response { id, response, vote: None }
    }

    /// The bytes in two pieces, so that a bulk payload at the end of a message is never copied: what comes before it, and it.
    ///
    /// Never fails: of a list that is longer than its limit only the beginning is written.
    pub fn encode(&self) -> (Bytes, Bytes) {
        let mut out = Writer::with_capacity(128);
        let payload = match self {
            Self::Hello(hello) => {
                begin(&mut out, kind::HELLO, 0);
                hello.encode(&mut out);
                None
            }
            Self::Credit { class, bytes } => {
                begin(&mut out, kind::CREDIT, 0);
                out.u8(*class as u8);
                out.u32(*bytes);
                None
            }
            Self::Goodbye(reason) => {
                begin(&mut out, kind::GOODBYE, 0);
                out.u8(*reason as u8);
                None
            }
            Self::Request { id, request } => {
                begin(&mut out, request.kind(), *id);
                request.encode(&mut out)
            }
            Self::UnknownRequest { id } => {
                begin(&mut out, kind::NO_REQUEST, *id);
                None
            }
            Self::Response { id, response, vote } => {
                begin(&mut out, response.kind(), *id);
                let payload = response.encode(&mut out);
                if let Some(vote) = vote.filter(|_| response.may_vote()) {
                    vote.encode(&mut out);
                }
                payload
            }
        };
        if let Some(payload) = &payload {
            out.payload_header(payload.len());
        }
        (out.freeze(), payload.unwrap_or_default())
    }

    /// Reads a message that fills `bytes`; payloads, records and pins are slices of it. The parts of records are
    /// hashed here; signatures are for the receiver to verify.
    pub fn decode(suite: Suite, bytes: Bytes) -> Result<Self, MalformedMessage> {
        let mut body = Reader::new(bytes);
        let kind = body.u8()?;
        let id = body.u32()?;
        if kind < kind::FIRST_REQUEST {
            if id != 0 {
                return Err(MalformedMessage::Value);
            }
            return Self::decode_link(kind, body);
        }
        if kind & kind::ANSWER != 0 {
            let (response, vote) = Response::decode(suite, kind, body)?;
            return Ok(Self::Response { id, response, vote });
        }
        Ok(match Request::decode(suite, kind, body)? {
            Some(request) => Self::Request { id, request },
            None => Self::UnknownRequest { id },
        })
    }

    /// Messages that belong to the link itself.
    fn decode_link(kind: u8, mut body: Reader) -> Result<Self, MalformedMessage> {
        let message = match kind {
            kind::HELLO => return Ok(Self::Hello(Hello::decode(body)?)),
            kind::CREDIT => Self::Credit { class: Class::from_number(body.u8()?)?, bytes: body.u32()? },
            kind::GOODBYE => Self::Goodbye(CloseReason::from_number(body.u8()?)),
            _ => return Err(MalformedMessage::Value),
        };
        body.finish()?;
        Ok(message)
    }
}

fn begin(out: &mut Writer, kind: u8, id: u32) {
    out.u8(kind);
    out.u32(id);
}

/// What the first bytes of a message tell, before the rest has come.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Outline {
    /// A `Hello`.
    Hello,
    /// `Credit` or `Goodbye`.
    Link,
    /// A request, and what pays for its bytes.
    Request {
        /// The id.
        id: u32,
        /// Control, if the kind is unknown.
        class: Class,
    },
    /// An answer.
    Response {
        /// The request's id.
        id: u32,
    },
}

impl Outline {
    /// Reads it off the first bytes of a message that a client (`from_client`) or a node sends; `None` for a kind that is neither
    /// request nor answer nor known.
    pub const fn read(header: &[u8; MESSAGE_HEADER], from_client: bool) -> Option<Self> {
        let [kind, id @ ..] = *header;
        let id = u32::from_be_bytes(id);
        match kind {
            kind::HELLO => Some(Self::Hello),
            kind::CREDIT | kind::GOODBYE => Some(Self::Link),
            _ if kind < kind::FIRST_REQUEST => None,
            _ if kind < kind::ANSWER => {
                Some(Self::Request { id, class: Class::of_request(kind, from_client) })
            }
            _ => Some(Self::Response { id }),
        }
    }
}
