//! The 24 words (BIP-39, English list): they are the entropy, with its checksum.

use super::Secret;
use crate::error::VaultError;
use alloc::string::String;

/// The words of 32 bytes of entropy, separated by single spaces.
pub fn words_from_entropy(_entropy: &Secret<32>) -> String {
    todo!()
}

/// The entropy of 24 words, separated by any white space, in any case.
pub fn entropy_from_words(_words: &str) -> Result<Secret<32>, VaultError> {
    todo!()
}
