//! Three real peers: what was acknowledged comes back byte for byte whatever one of them suffers.

mod common;

use std::cell::RefCell;
use std::fs;
use std::path::Path;
use std::sync::{Arc, mpsc};

use bytes::Bytes;
use common::{Network, Peer, Ran, command, finish, noise, run};
use quantumsync::disk::{Answer, Disk as _, FsDisk, FsOptions};
use quantumsync_core::driver::{DiskReply, DiskRequest};
use quantumsync_core::id::{BlobId, Ticket};
use serde_json::json;

/// Copies of everything wanted on three peers.
const WANTED: u64 = 2;

fn store(network: &Network, path: &Path) -> Ran {
    network.run(["store".as_ref(), path.as_os_str()])
}

fn get(network: &Network, key: &str) -> Ran {
    network.run(["get", key, "-o", "-"])
}

/// Waits until each peer holds as much as the first.
fn wait_for_copies(network: &Network, records: u64) {
    for peer in &network.peers {
        peer.wait_for("it has its copies", |status| {
            status["records"] == records && status["copies"]["missing"] == 0 && status["pending_ops"] == 0
        });
    }
}

#[test]
fn a_large_file_and_a_tree_come_back_after_the_local_copies_and_a_peer_are_lost() {
    let mut network = Network::of(3);
    let large = noise(1, 32 << 20);
    let tree: Vec<(String, Vec<u8>)> = (0..200_u64)
        .map(|number| {
            // From nothing to some 60 KiB: inside its record, in one blob, in a blob with a file of its own.
            let length = (number as usize * 977) % 62_000;
            (format!("tree/{}/ä {number}", number % 7), noise(number + 1000, length))
        })
        .collect();
    network.file("tree/large", &large);
    for (name, content) in &tree {
        network.file(name, content);
    }
    let stored = store(&network, &network.path("files/tree")).code(0).results();
    assert_eq!(stored.len(), 201);
    assert!(
        stored.iter().all(|result| result["copies"].as_u64() >= Some(WANTED) && result["wanted"] == WANTED)
    );
    wait_for_copies(&network, 201);

    let dropped = network.run(["clear", "--yes", "--local"]).ok();
    assert!(dropped["bytes"].as_u64() >= Some(32 << 20), "{dropped}");
    assert_eq!(network.peers[0].status()["blobs"]["count"], 0);
    assert!(network.peers[0].blob_files().is_empty(), "no file of a blob");
    let dead = network.peers.remove(1);
    let dead_node = dead.node.clone();
    dead.kill();

    let into = network.path("back");
    let mut args = vec!["get", "--into", into.to_str().unwrap(), "tree/large"];
    args.extend(tree.iter().map(|(name, _)| name.as_str()));
    let results = network.run(args).code(0).results();
    assert_eq!(results.len(), 201);
    for result in &results {
        for source in result["sources"].as_array().unwrap() {
            assert_ne!(source["node"], json!(dead_node), "a dead peer sends nothing");
        }
    }
    let local = json!(network.peers[0].node);
    assert!(results[0]["sources"].as_array().unwrap().iter().all(|source| source["node"] != local));
    assert!(fs::read(into.join("tree/large")).unwrap() == large, "the large file differs");
    for (name, content) in &tree {
        assert!(fs::read(into.join(name)).unwrap() == *content, "{name} differs");
    }
}

#[test]
fn with_two_of_three_gone_a_store_is_kept_and_said_to_be_degraded() {
    let mut network = Network::of(3);
    store(&network, &network.file("before", b"before")).ok();
    for _ in 0..2 {
        network.peers.pop().unwrap().kill();
    }
    for (key, content) in [("inline", noise(1, 100)), ("blobs", noise(2, 2_000_000))] {
        let ran = store(&network, &network.file(key, &content)).code(6);
        let result = ran.results().remove(0);
        assert_eq!((&result["copies"], &result["wanted"]), (&json!(1), &json!(WANTED)), "{key}");
        let got = get(&network, key).code(0);
        assert!(got.out == content, "{key} differs");
        assert!(got.err.contains("newest"), "that it may not be the newest is said: {}", got.err);
    }
    let fresh = network.run(["get", "inline", "-o", "-", "--fresh"]);
    assert_eq!(fresh.out, b"");
    assert_eq!(fresh.error(1), "not_fresh");
    let deleted = network.run(["delete", "before"]).code(6).results().remove(0);
    assert_eq!(deleted["copies"], 1);
    let cleared = network.run(["clear", "--yes"]).code(6).results().remove(0);
    assert_eq!(cleared["wanted"], WANTED);
}

#[test]
fn a_delete_reaches_every_peer_and_leaves_no_byte_of_the_file() {
    let mut network = Network::of(3);
    store(&network, &network.file("f", &noise(3, 5_000_000))).ok();
    wait_for_copies(&network, 1);
    let blobs: Vec<Vec<u8>> = network.peers[2].blob_files().iter().map(|path| id_of(path)).collect();
    assert!(blobs.len() >= 2, "{} blobs", blobs.len());
    for blob in &blobs {
        let known =
            network.peers.iter().all(|peer| peer.blob_files().iter().any(|path| id_of(path) == *blob));
        assert!(known, "every peer has the file");
    }
    assert!(network.run(["delete", "f"]).ok()["copies"].as_u64() >= Some(WANTED));
    for peer in &network.peers {
        peer.wait_for("only the tombstone is left", |status| {
            status["tombstones"] == 1
                && status["records"] == 0
                && status["blobs"] == json!({ "count": 0, "bytes": 0 })
        });
        // The index forgets a blob before its file is removed.
        common::wait_for("no blob file is left", || peer.blob_files().is_empty().then_some(()));
        let home = ["--node".to_owned(), peer.addr.to_string()];
        let args = home.iter().map(String::as_str).chain(["get", "f", "-o", "-"]);
        assert_eq!(network.run(args).error(3), "not_found");
    }
    // Those counts are the node's own; its index is asked itself.
    let home = network.peers.remove(2).kill();
    let index = Index::open(&home);
    assert_eq!(index.blobs(), []);
    for (key, value) in index.rows() {
        for blob in &blobs {
            let mentions = |bytes: &[u8]| bytes.windows(blob.len()).any(|part| part == blob);
            assert!(!mentions(&key) && !mentions(&value), "a row still knows a blob of the file");
        }
    }
}

/// The blob of which this is the file.
fn id_of(path: &Path) -> Vec<u8> {
    BlobId::from_hex(path.file_name().unwrap().to_str().unwrap()).unwrap().as_bytes().to_vec()
}

/// The index of a node that does not run.
struct Index {
    disk: RefCell<FsDisk>,
}

impl Index {
    fn open(home: &Path) -> Self {
        let disk = FsDisk::open(&home.join("node"), FsOptions::default()).unwrap();
        Self { disk: RefCell::new(disk) }
    }

    fn ask(&self, request: DiskRequest) -> DiskReply {
        let (sender, replies) = mpsc::channel();
        let answer = Answer::new(Ticket(1), Arc::new(move |_, reply| drop(sender.send(reply))));
        self.disk.borrow_mut().submit(request, answer);
        replies.recv().unwrap().unwrap()
    }

    fn blobs(&self) -> Vec<(BlobId, u32)> {
        let DiskReply::Blobs(blobs) = self.ask(DiskRequest::ScanBlobs { after: None, rows: 1000 }) else {
            panic!()
        };
        blobs
    }

    fn rows(&self) -> Vec<(Bytes, Bytes)> {
        let (from, to) = (Bytes::from_static(&[0]), Bytes::from_static(&[0xff]));
        let scan = DiskRequest::Scan { from, to, rows: 100_000, bytes: 64 << 20 };
        let DiskReply::Rows { rows, more } = self.ask(scan) else { panic!() };
        assert!(!rows.is_empty() && !more);
        rows
    }
}

#[test]
fn peers_that_are_killed_and_restarted_have_their_data() {
    let mut network = Network::of(3);
    let content = noise(4, 3_000_000);
    store(&network, &network.file("f", &content)).ok();
    wait_for_copies(&network, 1);
    let homes: Vec<_> = network.peers.drain(..).map(Peer::kill).collect();
    network.peers = homes.iter().map(|home| Peer::start(home, None)).collect();
    for peer in &network.peers {
        let status = peer.wait_for("it serves again", |status| status["peers"]["alive"].as_u64() >= Some(2));
        assert_eq!(status["records"], 1);
        assert!(status["blobs"]["bytes"].as_u64() >= Some(3_000_000));
        let verified = run(&peer.home, ["verify"]).ok();
        assert_eq!((&verified["checked"], &verified["damaged"]), (&status["blobs"]["count"], &json!([])));
        let node = format!("{}@{}", peer.node, peer.addr);
        assert!(network.run(["--node", &node, "get", "f", "-o", "-"]).code(0).out == content);
    }
}

#[test]
fn a_store_goes_on_after_its_peer_was_killed_and_all_that_was_acknowledged_is_there() {
    use std::io::{BufRead as _, BufReader};
    use std::process::Stdio;

    let mut network = Network::of(1);
    for number in 0..400_u64 {
        network.file(&format!("many/{number}"), &noise(number, 20_000));
    }
    let mut store = command(network.home());
    store.arg("store").arg(network.path("files/many")).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut store = common::Running(store.spawn().unwrap());
    let mut lines = BufReader::new(store.0.stdout.take().unwrap()).lines();
    let mut acknowledged: Vec<String> = lines.by_ref().take(50).map(Result::unwrap).collect();
    let home = network.peers.remove(0).kill();
    network.peers.push(Peer::start(&home, None));
    acknowledged.extend(lines.map_while(Result::ok));
    assert_eq!(store.wait().code(), Some(0), "the peer came back in time");
    assert_eq!(acknowledged.len(), 400);

    let into = network.path("back");
    let results = acknowledged.iter().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
    let keys: Vec<String> = results.map(|result| result["key"].as_str().unwrap().to_owned()).collect();
    let into_args = ["get", "--into", into.to_str().unwrap()];
    network.run(into_args.into_iter().chain(keys.iter().map(String::as_str))).code(0);
    for number in 0..400_u64 {
        assert!(fs::read(into.join(format!("many/{number}"))).unwrap() == noise(number, 20_000), "{number}");
    }
}

/// What happens to a stored file on the disk of a peer.
fn damage(kind: &str, files: &[std::path::PathBuf]) {
    let path = &files[0];
    let mut bytes = fs::read(path).unwrap();
    match kind {
        "truncated" => bytes.truncate(bytes.len() / 2),
        "flipped" => {
            let middle = bytes.len() / 2;
            bytes[middle] ^= 1;
        }
        "swapped" => bytes = fs::read(&files[1]).unwrap(),
        "emptied" => bytes.clear(),
        other => panic!("{other}"),
    }
    fs::write(path, bytes).unwrap();
}

#[test]
fn a_damaged_blob_is_found_by_verify_and_never_given_out() {
    let network = Network::of(2);
    let entry = &network.peers[0];
    for (number, kind) in ["truncated", "flipped", "swapped", "emptied"].into_iter().enumerate() {
        // Longer than a piece may be, so that there are two files at least.
        let content = noise(number as u64, 6_000_000);
        store(&network, &network.file(kind, &content)).ok();
        wait_for_copies(&network, number as u64 + 1);
        let mut files = entry.blob_files();
        files.sort_by_key(|path| std::cmp::Reverse(fs::metadata(path).unwrap().modified().unwrap()));
        damage(kind, &files[..2]);
        let name = files[0].file_name().unwrap().to_str().unwrap().to_owned();

        let ran = network.run(["verify"]);
        assert_eq!(ran.results()[0]["damaged"], json!([name]), "{kind}");
        assert_eq!(ran.error(1), "damaged");
        // Nobody asks for the file: that it was found is enough to have it fetched again.
        let whole = common::wait_for("the blob is whole again", || {
            Some(run(&entry.home, ["verify"])).filter(|ran| ran.code == Some(0))
        });
        assert_eq!(whole.results()[0]["damaged_records"], json!([]));
        assert_eq!(whole.results()[0]["records"], number + 1);
        let got = get(&network, kind).code(0);
        assert!(got.out == content, "{kind} differs");
    }
}

#[test]
fn a_blob_that_is_damaged_on_the_only_peer_is_an_error_and_no_file() {
    let network = Network::of(1);
    store(&network, &network.file("f", &noise(9, 4_000_000))).ok();
    damage("flipped", &network.peers[0].blob_files());
    let out = network.path("out");
    let ran = network.run(["get".as_ref(), "f".as_ref(), "-o".as_ref(), out.as_os_str()]);
    let code = ran.error(1);
    assert!(["damaged", "missing_piece"].contains(&code.as_str()), "{code}");
    assert!(!out.exists());
}

/// A file system that is full soon. Only the administrator can mount one.
#[cfg(target_os = "linux")]
struct SmallDisk(std::path::PathBuf);

#[cfg(target_os = "linux")]
impl SmallDisk {
    fn mount(path: &Path, megabytes: u32) -> Option<Self> {
        fs::create_dir_all(path).unwrap();
        let mut mount = std::process::Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", &format!("size={megabytes}m"), "tmpfs"]).arg(path);
        mount.output().ok()?.status.success().then(|| Self(path.to_path_buf()))
    }
}

#[cfg(target_os = "linux")]
impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = std::process::Command::new("umount").arg("-l").arg(&self.0).output();
    }
}

/// Where nothing can be mounted, a quarter of the machine's own disk being free is all that there is to see:
/// then the same is shown by the disk's own tests, with a device of a few blocks.
#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_said_and_what_was_acknowledged_stays() {
    let folder = tempfile::tempdir().unwrap();
    let home = folder.path().join("small");
    let Some(_disk) = SmallDisk::mount(&home, 370) else { return };
    run(&home, ["init", "--no-passphrase"]).ok();
    let mut peer = Peer::start(&home, None);
    let store = |key: &str, content: &[u8]| {
        let mut store = command(&home);
        store.args(["store", "-", "--key", key]);
        finish(&mut store, content)
    };
    let kept = noise(1, 4_000_000);
    store("kept", &kept).ok();
    assert_eq!(store("too large", &noise(2, 80_000_000)).error(1), "no_space");
    assert!(peer.is_running());
    assert!(run(&home, ["get", "kept", "-o", "-"]).code(0).out == kept);
    assert_eq!(run(&home, ["get", "too large", "-o", "-"]).error(3), "not_found");
    run(&home, ["delete", "kept"]).ok();
}
