//! Messages: `u8 kind ‖ u32 request id ‖ body`.

use super::{Hello, Request, Response};
use crate::error::MalformedMessage;
use bytes::Bytes;

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

/// One message.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Message {
    /// The first of each side.
    Hello(Hello),
    /// Gives the receiver leave for so many more bytes of a class.
    Credit {
        /// Terminal or relay.
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
    },
}

impl Message {
    /// The bytes in two pieces, so that a bulk payload at the end of a message is never copied: what comes before it, and it.
    pub fn encode(&self) -> (Bytes, Bytes) {
        todo!()
    }
    /// Reads a message that fills `bytes`; payloads are slices of it.
    pub fn decode(_bytes: Bytes) -> Result<Self, MalformedMessage> {
        todo!()
    }
}

/// Bytes of a message before its body.
pub const MESSAGE_HEADER: usize = 5;

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
    pub const fn read(_header: &[u8; MESSAGE_HEADER], _from_client: bool) -> Option<Self> {
        todo!()
    }
}
