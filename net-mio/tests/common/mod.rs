//! Real processes for the tests: homes in a temporary folder, peers that are killed when a test ends, commands that
//! always end. Everything is on 127.0.0.1, on ports that the system chooses.
#![allow(dead_code, reason = "each test program uses a part of it")]

use std::ffi::OsStr;
use std::fs;
use std::io::{BufRead as _, BufReader, Read, Write as _};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

/// What takes longer hangs: no test waits for a time, all wait for something.
pub(crate) const DEADLINE: Duration = Duration::from_secs(120);
/// Between two looks at something that is waited for.
const LOOK: Duration = Duration::from_millis(10);

/// A command of the program under test, in an environment that knows nothing of the machine's own networks.
pub(crate) fn command(home: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_quantumsync"));
    for (variable, _) in std::env::vars_os() {
        if variable.to_string_lossy().starts_with("QUANTUMSYNC_") {
            command.env_remove(variable);
        }
    }
    command.arg("--home").arg(home).arg("--json").stdin(Stdio::null());
    command
}

/// What a command came to.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: Option<i32>,
    pub(crate) out: Vec<u8>,
    pub(crate) err: String,
}

impl Ran {
    /// The results, after making sure that it ended with this status.
    #[track_caller]
    pub(crate) fn code(self, code: i32) -> Self {
        let out = String::from_utf8_lossy(&self.out);
        assert_eq!(self.code, Some(code), "stdout: {out}\nstderr: {}", self.err);
        self
    }

    /// The first result, of a command that succeeded.
    #[track_caller]
    pub(crate) fn ok(self) -> Value {
        self.code(0).results().into_iter().next().unwrap_or(Value::Null)
    }

    /// Every result line.
    #[track_caller]
    pub(crate) fn results(&self) -> Vec<Value> {
        let text = std::str::from_utf8(&self.out).expect("results are UTF-8");
        text.lines().map(|line| serde_json::from_str(line).expect("a result is JSON")).collect()
    }

    /// The codes of all errors, of a command that failed with this status. Each has a message and a hint.
    #[track_caller]
    pub(crate) fn errors(self, code: i32) -> Vec<String> {
        let ran = self.code(code);
        let objects =
            ran.err.lines().map(|line| serde_json::from_str::<Value>(line).expect("an error is JSON"));
        let errors: Vec<Value> = objects.filter(|object| !object["error"].is_null()).collect();
        let text = |error: &Value, part: &str| error["error"][part].as_str().expect("a text").to_owned();
        assert!(!errors.is_empty(), "no error is said: {}", ran.err);
        for error in &errors {
            assert!(!text(error, "message").is_empty() && !text(error, "hint").is_empty(), "{error}");
        }
        errors.iter().map(|error| text(error, "code")).collect()
    }

    /// The code of the only error.
    #[track_caller]
    pub(crate) fn error(self, code: i32) -> String {
        let mut errors = self.errors(code);
        assert_eq!(errors.len(), 1, "one error: {errors:?}");
        errors.remove(0)
    }
}

/// Runs a command to its end.
#[track_caller]
pub(crate) fn run<A: AsRef<OsStr>>(home: &Path, args: impl IntoIterator<Item = A>) -> Ran {
    finish(command(home).args(args), b"")
}

/// Runs a prepared command to its end, with this standard input.
#[track_caller]
pub(crate) fn finish(command: &mut Command, input: &[u8]) -> Ran {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it starts");
    let mut stdin = child.stdin.take().expect("piped");
    let input = input.to_vec();
    let feed = thread::spawn(move || {
        // A command that does not read its input to the end is in its right.
        let _ = stdin.write_all(&input);
    });
    let out = reader(child.stdout.take().expect("piped"));
    let err = reader(child.stderr.take().expect("piped"));
    let mut guard = Running(child);
    let code = guard.wait().code();
    feed.join().expect("the feeder does not panic");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("messages are UTF-8");
    Ran { code, out: out.join().expect("read"), err: text(err.join().expect("read")) }
}

fn reader(mut stream: impl Read + Send + 'static) -> thread::JoinHandle<Vec<u8>> {
    thread::spawn(move || {
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes).expect("a pipe can be read");
        bytes
    })
}

/// A process that does not outlive its test.
pub(crate) struct Running(pub(crate) Child);

impl Running {
    /// Waits for its end.
    #[track_caller]
    pub(crate) fn wait(&mut self) -> std::process::ExitStatus {
        wait_for("the process ends", || self.0.try_wait().expect("it is our child"))
    }

    /// Asks it to stop, as Ctrl-C does.
    #[cfg(unix)]
    pub(crate) fn signal(&self, signal: rustix::process::Signal) {
        let id = i32::try_from(self.0.id()).ok().and_then(rustix::process::Pid::from_raw);
        rustix::process::kill_process(id.expect("an id"), signal).expect("it is our child");
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Looks until there is something.
#[track_caller]
pub(crate) fn wait_for<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let until = Instant::now() + DEADLINE;
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < until, "waited in vain: {what}");
        thread::sleep(LOOK);
    }
}

/// A running node of a home.
pub(crate) struct Peer {
    process: Running,
    pub(crate) home: PathBuf,
    pub(crate) addr: SocketAddr,
    pub(crate) node: String,
}

impl Peer {
    /// Starts the node of this home.
    #[track_caller]
    pub(crate) fn start(home: &Path, token: Option<&str>) -> Self {
        let mut command = command(home);
        command.args(["node", "--listen", "127.0.0.1:0"]);
        if let Some(token) = token {
            command.env("QUANTUMSYNC_TOKEN", token);
        }
        Self::of(home, &mut command)
    }

    /// Starts a node with this command.
    #[track_caller]
    pub(crate) fn of(home: &Path, command: &mut Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).spawn().expect("it starts");
        let stdout = child.stdout.take().expect("piped");
        let process = Running(child);
        let (sender, lines) = mpsc::channel();
        thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                // Only the first line is waited for.
                let _ = sender.send(line);
            }
        });
        let line = lines.recv_timeout(DEADLINE).expect("a node says where it listens");
        let ready: Value = serde_json::from_str(&line).expect("the ready line is JSON");
        assert_eq!(ready["event"], "listening");
        let text = |name: &str| ready[name].as_str().expect("a text").to_owned();
        let addr = text("addr").parse().expect("an address");
        Self { process, home: home.to_path_buf(), addr, node: text("node") }
    }

    /// A token of its network.
    #[track_caller]
    pub(crate) fn invite(&self, for_node: bool) -> String {
        let args: &[&str] = if for_node { &["invite", "--node"] } else { &["invite"] };
        run(&self.home, args).ok()["token"].as_str().expect("a token").to_owned()
    }

    /// What it says of itself.
    #[track_caller]
    pub(crate) fn status(&self) -> Value {
        run(&self.home, ["status"]).ok()
    }

    /// Waits until its status is as wanted.
    #[track_caller]
    pub(crate) fn wait_for(&self, what: &str, holds: impl Fn(&Value) -> bool) -> Value {
        wait_for(what, || Some(self.status()).filter(|status| holds(status)))
    }

    /// Kills it without warning.
    pub(crate) fn kill(mut self) -> PathBuf {
        self.process.0.kill().expect("it is our child");
        self.process.wait();
        self.home.clone()
    }

    /// Sends its process a signal.
    #[cfg(unix)]
    pub(crate) fn signal(&self, signal: rustix::process::Signal) {
        self.process.signal(signal);
    }

    /// Stops it cleanly.
    #[cfg(unix)]
    #[track_caller]
    pub(crate) fn stop(mut self) -> PathBuf {
        self.process.signal(rustix::process::Signal::TERM);
        let status = self.process.wait();
        assert!(status.success(), "a node that is asked to stop ends well: {status}");
        self.home.clone()
    }

    /// Waits until its process ends by itself.
    #[track_caller]
    pub(crate) fn wait(&mut self) -> std::process::ExitStatus {
        self.process.wait()
    }

    /// The files of blobs on its disk.
    pub(crate) fn blob_files(&self) -> Vec<PathBuf> {
        let mut files = Vec::new();
        collect_files(&self.home.join("node/blobs"), &mut files);
        files
    }

    /// Its process.
    pub(crate) fn id(&self) -> u32 {
        self.process.0.id()
    }

    /// True while it runs.
    pub(crate) fn is_running(&mut self) -> bool {
        self.process.0.try_wait().expect("it is our child").is_none()
    }
}

/// All files below a folder that others change meanwhile, in order.
pub(crate) fn collect_files(folder: &Path, found: &mut Vec<PathBuf>) {
    // A node removes empty folders while this walks through them.
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries.map_while(Result::ok) {
        if entry.path().is_dir() {
            collect_files(&entry.path(), found);
        } else {
            found.push(entry.path());
        }
    }
    found.sort();
}

/// Peers of one network, and the user at home with the first of them.
pub(crate) struct Network {
    pub(crate) folder: TempDir,
    pub(crate) peers: Vec<Peer>,
}

impl Network {
    /// A network of so many peers; deleted bytes go after a second.
    #[track_caller]
    pub(crate) fn of(count: usize) -> Self {
        Self::with_settings(count, "")
    }

    /// The same with more settings of the founder, as lines of its file.
    #[track_caller]
    pub(crate) fn with_settings(count: usize, settings: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let first = folder.path().join("peer-0");
        fs::create_dir(&first).expect("a folder");
        let settings = format!("linger = \"1s\"\n{settings}");
        fs::write(first.join("settings.toml"), settings).expect("written");
        run(&first, ["init", "--no-passphrase"]).ok();
        let mut network = Self { peers: vec![Peer::start(&first, None)], folder };
        if count > 1 {
            let token = network.peers[0].invite(true);
            for number in 1..count {
                let home = network.folder.path().join(format!("peer-{number}"));
                network.peers.push(Peer::start(&home, Some(&token)));
            }
        }
        for peer in &network.peers {
            peer.wait_for("the peers see each other", |status| {
                status["peers"]["members"] == count
                    && status["peers"]["alive"].as_u64() >= Some(count as u64 - 1)
                    && status["syncing"] == false
            });
        }
        network
    }

    /// The home of the user.
    pub(crate) fn home(&self) -> &Path {
        &self.peers[0].home
    }

    /// Runs a command of the user.
    #[track_caller]
    pub(crate) fn run<A: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = A>) -> Ran {
        run(self.home(), args)
    }

    /// A file of the user, outside the homes.
    pub(crate) fn file(&self, name: &str, content: &[u8]) -> PathBuf {
        let path = self.folder.path().join("files").join(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        fs::write(&path, content).expect("written");
        path
    }

    /// Where a file of the user may be made.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }
}

/// Bytes without pattern, the same for the same seed (SplitMix64).
pub(crate) fn noise(seed: u64, length: usize) -> Vec<u8> {
    let mut state = seed;
    let words = std::iter::repeat_with(|| {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut word = state;
        word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (word ^ (word >> 31)).to_le_bytes()
    });
    words.take(length.div_ceil(8)).flatten().take(length).collect()
}
