//! Receive buffers that go round, so that nothing is zeroed twice and bulk is not copied.

use bytes::{Bytes, BytesMut};
use std::collections::VecDeque;
use std::io::{self, Read};

/// One read takes this much at most: a few of the largest frames.
const READ: usize = 128 << 10;
/// Below it the bytes are copied out, so that a few bytes that a machine keeps never hold a whole buffer.
const COPY_BELOW: usize = 32 << 10;
/// Buffers that are remembered for the next use: what machines hold at once on a busy link.
const KEPT: usize = 8;

/// Initialised buffers, each given out as [`Bytes`] and taken back once nobody else holds it.
#[derive(Default)]
pub(crate) struct Buffers {
    current: Option<BytesMut>,
    lent: VecDeque<Bytes>,
}

impl Buffers {
    /// Reads once. Empty means the end of the stream.
    pub(crate) fn read(&mut self, source: &mut impl Read) -> io::Result<Bytes> {
        let mut buffer = match self.current.take() {
            Some(buffer) => buffer,
            None => self.reclaim(),
        };
        match source.read(&mut buffer) {
            Ok(n) if n >= COPY_BELOW => {
                let whole = buffer.freeze();
                let read = whole.slice(..n);
                if self.lent.len() == KEPT {
                    self.lent.pop_front();
                }
                self.lent.push_back(whole);
                Ok(read)
            }
            result => {
                let read = result.map(|n| Bytes::copy_from_slice(&buffer[..n]));
                self.current = Some(buffer);
                read
            }
        }
    }

    fn reclaim(&mut self) -> BytesMut {
        let free = self.lent.iter().position(Bytes::is_unique);
        let lent = free.and_then(|at| self.lent.remove(at));
        lent.and_then(|bytes| bytes.try_into_mut().ok()).unwrap_or_else(|| BytesMut::zeroed(READ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_buffer_that_was_let_go_is_used_again_with_its_whole_length() {
        let mut buffers = Buffers::default();
        let source = vec![7u8; 3 * READ];
        let mut source = source.as_slice();
        let first = buffers.read(&mut source).unwrap();
        let place = first.as_ptr();
        drop(first);
        let second = buffers.read(&mut source).unwrap();
        assert_eq!((second.as_ptr(), second.len()), (place, READ));
        let third = buffers.read(&mut source).unwrap();
        assert_ne!(third.as_ptr(), place, "a buffer that is held is not written to");
        assert!(second.iter().chain(&third).all(|byte| *byte == 7));
    }

    #[test]
    fn a_few_bytes_hold_no_buffer() {
        let mut buffers = Buffers::default();
        let first = buffers.read(&mut [1u8; 10].as_slice()).unwrap();
        let second = buffers.read(&mut [2u8; 20].as_slice()).unwrap();
        assert_eq!((&first[..], &second[..]), (&[1u8; 10][..], &[2u8; 20][..]));
        assert!(first.is_unique() && second.is_unique() && buffers.lent.is_empty());
    }
}
