//! `Evict`: drops local bytes by hand. Pins and stubs stay, so the next get or repair refills them.
//!
//! Copies that nothing pins (cached for others, or in their linger) are dropped with them: nobody knows any
//! more whose they are, and the next get should find no copy here. They are not counted.

use super::LocalStore;
use super::effects::{Effect, put};
use super::keys::{self, OwnKey, Range};
use super::locks::{Hold, LockKey};
use super::operation::Op;
use super::rows::{OwnRow, RecordRow};
use crate::driver::DiskRequest;
use crate::id::{BlobId, Name, OwnerId};
use crate::wire::Response;
use alloc::collections::BTreeMap;
use alloc::vec;
use alloc::vec::Vec;
use bytes::Bytes;

/// Blobs or records that are dropped together.
const STEP: u32 = 32;

/// What is to be dropped, and what was.
struct Eviction {
    owner: OwnerId,
    name: Option<Name>,
    blobs: u64,
    bytes: u64,
}

impl LocalStore {
    pub(super) fn evict(&mut self, op: Op, owner: OwnerId, name: Option<Name>) {
        let range = match &name {
            Some(name) => keys::own_name(&owner, name),
            None => keys::own_owner(&owner),
        };
        self.evict_blobs(op, Eviction { owner, name, blobs: 0, bytes: 0 }, range);
    }

    fn evict_blobs(&mut self, op: Op, eviction: Eviction, rest: Range) {
        self.unlock(op);
        let scan = Effect::scan(rest.clone(), STEP, self.config.scan_bytes);
        self.gather(op, vec![scan], move |store, mut answers| {
            let (rows, more) = answers.rows();
            let blobs: BTreeMap<BlobId, u32> = rows
                .iter()
                .filter_map(|(key, value)| Some((OwnKey::parse(key)?.blob, OwnRow::decode(value)?.length)))
                .collect();
            let rest = rows.last().filter(|_| more).map(|(key, _)| rest.after(key));
            let locks = blobs.keys().map(|blob| (LockKey::Blob(*blob), Hold::Alone)).collect();
            store.lock(op, locks, move |store, op| store.evict_step(op, eviction, blobs, rest));
        });
    }

    fn evict_step(
        &mut self,
        op: Op,
        mut eviction: Eviction,
        blobs: BTreeMap<BlobId, u32>,
        rest: Option<Range>,
    ) {
        let there = blobs.keys().map(|blob| Effect::is_there(*blob)).collect();
        self.gather(op, there, move |store, mut answers| {
            let now = Bytes::copy_from_slice(&store.running_ms().to_be_bytes());
            let mut effects = Vec::with_capacity(blobs.len());
            for (id, length) in blobs {
                if answers.blob().is_some() {
                    eviction.blobs += 1;
                    eviction.bytes += u64::from(length);
                    let first = vec![put(keys::evicted(&id), now.clone())];
                    effects.push(Effect::Disk(DiskRequest::RemoveBlob { id, first }));
                }
            }
            store.gather(op, effects, move |store, _| match rest {
                Some(rest) => store.evict_blobs(op, eviction, rest),
                None => store.evict_inline(op, eviction),
            });
        });
    }

    fn evict_inline(&mut self, op: Op, eviction: Eviction) {
        match eviction.name {
            Some(name) => self.evict_records(op, eviction, vec![name], None),
            None => {
                let range = keys::rec_shard(self.suite, &eviction.owner, 0);
                self.evict_shard(op, eviction, 0, range);
            }
        }
    }

    fn evict_shard(&mut self, op: Op, eviction: Eviction, shard: u8, rest: Range) {
        self.unlock(op);
        let scan = Effect::scan(rest.clone(), STEP, self.config.scan_bytes);
        self.gather(op, vec![scan], move |store, mut answers| {
            let (rows, more) = answers.rows();
            let names = rows.iter().filter_map(|(key, _)| Some(keys::parse_rec(key)?.2)).collect();
            let next = match rows.last() {
                Some((last, _)) if more => Some((shard, rest.after(last))),
                _ => shard.checked_add(1).map(|s| (s, keys::rec_shard(store.suite, &eviction.owner, s))),
            };
            store.evict_records(op, eviction, names, next);
        });
    }

    /// Of those of these records that are inline, leaves the stub.
    fn evict_records(&mut self, op: Op, eviction: Eviction, names: Vec<Name>, next: Option<(u8, Range)>) {
        let owner = eviction.owner;
        let locks = names.iter().map(|name| (LockKey::Record(owner, *name), Hold::Alone)).collect();
        self.lock(op, locks, move |store, op| {
            let rows: Vec<Bytes> = names.iter().map(|name| keys::rec(store.suite, &owner, name)).collect();
            store.gather(op, vec![Effect::get(rows.clone())], move |store, mut answers| {
                let mut eviction = eviction;
                let mut changes = Vec::new();
                for (key, value) in rows.into_iter().zip(answers.values()) {
                    let row = value.and_then(|value| RecordRow::decode(store.suite, &value));
                    let Some(row) = row.filter(|row| !row.record.body().is_empty()) else { continue };
                    eviction.bytes += row.parts_len() as u64;
                    let stub =
                        RecordRow { record: row.record.to_stub(), evicted_ms: store.running_ms(), ..row };
                    changes.push(put(key, stub.encode(store.suite)));
                }
                let apply = (!changes.is_empty()).then(|| Effect::apply(changes));
                store.gather(op, apply.into_iter().collect(), move |store, _| match next {
                    Some((shard, rest)) => store.evict_shard(op, eviction, shard, rest),
                    None => store.evict_unpinned(op, eviction, keys::linger_all()),
                });
            });
        });
    }

    fn evict_unpinned(&mut self, op: Op, eviction: Eviction, rest: Range) {
        self.unlock(op);
        let scan = Effect::scan(rest.clone(), STEP, self.config.scan_bytes);
        self.gather(op, vec![scan], move |store, mut answers| {
            let (rows, more) = answers.rows();
            let next = rows.last().filter(|_| more).map(|(key, _)| rest.after(key));
            let rows = rows.iter().filter_map(|(key, _)| keys::parse_linger(key)).collect();
            store.remove_unpinned(op, rows, u64::MAX, move |store| match next {
                Some(rest) => store.evict_unpinned(op, eviction, rest),
                None => {
                    let Eviction { blobs, bytes, .. } = eviction;
                    store.reply(op, Response::Evicted { blobs, bytes });
                }
            });
        });
    }
}
