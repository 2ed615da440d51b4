//! Small values both ways: addresses, ids, tokens, randomness, texts of a fixed size.

use std::ffi::c_char;
use std::net::{SocketAddr, ToSocketAddrs as _};

use quantumsync_core::crypto::Secret;
use quantumsync_core::id::NodeId;
use quantumsync_core::record::Version;
use quantumsync_core::wire::Token;

use crate::result::{Failure, qs_result};

/// An entry: a node's id where it is known, and where it listens.
pub(crate) type Entry = (Option<NodeId>, SocketAddr);

/// `IP:PORT`.
pub(crate) fn address(text: &str) -> Result<SocketAddr, Failure> {
    text.parse().map_err(|_| Failure::bad_value("an address has the form IP:PORT"))
}

/// `[NODEID@]IP:PORT`.
pub(crate) fn entry(text: &str) -> Result<Entry, Failure> {
    let (node, rest) = split_node(text)?;
    Ok((node, address(rest)?))
}

/// `[NODEID@]HOST:PORT`; may ask the system's resolver.
pub(crate) fn resolve(text: &str) -> Result<Entry, Failure> {
    let (node, rest) = split_node(text)?;
    if let Ok(address) = rest.parse() {
        return Ok((node, address));
    }
    let (host, port) = rest
        .rsplit_once(':')
        .and_then(|(host, port)| Some((host, port.parse::<u16>().ok()?)))
        .ok_or_else(|| Failure::bad_value("an address has the form [NODEID@]HOST:PORT"))?;
    let found: Vec<_> = (host, port)
        .to_socket_addrs()
        .map_err(|error| Failure::new(qs_result::QS_UNREACHABLE, format!("cannot resolve a host: {error}")))?
        .collect();
    // A name such as localhost often has both; peers listen on IPv4 unless they are told otherwise.
    let chosen = found.iter().find(|addr| addr.is_ipv4()).or(found.first()).copied();
    Ok((node, chosen.ok_or_else(|| Failure::new(qs_result::QS_UNREACHABLE, "a host has no address"))?))
}

fn split_node(text: &str) -> Result<(Option<NodeId>, &str), Failure> {
    let Some((node, rest)) = text.split_once('@') else { return Ok((None, text)) };
    let node = NodeId::from_hex(node);
    Ok((Some(node.ok_or_else(|| Failure::bad_value("a node's id is 64 hexadecimal digits"))?), rest))
}

pub(crate) fn token(text: &str) -> Result<Token, Failure> {
    Ok(Token::from_text(text)?)
}

/// Randomness of the operating system.
pub(crate) fn entropy<const N: usize>() -> Result<[u8; N], Failure> {
    let mut bytes = [0; N];
    let filled = getrandom::fill(&mut bytes);
    filled.map_err(|error| Failure::new(qs_result::QS_ENTROPY, error.to_string()))?;
    Ok(bytes)
}

/// 32 bytes that were given, or fresh ones.
pub(crate) fn given_or_fresh(bytes: Option<[u8; 32]>) -> Result<Secret<32>, Failure> {
    bytes.map_or_else(entropy, Ok).map(Secret::new)
}

/// A text in an array of its own, with the NUL that ends it; cut where it is longer or holds one.
pub(crate) fn fixed<const N: usize>(text: &str) -> [c_char; N] {
    let mut out = [0; N];
    let mut end = text.len().min(N - 1);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    for (place, byte) in out.iter_mut().zip(text[..end].bytes().take_while(|&byte| byte != 0)) {
        *place = byte as c_char;
    }
    out
}

/// The digits of a version.
pub(crate) fn version_text(version: Version) -> [c_char; 33] {
    fixed(&version.to_bytes().iter().map(|byte| format!("{byte:02x}")).collect::<String>())
}

#[cfg(test)]
mod tests {
    use std::ffi::CStr;

    use super::*;

    fn read<const N: usize>(text: [c_char; N]) -> String {
        let bytes = text.map(|c| c as u8);
        CStr::from_bytes_until_nul(&bytes).unwrap().to_str().unwrap().into()
    }

    #[test]
    fn a_fixed_text_always_ends_and_is_cut_between_characters() {
        assert_eq!(read(fixed::<4>("ab")), "ab");
        assert_eq!(read(fixed::<4>("abcd")), "abc");
        assert_eq!(read(fixed::<4>("abé")), "ab");
        assert_eq!(read(fixed::<4>("a\0b")), "a");
        assert_eq!(read(fixed::<4>("")), "");
    }

    #[test]
    fn an_address_may_name_its_node_and_its_host() {
        let node = "ab".repeat(32);
        let (found, addr) = entry(&format!("{node}@127.0.0.1:1")).ok().unwrap();
        assert_eq!((found.unwrap().to_string(), addr.to_string()), (node, "127.0.0.1:1".into()));
        assert_eq!(resolve("[::1]:7").ok().unwrap().1.to_string(), "[::1]:7");
        assert_eq!(resolve("localhost:7").ok().unwrap().1.port(), 7);
        for bad in ["", "x", "x:", ":", "127.0.0.1", "127.0.0.1:65536", "12@127.0.0.1:1"] {
            assert!(entry(bad).is_err() && resolve(bad).is_err(), "{bad}");
        }
    }
}
