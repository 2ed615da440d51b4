//! `Verify` and `VerifyRecords`: look at everything that is held, a page at a time.
//!
//! A damaged blob is dropped, if it is still the same when nothing else works on it: it is of no use to anyone, and is
//! brought back from others. A damaged row of a record stays as the mark of what is not known here until it is mended.

use super::LocalStore;
use super::blob::Found;
use super::effects::{Effect, put};
use super::keys;
use super::locks::{Hold, LockKey};
use super::operation::Op;
use super::rows::RecordRow;
use crate::driver::DiskRequest;
use crate::id::{BlobId, ObjectId, Position};
use crate::job::Job;
use crate::record::record_claims;
use crate::wire::{PullCursor, Response, VerifiedRecords};
use alloc::collections::VecDeque;
use alloc::vec;
use alloc::vec::Vec;
use bytes::Bytes;

/// Blobs of a page: the answer must come before a request's deadline, on a slow disk too.
const PAGE_ROWS: u32 = 64;
/// Bytes of a page (a blob more is possible).
const PAGE_BYTES: u64 = 64 << 20;

/// Key and value.
type Row = (Bytes, Bytes);

/// A page under way.
struct Page {
    waiting: VecDeque<BlobId>,
    more: bool,
    last: Option<BlobId>,
    checked: u64,
    bytes: u64,
    damaged: Vec<BlobId>,
}

impl LocalStore {
    pub(super) fn verify(&mut self, op: Op, after: Option<BlobId>) {
        let scan = Effect::Disk(DiskRequest::ScanBlobs { after, rows: PAGE_ROWS });
        self.gather(op, vec![scan], move |store, mut answers| {
            let waiting: VecDeque<BlobId> = answers.blobs().into_iter().map(|(id, _)| id).collect();
            let more = waiting.len() >= PAGE_ROWS as usize;
            let page = Page { waiting, more, last: None, checked: 0, bytes: 0, damaged: Vec::new() };
            store.verify_next(op, page);
        });
    }

    fn verify_next(&mut self, op: Op, mut page: Page) {
        let next = page.waiting.pop_front().filter(|_| page.bytes < PAGE_BYTES);
        let Some(id) = next else {
            let more = page.more || page.bytes >= PAGE_BYTES;
            let Page { checked, bytes, damaged, last, .. } = page;
            return self
                .reply(op, Response::Verified { checked, bytes, damaged, next: last.filter(|_| more) });
        };
        self.check_copy(op, id, move |store, copy| {
            page.last = Some(id);
            match copy {
                Found::Absent => {}
                Found::Sound(bytes) | Found::Damaged(bytes) => {
                    page.checked += 1;
                    page.bytes += bytes as u64;
                }
            }
            if matches!(copy, Found::Damaged(_)) {
                page.damaged.push(id);
                return store.miss(op, id, move |store| store.verify_next(op, page));
            }
            store.verify_next(op, page);
        });
    }

    /// Verifies the form and the signatures of a page of records, and that their parts are what was signed.
    pub(super) fn verify_records(&mut self, op: Op, after: Option<PullCursor>) {
        let all = keys::rec_all();
        let rest = match after {
            Some(after) => all.cut(&keys::rec_at(&Position(after.at), &after.owner, &after.name)),
            None => all,
        };
        let scan = Effect::scan(rest, PAGE_ROWS, self.config.scan_bytes);
        self.gather(op, vec![scan], move |store, mut answers| {
            let (rows, more) = answers.rows();
            let mut page = VerifiedRecords::default();
            let mut last = None;
            let mut claims = Vec::new();
            // Rows that are well-formed, each with how many of the claims are its own.
            let mut claimed: Vec<(Row, usize)> = Vec::new();
            let mut unsigned: Vec<Row> = Vec::new();
            for row in rows {
                let is_sound = store.check_row(&row.0, &row.1);
                let Some((position, owner, name)) = keys::parse_rec(&row.0) else { continue };
                last = Some(PullCursor { at: position.0, owner, name, object: ObjectId::default() });
                page.checked += 1;
                if !is_sound {
                    page.damaged.push((owner, name));
                    continue;
                }
                let record = RecordRow::decode(store.suite, &row.1).map(|row| row.record);
                match record.and_then(|record| record_claims(&store.network, &record, None).ok()) {
                    Some(more) => {
                        claimed.push((row, more.len()));
                        claims.extend(more);
                    }
                    None => unsigned.push(row),
                }
            }
            page.next = last.filter(|_| more);
            let verify = Effect::Job(Job::VerifySignatures { suite: store.suite, claims });
            store.gather(op, vec![verify], move |store, mut answers| {
                let mut verdicts = answers.verdicts().into_iter();
                for (row, count) in claimed {
                    if verdicts.by_ref().take(count).filter(|sound| *sound).count() < count {
                        unsigned.push(row);
                    }
                }
                store.mark_records(op, unsigned, page);
            });
        });
    }

    /// Makes rows of what nobody signed, whatever their checksums say, damaged ones, and answers.
    fn mark_records(&mut self, op: Op, mut unsigned: Vec<Row>, mut page: VerifiedRecords) {
        let Some((key, value)) = unsigned.pop() else {
            return self.reply(op, Response::VerifiedRecords(page));
        };
        let Some((_, owner, name)) = keys::parse_rec(&key) else {
            return self.mark_records(op, unsigned, page);
        };
        self.lock(op, vec![(LockKey::Record(owner, name), Hold::Alone)], move |store, op| {
            store.gather(op, vec![Effect::get(vec![key.clone()])], move |store, mut answers| {
                let now = answers.values().into_iter().next().flatten();
                let is_same = now.is_some_and(|now| now == value);
                let mark = is_same.then(|| Effect::apply(vec![put(key, Bytes::new())]));
                store.gather(op, mark.into_iter().collect(), move |store, _| {
                    if is_same {
                        store.doubt(owner, name);
                        page.damaged.push((owner, name));
                    }
                    store.unlock(op);
                    store.mark_records(op, unsigned, page);
                });
            });
        });
    }
}
