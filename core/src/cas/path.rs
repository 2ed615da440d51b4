//! The path transform: the hex form of an id cut into folders.

use crate::id::BlobId;
use alloc::string::String;
use thiserror::Error;

/// How an id becomes a relative path: `depth` folders of `width` hex digits, then the full hex as the file's name.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PathTransform {
    depth: u8,
    width: u8,
}

/// Settings that would need more digits than an id has.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
#[error("{depth} folders of {width} digits: at most 64 digits in all, each folder at least one")]
pub struct PathError {
    depth: u8,
    width: u8,
}

impl PathTransform {
    /// Two folders of two digits: 65,536 folders.
    pub const DEFAULT: Self = Self { depth: 2, width: 2 };
    /// A transform of one's own.
    pub const fn new(_depth: u8, _width: u8) -> Result<Self, PathError> {
        todo!()
    }
    /// `ab/cd/abcd…`, with `/` between the parts.
    pub fn path(&self, _id: &BlobId) -> String {
        let _ = (self.depth, self.width);
        todo!()
    }
    /// The id of a path that [`path`](Self::path) made; `None` for any other.
    pub fn id(&self, _path: &str) -> Option<BlobId> {
        todo!()
    }
}
