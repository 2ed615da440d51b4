//! Watches a run from outside: a digest of all that happens, a trace that a person can read, counts of what went wrong, and a
//! search for plaintext where none may be. Must not change anything.

use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::format;
use alloc::rc::Rc;
use alloc::string::{String, ToString as _};
use alloc::vec::Vec;
use core::cell::RefCell;
use core::fmt;

use super::super::network::HostId;
use super::super::observer::{Fault, Observer, Seen};
use super::super::peer::PeerEvent;
use super::tap::Taps;
use crate::config::Config;
use crate::crypto::Suite;
use crate::driver::{DiskRequest, Input, Output, TableOp};
use crate::time::{Instant, Now};

/// Takes the lines of a trace.
pub type Sink = Box<dyn FnMut(&str)>;

/// What is to be watched.
#[derive(Default)]
pub struct Watched {
    /// Gets each line of the trace.
    pub trace: Option<Sink>,
    /// Makes a digest of the run: of every line of its trace, and of the bytes that those leave out.
    pub digest: bool,
    /// Searches what nodes send and store for plaintext, even where nothing is encrypted; with the real suite always.
    pub search: bool,
    /// Limits that queues, buffers and tables are compared with; without them those that the machines are given.
    pub limits: Option<Config>,
}

impl fmt::Debug for Watched {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watched").field("trace", &self.trace.is_some()).field("digest", &self.digest).finish()
    }
}

/// What was seen so far.
#[derive(Default)]
pub(super) struct Watch {
    trace: Option<Sink>,
    /// Where a trace is written and links hide nothing.
    taps: Option<Taps>,
    digest: Option<blake3::Hasher>,
    names: BTreeMap<HostId, String>,
    /// Hosts on the ciphertext side.
    nodes: Vec<HostId>,
    secrets: Vec<(&'static str, Vec<u8>)>,
    pub(super) leaks: Vec<(Instant, String)>,
    pub(super) faults: BTreeMap<&'static str, u64>,
    /// Inputs given to machines.
    pub(super) inputs: u64,
}

/// The watch of a run, which the world's observer feeds.
#[derive(Clone)]
pub(super) struct Watching(Rc<RefCell<Watch>>);

impl Watching {
    pub(super) fn new(watched: Watched, suite: Suite) -> Self {
        let digest = watched.digest.then(blake3::Hasher::new);
        let is_traced = watched.trace.is_some() || watched.digest;
        let taps = (is_traced && suite == Suite::Sim).then(Taps::default);
        Self(Rc::new(RefCell::new(Watch { trace: watched.trace, taps, digest, ..Watch::default() })))
    }

    /// What is to be given to the world.
    pub(super) fn observer(&self) -> Observer<PeerEvent> {
        let watch = self.0.clone();
        Box::new(move |now, host, seen| watch.borrow_mut().see(now.mono, host, &seen))
    }

    /// How a host is called in the trace; `is_node`: it must never see plaintext.
    pub(super) fn name(&self, host: HostId, name: String, is_node: bool) {
        let mut watch = self.0.borrow_mut();
        watch.names.insert(host, name);
        if is_node {
            watch.nodes.push(host);
        }
    }

    /// How a host is called.
    pub(super) fn name_of(&self, host: HostId) -> String {
        self.0.borrow().names.get(&host).cloned().unwrap_or_else(|| "?".into())
    }

    /// Bytes that no node may ever send or store, and what they are.
    pub(super) fn guard(&self, secrets: Vec<(&'static str, Vec<u8>)>) {
        self.0.borrow_mut().secrets = secrets;
    }

    /// Writes a line of the run's own into the trace.
    pub(super) fn say(&self, now: Now, line: &str) {
        self.0.borrow_mut().write(now.mono, line);
    }

    pub(super) fn look<R>(&self, look: impl FnOnce(&Watch) -> R) -> R {
        look(&self.0.borrow())
    }
}

impl Watch {
    /// The digest of the trace and of all that was seen.
    pub(super) fn digest(&self) -> Option<[u8; 32]> {
        self.digest.as_ref().map(|hasher| hasher.finalize().into())
    }

    fn see(&mut self, now: Instant, host: HostId, seen: &Seen<'_, PeerEvent>) {
        match seen {
            Seen::Input(_) => self.inputs += 1,
            Seen::Output(output) => self.search(now, host, output),
            Seen::Fault(fault) if fault.is_usual() => {}
            Seen::Fault(fault) => *self.faults.entry(fault.kind()).or_default() += 1,
        }
        if let Some(hasher) = &mut self.digest {
            hasher.update(&now.0.to_be_bytes());
            hasher.update(&(host.0 as u64).to_be_bytes());
            feed(hasher, seen);
        }
        let told = self.taps.as_mut().map(|taps| taps.follow(host, seen)).unwrap_or_default();
        if self.is_traced()
            && let Some(line) = line(seen)
        {
            let name = self.names.get(&host).map_or("?", String::as_str);
            let colon = if told.is_empty() { "" } else { ": " };
            let line = format!("{name:>3} {line}{colon}{}", told.join("; "));
            self.write(now, &line);
        }
    }

    /// True if somebody wants the trace: a reader, or the digest, which is of every line of it.
    const fn is_traced(&self) -> bool {
        self.trace.is_some() || self.digest.is_some()
    }

    /// Writes a line of the trace.
    fn write(&mut self, now: Instant, line: &str) {
        if !self.is_traced() {
            return;
        }
        let line = format!("{} {line}\n", clock(now));
        if let Some(hasher) = &mut self.digest {
            hasher.update(line.as_bytes());
        }
        if let Some(trace) = &mut self.trace {
            trace(line.trim_end());
        }
    }

    /// What leaves a node, and what it stores, shows nothing.
    fn search(&mut self, now: Instant, host: HostId, output: &Output<PeerEvent>) {
        if self.secrets.is_empty() || !self.nodes.contains(&host) {
            return;
        }
        let mut found = None;
        for_each_part(output, |bytes| {
            found = found.or_else(|| {
                self.secrets.iter().find(|(_, secret)| contains(bytes, secret)).map(|(what, _)| *what)
            });
        });
        if let Some(what) = found {
            self.leaks.push((now, format!("{what} in an output of {host:?}")));
        }
    }
}

fn contains(bytes: &[u8], part: &[u8]) -> bool {
    let Some(first) = part.first() else { return false };
    bytes.windows(part.len()).any(|window| window[0] == *first && window == part)
}

fn for_each_part(output: &Output<PeerEvent>, mut part: impl FnMut(&[u8])) {
    let mut rows = |ops: &[TableOp]| {
        for op in ops {
            match op {
                TableOp::Put { key, value } => {
                    part(key);
                    part(value);
                }
                TableOp::Remove { key } => part(key),
            }
        }
    };
    match output {
        Output::Send { bytes, .. } => part(bytes),
        Output::Disk { request, .. } => match request {
            DiskRequest::Apply { ops } => rows(ops),
            DiskRequest::PutBlob { bytes, then, .. } => {
                rows(then);
                part(bytes);
            }
            DiskRequest::RemoveBlob { first, .. } => rows(first),
            _ => {}
        },
        // What a log would show.
        Output::Event(event) => part(format!("{event:?}").as_bytes()),
        Output::Dial { .. } | Output::Close { .. } | Output::Job { .. } => {}
    }
}

/// What the trace does not show of an effect: all bytes of it.
fn feed(hasher: &mut blake3::Hasher, seen: &Seen<'_, PeerEvent>) {
    let mut text = |value: &dyn fmt::Debug| {
        hasher.update(format!("{value:?}").as_bytes());
    };
    match seen {
        Seen::Input(Input::Received { conn, bytes }) | Seen::Output(Output::Send { conn, bytes }) => {
            text(conn);
            hasher.update(bytes);
        }
        Seen::Input(Input::Disk { ticket, result }) => {
            text(ticket);
            text(result);
        }
        Seen::Input(Input::Job { ticket, .. }) => text(ticket),
        Seen::Input(input) => text(input),
        Seen::Output(output) => {
            match output {
                Output::Dial { conn, addr } => text(&(conn, addr)),
                Output::Close { conn } => text(conn),
                Output::Disk { ticket, .. } | Output::Job { ticket, .. } => text(ticket),
                Output::Event(event) => text(event),
                Output::Send { .. } => {}
            }
            for_each_part(output, |bytes| {
                hasher.update(bytes);
            });
        }
        Seen::Fault(fault) => text(fault),
    }
}

/// Seconds of the world's clock.
fn clock(now: Instant) -> String {
    format!("{:>6}.{:06}", now.0 / 1_000_000, now.0 % 1_000_000)
}

/// One line an effect; timeouts are none.
fn line(seen: &Seen<'_, PeerEvent>) -> Option<String> {
    Some(match seen {
        Seen::Input(Input::Timeout | Input::Sent { .. }) => return None,
        Seen::Input(Input::Connected { conn, remote, .. }) => format!("== {remote}  link {conn} stands"),
        Seen::Input(Input::DialFailed { conn }) => format!("-x link {conn} cannot be made"),
        Seen::Input(Input::Received { conn, bytes }) => format!("<- link {conn}, {} bytes", bytes.len()),
        Seen::Input(Input::Disconnected { conn }) => format!("-x link {conn} has ended"),
        Seen::Input(Input::Disk { ticket, result }) => format!("<= disk {ticket}: {}", short(result)),
        Seen::Input(Input::Job { ticket, .. }) => format!("<= job {ticket} done"),
        Seen::Output(Output::Dial { conn, addr }) => format!("-> {addr}  dials as link {conn}"),
        Seen::Output(Output::Send { conn, bytes }) => format!("-> link {conn}, {} bytes", bytes.len()),
        Seen::Output(Output::Close { conn }) => format!("-x closes link {conn}"),
        Seen::Output(Output::Disk { ticket, request }) => format!("=> disk {ticket}: {}", short(request)),
        Seen::Output(Output::Job { ticket, .. }) => format!("=> job {ticket}"),
        Seen::Output(Output::Event(event)) => format!("** {}", short(event)),
        Seen::Fault(fault) if fault.is_usual() => return None,
        Seen::Fault(Fault::Start) => "## starts".to_string(),
        Seen::Fault(fault) => format!("## {fault:?}"),
    })
}

/// A value in some words: bytes in full would hide all else.
fn short(value: &dyn fmt::Debug) -> String {
    const LONGEST: usize = 160;
    let mut text = format!("{value:?}");
    if text.len() > LONGEST {
        let end = (0..=LONGEST).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
        text.truncate(end);
        text.push('…');
    }
    text
}

impl fmt::Debug for Watching {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Watching")
    }
}
