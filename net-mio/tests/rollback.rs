//! No vault takes an older version for the newest: not from one peer with an old disk, and not from all of them.

mod common;

use std::fs;
use std::path::{Path, PathBuf};

use common::{Network, Peer, Ran, command, finish, run};

/// A home that only reads and writes, by the node at this address.
fn user(network: &Network, name: &str, words: Option<&str>) -> (PathBuf, String) {
    let home = network.path(name);
    let mut init = command(&home);
    init.args(["init", "--no-passphrase"]).env("QUANTUMSYNC_TOKEN", network.peers[0].invite(false));
    if words.is_some() {
        init.args(["--restore", "-"]);
    }
    let made = finish(&mut init, words.unwrap_or_default().as_bytes()).ok();
    (home, made["words"].as_str().unwrap_or_default().to_owned())
}

fn store(home: &Path, entry: &Peer, content: &[u8]) {
    let node = entry.addr.to_string();
    finish(command(home).args(["--node", &node, "store", "-", "--key", "file"]), content).code(0);
}

fn get(home: &Path, entry: &Peer, more: &[&str]) -> Ran {
    let node = entry.addr.to_string();
    let args = ["--node", &node, "get", "file", "-o", "-"];
    run(home, args.iter().chain(more))
}

fn wait_for_all(peers: &[Peer]) {
    for peer in peers {
        peer.wait_for("it has everything and sees the others", |status| {
            status["peers"]["alive"] == peers.len() - 1
                && status["records"] == 1
                && status["copies"]["missing"] == 0
                && status["syncing"] == false
        });
    }
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        let to = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &to);
        } else {
            fs::copy(entry.path(), to).unwrap();
        }
    }
}

/// Stops these nodes, puts the copies of their homes from earlier in their places, and starts them again.
fn put_back(network: &mut Network, count: usize) {
    let homes: Vec<PathBuf> = network.peers.drain(..count).map(Peer::stop).collect();
    for (number, home) in homes.iter().enumerate() {
        fs::remove_dir_all(home).unwrap();
        copy(&network.path(&format!("copy-{number}")), home);
        network.peers.insert(number, Peer::start(home, None));
    }
}

/// Three peers of which copies were made after the first version, and that now have the second.
fn with_copies_of_the_first_version() -> (Network, PathBuf, String) {
    let mut network = Network::of(3);
    let (user, words) = user(&network, "user", None);
    store(&user, &network.peers[0], b"the first version");
    wait_for_all(&network.peers);
    let homes: Vec<PathBuf> = network.peers.drain(..).map(Peer::stop).collect();
    for (number, home) in homes.iter().enumerate() {
        copy(home, &network.path(&format!("copy-{number}")));
        network.peers.push(Peer::start(home, None));
    }
    wait_for_all(&network.peers);
    store(&user, &network.peers[0], b"the second version");
    wait_for_all(&network.peers);
    (network, user, words)
}

#[test]
fn a_vault_that_has_seen_a_newer_version_is_not_given_the_older_one() {
    let (mut network, user_home, words) = with_copies_of_the_first_version();
    assert_eq!(get(&user_home, &network.peers[1], &[]).code(0).out, b"the second version");
    put_back(&mut network, 3);
    wait_for_all(&network.peers);

    for entry in &network.peers {
        let ran = get(&user_home, entry, &[]);
        assert!(ran.out.is_empty(), "nothing of the older version is given out");
        assert_eq!(ran.error(1), "rollback");
        assert_eq!(get(&user_home, entry, &["--fresh"]).error(1), "rollback");
        let node = entry.addr.to_string();
        let listed = run(&user_home, ["--node", &node, "list"]).code(0);
        assert!(listed.out.is_empty() && listed.err.contains("warning"), "{listed:?}");
    }
    // Who has seen nothing else cannot know: that is what the memory is for.
    let (other, _) = user(&network, "other", Some(&words));
    assert_eq!(get(&other, &network.peers[0], &[]).code(0).out, b"the first version");

    // What is stored now is above both, for everyone.
    store(&user_home, &network.peers[0], b"the third version");
    for home in [&user_home, &other] {
        assert_eq!(get(home, &network.peers[2], &["--fresh"]).code(0).out, b"the third version");
    }
}

#[test]
fn one_peer_with_an_old_disk_takes_nobody_back_and_is_brought_up_to_date() {
    let (mut network, user, _) = with_copies_of_the_first_version();
    put_back(&mut network, 1);
    for entry in &network.peers {
        assert_eq!(get(&user, entry, &["--fresh"]).code(0).out, b"the second version");
    }
    wait_for_all(&network.peers);
    // Alone it can only give what it has itself.
    network.peers.drain(1..).for_each(|peer| drop(peer.kill()));
    assert_eq!(get(&user, &network.peers[0], &[]).code(0).out, b"the second version");
}

#[test]
fn without_a_quorum_get_warns_and_fresh_refuses() {
    let mut network = Network::of(3);
    let (user, _) = user(&network, "user", None);
    store(&user, &network.peers[0], b"content");
    wait_for_all(&network.peers);
    network.peers.drain(1..).for_each(|peer| drop(peer.kill()));
    let ran = get(&user, &network.peers[0], &[]).code(0);
    assert_eq!(ran.out, b"content");
    assert!(ran.err.contains("warning") && ran.err.contains("newest"), "{}", ran.err);
    let ran = get(&user, &network.peers[0], &["--fresh"]);
    assert!(ran.out.is_empty());
    assert_eq!(ran.error(1), "not_fresh");
    let node = network.peers[0].addr.to_string();
    // That nothing is there only a quorum can say.
    assert_eq!(run(&user, ["--node", &node, "get", "unknown", "-o", "-"]).error(1), "not_fresh");
}
