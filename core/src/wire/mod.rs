//! What is sent: frames, segments, messages, tokens. Byte by byte in `PROTOCOL.md`.
//!
//! Parses and builds; decides nothing, and knows neither links nor keys.

mod check;
mod frame;
mod hello;
mod message;
mod page;
mod pull;
mod request;
mod response;
mod standing;
mod status;
mod token;
mod vote;

#[cfg(test)]
mod tests;

pub use crate::codec::{Reader, Writer};
pub use check::{PinCheck, PinState};
pub use frame::{FRAME_TAG, FrameBuffer, MAX_FRAME, MAX_SEGMENT, SEGMENT_HEADER, Segment};
pub use hello::{Hello, OwnerProof, Role};
pub use message::{Class, CloseReason, MESSAGE_HEADER, Message, Outline};
pub use page::MembershipPage;
pub use pull::{PinKept, PinsKept, PinsPage, PullCursor, PullPart, PulledPin, PulledRecord, RecordsPage};
pub use request::{ListCursor, Request};
pub use response::{ErrorCode, Response, WireError};
pub use standing::{Out, PastMember, PastPlacement, Standing};
pub use status::{PeerState, PeerStatus, Status};
pub use token::{Token, TokenError};
pub use vote::{Shards, Vote};

pub use crate::config::PROTOCOL_VERSION;
