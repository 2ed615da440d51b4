//! Reading and writing big-endian fields over [`Bytes`]: bounded, without copies, never a panic.
//!
//! Ground for everything that has bytes of its own: records, messages, tokens, vault files. Knows
//! nothing of any of them.

use bytes::{Buf as _, BufMut as _, Bytes, BytesMut};
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use crate::config::limit;
use crate::error::MalformedMessage;

/// The tag of a bulk payload: the highest one, so that the payload is the last of the optional fields
/// and thereby the end of its message.
pub const PAYLOAD_TAG: u16 = u16::MAX;

/// Bytes of an optional field before its value: tag and length.
pub const FIELD_HEADER: usize = 6;

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
        Ok(self.array::<1>()?[0])
    }

    /// Two bytes.
    pub fn u16(&mut self) -> Result<u16, MalformedMessage> {
        Ok(u16::from_be_bytes(self.array()?))
    }

    /// Four bytes.
    pub fn u32(&mut self) -> Result<u32, MalformedMessage> {
        Ok(u32::from_be_bytes(self.array()?))
    }

    /// Eight bytes.
    pub fn u64(&mut self) -> Result<u64, MalformedMessage> {
        Ok(u64::from_be_bytes(self.array()?))
    }

    /// One byte that is 0 or 1.
    pub fn flag(&mut self) -> Result<bool, MalformedMessage> {
        match self.u8()? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(MalformedMessage::Value),
        }
    }

    /// `N` bytes.
    pub fn array<const N: usize>(&mut self) -> Result<[u8; N], MalformedMessage> {
        let array = *self.rest.first_chunk::<N>().ok_or(MalformedMessage::Short)?;
        self.rest.advance(N);
        Ok(array)
    }

    /// `len` bytes, as a slice of the buffer.
    pub fn take(&mut self, len: usize) -> Result<Bytes, MalformedMessage> {
        if len > self.rest.len() {
            return Err(MalformedMessage::Short);
        }
        Ok(self.rest.split_to(len))
    }

    /// A `u16` length that is at most `max`, then that many bytes.
    pub fn bytes16(&mut self, max: usize) -> Result<Bytes, MalformedMessage> {
        let len = usize::from(self.u16()?);
        self.bounded(len, max)
    }

    /// As [`bytes16`](Self::bytes16), with four bytes of length.
    pub fn bytes32(&mut self, max: usize) -> Result<Bytes, MalformedMessage> {
        let len = usize::try_from(self.u32()?).map_err(|_| MalformedMessage::Limit)?;
        self.bounded(len, max)
    }

    fn bounded(&mut self, len: usize, max: usize) -> Result<Bytes, MalformedMessage> {
        if len > max {
            return Err(MalformedMessage::Limit);
        }
        self.take(len)
    }

    /// A `u16` count that is at most `max`.
    pub fn count(&mut self, max: usize) -> Result<usize, MalformedMessage> {
        let count = usize::from(self.u16()?);
        if count > max { Err(MalformedMessage::Limit) } else { Ok(count) }
    }

    /// `u8 4 or 6 ‖ 4 or 16 bytes ‖ u16 port`.
    pub fn addr(&mut self) -> Result<SocketAddr, MalformedMessage> {
        let ip = match self.u8()? {
            4 => IpAddr::V4(Ipv4Addr::from(self.array::<4>()?)),
            6 => IpAddr::V6(Ipv6Addr::from(self.array::<16>()?)),
            _ => return Err(MalformedMessage::Value),
        };
        Ok(SocketAddr::new(ip, self.u16()?))
    }

    /// What is left.
    pub const fn rest(&self) -> &Bytes {
        &self.rest
    }

    /// The next of the optional fields at the end: `u16 tag ‖ u32 length ‖ bytes`, tags rising. `None` at the end
    /// of the buffer. `last` is `None` before the first call and belongs to this method between calls.
    pub fn field(&mut self, last: &mut Option<u16>) -> Result<Option<(u16, Bytes)>, MalformedMessage> {
        if self.rest.is_empty() {
            return Ok(None);
        }
        let tag = self.u16()?;
        if last.is_some_and(|last| tag <= last) {
            return Err(MalformedMessage::FieldOrder);
        }
        *last = Some(tag);
        let value = self.bytes32(usize::MAX)?;
        Ok(Some((tag, value)))
    }

    /// Skips optional fields, which this version does not know, to the end.
    pub fn finish(self) -> Result<(), MalformedMessage> {
        self.fields([]).map(|[]| ())
    }

    /// Takes the optional fields of these tags out of those to the end; the others are skipped.
    pub fn fields<const N: usize>(mut self, tags: [u16; N]) -> Result<[Option<Bytes>; N], MalformedMessage> {
        let mut found = [const { None }; N];
        let (mut last, mut total) = (None, 0);
        while let Some((tag, value)) = self.field(&mut last)? {
            skip(&mut total, &value)?;
            if let Some((_, place)) = tags.iter().zip(&mut found).find(|(of, _)| **of == tag) {
                *place = Some(value);
            }
        }
        Ok(found)
    }

    /// Skips optional fields up to the payload, which ends the buffer and has at most `max` bytes.
    pub fn payload(mut self, max: usize) -> Result<Bytes, MalformedMessage> {
        let (mut last, mut total) = (None, 0);
        while let Some((tag, value)) = self.field(&mut last)? {
            if tag != PAYLOAD_TAG {
                skip(&mut total, &value)?;
            } else if value.len() > max {
                return Err(MalformedMessage::Limit);
            } else if self.rest.is_empty() {
                return Ok(value);
            } else {
                return Err(MalformedMessage::Trailing);
            }
        }
        Err(MalformedMessage::Short)
    }
}

fn skip(total: &mut usize, value: &Bytes) -> Result<(), MalformedMessage> {
    *total = total.saturating_add(FIELD_HEADER).saturating_add(value.len());
    if *total > limit::FIELDS { Err(MalformedMessage::Limit) } else { Ok(()) }
}

/// Puts fields together. Lengths that their field cannot hold are cut to what it can: callers bound theirs.
#[derive(Debug, Default)]
pub struct Writer {
    out: BytesMut,
}

impl Writer {
    /// An empty one with room for so many bytes.
    pub fn with_capacity(bytes: usize) -> Self {
        Self { out: BytesMut::with_capacity(bytes) }
    }

    /// One byte.
    pub fn u8(&mut self, value: u8) {
        self.out.put_u8(value);
    }

    /// Two bytes.
    pub fn u16(&mut self, value: u16) {
        self.out.put_u16(value);
    }

    /// Four bytes.
    pub fn u32(&mut self, value: u32) {
        self.out.put_u32(value);
    }

    /// Eight bytes.
    pub fn u64(&mut self, value: u64) {
        self.out.put_u64(value);
    }

    /// One byte that is 0 or 1.
    pub fn flag(&mut self, value: bool) {
        self.out.put_u8(u8::from(value));
    }

    /// Bytes without a length.
    pub fn raw(&mut self, bytes: &[u8]) {
        self.out.put_slice(bytes);
    }

    /// A `u16` length, then the bytes.
    pub fn bytes16(&mut self, bytes: &[u8]) {
        let len = u16::try_from(bytes.len()).unwrap_or(u16::MAX);
        self.out.put_u16(len);
        self.out.put_slice(&bytes[..usize::from(len)]);
    }

    /// A `u32` length, then the bytes.
    pub fn bytes32(&mut self, bytes: &[u8]) {
        let len = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
        self.out.put_u32(len);
        // On a machine where a slice can be longer than this, `u32` fits `usize`.
        self.out.put_slice(&bytes[..len as usize]);
    }

    /// A `u16` count; at most `max`, which is also what may follow.
    pub fn count(&mut self, count: usize, max: usize) -> usize {
        let count = u16::try_from(count.min(max)).unwrap_or(u16::MAX);
        self.out.put_u16(count);
        usize::from(count)
    }

    /// `u8 4 or 6 ‖ 4 or 16 bytes ‖ u16 port`. The scope of an IPv6 address means nothing to others and stays here.
    pub fn addr(&mut self, addr: &SocketAddr) {
        match addr.ip() {
            IpAddr::V4(ip) => {
                self.out.put_u8(4);
                self.out.put_slice(&ip.octets());
            }
            IpAddr::V6(ip) => {
                self.out.put_u8(6);
                self.out.put_slice(&ip.octets());
            }
        }
        self.out.put_u16(addr.port());
    }

    /// An optional field; the caller writes them with rising tags.
    pub fn field(&mut self, tag: u16, value: &[u8]) {
        self.out.put_u16(tag);
        self.bytes32(value);
    }

    /// Tag and length of a payload that follows by itself.
    pub fn payload_header(&mut self, len: usize) {
        self.out.put_u16(PAYLOAD_TAG);
        self.out.put_u32(u32::try_from(len).unwrap_or(u32::MAX));
    }

    /// How many bytes were written.
    pub fn len(&self) -> usize {
        self.out.len()
    }

    /// True if nothing was written.
    pub fn is_empty(&self) -> bool {
        self.out.is_empty()
    }

    /// What was written so far.
    pub fn written(&self) -> &[u8] {
        &self.out
    }

    /// What was written.
    pub fn freeze(self) -> Bytes {
        self.out.freeze()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;
    use proptest::collection::{btree_map, vec};
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn fields_are_read_as_they_were_written(
            numbers: (u8, u16, u32, u64, bool), short in vec(any::<u8>(), 0..300), long: Vec<u8>, addr: (IpAddr, u16),
        ) {
            let addr = SocketAddr::from(addr);
            let mut out = Writer::default();
            out.u8(numbers.0);
            out.u16(numbers.1);
            out.u32(numbers.2);
            out.u64(numbers.3);
            out.flag(numbers.4);
            out.bytes16(&short);
            out.bytes32(&long);
            out.addr(&addr);
            let mut reader = Reader::new(out.freeze());
            let read = (reader.u8(), reader.u16(), reader.u32(), reader.u64(), reader.flag());
            prop_assert_eq!(read, (Ok(numbers.0), Ok(numbers.1), Ok(numbers.2), Ok(numbers.3), Ok(numbers.4)));
            prop_assert_eq!(reader.bytes16(300), Ok(short.into()));
            prop_assert_eq!(reader.bytes32(long.len()), Ok(long.into()));
            prop_assert_eq!(reader.addr(), Ok(addr));
            prop_assert!(reader.rest().is_empty());
        }

        #[test]
        fn optional_fields_are_found_by_their_tags_and_the_others_skipped(
            fields in btree_map(0..20_u16, vec(any::<u8>(), 0..50), 0..8), tag in 0..20_u16,
        ) {
            let mut out = Writer::default();
            fields.iter().for_each(|(tag, value)| out.field(*tag, value));
            let bytes = out.freeze();
            let expected = fields.get(&tag).map(|value| Bytes::copy_from_slice(value));
            prop_assert_eq!(Reader::new(bytes.clone()).fields([tag]), Ok([expected]));
            prop_assert_eq!(Reader::new(bytes).finish(), Ok(()));
        }
    }
}
