//! Getting one file or a range of it: its record, then its pieces, several at once, in order.

use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::string::String;

use super::context::{Context, Operation, Step, Stop, refused};
use super::event::{ClientEvent, FileMeta, Outcome};
use super::lookup::{Found, check};
use super::requests::RequestId;
use super::seen::FLOOR_NAME;
use super::setup::GetOptions;
#[cfg(any(test, feature = "sim"))]
use crate::config::Config;
use crate::config::limit;
use crate::crypto::OpenError;
use crate::error::{ApiMisuse, OpError, PeerFault};
#[cfg(any(test, feature = "sim"))]
use crate::gauge::Gauges;
use crate::id::{BlobId, Name, NodeId, Ticket};
use crate::job::{Job, JobResult};
use crate::record::{Record, Version};
use crate::vault::{Download, DownloadStep, Head, HeadContent, Root, open_body, open_head};
use crate::wire::{ErrorCode, Request, Response};
use bytes::Bytes;

/// What a get reserves before it knows the file: a record with a body, and its content beside it.
const FIRST_RESERVE: usize = 2 * limit::INLINE;
/// Copies of one piece that are tried.
const MAX_TRIES: u32 = 3;

enum Phase {
    /// Reads what was seen of the name, and waits for room.
    Loading { seen: bool, room: bool },
    /// Asks for the record.
    Looking,
    /// Writes down what it has seen before it tells.
    Raising(Box<Found>),
    /// Waits for room for the pieces.
    Reserving { root: Root, first: u64, end: u64 },
    /// Delivers.
    Delivering,
}

struct Fetch {
    slot: u64,
    id: BlobId,
    len: u32,
}

struct Opening {
    fetch: Fetch,
    source: NodeId,
}

/// One get.
pub(super) struct Get {
    key: String,
    name: Name,
    options: GetOptions,
    phase: Phase,
    fresh: bool,
    /// What was seen of the name before it was asked for: what comes must not be older.
    seen: Version,
    download: Option<Download>,
    fetching: BTreeMap<RequestId, Fetch>,
    /// Fetched, and not given out for opening yet.
    fetched: BTreeMap<u64, Opening>,
    opening: BTreeMap<Ticket, Opening>,
    tries: u32,
    /// Delivered and not consumed.
    unconsumed: usize,
    size: u64,
    is_done: bool,
    sources: BTreeMap<NodeId, u64>,
}

impl Get {
    /// `key` is normalised.
    pub(super) fn new(cx: &Context<'_>, key: String, options: GetOptions) -> Result<Self, OpError> {
        Ok(Self {
            name: cx.keys()?.name(0, &key),
            key,
            options,
            phase: Phase::Loading { seen: false, room: false },
            fresh: false,
            seen: Version::ZERO,
            download: None,
            fetching: BTreeMap::new(),
            fetched: BTreeMap::new(),
            opening: BTreeMap::new(),
            tries: 0,
            unconsumed: 0,
            size: 0,
            is_done: false,
            sources: BTreeMap::new(),
        })
    }

    fn look(&mut self, cx: &mut Context<'_>) -> Step {
        if matches!(self.phase, Phase::Loading { seen: true, room: true }) {
            self.phase = Phase::Looking;
            self.seen = cx.effects.seen.highest(&self.name);
            cx.ask(Request::GetRecord { owner: cx.owner()?, name: self.name });
        }
        Ok(None)
    }

    fn found(&mut self, cx: &mut Context<'_>, response: Response) -> Step {
        let (found, fresh) = check(cx, &self.name, response)?;
        // That nothing is there, or not any more, only a quorum can say.
        if !fresh && (self.options.fresh || found.living(cx.now.unix_ms).is_none()) {
            return Err(OpError::NotFresh.into());
        }
        found.check_seen(self.seen)?;
        self.fresh = fresh;
        let versions = [(self.name, found.version()), (FLOOR_NAME, found.floor)];
        self.phase = Phase::Raising(Box::new(found));
        if cx.raise_seen(&versions) { self.seen_settled(cx) } else { Ok(None) }
    }

    fn tell(&mut self, cx: &mut Context<'_>, found: &Found) -> Step {
        let record = found.living(cx.now.unix_ms).ok_or(OpError::NotFound)?;
        let head = open_head(cx.keys()?, record, Some(&self.key)).map_err(OpError::from)?;
        let (first, end) = clip(self.options.range, head.size)?;
        match &head.content {
            HeadContent::Inline => {
                let body = open_body(cx.keys()?, record, &head).map_err(OpError::from)?;
                self.event_found(cx, record, &head);
                self.phase = Phase::Delivering;
                self.is_done = true;
                // Both bounds are at most the body's length, which is at most 16 KiB.
                let part = body.slice(first as usize..end as usize);
                if !part.is_empty() {
                    self.deliver(cx, first, part);
                }
                self.end_if_done()
            }
            HeadContent::Tree { root, .. } => {
                let root = root.clone();
                self.event_found(cx, record, &head);
                // Of a long file a range needs little: its own bytes, and the pieces at both ends of it.
                let needed = (end - first).saturating_add(2 * limit::PIECE as u64).min(root.length);
                let bytes = usize::try_from(needed).unwrap_or(usize::MAX).saturating_add(FIRST_RESERVE);
                self.phase = Phase::Reserving { root, first, end };
                if cx.effects.window.reserve(cx.op, bytes) { self.room(cx) } else { Ok(None) }
            }
        }
    }

    fn event_found(&self, cx: &mut Context<'_>, record: &Record, head: &Head) {
        let meta = FileMeta {
            key: self.key.clone(),
            size: head.size,
            modified_ms: head.modified_ms,
            version: record.header().version,
            expires: record.header().expires,
        };
        cx.event(ClientEvent::Found { op: cx.op, meta });
    }

    fn deliver(&mut self, cx: &mut Context<'_>, offset: u64, bytes: Bytes) {
        self.unconsumed += bytes.len();
        self.size += bytes.len() as u64;
        cx.event(ClientEvent::Data { op: cx.op, offset, bytes });
    }

    fn go_on(&mut self, cx: &mut Context<'_>) -> Step {
        while let Some(step) = self.download.as_mut().and_then(Download::poll) {
            match step {
                DownloadStep::Fetch { slot, id, len } => self.fetch(cx, Fetch { slot, id, len }),
                DownloadStep::Open { slot, id, key, blob, plain_len } => {
                    let ticket = cx.job(Job::OpenPiece { suite: cx.env.suite, id, key, blob, plain_len });
                    if let Some(opening) = self.fetched.remove(&slot) {
                        self.opening.insert(ticket, opening);
                    }
                }
                DownloadStep::Data { offset, bytes } => self.deliver(cx, offset, bytes),
                DownloadStep::Done => self.is_done = true,
            }
        }
        self.end_if_done()
    }

    fn fetch(&mut self, cx: &mut Context<'_>, fetch: Fetch) {
        let request = cx.ask(Request::GetBlob { id: fetch.id, offset: 0, len: 0 });
        self.fetching.insert(request, fetch);
    }

    fn fetched(&mut self, cx: &mut Context<'_>, request: RequestId, response: Response) -> Step {
        let expected = self.fetching.get(&request).map(|fetch| fetch.len as usize);
        let (source, bytes) = match response {
            Response::Blob { bytes, .. } if Some(bytes.len()) != expected => {
                return Err(PeerFault::WrongContent.into());
            }
            Response::Blob { source, bytes } => (source, bytes),
            Response::Error(error) if error.code == ErrorCode::NotFound => {
                return Err(OpError::Missing.into());
            }
            Response::Error(error) => return Err(refused(&error).into()),
            _ => return Err(PeerFault::UnexpectedAnswer.into()),
        };
        if let (Some(fetch), Some(download)) = (self.fetching.remove(&request), &mut self.download) {
            download.fetched(fetch.slot, bytes).map_err(|_| OpError::Damaged)?;
            self.fetched.insert(fetch.slot, Opening { fetch, source });
        }
        self.go_on(cx)
    }

    fn opened(&mut self, cx: &mut Context<'_>, ticket: Ticket, result: Result<Bytes, OpenError>) -> Step {
        let (Some(Opening { fetch, source }), Some(download)) =
            (self.opening.remove(&ticket), &mut self.download)
        else {
            return Ok(None);
        };
        let is_other = matches!(result, Err(OpenError::Hash));
        match download.opened(fetch.slot, result) {
            Ok(()) => {
                // Who holds what the entry node only says: of more than a network has, nothing is kept.
                if self.sources.len() < limit::MEMBERS || self.sources.contains_key(&source) {
                    *self.sources.entry(source).or_default() += u64::from(fetch.len);
                }
                self.go_on(cx)
            }
            // The entry node should have looked before it passed these bytes on: another one is asked, or it once more.
            Err(_) if is_other && self.tries < MAX_TRIES => {
                self.tries += 1;
                self.fetch(cx, fetch);
                Err(Stop::Fault(PeerFault::WrongContent))
            }
            Err(_) => Err(OpError::Damaged.into()),
        }
    }

    fn end_if_done(&mut self) -> Step {
        if !self.is_done || self.unconsumed > 0 {
            return Ok(None);
        }
        let sources = core::mem::take(&mut self.sources).into_iter().collect();
        Ok(Some(Outcome::Got { size: self.size, fresh: self.fresh, sources }))
    }
}

impl Operation for Get {
    fn start(&mut self, cx: &mut Context<'_>) -> Step {
        let seen = cx.load_seen(&[self.name, FLOOR_NAME]);
        let room = cx.effects.window.reserve(cx.op, FIRST_RESERVE);
        self.phase = Phase::Loading { seen, room };
        self.look(cx)
    }

    fn answered(&mut self, cx: &mut Context<'_>, request: RequestId, response: Response) -> Step {
        match self.phase {
            Phase::Looking => self.found(cx, response),
            _ => self.fetched(cx, request, response),
        }
    }

    fn job_done(&mut self, cx: &mut Context<'_>, ticket: Ticket, result: JobResult) -> Step {
        match result {
            JobResult::Opened(result) => self.opened(cx, ticket, result),
            _ => Ok(None),
        }
    }

    fn seen_settled(&mut self, cx: &mut Context<'_>) -> Step {
        if let Phase::Loading { seen, .. } = &mut self.phase {
            *seen = true;
            return self.look(cx);
        }
        match core::mem::replace(&mut self.phase, Phase::Delivering) {
            Phase::Raising(found) => self.tell(cx, &found),
            other => {
                self.phase = other;
                Ok(None)
            }
        }
    }

    fn room(&mut self, cx: &mut Context<'_>) -> Step {
        if let Phase::Loading { room, .. } = &mut self.phase {
            *room = true;
            return self.look(cx);
        }
        match core::mem::replace(&mut self.phase, Phase::Delivering) {
            Phase::Reserving { root, first, end } => {
                let mut config = cx.env.config.clone();
                config.client_window = cx.effects.window.reserved(cx.op);
                let download = Download::new(root, first, end, &config).map_err(|_| OpError::Damaged)?;
                self.download = Some(download);
                self.go_on(cx)
            }
            other => {
                self.phase = other;
                Ok(None)
            }
        }
    }

    fn consumed(&mut self, cx: &mut Context<'_>, count: usize) -> Result<Step, ApiMisuse> {
        self.unconsumed = self.unconsumed.checked_sub(count).ok_or(ApiMisuse::TooMuchData(cx.op))?;
        if let Some(download) = &mut self.download {
            download.consumed(count);
        }
        Ok(self.go_on(cx))
    }

    #[cfg(any(test, feature = "sim"))]
    fn gauge(&self, config: &Config, gauges: &mut Gauges) {
        let pieces = self.fetching.len() + self.fetched.len() + self.opening.len();
        gauges.count("client: pieces of a get", pieces, config.pieces_in_flight.max(1), "pieces_in_flight");
        gauges.count(
            "client: nodes that pieces came from",
            self.sources.len(),
            limit::MEMBERS,
            "limit::MEMBERS",
        );
    }
}

/// The asked range as first byte and end, cut to the file. Only a file's own bytes can be asked for.
fn clip(range: Option<(u64, Option<u64>)>, size: u64) -> Result<(u64, u64), OpError> {
    let Some((first, last)) = range else { return Ok((0, size)) };
    let last = last.unwrap_or(u64::MAX);
    if first >= size || last < first {
        return Err(OpError::BadRange);
    }
    Ok((first, last.saturating_add(1).min(size)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_is_inclusive_and_cut_to_the_file() {
        assert_eq!(clip(None, 0), Ok((0, 0)));
        assert_eq!(clip(Some((2, Some(4))), 10), Ok((2, 5)));
        assert_eq!(clip(Some((2, None)), 10), Ok((2, 10)));
        assert_eq!(clip(Some((2, Some(u64::MAX))), 10), Ok((2, 10)));
    }

    #[test]
    fn a_range_outside_the_file_is_refused() {
        assert_eq!(clip(Some((10, None)), 10), Err(OpError::BadRange));
        assert_eq!(clip(Some((0, None)), 0), Err(OpError::BadRange));
        assert_eq!(clip(Some((4, Some(3))), 10), Err(OpError::BadRange));
    }
}
