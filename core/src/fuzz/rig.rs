//! A driver under which a machine runs step by step, in any order, and which may break the contract on purpose.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec::Vec;

use bytes::Bytes;

use super::peer::Peer;
use crate::config::Config;
use crate::driver::{DiskRequest, Input, Machine as _, Output, TableOp};
use crate::error::{ApiMisuse, DiskError};
use crate::id::{ConnId, Ticket};
use crate::job::{Job, JobResult};
use crate::sim::{Peer as Machine, PeerEvent, SimDisk};
use crate::time::{Instant, Now};

/// No input has more consequences than this at once.
const MOST_OUTPUTS: usize = 10_000;
/// The longest frame with its length: what may be given out beyond the window.
const FRAME: usize = 2 + 65_535;

/// What the driver is asked to do, and has not done.
pub(super) struct Rig {
    pub(super) machine: Machine,
    pub(super) now: Now,
    pub(super) events: Vec<PeerEvent>,
    config: Config,
    disk: SimDisk,
    links: BTreeMap<ConnId, Link>,
    dials: Vec<ConnId>,
    /// Dials that were closed before they ended.
    given_up: BTreeSet<ConnId>,
    requests: Vec<(Ticket, DiskRequest)>,
    jobs: Vec<(Ticket, Job)>,
    answered: Vec<Ticket>,
    tickets: BTreeSet<Ticket>,
    conns: BTreeSet<ConnId>,
    accepted: u64,
}

struct Link {
    /// Nobody who speaks the protocol, if there is none.
    peer: Option<Peer>,
    unreported: usize,
    closing: bool,
}

impl Rig {
    pub(super) fn new(config: Config, now: Now, machine: Machine) -> Self {
        let mut rig = Self {
            machine,
            now,
            events: Vec::new(),
            config,
            disk: SimDisk::new([8; 32]),
            links: BTreeMap::new(),
            dials: Vec::new(),
            given_up: BTreeSet::new(),
            requests: Vec::new(),
            jobs: Vec::new(),
            answered: Vec::new(),
            tickets: BTreeSet::new(),
            conns: BTreeSet::new(),
            accepted: 0,
        };
        rig.drain();
        rig
    }

    /// Tells the machine what it may be told.
    pub(super) fn tell(&mut self, input: Input) {
        self.machine.handle_input(self.now, input).expect("what the contract allows is no misuse");
        self.drain();
    }

    /// Performs what the machine wants, as far as that needs no answer.
    pub(super) fn drain(&mut self) {
        for _ in 0..MOST_OUTPUTS {
            let Some(output) = self.machine.poll_output() else { return };
            self.perform(output);
        }
        panic!("the outputs do not end");
    }

    fn perform(&mut self, output: Output<PeerEvent>) {
        match output {
            Output::Dial { conn, .. } => {
                assert!(conn.is_dialled() && self.conns.insert(conn), "{conn} was used before");
                self.dials.push(conn);
            }
            Output::Send { conn, bytes } => {
                let link = self.links.get_mut(&conn).expect("bytes are sent on a link that stands");
                assert!(!link.closing, "nothing is sent on a link after it was closed");
                link.unreported += bytes.len();
                assert!(link.unreported < self.config.send_window + FRAME, "the window is kept");
                link.peer.as_mut().into_iter().for_each(|peer| peer.receive(self.now, bytes.clone()));
            }
            Output::Close { conn } => match self.links.get_mut(&conn) {
                Some(link) => assert!(!core::mem::replace(&mut link.closing, true), "{conn} is closed twice"),
                None => {
                    assert!(self.dials.contains(&conn), "what is closed stands, or is being dialled");
                    self.given_up.insert(conn);
                }
            },
            Output::Disk { ticket, request } => {
                assert!(self.tickets.insert(ticket), "{ticket} was used before");
                let changed = changes(&request);
                let under_way = self.requests.iter().flat_map(|(_, request)| changes(request));
                for key in under_way {
                    assert!(!changed.contains(&key), "two changes of one row or blob are under way");
                }
                self.requests.push((ticket, request));
                assert!(self.requests.len() <= self.config.max_disk_requests, "more requests than allowed");
            }
            Output::Job { ticket, job } => {
                assert!(self.tickets.insert(ticket), "{ticket} was used before");
                self.jobs.push((ticket, job));
            }
            Output::Event(event) => self.events.push(event),
        }
    }

    /// A link from outside, which only nodes take: by a peer of this role, or by nobody who speaks the protocol.
    pub(super) fn accept(&mut self, role: Option<u8>) {
        if matches!(self.machine, Machine::Client(_)) {
            return;
        }
        self.accepted += 1;
        let conn = ConnId::accepted(self.accepted);
        let entropy = [self.accepted as u8; 32];
        let peer = role.map(|role| Peer::dialling(&self.config, self.now, role, entropy));
        self.connect(conn, peer);
    }

    /// A dial ends well, or not.
    pub(super) fn end_dial(&mut self, at: usize, well: bool) {
        let Some(conn) = remove(&mut self.dials, at) else { return };
        if well {
            let peer = Peer::dialled(&self.config, self.now, [7; 32]);
            self.connect(conn, Some(peer));
        } else {
            self.tell(Input::DialFailed { conn });
        }
    }

    fn connect(&mut self, conn: ConnId, peer: Option<Peer>) {
        // The machine may have closed what it dialled just when it was connected.
        let closing = self.given_up.remove(&conn);
        self.links.insert(conn, Link { peer, unreported: 0, closing });
        let remote = "10.0.0.7:4270".parse().expect("an address");
        self.tell(Input::Connected { conn, remote, entropy: [9; 32] });
    }

    pub(super) fn receive(&mut self, at: usize, bytes: Bytes) {
        if let Some(conn) = self.conn(at) {
            self.tell(Input::Received { conn, bytes });
        }
    }

    /// Carries so many bytes of a peer to the machine.
    pub(super) fn deliver(&mut self, at: usize, len: usize) {
        if let Some((conn, peer)) = self.peer(at) {
            let bytes = peer.take(len);
            self.tell(Input::Received { conn, bytes });
        }
    }

    /// Bytes have left.
    pub(super) fn report(&mut self, at: usize, most: usize) {
        let Some(conn) = self.conn(at) else { return };
        let link = self.links.get_mut(&conn).expect("it is one of these");
        let bytes = link.unreported.min(most);
        link.unreported -= bytes;
        self.tell(Input::Sent { conn, bytes });
    }

    pub(super) fn disconnect(&mut self, at: usize) {
        if let Some(conn) = self.conn(at) {
            self.links.remove(&conn);
            self.tell(Input::Disconnected { conn });
        }
    }

    /// Performs a request, or fails it.
    pub(super) fn answer_disk(&mut self, at: usize, failure: Option<DiskError>) {
        let Some((ticket, request)) = remove(&mut self.requests, at) else { return };
        self.disk.submit(self.now.mono, ticket, request);
        let (_, done) = self.disk.finish_one(self.now.mono).expect("this disk answers at once");
        let result = failure.map_or(done, Err);
        self.answered.push(ticket);
        self.tell(Input::Disk { ticket, result });
    }

    pub(super) fn run_job(&mut self, at: usize) {
        let Some((ticket, job)) = remove(&mut self.jobs, at) else { return };
        self.answered.push(ticket);
        self.tell(Input::Job { ticket, result: job.run() });
    }

    /// Breaks the contract. The machine says so, and nothing else comes of it.
    pub(super) fn misuse(&mut self, way: u8) {
        let (old, unknown) = (self.answered.last().copied(), Ticket(u64::MAX));
        let wrong_disk = Err(DiskError::Io);
        // After a close the machine bears all that may have crossed it.
        let stands = self.links.iter().find(|(_, link)| !link.closing);
        let inputs = [
            stands.map(|(conn, _)| Input::Connected {
                conn: *conn,
                remote: "10.0.0.8:1".parse().expect("an address"),
                entropy: [1; 32],
            }),
            Some(Input::Received {
                conn: ConnId::accepted(u64::MAX >> 1),
                bytes: Bytes::from_static(b"late"),
            }),
            Some(Input::DialFailed { conn: ConnId::dialled(u64::MAX >> 1) }),
            Some(Input::Disconnected { conn: ConnId::accepted(u64::MAX >> 1) }),
            stands.map(|(conn, link)| Input::Sent { conn: *conn, bytes: link.unreported + 1 }),
            Some(Input::Disk { ticket: unknown, result: wrong_disk.clone() }),
            Some(Input::Job { ticket: unknown, result: JobResult::Password(None) }),
            old.map(|ticket| Input::Disk { ticket, result: wrong_disk.clone() }),
            old.map(|ticket| Input::Job { ticket, result: JobResult::Verified(Vec::new()) }),
            self.requests
                .first()
                .map(|(ticket, _)| Input::Job { ticket: *ticket, result: JobResult::Password(None) }),
            self.jobs.first().map(|(ticket, _)| Input::Disk { ticket: *ticket, result: wrong_disk }),
            self.jobs
                .first()
                .map(|(ticket, _)| Input::Job { ticket: *ticket, result: JobResult::Password(None) }),
        ];
        let chosen = usize::from(way) % inputs.len();
        let Some(input) = inputs.into_iter().nth(chosen).flatten() else { return };
        let before = self.machine.poll_timeout();
        let told = alloc::format!("{input:?}");
        let result: Result<(), ApiMisuse> = self.machine.handle_input(self.now, input);
        assert!(result.is_err(), "{told} was taken");
        assert!(self.machine.poll_output().is_none(), "{told} had an effect");
        assert_eq!(self.machine.poll_timeout(), before, "{told} had an effect");
    }

    /// Time passes up to an instant.
    pub(super) fn pass_until(&mut self, instant: Instant) {
        if instant > self.now.mono {
            self.now.unix_ms += instant.since(self.now.mono).as_millis() as u64;
            self.now.mono = instant;
        }
        self.tell(Input::Timeout);
    }

    /// Does everything that waits to be done, well, and lets time pass to the next deadline. Nobody can be dialled.
    pub(super) fn settle(&mut self) {
        while !self.requests.is_empty() || !self.jobs.is_empty() || !self.dials.is_empty() {
            self.answer_disk(0, None);
            self.run_job(0);
            self.end_dial(0, false);
        }
        for at in 0..self.links.len() {
            self.report(at, usize::MAX);
        }
        while let Some(at) = self.links.values().position(|link| link.closing) {
            self.disconnect(at);
        }
        if let Some(deadline) = self.machine.poll_timeout() {
            self.pass_until(deadline);
        }
    }

    pub(super) fn peer(&mut self, at: usize) -> Option<(ConnId, &mut Peer)> {
        let conn = self.conn(at)?;
        let peer = self.links.get_mut(&conn)?.peer.as_mut()?;
        Some((conn, peer))
    }

    fn conn(&self, at: usize) -> Option<ConnId> {
        let at = at.checked_rem(self.links.len())?;
        self.links.keys().nth(at).copied()
    }
}

/// The rows and blobs that a request changes.
fn changes(request: &DiskRequest) -> Vec<Bytes> {
    let blob = |id: &crate::id::BlobId| Bytes::copy_from_slice(id.as_bytes());
    let (ops, blob) = match request {
        DiskRequest::Apply { ops } => (ops, None),
        DiskRequest::PutBlob { id, then, .. } => (then, Some(blob(id))),
        DiskRequest::RemoveBlob { id, first } => (first, Some(blob(id))),
        _ => return Vec::new(),
    };
    let key = |op: &TableOp| match op {
        TableOp::Put { key, .. } | TableOp::Remove { key } => key.clone(),
    };
    ops.iter().map(key).chain(blob).collect()
}

fn remove<T>(list: &mut Vec<T>, at: usize) -> Option<T> {
    let at = at.checked_rem(list.len())?;
    Some(list.remove(at))
}
