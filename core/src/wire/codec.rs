//! Reading and writing big-endian fields over [`Bytes`]: bounded, without copies, never a panic.

use crate::error::MalformedMessage;
use bytes::{Bytes, BytesMut};

/// Takes fields off the front of a buffer.
#[derive(Clone, Debug)]
pub struct Reader {
    rest: Bytes,
}

impl Reader {
    /// Begins at the front.
    pub const fn new(bytes: Bytes) -> Self {
        Self { rest: bytes }
    }
    /// One byte.
    pub fn u8(&mut self) -> Result<u8, MalformedMessage> {
        todo!()
    }
    /// Two bytes.
    pub fn u16(&mut self) -> Result<u16, MalformedMessage> {
        todo!()
    }
    /// Four bytes.
    pub fn u32(&mut self) -> Result<u32, MalformedMessage> {
        todo!()
    }
    /// Eight bytes.
    pub fn u64(&mut self) -> Result<u64, MalformedMessage> {
        todo!()
    }
    /// `N` bytes.
    pub fn array<const N: usize>(&mut self) -> Result<[u8; N], MalformedMessage> {
        todo!()
    }
    /// `len` bytes, as a slice of the buffer.
    pub fn take(&mut self, _len: usize) -> Result<Bytes, MalformedMessage> {
        todo!()
    }
    /// A `u16` or `u32` length that is at most `max`, then that many bytes.
    pub fn bytes16(&mut self, _max: usize) -> Result<Bytes, MalformedMessage> {
        todo!()
    }
    /// As [`bytes16`](Self::bytes16), with four bytes of length.
    pub fn bytes32(&mut self, _max: usize) -> Result<Bytes, MalformedMessage> {
        todo!()
    }
    /// What is left.
    pub const fn rest(&self) -> &Bytes {
        &self.rest
    }
    /// The optional fields at the end: `u16 tag ‖ u32 length ‖ bytes`, tags rising; unknown ones are skipped by the caller. Ends exactly at the end of the buffer.
    pub fn field(&mut self, _last: &mut Option<u16>) -> Result<Option<(u16, Bytes)>, MalformedMessage> {
        todo!()
    }
    /// Skips unknown optional fields to the end.
    pub fn finish(self) -> Result<(), MalformedMessage> {
        todo!()
    }
}

/// Puts fields together.
#[derive(Debug, Default)]
pub struct Writer {
    out: BytesMut,
}

impl Writer {
    /// An empty one with room for so many bytes.
    pub fn with_capacity(bytes: usize) -> Self {
        Self { out: BytesMut::with_capacity(bytes) }
    }
    /// What was written.
    pub fn freeze(self) -> Bytes {
        self.out.freeze()
    }
}
