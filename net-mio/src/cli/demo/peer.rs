//! The peers of the demo: child processes with homes of their own in one temporary folder, and the promise that
//! nothing of them is left behind. Starts and ends them; does not know what for.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, BufRead as _, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use quantumsync::client::{Client, ClientOptions};
use quantumsync::home::Home;
use quantumsync_core::id::NodeId;
use quantumsync_core::vault::Vault;
use quantumsync_core::wire::Token;
use serde_json::Value;
use tempfile::TempDir;

use crate::cli::context::SUITE;
use crate::cli::error::{Class, Failure};

/// A peer that is not ready by then will not be.
const READY: Duration = Duration::from_secs(60);
/// A peer that was asked to stop and has not by then is killed.
const STOPPED: Duration = Duration::from_secs(30);
/// Between two looks at something that is waited for.
const LOOK: Duration = Duration::from_millis(20);

/// The temporary folder and the processes in it. Dropped, it ends them and removes the folder.
pub(super) struct Stage {
    state: Mutex<State>,
    path: PathBuf,
}

struct State {
    /// `None` once all is cleared away: then nothing starts any more.
    folder: Option<TempDir>,
    children: BTreeMap<&'static str, Child>,
}

/// One peer.
#[derive(Clone)]
pub(super) struct Peer {
    pub(super) name: &'static str,
    /// Its process, as the system numbers them.
    pub(super) process: u32,
    pub(super) node: NodeId,
    pub(super) addr: SocketAddr,
    pub(super) home: Home,
}

impl Stage {
    pub(super) fn new() -> Result<Self, Failure> {
        let folder = tempfile::Builder::new().prefix("quantumsync-demo-").tempdir();
        let folder = folder.map_err(|error| Failure::file(&std::env::temp_dir(), &error))?;
        let path = folder.path().to_path_buf();
        Ok(Self { state: Mutex::new(State { folder: Some(folder), children: BTreeMap::new() }), path })
    }

    /// The folder.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Starts a peer in its home and waits until it listens: the first start makes its identity, and with a token
    /// it joins that network.
    pub(super) fn start(&self, name: &'static str, token: Option<&str>) -> Result<Peer, Failure> {
        let home = Home::new(self.path.join(name));
        let log = self.path.join(format!("{name}.log"));
        let (process, stdout) = self.spawn(name, &home, &log, token)?;
        let (node, addr) = ready_line(stdout).ok_or_else(|| {
            let said = fs::read_to_string(&log).unwrap_or_default();
            let message = format!("peer {name} does not start: {}", said.trim());
            Failure::new(Class::Failed, "peer_start", message, "free some memory and space, then try again")
        })?;
        Ok(Peer { name, process, node, addr, home })
    }

    fn spawn(
        &self,
        name: &'static str,
        home: &Home,
        log: &Path,
        token: Option<&str>,
    ) -> Result<(u32, ChildStdout), Failure> {
        let failed = |error: &io::Error| {
            let message = format!("cannot start peer {name}: {error}");
            Failure::new(Class::Failed, "peer_start", message, "free some memory and try again")
        };
        let program = std::env::current_exe().map_err(|error| failed(&error))?;
        let log = File::create(log).map_err(|error| Failure::file(log, &error))?;
        let mut command = Command::new(program);
        command.arg("--home").arg(home.root()).args(["--json", "node", "--listen", "127.0.0.1:0"]);
        for (variable, _) in std::env::vars_os() {
            if variable.to_string_lossy().starts_with("QUANTUMSYNC_") {
                command.env_remove(variable);
            }
        }
        if let Some(token) = token {
            // Arguments can be read by every user of a machine, the environment only by its owner.
            command.env("QUANTUMSYNC_TOKEN", token);
        }
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(log);
        // Under the lock, so that what clears away sees every child.
        let mut state = self.lock();
        if state.folder.is_none() {
            return Err(failed(&io::ErrorKind::Interrupted.into()));
        }
        let mut child = command.spawn().map_err(|error| failed(&error))?;
        let stdout = child.stdout.take().expect("its standard output is piped");
        let process = child.id();
        state.children.insert(name, child);
        Ok((process, stdout))
    }

    /// True for a peer that was started and neither killed nor stopped.
    pub(super) fn is_running(&self, name: &str) -> bool {
        self.lock().children.contains_key(name)
    }

    /// Kills a peer without warning.
    pub(super) fn kill(&self, name: &'static str) -> Result<(), Failure> {
        let Some(mut child) = self.lock().children.remove(name) else { return Ok(()) };
        let killed = child.kill().and_then(|()| child.wait());
        killed.map(drop).map_err(|error| cannot_end(name, &error))
    }

    /// Asks a peer to stop, and waits until it has.
    pub(super) fn stop(&self, name: &'static str) -> Result<(), Failure> {
        let Some(mut child) = self.lock().children.remove(name) else { return Ok(()) };
        let stopped = ask_to_stop(&mut child).and_then(|()| {
            let deadline = Instant::now() + STOPPED;
            loop {
                if let Some(status) = child.try_wait()? {
                    // A peer that had to be killed cannot say that it stopped well.
                    return Ok(status.success() || cfg!(not(unix)));
                }
                if Instant::now() > deadline {
                    return Ok(false);
                }
                thread::sleep(LOOK);
            }
        });
        match stopped {
            Ok(true) => Ok(()),
            Ok(false) => {
                let message = format!("peer {name} did not stop cleanly");
                end(&mut child);
                Err(Failure::new(Class::Failed, "peer_stop", message, "please report this"))
            }
            Err(error) => {
                end(&mut child);
                Err(cannot_end(name, &error))
            }
        }
    }

    /// Ends every peer and removes the folder; nothing starts afterwards. `false` if that was done before.
    pub(super) fn clear(&self) -> bool {
        let mut state = self.lock();
        for child in state.children.values_mut() {
            end(child);
        }
        state.children.clear();
        // What cannot be removed is named by the error of the step that met it; here nobody listens any more.
        state.folder.take().is_some()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        self.clear();
    }
}

impl Peer {
    /// A client that enters by this peer alone, with the right to command it: of a user, if there is a vault.
    pub(super) fn client(&self, token: &Token, vault: Option<&Vault>) -> Result<Client, Failure> {
        let mut options = ClientOptions::without_vault(token.clone());
        options.token.peers.clear();
        options.entry = vec![(Some(self.node), self.addr)];
        options.control = self.home.node().control(SUITE)?;
        options.vault = vault.cloned();
        Ok(Client::start(options)?)
    }

    /// How many files of blobs its disk has.
    pub(super) fn blob_files(&self) -> Result<u64, Failure> {
        let path = self.home.node().path().join("blobs");
        count_files(&path).map_err(|error| Failure::file(&path, &error))
    }
}

/// Looks again and again until there is a result; fails past the deadline, saying what was waited for.
pub(super) fn wait_for<T>(
    what: &str,
    deadline: Duration,
    mut look: impl FnMut() -> Result<Option<T>, Failure>,
) -> Result<T, Failure> {
    let until = Instant::now() + deadline;
    loop {
        if let Some(found) = look()? {
            return Ok(found);
        }
        if Instant::now() > until {
            let message = format!("waited {} s in vain: {what}", deadline.as_secs());
            return Err(Failure::new(Class::Failed, "demo_deadline", message, "please report this"));
        }
        thread::sleep(LOOK);
    }
}

/// What a node says when it listens; `None` if it ends before, or says nothing in time.
fn ready_line(stdout: ChildStdout) -> Option<(NodeId, SocketAddr)> {
    let (sender, receiver) = mpsc::channel();
    // It reads to the end, so that the child never waits for a reader; it ends with the child.
    thread::spawn(move || {
        for line in BufReader::new(stdout).lines() {
            let Ok(line) = line else { break };
            // Only the first line has somebody who waits for it.
            let _ = sender.send(line);
        }
    });
    let line = receiver.recv_timeout(READY).ok()?;
    let object: Value = serde_json::from_str(&line).ok()?;
    Some((NodeId::from_hex(object["node"].as_str()?)?, object["addr"].as_str()?.parse().ok()?))
}

fn cannot_end(name: &str, error: &io::Error) -> Failure {
    Failure::new(Class::Failed, "peer_stop", format!("cannot end peer {name}: {error}"), "")
}

/// Kills a child. One that has ended already needs it no more, and nothing else can go wrong with one's own child.
fn end(child: &mut Child) {
    let _ = child.kill();
    let _ = child.wait();
}

#[cfg(unix)]
fn ask_to_stop(child: &mut Child) -> io::Result<()> {
    let id = i32::try_from(child.id()).ok().and_then(rustix::process::Pid::from_raw);
    let id = id.ok_or(io::ErrorKind::NotFound)?;
    Ok(rustix::process::kill_process(id, rustix::process::Signal::TERM)?)
}

/// Where there is no such signal a peer is killed: its disk must bear that, too.
#[cfg(not(unix))]
fn ask_to_stop(child: &mut Child) -> io::Result<()> {
    child.kill()
}

fn count_files(folder: &Path) -> io::Result<u64> {
    let mut count = 0;
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            count += match count_files(&entry.path()) {
                // The peer removes folders that are empty.
                Err(error) if error.kind() == io::ErrorKind::NotFound => 0,
                counted => counted?,
            };
        } else {
            count += 1;
        }
    }
    Ok(count)
}
