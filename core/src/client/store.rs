//! Storing one file: stream in, pieces out, and the record that lists them when all are durable.

use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::string::String;
use bytes::Bytes;

use super::context::{Context, Operation, Step, Stop, check_past, good_until, refused};
use super::event::{ClientEvent, Outcome};
use super::lookup::check_current;
use super::pass::Pass;
use super::place::{Copies, Placed, Placer, Reservation, is_stale};
use super::requests::RequestId;
use super::seen::FLOOR_NAME;
use super::setup::StoreOptions;
#[cfg(any(test, feature = "sim"))]
use crate::config::Config;
use crate::error::{ApiMisuse, OpError, PeerFault};
#[cfg(any(test, feature = "sim"))]
use crate::gauge::Gauges;
use crate::id::{Name, Ticket};
use crate::job::{Job, JobResult};
use crate::record::Version;
use crate::time::Now;
use crate::vault::{Content, FileDraft, Upload, UploadError, UploadStep, file_record};
use crate::wire::{Request, Response, WireError};

/// How often a store begins anew because another device writes the same key.
const MAX_TRIES: u32 = 8;
/// The most that a user is asked for at once, so that sealing and sending begin early.
const MAX_ASKED: usize = 1 << 20;

enum Phase {
    /// Reads what was seen of the name.
    Loading,
    /// Takes content and makes its pieces durable.
    Streaming,
    /// Pins the pieces once more, under a new version.
    Pinning(Box<Pass>),
    /// Puts the record.
    Recording(RequestId),
    /// Writes down that it has seen its own version.
    Raising,
}

/// One store.
pub(super) struct Store {
    key: String,
    name: Name,
    expires: u64,
    modified_ms: u64,
    upload: Upload,
    phase: Phase,
    placer: Placer,
    /// When the oldest pin of the present pass was signed.
    pass_began: Now,
    /// The pieces were not all pinned under the present version.
    pass_is_mixed: bool,
    parent: Option<Version>,
    content: Option<Content>,
    /// What was asked of the user and not given yet.
    asked: usize,
    finished: bool,
    sealing: BTreeMap<Ticket, u64>,
    /// Bytes of content in each piece on its way.
    held: BTreeMap<u64, usize>,
    tries: u32,
    sent_bytes: u64,
    copies: Copies,
}

impl Store {
    /// `key` is normalised.
    pub(super) fn new(cx: &Context<'_>, key: String, options: StoreOptions) -> Result<Self, OpError> {
        let keys = cx.keys()?;
        let name = keys.name(0, &key);
        let now = cx.now;
        let reservation = Reservation { name, since: Version::ZERO, object: Default::default() };
        Ok(Self {
            key,
            name,
            expires: options.ttl_ms.map_or(0, |ttl| now.unix_ms.saturating_add(ttl).max(1)),
            modified_ms: options.modified_ms.unwrap_or(now.unix_ms),
            upload: Upload::new(keys, &cx.env.config),
            phase: Phase::Loading,
            placer: Placer::new(reservation),
            pass_began: now,
            pass_is_mixed: false,
            parent: None,
            content: None,
            asked: 0,
            finished: false,
            sealing: BTreeMap::new(),
            held: BTreeMap::new(),
            tries: 0,
            sent_bytes: 0,
            copies: Copies::default(),
        })
    }

    /// Reserves a version above `highest` and everything seen.
    fn reserve(&self, cx: &mut Context<'_>, highest: Version) -> Result<Reservation, OpError> {
        let floor = cx.effects.seen.highest(&FLOOR_NAME);
        let since = cx.next_version(&self.name, highest.max(floor), cx.now.unix_ms)?;
        let object = cx.keys()?.object_id(&self.name, &since.to_bytes());
        Ok(Reservation { name: self.name, since, object })
    }

    fn begin(&mut self, cx: &mut Context<'_>) -> Step {
        let seen = cx.effects.seen.highest(&self.name);
        self.parent = (seen > Version::ZERO).then_some(seen);
        self.placer = Placer::new(self.reserve(cx, seen)?);
        self.pass_began = cx.now;
        self.phase = Phase::Streaming;
        self.stream(cx)
    }

    fn stream(&mut self, cx: &mut Context<'_>) -> Step {
        while let Some(step) = self.upload.poll() {
            match step {
                UploadStep::Seal { slot, dedup_key, payload } => {
                    if dedup_key == cx.keys()?.read.dedup_data {
                        self.held.insert(slot, payload.len());
                    }
                    let ticket = cx.job(Job::SealPiece { suite: cx.env.suite, dedup_key, payload });
                    self.sealing.insert(ticket, slot);
                }
                UploadStep::Piece { slot, id, bytes } => {
                    let length = u32::try_from(bytes.len()).map_err(|_| OpError::TooLarge)?;
                    self.placer.add(slot, id, length, Some(bytes));
                }
            }
        }
        self.placer.flush(cx)?;
        if let Some(content) = self.upload.result() {
            self.content = Some(content);
            self.sent_bytes += self.placer.sent_bytes;
            self.copies = self.placer.copies;
            return self.conclude(cx);
        }
        self.ask_for_content(cx);
        Ok(None)
    }

    fn ask_for_content(&mut self, cx: &mut Context<'_>) {
        if self.asked == 0 && !self.finished {
            self.asked = cx.effects.window.take(cx.op, self.upload.want().min(MAX_ASKED));
            if self.asked > 0 {
                self.upload.promise(self.asked);
                cx.event(ClientEvent::NeedData { op: cx.op, max: self.asked });
            }
        }
    }

    /// Every piece is durable and pinned: on to the record, or to another pass if this one is no good.
    fn conclude(&mut self, cx: &mut Context<'_>) -> Step {
        let is_tree = matches!(self.content, Some(Content::Tree { .. }));
        // Half a lease after its first pin a pass is not to be relied on, by whichever clock that is.
        if cx.now.is_past(good_until(self.pass_began)) || (self.pass_is_mixed && is_tree) {
            let since = self.placer.reservation().since;
            return self.begin_anew(cx, since);
        }
        let content = self.content.as_ref().ok_or(OpError::Conflict)?;
        let draft = FileDraft {
            key: &self.key,
            since: self.placer.reservation().since,
            parent: self.parent,
            modified_ms: self.modified_ms,
            expires: self.expires,
            content,
        };
        let record = file_record(cx.keys()?, &cx.env.network, &draft).map_err(|_| OpError::TooLarge)?;
        let request = Request::PutRecord { record };
        self.phase = Phase::Recording(cx.ask_until(request, good_until(self.pass_began)));
        Ok(None)
    }

    /// A new version above `highest`, and so a new object: all its pieces are pinned anew.
    fn begin_anew(&mut self, cx: &mut Context<'_>, highest: Version) -> Step {
        let reservation = self.reserve_again(cx, highest)?;
        self.pass_began = cx.now;
        self.pass_is_mixed = false;
        let Some(Content::Tree { root, .. }) = &self.content else {
            self.placer.reserve_anew(reservation);
            return self.conclude(cx);
        };
        let mut pass = Box::new(Pass::new(root.clone())?);
        self.placer = Placer::new(reservation);
        pass.go_on(cx, &mut self.placer)?;
        self.phase = Phase::Pinning(pass);
        Ok(None)
    }

    fn reserve_again(&mut self, cx: &mut Context<'_>, highest: Version) -> Result<Reservation, OpError> {
        self.tries += 1;
        if self.tries > MAX_TRIES {
            return Err(OpError::Conflict);
        }
        self.parent = (highest > Version::ZERO).then_some(highest);
        self.reserve(cx, highest.max(self.placer.reservation().since))
    }

    /// A pin was refused as too old. The rest of this pass goes on under a new version; then everything is pinned again.
    fn pins_are_stale(&mut self, cx: &mut Context<'_>, error: &WireError) -> Result<(), Stop> {
        let since = self.placer.reservation().since;
        let highest = self.newer_version(cx, error)?;
        // An older pin's refusal says nothing new.
        if highest >= since {
            let reservation = self.reserve_again(cx, highest)?;
            self.placer.reserve_anew(reservation);
        }
        self.pass_is_mixed = true;
        Ok(())
    }

    /// The version that a refusal tells of; our own, if it tells none.
    fn newer_version(&self, cx: &Context<'_>, error: &WireError) -> Result<Version, Stop> {
        let since = self.placer.reservation().since;
        check_past(cx.now, error, since)?;
        error.current.as_ref().map_or(Ok(since), |current| check_current(cx, &self.name, current))
    }

    fn placed(&mut self, cx: &mut Context<'_>, request: RequestId, response: Response) -> Step {
        if let Response::Error(error) = &response
            && let Some(current) = &error.current
        {
            // Checked before the placer takes the answer, so that a faulty one can be asked for again.
            check_current(cx, &self.name, current)?;
        }
        match self.placer.answered(cx, request, response)? {
            Placed::Stale(error) => self.pins_are_stale(cx, &error)?,
            Placed::Slots(slots) => {
                for slot in slots {
                    if matches!(self.phase, Phase::Streaming) {
                        self.upload.stored(slot).map_err(|_| OpError::Conflict)?;
                        let bytes = self.held.remove(&slot).unwrap_or(0);
                        cx.effects.window.give_back(cx.op, bytes);
                    }
                }
            }
        }
        self.go_on(cx)
    }

    fn go_on(&mut self, cx: &mut Context<'_>) -> Step {
        match &mut self.phase {
            Phase::Streaming => self.stream(cx),
            Phase::Pinning(pass) => {
                if !pass.go_on(cx, &mut self.placer)? {
                    return Ok(None);
                }
                self.sent_bytes += self.placer.sent_bytes;
                self.copies = self.placer.copies;
                self.conclude(cx)
            }
            _ => Ok(None),
        }
    }

    fn recorded(&mut self, cx: &mut Context<'_>, response: Response) -> Step {
        match response {
            Response::Stored { copies, wanted } => {
                self.copies.note(copies, wanted);
                self.phase = Phase::Raising;
                let own = (self.name, self.placer.reservation().since);
                if cx.raise_seen(&[own]) { self.seen_settled(cx) } else { Ok(None) }
            }
            Response::Error(error) if is_stale(error.code) => {
                let highest = self.newer_version(cx, &error)?;
                self.begin_anew(cx, highest)
            }
            Response::Error(error) => Err(refused(&error).into()),
            _ => Err(PeerFault::UnexpectedAnswer.into()),
        }
    }

    fn stored(&self) -> Outcome {
        Outcome::Stored {
            size: self.upload.received(),
            copies: self.copies.least(),
            wanted: self.copies.wanted(),
            sent_bytes: self.sent_bytes,
            version: self.placer.reservation().since,
        }
    }
}

impl Operation for Store {
    fn start(&mut self, cx: &mut Context<'_>) -> Step {
        cx.effects.window.join(cx.op);
        if cx.load_seen(&[self.name, FLOOR_NAME]) { self.begin(cx) } else { Ok(None) }
    }

    fn answered(&mut self, cx: &mut Context<'_>, request: RequestId, response: Response) -> Step {
        match &mut self.phase {
            Phase::Recording(asked) if *asked == request => self.recorded(cx, response),
            Phase::Pinning(pass) if pass.is_own(request) => {
                pass.answered(response)?;
                self.go_on(cx)
            }
            _ => self.placed(cx, request, response),
        }
    }

    fn job_done(&mut self, cx: &mut Context<'_>, ticket: Ticket, result: JobResult) -> Step {
        match result {
            JobResult::Sealed(piece) => {
                if let Some(slot) = self.sealing.remove(&ticket) {
                    self.upload.sealed(slot, piece).map_err(|_| OpError::Conflict)?;
                }
            }
            JobResult::Opened(result) => {
                if let Phase::Pinning(pass) = &mut self.phase {
                    pass.opened(cx, result)?;
                }
            }
            _ => {}
        }
        self.go_on(cx)
    }

    fn seen_settled(&mut self, cx: &mut Context<'_>) -> Step {
        match self.phase {
            Phase::Loading => self.begin(cx),
            Phase::Raising => Ok(Some(self.stored())),
            _ => Ok(None),
        }
    }

    fn room(&mut self, cx: &mut Context<'_>) -> Step {
        self.go_on(cx)
    }

    fn provide(&mut self, cx: &mut Context<'_>, bytes: Bytes) -> Result<Step, ApiMisuse> {
        let count = bytes.len();
        if count > self.asked {
            return Err(ApiMisuse::TooMuchData(cx.op));
        }
        match self.upload.provide(bytes) {
            Ok(()) => {}
            Err(UploadError::TooLarge) => return Ok(Err(OpError::TooLarge.into())),
            Err(_) => return Err(ApiMisuse::TooMuchData(cx.op)),
        }
        self.asked -= count;
        Ok(self.go_on(cx))
    }

    fn finish(&mut self, cx: &mut Context<'_>) -> Result<Step, ApiMisuse> {
        if self.finished {
            return Err(ApiMisuse::UnknownOp(cx.op));
        }
        self.finished = true;
        cx.effects.window.give_back(cx.op, core::mem::take(&mut self.asked));
        if self.upload.finish().is_err() {
            return Ok(Err(OpError::TooLarge.into()));
        }
        Ok(self.go_on(cx))
    }

    #[cfg(any(test, feature = "sim"))]
    fn gauge(&self, config: &Config, gauges: &mut Gauges) {
        let most = config.pieces_in_flight.max(1);
        gauges.count("client: pieces that are sealed", self.sealing.len(), most, "pieces_in_flight");
        gauges.count("client: pieces of a store", self.held.len(), most, "pieces_in_flight");
        self.placer.gauge(gauges);
    }
}
