//! All users of a run together, and what was found wrong: feeds every device, and compares what it is told with the model
//! and with the nodes' disks. Must not know what is done to the world.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::time::Duration;

use super::super::network::HostId;
use super::super::peer::{Peer, PeerEvent};
use super::super::world::World;
use super::model::{KeyNo, Model};
use super::script::key_text;
use super::users::{Around, Ended, User};
use crate::client::{Client, Outcome};
use crate::error::OpError;
use crate::node::store::audit::Held;
use crate::record::Version;
use crate::time::{Instant, Now};
use crate::vault::{Vault, normalise_key};

/// No operation takes longer, whatever happens to it.
pub(super) const LONGEST_OPERATION: Duration = Duration::from_secs(1200);

/// Something that must never be.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Violation {
    /// When it was seen.
    pub at: Instant,
    /// What it contradicts.
    pub rule: Rule,
    /// What was seen.
    pub what: String,
}

/// What must hold in every run.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Rule {
    /// What was acknowledged can be read while fewer than W of its replicas were destroyed; each read is allowed by some
    /// order of the writes; what was deleted or has expired does not come back.
    Reads,
    /// Nothing is acknowledged before it is durable on as many replicas as were said.
    Durable,
    /// Every operation ends.
    Ends,
    /// No plaintext, key string or secret on the ciphertext side.
    Secrecy,
    /// Memory, queues and tables stay inside their limits.
    Bounds,
    /// After the faults all nodes have everything, agree, and become quiet.
    Agreement,
    /// What nothing wants any more is gone from the disks.
    Space,
    /// What a script says that must be.
    Script,
}

/// The users, and what is known of their files.
#[derive(Debug)]
pub(super) struct Crowd {
    pub(super) seats: Vec<Seat>,
    pub(super) model: Model,
    pub(super) vaults: Vec<Vault>,
    pub(super) violations: Vec<Violation>,
    pub(super) conditions: Conditions,
    /// Operations that ended well, and those that did not.
    pub(super) operations: (u64, u64),
}

/// A user and the machine.
#[derive(Debug)]
pub(super) struct Seat {
    pub(super) host: HostId,
    pub(super) user: User,
    /// The nodes that it enters by.
    pub(super) entry: Vec<u8>,
    /// What its node last answered, if it is a home.
    pub(super) answer: Option<Result<Outcome, OpError>>,
    /// It stands still.
    pub(super) paused: bool,
    /// When it last went on after it had.
    pub(super) resumed: Instant,
}

/// What can be asked of the system as things are.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Conditions {
    /// How far wall clocks were set off, at most.
    pub(super) clocks_off_ms: u64,
    /// How many millionths they gain or lose, at most.
    pub(super) wall_drift_ppm: u32,
    /// All faults are over.
    pub(super) is_calm: bool,
    /// A disk was lost, or some of it, or a volatile member ended that may have held alone what was acknowledged on no copy.
    pub(super) ever_destroyed: bool,
    /// The same, since all nodes last had everything.
    pub(super) destroyed: u8,
    /// Something has rotted, and nobody may have noticed yet.
    pub(super) is_rotten: bool,
    /// Nodes that place things on different halves of an even set may have acknowledged what the others do not know.
    pub(super) is_split: bool,
    /// A member was removed or told to stop: until its process has ended, it closes every link without a word.
    pub(super) some_ends: bool,
    /// Members lie.
    pub(super) liars: bool,
}

impl Crowd {
    pub(super) const fn new(vaults: Vec<Vault>, liars: bool) -> Self {
        let conditions = Conditions {
            liars,
            clocks_off_ms: 0,
            wall_drift_ppm: 0,
            is_calm: false,
            is_split: false,
            some_ends: false,
            ever_destroyed: false,
            destroyed: 0,
            is_rotten: false,
        };
        Self {
            seats: Vec::new(),
            model: Model::new(),
            vaults,
            violations: Vec::new(),
            conditions,
            operations: (0, 0),
        }
    }

    pub(super) fn violated(&mut self, at: Instant, rule: Rule, what: String) {
        // The first ones tell most.
        if self.violations.len() < 20 {
            self.violations.push(Violation { at, rule, what });
        }
    }

    /// Lets the user of this seat do something with its machine, if that is up.
    pub(super) fn act(
        &mut self,
        world: &mut World<Peer>,
        seat: usize,
        act: impl FnOnce(&mut User, &mut Model, Instant, &mut Client, Now),
    ) {
        let Some(Seat { host, user, .. }) = self.seats.get_mut(seat) else { return };
        if world.is_up(*host) && !world.is_paused(*host) {
            let at = world.now().mono;
            let model = &mut self.model;
            world.call(*host, |peer, now| act(user, model, at, peer.client(), now));
        }
    }

    /// Asks something of a home's node; the answer comes to stand in its seat.
    pub(super) fn ask(
        &mut self,
        world: &mut World<Peer>,
        home: usize,
        ask: impl FnOnce(&mut Client, Now) -> crate::id::OpId,
    ) {
        if let Some(seat) = self.seats.get_mut(home) {
            seat.answer = None;
        }
        self.act(world, home, |user, _, at, client, now| {
            let op = ask(client, now);
            user.other(at, op);
        });
    }

    /// Deals with everything that the machines of these users have told.
    pub(super) fn heed(&mut self, world: &mut World<Peer>, nodes: &[HostId]) {
        for at in 0..self.seats.len() {
            while let Some(PeerEvent::Client(event)) = world.next_event(self.seats[at].host) {
                if !world.is_up(self.seats[at].host) {
                    continue;
                }
                let around = self.around(world);
                let Seat { host, user, .. } = &mut self.seats[at];
                let model = &mut self.model;
                let heeded =
                    world.call(*host, |peer, now| user.heed(model, &around, peer.client(), now, event));
                match heeded {
                    Ok(Some(ended)) => self.ended(world, nodes, at, ended),
                    Ok(None) => {}
                    Err(what) => self.violated(around.now.mono, Rule::Reads, what),
                }
            }
        }
    }

    /// An operation that has gone on for too long.
    pub(super) fn check_ends(&mut self, now: Instant) {
        for at in 0..self.seats.len() {
            let Seat { user, paused, resumed, .. } = &self.seats[at];
            let late = user.oldest().filter(|began| now.since(*began.max(resumed)) > LONGEST_OPERATION);
            if let Some(began) = late.filter(|_| !paused) {
                let what = format!("an operation of c{} that began at {began:?} does not end", user.number);
                self.violated(now, Rule::Ends, what);
            }
        }
    }

    fn around(&self, world: &World<Peer>) -> Around {
        let Conditions {
            clocks_off_ms,
            wall_drift_ppm,
            is_calm,
            ever_destroyed,
            is_split,
            some_ends,
            liars,
            ..
        } = self.conditions;
        let all_counts = is_calm && !ever_destroyed && !liars;
        let now = world.now();
        // As far as a clock comes that has drifted from the beginning.
        let drifted_ms = (now.mono.0 / 1000).saturating_mul(wall_drift_ppm.into()).div_ceil(1_000_000);
        let clocks_off_ms = clocks_off_ms.saturating_add(drifted_ms);
        Around { now, clocks_off_ms, all_counts, is_calm, is_split, some_ends, liars }
    }

    fn ended(&mut self, world: &World<Peer>, nodes: &[HostId], at: usize, ended: Ended) {
        match ended {
            Ended::Stored { key, version, wanted } => {
                self.operations.0 += 1;
                self.check_durable(world, nodes, at, key, version, wanted);
            }
            Ended::Other(answer) => self.seats[at].answer = Some(answer),
            Ended::Said(None) => self.operations.0 += 1,
            Ended::Said(Some(_)) => self.operations.1 += 1,
        }
    }

    /// What was acknowledged lies on so many disks, in that version or a newer one.
    fn check_durable(
        &mut self,
        world: &World<Peer>,
        nodes: &[HostId],
        seat: usize,
        key: KeyNo,
        version: Version,
        wanted: u8,
    ) {
        if self.conditions.destroyed > 0 || self.conditions.liars {
            return;
        }
        let keys = self.vaults[usize::from(self.seats[seat].user.vault)].keys();
        let Ok(text) = normalise_key(&key_text(key)) else { return };
        let (owner, name) = (keys.owner(), keys.name(0, &text));
        let held = |host: &HostId| Held::on(keys.suite, world.disk(*host).rows(), &owner, &name);
        let copies =
            nodes.iter().filter_map(held).filter(|held| !held.is_proof && held.version >= version).count();
        // Below a floor that came meanwhile nothing is kept.
        if copies < usize::from(wanted) && !self.model.has_clear(self.seats[seat].user.vault) {
            let what =
                format!("k{key} as {version:?} was acknowledged with {wanted} copies; on disks are {copies}");
            self.violated(world.now().mono, Rule::Durable, what);
        }
    }
}
