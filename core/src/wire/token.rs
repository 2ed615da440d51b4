//! Tokens: what lets a client or a node into a network, on one line.

use alloc::string::String;
use alloc::vec::Vec;
use bytes::Bytes;
use core::net::SocketAddr;
use data_encoding::{BASE32_NOPAD, BASE32_NOPAD_NOCASE};
use thiserror::Error;
use zeroize::Zeroizing;

use crate::codec::{Reader, Writer};
use crate::config::limit;
use crate::crypto::{Secret, Suite, label};
use crate::error::MalformedMessage;
use crate::id::{NetworkId, NodeId};
use crate::record::network_id;

/// What every token begins with.
const PREFIX: &str = "qs1";
const VERSION: u8 = 1;
const FOR_CLIENT: u8 = 0;
const FOR_NODE: u8 = 1;
const CHECKSUM: usize = 4;
/// Bytes that fit the text: five bits a character.
const MAX_BYTES: usize = (limit::TOKEN - PREFIX.len()) * 5 / 8;

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
    /// The text, lower-case; peers that do not fit are left out.
    pub fn to_text(&self) -> Zeroizing<String> {
        let bytes = self.to_bytes();
        let mut text = Zeroizing::new(String::with_capacity(limit::TOKEN));
        text.push_str(PREFIX);
        BASE32_NOPAD.encode_append(&bytes, &mut text);
        text.make_ascii_lowercase();
        text
    }

    /// Reads it back, in either case; white space around it does not matter.
    pub fn from_text(text: &str) -> Result<Self, TokenError> {
        let text = text.trim_ascii();
        if text.len() > limit::TOKEN {
            return Err(TokenError::Form);
        }
        let (prefix, coded) = text.split_at_checked(PREFIX.len()).ok_or(TokenError::Form)?;
        if !prefix.eq_ignore_ascii_case(PREFIX) {
            return Err(TokenError::Form);
        }
        let bytes = BASE32_NOPAD_NOCASE.decode(coded.as_bytes()).map_err(|_| TokenError::Form)?;
        let bytes = Zeroizing::new(bytes);
        let split = bytes.len().checked_sub(CHECKSUM).ok_or(TokenError::Checksum)?;
        let (content, sum) = bytes.split_at(split);
        if checksum(content) != sum {
            return Err(TokenError::Checksum);
        }
        Self::decode(content)
    }

    /// The network's identity.
    pub fn network(&self, suite: Suite) -> NetworkId {
        network_id(suite, &self.network_key)
    }
}

impl Token {
    /// `version ‖ kind ‖ psk epoch ‖ psk ‖ network key ‖ [signing seed] ‖ u8 count ‖ (node, address)… ‖ checksum`.
    fn to_bytes(&self) -> Zeroizing<Vec<u8>> {
        // With all its room from the start it never moves and leaves no copy behind.
        let mut bytes = Zeroizing::new(Vec::with_capacity(MAX_BYTES));
        let kind = if self.signing_seed.is_some() { FOR_NODE } else { FOR_CLIENT };
        bytes.extend_from_slice(&[VERSION, kind]);
        bytes.extend_from_slice(&self.psk_epoch.to_be_bytes());
        bytes.extend_from_slice(self.psk.expose());
        bytes.extend_from_slice(&self.network_key);
        if let Some(seed) = &self.signing_seed {
            bytes.extend_from_slice(seed.expose());
        }
        let room = MAX_BYTES - CHECKSUM - bytes.len();
        bytes.extend_from_slice(&encode_peers(&self.peers, room));
        let sum = checksum(&bytes);
        bytes.extend_from_slice(&sum);
        bytes
    }

    fn decode(mut content: &[u8]) -> Result<Self, TokenError> {
        let [version, kind] = take(&mut content)?;
        if version != VERSION || kind > FOR_NODE {
            return Err(TokenError::Version);
        }
        let psk_epoch = u32::from_be_bytes(take(&mut content)?);
        let psk = Secret::new(take(&mut content)?);
        let network_key = take(&mut content)?;
        let signing_seed = if kind == FOR_NODE { Some(Secret::new(take(&mut content)?)) } else { None };
        let peers = decode_peers(content).map_err(|_| TokenError::Version)?;
        Ok(Self { psk_epoch, psk, network_key, signing_seed, peers })
    }
}

/// The next `N` bytes.
fn take<const N: usize>(content: &mut &[u8]) -> Result<[u8; N], TokenError> {
    let (array, rest) = content.split_first_chunk::<N>().ok_or(TokenError::Version)?;
    *content = rest;
    Ok(*array)
}

/// As many peers as fit `room` bytes, after their number.
fn encode_peers(peers: &[(NodeId, SocketAddr)], room: usize) -> Bytes {
    let mut out = Writer::default();
    let mut count = 0;
    for (node, addr) in peers {
        let mut peer = Writer::default();
        peer.raw(node.as_bytes());
        peer.addr(addr);
        if 1 + out.len() + peer.len() > room {
            break;
        }
        out.raw(&peer.freeze());
        count += 1;
    }
    let mut counted = Writer::default();
    counted.u8(count);
    counted.raw(&out.freeze());
    counted.freeze()
}

fn decode_peers(bytes: &[u8]) -> Result<Vec<(NodeId, SocketAddr)>, MalformedMessage> {
    let mut reader = Reader::new(Bytes::copy_from_slice(bytes));
    let count = reader.u8()?;
    let peers = (0..count)
        .map(|_| Ok((NodeId(reader.array()?), reader.addr()?)))
        .collect::<Result<_, MalformedMessage>>()?;
    reader.finish()?;
    Ok(peers)
}

/// Against slips of the hand, not against forgery: the same under every suite.
fn checksum(content: &[u8]) -> [u8; CHECKSUM] {
    // Labels are far below 256 bytes.
    let hash = Suite::Real.hash(&[&[label::TOKEN.len() as u8], label::TOKEN.as_bytes(), content]);
    core::array::from_fn(|i| hash[i])
}
