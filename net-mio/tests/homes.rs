//! Homes that are deleted one after the other, each replaced by an empty one that catches up: everything reads back.

mod common;

use std::fs;
use std::path::{Path, PathBuf};

use common::{Network, Peer, noise, run, wait_for};

/// What a script waits for: nothing is missing on any living node, and none is catching up.
fn wait_until_caught_up(peers: &[Peer]) {
    for peer in peers {
        peer.wait_for("it catches up", |status| {
            status["copies"]["missing"] == 0 && status["syncing"] == false
        });
    }
}

/// Files of every size class: inside the record, one blob, many blobs.
fn files() -> Vec<(String, Vec<u8>)> {
    let lengths = [0, 10, 15_000, 20_000, 200_000, 3_000_000, 12_000_000];
    let file = |(number, length): (u64, usize)| (format!("file {number}"), noise(number, length));
    (0..28).map(|number| file((number, lengths[number as usize % lengths.len()]))).collect()
}

/// A home that only reads and writes, by the node at this address.
struct User {
    home: PathBuf,
}

impl User {
    fn of(network: &Network) -> Self {
        let home = network.path("user");
        let token = network.peers[0].invite(false);
        run(&home, ["init", "--no-passphrase", "--join", &token]).ok();
        Self { home }
    }

    fn store(&self, entry: &Peer, key: &str, file: &Path) {
        let node = entry.addr.to_string();
        let args = ["--node", &node, "store", "--key", key];
        run(&self.home, args.map(AsRef::as_ref).into_iter().chain([file.as_os_str()])).code(0);
    }

    fn reads(&self, entry: &Peer, key: &str, content: &[u8]) {
        let node = entry.addr.to_string();
        let got = run(&self.home, ["--node", &node, "get", key, "-o", "-"]).code(0);
        assert!(got.out == content, "{key} differs");
    }
}

/// Deletes two of three homes one after the other; what is stored between is there, too.
fn two_of_three_homes_are_deleted(network: &mut Network) {
    let user = User::of(network);
    let mut stored = files();
    for (key, content) in &stored {
        user.store(&network.peers[0], key, &network.file(key, content));
    }
    wait_until_caught_up(&network.peers);
    for lost in 0..2 {
        // The oldest first: the founder, then the second.
        let token = network.peers[1].invite(true);
        let home = network.peers.remove(0).kill();
        fs::remove_dir_all(&home).expect("the home is deleted");
        let home = network.path(&format!("new-{lost}"));
        network.peers.push(Peer::start(&home, Some(&token)));
        let members = 4 + lost;
        let newest = network.peers.last().expect("just started");
        wait_for("the new one is a member", || {
            Some(newest.status()).filter(|status| status["peers"]["members"] == members)
        });
        wait_until_caught_up(&network.peers);
        let (key, content) = (format!("between {lost}"), noise(100 + lost, 500_000));
        let node = network.peers[0].addr.to_string();
        // Degraded or not: a dead home that nobody has banned counts.
        let file = network.file(&key, &content);
        let args = ["--node", &node, "store", "--key", &key].map(AsRef::as_ref);
        let ran = run(&user.home, args.into_iter().chain([file.as_os_str()]));
        assert!(matches!(ran.code, Some(0 | 6)), "{ran:?}");
        stored.push((key, content));
        wait_until_caught_up(&network.peers);
    }
    for entry in &network.peers {
        for (key, content) in &stored {
            user.reads(entry, key, content);
        }
    }
}

#[test]
fn two_of_three_homes_deleted_one_after_the_other_lose_nothing() {
    two_of_three_homes_are_deleted(&mut Network::of(3));
}

#[test]
fn nor_do_they_where_silent_members_soon_leave_the_placement() {
    two_of_three_homes_are_deleted(&mut Network::with_settings(3, "gone-after = \"3s\"\n"));
}
