//! The 24 words (BIP-39, English list): they are the entropy, with its checksum.

use super::Secret;
use crate::error::VaultError;
use alloc::format;
use alloc::string::{String, ToString as _};
use bip39::{Error, Language, Mnemonic};
use zeroize::{Zeroize as _, Zeroizing};

/// Words of a vault.
const WORDS: usize = 24;
/// Letters of the longest word of the list.
const LONGEST_WORD: usize = 8;

/// The words of 32 bytes of entropy, separated by single spaces.
pub fn words_from_entropy(entropy: &Secret<32>) -> Zeroizing<String> {
    let mnemonic = Mnemonic::from_entropy_in(Language::English, entropy.expose())
        .expect("32 bytes are one of the lengths of BIP-39");
    // All room at once: growing would leave copies behind.
    let mut words = Zeroizing::new(String::with_capacity(WORDS * (LONGEST_WORD + 1)));
    for word in mnemonic.words() {
        if !words.is_empty() {
            words.push(' ');
        }
        words.push_str(word);
    }
    words
}

/// The entropy of 24 words, separated by any white space, in any case.
pub fn entropy_from_words(words: &str) -> Result<Secret<32>, VaultError> {
    let count = words.split_whitespace().count();
    if count != WORDS {
        return Err(VaultError::Words(format!("there are {count} words")));
    }
    let words = Zeroizing::new(words.to_ascii_lowercase());
    let mnemonic = Mnemonic::parse_in_normalized(Language::English, &words).map_err(|error| {
        VaultError::Words(match error {
            Error::UnknownWord(index) => format!("word {} is not in the list", index + 1),
            _ => "the checksum does not fit, so a word is wrong or out of place".to_string(),
        })
    })?;
    // One byte is room for the checksum of the longest list.
    let (mut entropy, _) = mnemonic.to_entropy_array();
    let secret = Secret::filled_by(|out| out.copy_from_slice(&entropy[..32]));
    entropy.zeroize();
    Ok(secret)
}
