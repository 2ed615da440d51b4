//! Values of flags and settings: addresses, durations, sizes, ranges, ids.

use std::net::{Ipv4Addr, SocketAddr, ToSocketAddrs as _};
use std::str::FromStr;
use std::time::Duration;

use quantumsync_core::id::NodeId;

/// `[NODEID@]HOST:PORT`; without a host all interfaces.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Addr {
    pub(crate) node: Option<NodeId>,
    host: String,
    port: u16,
}

impl FromStr for Addr {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (node, rest) = match text.split_once('@') {
            Some((node, rest)) => {
                let node = NodeId::from_hex(node).ok_or("a node's id is 64 hexadecimal digits")?;
                (Some(node), rest)
            }
            None => (None, text),
        };
        let (host, port) = rest.rsplit_once(':').ok_or("an address is [NODEID@]HOST:PORT")?;
        let port = port.parse().map_err(|_| "a port is a number up to 65535")?;
        let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
        Ok(Self { node, host: host.to_owned(), port })
    }
}

impl Addr {
    /// Where to listen.
    pub(crate) fn to_listen(&self) -> Result<SocketAddr, String> {
        self.resolve(Ipv4Addr::UNSPECIFIED)
    }

    /// Where to dial.
    pub(crate) fn to_dial(&self) -> Result<SocketAddr, String> {
        self.resolve(Ipv4Addr::LOCALHOST)
    }

    fn resolve(&self, without_host: Ipv4Addr) -> Result<SocketAddr, String> {
        if self.host.is_empty() {
            return Ok(SocketAddr::from((without_host, self.port)));
        }
        let found = (self.host.as_str(), self.port).to_socket_addrs();
        let found = found.map_err(|error| format!("cannot resolve {}: {error}", self.host))?;
        let mut all: Vec<SocketAddr> = found.collect();
        // A name such as localhost often has both; peers listen on IPv4 unless they are told otherwise.
        all.sort_by_key(SocketAddr::is_ipv6);
        all.first().copied().ok_or_else(|| format!("{} has no address", self.host))
    }
}

/// `15s 10m 2h 30d`.
pub(crate) fn parse_duration(text: &str) -> Result<Duration, String> {
    let wrong = || "a duration is a number and one of s, m, h, d: 15s 10m 2h 30d".to_owned();
    let unit = text.chars().last().ok_or_else(wrong)?;
    let seconds = match unit {
        's' => 1,
        'm' => 60,
        'h' => 3600,
        'd' => 86_400,
        _ => return Err(wrong()),
    };
    let digits = &text[..text.len() - unit.len_utf8()];
    if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(wrong());
    }
    let count: u64 = digits.parse().map_err(|_| wrong())?;
    // A hundred years: beyond it a date no longer fits a version.
    let seconds = count.checked_mul(seconds).filter(|&seconds| seconds <= 36_525 * 86_400);
    seconds.map(Duration::from_secs).ok_or_else(|| "more than a hundred years".to_owned())
}

/// `500M 20G 2T`, in powers of 1024; bytes without a unit.
pub(crate) fn parse_size(text: &str) -> Result<u64, String> {
    let wrong = || "a size is a number of bytes, or of K, M, G or T: 500M 20G".to_owned();
    let (digits, shift) = match text.chars().last().ok_or_else(wrong)? {
        'K' => (&text[..text.len() - 1], 10),
        'M' => (&text[..text.len() - 1], 20),
        'G' => (&text[..text.len() - 1], 30),
        'T' => (&text[..text.len() - 1], 40),
        _ => (text, 0),
    };
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(wrong());
    }
    let too_large = || "more bytes than 64 bits can count".to_owned();
    let count: u64 = digits.parse().map_err(|_| too_large())?;
    count.checked_mul(1 << shift).ok_or_else(too_large)
}

pub(crate) fn parse_node(text: &str) -> Result<NodeId, String> {
    NodeId::from_hex(text).ok_or_else(|| "a node's id is 64 hexadecimal digits".to_owned())
}

pub(crate) fn parse_range(text: &str) -> Result<(u64, Option<u64>), String> {
    let wrong = || "a range is FROM-TO or FROM-, both ends included".to_owned();
    let (from, to) = text.split_once('-').ok_or_else(wrong)?;
    let number = |text: &str| text.parse::<u64>().map_err(|_| wrong());
    let from = number(from)?;
    let to = if to.is_empty() { None } else { Some(number(to)?) };
    if to.is_some_and(|to| to < from) {
        return Err("the range ends before it begins".into());
    }
    Ok((from, to))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_a_number_and_a_unit() {
        assert_eq!(parse_duration("15s"), Ok(Duration::from_secs(15)));
        assert_eq!(parse_duration("10m"), Ok(Duration::from_secs(600)));
        assert_eq!(parse_duration("2h"), Ok(Duration::from_secs(7200)));
        assert_eq!(parse_duration("30d"), Ok(Duration::from_secs(30 * 86_400)));
        for bad in
            ["", "s", "15", "15 s", "-1s", "+1s", "1w", "1.5h", "99999999999999999999s", "36526d", "1é"]
        {
            assert!(parse_duration(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn sizes_are_bytes_or_powers_of_1024() {
        assert_eq!(parse_size("0"), Ok(0));
        assert_eq!(parse_size("700"), Ok(700));
        assert_eq!(parse_size("3K"), Ok(3072));
        assert_eq!(parse_size("500M"), Ok(500 << 20));
        assert_eq!(parse_size("20G"), Ok(20 << 30));
        assert_eq!(parse_size("2T"), Ok(2 << 40));
        for bad in
            ["", "M", "-1", "+1", "1.5G", "1 G", "1k", "1GB", "99999999999999999999", "18000000T", "1é"]
        {
            assert!(parse_size(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn ranges_include_both_ends_and_may_lack_the_last() {
        assert_eq!(parse_range("0-0"), Ok((0, Some(0))));
        assert_eq!(parse_range("5-"), Ok((5, None)));
        for bad in ["", "-", "-5", "5", "5-4", "a-b"] {
            assert!(parse_range(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn addresses_may_name_the_node_and_lack_the_host() {
        let id = "ab".repeat(32);
        let addr: Addr = format!("{id}@127.0.0.1:4270").parse().unwrap();
        assert_eq!(addr.node, NodeId::from_hex(&id));
        assert_eq!(addr.to_dial().unwrap(), "127.0.0.1:4270".parse().unwrap());
        let all: Addr = ":4270".parse().unwrap();
        assert_eq!(all.to_listen().unwrap(), "0.0.0.0:4270".parse().unwrap());
        assert_eq!(all.to_dial().unwrap(), "127.0.0.1:4270".parse().unwrap());
        let six: Addr = "[::1]:1".parse().unwrap();
        assert_eq!(six.to_dial().unwrap(), "[::1]:1".parse().unwrap());
        for bad in ["", "host", "host:", "host:99999", "xy@host:1", "host:port"] {
            assert!(bad.parse::<Addr>().is_err(), "{bad}");
        }
    }
}
