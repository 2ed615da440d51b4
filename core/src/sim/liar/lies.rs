//! The lies themselves: what is said instead of the truth, and how often.

use alloc::collections::{BTreeMap, VecDeque};
use alloc::vec;
use alloc::vec::Vec;

use bytes::Bytes;

use crate::crypto::Suite;
use crate::id::{Name, OwnerId, SetHash};
use crate::record::{Pin, Record};
use crate::rng::Rng;
use crate::wire::{
    ErrorCode, MembershipPage, Message, Out, PinState, PulledPin, PulledRecord, Request, Response, Shards,
    Vote, WireError,
};

/// Ids of requests that are made up begin here; a node counts its own from zero.
const FIRST_OWN: u32 = 1 << 31;
/// So many versions of a record are remembered, and so many blobs.
const REMEMBERED: usize = 8;
/// So many names are remembered.
const NAMES: usize = 1024;
/// So often is a request repeated at once.
const REPEATS: u32 = 4;

/// How many of a million messages each lie befalls, where it can.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct LieChances {
    /// A change is acknowledged and not made.
    pub forget: u32,
    /// It has what it was asked for, and knows nothing that would stand in the way.
    pub pretend: u32,
    /// Other bytes than those of the blob.
    pub swap: u32,
    /// An older record than the newest that it was given.
    pub replay: u32,
    /// No answer, or that nothing is there.
    pub withhold: u32,
    /// Requests are repeated, and answers given that nobody asked for.
    pub flood: u32,
    /// Records and pins that nobody signed so.
    pub forge: u32,
    /// Members are gone, the placement is another.
    pub misplace: u32,
    /// Votes for another set, or where it has none.
    pub vote: u32,
}

impl LieChances {
    /// Every lie as often.
    pub const fn all(per_million: u32) -> Self {
        Self {
            forget: per_million,
            pretend: per_million,
            swap: per_million,
            replay: per_million,
            withhold: per_million,
            flood: per_million,
            forge: per_million,
            misplace: per_million,
            vote: per_million,
        }
    }
}

/// Tells lies from what it has heard.
#[derive(Debug)]
pub(super) struct Lies {
    pub(super) chances: LieChances,
    pub(super) told: u64,
    rng: Rng,
    records: BTreeMap<(OwnerId, Name), VecDeque<Record>>,
    blobs: VecDeque<Bytes>,
    votes: VecDeque<Vote>,
    own_requests: u32,
}

impl Lies {
    pub(super) const fn new(chances: LieChances, rng: Rng) -> Self {
        Self {
            chances,
            told: 0,
            rng,
            records: BTreeMap::new(),
            blobs: VecDeque::new(),
            votes: VecDeque::new(),
            own_requests: 0,
        }
    }

    /// True for a request that was made up here.
    pub(super) const fn is_own(id: u32) -> bool {
        id >= FIRST_OWN
    }

    /// Whether a change of the disk is left undone.
    pub(super) fn forgets(&mut self) -> bool {
        self.is_time(self.chances.forget)
    }

    /// Keeps what could serve a lie later.
    pub(super) fn remember(&mut self, message: &Message) {
        match message {
            Message::Request { request: Request::PutRecord { record }, .. } => self.remember_record(record),
            Message::Request { request: Request::PutBlob { blob, .. }, .. } => {
                keep(&mut self.blobs, blob.clone());
            }
            Message::Response { response, vote, .. } => {
                if let Response::Record { record: Some(record), .. } = response {
                    self.remember_record(record);
                }
                if let Some(vote) = vote {
                    keep(&mut self.votes, *vote);
                }
            }
            _ => {}
        }
    }

    /// What is said instead of this.
    pub(super) fn tell(&mut self, message: Message) -> Vec<Message> {
        match message {
            Message::Response { id, response, vote } => self.answer(id, response, vote),
            Message::Request { id, mut request } => {
                self.bend_request(&mut request);
                let mut told = vec![Message::Request { id, request: request.clone() }];
                if self.is_time(self.chances.flood) {
                    told.extend((0..REPEATS).map(|_| self.own_request(request.clone())));
                }
                told
            }
            message => vec![message],
        }
    }

    fn answer(&mut self, id: u32, mut response: Response, mut vote: Option<Vote>) -> Vec<Message> {
        if self.is_time(self.chances.withhold) {
            let nothing = Response::Error(WireError { code: ErrorCode::NotFound, current: None });
            return match self.rng.below(2) {
                0 => Vec::new(),
                _ => vec![Message::Response { id, response: nothing, vote }],
            };
        }
        self.bend_response(&mut response);
        if response.may_vote() && self.is_time(self.chances.vote) {
            vote = Some(self.made_up_vote());
        }
        let mut told = vec![Message::Response { id, response, vote }];
        if self.is_time(self.chances.flood) {
            let unasked = Response::Pong { unix_ms: 0 };
            told.push(Message::response(id.wrapping_add(self.rng.below(1000)), unasked));
        }
        told
    }

    fn bend_request(&mut self, request: &mut Request) {
        match request {
            Request::PutRecord { record } => self.bend_record(record),
            Request::Have { pins } | Request::PutBlob { pins, .. } => self.forge_pins(pins.iter_mut()),
            Request::PutPins { pins } => self.forge_pulled(pins),
            Request::View(page) => self.bend_page(page),
            _ => {}
        }
    }

    fn bend_response(&mut self, response: &mut Response) {
        match response {
            Response::Have { copies, .. } if self.is_time(self.chances.pretend) => copies.fill(1),
            Response::Blob { bytes, .. } if self.is_time(self.chances.swap) => {
                *bytes = self.other_bytes(bytes)
            }
            Response::Record { record: Some(record), .. } => self.bend_record(record),
            Response::Records { records, .. } => {
                records.iter_mut().for_each(|record| self.bend_record(record))
            }
            Response::PulledRecords(page) => {
                for PulledRecord { record, .. } in &mut page.records {
                    self.bend_record(record);
                }
            }
            Response::PulledPins(page) => self.forge_pulled(&mut page.pins),
            Response::Proved(proofs) if self.is_time(self.chances.pretend) => {
                for proof in proofs.iter_mut().filter(|proof| proof.is_none()) {
                    *proof = Some(self.random());
                }
            }
            Response::Checked(states) if self.is_time(self.chances.pretend) => states.fill(PinState::Nothing),
            Response::Forgotten { clean } if self.is_time(self.chances.pretend) => *clean = true,
            Response::View(page) => self.bend_page(page),
            _ => {}
        }
    }

    /// An older one of its name, or one that nobody signed.
    fn bend_record(&mut self, record: &mut Record) {
        let header = record.header();
        if self.is_time(self.chances.replay)
            && let Some(known) = self.records.get(&(header.owner, header.name))
            && let Some(older) = known.iter().find(|older| older.order() < record.order())
        {
            *record = if record.is_complete() { older.clone() } else { older.to_stub() };
        }
        if self.is_time(self.chances.forge) {
            let signature = record.signed_bytes().len() + 2;
            // The suite does not matter to the form, unless parts are hashed: a stub has none.
            let forged = flip(record.to_stub().bytes(), signature + self.rng.below(64) as usize);
            if let Ok(forged) = Record::parse(Suite::Real, forged) {
                *record = forged;
            }
        }
    }

    fn forge_pulled(&mut self, pins: &mut [PulledPin]) {
        self.forge_pins(pins.iter_mut().map(|pulled| &mut pulled.pin));
    }

    fn forge_pins<'a>(&mut self, pins: impl Iterator<Item = &'a mut Pin>) {
        for pin in pins {
            if self.is_time(self.chances.forge) {
                let last = pin.bytes().len() - 1;
                if let Ok(forged) = Pin::parse(flip(pin.bytes(), last - self.rng.below(64) as usize)) {
                    *pin = forged;
                }
            }
        }
    }

    /// Members are left out or said to be gone, or the placement is another.
    fn bend_page(&mut self, page: &mut MembershipPage) {
        if !self.is_time(self.chances.misplace) {
            return;
        }
        if !page.admissions.is_empty() && self.rng.below(2) == 0 {
            let left_out = self.rng.below(u32::try_from(page.admissions.len()).unwrap_or(u32::MAX));
            page.admissions.remove(left_out as usize);
            page.digest = self.random();
        }
        let Some(standing) = &mut page.standing else { return };
        match self.rng.below(4) {
            0 => standing.placement = self.random(),
            1 => standing.epoch += u64::from(self.rng.below(1000)),
            2 => {
                let gone = standing.unheard.first().map(|(node, _)| (*node, Out::Gone));
                standing.out.extend(gone);
                standing.out.sort_unstable();
                standing.out.dedup_by_key(|(node, _)| *node);
            }
            _ => (standing.syncing, standing.settled) = (false, true),
        }
    }

    fn made_up_vote(&mut self) -> Vote {
        let heard = self.rng.below(u32::try_from(self.votes.len()).unwrap_or(u32::MAX)) as usize;
        match self.votes.get(heard) {
            Some(vote) if self.rng.below(2) == 0 => *vote,
            _ => Vote { set: SetHash(self.random()), shards: Some(Shards([u8::MAX; 32])) },
        }
    }

    /// Bytes of another blob, as many, or the same ones but for a bit.
    fn other_bytes(&mut self, right: &Bytes) -> Bytes {
        let other = self.rng.below(u32::try_from(self.blobs.len()).unwrap_or(u32::MAX)) as usize;
        match self.blobs.get(other) {
            Some(other) if self.rng.below(2) == 0 && other != right => {
                other.slice(..other.len().min(right.len()))
            }
            _ if right.is_empty() => Bytes::from_static(b"?"),
            _ => flip(right, self.rng.below(u32::try_from(right.len()).unwrap_or(u32::MAX)) as usize),
        }
    }

    fn own_request(&mut self, request: Request) -> Message {
        self.own_requests = (self.own_requests + 1) % FIRST_OWN;
        Message::Request { id: FIRST_OWN + self.own_requests, request }
    }

    fn remember_record(&mut self, record: &Record) {
        let key = (record.header().owner, record.header().name);
        if self.records.len() < NAMES || self.records.contains_key(&key) {
            let known = self.records.entry(key).or_default();
            if !known.contains(record) {
                keep(known, record.clone());
            }
        }
    }

    fn is_time(&mut self, per_million: u32) -> bool {
        let lies = per_million > 0 && self.rng.below(1_000_000) < per_million;
        self.told += u64::from(lies);
        lies
    }

    fn random(&mut self) -> [u8; 32] {
        let mut bytes = [0; 32];
        self.rng.fill(&mut bytes);
        bytes
    }
}

fn keep<T>(list: &mut VecDeque<T>, new: T) {
    if list.len() == REMEMBERED {
        list.pop_front();
    }
    list.push_back(new);
}

fn flip(bytes: &Bytes, at: usize) -> Bytes {
    let mut bytes = bytes.to_vec();
    if let Some(byte) = bytes.get_mut(at) {
        *byte ^= 1;
    }
    bytes.into()
}
