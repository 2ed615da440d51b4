//! A whole peer and its user in one process: `cargo run --package quantumsync --example embed`.

use std::error::Error;

use quantumsync::client::{Client, ClientOptions, GetOptions, StoreOptions};
use quantumsync::node::{Node, NodeOptions};
use quantumsync_core::{crypto::Suite, vault::Vault};

fn main() -> Result<(), Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    let home = quantumsync::Home::new(folder.path());
    let node = Node::start(&home, NodeOptions::new("127.0.0.1:0".parse()?))?;

    let mut entropy = [0; 32];
    getrandom::fill(&mut entropy)?;
    let vault = Vault::create(Suite::Real, entropy);
    let client = Client::start(ClientOptions::new(node.token(false), vault))?;

    let stored = client.store("greeting", &b"hello, peers"[..], StoreOptions::default())?;
    println!("{} bytes are durable on {} of {} disks", stored.size, stored.copies, stored.wanted);
    let mut content = Vec::new();
    client.get("greeting", &mut content, GetOptions::default())?;
    assert_eq!(content, b"hello, peers");

    client.close()?;
    node.stop();
    Ok(node.wait()?)
}
