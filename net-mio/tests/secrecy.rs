//! What a peer keeps and what passes between peers shows nothing of what was stored. The same scanner, over the same run
//! with a transparent suite, finds all of it.

use std::fs;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::thread;

use quantumsync::client::{Client, ClientOptions, GetOptions, StoreOptions};
use quantumsync::home::Home;
use quantumsync::node::{Node, NodeOptions, SettingsWanted};
use quantumsync_core::crypto::{Suite, seal_piece};
use quantumsync_core::vault::Vault;

const MARK: &[u8] = b"MARKED PLAINTEXT ";
const KEY: &str = "folder of marked names/marked key string";

/// Something that must not be seen, and what to call it.
struct Needle {
    name: &'static str,
    bytes: Vec<u8>,
}

/// Everything that a run left where peers, or those between them, can look.
struct Haystack {
    disks: Vec<u8>,
    wire: Vec<u8>,
}

#[test]
fn nothing_of_a_users_content_names_or_secrets_is_on_a_peers_disk_or_between_peers() {
    let (haystack, needles) = run(Suite::Real);
    for needle in &needles {
        assert!(!contains(&haystack.disks, &needle.bytes), "{} stands on a peer's disk", needle.name);
        assert!(!contains(&haystack.wire, &needle.bytes), "{} passed between peers", needle.name);
    }
}

#[test]
fn the_scanner_finds_content_names_and_keys_where_the_cipher_is_transparent() {
    let (haystack, needles) = run(Suite::Sim);
    for needle in needles.iter().filter(|needle| needle.name != "the master secret") {
        assert!(contains(&haystack.disks, &needle.bytes), "{} is not on a peer's disk", needle.name);
        assert!(contains(&haystack.wire, &needle.bytes), "{} did not pass between peers", needle.name);
    }
}

/// Three peers whose links pass through a tap; a user stores a file of pieces and one inside its record.
fn run(suite: Suite) -> (Haystack, Vec<Needle>) {
    let folder = tempfile::tempdir().unwrap();
    let local = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let wire = Arc::new(Mutex::new(Vec::new()));
    let mut nodes: Vec<Node> = Vec::new();
    for name in ["first", "second", "third"] {
        // Others are told the tap's address, so every link between peers passes through one.
        let (tap, target) = tap(Arc::clone(&wire));
        let options = NodeOptions {
            advertise: Some(tap),
            join: nodes.first().map(|first| first.token(true)),
            settings: SettingsWanted { replicas: Some(3), ..SettingsWanted::default() },
            suite,
            ..NodeOptions::new(local)
        };
        let node = Node::start(&Home::new(folder.path().join(name)), options).unwrap();
        *target.lock().unwrap() = Some(node.addr());
        nodes.push(node);
    }
    let entropy = *b"the master secret of this vault!";
    let vault = Vault::create(suite, entropy);
    let keys = vault.keys();
    let content: Vec<u8> = MARK.iter().copied().cycle().take(40_000).collect();
    let needles = vec![
        Needle { name: "a run of content", bytes: MARK.repeat(2) },
        Needle { name: "the key string", bytes: KEY.as_bytes().to_vec() },
        Needle {
            name: "the key of a piece",
            bytes: seal_piece(suite, &keys.read.dedup_data, &content).key.expose().to_vec(),
        },
        Needle { name: "the master secret", bytes: entropy.to_vec() },
    ];

    let client =
        Client::start(ClientOptions { suite, ..ClientOptions::new(nodes[0].token(false), vault) }).unwrap();
    wait_until(|| client.status().unwrap().peers_alive == 2);
    for (key, content) in [(KEY.to_owned(), &content[..]), (format!("{KEY} inline"), &content[..1000])] {
        let stored = client.store(&key, content, StoreOptions::default()).unwrap();
        assert_eq!((stored.copies, stored.wanted), (2, 2));
        let mut got = Vec::new();
        client.get(&key, &mut got, GetOptions::default()).unwrap();
        assert!(got == content, "what was stored comes back");
    }
    client.close().unwrap();
    for node in nodes {
        node.stop();
        node.wait().unwrap();
    }
    let mut disks = Vec::new();
    read_all(folder.path(), &mut disks);
    let wire = std::mem::take(&mut *wire.lock().unwrap());
    assert!(disks.len() > 3 * 40_000 && wire.len() > 2 * 40_000, "the run left its bytes to be scanned");
    (Haystack { disks, wire }, needles)
}

/// Asks again and again; a network of three on one machine needs a second at most, a minute is a failure.
fn wait_until(mut condition: impl FnMut() -> bool) {
    let start = std::time::Instant::now();
    while !condition() {
        assert!(start.elapsed().as_secs() < 60, "the condition never came true");
        thread::yield_now();
    }
}

type Target = Arc<Mutex<Option<SocketAddr>>>;

/// Passes connections on to the target and keeps a copy of every byte, both ways.
fn tap(copy: Arc<Mutex<Vec<u8>>>) -> (SocketAddr, Target) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let addr = listener.local_addr().unwrap();
    let target = Target::default();
    let to = Arc::clone(&target);
    thread::spawn(move || {
        for near in listener.incoming().map_while(Result::ok) {
            let Some(addr) = *to.lock().unwrap() else { continue };
            let Ok(far) = TcpStream::connect(addr) else { continue };
            for (from, to) in [(near.try_clone(), far.try_clone()), (Ok(far), Ok(near))] {
                let (from, to, copy) = (from.unwrap(), to.unwrap(), Arc::clone(&copy));
                thread::spawn(move || pump(from, to, &copy));
            }
        }
    });
    (addr, target)
}

fn pump(mut from: TcpStream, mut to: TcpStream, copy: &Mutex<Vec<u8>>) {
    let mut buffer = vec![0; 64 << 10];
    while let Ok(count) = from.read(&mut buffer) {
        copy.lock().unwrap().extend_from_slice(&buffer[..count]);
        if count == 0 || to.write_all(&buffer[..count]).is_err() {
            break;
        }
    }
    // The other direction may be closed already.
    let _ = to.shutdown(Shutdown::Both);
}

fn read_all(folder: &Path, into: &mut Vec<u8>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            read_all(&path, into);
        } else {
            into.extend(fs::read(&path).unwrap());
        }
    }
}

fn contains(haystack: &[u8], needle: &[u8]) -> bool {
    haystack.windows(needle.len()).any(|window| window == needle)
}
