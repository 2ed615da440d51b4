//! The traces in which looser rules lost data, each played step by step: which host can reach which, who loses its
//! disk, how many days pass. The number in a test's name is the trace's.

mod members;
mod pins;
mod records;

use super::*;
use crate::sim::{Cut, SimDisk};
use crate::wire::ErrorCode;

const DAY: Duration = Duration::from_secs(24 * 3600);
const HOUR: Duration = Duration::from_secs(3600);
const MINUTE: Duration = Duration::from_secs(60);

/// A town in which weeks pass, and those who act in it.
struct Play {
    town: Town,
    owner: Owner,
}

/// What a reader was told.
#[derive(Debug)]
struct Told {
    record: Option<Record>,
    floor: Option<Record>,
    fresh: bool,
}

impl Play {
    fn of(nodes: u8) -> Self {
        Self::with(nodes, 3)
    }

    fn with(nodes: u8, replicas: u8) -> Self {
        let mut town = Town::empty(unhurried());
        town.wanted.replicas = Some(replicas);
        town.wanted.gone_after = Some(12 * HOUR);
        for host in 0..nodes {
            let peers = if host == 0 { vec![] } else { vec![(None, addr(0))] };
            town.add_node(peers);
        }
        town.wait_whole();
        town.world.run_for(MINUTE);
        let owner = Owner::new(&town, 1);
        Self { town, owner }
    }

    /// A version of this moment.
    fn version(&mut self) -> Version {
        // Two versions of one play are never the same.
        self.town.world.run_for(Duration::from_millis(2));
        version(&self.town, 0)
    }

    fn days(&mut self, days: u32) {
        self.town.world.run_for(DAY * days);
    }

    fn minutes(&mut self, minutes: u32) {
        self.town.world.run_for(MINUTE * minutes);
    }

    fn cut(&mut self, a: usize, b: usize) {
        self.town.world.cut(HostId(a), HostId(b), Cut::Reset);
    }

    fn heal(&mut self, a: usize, b: usize) {
        self.town.world.heal(HostId(a), HostId(b));
    }

    /// Nobody of the network reaches this node any more.
    fn isolate(&mut self, node: usize) {
        (0..self.town.nodes.len()).filter(|other| *other != node).for_each(|other| self.cut(node, other));
    }

    /// Everybody reaches it again.
    fn rejoin(&mut self, node: usize) {
        (0..self.town.nodes.len()).filter(|other| *other != node).for_each(|other| self.heal(node, other));
    }

    fn crash(&mut self, node: usize) {
        self.town.world.crash(HostId(node));
    }

    fn restart(&mut self, node: usize) {
        self.town.restart(HostId(node));
    }

    /// The node is down, and whatever it had is lost. Its identity is not.
    fn lose_disk(&mut self, node: usize) {
        if self.town.world.is_up(HostId(node)) {
            self.crash(node);
        }
        let now = self.town.world.now().mono.0;
        *self.town.world.disk_mut(HostId(node)) = SimDisk::new([now as u8; 32]);
    }

    /// Waits until the nodes that are up and reach each other have caught up, half an hour at most.
    fn settle(&mut self) {
        self.minutes(30);
    }

    fn ask(&mut self, at: usize, request: Request) -> Response {
        let client = self.town.add_client(&self.owner, HostId(at));
        self.town.ask(client, request)
    }

    /// Stores a blob through a node; the answer's copies.
    fn put_blob(&mut self, at: usize, object: ObjectId, since: Version, blob: &Bytes) -> u8 {
        let request = self.owner.put_blob(NAME, object, since, blob);
        copies(&self.ask(at, request))
    }

    /// A new pass over a blob that is there.
    fn have(&mut self, at: usize, object: ObjectId, since: Version, blob: &Bytes) -> u8 {
        let pins = vec![self.owner.pin(NAME, object, since, blob)];
        match self.ask(at, Request::Have { pins }) {
            Response::Have { copies, .. } => copies[0],
            other => panic!("{other:?}"),
        }
    }

    /// A record of the name that lists the object.
    fn listing(&self, version: Version, object: ObjectId, blob: &Bytes) -> Record {
        self.owner.record(NAME, version, object, blob.len() as u64)
    }

    fn tombstone(&self, version: Version) -> Record {
        self.owner.tombstone(NAME, version)
    }

    fn put_record(&mut self, at: usize, record: &Record) -> Response {
        self.ask(at, put(record))
    }

    /// Stores an object of one blob and its record, on all that are to have it.
    fn store(&mut self, at: usize, object: ObjectId, blob: &Bytes) -> Record {
        let since = self.version();
        assert!(self.put_blob(at, object, since, blob) >= 2);
        let record = self.listing(since, object, blob);
        assert!(copies(&self.put_record(at, &record)) >= 2);
        self.minutes(1);
        record
    }

    /// Asks a node to leave until it has left.
    fn leave(&mut self, node: usize) -> bool {
        let control = self.town.add_control(HostId(node));
        for _ in 0..600 {
            match self.town.ask(control, Request::Leave { cancel: false }) {
                Response::Leave { done: true, .. } => return true,
                Response::Leave { .. } => self.town.world.run_for(SECOND),
                other => panic!("{other:?}"),
            }
        }
        false
    }

    fn read(&mut self, at: usize) -> Told {
        match self.ask(at, self.owner.get(NAME)) {
            Response::Record { record, floor, fresh } => Told { record, floor, fresh },
            other => panic!("{other:?}"),
        }
    }

    fn has_blob(&mut self, at: usize, blob: &Bytes) -> bool {
        matches!(self.ask(at, read(blob)), Response::Blob { bytes, .. } if bytes == *blob)
    }

    /// Everybody's newest record is this one, and its blob can be read everywhere if it lists one.
    fn assert_settled_on(&mut self, record: &Record, blob: &Bytes) {
        for at in 0..self.town.nodes.len() {
            if !self.town.world.is_up(HostId(at)) {
                continue;
            }
            let told = self.read(at);
            assert_eq!(told.record.map(|told| told.order()), Some(record.order()), "at {at}");
            assert!(told.fresh, "at {at}");
            if !record.header().live.is_empty() {
                assert!(self.has_blob(at, blob), "at {at}");
            }
        }
    }

    /// Whatever is said to be live can be read: no hole.
    fn assert_no_hole(&mut self, at: usize, blob: &Bytes) {
        let told = self.read(at);
        let live = told.record.is_some_and(|record| !record.header().live.is_empty());
        assert!(!live || self.has_blob(at, blob), "what is listed at {at} is there");
    }

    fn holders(&self, blob: &Bytes) -> Vec<usize> {
        let holders = self.town.holders(&SUITE.blob_id(blob));
        holders.into_iter().map(|host| host.0).collect()
    }

    /// The hosts that are replicas of the name's record.
    fn record_replicas(&mut self) -> Vec<usize> {
        let position = crate::node::view::record_position(SUITE, &self.owner.id(), NAME.0[0]);
        self.replicas(&position)
    }

    fn replicas(&mut self, position: &crate::id::Position) -> Vec<usize> {
        let members = self.town.node(HostId(0), |node, _| node.hub.view.replicas(position));
        let ids: Vec<_> =
            (0..self.town.nodes.len()).map(|host| identity(host as u8).node_id(SUITE)).collect();
        members.iter().map(|member| ids.iter().position(|id| id == member).unwrap()).collect()
    }

    /// An owner for whom the replicas of the name's record are such.
    fn choose_owner(&mut self, wanted: impl Fn(&[usize]) -> bool) {
        for number in 1..=u8::MAX {
            self.owner = Owner::new(&self.town, number);
            let replicas = self.record_replicas();
            if wanted(&replicas) {
                return;
            }
        }
        panic!("no owner's record lies so");
    }

    /// Five nodes by what they are to the name's record: the three that are its replicas, and the two others. The
    /// founder, by which all find each other, is none of the last two of the three.
    fn stand(&mut self) -> (usize, usize, usize, [usize; 2]) {
        self.choose_owner(|replicas| replicas[1] != 0 && replicas[2] != 0);
        let replicas = self.record_replicas();
        let others: Vec<usize> = (0..5).filter(|node| !replicas.contains(node)).collect();
        (replicas[0], replicas[1], replicas[2], [others[0], others[1]])
    }

    /// A blob whose replicas are such.
    fn choose_blob(&mut self, wanted: impl Fn(&[usize]) -> bool) -> Bytes {
        for number in 1..=u8::MAX {
            let bytes = blob(number);
            let replicas = self.replicas(&crate::node::view::blob_position(&SUITE.blob_id(&bytes)));
            if wanted(&replicas) {
                return bytes;
            }
        }
        panic!("no blob lies so");
    }
}

/// The name that every play is about.
const NAME: Name = Name([7; 32]);
/// The object that every play is about.
const X: ObjectId = ObjectId([1; 16]);
/// The same pieces, listed anew.
const X_AGAIN: ObjectId = ObjectId([2; 16]);

/// Limits under which weeks pass with few heartbeats. What the rules are about stays as it is.
fn unhurried() -> Config {
    Config {
        heartbeat: HOUR,
        suspect_after: 3 * HOUR,
        idle_close: 6 * HOUR,
        gossip_every: 2 * HOUR,
        running_time_every: HOUR,
        redial_longest: 10 * MINUTE,
        client_idle: 2 * MINUTE,
        ..Config::default()
    }
}

/// The copies of a write; 0 of one that was refused.
fn copies(response: &Response) -> u8 {
    match response {
        Response::Stored { copies, .. } => *copies,
        Response::Error(_) => 0,
        other => panic!("{other:?}"),
    }
}

fn refusal(response: Response) -> ErrorCode {
    match response {
        Response::Error(error) => error.code,
        other => panic!("{other:?} is no refusal"),
    }
}
