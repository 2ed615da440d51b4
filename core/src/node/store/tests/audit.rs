//! What must hold between the rows and the blobs of a node's disk at every moment, whatever was going on when the node
//! went down; and what is left when nothing is going on any more.

use super::super::keys::{self, OwnKey};
use super::super::rows::{OwnRow, PinStatus};
use super::bench::kind;
use crate::crypto::Suite;
use crate::id::BlobId;
use crate::record::Pin;
use alloc::collections::{BTreeMap, BTreeSet};
use bytes::Bytes;

/// What stands on a disk, beside records and state.
#[derive(PartialEq, Eq, Debug, Default)]
pub(crate) struct Audit {
    /// Blobs that are pinned and here.
    pub(crate) present: BTreeSet<BlobId>,
    /// Blobs that are pinned and not here.
    pub(crate) missing: BTreeSet<BlobId>,
    /// Pins whose record was not seen yet.
    pub(crate) pending: usize,
    /// Blobs that wait for the end of their linger, names and expiries that wait to be looked at.
    pub(crate) waiting: usize,
}

impl Audit {
    /// Reads a disk.
    ///
    /// # Panics
    /// If it contradicts itself: a pin in one table and not in the other, a row that is none, bytes that are not
    /// their blob's, a blob that nothing will ever remove.
    pub(crate) fn of(suite: Suite, rows: &BTreeMap<Bytes, Bytes>, blobs: &BTreeMap<BlobId, Bytes>) -> Self {
        let mut audit = Self::default();
        let mut lingering = BTreeSet::new();
        let pins = rows.keys().filter(|key| key[0] == kind::PIN).count();
        let owns = rows.keys().filter(|key| key[0] == kind::OWN).count();
        assert_eq!(pins, owns, "each pin stands in both tables");
        for (key, value) in rows {
            match key[0] {
                kind::OWN => {
                    let own = OwnKey::parse(key).expect("a key of a pin");
                    let row = OwnRow::decode(value).expect("a row of a pin");
                    let pin = rows.get(&own.pin()).expect("the pin itself");
                    let pin = Pin::parse(pin.clone()).expect("a pin");
                    assert_eq!((pin.body().since, pin.body().length), (row.since, row.length));
                    audit.pending += usize::from(row.status == PinStatus::Pending);
                    let there = blobs.contains_key(&own.blob);
                    if there { &mut audit.present } else { &mut audit.missing }.insert(own.blob);
                }
                kind::LINGER => {
                    audit.waiting += 1;
                    lingering.insert(keys::parse_linger(key).expect("a key of a linger").1);
                }
                kind::PROOF | kind::EXPIRE => audit.waiting += 1,
                _ => {}
            }
        }
        for (id, bytes) in blobs {
            assert_eq!(suite.blob_id(bytes), *id, "a blob has its own bytes");
            assert!(audit.present.contains(id) || lingering.contains(id), "nothing will ever remove {id}");
        }
        audit
    }

    /// True if nothing is left to be done, and nothing is left over.
    pub(crate) fn is_quiet(&self) -> bool {
        self.missing.is_empty() && self.pending == 0 && self.waiting == 0
    }
}
