//! The path transform: the hex form of an id cut into folders.

use crate::id::BlobId;
use alloc::string::{String, ToString as _};
use thiserror::Error;

/// Hexadecimal digits of an id.
const HEX_DIGITS: usize = 2 * BlobId::LEN;

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
    /// A transform of one's own. Depth 0, with any width, puts all files into one folder.
    pub const fn new(depth: u8, width: u8) -> Result<Self, PathError> {
        // The product of two bytes fits two.
        let digits = depth as u16 * width as u16;
        if digits > HEX_DIGITS as u16 || (depth > 0 && width == 0) {
            return Err(PathError { depth, width });
        }
        Ok(Self { depth, width })
    }

    /// `ab/cd/abcd…`, with `/` between the parts.
    pub fn path(&self, id: &BlobId) -> String {
        let hex = id.to_string();
        let mut path = String::with_capacity(self.folders_len() + HEX_DIGITS);
        for folder in 0..usize::from(self.depth) {
            let start = folder * usize::from(self.width);
            // `new` has checked that all folders together need no more digits than there are.
            path.push_str(&hex[start..start + usize::from(self.width)]);
            path.push('/');
        }
        path.push_str(&hex);
        path
    }

    /// The id of a path that [`path`](Self::path) made; `None` for any other.
    pub fn id(&self, path: &str) -> Option<BlobId> {
        let id = BlobId::from_hex(path.get(self.folders_len()..)?)?;
        // Making it again checks the folders, and that the digits are lower case.
        (self.path(&id) == path).then_some(id)
    }

    /// Bytes of all folders, each with its `/`.
    fn folders_len(&self) -> usize {
        usize::from(self.depth) * (usize::from(self.width) + 1)
    }
}
