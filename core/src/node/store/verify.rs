//! `Verify`: hashes what is held, a page at a time. A damaged copy is dropped, so that it counts as missing
//! and is brought back.

use super::LocalStore;
use super::blob::Found;
use super::effects::Effect;
use super::operation::Op;
use crate::driver::DiskRequest;
use crate::id::BlobId;
use crate::wire::Response;
use alloc::collections::VecDeque;
use alloc::vec;
use alloc::vec::Vec;

/// Blobs of a page: the answer must come before a request's deadline, on a slow disk too.
const PAGE_ROWS: u32 = 64;
/// Bytes of a page (a blob more is possible).
const PAGE_BYTES: u64 = 64 << 20;

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
            }
            store.verify_next(op, page);
        });
    }
}
