//! The node under attack: a real process whose log is read, whose memory is measured, and which honest users use meanwhile.

use std::fs::{self, File};
use std::net::SocketAddr;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use serde_json::Value;
use tempfile::TempDir;

use crate::common::{Peer, command, noise, run, wait_for};
use crate::link::Link;
use crate::signed::{Keys, Owner};

/// More memory than this no attack of these tests costs a node at its peak: the windows and credits of a few links and
/// the caches of its store are less.
const MEMORY_KIB: u64 = 320 << 10;

/// A node, and a user of it.
pub(crate) struct Target {
    folder: TempDir,
    pub(crate) peer: Peer,
    /// Other members of its network, honest ones.
    others: Vec<Peer>,
    /// What a member knows.
    pub(crate) keys: Keys,
    /// False where so much happens at once that the log leaves lines out.
    named: bool,
    /// True where a liar is one of so few replicas that what the honest store has not all its copies, and is said so.
    degraded: bool,
}

impl Target {
    pub(crate) fn start() -> Self {
        Self::with(0)
    }

    /// In a network with so many other members.
    #[track_caller]
    pub(crate) fn with(others: usize) -> Self {
        let mut target = Self::founded(&[], "");
        let (folder, peer) = (&target.folder, &target.peer);
        let token = peer.invite(true);
        let start = |number| start_node(&folder.path().join(format!("other-{number}")), Some(&token), &[]);
        let others: Vec<Peer> = (0..others).map(start).collect();
        for peer in others.iter().chain([peer]) {
            peer.wait_for("the peers see each other", |status| {
                status["peers"]["members"] == others.len() + 1
                    && status["peers"]["alive"] == others.len()
                    && status["syncing"] == false
            });
        }
        target.others = others;
        target
    }

    /// Alone, founded with these flags and settings.
    #[track_caller]
    pub(crate) fn founded(flags: &[&str], settings: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let home = folder.path().join("target");
        fs::create_dir(&home).unwrap();
        fs::write(home.join("settings.toml"), settings).unwrap();
        run(&home, ["init", "--no-passphrase"]).ok();
        let peer = start_node(&home, None, flags);
        let keys = Keys::of_token(&peer.invite(true));
        Self { folder, peer, others: Vec::new(), keys, named: true, degraded: false }
    }

    /// The same, where honest users have to be content with fewer copies than wanted.
    pub(crate) fn degraded(mut self) -> Self {
        self.degraded = true;
        self
    }

    /// True without other members: it is a replica of everything.
    pub(crate) const fn is_alone(&self) -> bool {
        self.others.is_empty()
    }

    /// Its NodeId.
    pub(crate) fn node(&self) -> [u8; 32] {
        self.honest_nodes()[0]
    }

    /// The NodeIds of all honest members, its own first.
    pub(crate) fn honest_nodes(&self) -> Vec<[u8; 32]> {
        let decode = |peer: &Peer| data_encoding::HEXLOWER.decode(peer.node.as_bytes()).unwrap();
        self.honest().map(|peer| decode(peer).try_into().unwrap()).collect()
    }

    /// What all honest members say of themselves, it first.
    pub(crate) fn honest_statuses(&self) -> Vec<Value> {
        self.honest().map(Peer::status).collect()
    }

    fn honest(&self) -> impl Iterator<Item = &Peer> {
        std::iter::once(&self.peer).chain(&self.others)
    }

    /// Starts one more member, which keeps nothing, and waits until the target knows it.
    #[track_caller]
    pub(crate) fn add_volatile(&self, name: &str) -> Peer {
        let alive = |status: &Value| status["peers"]["alive"].as_u64();
        let before = alive(&self.peer.status());
        let token = self.peer.invite(true);
        let peer = start_node(&self.folder.path().join(name), Some(&token), &["--volatile"]);
        self.peer.wait_for("the new member is there", |status| alive(status) > before);
        peer
    }

    /// Waits until every honest member knows this one, and has nothing to catch up with because of it.
    #[track_caller]
    pub(crate) fn await_member(&self, node: &[u8; 32]) {
        let node = data_encoding::HEXLOWER.encode(node);
        for peer in self.honest() {
            let known = || {
                let peers = run(&peer.home, ["peers"]).code(0).out;
                String::from_utf8_lossy(&peers).contains(&node).then_some(())
            };
            wait_for("the new member is known", known);
            peer.wait_for("what it changes is settled", |status| status["syncing"] == false);
        }
    }

    /// Where another member listens.
    pub(crate) fn another(&self) -> SocketAddr {
        self.others[0].addr
    }

    /// The same, attacked by many at once.
    pub(crate) fn crowded(mut self) -> Self {
        self.named = false;
        self
    }

    pub(crate) const fn addr(&self) -> SocketAddr {
        self.peer.addr
    }

    /// A link of a new user of the network.
    pub(crate) fn client(&self) -> (Link, Owner) {
        let owner = Owner::new(&self.keys);
        (Link::client(self.addr(), &owner), owner)
    }

    /// Waits until the log names this fault of whoever speaks, or spoke, from this address.
    #[track_caller]
    pub(crate) fn await_fault(&self, remote: SocketAddr, fault: &str) {
        if !self.named {
            return;
        }
        let remote = remote.to_string();
        let of_remote = || self.log().into_iter().find(|line| line["remote"] == *remote);
        let line = wait_for(&format!("{fault} of {remote} in the log"), of_remote);
        let name = line["fault"].as_str().unwrap_or_default();
        assert!(name.starts_with(fault), "another fault than {fault}: {line}");
    }

    /// Waits until the log has named this fault so often, of whomever.
    #[track_caller]
    pub(crate) fn await_faults(&self, fault: &str, count: usize) {
        let found = || (self.faults(fault) >= count).then_some(());
        if self.named {
            wait_for(&format!("{count} times {fault} in the log"), found);
        }
    }

    /// How often the log names this fault.
    pub(crate) fn faults(&self, fault: &str) -> usize {
        self.log().iter().filter(|line| line["fault"] == fault).count()
    }

    /// Waits until the link has ended, and its fault has been told to the other side and is in the log.
    #[track_caller]
    pub(crate) fn await_end(&self, link: &mut Link, fault: &str) {
        let reason = link.goodbye();
        let expected = if fault == "NotAdmitted" { 2 } else { crate::link::FAULT };
        // A node whose goodbye was not read when we sent more resets the link.
        assert!(reason.is_none_or(|reason| reason == expected), "goodbye {reason:?} for {fault}");
        self.await_fault(link.frames.addr(), fault);
    }

    /// What the node has logged.
    pub(crate) fn log(&self) -> Vec<Value> {
        let text = self.log_text();
        // The last line may be half written.
        let whole = text.rfind('\n').map_or("", |end| &text[..end]);
        whole.lines().map(|line| serde_json::from_str::<Value>(line).expect("JSON")["log"].take()).collect()
    }

    pub(crate) fn log_text(&self) -> String {
        fs::read_to_string(self.peer.home.with_extension("log")).unwrap()
    }

    /// The most memory that the node has ever used, in KiB, where the system tells.
    pub(crate) fn peak_memory(&self) -> Option<u64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.peer.id())).ok()?;
        let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
        line.split_whitespace().nth(1)?.parse().ok()
    }

    /// The attack is withstood: it is over, users who stored and read meanwhile noticed nothing, memory stayed bounded, and the node goes on.
    #[track_caller]
    pub(crate) fn withstand(&self, attack: impl FnOnce(&Self) + Send) {
        let over = AtomicBool::new(false);
        thread::scope(|scope| {
            let honest = scope.spawn(|| {
                let mut round = 0;
                loop {
                    let last = over.load(Ordering::Acquire);
                    self.store_and_read(round);
                    round += 1;
                    if last {
                        return round;
                    }
                }
            });
            let attacked = scope.spawn(|| {
                // Over also if it fails: else the honest would go on for ever.
                let _over = Over(&over);
                attack(self);
            });
            attacked.join().expect("the node does as the attack expects");
            assert!(honest.join().expect("nobody else is disturbed") >= 1);
        });
        if let Some(peak) = self.peak_memory() {
            assert!(peak < MEMORY_KIB, "the node took {peak} KiB");
        }
        assert!(!self.log_text().contains("panicked"), "{}", self.log_text());
    }

    /// What a user does: a file of some pieces, stored and read back. Both succeed, with all copies if they can be had.
    #[track_caller]
    fn store_and_read(&self, round: u64) {
        let (content, key) = (noise(round, 600_000), format!("honest/{round}"));
        let (file, back) = (self.folder.path().join("file"), self.folder.path().join("back"));
        fs::write(&file, &content).unwrap();
        let home = &self.peer.home;
        let stored = run(home, ["store".as_ref(), file.as_os_str(), "--key".as_ref(), key.as_ref()]);
        // 6: done, on fewer copies than wanted.
        assert!(stored.code == Some(0) || self.degraded && stored.code == Some(6), "{stored:?}");
        run(home, ["get".as_ref(), key.as_ref(), "-o".as_ref(), back.as_os_str()]).ok();
        assert!(fs::read(&back).unwrap() == content, "what was stored is what is read");
        fs::remove_file(&back).unwrap();
    }
}

/// Sets its flag when it goes out of scope, if only because a test fails.
pub(crate) struct Over<'a>(pub(crate) &'a AtomicBool);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Release);
    }
}

/// A node whose log goes into a file beside its home.
#[track_caller]
fn start_node(home: &Path, token: Option<&str>, flags: &[&str]) -> Peer {
    let log = File::create(home.with_extension("log")).unwrap();
    let mut command = command(home);
    command.args(["node", "--listen", "127.0.0.1:0"]).args(flags).stderr(log);
    if let Some(token) = token {
        command.env("QUANTUMSYNC_TOKEN", token);
    }
    Peer::of(home, &mut command)
}
