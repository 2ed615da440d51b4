//! A crash at every point of a store, an overwrite, a delete, a clear and the sweep, in a town of three nodes and a client:
//! before each answer of the disk of the node that goes down, with every choice of what was under way done and not done.
//! It comes back on what is left. Then nothing acknowledged is missing, nothing deleted is back, what was not done can be
//! done again, and all nodes become quiet and hold the same. So, too, while members come, go and come back ([`members`]).

mod members;

use alloc::vec::Vec;
use core::time::Duration;

use bytes::Bytes;

use super::super::{Cut, HostId, PeerEvent, SimDisk, Town, TownOptions};
use crate::client::{ClientEvent, Outcome, StoreOptions};
use crate::error::OpError;
use crate::id::OpId;
use crate::node::store::audit::Audit;
use crate::record::Version;

/// Longer than an operation takes, and longer than nodes need to become quiet.
const LONG: Duration = Duration::from_secs(300);
/// Of more changes under way than these, not every part is tried: those that are done first or last, and each alone.
const EVERY_PART_OF: usize = 3;

/// What goes on when a host goes down.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Phase {
    Store,
    Overwrite,
    Delete,
    Clear,
    Sweep,
    /// A node that reaches nobody keeps what belongs to another, and hands it on when it does.
    Hint,
    /// An upload is given up, and a lease later its pieces are.
    Lapse,
    /// A node that was away takes over what it missed.
    Return,
    /// A node comes back on an empty disk.
    NewDisk,
    /// A node leaves for good.
    Leave,
}

/// Who goes down.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Victim {
    /// The node that the client talks to.
    Entry,
    /// Another one.
    Replica,
    Client,
}

fn content(seed: u8, length: usize) -> Bytes {
    let mut state = u64::from(seed) << 32 | 1;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 56) as u8
    };
    (0..length).map(|_| next()).collect()
}

/// The file before the overwrite, and after it: the first piece is the same.
fn versions() -> (Bytes, Bytes) {
    let old = content(1, 2_600_000);
    let new = [&old[..], &content(2, 500_000)].concat();
    (old, new.into())
}

struct Scene {
    town: Town,
    nodes: Vec<HostId>,
    client: HostId,
    /// Clients of the same vault by the other nodes.
    others: Vec<HostId>,
    phase: Phase,
}

type Ended = Result<Outcome, OpError>;

impl Scene {
    /// All that comes before the phase.
    fn new(phase: Phase) -> Self {
        let count = if phase == Phase::Hint { 2 } else { 3 };
        let mut town = Town::with_nodes(members::options(phase), count);
        let nodes: Vec<_> = (0..count).map(HostId).collect();
        let vault = town.vault();
        let client = town.add_client(&vault, &nodes[..1], false);
        let others = nodes[1..].iter().map(|node| town.add_client(&vault, &[*node], false)).collect();
        let mut scene = Self { town, nodes, client, others, phase };
        let small = content(3, 40_000);
        scene.town.store(scene.client, "other", &small).expect("stored");
        if !matches!(phase, Phase::Store | Phase::Hint | Phase::Lapse) {
            scene.town.store(scene.client, "file", &versions().0).expect("stored");
        }
        scene.town.world.run_for(Duration::from_secs(20));
        if phase == Phase::Sweep {
            scene.town.delete(scene.client, "file").expect("deleted");
        }
        scene.prepare();
        scene
    }

    fn host_of(&self, victim: Victim) -> HostId {
        match victim {
            Victim::Entry => self.nodes[0],
            Victim::Replica => self.nodes[1],
            Victim::Client => self.client,
        }
    }

    /// The phase itself. Whoever goes down is started again at once. `None` if it is the client, who then knows nothing.
    fn act(&mut self) -> Option<Ended> {
        let op = self.town.command(self.client, |client, now| match self.phase {
            Phase::Store | Phase::Overwrite => Some(client.store(now, "file", StoreOptions::default())),
            Phase::Delete => Some(client.delete(now, "file")),
            Phase::Clear => Some(client.clear(now)),
            _ => None,
        });
        match op {
            None if self.phase != Phase::Sweep => Some(self.act_as_members()),
            Some(op) => self.drive(op),
            None => {
                let hosts = [&self.nodes[..], &[self.client]].concat();
                let down = |host: &HostId, town: &Town| !town.world.is_up(*host);
                self.town.world.run_until(LONG, |world| hosts.iter().any(|host| !world.is_up(*host)));
                let down: Vec<HostId> = hosts.iter().copied().filter(|host| down(host, &self.town)).collect();
                down.into_iter().for_each(|host| self.town.restart(host));
                Some(Ok(Outcome::Cleared { copies: 3, wanted: 2, version: Version::ZERO }))
            }
        }
    }

    fn drive(&mut self, wanted: OpId) -> Option<Ended> {
        let mut rest = match self.phase {
            Phase::Store | Phase::Hint => versions().0,
            _ => versions().1,
        };
        let mut finished = false;
        loop {
            let (mut result, client, nodes) = (None, self.client, self.nodes.clone());
            let in_time = self.town.world.run_until(LONG, |world| {
                while let Some(PeerEvent::Client(event)) = world.next_event(client) {
                    match event {
                        ClientEvent::Done { op, outcome } if op == wanted => result = Some(Ok(outcome)),
                        ClientEvent::Failed { op, error } if op == wanted => result = Some(Err(error)),
                        ClientEvent::NeedData { op, max } if !finished => {
                            let portion = rest.split_to(rest.len().min(max));
                            finished = rest.is_empty();
                            world.call(client, |peer, now| {
                                peer.client().provide(now, op, portion).expect("no more than was asked for");
                                if finished {
                                    peer.client().finish(now, op).expect("it runs");
                                }
                            });
                        }
                        _ => {}
                    }
                }
                result.is_some() || nodes.iter().chain([&client]).any(|host| !world.is_up(*host))
            });
            assert!(in_time, "the operation does not end");
            if !self.town.world.is_up(client) {
                self.town.restart(client);
                return None;
            }
            if result.is_some() {
                return result;
            }
            for node in nodes {
                if !self.town.world.is_up(node) {
                    self.town.restart(node);
                }
            }
        }
    }

    /// What is under the key, through each node.
    fn files(&mut self) -> Vec<Option<Vec<u8>>> {
        let clients = [&[self.client], &self.others[..]].concat();
        let get = |client| match self.town.get(client, "file") {
            Ok((content, _)) => Some(content),
            Err(OpError::NotFound) => None,
            Err(error) => panic!("a get ended as {error}"),
        };
        clients.into_iter().map(get).collect()
    }

    fn after(&self) -> Option<Vec<u8>> {
        match self.phase {
            Phase::Store | Phase::Hint | Phase::NewDisk | Phase::Leave => Some(versions().0.to_vec()),
            Phase::Overwrite | Phase::Return => Some(versions().1.to_vec()),
            Phase::Delete | Phase::Clear | Phase::Sweep | Phase::Lapse => None,
        }
    }

    /// All that must hold now that somebody has gone down and come back.
    fn check(&mut self, ended: Option<Ended>) {
        let after = self.after();
        let before = match self.phase {
            Phase::Store | Phase::Sweep | Phase::Hint => None,
            _ => Some(versions().0.to_vec()),
        };
        if !matches!(ended, Some(Ok(_))) {
            for found in self.files() {
                assert!(found == before || found == after, "neither as before nor as after");
            }
            let again = self.act();
            // A delete of what is deleted already finds nothing.
            let done = self.phase == Phase::Delete && matches!(again, Some(Err(OpError::NotFound)));
            assert!(done || matches!(again, Some(Ok(_))), "{ended:?}, and again: {again:?}");
        }
        // Links are made again; until then a node that has just come back knows only its own disk, and says so.
        self.town.world.run_for(Duration::from_secs(20));
        for found in self.files() {
            assert!(found == after, "what was acknowledged is not there, or what was deleted is");
        }
        let nodes = self.nodes.clone();
        let audits = |town: &Town| -> Vec<Audit> {
            let disks = nodes.iter().map(|node| town.world.disk(*node));
            let audit = |disk: &SimDisk| Audit::of(TownOptions::default().suite, disk.rows(), disk.blobs());
            disks.map(|disk| audit(disk).expect("a sound disk")).collect()
        };
        // With one copy of everything no two nodes hold the same.
        let is_alike =
            |audits: &[Audit]| self.phase == Phase::Hint || audits.iter().all(|audit| *audit == audits[0]);
        self.town.world.run_for(LONG);
        let mut audits_now = audits(&self.town);
        // Whoever was down takes what it missed from the others, more slowly the longer that is in vain.
        for _ in 0..24 {
            if audits_now.iter().all(|audit| audit.is_quiet(&alloc::collections::BTreeSet::new()))
                && is_alike(&audits_now)
            {
                break;
            }
            self.town.world.run_for(LONG);
            audits_now = audits(&self.town);
        }
        assert!(
            audits_now.iter().all(|audit| audit.is_quiet(&alloc::collections::BTreeSet::new())),
            "not quiet: {audits_now:?}"
        );
        assert!(is_alike(&audits_now), "not alike: {audits_now:?}");
        let is_clear = self.phase == Phase::Clear;
        assert_eq!(self.town.get(self.client, "other").is_err(), is_clear, "another file");
    }
}

/// Which of so many changes under way a crash finds done: every choice, as a bit for each.
fn parts(changes: usize) -> Vec<u64> {
    if changes <= EVERY_PART_OF {
        return (0..1 << changes).collect();
    }
    let all = (1_u64 << changes) - 1;
    let sides = (0..=changes).flat_map(|n| [all >> n, all << n & all]);
    let alone = (0..changes).flat_map(|n| [1 << n, all & !(1 << n)]);
    let mut parts: Vec<u64> = sides.chain(alone).collect();
    parts.sort_unstable();
    parts.dedup();
    parts
}

fn try_all(phase: Phase, victim: Victim) {
    let mut scene = Scene::new(phase);
    let host = scene.host_of(victim);
    scene.town.world.disk_mut(host).count_points();
    let ended = scene.act();
    let points = scene.town.world.disk(host).points().to_vec();
    scene.check(ended);
    let mut states = 0;
    for (point, changes) in points.iter().enumerate().step_by(members::one_point_of(phase)) {
        for done in parts(*changes) {
            let mut scene = Scene::new(phase);
            scene.town.world.disk_mut(host).crash_at(point, done);
            let ended = scene.act();
            scene.check(ended);
            states += 1;
        }
    }
    std::println!("{phase:?}, {victim:?}: {} points, {states} states", points.len());
    assert!(!points.is_empty(), "{phase:?} of {victim:?} has no point");
}

#[test]
fn whoever_goes_down_anywhere_in_a_store_nothing_is_lost() {
    [Victim::Entry, Victim::Replica, Victim::Client]
        .into_iter()
        .for_each(|victim| try_all(Phase::Store, victim));
}

#[test]
fn whoever_goes_down_anywhere_in_an_overwrite_one_of_both_versions_is_there() {
    [Victim::Entry, Victim::Replica, Victim::Client]
        .into_iter()
        .for_each(|victim| try_all(Phase::Overwrite, victim));
}

#[test]
fn whoever_goes_down_anywhere_in_a_delete_it_is_not_back() {
    [Victim::Entry, Victim::Replica, Victim::Client]
        .into_iter()
        .for_each(|victim| try_all(Phase::Delete, victim));
}

#[test]
fn whoever_goes_down_anywhere_in_a_clear_nothing_is_back() {
    [Victim::Entry, Victim::Replica].into_iter().for_each(|victim| try_all(Phase::Clear, victim));
}

#[test]
fn whoever_goes_down_anywhere_in_the_sweep_it_goes_on() {
    [Victim::Entry, Victim::Replica].into_iter().for_each(|victim| try_all(Phase::Sweep, victim));
}
