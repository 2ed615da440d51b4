//! The README's table of limits is the code's: made from `config`, compared here.
//!
//! `QUANTUMSYNC_REWRITE=1 cargo test -p quantumsync-core --test limits` writes it anew.

use std::fmt::Display;
use std::fmt::Write as _;
use std::time::Duration;

use quantumsync_core::config::{Config, limit};

const README: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../README.md");

#[test]
fn the_readme_tells_the_limits_that_the_code_has() {
    let readme = std::fs::read_to_string(README).unwrap();
    let begin = readme.find("<!-- limits").expect("the table's beginning is marked");
    let begin = begin + readme[begin..].find("-->\n").expect("the mark ends with its line") + 4;
    let end = readme.find("<!-- /limits -->").expect("the table's end is marked");
    let table = table();
    if std::env::var_os("QUANTUMSYNC_REWRITE").is_some() {
        std::fs::write(README, [&readme[..begin], &table, &readme[end..]].concat()).unwrap();
    } else {
        assert_eq!(&readme[begin..end], table, "write it anew as the mark in the README says");
    }
}

fn table() -> String {
    let config = Config::default();
    let mut out = String::from("| of | limit |\n|---|---|\n");
    let mut row = |of: &str, limit: &dyn Display| writeln!(out, "| {of} | {limit} |").unwrap();
    row("a key", &format_args!("1 to {} bytes of UTF-8, without NUL and unassigned code points", limit::KEY));
    row("a file", &bytes(limit::FILE));
    row("a file kept inside its record, without pieces", &bytes(limit::INLINE as u64));
    row("a piece as peers keep it", &bytes(limit::BLOB as u64));
    row("a record", &bytes(limit::RECORD as u64));
    row("copies of everything", &format_args!("1 to {}", limit::REPLICAS));
    row("members of a network", &limit::MEMBERS);
    row("addresses of a member", &limit::ADDRS);
    row("a token", &format_args!("{} characters", limit::TOKEN));
    row("difference between two clocks", &seconds(Duration::from_millis(limit::CLOCK_SKEW_MS)));
    row(
        "an upload, from its first piece to its record",
        &seconds(Duration::from_millis(limit::LEASE_MS / 2)),
    );
    row("operations of a client at once", &config.max_operations);
    row("memory of a client for pieces", &bytes(config.client_window as u64));
    row("links of a node", &config.max_links);
    row("links of one address that are not open yet", &config.half_open_per_addr);
    row("open links of clients at one address", &config.clients_per_addr);
    row("bytes of a link before it is open", &bytes(config.pre_open_bytes as u64));
    row("time until a link is open", &seconds(config.handshake_deadline));
    row("requests open on a link", &config.max_requests);
    row("memory of a node for pieces under way", &bytes(config.node_window as u64));
    row("a small request", &seconds(config.request_deadline));
    row("a request that carries a piece", &seconds(config.bulk_deadline));
    row("silence until a peer is suspect", &seconds(config.suspect_after));
    out
}

fn bytes(bytes: u64) -> String {
    [(40, "TiB"), (20, "MiB"), (10, "KiB")]
        .iter()
        .find(|(shift, _)| bytes >> shift > 0 && bytes.trailing_zeros() >= *shift)
        .map_or_else(|| format!("{bytes} bytes"), |(shift, unit)| format!("{} {unit}", bytes >> shift))
}

fn seconds(duration: Duration) -> String {
    let seconds = duration.as_secs();
    match seconds {
        86_400.. => format!("{} hours", seconds / 3600),
        120.. => format!("{} minutes", seconds / 60),
        _ => format!("{seconds} seconds"),
    }
}
