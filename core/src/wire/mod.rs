//! What is sent: frames, segments, messages, tokens. Byte by byte in `PROTOCOL.md`.
//!
//! Parses and builds; decides nothing, and knows neither links nor keys.

mod codec;
mod frame;
mod hello;
mod message;
mod request;
mod response;
mod token;

pub use codec::{Reader, Writer};
pub use frame::{FrameBuffer, MAX_FRAME, SEGMENT_HEADER, Segment};
pub use hello::{Hello, OwnerProof, Role};
pub use message::{Class, CloseReason, MESSAGE_HEADER, Message, Outline};
pub use request::{ListCursor, Request};
pub use response::{ErrorCode, PeerState, PeerStatus, Response, Status, WireError};
pub use token::{Token, TokenError};

pub use crate::config::PROTOCOL_VERSION;
