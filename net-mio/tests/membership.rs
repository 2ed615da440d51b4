//! Members that go, are sent away, come back, or stand still, as real processes: the others have everything, and each command
//! says what became of it.

mod common;

use std::fs;
use std::path::{Path, PathBuf};

use common::{Network, Peer, Ran, command, finish, noise, run};
use rustix::process::Signal;
use serde_json::{Value, json};

/// What a script waits for before it believes that a node has its share.
fn is_whole(status: &Value) -> bool {
    status["copies"]["missing"] == 0 && status["syncing"] == false
}

/// Waits until each of these has everything, among so many members.
fn wait_until_whole(peers: &[Peer], members: usize) {
    for peer in peers {
        peer.wait_for("it has everything", |status| {
            status["peers"]["members"] == members && is_whole(status)
        });
    }
}

/// Files inside their record, of one piece and of several.
fn files() -> Vec<(String, Vec<u8>)> {
    let lengths = [10, 15_000, 200_000, 3_000_000];
    (0..8).map(|number| (format!("file {number}"), noise(number as u64, lengths[number % 4]))).collect()
}

fn store(entry: &Peer, home: &Path, key: &str, content: &[u8]) -> Ran {
    let node = entry.addr.to_string();
    finish(command(home).args(["--node", &node, "store", "-", "--key", key]), content)
}

fn reads_everything(entry: &Peer, home: &Path, files: &[(String, Vec<u8>)]) {
    let node = entry.addr.to_string();
    for (key, content) in files {
        let got = run(home, ["--node", &node, "get", key, "-o", "-"]).code(0);
        assert!(got.out == *content, "{key} differs");
    }
}

/// A user that is no node, so that every peer may go.
fn user(network: &Network) -> PathBuf {
    let home = network.path("user");
    run(&home, ["init", "--no-passphrase", "--join", &network.peers[0].invite(false)]).ok();
    home
}

/// So many peers that all have their share of a user's files.
fn with_files(peers: usize) -> (Network, PathBuf, Vec<(String, Vec<u8>)>) {
    let network = Network::of(peers);
    let user = user(&network);
    let files = files();
    for (key, content) in &files {
        store(&network.peers[0], &user, key, content).ok();
    }
    wait_until_whole(&network.peers, peers);
    (network, user, files)
}

/// The ids that a peer lists.
fn members(peer: &Peer) -> Vec<String> {
    let listed = run(&peer.home, ["peers"]).code(0).results();
    listed.iter().map(|peer| peer["node"].as_str().unwrap().to_owned()).collect()
}

/// Starts the node of a home that is no member any more, with a token.
fn join_again(home: &Path, token: &str) -> Peer {
    Peer::start(home, Some(token))
}

#[test]
fn who_leaves_is_gone_when_the_others_have_everything_and_comes_back_as_new() {
    let (mut network, user, files) = with_files(4);

    let token = network.peers[0].invite(true);
    let mut leaver = network.peers.remove(3);
    assert_eq!(run(&leaver.home, ["leave"]).ok(), json!({ "left": true }));
    assert!(leaver.wait().success(), "the node ends by itself, and well");
    wait_until_whole(&network.peers, 3);
    for peer in &network.peers {
        assert!(!members(peer).contains(&leaver.node));
        reads_everything(peer, &user, &files);
    }

    // By itself it does not come back: it has left.
    let home = leaver.home.clone();
    assert_eq!(run(&home, ["node", "--listen", "127.0.0.1:0"]).error(5), "not_admitted");
    run(&user, ["--node", &network.peers[0].addr.to_string(), "delete", "file 7"]).ok();
    let node = leaver.node.clone();
    drop(leaver);
    network.peers.push(join_again(&home, &token));
    assert_eq!(network.peers[3].node, node, "with its old identity");
    wait_until_whole(&network.peers, 4);
    reads_everything(&network.peers[3], &user, &files[..7]);
    let addr = network.peers[3].addr.to_string();
    let got = run(&user, ["--node", &addr, "get", "file 7", "-o", "-"]);
    assert_eq!(got.error(3), "not_found", "its old disk revives nothing");
}

#[test]
fn a_node_that_is_alone_cannot_leave_and_who_is_not_at_home_may_not_say_so() {
    let network = Network::of(1);
    assert_eq!(network.run(["leave"]).error(1), "alone");
    let user = user(&network);
    assert_eq!(run(&user, ["leave"]).error(5), "forbidden");
    assert_eq!(run(&user, ["ban", &network.peers[0].node]).error(5), "forbidden");
    assert_eq!(network.run(["leave", "--cancel"]).ok(), json!({ "left": false }));
}

#[test]
fn who_is_banned_is_waited_for_no_more_is_told_so_and_may_join_as_new() {
    let (mut network, user, files) = with_files(3);
    let token = network.peers[0].invite(true);
    let banned = network.peers[2].node.clone();
    let home = network.peers.remove(2).stop();

    assert_eq!(network.run(["ban", &network.peers[0].node]).error(2), "own_node");
    assert_eq!(network.run(["ban", &"ab".repeat(32)]).error(3), "no_such_member");
    assert_eq!(network.run(["ban", "nobody"]).error(2), "usage");
    assert_eq!(network.run(["ban", &banned]).ok(), json!({ "banned": banned }));
    assert_eq!(network.run(["ban", &banned]).error(3), "no_such_member");
    wait_until_whole(&network.peers, 2);
    for peer in &network.peers {
        assert!(!members(peer).contains(&banned));
        reads_everything(peer, &user, &files);
    }
    // With two members every store is on both.
    let stored = store(&network.peers[1], &user, "since then", b"content").ok();
    assert_eq!((&stored["copies"], &stored["wanted"]), (&json!(2), &json!(2)));

    let told = run(&home, ["node", "--listen", "127.0.0.1:0"]);
    assert!(told.err.contains("removed"), "{}", told.err);
    assert_eq!(told.error(5), "not_admitted");
    network.peers.push(join_again(&home, &token));
    assert_eq!(network.peers[2].node, banned);
    wait_until_whole(&network.peers, 3);
    reads_everything(&network.peers[2], &user, &files);
}

#[test]
fn a_running_node_that_is_banned_ends_and_says_why() {
    let mut network = Network::of(3);
    let home = network.peers.remove(2).stop();
    let log = network.path("log");
    let mut start = command(&home);
    start.args(["node", "--listen", "127.0.0.1:0"]).stderr(fs::File::create(&log).unwrap());
    let mut banned = Peer::of(&home, &mut start);
    banned.wait_for("it is back", |status| status["peers"]["alive"] == 2);
    network.run(["ban", &banned.node]).ok();
    assert_eq!(banned.wait().code(), Some(5));
    let said = fs::read_to_string(log).unwrap();
    assert!(said.contains("not_admitted") && said.contains("removed"), "{said}");
}

/// The disk, not the home: its keys are elsewhere.
fn lose_disk(home: &Path) {
    for folder in ["index", "blobs", "staging"] {
        let _ = fs::remove_dir_all(home.join("node").join(folder));
    }
}

#[test]
fn a_founder_that_lost_its_disk_acknowledges_nothing_before_it_reaches_a_member() {
    let (mut network, user, files) = with_files(3);
    let homes: Vec<_> = network.peers.drain(..).map(Peer::kill).collect();
    lose_disk(&homes[0]);
    // Started twice: the second time it has an index again.
    drop(Peer::start(&homes[0], None).kill());
    let founder = Peer::start(&homes[0], None);
    let stored = store(&founder, &user, "alone", &noise(9, 1000));
    assert!(![Some(0), Some(6)].contains(&stored.code), "{:?}", stored.code);
    network.peers.push(founder);
    network.peers.extend(homes[1..].iter().map(|home| Peer::start(home, None)));
    wait_until_whole(&network.peers, 3);
    reads_everything(&network.peers[0], &user, &files);
}

#[test]
fn a_member_that_lost_its_disk_takes_everything_over_again() {
    let (mut network, user, files) = with_files(3);
    let node = network.peers[1].node.clone();
    let home = network.peers.remove(1).kill();
    lose_disk(&home);
    let back = Peer::start(&home, None);
    assert_eq!(back.node, node);
    network.peers.push(back);
    wait_until_whole(&network.peers, 3);
    let holds = network.peers[2].status();
    assert_eq!(holds["records"], files.len());
    // It has them itself, not only by way of the others.
    network.peers.drain(..2).for_each(|peer| drop(peer.kill()));
    reads_everything(&network.peers[0], &user, &files);
}

#[test]
fn one_of_three_that_stands_still_holds_nobody_up_and_catches_up() {
    let network = Network::of(3);
    let user = user(&network);
    network.peers[2].signal(Signal::STOP);
    let content = noise(1, 3_000_000);
    let stored = store(&network.peers[0], &user, "meanwhile", &content).code(0).ok();
    assert_eq!((&stored["copies"], &stored["wanted"]), (&json!(2), &json!(2)));
    reads_everything(&network.peers[1], &user, &[("meanwhile".into(), content.clone())]);
    network.peers[2].signal(Signal::CONT);
    network.peers[2].wait_for("it catches up", |status| status["records"] == 1 && is_whole(status));
    let addr = network.peers[2].addr.to_string();
    assert!(run(&user, ["--node", &addr, "get", "meanwhile", "-o", "-"]).code(0).out == content);
}

#[test]
fn with_two_of_three_standing_still_a_store_is_degraded_and_completes_by_itself() {
    let network = Network::of(3);
    let user = user(&network);
    for peer in &network.peers[1..] {
        peer.signal(Signal::STOP);
    }
    let content = noise(1, 3_000_000);
    let ran = store(&network.peers[0], &user, "alone", &content).code(6);
    let stored = &ran.results()[0];
    assert_eq!((&stored["copies"], &stored["wanted"]), (&json!(1), &json!(2)));
    for peer in &network.peers[1..] {
        peer.signal(Signal::CONT);
    }
    for peer in &network.peers[1..] {
        peer.wait_for("it has the file", |status| status["records"] == 1 && is_whole(status));
    }
    for entry in &network.peers {
        reads_everything(entry, &user, &[("alone".into(), content.clone())]);
    }
}
