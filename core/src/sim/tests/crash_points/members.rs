//! Phases in which nodes work for each other: hints, leases, catching up, leaving.

use super::*;
use crate::config::{Config, limit};
use crate::node::store::audit::Audit;
use crate::node::{NodeEvent, SettingsWanted};

const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(24 * 3600);

/// The town that a phase needs.
pub(super) fn options(phase: Phase) -> TownOptions {
    let options = TownOptions::default();
    let settings = options.settings;
    match phase {
        Phase::Hint => TownOptions { settings: SettingsWanted { replicas: Some(1), ..settings }, ..options },
        Phase::Leave => TownOptions { settings: SettingsWanted { replicas: Some(2), ..settings }, ..options },
        // A week passes, with as little in it as can be.
        Phase::Lapse => TownOptions {
            settings: SettingsWanted { gone_after: Some(40 * DAY), ..settings },
            config: Config {
                heartbeat: 4 * DAY,
                suspect_after: 20 * DAY,
                idle_close: 30 * DAY,
                gossip_every: 4 * DAY,
                // Ages, lingers among them, are wrong by this much after a crash.
                running_time_every: HOUR / 2,
                pull_every: 10 * DAY,
                check_every: 4 * HOUR,
                client_idle: HOUR,
                ..options.config
            },
            ..options
        },
        _ => options,
    }
}

/// Of how many points one is tried, where those of the phase are too many for every day.
pub(super) fn one_point_of(phase: Phase) -> usize {
    let is_of_members =
        matches!(phase, Phase::Hint | Phase::Lapse | Phase::Return | Phase::NewDisk | Phase::Leave);
    if is_of_members && std::env::var_os("QUANTUMSYNC_EVERY_POINT").is_none() { 5 } else { 1 }
}

impl Scene {
    /// What is special before a phase.
    pub(super) fn prepare(&mut self) {
        match self.phase {
            Phase::Hint => self.town.world.cut(self.nodes[0], self.nodes[1], Cut::Reset),
            Phase::Lapse => self.give_up_an_upload(),
            Phase::Return => {
                self.town.world.crash(self.nodes[1]);
                self.town.store(self.client, "file", &versions().1).expect("stored");
                self.town.store(self.client, "gone", &content(4, 70_000)).expect("stored");
                self.town.delete(self.client, "gone").expect("deleted");
                self.town.world.run_for(Duration::from_secs(20));
            }
            Phase::NewDisk => {
                self.town.world.crash(self.nodes[1]);
                *self.town.world.disk_mut(self.nodes[1]) = SimDisk::new([9; 32]);
            }
            _ => {}
        }
    }

    /// The client goes down in the middle of a store; its pieces stay, until its lease is all but over.
    fn give_up_an_upload(&mut self) {
        let (client, mut rest) = (self.client, versions().0);
        let op = self.town.command(client, |client, now| client.store(now, "file", StoreOptions::default()));
        self.town.world.run_until(LONG, |world| {
            while let Some(event) = world.next_event(client) {
                if let PeerEvent::Client(ClientEvent::NeedData { max, .. }) = event {
                    let portion = rest.split_to(rest.len().min(max));
                    world.call(client, |peer, now| {
                        peer.client().provide(now, op, portion).expect("asked for")
                    });
                }
            }
            rest.is_empty()
        });
        self.town.world.run_for(Duration::from_secs(5));
        self.town.restart(client);
        assert!(self.pending() > 0, "pieces without a record");
        self.town.world.run_for(Duration::from_millis(limit::LEASE_MS) - HOUR);
    }

    fn pending(&self) -> usize {
        let audit = |node: &HostId| {
            let disk = self.town.world.disk(*node);
            Audit::of(TownOptions::default().suite, disk.rows(), disk.blobs()).expect("a sound disk").pending
        };
        self.nodes.iter().map(audit).sum()
    }

    pub(super) fn act_as_members(&mut self) -> Ended {
        match self.phase {
            Phase::Hint => {
                let store = |client: &mut crate::client::Client, now| {
                    client.store(now, "file", StoreOptions::default())
                };
                let op = self.town.command(self.client, store);
                let ended = self.drive(op).expect("the client stays");
                if let Ok(Outcome::Stored { copies, .. }) = &ended {
                    assert_eq!(*copies, 0, "some of it belongs to the other node alone");
                }
                self.town.world.heal(self.nodes[0], self.nodes[1]);
                self.go_on(Duration::from_secs(60));
                ended
            }
            Phase::Lapse => {
                for _ in 0..36 {
                    self.go_on(HOUR);
                    if self.pending() == 0 {
                        break;
                    }
                }
                Ok(Outcome::Cleared { copies: 3, wanted: 2, version: Version::ZERO })
            }
            Phase::Leave => {
                self.leave();
                Ok(Outcome::Cleared { copies: 3, wanted: 2, version: Version::ZERO })
            }
            _ => {
                self.town.restart(self.nodes[1]);
                self.go_on(Duration::from_secs(60));
                Ok(Outcome::Cleared { copies: 3, wanted: 2, version: Version::ZERO })
            }
        }
    }

    /// Lets time pass; whoever goes down is started again.
    fn go_on(&mut self, duration: Duration) {
        let nodes = self.nodes.clone();
        let end = self.town.world.now().mono + duration;
        loop {
            let left = end.since(self.town.world.now().mono);
            let down = self.town.world.run_until(left, |world| nodes.iter().any(|node| !world.is_up(*node)));
            if !down {
                return;
            }
            nodes.iter().for_each(|node| {
                if !self.town.world.is_up(*node) {
                    self.town.restart(*node);
                }
            });
        }
    }

    /// The second node leaves: it is asked until it has gone, or until it says that it is no member any more.
    fn leave(&mut self) {
        let leaver = self.nodes[1];
        let vault = self.town.vault();
        let home = self.town.add_client(&vault, &[leaver], true);
        let mut gone = false;
        for _ in 0..300 {
            self.go_on(Duration::from_secs(1));
            while let Some(event) = self.town.world.next_event(leaver) {
                gone |= matches!(event, PeerEvent::Node(NodeEvent::Left | NodeEvent::Removed));
            }
            if gone {
                break;
            }
            // Its answer is not waited for: it may go down, and so may the one before.
            self.town.command(home, |client, now| client.leave(now, false));
        }
        self.town.world.crash(home);
        let world = &mut self.town.world;
        assert!(gone, "it leaves");
        world.crash(leaver);
        self.nodes.remove(1);
        self.others.remove(0);
    }
}

#[test]
fn whoever_goes_down_anywhere_on_the_way_of_a_hint_it_arrives() {
    [Victim::Entry, Victim::Replica].into_iter().for_each(|victim| try_all(Phase::Hint, victim));
}

#[test]
fn whoever_goes_down_anywhere_in_the_end_of_a_lease_its_pieces_go() {
    [Victim::Entry, Victim::Replica].into_iter().for_each(|victim| try_all(Phase::Lapse, victim));
}

#[test]
fn whoever_goes_down_anywhere_in_catching_up_it_comes_to_hold_the_same() {
    [Phase::Return, Phase::NewDisk].into_iter().for_each(|phase| try_all(phase, Victim::Replica));
}

#[test]
fn whoever_goes_down_anywhere_in_a_leave_everything_stays_readable() {
    [Victim::Entry, Victim::Replica].into_iter().for_each(|victim| try_all(Phase::Leave, victim));
}
