//! Making the blobs of one object durable: asks what is there already, sends the rest, counts copies.

use alloc::collections::{BTreeMap, VecDeque};
use alloc::vec::Vec;
use bytes::Bytes;

use super::context::{Context, Stop, refused};
use super::requests::RequestId;
use crate::config::limit;
use crate::error::{OpError, PeerFault};
#[cfg(any(test, feature = "sim"))]
use crate::gauge::Gauges;
use crate::id::{BlobId, Name, ObjectId};
use crate::record::{Pin, Version};
use crate::vault;
use crate::wire::{ErrorCode, Request, Response, WireError};

/// On how many replicas things are: the least of all answers.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Copies {
    least: Option<u8>,
    wanted: u8,
}

impl Copies {
    pub(super) fn note(&mut self, copies: u8, wanted: u8) {
        self.least = Some(self.least.map_or(copies, |least| least.min(copies)));
        self.wanted = self.wanted.max(wanted);
    }

    pub(super) fn least(&self) -> u8 {
        self.least.unwrap_or(0)
    }

    pub(super) fn wanted(&self) -> u8 {
        self.wanted
    }
}

/// The version that an upload reserved, and the object that is its own.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reservation {
    pub(super) name: Name,
    pub(super) since: Version,
    pub(super) object: ObjectId,
}

#[derive(Debug)]
struct Item {
    id: BlobId,
    length: u32,
    /// The blob, where this device has it.
    bytes: Option<Bytes>,
    /// Signed when it is first needed.
    pin: Option<Pin>,
}

/// Blobs on their way, of a walk that goes ahead of the answers: the next question grows while one is under way.
pub(super) const MAX_PENDING: usize = 2 * limit::HAVE_PINS;

/// What came of an answer.
#[derive(Debug)]
pub(super) enum Placed {
    /// These slots are durable.
    Slots(Vec<u64>),
    /// The reservation is too old: a newer record, or the floor, is known. What was refused waits for
    /// [`Placer::reserve_anew`].
    Stale(WireError),
}

/// The blobs of one object on their way.
#[derive(Debug)]
pub(super) struct Placer {
    reservation: Reservation,
    /// The slots of each blob on its way: equal blobs go once.
    slots: BTreeMap<BlobId, Vec<u64>>,
    fresh: Vec<Item>,
    /// One question at a time: while it is under way the next batch grows by itself.
    asked: Option<(RequestId, Vec<Item>)>,
    /// What is not there after all, and not here either.
    lacking: VecDeque<Item>,
    fetched: BTreeMap<RequestId, Item>,
    /// The one of them that is on its way in and out again: no window counts its bytes, so there is never another.
    had_again: Option<BlobId>,
    sent: BTreeMap<RequestId, Item>,
    pub(super) copies: Copies,
    pub(super) sent_bytes: u64,
}

impl Placer {
    pub(super) fn new(reservation: Reservation) -> Self {
        Self {
            reservation,
            slots: BTreeMap::new(),
            fresh: Vec::new(),
            asked: None,
            lacking: VecDeque::new(),
            fetched: BTreeMap::new(),
            had_again: None,
            sent: BTreeMap::new(),
            copies: Copies::default(),
            sent_bytes: 0,
        }
    }

    pub(super) fn reservation(&self) -> &Reservation {
        &self.reservation
    }

    /// Takes a blob. Without `bytes` it is believed to be there; if it is not, it is looked for and sent again.
    pub(super) fn add(&mut self, slot: u64, id: BlobId, length: u32, bytes: Option<Bytes>) {
        let slots = self.slots.entry(id).or_default();
        slots.push(slot);
        if slots.len() == 1 {
            self.fresh.push(Item { id, length, bytes, pin: None });
        }
    }

    /// Blobs on their way.
    pub(super) fn pending(&self) -> usize {
        self.slots.len()
    }

    /// Tells what it holds.
    #[cfg(any(test, feature = "sim"))]
    pub(super) fn gauge(&self, gauges: &mut Gauges) {
        gauges.count("client: blobs that are placed", self.slots.len(), MAX_PENDING, "place::MAX_PENDING");
        gauges.count("client: blobs that are had again", self.fetched.len(), 1, "one at a time");
    }

    /// From now on everything is pinned under this reservation.
    pub(super) fn reserve_anew(&mut self, reservation: Reservation) {
        self.reservation = reservation;
        for item in &mut self.fresh {
            item.pin = None;
        }
    }

    /// Asks about what was added.
    pub(super) fn flush(&mut self, cx: &mut Context<'_>) -> Result<(), OpError> {
        if self.asked.is_some() || self.fresh.is_empty() {
            return Ok(());
        }
        let batch = self.fresh.len().min(limit::HAVE_PINS);
        let mut items: Vec<Item> = self.fresh.drain(..batch).collect();
        let mut pins = Vec::with_capacity(batch);
        for item in &mut items {
            pins.push(pin(&self.reservation, cx, item)?);
        }
        let request = cx.ask(Request::Have { pins });
        self.asked = Some((request, items));
        Ok(())
    }

    /// Takes the answer to one of its requests.
    pub(super) fn answered(
        &mut self,
        cx: &mut Context<'_>,
        request: RequestId,
        response: Response,
    ) -> Result<Placed, Stop> {
        if let Response::Blob { bytes, .. } = &response
            && self.fetched.get(&request).is_some_and(|item| bytes.len() != item.length as usize)
        {
            return Err(PeerFault::WrongContent.into());
        }
        if let Some((_, items)) = self.asked.take_if(|(asked, _)| *asked == request) {
            return self.have(cx, items, response);
        }
        if let Some(item) = self.sent.remove(&request) {
            self.had_again.take_if(|id| *id == item.id);
            self.have_next(cx);
            return self.stored(item, &response);
        }
        if let (Some(mut item), Response::Blob { bytes, .. }) = (self.fetched.remove(&request), response) {
            item.bytes = Some(bytes);
            self.send(cx, item)?;
            return Ok(Placed::Slots(Vec::new()));
        }
        // What this object is made of was there and is gone, or cannot be had now.
        Err(OpError::Conflict.into())
    }

    fn have(&mut self, cx: &mut Context<'_>, items: Vec<Item>, response: Response) -> Result<Placed, Stop> {
        let (counts, wanted) = match response {
            Response::Have { copies, wanted } => (copies, wanted),
            Response::Error(error) if is_stale(error.code) => {
                self.fresh.extend(items.into_iter().map(|item| Item { pin: None, ..item }));
                return Ok(Placed::Stale(error));
            }
            Response::Error(error) => return Err(refused(&error).into()),
            _ => return Err(PeerFault::UnexpectedAnswer.into()),
        };
        let mut durable = Vec::new();
        for (item, copies) in items.into_iter().zip(counts) {
            // Without the bytes, fewer copies than wanted are left to repair.
            if copies >= wanted.max(1) || (copies > 0 && item.bytes.is_none()) {
                self.copies.note(copies, wanted);
                durable.extend(self.slots.remove(&item.id).unwrap_or_default());
            } else if item.bytes.is_some() {
                self.send(cx, item)?;
            } else {
                self.lacking.push_back(item);
            }
        }
        self.have_next(cx);
        Ok(Placed::Slots(durable))
    }

    /// Looks for the next blob that is lacking.
    fn have_next(&mut self, cx: &mut Context<'_>) {
        if self.had_again.is_none()
            && let Some(item) = self.lacking.pop_front()
        {
            self.had_again = Some(item.id);
            let request = cx.ask(Request::GetBlob { id: item.id, offset: 0, len: 0 });
            self.fetched.insert(request, item);
        }
    }

    fn stored(&mut self, item: Item, response: &Response) -> Result<Placed, Stop> {
        match response {
            Response::Stored { copies, wanted } => {
                self.copies.note(*copies, *wanted);
                self.sent_bytes += u64::from(item.length);
                Ok(Placed::Slots(self.slots.remove(&item.id).unwrap_or_default()))
            }
            Response::Error(error) if is_stale(error.code) => {
                self.fresh.push(Item { pin: None, ..item });
                Ok(Placed::Stale(error.clone()))
            }
            Response::Error(error) => Err(refused(error).into()),
            _ => Err(PeerFault::UnexpectedAnswer.into()),
        }
    }

    fn send(&mut self, cx: &mut Context<'_>, mut item: Item) -> Result<(), OpError> {
        let pins = alloc::vec![pin(&self.reservation, cx, &mut item)?];
        if let Some(blob) = item.bytes.clone() {
            let request = cx.ask(Request::PutBlob { pins, blob });
            self.sent.insert(request, item);
        }
        Ok(())
    }
}

fn pin(reservation: &Reservation, cx: &Context<'_>, item: &mut Item) -> Result<Pin, OpError> {
    if let Some(pin) = &item.pin {
        return Ok(pin.clone());
    }
    let Reservation { name, since, object } = reservation;
    let pin = vault::pin(cx.keys()?, &cx.env.network, name, *object, *since, item.id, item.length);
    item.pin = Some(pin.clone());
    Ok(pin)
}

/// True for refusals that a newer version mends.
pub(super) const fn is_stale(code: ErrorCode) -> bool {
    matches!(code, ErrorCode::Stale | ErrorCode::Past)
}
