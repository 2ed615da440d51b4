//! Cutting a stream into pieces by its content, so that an insertion changes only the pieces around it.
//!
//! The cuts are those of FastCDC (Xia et al., 2020) at normalisation level 1, found byte by byte: between two bytes
//! there is only a hash and a length, so cuts cannot depend on how the stream was fed, and nothing need be read ahead.

use alloc::boxed::Box;

use crate::config::limit;
use crate::crypto::{Secret, Suite, label};

/// No piece but the last of a file is shorter: below it nothing is hashed.
pub const CHUNK_MIN: usize = 256 << 10;
/// Where the mask changes; about the mean length of pieces.
pub const CHUNK_AVERAGE: usize = 1 << 20;
/// No piece is longer.
pub const CHUNK_MAX: usize = limit::PIECE;

/// Below the average a cut needs these 21 bits of the hash to be zero…
const MASK_SHORT: u64 = 0x0000_d917_6753_7000;
/// …and above it these 19.
const MASK_LONG: u64 = 0x0000_d917_0753_7000;

/// The 256 words that the rolling hash adds, one for each value of a byte: the first 2,048 bytes of keyed BLAKE3,
/// big-endian. They are the vault's own, so that the lengths of pieces do not tell at once which known file this is.
pub fn gear_table(suite: Suite, chunk_key: &Secret<32>) -> Box<[u64; 256]> {
    let bytes = suite.extend::<2048>(chunk_key, label::GEAR);
    let mut table = Box::new([0; 256]);
    for (word, bytes) in table.iter_mut().zip(bytes.expose().as_chunks().0) {
        *word = u64::from_be_bytes(*bytes);
    }
    table
}

/// Finds the cuts of one stream.
pub(super) struct Chunker {
    gear: Box<[u64; 256]>,
    /// The rolling hash of the piece's bytes from [`CHUNK_MIN`] on.
    hash: u64,
    /// Bytes of the piece so far.
    len: usize,
}

impl Chunker {
    /// At the beginning of a stream.
    pub(super) const fn new(gear: Box<[u64; 256]>) -> Self {
        Self { gear, hash: 0, len: 0 }
    }

    /// Takes the next bytes of the stream. `Some(n)`: the piece ends before the `n`-th of them; what follows was not
    /// taken and begins the next piece. `None`: all of them belong to the piece.
    pub(super) fn scan(&mut self, bytes: &[u8]) -> Option<usize> {
        let until = |end: usize| end.saturating_sub(self.len).min(bytes.len());
        let (first, middle, last) = (until(CHUNK_MIN), until(CHUNK_AVERAGE), until(CHUNK_MAX));
        let mut hash = self.hash;
        for (mask, from, to) in [(MASK_SHORT, first, middle), (MASK_LONG, middle, last)] {
            for (at, &byte) in bytes[from..to].iter().enumerate() {
                hash = (hash << 1).wrapping_add(self.gear[usize::from(byte)]);
                if hash & mask == 0 {
                    return Some(self.cut(from + at));
                }
            }
        }
        if self.len + last == CHUNK_MAX {
            return Some(self.cut(last));
        }
        self.hash = hash;
        self.len += bytes.len();
        None
    }

    fn cut(&mut self, at: usize) -> usize {
        (self.hash, self.len) = (0, 0);
        at
    }
}
