//! What is sent: frames, segments, messages, tokens. Byte by byte in `PROTOCOL.md`.
//!
//! Parses and builds; decides nothing, and knows neither links nor keys.
//!
//! * `frame`: frames and the segments in them; `message`: kinds, and what pays for them; `hello`: the first of each side;
//! * `request`, `response` and `refusal`: every other body, of which `check` and `pull` have what members ask of each other, `page`
//!   and `standing` what they tell of the membership and of themselves, `status` and `verified` what a node tells its user;
//! * `list`: lists that two limits bound; `vote`: the optional fields by which an answer counts; `token`: what lets somebody into a network.

mod check;
mod frame;
mod hello;
mod list;
mod message;
mod page;
mod pull;
mod refusal;
mod request;
mod response;
mod standing;
mod status;
mod token;
mod verified;
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
pub use refusal::{ErrorCode, WireError};
pub use request::{ListCursor, Request};
pub use response::Response;
pub use standing::{Out, PastMember, PastPlacement, Standing};
pub use status::{PeerState, PeerStatus, Status};
pub use token::{Token, TokenError};
pub use verified::VerifiedRecords;
pub use vote::{Shards, Vote};

pub use crate::config::PROTOCOL_VERSION;
