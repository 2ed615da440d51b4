//! What the driver contract asks of a machine about its disk, as far as a disk can see it.

use alloc::collections::BTreeSet;
use alloc::vec::Vec;

use bytes::Bytes;

use crate::driver::{DiskRequest, TableOp};
use crate::id::{BlobId, Ticket};

/// What is asked for and not answered.
#[derive(Debug, Default)]
pub(super) struct InFlight {
    tickets: BTreeSet<Ticket>,
    /// Rows and blobs that a request changes.
    rows: BTreeSet<Bytes>,
    blobs: BTreeSet<BlobId>,
}

impl InFlight {
    /// # Panics
    /// If the ticket is another request's, or if another request changes the same row or blob.
    pub(super) fn begin(&mut self, ticket: Ticket, request: &DiskRequest) {
        assert!(self.tickets.insert(ticket), "contract: the ticket {ticket} waits for an answer already");
        // One request may change a row twice.
        let mut rows: Vec<&Bytes> = keys(request).collect();
        rows.sort_unstable();
        rows.dedup();
        for row in rows {
            assert!(
                self.rows.insert(row.clone()),
                "contract: two requests at once change the row {row:02x?}, the second is {ticket}"
            );
        }
        if let Some(id) = blob(request) {
            assert!(
                self.blobs.insert(*id),
                "contract: two requests at once change the blob {id}, the second is {ticket}"
            );
        }
    }

    pub(super) fn end(&mut self, ticket: Ticket, request: &DiskRequest) {
        self.tickets.remove(&ticket);
        for row in keys(request) {
            self.rows.remove(row);
        }
        if let Some(id) = blob(request) {
            self.blobs.remove(id);
        }
    }
}

/// The rows that a request changes.
fn keys(request: &DiskRequest) -> impl Iterator<Item = &Bytes> {
    let ops = match request {
        DiskRequest::Apply { ops }
        | DiskRequest::PutBlob { then: ops, .. }
        | DiskRequest::RemoveBlob { first: ops, .. } => &ops[..],
        _ => &[],
    };
    ops.iter().map(|op| match op {
        TableOp::Put { key, .. } | TableOp::Remove { key } => key,
    })
}

/// The blob that a request changes.
const fn blob(request: &DiskRequest) -> Option<&BlobId> {
    match request {
        DiskRequest::PutBlob { id, .. } | DiskRequest::RemoveBlob { id, .. } => Some(id),
        _ => None,
    }
}
