//! Tokens: what lets a client or a node into a network, on one line.

use crate::crypto::{Secret, Suite};
use crate::id::{NetworkId, NodeId};
use alloc::string::String;
use alloc::vec::Vec;
use core::net::SocketAddr;
use thiserror::Error;

/// `qs1` + base32 of version, kind, keys, peers, checksum; at most 512 characters.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Token {
    /// The epoch of `psk`.
    pub psk_epoch: u32,
    /// What every link of the network begins with.
    pub psk: Secret<32>,
    /// The public key that admissions are signed with.
    pub network_key: [u8; 32],
    /// The seed of the network's signing key: only in a token for nodes. Whoever holds it administers the network.
    pub signing_seed: Option<Secret<32>>,
    /// Where to begin; as many as fit.
    pub peers: Vec<(NodeId, SocketAddr)>,
}

/// Why a text is no token. Says nothing of its content.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
pub enum TokenError {
    /// Not `qs1…` of base32.
    #[error("not a token: it begins with qs1 and has only letters and the digits 2 to 7")]
    Form,
    /// Of another version or kind.
    #[error("a token of a version or kind that this program does not know")]
    Version,
    /// The checksum is wrong: mistyped or cut.
    #[error("the token is mistyped or cut")]
    Checksum,
}

impl Token {
    /// The text; peers that do not fit are left out.
    pub fn to_text(&self) -> String {
        todo!()
    }
    /// Reads it back.
    pub fn from_text(_text: &str) -> Result<Self, TokenError> {
        todo!()
    }
    /// The network's identity.
    pub fn network(&self, _suite: Suite) -> NetworkId {
        todo!()
    }
}
