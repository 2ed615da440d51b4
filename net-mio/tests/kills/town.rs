//! Three nodes behind counting links, users without a node, and commands that can be killed.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

use crate::common::{DEADLINE, Peer, Running, collect_files, command, run, wait_for};
use crate::proxy::Proxy;

/// Between two looks at something that is about to happen.
const LOOK: Duration = Duration::from_millis(1);

/// A node's home, its link to the world, and its process while it runs.
pub(crate) struct Node {
    pub(crate) home: PathBuf,
    pub(crate) proxy: Proxy,
    peer: Option<Peer>,
    id: String,
}

/// What is below a folder.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub(crate) struct Files {
    pub(crate) count: usize,
    pub(crate) bytes: u64,
}

impl Node {
    fn new(home: PathBuf, token: Option<&str>) -> Self {
        let proxy = Proxy::new();
        let mut command = node_command(&home, &proxy);
        if let Some(token) = token {
            command.env("QUANTUMSYNC_TOKEN", token);
        }
        let peer = Peer::of(&home, &mut command);
        proxy.set_node(peer.addr);
        let id = peer.node.clone();
        Self { home, proxy, peer: Some(peer), id }
    }

    /// Starts it on the disk that it has.
    pub(crate) fn start(&mut self) {
        let peer = Peer::of(&self.home, &mut node_command(&self.home, &self.proxy));
        assert_eq!(peer.node, self.id, "a node that comes back is the same one");
        self.proxy.set_node(peer.addr);
        self.peer = Some(peer);
    }

    pub(crate) fn kill(&mut self) {
        self.peer.take().expect("it runs").kill();
    }

    /// Starts it and kills it as soon as it touches its disk: a file comes, goes or grows. True if it had not said
    /// yet that it is ready.
    pub(crate) fn kill_while_starting(&mut self) -> bool {
        let before = self.all_files();
        let child = node_command(&self.home, &self.proxy).stdout(Stdio::piped()).spawn().expect("it starts");
        let mut process = Running(child);
        let output = Lines::of(process.0.stdout.take().expect("piped"));
        assert!(comes(|| self.all_files() != before || output.count() > 0), "a node does not touch its disk");
        let in_time = output.count() == 0;
        process.0.kill().expect("it is our child");
        process.wait();
        in_time
    }

    pub(crate) fn status(&self) -> Value {
        self.peer.as_ref().expect("it runs").status()
    }

    /// How clients name it.
    pub(crate) fn address(&self) -> String {
        format!("{}@{}", self.id, self.proxy.addr)
    }

    pub(crate) fn blob_files(&self) -> Files {
        count(&self.home.join("node/blobs"))
    }

    /// The files of blobs that were not there before.
    pub(crate) fn blobs_beside(&self, before: &BTreeSet<PathBuf>) -> BTreeSet<PathBuf> {
        self.blobs().difference(before).cloned().collect()
    }

    pub(crate) fn blobs(&self) -> BTreeSet<PathBuf> {
        let mut found = Vec::new();
        collect_files(&self.home.join("node/blobs"), &mut found);
        found.into_iter().collect()
    }

    pub(crate) fn staged_files(&self) -> Files {
        count(&self.home.join("node/staging"))
    }

    fn all_files(&self) -> Files {
        count(&self.home.join("node"))
    }
}

fn node_command(home: &Path, proxy: &Proxy) -> Command {
    let mut command = command(home);
    command.args(["node", "--listen", "127.0.0.1:0", "--advertise", &proxy.addr.to_string()]);
    // What a node says before it is killed is of no use.
    command.stderr(Stdio::null());
    command
}

fn count(folder: &Path) -> Files {
    let mut found = Files::default();
    // A node removes files while this walks.
    let Ok(entries) = fs::read_dir(folder) else { return found };
    for entry in entries.map_while(Result::ok) {
        let Ok(metadata) = entry.metadata() else { continue };
        if metadata.is_dir() {
            let inside = count(&entry.path());
            found.count += inside.count;
            found.bytes += inside.bytes;
        } else {
            found.count += 1;
            found.bytes += metadata.len();
        }
    }
    found
}

/// The nodes of one network, and where users and their files are.
pub(crate) struct Town {
    pub(crate) nodes: Vec<Node>,
    folder: TempDir,
    token: String,
}

impl Town {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let home = |number: usize| folder.path().join(format!("node-{number}"));
        fs::create_dir(home(0)).expect("a folder");
        fs::write(home(0).join("settings.toml"), "linger = \"1s\"\n").expect("written");
        let mut nodes = vec![Node::new(home(0), None)];
        let invite = |args: &[&str]| run(&home(0), args).ok()["token"].as_str().expect("a token").to_owned();
        let for_nodes = invite(&["invite", "--node"]);
        nodes.extend((1..3).map(|number| Node::new(home(number), Some(&for_nodes))));
        let token = invite(&["invite"]);
        let town = Self { nodes, folder, token };
        town.wait_until_together();
        town
    }

    /// A user without a node: nothing of what it stores is kept at its home.
    pub(crate) fn user(&self, name: &str) -> PathBuf {
        let home = self.path(name);
        run(&home, ["init", "--no-passphrase", "--join", &self.token]).ok();
        home
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Waits until each node reaches all others.
    pub(crate) fn wait_until_together(&self) {
        let others = self.nodes.len() as u64 - 1;
        for node in &self.nodes {
            wait_for("the nodes see each other", || {
                (node.status()["peers"]["alive"].as_u64() >= Some(others)).then_some(())
            });
        }
    }

    /// Waits until each node has all that it should have.
    pub(crate) fn wait_until_healthy(&self) {
        for node in &self.nodes {
            let mut last = Value::Null;
            let until = Instant::now() + DEADLINE;
            while !is_healthy(&last) {
                assert!(Instant::now() < until, "a node does not become healthy: {last}");
                last = node.status();
            }
        }
    }

    /// Waits for something that its nodes do by themselves.
    #[track_caller]
    pub(crate) fn wait_until(&self, what: &str, holds: impl Fn(&[Node]) -> bool) {
        if !comes(|| holds(&self.nodes)) {
            let told = |node: &Node| format!("{} {:?}", node.status(), node.blob_files());
            panic!("waited in vain until {what}: {:?}", self.nodes.iter().map(told).collect::<Vec<_>>());
        }
    }
}

fn is_healthy(status: &Value) -> bool {
    status["copies"]["missing"] == 0 && status["syncing"] == false && status["peers"]["alive"] == 2
}

/// A user's command under way.
pub(crate) struct Client {
    process: Running,
    out: Lines,
    err: Lines,
}

impl Client {
    pub(crate) fn spawn(user: &Path, entry: &Node, args: &[String]) -> Self {
        let mut command = command(user);
        command.args(["--node", &entry.address()]).args(args);
        let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it starts");
        let mut process = Running(child);
        let out = Lines::of(process.0.stdout.take().expect("piped"));
        let err = Lines::of(process.0.stderr.take().expect("piped"));
        Self { process, out, err }
    }

    /// How much was acknowledged to it, as far as can be seen.
    pub(crate) fn results(&self) -> usize {
        self.out.count()
    }

    /// Looks until `holds`; false if the command ends before.
    pub(crate) fn look_until(&mut self, what: &str, mut holds: impl FnMut(&Self) -> bool) -> bool {
        let mut found = false;
        let in_time = comes(|| {
            found = holds(self);
            found || self.process.0.try_wait().expect("it is our child").is_some()
        });
        assert!(in_time, "waited in vain until {what}");
        // What it said last may not have been read when its end was seen.
        found || holds(self)
    }

    pub(crate) fn kill(&mut self) {
        self.process.0.kill().expect("it is our child");
    }

    /// Waits for its end: its status, and all that it said.
    pub(crate) fn end(mut self) -> Ended {
        let code = self.process.wait().code();
        let parse = |line: String| serde_json::from_str(&line).ok();
        // Of a command that was killed the last line may be cut.
        Ended {
            code,
            said: self.out.end().into_iter().filter_map(parse).collect(),
            err: self.err.end().join("\n"),
        }
    }
}

/// How a command ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) code: Option<i32>,
    pub(crate) said: Vec<Value>,
    pub(crate) err: String,
}

/// Lines as they come.
struct Lines {
    lines: Arc<Mutex<Vec<String>>>,
    reader: thread::JoinHandle<()>,
}

impl Lines {
    fn of(stream: impl std::io::Read + Send + 'static) -> Self {
        use std::io::BufRead as _;
        let lines = Arc::new(Mutex::new(Vec::new()));
        let of_reader = Arc::clone(&lines);
        let reader = thread::spawn(move || {
            for line in std::io::BufReader::new(stream).lines().map_while(Result::ok) {
                of_reader.lock().unwrap().push(line);
            }
        });
        Self { lines, reader }
    }

    fn count(&self) -> usize {
        self.lines.lock().unwrap().len()
    }

    /// All of them, when the stream has ended.
    fn end(self) -> Vec<String> {
        self.reader.join().expect("a reader does not panic");
        std::mem::take(&mut self.lines.lock().unwrap())
    }
}

/// Looks often, until something that was not asked for by time has come; false if it does not come at all.
pub(crate) fn comes(mut holds: impl FnMut() -> bool) -> bool {
    let until = Instant::now() + DEADLINE;
    while !holds() {
        if Instant::now() >= until {
            return false;
        }
        thread::sleep(LOOK);
    }
    true
}
