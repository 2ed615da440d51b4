//! What goes wrong from outside: each failure has its own code, a message, a hint and the exit status of its class, and
//! none leaves half a file behind.

mod common;

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::Path;

use common::{DEADLINE, Network, Peer, command, finish, noise, run, wait_for};

/// A home with a vault, in the network of this token.
fn user(network: &Network, name: &str, token: &str) -> std::path::PathBuf {
    let home = network.path(name);
    run(&home, ["init", "--no-passphrase", "--join", token]).ok();
    home
}

#[test]
fn a_home_without_network_or_vault_says_how_to_get_one() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("f");
    fs::write(&file, "x").unwrap();
    let home = folder.path().join("home");
    assert_eq!(run(&home, ["status"]).error(2), "no_network");
    run(&home, ["init", "--no-passphrase"]).ok();
    assert_eq!(run(&home, ["store".as_ref(), file.as_os_str()]).error(2), "no_network");
    assert_eq!(run(&home, ["get", "f"]).error(2), "no_network");

    let network = Network::of(1);
    let mut store = command(&folder.path().join("empty"));
    store.arg("store").arg(&file).env("QUANTUMSYNC_TOKEN", network.peers[0].invite(false));
    assert_eq!(finish(&mut store, b"").error(2), "no_vault");
}

#[test]
fn a_token_of_another_network_is_told_from_a_mistyped_one() {
    let (here, there) = (Network::of(1), Network::of(1));
    let foreign = there.peers[0].invite(false);
    // The keys of one network at the address of the other.
    let lost = user(&there, "lost", &foreign);
    let addr = here.peers[0].addr.to_string();
    assert_eq!(run(&lost, ["--node", &addr, "get", "k", "-o", "-"]).error(5), "wrong_network");
    assert_eq!(run(&lost, ["--node", &addr, "status"]).error(5), "wrong_network");

    // A home keeps to its network.
    assert_eq!(run(here.home(), ["init", "--no-passphrase", "--join", &foreign]).error(2), "other_network");
    let mut joined = command(here.home());
    joined.args(["node", "--listen", "127.0.0.1:0"]).env("QUANTUMSYNC_TOKEN", there.peers[0].invite(true));
    assert_eq!(finish(&mut joined, b"").error(1), "in_use", "this home's node runs");

    let mut mistyped = foreign.into_bytes();
    mistyped[20] = if mistyped[20] == b'a' { b'b' } else { b'a' };
    let mistyped = String::from_utf8(mistyped).unwrap();
    for token in [mistyped.as_str(), "qs1", "", "hello", "qs1!!!!"] {
        let home = here.path("mistyped");
        assert_eq!(run(&home, ["init", "--no-passphrase", "--join", token]).error(2), "bad_token");
        assert!(!home.join("vault").exists(), "nothing was made");
    }
}

#[test]
fn a_node_of_another_network_is_not_let_in() {
    let (here, mut there) = (Network::of(1), Network::of(1));
    let home = there.peers.remove(0).kill();
    let mut joined = command(&home);
    joined.args(["node", "--listen", "127.0.0.1:0"]).env("QUANTUMSYNC_TOKEN", here.peers[0].invite(true));
    assert_eq!(finish(&mut joined, b"").error(2), "other_network");
}

#[test]
fn a_network_of_which_no_peer_is_there_is_unreachable() {
    let mut network = Network::of(1);
    let token = network.peers[0].invite(false);
    let home = user(&network, "user", &token);
    let entry = network.peers.remove(0);
    let own = entry.kill();
    for home in [&home, &own] {
        assert_eq!(run(home, ["get", "k", "-o", "-"]).error(4), "unreachable");
        let file = network.file("f", b"content");
        assert_eq!(run(home, ["store".as_ref(), file.as_os_str()]).error(4), "unreachable");
        assert_eq!(run(home, ["list"]).error(4), "unreachable");
        assert_eq!(run(home, ["status"]).error(4), "unreachable");
    }
}

#[test]
fn a_home_or_a_port_in_use_is_said_and_the_running_node_is_not_disturbed() {
    let mut network = Network::of(1);
    assert_eq!(network.run(["node", "--listen", "127.0.0.1:0"]).error(1), "in_use");
    let port = TcpListener::bind("127.0.0.1:0").unwrap();
    let listen = port.local_addr().unwrap().to_string();
    let other = network.path("other");
    assert_eq!(run(&other, ["node", "--listen", &listen]).error(1), "address_in_use");
    drop(port);
    assert!(network.peers[0].is_running());
    Peer::start(&other, None);
}

#[test]
fn unreadable_input_stores_nothing_under_its_key() {
    let network = Network::of(1);
    let missing = network.path("missing");
    assert_eq!(network.run(["store".as_ref(), missing.as_os_str()]).error(1), "no_such_file");
    assert_eq!(network.run(["store", "-"]).error(2), "key");
    let folder = network.path("folder");
    fs::create_dir(&folder).unwrap();
    let mut keyed = command(network.home());
    keyed.arg("store").arg(&folder).args(["--key", "k"]);
    assert_eq!(finish(&mut keyed, b"").error(2), "key");
    // One that can be opened, but not be read. There is such a thing on every Linux.
    if Path::new("/proc/self/mem").exists() {
        let ran = network.run(["store", "/proc/self/mem", "--key", "k"]);
        assert_eq!(ran.error(1), "input");
    }
    assert_eq!(network.run(["list"]).code(0).out, b"");
}

#[test]
fn two_arguments_with_one_key_are_refused_before_anything_is_stored() {
    let network = Network::of(1);
    let first = network.file("a/same", b"one");
    let other = network.file("other", b"three");
    let second = network.file("b/same", b"two");
    let args = ["store".as_ref(), other.as_os_str(), first.as_os_str(), second.as_os_str()];
    assert_eq!(network.run(args).error(2), "duplicate_key");
    assert_eq!(network.run(["get", "x", "x", "--into", "/nonexistent"]).error(2), "duplicate_key");
    let args = ["store".as_ref(), first.as_os_str(), second.as_os_str(), "--key".as_ref(), "k".as_ref()];
    assert_eq!(network.run(args).error(2), "key");
    assert_eq!(network.run(["list"]).code(0).out, b"");
}

#[test]
fn of_several_files_each_has_its_line_and_the_first_failure_decides() {
    let network = Network::of(1);
    for key in ["one", "two"] {
        network.run(["store".as_ref(), network.file(key, key.as_bytes()).as_os_str()]).ok();
    }
    let into = network.path("into");
    let ran = network.run(["get", "one", "missing", "two", "--into", into.to_str().unwrap()]);
    assert_eq!(ran.results().len(), 2);
    assert_eq!(ran.error(3), "not_found");
    assert_eq!(fs::read(into.join("two")).unwrap(), b"two");
    assert_eq!(network.run(["delete", "missing", "one"]).error(3), "not_found");
    assert_eq!(network.run(["get", "one", "-o", "-"]).error(3), "not_found");
}

#[test]
fn keys_that_are_none_are_refused() {
    let network = Network::of(1);
    let long = "k".repeat(1025);
    for key in ["", long.as_str(), "\u{378}"] {
        let mut store = command(network.home());
        store.args(["store", "-", "--key", key]);
        assert_eq!(finish(&mut store, b"x").error(2), "bad_key", "{key:?}");
        assert_eq!(network.run(["get", key, "-o", "-"]).error(2), "bad_key", "{key:?}");
    }
    let longest = "k".repeat(1024);
    let mut store = command(network.home());
    store.args(["store", "-", "--key", &longest]);
    finish(&mut store, b"x").ok();
    assert_eq!(network.run(["get", &longest, "-o", "-"]).code(0).out, b"x");
}

#[test]
fn get_refuses_keys_that_would_leave_its_folder() {
    let network = Network::of(1);
    let escaping = ["../up", "/absolute", "a/../../b", "a//b", "./a", "a/.", "a/"];
    for key in escaping {
        let mut store = command(network.home());
        store.args(["store", "-", "--key", key]);
        finish(&mut store, b"x").ok();
    }
    let into = network.path("into/inner");
    for key in escaping {
        let ran = network.run(["get", key, "--into", into.to_str().unwrap()]);
        assert_eq!(ran.error(2), "unsafe_key", "{key}");
        assert_eq!(
            finish(command(network.home()).current_dir(network.folder.path()).args(["get", key]), b"")
                .error(2),
            "output"
        );
    }
    assert!(!network.path("into").exists(), "nothing was made");
}

#[cfg(unix)]
#[test]
fn get_refuses_a_path_through_a_symbolic_link() {
    let network = Network::of(1);
    let outside = network.path("outside");
    fs::create_dir(&outside).unwrap();
    let into = network.path("into");
    fs::create_dir(&into).unwrap();
    std::os::unix::fs::symlink(&outside, into.join("link")).unwrap();
    std::os::unix::fs::symlink(outside.join("target"), into.join("file")).unwrap();
    for key in ["link/f", "file"] {
        let mut store = command(network.home());
        store.args(["store", "-", "--key", key]);
        finish(&mut store, b"x").ok();
        for force in [&[][..], &["--force"]] {
            let args =
                ["get", key, "--into", into.to_str().unwrap()].into_iter().chain(force.iter().copied());
            assert_eq!(network.run(args).error(2), "unsafe_key", "{key}");
        }
    }
    assert_eq!(fs::read_dir(&outside).unwrap().count(), 0);
}

#[cfg(unix)]
#[test]
fn an_interrupted_get_leaves_nothing_under_the_final_name_nor_beside_it() {
    use std::process::Stdio;

    let network = Network::of(1);
    network.run(["store".as_ref(), network.file("f", &noise(1, 48 << 20)).as_os_str()]).ok();
    let folder = network.path("interrupted");
    fs::create_dir(&folder).unwrap();
    let is_empty = || fs::read_dir(&folder).unwrap().count() == 0;
    // A get may be done before its signal comes; one of these is not.
    let interrupted = (0..20).any(|_| {
        let mut get = command(network.home());
        get.arg("get").arg("f").current_dir(&folder).stdout(Stdio::null()).stderr(Stdio::null());
        let mut get = common::Running(get.spawn().unwrap());
        wait_for("the get writes", || (!is_empty()).then_some(()));
        get.signal(rustix::process::Signal::TERM);
        let code = get.wait().code();
        if code == Some(0) {
            fs::remove_file(folder.join("f")).unwrap();
            return false;
        }
        assert_eq!(code, Some(128 + 15));
        assert!(is_empty(), "nothing is left");
        true
    });
    assert!(interrupted);

    // Killed without warning it leaves at most its file aside, never the final name.
    let mut get = command(network.home());
    get.args(["get", "f", "--force"]).current_dir(&folder).stdout(Stdio::null());
    let mut get = common::Running(get.spawn().unwrap());
    wait_for("the get writes", || (!is_empty()).then_some(()));
    get.0.kill().unwrap();
    if !get.wait().success() && folder.join("f").exists() {
        assert_eq!(fs::metadata(folder.join("f")).unwrap().len(), 48 << 20, "whole or not at all");
    }
}

#[test]
fn a_get_whose_peer_goes_away_shows_no_half_file_and_goes_on_when_it_is_back() {
    use std::process::Stdio;

    let mut network = Network::of(1);
    let content = noise(2, 48 << 20);
    network.run(["store".as_ref(), network.file("f", &content).as_os_str()]).ok();
    let folder = network.path("interrupted");
    fs::create_dir(&folder).unwrap();
    let mut get = command(network.home());
    get.arg("get").arg("f").current_dir(&folder).stdout(Stdio::null()).stderr(Stdio::null());
    let mut get = common::Running(get.spawn().unwrap());
    wait_for("the get writes", || fs::read_dir(&folder).unwrap().next().is_some().then_some(()));
    let home = network.peers.remove(0).kill();
    let file = folder.join("f");
    assert!(!file.exists() || fs::read(&file).unwrap() == content, "whole or not at all");
    network.peers.push(Peer::start(&home, None));
    assert_eq!(get.wait().code(), Some(0));
    assert!(fs::read(&file).unwrap() == content);
}

#[test]
fn bytes_that_are_no_protocol_do_not_disturb_a_node() {
    let mut network = Network::of(1);
    let addr = network.peers[0].addr;
    network.run(["store".as_ref(), network.file("f", b"content").as_os_str()]).ok();
    let hostile: [Vec<u8>; 6] = [
        b"GET / HTTP/1.1\r\nHost: x\r\n\r\n".to_vec(),
        vec![0; 100_000],
        vec![0xff; 100_000],
        noise(3, 100_000),
        [&[0, 48][..], &noise(4, 48)].concat(),
        vec![0, 0],
    ];
    for bytes in hostile {
        let mut link = TcpStream::connect(addr).unwrap();
        link.set_read_timeout(Some(DEADLINE)).unwrap();
        // The node may close before all is written, and then the rest has nowhere to go.
        let _ = link.write_all(&bytes);
        let _ = link.shutdown(std::net::Shutdown::Write);
        let mut answer = Vec::new();
        // It closes, in whatever manner the system reports that.
        if let Err(error) = link.read_to_end(&mut answer) {
            assert_ne!(error.kind(), std::io::ErrorKind::WouldBlock, "the node keeps a dead link");
        }
        assert!(answer.len() < 2048, "nothing but a handshake is answered");
    }
    assert_eq!(network.run(["get", "f", "-o", "-"]).code(0).out, b"content");
    assert!(network.peers[0].is_running());
}

#[test]
fn a_handshake_that_never_ends_is_closed_and_others_are_served_meanwhile() {
    let network = Network::of(1);
    let silent: Vec<_> = (0..8).map(|_| TcpStream::connect(network.peers[0].addr).unwrap()).collect();
    let mut slow = TcpStream::connect(network.peers[0].addr).unwrap();
    slow.write_all(&[0, 48, 1, 2, 3]).unwrap();
    network.run(["store".as_ref(), network.file("f", b"content").as_os_str()]).ok();
    for mut link in silent.into_iter().chain([slow]) {
        link.set_read_timeout(Some(DEADLINE)).unwrap();
        match link.read(&mut [0; 16]) {
            Ok(count) => assert_eq!(count, 0, "nothing is said to who says nothing"),
            Err(error) => assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset),
        }
    }
    assert_eq!(network.run(["get", "f", "-o", "-"]).code(0).out, b"content");
}

#[test]
fn a_damaged_home_is_named_and_nothing_of_it_is_overwritten() {
    let mut network = Network::of(1);
    let home = network.peers.remove(0).kill();
    for file in ["network", "vault", "node/identity"] {
        let path = home.join(file);
        let whole = fs::read(&path).unwrap();
        let cut = &whole[..whole.len() / 2];
        fs::write(&path, cut).unwrap();
        let ran = match file {
            "vault" => run(&home, ["list"]),
            _ => run(&home, ["node", "--listen", "127.0.0.1:0"]),
        };
        let code = ran.error(1);
        assert!(["home_damaged", "vault_damaged", "not_a_vault"].contains(&code.as_str()), "{file}: {code}");
        assert_eq!(fs::read(&path).unwrap(), cut, "{file}");
        fs::write(&path, whole).unwrap();
    }
    Peer::start(&home, None);
}
