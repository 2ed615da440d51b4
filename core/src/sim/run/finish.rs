//! The end of a run, and every calm in it: nothing is wrong any more, and so everything must become right, and stay so.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::time::Duration;

use super::super::network::HostId;
use super::crowd::{LONGEST_OPERATION, Rule};
use super::play::Play;
use super::script::Device;
use crate::client::Outcome;
use crate::config::limit;
use crate::id::{BlobId, Name, OwnerId};
use crate::node::store::audit::{Audit, Held};
use crate::node::view::{blob_position, record_position};
use crate::record::Version;
use crate::wire::Status;

/// How long nodes may take until they have everything, once nothing is wrong any more: longer than the longest wait
/// before anything is tried again. Everything is compared every hour, and what was evicted is left alone for one; not a
/// multiple of it, so that the last look is not at a comparison that is just under way.
const LONGEST_CALM: Duration = Duration::from_secs(3 * 3600 + 1000);
/// How long honest nodes are given among liars.
const CALM_WITH_LIARS: Duration = Duration::from_secs(120);
/// How often they are asked: soon at first, then less often.
const LOOK_EVERY: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(60));

/// How long a device may wait for a dial that was lost with the faults: what begins meanwhile waits for the same one.
const LONGEST_DIAL: Duration = Duration::from_secs(6);

/// How long a network is watched that has nothing to do: two heartbeats.
const RESTS_FOR: Duration = Duration::from_secs(4);
/// What it may do then between any two machines.
const MOST_AT_REST: u64 = 20;
/// How often that is looked at, where they have something to do after all.
const LOOKS_AT_REST: u32 = 5;

impl Play {
    /// Ends all faults, and waits until every node says that it has everything and owes nobody anything.
    pub(super) fn calm(&mut self) {
        self.mend_all();
        if self.setup.liars > 0 {
            // Whoever believes a member that lies may never come to an end with it.
            return self.wait(CALM_WITH_LIARS);
        }
        if core::mem::take(&mut self.crowd.conditions.is_rotten) {
            self.verify_all();
        }
        let begin = self.town.world.now().mono;
        let mut look_after = LOOK_EVERY.0;
        loop {
            self.wait(look_after);
            self.start_all();
            look_after = (look_after * 3 / 2).min(LOOK_EVERY.1);
            self.go_on_leaving();
            self.carry_out_bans();
            let open = self.open_ends();
            if open.is_empty() {
                self.crowd.conditions.destroyed = 0;
                self.crowd.conditions.is_split = false;
                return;
            }
            let now = self.town.world.now().mono;
            if now.since(begin) > LONGEST_CALM && self.holds_what_nobody_takes() {
                return;
            }
            if now.since(begin) > LONGEST_CALM {
                return self.crowd.violated(now, Rule::Agreement, format!("not whole: {}", open.join("; ")));
            }
        }
    }

    /// Has every node look at all that it holds: what rots is noticed only by whoever reads it.
    fn verify_all(&mut self) {
        self.wait(LOOK_EVERY.1);
        let homes: Vec<usize> = self.nodes.iter().filter(|node| !node.is_out).map(|node| node.home).collect();
        for home in &homes {
            self.crowd.ask(&mut self.town.world, *home, |client, now| client.verify(now));
        }
        self.wait_until(LONGEST_OPERATION, |crowd, _| {
            homes.iter().all(|home| !crowd.seats[*home].user.is_busy())
        });
    }

    /// All that must hold when the last step is done.
    pub(super) fn finish(&mut self) {
        self.calm();
        self.all_ended();
        if !self.crowd.violations.is_empty() {
            return;
        }
        self.crowd.conditions.is_calm = self.setup.liars == 0;
        self.wait(LONGEST_DIAL);
        self.read_everything();
        if self.setup.liars > 0 {
            return;
        }
        // Entry nodes drop what they had read for others; what nothing pins goes after its linger.
        // Machines that sleep meanwhile have the same work left, and a run is over sooner.
        self.age(Duration::from_secs(700) + Duration::from_secs(self.setup.linger_s.into()));
        self.wait(Duration::from_secs(5));
        if self.audits().iter().flatten().any(|(_, audit)| audit.pending > 0) {
            self.age(Duration::from_millis(limit::LEASE_MS));
            self.wait(Duration::from_secs(60));
            self.age(Duration::from_secs(2 * 3600));
        }
        self.wait_until_quiet();
        self.rest();
    }

    /// Whoever has nothing to do asks only now and then whether the others live, once it has compared with them.
    fn rest(&mut self) {
        let mut busy = u64::MAX;
        for _ in 0..LOOKS_AT_REST {
            if !self.crowd.violations.is_empty() {
                return;
            }
            let before = self.inputs();
            self.wait(RESTS_FOR);
            busy = busy.min(self.inputs() - before);
            let machines = self.town.world.machines().count() as u64;
            if busy <= MOST_AT_REST * machines * machines {
                return;
            }
            self.wait(Duration::from_secs(60));
        }
        let now = self.town.world.now().mono;
        self.crowd.violated(now, Rule::Agreement, format!("{busy} inputs in {RESTS_FOR:?}, again and again"));
    }

    /// What the nodes that are there say is still to be done; empty when they have everything.
    fn open_ends(&mut self) -> Vec<String> {
        let here: Vec<(u8, usize)> =
            (0..).zip(&self.nodes).filter(|(_, n)| !n.is_out).map(|(at, n)| (at, n.home)).collect();
        let members = here.len();
        let mut open: Vec<String> =
            self.bans.iter().map(|ban| format!("n{} is not banned yet", ban.node)).collect();
        open.extend(
            (0..)
                .zip(&self.nodes)
                .filter(|(_, n)| n.leaves && !n.is_out)
                .map(|(at, n): (u8, _)| format!("n{at} leaves: {:?}", self.crowd.seats[n.home].answer)),
        );
        // Who is banned hears of it as soon as it reaches anybody, and lets nobody in any more.
        open.extend(
            (0..)
                .zip(&self.nodes)
                .filter(|(_, n)| n.is_out && self.town.world.is_up(n.host))
                .map(|(at, _): (u8, _)| format!("n{at} does not know that it is out")),
        );
        if !open.is_empty() {
            return open;
        }
        for (_, home) in &here {
            self.crowd.ask(&mut self.town.world, *home, |client, now| client.status(now));
        }
        let homes: Vec<usize> = here.iter().map(|(_, home)| *home).collect();
        self.wait_until(Duration::from_secs(60), |crowd, _| {
            homes.iter().all(|home| crowd.seats[*home].answer.is_some())
        });
        let lost = match self.audits() {
            Ok(audits) => self.lost(&audits).len() + self.lost_records(&audits),
            Err(what) => return Vec::from([what]),
        };
        for (at, home) in here {
            match &self.crowd.seats[home].answer {
                Some(Ok(Outcome::Status(status))) => {
                    let open_end = open_end(status, members, lost as u64);
                    open.extend(open_end.map(|what| format!("n{at} {what}")));
                }
                answer => open.push(format!("n{at} answers {answer:?}")),
            }
        }
        open
    }

    /// Every device, and a new one of each vault, reads every key, and lists.
    fn read_everything(&mut self) {
        let entry: Vec<u8> =
            (0..).zip(&self.nodes).filter(|(_, node)| !node.is_out).map(|(at, _)| at).collect();
        for vault in 0..self.setup.vaults.max(1) {
            self.add_device(&Device { vault, entry: entry.clone(), copy_of: None });
        }
        let mut client = 0;
        while let Some(seat) = self.seat(client) {
            client += 1;
            if !self.crowd.seats[seat].entry.iter().any(|node| entry.contains(node)) {
                // All nodes that it knows are out.
                continue;
            }
            let keys = self.crowd.model.keys(self.crowd.seats[seat].user.vault);
            for key in keys {
                self.crowd.act(&mut self.town.world, seat, |user, model, at, client, now| {
                    user.get(model, at, client, now, key, None, true);
                });
                self.all_ended();
            }
            self.crowd.act(&mut self.town.world, seat, |user, model, at, client, now| {
                user.list(model, at, client, now)
            });
            self.all_ended();
        }
    }

    /// The nodes that are there, and what stands on their disks.
    fn audits(&mut self) -> Result<Vec<(HostId, Audit)>, String> {
        let suite = self.setup.suite;
        let here = self.nodes.iter().filter(|node| !node.is_out);
        here.map(|node| {
            let disk = self.town.world.disk(node.host);
            // What rotted is not there.
            let mut blobs = disk.blobs().clone();
            blobs.retain(|id, bytes| !self.crowd.conditions.ever_destroyed || suite.blob_id(bytes) == *id);
            Audit::of(suite, disk.rows(), &blobs).map(|audit| (node.host, audit))
        })
        .collect()
    }

    /// Blobs that were destroyed wherever they were. Of what was acknowledged none may be among them: the reads tell.
    /// The others are missed for ever, or until their lease is over.
    fn lost(&self, audits: &[(HostId, Audit)]) -> BTreeSet<BlobId> {
        let is_there = |blob: &BlobId| audits.iter().any(|(_, audit)| audit.present.contains(blob));
        let missing = audits
            .iter()
            .filter(|_| self.crowd.conditions.ever_destroyed)
            .flat_map(|(_, audit)| &audit.missing);
        missing.filter(|blob| !is_there(blob)).copied().collect()
    }

    /// Records whose parts were destroyed wherever they were: the same holds of them.
    fn lost_records(&self, audits: &[(HostId, Audit)]) -> usize {
        let held = |wanted: bool| {
            let all = audits.iter().flat_map(|(_, audit)| &audit.records);
            let whole = all.filter(move |(_, held)| !held.is_proof && held.lacks_parts == wanted);
            whole.map(|(name, _)| *name).collect::<BTreeSet<_>>()
        };
        if self.crowd.conditions.ever_destroyed { held(true).difference(&held(false)).count() } else { 0 }
    }

    /// True if a record is somewhere that its replicas will not take any more. Either it was a hint on a node that reached nobody
    /// until all of them had promised its object away; or only its proof is left, and all that was whole was destroyed.
    /// There it stays until its owner writes the key again.
    fn holds_what_nobody_takes(&mut self) -> bool {
        let Ok(audits) = self.audits() else { return false };
        let promised: BTreeSet<_> = audits.iter().flat_map(|(_, audit)| &audit.promised).collect();
        let is_whole = |name: &(OwnerId, Name), version: Version| {
            let mut all = audits.iter().filter_map(|(_, audit)| audit.records.get(name));
            all.any(|held| !held.is_proof && held.version >= version)
        };
        let is_orphan =
            |(name, held): (&(OwnerId, Name), &Held)| held.is_proof && !is_whole(name, held.version);
        audits.iter().any(|(_, audit)| {
            audit.listed.iter().any(|object| promised.contains(object))
                || (self.crowd.conditions.ever_destroyed && audit.records.iter().any(is_orphan))
        })
    }

    /// Waits until no disk has anything left to do, and all replicas hold the same.
    fn wait_until_quiet(&mut self) {
        let begin = self.town.world.now().mono;
        loop {
            let found = self.audits().and_then(|audits| self.compare(&audits));
            let Err(what) = found else { return };
            let now = self.town.world.now().mono;
            if now.since(begin) > LONGEST_CALM && self.holds_what_nobody_takes() {
                return;
            }
            if now.since(begin) > LONGEST_CALM {
                return self.crowd.violated(now, Rule::Space, what);
            }
            self.wait(Duration::from_secs(60));
        }
    }

    /// Everything is where it belongs, and nothing else is anywhere.
    fn compare(&mut self, audits: &[(HostId, Audit)]) -> Result<(), String> {
        let lost = self.lost(audits);
        if let Some((host, audit)) = audits.iter().find(|(_, audit)| !audit.is_quiet(&lost)) {
            let Audit { missing, pending, waiting, .. } = audit;
            return Err(format!(
                "{host:?}: {} blobs missing, {pending} pins pending, {waiting} waiting",
                missing.len()
            ));
        }
        let suite = self.setup.suite;
        let Some((first, _)) = audits.first() else { return Ok(()) };
        let view = self.town.world.call(*first, |peer, _| peer.node().view());
        let ids: BTreeMap<HostId, _> =
            audits.iter().map(|(host, _)| (*host, self.town.node_id(*host))).collect();
        let names: BTreeSet<(OwnerId, Name)> =
            audits.iter().flat_map(|(_, audit)| audit.records.keys().copied()).collect();
        for (owner, name) in names {
            let replicas = view.replicas(&record_position(suite, &owner, name.0[0]));
            let of = |audit: &Audit| audit.records.get(&(owner, name)).filter(|held| !held.is_proof).copied();
            let held: Vec<Option<Held>> = audits
                .iter()
                .filter(|(host, _)| replicas.contains(&ids[host]))
                .map(|(_, audit)| of(audit))
                .collect();
            if held.iter().any(|other| *other != held[0]) {
                return Err(format!("replicas of {name:?} differ: {held:?}"));
            }
        }
        let blobs: BTreeSet<_> = audits.iter().flat_map(|(_, audit)| &audit.present).collect();
        for blob in blobs {
            let replicas = view.replicas(&blob_position(blob));
            for (host, audit) in audits {
                if replicas.contains(&ids[host]) != audit.present.contains(blob) {
                    return Err(format!("{host:?} holds {blob} or not as it should not"));
                }
            }
        }
        Ok(())
    }
}

/// What a node says is still to be done, but for so many blobs that are nowhere.
fn open_end(status: &Status, members: usize, lost: u64) -> Option<String> {
    let whole = !status.syncing
        && status.copies_missing <= lost
        && (status.pending_ops == 0 || status.copies_missing > 0)
        && status.strays == 0
        && status.waits_for.is_empty()
        && status.peers_alive as usize + 1 == members
        && status.members as usize == members;
    (!whole).then(|| {
        format!(
            "syncing {}, {} missing, {} to do, {} strays, waits for {}, reaches {} of {}",
            status.syncing,
            status.copies_missing,
            status.pending_ops,
            status.strays,
            status.waits_for.len(),
            status.peers_alive + 1,
            status.members
        )
    })
}
