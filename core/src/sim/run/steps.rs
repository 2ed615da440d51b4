//! What each step of a script does to the town and its users. Must not know what is right, nor how time passes.

use core::time::Duration;

use super::super::network::Cut;
use super::crowd::LONGEST_OPERATION;
use super::machines::Banning;
use super::play::{MAX_NODES, Member, Play};
use super::script::{Action, Apart};
use crate::error::DiskError;

impl Play {
    /// True if it was done: not everything can be, as things are.
    pub(super) fn act(&mut self, action: &Action) -> bool {
        self.try_act(action).is_some()
    }

    fn try_act(&mut self, action: &Action) -> Option<()> {
        self.crowd.conditions.is_calm = false;
        match *action {
            Action::Store { client, key, bytes, content, ttl_s } => {
                let seat = self.seat(client)?;
                self.crowd.act(&mut self.town.world, seat, |user, model, at, client, now| {
                    user.store(model, at, client, now, key, (bytes, content), ttl_s);
                });
            }
            Action::Get { client, key, fresh } => self.get(client, key, None, fresh)?,
            Action::Range { client, key, from, bytes } => {
                self.get(client, key, Some((from, bytes)), false)?
            }
            Action::Delete { client, key } => {
                let seat = self.seat(client)?;
                self.crowd.act(&mut self.town.world, seat, |user, model, at, client, now| {
                    user.delete(model, at, client, now, key);
                });
            }
            Action::Clear { client } => {
                let seat = self.seat(client)?;
                self.crowd.act(&mut self.town.world, seat, |user, model, at, client, now| {
                    user.clear(model, at, client, now);
                });
            }
            Action::List { client } => {
                let seat = self.seat(client)?;
                self.crowd.act(&mut self.town.world, seat, |user, model, at, client, now| {
                    user.list(model, at, client, now)
                });
            }
            Action::Cancel { client } => {
                let seat = self.seat(client)?;
                self.crowd.act(&mut self.town.world, seat, |user, _, _, client, now| {
                    user.cancel_oldest(client, now)
                });
            }
            Action::Evict { node, .. } => {
                self.node(node)?;
                self.may_destroy()?;
                let home = self.nodes.get(usize::from(node))?.home;
                self.crowd.ask(&mut self.town.world, home, |client, now| client.evict(now, None));
            }
            Action::Verify { node } => {
                let home = self.nodes.get(usize::from(node))?.home;
                self.crowd.ask(&mut self.town.world, home, |client, now| client.verify(now));
            }
            Action::Crash { who } => self.crash(who)?,
            Action::Start { who } => self.start(who)?,
            Action::Stop { node } => {
                let host = self.node(node).filter(|host| self.town.world.is_up(*host))?;
                self.crowd.conditions.some_ends = true;
                self.town.world.call(host, |peer, now| peer.node().stop(now));
            }
            Action::Lose { who } => self.lose(who)?,
            Action::Device(ref device) => {
                self.add_device(device);
            }
            Action::Join => {
                (self.nodes.len() < MAX_NODES).then_some(())?;
                self.join();
            }
            Action::Leave { node } => {
                self.may_go(node)?;
                self.nodes[usize::from(node)].leaves = true;
                self.ask_to_leave(node);
            }
            Action::Ban { node, by } => {
                self.may_go(node)?;
                // A volatile one would forget it, and refuses.
                let stays = |node: &&Member| !node.is_out && !node.leaves && !node.is_volatile;
                let by = self.nodes.get(usize::from(by)).filter(stays).filter(|_| node != by)?.home;
                self.may_destroy()?;
                self.nodes[usize::from(node)].is_out = true;
                self.bans.push(Banning { node, by, unknown: 0 });
                self.carry_out_bans();
            }
            Action::Pause { who } => self.pause(who, true)?,
            Action::Resume { who } => self.pause(who, false)?,
            Action::Cut { a, b, how } => {
                let (a, b) = (self.host(a)?, self.host(b)?);
                (a != b).then_some(())?;
                match how {
                    Apart::Reset => self.town.world.cut(a, b, Cut::Reset),
                    Apart::Silent => self.town.world.cut(a, b, Cut::Silent),
                    Apart::OneWay => self.town.world.cut_one_way(a, b),
                }
                self.cuts.push((a, b));
            }
            Action::Heal { a, b } => {
                let (a, b) = (self.host(a)?, self.host(b)?);
                self.town.world.heal(a, b);
                self.cuts.retain(|cut| *cut != (a, b) && *cut != (b, a));
            }
            Action::HealAll => self.heal_all(),
            Action::Reset { a, b } => {
                let (a, b) = (self.host(a)?, self.host(b)?);
                (a != b).then(|| self.town.world.reset(a, b))?;
            }
            Action::Hold { from, to } => {
                let (from, to) = (self.host(from)?, self.host(to)?);
                self.town.world.hold(from, to);
            }
            Action::Release { from, to } => {
                let (from, to) = (self.host(from)?, self.host(to)?);
                self.town.world.release(from, to);
            }
            Action::Slow { who, ms } => {
                let host = self.host(who)?;
                self.town.world.slow(host, Duration::from_millis(ms.into()));
            }
            Action::Full { node } => {
                let host = self.node(node)?;
                let used = self.town.world.disk(host).used();
                self.town.world.disk_mut(host).set_capacity(used);
            }
            Action::Roomy { node } => {
                let host = self.node(node)?;
                self.town.world.disk_mut(host).set_capacity(u64::MAX);
            }
            Action::Fail { node } => {
                let host = self.node(node)?;
                self.town.world.disk_mut(host).set_failing(Some(DiskError::Io));
            }
            Action::Sound { node } => {
                let host = self.node(node)?;
                self.town.world.disk_mut(host).set_failing(None);
            }
            Action::Rot { node } => {
                let host = self.node(node)?;
                self.may_destroy()?;
                self.town.rot(host)?;
                self.crowd.conditions.is_rotten = true;
            }
            Action::Misdirect { node, reads } => {
                let host = self.node(node)?;
                // Who reads other bytes twice gives its copy up.
                self.may_destroy()?;
                self.town.world.disk_mut(host).misdirect_next_reads(reads);
            }
            Action::Stall { node, ms } => {
                let host = self.node(node)?;
                let until = self.town.world.now().mono + Duration::from_millis(ms.into());
                self.town.world.disk_mut(host).stall(until);
            }
            Action::Clock { who, ahead_ms } => {
                let host = self.host(who)?;
                self.town.world.set_clock(host, ahead_ms);
                let off = &mut self.crowd.conditions.clocks_off_ms;
                *off = ahead_ms.unsigned_abs().max(*off);
            }
            Action::Drift { who, ppm } => {
                let host = self.host(who)?;
                self.town.world.set_drift(host, ppm);
            }
            Action::WallDrift { who, ppm } => {
                let host = self.host(who)?;
                self.town.world.set_wall_drift(host, ppm);
                let most = &mut self.crowd.conditions.wall_drift_ppm;
                *most = ppm.unsigned_abs().max(*most);
            }
            Action::Sleep { who, ms } => {
                let host = self.host(who)?;
                self.town.world.jump(host, Duration::from_millis(ms));
            }
            Action::Age { ms } => self.age(Duration::from_millis(ms)),
            Action::Ended { client: None } => drop(self.all_ended()),
            Action::Ended { client: Some(client) } => {
                let seat = self.seat(client)?;
                self.wait_until(LONGEST_OPERATION, |crowd, _| !crowd.seats[seat].user.is_busy());
            }
            Action::Calm => self.calm(),
            Action::Expect { client, key, file } => self.expect(client, key, file)?,
            Action::Until { client, key, what, ref nodes } => self.until(client, key, what, nodes, false)?,
            Action::Only { client, key, what, ref nodes } => self.until(client, key, what, nodes, true)?,
        }
        Some(())
    }

    fn get(&mut self, client: u8, key: u8, part: Option<(u32, u32)>, fresh: bool) -> Option<()> {
        let seat = self.seat(client)?;
        self.crowd.act(&mut self.town.world, seat, |user, model, at, client, now| {
            user.get(model, at, client, now, key, part, fresh);
        });
        Some(())
    }
}
