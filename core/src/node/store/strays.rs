//! What is held here and belongs to others: dropped once they have it.
//!
//! Whether they have it is the node's to find out. The store looks again, with everything locked, whether
//! it still belongs to others: a ring that changed meanwhile keeps it here.

use super::LocalStore;
use super::effects::{Effect, put, remove};
use super::keys::{self, OwnKey};
use super::known::own_key;
use super::locks::{Hold, LockKey};
use super::operation::Op;
use super::rows::RecordRow;
use crate::node::view::blob_position;
use crate::record::{Pin, Record};
use crate::wire::{ErrorCode, Response};
use alloc::collections::BTreeSet;
use alloc::vec;
use alloc::vec::Vec;
use bytes::Bytes;

impl LocalStore {
    /// Removes these pins on one blob; the blob itself goes after its linger if none is left on it.
    pub(super) fn drop_stray_pins_of(&mut self, op: Op, pins: &[Pin]) {
        let keys: Vec<OwnKey> = pins.iter().map(own_key).collect();
        let Some(blob) =
            keys.first().map(|own| own.blob).filter(|blob| keys.iter().all(|own| own.blob == *blob))
        else {
            return self.refuse(op, ErrorCode::Invalid);
        };
        let mut locks = vec![(LockKey::Blob(blob), Hold::Alone)];
        // Alone, for the row of each name's proof is written: pins of that name on other blobs wait.
        locks.extend(keys.iter().map(|own| (LockKey::Record(own.owner, own.name), Hold::Alone)));
        self.lock(op, locks, move |store, op| {
            let position = blob_position(&blob);
            if store.view.as_ref().is_none_or(|view| view.is_replica(&store.node, &position)) {
                return store.reply(op, Response::Stored { copies: 1, wanted: 0 });
            }
            let names: BTreeSet<_> = keys.iter().map(|own| (own.owner, own.name)).collect();
            store.unpin(op, keys, move |store| {
                // Stubs that are kept for pins of these names may not be needed any more.
                let rows = names.iter().map(|(owner, name)| put(keys::proof(owner, name), Bytes::new()));
                store.gather(op, vec![Effect::apply(rows.collect())], move |store, _| {
                    store.reply(op, Response::Stored { copies: 0, wanted: 0 });
                    names.into_iter().for_each(|(owner, name)| store.kick_proof(owner, name));
                });
            });
        });
    }

    /// Removes a record, if it is still this one; pins of its name keep its stub.
    pub(super) fn drop_stray_record_of(&mut self, op: Op, record: &Record) {
        let (owner, name, order) = (record.header().owner, record.header().name, record.order());
        self.lock(op, vec![(LockKey::Record(owner, name), Hold::Alone)], move |store, op| {
            let key = keys::rec(store.suite, &owner, &name);
            let pins = Effect::scan(keys::own_name(&owner, &name), 1, store.config.scan_bytes);
            store.gather(op, vec![Effect::get(vec![key.clone()]), pins], move |store, mut answers| {
                let value = answers.values().into_iter().next().flatten();
                let row = value.and_then(|value| RecordRow::decode(store.suite, &value));
                let has_pins = !answers.rows().0.is_empty();
                let row = row.filter(|row| row.record.order() == order && row.floor().is_none());
                let Some(row) = row.filter(|_| !store.is_replica_of_record(&owner, &name)) else {
                    return store.reply(op, Response::Stored { copies: 1, wanted: 0 });
                };
                let changes = if has_pins {
                    let stub = RecordRow { record: row.record.to_stub(), proof_only: true, ..row };
                    vec![put(key, stub.encode(store.suite))]
                } else {
                    let expires = row.record.header().expires;
                    let expire = (expires != 0).then(|| remove(keys::expire(expires, &owner, &name)));
                    [remove(key)].into_iter().chain(expire).collect()
                };
                store.gather(op, vec![Effect::apply(changes)], move |store, _| {
                    store.reply(op, Response::Stored { copies: 0, wanted: 0 });
                });
            });
        });
    }
}
