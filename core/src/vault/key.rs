//! Key strings: what a user calls a file.

use alloc::string::String;
use thiserror::Error;
use unicode_normalization::UnicodeNormalization as _;
use unicode_properties::{GeneralCategory, UnicodeGeneralCategory as _};

use crate::config::limit;

/// The Unicode version whose tables decide what is assigned and how NFC is made. Frozen: another version could give the
/// same string another name.
pub const UNICODE_VERSION: (u8, u8, u8) = (18, 0, 0);

/// Why a string is no key.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
pub enum BadKey {
    /// The empty string.
    #[error("a key has at least one byte")]
    Empty,
    /// Over 1,024 bytes in NFC.
    #[error("a key has at most 1,024 bytes of UTF-8 in normal form: shorten it")]
    TooLong,
    /// It holds U+0000.
    #[error("a key must not hold a NUL")]
    Nul,
    /// It holds a code point that is not assigned in [`UNICODE_VERSION`], whose normal form may yet change.
    #[error("a key must not hold unassigned code points")]
    Unassigned,
}

/// The key in normal form (NFC): names are made of this alone.
pub fn normalise_key(key: &str) -> Result<String, BadKey> {
    if key.is_empty() {
        return Err(BadKey::Empty);
    }
    for c in key.chars() {
        if c == '\0' {
            return Err(BadKey::Nul);
        }
        if c.general_category() == GeneralCategory::Unassigned {
            return Err(BadKey::Unassigned);
        }
    }
    let mut normal = String::with_capacity(key.len().min(limit::KEY));
    for c in key.nfc() {
        if normal.len() + c.len_utf8() > limit::KEY {
            return Err(BadKey::TooLong);
        }
        normal.push(c);
    }
    Ok(normal)
}
