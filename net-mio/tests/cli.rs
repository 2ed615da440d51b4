//! Every verb as scripts use it: what it prints, what it writes, and its exit status when all is well.

mod common;

use std::fs;
use std::path::Path;

use common::{Network, Peer, command, finish, noise, run};
use serde_json::json;

fn keys(network: &Network, prefix: &str) -> Vec<String> {
    let listed = network.run(["list", prefix]).code(0).results();
    let mut keys: Vec<_> = listed.iter().map(|entry| entry["key"].as_str().unwrap().to_owned()).collect();
    keys.sort();
    keys
}

#[test]
fn the_words_of_a_vault_restore_it_in_another_home() {
    let network = Network::of(1);
    let token = network.peers[0].invite(false);
    let user = network.path("user");
    let made = run(&user, ["init", "--no-passphrase", "--join", &token]).ok();
    let words = made["words"].as_str().unwrap();
    assert_eq!(words.split(' ').count(), 24);
    let file = network.file("hello", b"hello");
    run(&user, ["store".as_ref(), file.as_os_str()]).ok();

    let restored = network.path("restored");
    let mut init = command(&restored);
    init.args(["init", "--no-passphrase", "--restore", "-"]).env("QUANTUMSYNC_TOKEN", &token);
    let again = finish(&mut init, words.as_bytes()).ok();
    assert_eq!(again["owner"], made["owner"]);
    assert!(again["words"].is_null(), "the words are shown once");
    assert_eq!(run(&restored, ["get", "hello", "-o", "-"]).code(0).out, b"hello");

    // Another vault of the same network finds nothing of it.
    let other = network.path("other");
    run(&other, ["init", "--no-passphrase", "--join", &token]).ok();
    assert_eq!(run(&other, ["get", "hello", "-o", "-"]).error(3), "not_found");
    assert_eq!(run(&other, ["list"]).code(0).out, b"");
}

#[test]
fn a_passphrase_from_the_environment_opens_the_vault_and_a_wrong_one_does_not() {
    let network = Network::of(1);
    let token = network.peers[0].invite(false);
    let user = network.path("user");
    let with = |passphrase: &str, args: &[&str]| {
        finish(command(&user).args(args).env("QUANTUMSYNC_PASSPHRASE", passphrase), b"")
    };
    with("correct horse", &["init", "--join", &token]).ok();
    let mut store = command(&user);
    store.args(["store", "-", "--key", "k"]).env("QUANTUMSYNC_PASSPHRASE", "correct horse");
    finish(&mut store, b"content").ok();
    assert_eq!(with("correct horse", &["get", "k", "-o", "-"]).code(0).out, b"content");
    assert_eq!(with("wrong", &["get", "k", "-o", "-"]).error(5), "wrong_passphrase");
    assert_eq!(run(&user, ["get", "k", "-o", "-"]).error(5), "needs_passphrase");
}

#[test]
fn init_keeps_a_vault_that_is_there_and_needs_to_know_about_a_passphrase() {
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(run(folder.path(), ["init"]).error(2), "no_passphrase");
    run(folder.path(), ["init", "--no-passphrase"]).ok();
    let vault = fs::read(folder.path().join("vault")).unwrap();
    assert_eq!(run(folder.path(), ["init", "--no-passphrase"]).error(1), "exists");
    assert_eq!(fs::read(folder.path().join("vault")).unwrap(), vault);
}

#[test]
fn a_directory_goes_and_comes_back_with_its_awkward_names() {
    let network = Network::of(1);
    let long = "l".repeat(200);
    let names = [
        "plain",
        "with space",
        " leading",
        "trailing ",
        "-dash",
        "--json",
        "ünï/cödé",
        "日本/語",
        "a'b\"c",
        "new\nline",
        "back\\slash",
        "*?[x]",
        "$HOME",
        "%41",
        "deep/er/and/deeper/still",
        ".hidden",
        "..dots",
        "empty",
        "😀",
        long.as_str(),
    ];
    for (number, name) in names.iter().enumerate() {
        let content = if *name == "empty" { Vec::new() } else { noise(number as u64, number * 7000) };
        network.file(&format!("tree/{name}"), &content);
    }
    let tree = network.path("files/tree");
    let stored = network.run(["store".as_ref(), tree.as_os_str()]).code(0).results();
    assert_eq!(stored.len(), names.len());
    assert!(stored.iter().all(|result| result["copies"] == 1 && result["wanted"] == 1));
    let listed = keys(&network, "tree/");
    assert_eq!(listed.len(), names.len());

    let into = network.path("back");
    let mut get: Vec<&str> = vec!["get", "--into", into.to_str().unwrap(), "--"];
    get.extend(listed.iter().map(String::as_str));
    network.run(get).code(0);
    for name in names {
        let stored = fs::read(tree.join(name)).unwrap();
        assert_eq!(fs::read(into.join("tree").join(name)).unwrap(), stored, "{name:?}");
    }
}

#[test]
fn a_file_takes_its_name_or_the_one_it_is_given() {
    let network = Network::of(1);
    let file = network.file("photo.jpg", b"one");
    assert_eq!(network.run(["put".as_ref(), file.as_os_str()]).ok()["key"], "photo.jpg");
    let mut keyed = command(network.home());
    keyed.arg("store").arg(&file).args(["--key", "other/key"]);
    assert_eq!(finish(&mut keyed, b"").ok()["size"], 3);
    let mut piped = command(network.home());
    piped.args(["store", "-", "--key", "piped"]);
    finish(&mut piped, b"from a pipe").ok();
    assert_eq!(keys(&network, ""), ["other/key", "photo.jpg", "piped"]);
    assert_eq!(keys(&network, "p"), ["photo.jpg", "piped"]);
    assert_eq!(network.run(["get", "piped", "-o", "-"]).code(0).out, b"from a pipe");
}

#[test]
fn what_is_stored_again_is_replaced_and_what_peers_have_is_not_sent_again() {
    let network = Network::of(1);
    let file = network.file("f", &noise(1, 3_000_000));
    let first = network.run(["store".as_ref(), file.as_os_str()]).ok();
    assert!(first["sent_bytes"].as_u64().unwrap() >= 3_000_000);
    let again = network.run(["store".as_ref(), file.as_os_str()]).ok();
    assert_eq!(again["sent_bytes"], 0);
    network.file("f", b"short now");
    network.run(["store".as_ref(), file.as_os_str()]).ok();
    assert_eq!(network.run(["get", "f", "-o", "-"]).code(0).out, b"short now");
}

#[test]
fn get_writes_where_it_is_told_and_keeps_what_is_there() {
    let network = Network::of(1);
    network.run(["store".as_ref(), network.file("f", b"0123456789").as_os_str()]).ok();
    let working = network.path("working");
    fs::create_dir(&working).unwrap();
    let get =
        |args: &[&str]| finish(command(network.home()).current_dir(&working).arg("get").args(args), b"");

    let got = get(&["f"]).ok();
    assert_eq!((&got["key"], &got["size"], &got["fresh"]), (&json!("f"), &json!(10), &json!(true)));
    assert_eq!(fs::read(working.join("f")).unwrap(), b"0123456789");
    fs::write(working.join("f"), "mine").unwrap();
    assert_eq!(get(&["f"]).error(1), "exists");
    assert_eq!(fs::read(working.join("f")).unwrap(), b"mine");
    get(&["f", "--force"]).ok();
    assert_eq!(fs::read(working.join("f")).unwrap(), b"0123456789");
    fs::write(working.join("named"), "old").unwrap();
    get(&["f", "-o", "named"]).ok();
    assert_eq!(fs::read(working.join("named")).unwrap(), b"0123456789");
    get(&["f", "--into", "below"]).ok();
    assert_eq!(get(&["f", "--into", "below"]).error(1), "exists");
    assert_eq!(fs::read(working.join("below/f")).unwrap(), b"0123456789");
    let leftover = fs::read_dir(&working).unwrap().count();
    assert_eq!(leftover, 3, "f, named, below and nothing else");
}

#[test]
fn a_range_includes_both_ends_of_a_short_and_of_a_long_file() {
    let network = Network::of(1);
    let long = noise(2, 6_000_000);
    network.run(["store".as_ref(), network.file("long", &long).as_os_str()]).ok();
    network.run(["store".as_ref(), network.file("short", b"0123456789").as_os_str()]).ok();
    let range = |key: &str, range: &str| network.run(["get", key, "-o", "-", "--range", range]);
    assert_eq!(range("short", "2-4").code(0).out, b"234");
    assert_eq!(range("short", "9-").code(0).out, b"9");
    assert_eq!(range("short", "0-0").code(0).out, b"0");
    for (from, to) in [(0, 0), (1_048_570, 1_048_590), (2_999_999, 5_999_998)] {
        assert_eq!(range("long", &format!("{from}-{to}")).code(0).out, long[from..=to], "{from}-{to}");
    }
    assert_eq!(range("long", "5999990-").code(0).out, long[5_999_990..]);
    assert_eq!(range("short", "10-").error(2), "bad_range");
    assert_eq!(range("short", "4-2").error(2), "usage");
}

#[test]
fn a_deleted_file_is_gone_and_clear_leaves_nothing() {
    let network = Network::of(1);
    for key in ["a", "b", "c"] {
        network.run(["store".as_ref(), network.file(key, &noise(3, 100_000)).as_os_str()]).ok();
    }
    assert_eq!(network.run(["rm", "a"]).ok(), json!({ "key": "a", "copies": 1, "wanted": 1 }));
    assert_eq!(network.run(["get", "a", "-o", "-"]).error(3), "not_found");
    assert_eq!(network.run(["delete", "a"]).error(3), "not_found");
    assert_eq!(keys(&network, ""), ["b", "c"]);
    assert_eq!(network.run(["clear"]).error(2), "not_confirmed");
    network.run(["clear", "--yes"]).ok();
    assert_eq!(keys(&network, ""), [""; 0]);
    assert_eq!(network.run(["get", "b", "-o", "-"]).error(3), "not_found");
    network.peers[0].wait_for("no blob is left", |status| status["blobs"]["count"] == 0);
    network.run(["store".as_ref(), network.file("b", b"again").as_os_str()]).ok();
    assert_eq!(network.run(["get", "b", "-o", "-"]).code(0).out, b"again");
}

#[test]
fn a_file_with_a_time_to_live_is_gone_after_it() {
    let network = Network::of(1);
    let mut store = command(network.home());
    store.args(["store", "-", "--key", "brief", "--ttl", "1s"]);
    finish(&mut store, &noise(4, 100_000)).ok();
    common::wait_for("it has expired", || {
        let ran = network.run(["get", "brief", "-o", "-"]);
        if ran.code == Some(0) { None } else { Some(ran.error(3)) }
    });
    assert_eq!(keys(&network, ""), [""; 0]);
    network.peers[0].wait_for("its bytes are gone", |status| status["blobs"]["count"] == 0);
}

#[test]
fn a_token_of_a_node_lets_users_in_and_one_for_nodes_lets_nodes_in() {
    let network = Network::of(2);
    let [first, second] = &network.peers[..] else { unreachable!() };
    let user = network.path("user");
    let mut init = command(&user);
    init.args(["init", "--no-passphrase", "--join", "-"]);
    finish(&mut init, second.invite(false).as_bytes()).ok();
    let mut store = command(&user);
    store.args(["store", "-", "--key", "k"]);
    let stored = finish(&mut store, b"by the second").ok();
    assert_eq!((&stored["copies"], &stored["wanted"]), (&json!(2), &json!(2)));
    let node = format!("{}@{}", first.node, first.addr);
    assert_eq!(run(&user, ["--node", &node, "get", "k", "-o", "-"]).code(0).out, b"by the second");

    // A user's token makes no node, and a user commands no node.
    let mut joined = command(&network.path("third"));
    joined.args(["node", "--listen", "127.0.0.1:0"]).env("QUANTUMSYNC_TOKEN", first.invite(false));
    assert_eq!(finish(&mut joined, b"").error(2), "client_token");
    assert_eq!(run(&user, ["invite"]).error(5), "forbidden");
}

#[test]
fn status_and_peers_say_what_is_there() {
    let network = Network::of(2);
    network.run(["store".as_ref(), network.file("large", &noise(5, 2_000_000)).as_os_str()]).ok();
    network.run(["store".as_ref(), network.file("small", b"small").as_os_str()]).ok();
    network.run(["store".as_ref(), network.file("dead", b"dead").as_os_str()]).ok();
    network.run(["delete", "dead"]).ok();
    for peer in &network.peers {
        let status = peer.wait_for("it has its copies", |status| {
            status["records"] == 2 && status["tombstones"] == 1 && status["copies"]["missing"] == 0
        });
        assert_eq!((&status["node"], &status["addr"]), (&json!(peer.node), &json!(peer.addr.to_string())));
        assert_eq!((&status["peers"]["members"], &status["replicas"]), (&json!(2), &json!(3)));
        assert!(status["blobs"]["bytes"].as_u64() >= Some(2_000_000), "{status}");
        assert!(status["free_bytes"].as_u64() > Some(0) && status["version"].is_string(), "{status}");
        let mut states: Vec<_> = run(&peer.home, ["peers"]).code(0).results();
        states.sort_by_key(|member| member["node"] != json!(peer.node));
        assert_eq!((&states[0]["state"], &states[1]["state"]), (&json!("self"), &json!("alive")));
        let verified = run(&peer.home, ["verify"]).ok();
        assert_eq!(verified["checked"], status["blobs"]["count"]);
        assert_eq!(verified["damaged"], json!([]));
    }
}

#[test]
fn delete_local_drops_the_bytes_of_this_node_and_the_next_get_brings_them_back() {
    let network = Network::of(2);
    let content = noise(6, 3_000_000);
    network.run(["store".as_ref(), network.file("f", &content).as_os_str()]).ok();
    network.peers[1]
        .wait_for("it has its copies", |status| status["blobs"]["bytes"].as_u64() >= Some(3_000_000));
    let dropped = network.run(["delete", "--local", "f"]).ok();
    assert!(dropped["bytes"].as_u64() >= Some(3_000_000), "{dropped}");
    assert!(network.peers[0].blob_files().is_empty(), "no file of a blob");
    let into = network.path("back");
    let got = network.run(["get".as_ref(), "f".as_ref(), "-o".as_ref(), into.as_os_str()]).ok();
    assert_eq!(fs::read(&into).unwrap(), content);
    let sources = got["sources"].as_array().unwrap();
    assert!(sources.iter().all(|source| source["node"] == json!(network.peers[1].node)), "{got}");
    network.run(["clear", "--yes", "--local"]).ok();
    assert_eq!(network.run(["get", "f", "-o", "-"]).code(0).out, content);
}

#[test]
fn delete_local_keeps_the_only_copy() {
    let network = Network::of(1);
    network.run(["store".as_ref(), network.file("f", b"content").as_os_str()]).ok();
    assert_eq!(network.run(["delete", "--local", "f"]).error(1), "only_copy");
    assert_eq!(network.run(["clear", "--yes", "--local"]).error(1), "only_copy");
    assert_eq!(network.run(["get", "f", "-o", "-"]).code(0).out, b"content");
}

#[test]
fn a_node_keeps_its_identity_its_port_and_its_network() {
    let folder = tempfile::tempdir().unwrap();
    let first = Peer::start(folder.path(), None);
    let (node, addr, network) = (first.node.clone(), first.addr, first.status()["network"].clone());
    #[cfg(unix)]
    let home = first.stop();
    #[cfg(not(unix))]
    let home = first.kill();
    let again = Peer::start(&home, None);
    assert_eq!((&again.node, again.addr), (&node, addr));
    assert_eq!(again.status()["network"], network);
    let home = again.kill();
    assert_eq!(Peer::start(&home, None).node, node);
}

#[test]
fn a_volatile_node_leaves_no_data_on_the_disk() {
    let folder = tempfile::tempdir().unwrap();
    run(folder.path(), ["init", "--no-passphrase"]).ok();
    let mut volatile = command(folder.path());
    volatile.args(["node", "--listen", "127.0.0.1:0", "--volatile"]);
    let peer = Peer::of(folder.path(), &mut volatile);
    let content = noise(7, 300_000);
    let mut store = command(folder.path());
    store.args(["store", "-", "--key", "k"]);
    finish(&mut store, &content).ok();
    assert_eq!(run(folder.path(), ["get", "k", "-o", "-"]).code(0).out, content);
    assert!(peer.blob_files().is_empty(), "no file of a blob");
    assert!(!folder.path().join("node/index").exists());
}

#[test]
fn help_completions_and_the_manual_need_no_home() {
    let nowhere = Path::new("/nonexistent/home");
    for args in [&["--help"][..], &["get", "--help"], &["completions", "bash"], &["man"], &["--version"]] {
        let ran = run(nowhere, args).code(0);
        assert!(String::from_utf8_lossy(&ran.out).contains("quantumsync"), "{args:?}");
    }
    for verb in [
        "init", "node", "invite", "store", "get", "delete", "list", "clear", "status", "peers", "verify",
        "demo",
    ] {
        let help = String::from_utf8(run(nowhere, [verb, "--help"]).code(0).out).unwrap();
        assert!(help.contains("Example: quantumsync"), "{verb}");
    }
    assert_eq!(run(nowhere, ["frobnicate"]).error(2), "usage");
}
