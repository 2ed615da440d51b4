//! One blob and its pins on their way to the members that they belong to.
//!
//! First the pins, with the age of their leases; then the bytes, to whoever lacks them; then a proof of each that it
//! has them, over a nonce that was drawn for this question. Then they go here.
//!
//! Knows one blob. Which ones, and when, is `strays`' to know; whether they still may go, the store's.

use alloc::vec::Vec;
use bytes::Bytes;

use super::calls::{Answered, Failure};
use super::hub::Hub;
use super::store::{Keep, Origin};
use super::strays::{Confirmations, Handed, blob_of};
use super::view::blob_position;
use crate::config::limit;
use crate::error::PeerFault;
use crate::id::{BlobId, NodeId};
use crate::record::Pin;
use crate::wire::{PinKept, PinsKept, PulledPin, Request, Response};

/// The questions, by their slots from the item's first one on.
const OWN_PROOF: u32 = 0;
const PUT_PINS: u32 = 1;
const READ: u32 = 2;
const PUT_BLOB: u32 = 3;
const PROVE: u32 = 4;
const DROP: u32 = 5;
const TELL: u32 = 6;

/// One blob with its pins.
#[derive(Debug)]
pub(super) struct HandOnBlob {
    blob: BlobId,
    pins: Vec<Pin>,
    confirmations: Confirmations,
    nonce: [u8; 32],
    /// What every proof must be; `None` if the blob is not here either, and only pins are handed on.
    expected: Option<[u8; 32]>,
    /// Who has the pins and lacks the bytes.
    lacking: Vec<NodeId>,
    open: usize,
    failed: bool,
    proving: bool,
}

impl HandOnBlob {
    /// `None` if not all of the set can be reached now.
    pub(super) fn begin(hub: &mut Hub, op: u64, slot: u32, rows: Vec<PulledPin>) -> Option<Self> {
        let blob = rows.first()?.pin.body().blob;
        let set = hub.view.replicas(&blob_position(&blob));
        let confirmations = Confirmations::of(hub, &set)?;
        let mut nonce = [0; 32];
        hub.peers.rng().fill(&mut nonce);
        hub.prove_own(op, slot + OWN_PROOF, nonce, blob);
        for node in &set {
            hub.ask(op, slot + PUT_PINS, *node, Request::PutPins { pins: rows.clone() });
        }
        Some(Self {
            blob,
            pins: rows.into_iter().map(|row| row.pin).collect(),
            confirmations,
            nonce,
            expected: None,
            lacking: Vec::new(),
            open: 1 + set.len(),
            failed: false,
            proving: false,
        })
    }

    pub(super) fn answered(&mut self, hub: &mut Hub, at: (u64, u32), answer: Answered) -> Handed {
        self.open -= 1;
        match answer.slot - at.1 {
            OWN_PROOF => match answer.result {
                Ok(Response::Proved(proofs)) => self.expected = proofs.first().copied().flatten(),
                _ => self.failed = true,
            },
            PUT_PINS => self.pins_put(hub, at, answer),
            READ => match blob_of(answer.result) {
                Some(bytes) => return self.send(hub, at, &bytes),
                None => self.failed = true,
            },
            PUT_BLOB => {
                let stored = matches!(answer.result, Ok(Response::Stored { .. }));
                self.failed |= !stored || answer.vote.is_none();
            }
            PROVE => self.proved(hub, &answer),
            DROP => {
                return match answer.result {
                    Ok(Response::Stored { copies: 0, .. }) => Handed::Dropped,
                    _ => Handed::Left,
                };
            }
            _ => {}
        }
        if self.open > 0 {
            return Handed::Going;
        }
        if self.failed {
            return Handed::Left;
        }
        self.go_on(hub, at)
    }

    fn pins_put(&mut self, hub: &mut Hub, (op, slot): (u64, u32), answer: Answered) {
        let Ok(Response::PinsKept(PinsKept { kept, killers })) = answer.result else {
            self.failed = true;
            return;
        };
        // By the records that killed them they die here, too.
        for record in killers {
            self.open += 1;
            let request = Request::PutRecord { record };
            hub.ask_own(op, slot + TELL, Origin::Node(answer.from), Keep::Replica, request);
        }
        let all = kept.len() == self.pins.len() && kept.iter().all(|kept| *kept != PinKept::Refused);
        self.failed |= !all || answer.vote.is_none();
        if kept.contains(&PinKept::Missing) {
            self.lacking.push(answer.from);
        }
    }

    fn proved(&mut self, hub: &mut Hub, answer: &Answered) {
        let proof = match &answer.result {
            Ok(Response::Proved(proofs)) => proofs.first().copied().flatten(),
            Err(Failure::Refused(_) | Failure::Lost) | Ok(_) => None,
        };
        if proof.is_some() && proof != self.expected {
            hub.blame(&answer.from, PeerFault::WrongContent);
        }
        if proof.is_some() && proof == self.expected && answer.vote.is_some() {
            self.confirmations.confirm(&answer.from);
        } else {
            self.failed = true;
        }
    }

    /// Nothing is under way: the next step.
    fn go_on(&mut self, hub: &mut Hub, (op, slot): (u64, u32)) -> Handed {
        if self.expected.is_none() {
            // The bytes are not here: whose replica lacks them looks elsewhere.
            self.confirmations.nodes().iter().for_each(|node| self.confirmations.confirm(node));
        } else if !self.lacking.is_empty() {
            self.open += 1;
            let read = Request::GetBlob { id: self.blob, offset: 0, len: 0 };
            hub.ask_own(op, slot + READ, Origin::Own, Keep::Nothing, read);
            return Handed::Going;
        } else if !self.proving {
            self.proving = true;
            for node in self.confirmations.nodes() {
                self.open += 1;
                let prove = Request::Prove { nonce: self.nonce, blobs: Vec::from([self.blob]) };
                hub.ask(op, slot + PROVE, node, prove);
            }
            return Handed::Going;
        }
        if !self.confirmations.is_complete(hub) {
            return Handed::Left;
        }
        self.open += 1;
        hub.drop_stray_pins(op, slot + DROP, self.pins.clone());
        Handed::Going
    }

    fn send(&mut self, hub: &mut Hub, (op, slot): (u64, u32), bytes: &Bytes) -> Handed {
        // The pins are there already, so those that fit the message are enough.
        let pins: Vec<Pin> = self.pins.iter().take(limit::BLOB_PINS).cloned().collect();
        for node in core::mem::take(&mut self.lacking) {
            self.open += 1;
            let request = Request::PutBlob { pins: pins.clone(), blob: bytes.clone() };
            hub.ask(op, slot + PUT_BLOB, node, request);
        }
        Handed::Going
    }
}
