//! What a user may store through a node, and what stays free on its disk: set by whoever runs it, said to whoever meets it.

mod common;

use std::fs;
use std::path::{Path, PathBuf};

use common::{Network, Peer, Ran, command, finish, noise, run};

const MIB: usize = 1 << 20;

/// A network of one whose node has this line among its settings.
fn node_with(line: &str) -> Network {
    Network::with_settings(1, &format!("{line}\n"))
}

fn store(home: &Path, key: &str, content: &[u8]) -> Ran {
    finish(command(home).args(["store", "-", "--key", key]), content)
}

/// Another user of the network.
fn user(network: &Network) -> PathBuf {
    let home = network.path("user");
    run(&home, ["init", "--no-passphrase", "--join", &network.peers[0].invite(false)]).ok();
    home
}

#[test]
fn a_store_beyond_the_quota_says_so_and_leaves_what_was_there() {
    let network = node_with("quota = \"3M\"");
    let home = network.home();
    let kept = noise(1, 2 * MIB);
    store(home, "kept", &kept).ok();
    assert_eq!(network.peers[0].status()["quota"], 3 * MIB);

    let refused = store(home, "more", &noise(2, 2 * MIB));
    assert!(refused.err.contains("quota"), "it says what to change: {}", refused.err);
    assert_eq!(refused.error(1), "quota");
    assert_eq!(run(home, ["get", "more", "-o", "-"]).error(3), "not_found");
    assert_eq!(store(home, "kept", &noise(3, 2 * MIB)).error(1), "quota");
    assert!(run(home, ["get", "kept", "-o", "-"]).code(0).out == kept, "the old version is there");
}

#[test]
fn the_same_content_again_takes_nothing_of_the_quota() {
    let network = node_with("quota = \"3M\"");
    let content = noise(1, 2 * MIB);
    for key in ["first", "first", "second", "third"] {
        store(network.home(), key, &content).ok();
    }
    for key in ["first", "second", "third"] {
        assert!(network.run(["get", key, "-o", "-"]).code(0).out == content, "{key}");
    }
}

#[test]
fn an_overwrite_counts_beside_the_old_version_and_then_frees_it() {
    let network = node_with("quota = \"5M\"");
    for version in 0..6 {
        store(network.home(), "file", &noise(version, 2 * MIB)).ok();
    }
    assert!(network.run(["get", "file", "-o", "-"]).code(0).out == noise(5, 2 * MIB));
}

#[test]
fn what_is_deleted_makes_room_after_a_restart_too() {
    let mut network = node_with("quota = \"3M\"");
    store(network.home(), "old", &noise(1, 2 * MIB)).ok();
    let home = network.peers.remove(0).stop();
    network.peers.push(Peer::start(&home, None));
    assert_eq!(store(&home, "new", &noise(2, 2 * MIB)).error(1), "quota");
    network.run(["delete", "old"]).ok();
    store(&home, "new", &noise(3, 2 * MIB)).ok();
    network.run(["clear", "--yes"]).ok();
    store(&home, "newest", &noise(4, 2 * MIB)).ok();
}

#[test]
fn each_user_has_a_quota_of_his_own() {
    let network = node_with("quota = \"3M\"");
    let user = user(&network);
    store(network.home(), "mine", &noise(1, 2 * MIB)).ok();
    store(&user, "theirs", &noise(2, 2 * MIB)).ok();
    for home in [network.home(), &user] {
        assert_eq!(store(home, "more", &noise(3, 2 * MIB)).error(1), "quota");
    }
}

#[test]
fn a_quota_holds_where_a_write_enters_and_never_costs_a_copy() {
    let network = Network::of(3);
    let addr = network.peers[2].addr.to_string();
    let strict = network.peers[1].home.clone();
    let mut network = network;
    network.peers.remove(1).stop();
    let mut start = command(&strict);
    start.args(["node", "--listen", "127.0.0.1:0", "--quota", "1M"]);
    let strict = Peer::of(&strict, &mut start);
    strict.wait_for("it is back", |status| status["peers"]["alive"] == 2 && status["syncing"] == false);

    let through = |addr: &str, key: &str, content: &[u8]| {
        finish(command(network.home()).args(["--node", addr, "store", "-", "--key", key]), content)
    };
    through(&addr, "elsewhere", &noise(1, 2 * MIB)).ok();
    strict.wait_for("it has its copies", |status| {
        status["records"] == 1
            && status["copies"]["missing"] == 0
            && status["blobs"]["bytes"].as_u64() > Some(2 << 20)
    });
    assert_eq!(through(&strict.addr.to_string(), "here", &noise(2, 2 * MIB)).error(1), "quota");
}

#[test]
fn a_disk_with_less_free_space_than_its_floor_takes_no_file_and_still_deletes() {
    let mut network = node_with("");
    store(network.home(), "kept", b"small").ok();
    let home = network.peers.remove(0).stop();
    // More than any disk has.
    let mut start = command(&home);
    start.args(["node", "--listen", "127.0.0.1:0"]).env("QUANTUMSYNC_DISK_FLOOR", "1000000T");
    network.peers.push(Peer::of(&home, &mut start));
    assert_eq!(store(&home, "more", &noise(1, MIB)).error(1), "no_space");
    assert_eq!(store(&home, "inline", b"small").error(1), "no_space");
    assert_eq!(network.run(["get", "kept", "-o", "-"]).code(0).out, b"small");
    network.run(["delete", "kept"]).ok();
}

#[test]
fn a_size_that_is_none_is_refused_wherever_it_stands() {
    let folder = tempfile::tempdir().unwrap();
    let home = folder.path();
    for bad in ["1.5G", "lots", "-1", "1GB", ""] {
        assert_eq!(run(home, ["node", "--quota", bad]).error(2), "usage", "{bad}");
        for variable in ["QUANTUMSYNC_QUOTA", "QUANTUMSYNC_DISK_FLOOR"] {
            let ran = finish(command(home).arg("node").env(variable, bad), b"");
            assert_eq!(ran.error(2), "usage", "{variable} {bad}");
        }
        fs::write(home.join("settings.toml"), format!("disk-floor = \"{bad}\"\n")).unwrap();
        assert_eq!(run(home, ["node"]).error(2), "settings_file", "{bad}");
        fs::remove_file(home.join("settings.toml")).unwrap();
    }
    assert!(!home.join("node").exists(), "nothing was made");
}
