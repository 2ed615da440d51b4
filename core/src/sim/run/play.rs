//! Plays a script: makes the town, lets time pass, and feeds the users. Must not know what is right: that is the
//! business of `crowd`, the model and `finish`; nor what the steps do: that of `steps`.

use alloc::format;
use alloc::vec::Vec;
use core::time::Duration;

use super::super::liar::LieChances;
use super::super::network::{HostId, NetworkOptions};
use super::super::peer::{Peer, PeerEvent};
use super::super::town::{Town, TownOptions};
use super::super::world::World;
use super::Report;
use super::bounds::Bounds;
use super::chance::wide;
use super::crowd::{Crowd, LONGEST_OPERATION, Rule, Seat};
use super::machines::Banning;
use super::script::{Device, PLAIN_MARK, SECRET_NAME, Script, Setup, Who};
use super::users::User;
use super::watch::{Watched, Watching};
use crate::config::Config;
use crate::crypto::{Suite, entropy_from_words};
use crate::node::{NodeEvent, SettingsWanted};
use crate::time::Instant;
use crate::vault::Vault;

/// Of a million answers of a liar, how many are each kind of lie.
const LIES_PER_MILLION: u32 = 20_000;
/// More nodes than this and a run is not worth its time.
pub(super) const MAX_NODES: usize = 9;

/// A run that is going on.
#[derive(Debug)]
pub(super) struct Play {
    pub(super) town: Town,
    pub(super) setup: Setup,
    pub(super) nodes: Vec<Member>,
    pub(super) hosts: Vec<HostId>,
    pub(super) crowd: Crowd,
    /// The seats of the users' devices; homes have others.
    devices: Vec<usize>,
    pub(super) cuts: Vec<(HostId, HostId)>,
    /// Bans that nobody has carried out yet.
    pub(super) bans: Vec<Banning>,
    /// Nodes that have left, or learned that they were removed.
    pub(super) departed: Vec<HostId>,
    /// Steps that could be done as things were.
    done: u64,
    watching: Watching,
    bounds: Bounds,
}

/// A node of the run.
#[derive(Debug)]
pub(super) struct Member {
    pub(super) host: HostId,
    /// The seat of the client at its home.
    pub(super) home: usize,
    /// It keeps nothing, and holds nothing that counts.
    pub(super) is_volatile: bool,
    /// It was asked to leave.
    pub(super) leaves: bool,
    /// It was banned, or has left: it does not come back.
    pub(super) is_out: bool,
}

impl Play {
    /// The town of a script.
    pub(super) fn new(setup: Setup, mut watched: Watched) -> Self {
        let seconds = |s: u32| Duration::from_secs(s.into());
        let micros = |(least, most): (u32, u32)| {
            (Duration::from_micros(least.into()), Duration::from_micros(most.into()))
        };
        let options = TownOptions {
            suite: setup.suite,
            config: Config { quota: setup.quota, ..Config::default() },
            network: NetworkOptions {
                latency: micros(setup.latency_us),
                longest_portion: setup.portion as usize,
                bandwidth: (setup.bandwidth > 0).then_some(setup.bandwidth.into()),
                reset_per_million: setup.resets,
                ..NetworkOptions::default()
            },
            settings: SettingsWanted {
                replicas: Some(setup.replicas),
                gone_after: Some(seconds(setup.gone_after_s)),
                linger: Some(seconds(setup.linger_s)),
            },
            seed: wide(setup.seed),
        };
        let bounds = Bounds::new(watched.limits.take().unwrap_or_else(|| options.config.clone()));
        let mut town = Town::new(options);
        let vaults: Vec<Vault> = (0..setup.vaults.max(1)).map(|_| town.vault()).collect();
        let search = watched.search || setup.suite == Suite::Real;
        let watching = Watching::new(watched, setup.suite);
        town.world.watch(watching.observer());
        if search {
            watching.guard(secrets(&vaults));
        }
        let crowd = Crowd::new(vaults, setup.liars > 0);
        let mut play = Self {
            town,
            nodes: Vec::new(),
            hosts: Vec::new(),
            crowd,
            devices: Vec::new(),
            cuts: Vec::new(),
            bans: Vec::new(),
            departed: Vec::new(),
            done: 0,
            watching,
            bounds,
            setup,
        };
        (0..play.setup.nodes.max(1)).for_each(|_| play.join());
        (0..play.setup.liars).for_each(|_| play.add_liar());
        for device in play.setup.clients.clone() {
            play.add_device(&device);
        }
        play
    }

    /// Plays all steps. Faults that they began go on.
    pub(super) fn steps(&mut self, script: &Script) {
        for step in &script.steps {
            self.wait(Duration::from_millis(step.after_ms.into()));
            self.look_for_a_split();
            let is_done = self.act(&step.action);
            self.look_at_bounds();
            self.done += u64::from(is_done);
            let now = self.town.world.now();
            self.watching
                .say(now, &format!("---- {}{}", step.action, if is_done { "" } else { " (cannot be)" }));
        }
    }

    fn look_at_bounds(&mut self) {
        let Self { town, crowd, bounds, watching, .. } = self;
        bounds.look(&town.world, watching, crowd);
    }

    /// What came of it all.
    pub(super) fn report(mut self) -> Report {
        self.look_at_bounds();
        let leaks = self.watching.look(|watch| watch.leaks.clone());
        leaks.into_iter().for_each(|(at, what)| self.crowd.violated(at, Rule::Secrecy, what));
        let lived = Duration::from_micros(self.town.world.now().mono.0);
        let (succeeded, failed) = self.crowd.operations;
        self.watching.look(|watch| Report {
            violations: self.crowd.violations,
            digest: watch.digest(),
            lived,
            succeeded,
            failed,
            steps: self.done,
            inputs: watch.inputs,
            faults: watch.faults.clone(),
            fullest: self.bounds.fullest,
        })
    }

    /// What the machines were told up to now.
    pub(super) fn inputs(&self) -> u64 {
        self.watching.look(|watch| watch.inputs)
    }

    /// Lets time pass.
    pub(super) fn wait(&mut self, duration: Duration) {
        self.wait_until(duration, |_, _| false);
    }

    /// Lets time pass until this is so; `false` if it was not in time.
    pub(super) fn wait_until(
        &mut self,
        limit: Duration,
        mut done: impl FnMut(&Crowd, &mut World<Peer>) -> bool,
    ) -> bool {
        let Self { town, crowd, hosts, departed, bounds, watching, .. } = self;
        let reached = town.world.run_until(limit, |world| {
            bounds.moment(world, watching, crowd);
            crowd.heed(world, hosts);
            for host in &*hosts {
                while let Some(event) = world.next_event(*host) {
                    match event {
                        // As a process that ends.
                        PeerEvent::Node(NodeEvent::Stopped) => world.crash(*host),
                        PeerEvent::Node(NodeEvent::Left | NodeEvent::Removed) => {
                            crowd.conditions.some_ends = true;
                            departed.push(*host);
                        }
                        _ => {}
                    }
                }
            }
            done(crowd, world)
        });
        self.crowd.check_ends(self.town.world.now().mono);
        reached
    }

    /// Waits until no device is busy.
    pub(super) fn all_ended(&mut self) -> bool {
        let devices = self.devices.clone();
        self.wait_until(LONGEST_OPERATION, |crowd, _| {
            devices.iter().all(|seat| !crowd.seats[*seat].user.is_busy())
        })
    }

    /// The seat of a device; devices that were added are counted on.
    pub(super) fn seat(&self, client: u8) -> Option<usize> {
        self.devices.get(usize::from(client)).copied()
    }

    /// Another device, and its number.
    pub(super) fn add_device(&mut self, device: &Device) -> u8 {
        let vault = device.vault.min(self.setup.vaults.max(1) - 1);
        let known = device.entry.iter().filter_map(|node| self.nodes.get(usize::from(*node)));
        let mut entry: Vec<HostId> = known.map(|node| node.host).collect();
        if entry.is_empty() {
            entry.push(self.hosts[0]);
        }
        let keys = self.crowd.vaults[usize::from(vault)].clone();
        let original =
            device.copy_of.and_then(|client| self.seat(client)).map(|seat| self.crowd.seats[seat].host);
        let host = match original {
            Some(original) => self.town.add_copy(original, &entry),
            None => self.town.add_client(&keys, &entry, false),
        };
        self.set_jobs(host);
        let number = u8::try_from(self.devices.len()).unwrap_or(u8::MAX);
        self.watching.name(host, format!("c{number}"), false);
        let seat = self.sit(host, number, vault, device.entry.clone());
        self.devices.push(seat);
        if let Some(original) = device.copy_of {
            self.crowd.model.copy_device(original, number);
        }
        number
    }

    fn add_liar(&mut self) {
        let host = self.town.add_liar(LieChances::all(LIES_PER_MILLION));
        self.watching.name(host, "x".into(), false);
    }

    /// A disk as the setup wants it.
    fn set_disk(&mut self, host: HostId) {
        let Setup { disk_us: (least, most), disk_errors, torn, .. } = self.setup;
        let disk = self.town.world.disk_mut(host);
        disk.set_delay(Duration::from_micros(least.into()), Duration::from_micros(most.into()));
        disk.set_errors(disk_errors);
        disk.set_torn(torn);
        self.set_jobs(host);
    }

    fn set_jobs(&mut self, host: HostId) {
        let micros = |us: u32| Duration::from_micros(us.into());
        let (least, most) = self.setup.jobs_us;
        self.town.world.set_job_delay(host, micros(least), micros(most));
    }

    fn sit(&mut self, host: HostId, number: u8, vault: u8, entry: Vec<u8>) -> usize {
        let user = User::new(number, vault);
        self.crowd.seats.push(Seat { host, user, entry, answer: None, paused: false, resumed: Instant(0) });
        self.crowd.seats.len() - 1
    }

    pub(super) fn join(&mut self) {
        let Setup { nodes, volatile, .. } = self.setup;
        let last = usize::from(nodes.saturating_sub(volatile)).max(1)..usize::from(nodes);
        let is_volatile = last.contains(&self.nodes.len());
        let host = self.town.add_node_among(&self.hosts, is_volatile);
        let vault = self.crowd.vaults[0].clone();
        let home = self.town.add_client(&vault, &[host], true);
        self.set_disk(host);
        let number = self.nodes.len();
        self.watching.name(host, format!("n{number}"), true);
        self.watching.name(home, format!("h{number}"), false);
        let home = self.sit(home, u8::MAX, 0, Vec::new());
        self.nodes.push(Member { host, home, is_volatile, leaves: false, is_out: false });
        self.hosts.push(host);
    }

    pub(super) fn host(&self, who: Who) -> Option<HostId> {
        match who {
            Who::Node(node) => {
                self.nodes.get(usize::from(node)).filter(|node| !node.is_out).map(|node| node.host)
            }
            Who::Client(client) => self.seat(client).map(|seat| self.crowd.seats[seat].host),
        }
    }

    pub(super) fn node(&self, node: u8) -> Option<HostId> {
        self.host(Who::Node(node))
    }
}

/// What no node may ever see.
fn secrets(vaults: &[Vault]) -> Vec<(&'static str, Vec<u8>)> {
    let mut secrets = Vec::from([("plaintext", PLAIN_MARK.to_vec()), ("a key string", SECRET_NAME.into())]);
    for vault in vaults {
        let words = vault.words();
        secrets.push(("a vault's words", words.as_bytes().to_vec()));
        if let Ok(entropy) = entropy_from_words(&words) {
            secrets.push(("a vault's secret", entropy.expose().to_vec()));
        }
    }
    secrets
}
