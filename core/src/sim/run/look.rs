//! What a script says that must be: what a device gets, and what lies on the nodes' disks. Must not know what is right by itself.

use alloc::format;
use alloc::vec::Vec;

use super::crowd::{LONGEST_OPERATION, Rule};
use super::play::Play;
use super::script::{Kept, content, key_text};
use crate::node::store::audit::Kept as OnDisk;
use crate::vault::normalise_key;

impl Play {
    /// Compares what a device gets with what a script says.
    pub(super) fn expect(&mut self, client: u8, key: u8, file: Option<(u32, u8)>) -> Option<()> {
        let seat = self.seat(client)?;
        self.all_ended();
        let host = self.crowd.seats[seat].host;
        let got = self.town.get(host, &key_text(key)).map(|(bytes, _)| bytes).ok();
        let wanted = file.map(|(bytes, number)| content(number, bytes));
        if got != wanted {
            let what =
                format!("c{client} gets {:?} bytes of k{key}, not {file:?}", got.map(|bytes| bytes.len()));
            let now = self.town.world.now().mono;
            self.crowd.violated(now, Rule::Script, what);
        }
        Some(())
    }

    /// Waits until a key's record or pins lie on the disks of these nodes, and, if asked for, on no others.
    pub(super) fn until(&mut self, client: u8, key: u8, what: Kept, nodes: &[u8], only: bool) -> Option<()> {
        let seat = self.seat(client)?;
        let keys = self.crowd.vaults[usize::from(self.crowd.seats[seat].user.vault)].keys();
        let (suite, owner) = (keys.suite, keys.owner());
        let name = keys.name(0, &normalise_key(&key_text(key)).ok()?);
        let hosts = self.hosts.clone();
        let mut holders = Vec::new();
        let is_so = self.wait_until(LONGEST_OPERATION, |_, world| {
            let holds = |host| {
                let kept = OnDisk::on(suite, world.disk(host).rows(), &owner, &name);
                match what {
                    Kept::File => kept.record.is_some_and(|held| !held.is_gone),
                    Kept::Tombstone => kept.record.is_some_and(|held| held.is_gone),
                    Kept::Pins => kept.pins > 0,
                    Kept::Pending => kept.pending > 0,
                }
            };
            holders = (0..).zip(&hosts).filter(|(_, host)| holds(**host)).map(|(number, _)| number).collect();
            let holders: &[u8] = &holders;
            nodes.iter().all(|node| holders.contains(node)) && (!only || holders.len() == nodes.len())
        });
        if !is_so {
            let what = format!("{what:?} of k{key} lie on {holders:?}, not {nodes:?}");
            let now = self.town.world.now().mono;
            self.crowd.violated(now, Rule::Script, what);
        }
        Some(())
    }
}
