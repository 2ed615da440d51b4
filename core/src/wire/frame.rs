//! Frames and segments: `u16 length ‖ ciphertext`, inside it `(u32 stream ‖ u8 flags ‖ u16 length ‖ bytes)…`.

use crate::error::{MalformedMessage, PeerFault};
use bytes::Bytes;

/// The longest ciphertext of a frame.
pub const MAX_FRAME: usize = 65_535;
/// Bytes of a segment before its payload.
pub const SEGMENT_HEADER: usize = 7;

/// Collects received bytes and cuts them into frames, holding at most one frame and what came with it.
#[derive(Debug, Default)]
pub struct FrameBuffer {}

impl FrameBuffer {
    /// Takes received bytes.
    pub fn push(&mut self, _bytes: Bytes) {
        todo!()
    }
    /// The ciphertext of the next whole frame, without its length; `None` until more bytes come.
    pub fn frame(&mut self, _max: usize) -> Result<Option<bytes::BytesMut>, PeerFault> {
        todo!()
    }
    /// Bytes held.
    pub fn buffered(&self) -> usize {
        todo!()
    }
}

/// A portion of a message.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Segment {
    /// Numbers a message among those under way in this direction.
    pub stream: u32,
    /// True in the first segment of a message; its payload begins with the message's length (u32).
    pub first: bool,
    /// True in the last.
    pub last: bool,
    /// Its bytes.
    pub bytes: Bytes,
}

impl Segment {
    /// Reads the next segment off a decrypted frame.
    pub fn decode(_frame: &mut Bytes) -> Result<Self, MalformedMessage> {
        todo!()
    }
    /// Appends the header of a segment with `len` bytes, which the caller appends after it.
    pub fn encode_header(_stream: u32, _first: bool, _last: bool, _len: u16, _out: &mut bytes::BytesMut) {
        todo!()
    }
    /// Appends it to a frame's plaintext.
    pub fn encode_into(&self, _out: &mut bytes::BytesMut) {
        todo!()
    }
}
