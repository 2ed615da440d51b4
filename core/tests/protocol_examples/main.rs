//! The worked examples of `PROTOCOL.md`: each of its named blocks is made again by the code and compared.
//!
//! With `QUANTUMSYNC_WRITE_EXAMPLES=1` the blocks are written instead; whoever does so has changed the protocol, or
//! added to it, and says so in the commit.

mod block;
mod given;
mod keys;
mod link;
mod members;
mod messages;
mod network;
mod placement;
mod records;
mod vault;

use block::{Block, Document};

const PATH: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/PROTOCOL.md");

fn all() -> Vec<Block> {
    let chapters = [
        keys::blocks(),
        vault::blocks(),
        records::blocks(),
        network::blocks(),
        messages::blocks(),
        members::blocks(),
        link::blocks(),
        placement::blocks(),
    ];
    chapters.into_iter().flatten().collect()
}

#[test]
fn every_example_of_the_protocol_is_what_the_code_makes() {
    let mut document =
        Document::parse(&std::fs::read_to_string(PATH).expect("PROTOCOL.md stands beside Cargo.toml"));
    let write = std::env::var_os("QUANTUMSYNC_WRITE_EXAMPLES").is_some();
    for block in all() {
        let place =
            document.take(&block.name).unwrap_or_else(|| panic!("no block `{}` in PROTOCOL.md", block.name));
        if write {
            document.replace(place, &block);
        } else {
            assert_eq!(document.text(place), block.text, "block `{}`", block.name);
        }
    }
    assert_eq!(document.untaken(), [""; 0], "blocks that no example makes");
    if write {
        std::fs::write(PATH, document.to_text()).expect("PROTOCOL.md can be written");
    }
}

#[test]
fn every_label_stands_in_the_protocol() {
    let document = std::fs::read_to_string(PATH).expect("PROTOCOL.md stands beside Cargo.toml");
    let source = include_str!("../../src/crypto/kdf.rs");
    let labels: Vec<&str> = source.split('"').filter(|text| text.starts_with("quantumsync/1")).collect();
    assert!(labels.len() > 20);
    for label in labels {
        assert!(document.contains(&format!("`{label}`")), "`{label}`");
    }
}
