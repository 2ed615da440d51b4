//! Frames and segments: `u16 length ‖ ciphertext`, inside it `(u32 stream ‖ u8 flags ‖ u16 length ‖ bytes)…`.

use alloc::collections::VecDeque;
use bytes::{Buf as _, BufMut as _, Bytes, BytesMut};

use crate::codec::Reader;
use crate::error::{MalformedMessage, PeerFault};

/// The longest ciphertext of a frame.
pub const MAX_FRAME: usize = 65_535;
/// Bytes of a segment before its payload.
pub const SEGMENT_HEADER: usize = 7;
/// Bytes that encryption adds to a frame.
pub const FRAME_TAG: usize = 16;
/// The longest payload of a segment: alone in the longest frame.
pub const MAX_SEGMENT: usize = MAX_FRAME - FRAME_TAG - SEGMENT_HEADER;

const PREFIX: usize = 2;

/// Collects received bytes and cuts them into frames.
///
/// Each byte is copied once, into the buffer in which its frame is decrypted. Whoever asks for frames until there is
/// none leaves less than one frame behind, however small the portions were.
#[derive(Debug, Default)]
pub struct FrameBuffer {
    /// The beginning of a frame, with its length; empty between frames.
    partial: BytesMut,
    /// What came after it.
    portions: VecDeque<Bytes>,
    buffered: usize,
}

impl FrameBuffer {
    /// Takes received bytes.
    pub fn push(&mut self, bytes: Bytes) {
        self.buffered += bytes.len();
        if !bytes.is_empty() {
            self.portions.push_back(bytes);
        }
    }

    /// The ciphertext of the next whole frame, without its length, to be decrypted in place; `None` until more bytes
    /// come. A frame of more than `max` bytes is a fault as soon as its length is known.
    pub fn frame(&mut self, max: usize) -> Result<Option<BytesMut>, PeerFault> {
        self.collect(PREFIX);
        let Some(prefix) = self.partial.first_chunk::<PREFIX>() else { return Ok(None) };
        let len = usize::from(u16::from_be_bytes(*prefix));
        if len > max {
            return Err(PeerFault::TooLarge);
        }
        self.collect(PREFIX + len);
        if self.partial.len() < PREFIX + len {
            return Ok(None);
        }
        self.buffered -= PREFIX + len;
        let mut frame = core::mem::take(&mut self.partial);
        frame.advance(PREFIX);
        Ok(Some(frame))
    }

    /// Bytes held.
    pub const fn buffered(&self) -> usize {
        self.buffered
    }

    /// Moves bytes from the portions until `partial` has `len`.
    fn collect(&mut self, len: usize) {
        self.partial.reserve(len.saturating_sub(self.partial.len()));
        while self.partial.len() < len
            && let Some(portion) = self.portions.front_mut()
        {
            let part = portion.split_to(portion.len().min(len - self.partial.len()));
            self.partial.put_slice(&part);
            if portion.is_empty() {
                self.portions.pop_front();
            }
        }
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
    /// Its bytes, at most [`MAX_SEGMENT`].
    pub bytes: Bytes,
}

const FIRST: u8 = 1;
const LAST: u8 = 2;

impl Segment {
    /// Reads the next segment off a decrypted frame.
    pub fn decode(frame: &mut Bytes) -> Result<Self, MalformedMessage> {
        let mut reader = Reader::new(core::mem::take(frame));
        let stream = reader.u32()?;
        let flags = reader.u8()?;
        if flags & !(FIRST | LAST) != 0 {
            return Err(MalformedMessage::Value);
        }
        let bytes = reader.bytes16(MAX_SEGMENT)?;
        *frame = reader.rest().clone();
        Ok(Self { stream, first: flags & FIRST != 0, last: flags & LAST != 0, bytes })
    }

    /// Appends the header of a segment with `len` bytes, which the caller appends after it.
    pub fn encode_header(stream: u32, first: bool, last: bool, len: u16, out: &mut BytesMut) {
        out.put_u32(stream);
        out.put_u8(if first { FIRST } else { 0 } | if last { LAST } else { 0 });
        out.put_u16(len);
    }

    /// Appends it to a frame's plaintext. Bytes past [`MAX_SEGMENT`] would fit no frame and are left out.
    pub fn encode_into(&self, out: &mut BytesMut) {
        let bytes = &self.bytes[..self.bytes.len().min(MAX_SEGMENT)];
        out.reserve(SEGMENT_HEADER + bytes.len());
        // MAX_SEGMENT is below 2^16.
        Self::encode_header(self.stream, self.first, self.last, bytes.len() as u16, out);
        out.put_slice(bytes);
    }
}
