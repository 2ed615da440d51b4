//! Logs hold no secrets: real nodes and commands at the most verbose level, every line of it searched.

mod common;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use common::{Peer, Ran, command, finish, wait_for};
use quantumsync_core::crypto::Suite;
use quantumsync_core::vault::Vault;
use quantumsync_core::wire::Token;
use rustix::process::Signal;

const CONTENT: &[u8] = b"MARKED PLAINTEXT ";
const KEY: &str = "folder of marked names/marked key string";
const PASSPHRASE: &str = "marked passphrase";

/// A command that logs all it can.
fn verbose(home: &Path) -> Command {
    let mut command = command(home);
    command.env("QUANTUMSYNC_LOG", "trace").env("QUANTUMSYNC_PASSPHRASE", PASSPHRASE);
    command
}

/// The homes of a run, and all that it logged.
struct Run {
    folder: tempfile::TempDir,
    peers: Vec<Peer>,
    /// What commands wrote to stderr.
    said: String,
}

impl Run {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap(), peers: Vec::new(), said: String::new() }
    }

    fn home(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn start(&mut self, token: Option<&str>) {
        let name = format!("peer-{}", self.peers.len());
        let mut start = verbose(&self.home(&name));
        let log = fs::File::create(self.home(&format!("{name}.log"))).unwrap();
        start.args(["node", "--listen", "127.0.0.1:0"]).stderr(log);
        if let Some(token) = token {
            start.env("QUANTUMSYNC_TOKEN", token);
        }
        self.peers.push(Peer::of(&self.home(&name), &mut start));
    }

    fn run(&mut self, home: &Path, args: &[&str], input: &[u8]) -> Ran {
        let ran = finish(verbose(home).args(args), input);
        self.said.push_str(&ran.err);
        ran
    }

    /// What all of them logged. Errors and warnings, which tell a user of his own keys, are no log.
    fn logged(&self) -> String {
        let mut logged: String = self
            .said
            .lines()
            .filter(|line| line.starts_with("{\"log\""))
            .map(|line| format!("{line}\n"))
            .collect();
        for number in 0..self.peers.len() {
            logged.push_str(&fs::read_to_string(self.home(&format!("peer-{number}.log"))).unwrap());
        }
        logged
    }
}

/// A text in the forms in which a careless line would show it.
fn forms(secret: &[u8]) -> Vec<String> {
    let hex: String = secret.iter().map(|byte| format!("{byte:02x}")).collect();
    let list = format!("{secret:?}");
    let list = list.trim_matches(['[', ']']).to_owned();
    let mut forms = vec![hex.to_uppercase(), hex, list];
    forms.extend(String::from_utf8(secret.to_vec()));
    forms
}

#[test]
fn nothing_secret_is_logged_at_the_most_verbose_level() {
    let mut run = Run::new();
    let entropy = *b"the master secret of this vault!";
    let vault = Vault::create(Suite::Real, entropy);
    run.start(None);
    let first = run.peers[0].home.clone();
    let invited = run.run(&first, &["invite", "--node"], b"").ok();
    let node_token = invited["token"].as_str().unwrap().to_owned();
    run.start(Some(&node_token));
    run.start(Some(&node_token));
    wait_for("all are there", || {
        let status = run.peers[0].status();
        (status["peers"]["alive"] == 2 && status["syncing"] == false).then_some(())
    });
    let invited = run.run(&first, &["invite"], b"").ok();
    let token = invited["token"].as_str().unwrap().to_owned();

    let user = run.home("user");
    run.run(&user, &["init", "--restore", "-", "--join", &token], vault.words().as_bytes()).ok();
    let long: Vec<u8> = CONTENT.iter().copied().cycle().take(3_000_000).collect();
    for (key, content) in [(KEY, &long[..]), ("short", &long[..1000])] {
        run.run(&user, &["store", "-", "--key", key], content).ok();
        assert!(run.run(&user, &["get", key, "-o", "-"], b"").code(0).out == content);
    }
    for args in [&["list"][..], &["status"], &["delete", KEY]] {
        run.run(&user, args, b"").code(0);
    }
    for args in [&["verify"][..], &["peers"], &["status"]] {
        run.run(&first, args, b"").code(0);
    }
    // What goes wrong is told with less care than what goes well.
    run.run(&user, &["get", KEY, "-o", "-"], b"").code(3);
    run.run(&run.home("mistyped"), &["init", "--restore", "-"], vault.words().replace(' ', "  x").as_bytes())
        .code(2);
    run.run(&run.home("other"), &["init", "--join", &token[..token.len() - 1]], b"").code(2);
    for verb in ["leave", "peers"] {
        run.run(&user, &[verb], b"").code(5);
    }
    let third = run.peers[2].node.clone();
    run.run(&first, &["ban", &third], b"").ok();
    let mut banned = run.peers.pop().unwrap();
    banned.wait();
    run.peers.push(banned);
    for peer in &mut run.peers[..2] {
        peer.signal(Signal::TERM);
        assert!(peer.wait().success());
    }

    let logged = run.logged();
    for told in ["\"level\":\"info\"", &third, "peer is there"] {
        assert!(logged.contains(told), "the log is what was searched: {told}");
    }
    let parsed = Token::from_text(&node_token).unwrap();
    let keys = vault.keys();
    let mut secrets = vec![
        ("the psk", forms(parsed.psk.expose())),
        ("the network's signing key", forms(parsed.signing_seed.unwrap().expose())),
        ("the master secret", forms(&entropy)),
        ("the key of pieces", forms(keys.read.dedup_data.expose())),
        ("a token", vec![token[4..].to_owned(), node_token[4..].to_owned()]),
        ("the passphrase", vec![PASSPHRASE.to_owned()]),
    ];
    let words: Vec<String> = vault.words().split(' ').map(str::to_owned).collect();
    secrets.push(("words of the vault", words.windows(2).map(|pair| pair.join(" ")).collect()));
    for file in ["peer-0/node/identity", "peer-0/node/control", "user/device/secret"] {
        secrets.push((file, forms(&fs::read(run.home(file)).unwrap())));
    }
    // A user's own errors may name his keys, and nothing else of these.
    let all = format!("{logged}{}", run.said);
    for (name, forms) in &secrets {
        assert!(forms.iter().all(|form| form.len() > 8), "{name}: too short to search for");
        assert!(!forms.iter().any(|form| all.contains(form)), "{name} is told");
    }
    let content = String::from_utf8(CONTENT.to_vec()).unwrap();
    for form in forms(KEY.as_bytes()).into_iter().chain(forms(CONTENT)).chain([content]) {
        assert!(!logged.contains(&form), "the data or its name is logged");
    }
}
