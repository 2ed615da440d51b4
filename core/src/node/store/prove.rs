//! `Prove`: that blobs are really here, by a hash that nobody can know who has not read them now.
//!
//! One blob in memory at a time. What the proof is for the asker knows.

use super::LocalStore;
use super::blob::Found;
use super::effects::Effect;
use super::locks::{Hold, LockKey};
use super::operation::Op;
use crate::config::limit;
use crate::id::BlobId;
use crate::job::Job;
use crate::wire::{ErrorCode, Response};
use alloc::collections::VecDeque;
use alloc::vec;
use alloc::vec::Vec;
use core::ops::ControlFlow;

/// Proofs being made, one blob after the other.
struct Proving {
    nonce: [u8; 32],
    waiting: VecDeque<BlobId>,
    proofs: Vec<Option<[u8; 32]>>,
}

impl LocalStore {
    pub(super) fn prove(&mut self, op: Op, nonce: [u8; 32], blobs: Vec<BlobId>) {
        if blobs.len() > limit::PROVE_BLOBS {
            return self.refuse(op, ErrorCode::Invalid);
        }
        let proofs = Vec::with_capacity(blobs.len());
        self.prove_next(op, Proving { nonce, waiting: blobs.into(), proofs });
    }

    fn prove_next(&mut self, op: Op, mut proving: Proving) {
        let Some(id) = proving.waiting.pop_front() else {
            return self.reply(op, Response::Proved(proving.proofs));
        };
        self.lock(op, vec![(LockKey::Blob(id), Hold::Shared)], move |store, op| {
            store.read_whole(op, id, move |store, read| match read {
                ControlFlow::Continue(blob) => {
                    let job = Job::ProveBlob { suite: store.suite, nonce: proving.nonce, blob };
                    store.gather(op, vec![Effect::Job(job)], move |store, mut answers| {
                        proving.proofs.push(answers.proof());
                        store.prove_next(op, proving);
                    });
                }
                ControlFlow::Break(Found::Absent) => {
                    proving.proofs.push(None);
                    store.prove_next(op, proving);
                }
                ControlFlow::Break(_) => {
                    // Damaged: dropped, alone, unless another has repaired it meanwhile.
                    store.unlock(op);
                    store.check_copy(op, id, move |store, _| {
                        proving.proofs.push(None);
                        store.prove_next(op, proving);
                    });
                }
            });
        });
    }
}
