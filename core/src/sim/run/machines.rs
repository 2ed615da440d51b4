//! What a run does to its machines: they go down and come back, lose their disks, sleep, leave; and the limits within which
//! that may be done to them, so that what was promised can be asked of the rest.

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::time::Duration;

use super::super::network::HostId;
use super::super::peer::Peer;
use super::crowd::Seat;
use super::play::{Member, Play};
use super::script::Who;
use crate::client::Outcome;
use crate::error::OpError;
use crate::id::NodeId;
use crate::node::View;

/// A ban that is to be carried out.
#[derive(Clone, Copy, Debug)]
pub(super) struct Banning {
    /// Who is banned.
    pub(super) node: u8,
    /// The seat of the home that asks for it.
    pub(super) by: usize,
    /// How often it was told that this is no member.
    pub(super) unknown: u8,
}

/// Who is told so often that a node is no member, while everything is well, will not see it join any more.
const NO_MEMBER: u8 = 6;

impl Play {
    /// The members whose copies count, as far as they take part: whoever joins does when it lacks nothing.
    fn durable(&self) -> impl Iterator<Item = &Member> {
        let first = usize::from(self.setup.nodes);
        let durable = self.nodes.iter().enumerate().filter(|(_, node)| !node.is_out && !node.is_volatile);
        durable.filter(move |(at, node)| *at < first || self.has_joined(node.host)).map(|(_, node)| node)
    }

    fn has_joined(&self, node: HostId) -> bool {
        let mut machines = self.town.world.machines();
        machines.any(|(host, peer)| {
            host == node
                && matches!(peer, Peer::Node(node) if node.view().members().len() > 1 && !node.is_syncing())
        })
    }

    /// So many copies may be destroyed until all nodes have everything again that one is left of each: fewer than W.
    /// With liars none, for theirs may be none.
    pub(super) fn may_destroy(&mut self) -> Option<()> {
        let copies = usize::from(self.setup.replicas).min(self.durable().count());
        let conditions = &mut self.crowd.conditions;
        (usize::from(conditions.destroyed) < copies / 2 && !conditions.liars).then(|| {
            conditions.destroyed += 1;
            conditions.ever_destroyed = true;
        })
    }

    /// A network of fewer than three whose copies count is none for these runs.
    pub(super) fn may_go(&self, node: u8) -> Option<()> {
        let here = |node: &&Member| !node.is_out && !node.leaves;
        let bans = |home: usize| self.bans.iter().any(|ban| ban.by == home);
        let it = self.nodes.get(usize::from(node)).filter(here).filter(|node| !bans(node.home))?;
        let left = self.durable().filter(here).count();
        (left > 3 || it.is_volatile).then_some(())
    }

    /// Half of an even set is as many as the other half: where members have put each other out of the placement, each side
    /// goes on with what its half knows, and acknowledges alone. Of an odd set one side has too few; and both have, where there is
    /// nobody beside the set.
    pub(super) fn look_for_a_split(&mut self) {
        let copies = usize::from(self.setup.replicas);
        if copies % 2 == 1 || self.durable().count() <= copies {
            return;
        }
        let view = |(host, peer): (HostId, &Peer)| match peer {
            Peer::Node(node) => Some((self.town.node_id(host), node.view())),
            Peer::Client(_) | Peer::Liar(_) => None,
        };
        let views: Vec<(NodeId, Arc<View>)> = self.town.world.machines().filter_map(view).collect();
        let apart = |(a, of_a): &(NodeId, Arc<View>), (b, of_b): &(NodeId, Arc<View>)| {
            a != b && !of_a.is_placed(b) && !of_b.is_placed(a)
        };
        self.crowd.conditions.is_split |= views.iter().any(|a| views.iter().any(|b| apart(a, b)));
    }

    pub(super) fn crash(&mut self, who: Who) -> Option<()> {
        let host = self.host(who).filter(|host| self.town.world.is_up(*host))?;
        self.crash_host(host);
        Some(())
    }

    pub(super) fn start(&mut self, who: Who) -> Option<()> {
        let host = self.host(who).filter(|host| !self.town.world.is_up(*host))?;
        self.restart(host);
        Some(())
    }

    pub(super) fn lose(&mut self, who: Who) -> Option<()> {
        let host = self.host(who)?;
        match who {
            // Of who leaves nothing may be left that knows where the others are.
            Who::Node(node) if self.nodes[usize::from(node)].leaves => return None,
            Who::Node(_) => self.may_destroy()?,
            Who::Client(client) => self.crowd.model.forget_device(client),
        }
        self.crash_host(host);
        self.town.world.disk_mut(host).lose();
        self.restart(host);
        Some(())
    }

    pub(super) fn pause(&mut self, who: Who, still: bool) -> Option<()> {
        let host = self.host(who)?;
        match still {
            true => self.town.world.pause(host),
            false => self.town.world.resume(host),
        }
        self.note_pause(host, still);
        Some(())
    }

    /// All machines sleep at once.
    pub(super) fn age(&mut self, time: Duration) {
        let hosts: Vec<HostId> =
            self.hosts.iter().copied().chain(self.crowd.seats.iter().map(|seat| seat.host)).collect();
        hosts.into_iter().for_each(|host| self.town.world.jump(host, time));
    }

    /// The links of all machines may stand again.
    pub(super) fn heal_all(&mut self) {
        for (a, b) in core::mem::take(&mut self.cuts) {
            self.town.world.heal(a, b);
        }
        self.town.world.release_all();
    }

    /// Ends every fault, and starts whatever is down and belongs here.
    pub(super) fn mend_all(&mut self) {
        self.heal_all();
        let network = self.town.world.network_options();
        // What is too slow for a piece within its deadline is a fault, too.
        (network.reset_per_million, network.bandwidth) = (0, None);
        for at in 0..self.crowd.seats.len() {
            let host = self.crowd.seats[at].host;
            self.mend(host);
        }
        for at in 0..self.nodes.len() {
            let host = self.nodes[at].host;
            let disk = self.town.world.disk_mut(host);
            disk.set_failing(None);
            disk.set_capacity(u64::MAX);
            disk.set_errors(0);
            disk.misdirect_next_reads(0);
            if !self.nodes[at].is_out || self.town.world.is_up(host) {
                self.mend(host);
            }
        }
    }

    /// Starts whatever is down and belongs here: a node that was asked to stop may go down only now.
    pub(super) fn start_all(&mut self) {
        let here: Vec<HostId> = self.nodes.iter().filter(|node| !node.is_out).map(|node| node.host).collect();
        for host in here {
            if !self.town.world.is_up(host) && !self.departed.contains(&host) {
                self.restart(host);
            }
        }
    }

    fn mend(&mut self, host: HostId) {
        let world = &mut self.town.world;
        world.resume(host);
        world.slow(host, Duration::ZERO);
        world.set_wall_drift(host, 0);
        world.set_clock(host, 0);
        world.set_drift(host, 0);
        if !world.is_up(host) {
            self.restart(host);
        }
        self.note_pause(host, false);
    }

    fn note_pause(&mut self, host: HostId, paused: bool) {
        let now = self.town.world.now().mono;
        if let Some(seat) = self.seat_of(host) {
            if seat.paused && !paused {
                seat.resumed = now;
            }
            seat.paused = paused;
        }
    }

    /// Has the home of a node ask that it leaves, or go on with it.
    pub(super) fn ask_to_leave(&mut self, node: u8) {
        let home = self.nodes[usize::from(node)].home;
        self.crowd.ask(&mut self.town.world, home, |client, now| client.leave(now, false));
    }

    /// Notes who has left by now; and has those asked again who were asked to, and have not.
    pub(super) fn go_on_leaving(&mut self) {
        for at in 0..self.nodes.len() {
            let (leaves, is_out, home, host) = {
                let node = &self.nodes[at];
                (node.leaves, node.is_out, node.home, node.host)
            };
            if !leaves || is_out {
                continue;
            }
            let answer = self.crowd.seats[home].answer.as_ref();
            let has_left = matches!(answer, Some(Ok(Outcome::Leaving { done: true, .. })))
                || self.departed.contains(&host);
            if has_left {
                self.nodes[at].is_out = true;
            } else if !self.crowd.seats[home].user.is_busy() {
                self.ask_to_leave(u8::try_from(at).unwrap_or(u8::MAX));
            }
        }
    }

    /// Has the ban asked for that nobody has carried out yet: one after the other, by a node that stays.
    pub(super) fn carry_out_bans(&mut self) {
        let Some(Banning { node, by, unknown }) = self.bans.first().copied() else { return };
        let seat = &self.crowd.seats[by];
        if seat.user.is_busy() {
            return;
        }
        match &seat.answer {
            Some(Ok(Outcome::Banned)) => {
                self.bans.remove(0);
                self.crowd.seats[by].answer = None;
            }
            // Who is no member any more was banned; or is about to join.
            Some(Err(OpError::NotFound)) if unknown == NO_MEMBER => {
                self.bans.remove(0);
                self.crowd.seats[by].answer = None;
            }
            answer => {
                self.bans[0].unknown += u8::from(matches!(answer, Some(Err(OpError::NotFound))));
                let id = self.town.node_id(self.nodes[usize::from(node)].host);
                self.crowd.ask(&mut self.town.world, by, |client, now| client.ban(now, id));
            }
        }
    }

    fn restart(&mut self, host: HostId) {
        let disk = self.town.world.disk_mut(host);
        if self.nodes.iter().any(|node| node.host == host && node.is_volatile) {
            disk.lose();
            self.crowd.conditions.ever_destroyed |= self.crowd.model.has_uncounted();
        }
        disk.sweep();
        self.town.restart(host);
    }

    fn crash_host(&mut self, host: HostId) {
        if self.town.world.is_up(host) {
            self.town.world.crash(host);
        }
        if let Some(seat) = self.seat_of(host) {
            seat.user.is_gone();
        }
    }

    fn seat_of(&mut self, host: HostId) -> Option<&mut Seat> {
        self.crowd.seats.iter_mut().find(|seat| seat.host == host)
    }
}
