//! Cutting a stream into pieces by its content, so that an insertion changes only the pieces around it.
//!
//! The cuts are those of FastCDC (2020) at normalisation level 1, found byte by byte: the state between two bytes is a
//! hash and a position, so the cuts cannot depend on how the stream was fed, and nothing beyond the piece is held.

use crate::config::limit;
use crate::crypto::Secret;
use alloc::boxed::Box;

/// No piece but the last of a file is shorter.
pub const CHUNK_MIN: usize = 256 << 10;
/// Where the mask changes: about the mean length of pieces.
pub const CHUNK_AVERAGE: usize = 1 << 20;
/// No piece is longer.
pub const CHUNK_MAX: usize = limit::PIECE;

/// The 256 words that the rolling hash adds, one for each byte value: the vault's own, so that piece lengths do not tell
/// which known file this is.
pub fn gear_table(_chunk_key: &Secret<32>) -> Box<[u64; 256]> {
    todo!()
}

/// Finds the cuts of one stream.
pub struct Chunker {}
