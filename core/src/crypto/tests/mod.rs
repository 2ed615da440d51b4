//! Tests of the cryptography: against the vectors of the standards, then what our own constructions promise.

mod identities;
mod keys;
mod seals;
mod standards;
mod words;

use super::Suite;
use alloc::vec::Vec;

/// Both suites: what is promised holds in the simulator too.
const SUITES: [Suite; 2] = [Suite::Real, Suite::Sim];

/// Bytes of a hexadecimal text, spaces and line breaks between the digits allowed.
fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text
        .chars()
        .filter(|c| !c.is_whitespace())
        .map(|c| c.to_digit(16).expect("a hexadecimal digit") as u8)
        .collect();
    assert_eq!(digits.len() % 2, 0, "two digits make a byte");
    digits.chunks_exact(2).map(|pair| pair[0] << 4 | pair[1]).collect()
}

/// The same, where the length is known.
fn array<const N: usize>(text: &str) -> [u8; N] {
    hex(text).try_into().expect("as many bytes as wanted")
}
