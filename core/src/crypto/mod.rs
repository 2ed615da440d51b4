//! Primitives, and the few ways in which they are used: one [`Suite`], two sealing functions, the key
//! hierarchy with its labels, identities, Argon2id, the 24 words.
//!
//! Knows nothing of files, records, peers or links.

mod identity;
mod kdf;
mod keys;
mod password;
mod seal;
mod secret;
#[cfg(any(test, feature = "sim"))]
mod sim;
mod suite;
#[cfg(test)]
mod tests;
mod words;

pub use identity::{LinkIdentity, Signature, SigningKey, node_id, signed_message};
pub use kdf::label;
pub use keys::{Master, ReadKeys, SpaceKeys};
pub use password::{PasswordParams, hash_password};
pub use seal::{
    OpenError, Part, SealedPiece, open_piece, open_record_part, padded_len, seal_piece, seal_record_part,
    sealed_part_len,
};
pub use secret::Secret;
#[cfg(any(test, feature = "sim"))]
pub(crate) use sim::checksum as sim_checksum;
pub use suite::Suite;
pub use words::{entropy_from_words, words_from_entropy};
