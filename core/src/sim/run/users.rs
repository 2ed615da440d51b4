//! The users of a run: what their devices are doing, fed with data and compared with the model as it ends. Must not know
//! nodes' disks or links.

use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use bytes::Bytes;

use super::model::{Content, Copies, DeviceNo, End, Found, KeyNo, Model, Read, Seen, VaultNo, What, WriteId};
use super::script::{content, key_text};
use crate::client::{Client, ClientEvent, FileMeta, GetOptions, Outcome, StoreOptions};
use crate::error::{OpError, PeerFault};
use crate::id::OpId;
use crate::record::Version;
use crate::time::{Instant, Now};

/// One device of a user, and what it is doing.
#[derive(Debug)]
pub(super) struct User {
    pub(super) number: DeviceNo,
    pub(super) vault: VaultNo,
    running: BTreeMap<OpId, Running>,
}

#[derive(Debug)]
struct Running {
    doing: Doing,
    began: Instant,
}

#[derive(Debug)]
pub(super) enum Doing {
    Store {
        key: KeyNo,
        write: WriteId,
        rest: Bytes,
        finished: bool,
    },
    Get {
        key: KeyNo,
        part: Option<(u32, u32)>,
        seen: Seen,
        meta: Option<FileMeta>,
        bytes: Vec<u8>,
    },
    Delete {
        write: WriteId,
    },
    Clear {
        write: WriteId,
    },
    List {
        seen: Seen,
        files: Vec<FileMeta>,
    },
    /// What a home asks of its node.
    Other,
}

/// What has ended, as far as someone must look at disks for it.
#[derive(Debug)]
pub(super) enum Ended {
    /// A store that was acknowledged in full.
    Stored { key: KeyNo, version: Version, wanted: u8 },
    /// Of a home's command.
    Other(Result<Outcome, OpError>),
    /// Anything else: the error's code if it failed.
    Said(Option<&'static str>),
}

/// What stands around a run while an operation ends.
#[derive(Clone, Copy, Debug)]
pub(super) struct Around {
    pub(super) now: Now,
    pub(super) clocks_off_ms: u64,
    /// All faults are over and no disk was lost.
    pub(super) all_counts: bool,
    /// All faults are over: nothing may fail any more.
    pub(super) is_calm: bool,
    /// See `Conditions`.
    pub(super) is_split: bool,
    /// See `Conditions`.
    pub(super) some_ends: bool,
    /// Peers may lie.
    pub(super) liars: bool,
}

impl User {
    pub(super) const fn new(number: DeviceNo, vault: VaultNo) -> Self {
        Self { number, vault, running: BTreeMap::new() }
    }

    pub(super) fn is_busy(&self) -> bool {
        !self.running.is_empty()
    }

    /// How many operations are running, and since when the oldest is.
    pub(super) fn oldest(&self) -> Option<Instant> {
        self.running.values().map(|running| running.began).min()
    }

    /// The machine is gone, and what it was doing with it: nobody will ever know how that ended.
    pub(super) fn is_gone(&mut self) {
        self.running.clear();
    }

    #[allow(clippy::too_many_arguments, reason = "the fields of one step of a script")]
    pub(super) fn store(
        &mut self,
        model: &mut Model,
        at: Instant,
        client: &mut Client,
        now: Now,
        key: KeyNo,
        file: Content,
        ttl_s: u32,
    ) {
        let ttl_ms = (ttl_s > 0).then(|| u64::from(ttl_s) * 1000);
        let op = client.store(now, &key_text(key), StoreOptions { ttl_ms, ..StoreOptions::default() });
        let expires = ttl_ms.map_or(0, |ttl| now.unix_ms + ttl);
        let write = model.begin(self.vault, Some(key), What::File { content: file, expires });
        let rest = Bytes::from(content(file.1, file.0));
        self.running
            .insert(op, Running { doing: Doing::Store { key, write, rest, finished: false }, began: at });
    }

    #[allow(clippy::too_many_arguments, reason = "the fields of one step of a script")]
    pub(super) fn get(
        &mut self,
        model: &Model,
        at: Instant,
        client: &mut Client,
        now: Now,
        key: KeyNo,
        part: Option<(u32, u32)>,
        fresh: bool,
    ) {
        let range =
            part.map(|(from, bytes)| (from.into(), Some(u64::from(from) + u64::from(bytes).max(1) - 1)));
        let op = client.get(now, &key_text(key), GetOptions { range, fresh });
        let seen = model.seen_by(self.number);
        let doing = Doing::Get { key, part, seen, meta: None, bytes: Vec::new() };
        self.running.insert(op, Running { doing, began: at });
    }

    pub(super) fn delete(
        &mut self,
        model: &mut Model,
        at: Instant,
        client: &mut Client,
        now: Now,
        key: KeyNo,
    ) {
        let op = client.delete(now, &key_text(key));
        let write = model.begin(self.vault, Some(key), What::Gone);
        self.running.insert(op, Running { doing: Doing::Delete { write }, began: at });
    }

    pub(super) fn clear(&mut self, model: &mut Model, at: Instant, client: &mut Client, now: Now) {
        let op = client.clear(now);
        let write = model.begin(self.vault, None, What::Gone);
        self.running.insert(op, Running { doing: Doing::Clear { write }, began: at });
    }

    pub(super) fn list(&mut self, model: &Model, at: Instant, client: &mut Client, now: Now) {
        let op = client.list(now, "");
        let seen = model.seen_by(self.number);
        self.running.insert(op, Running { doing: Doing::List { seen, files: Vec::new() }, began: at });
    }

    /// A command whose result is nobody's file.
    pub(super) fn other(&mut self, at: Instant, op: OpId) {
        self.running.insert(op, Running { doing: Doing::Other, began: at });
    }

    pub(super) fn cancel_oldest(&mut self, client: &mut Client, now: Now) {
        if let Some(op) = self.running.keys().next() {
            client.cancel(now, *op);
        }
    }

    /// Answers an event, or compares with the model what an operation came to.
    pub(super) fn heed(
        &mut self,
        model: &mut Model,
        around: &Around,
        client: &mut Client,
        now: Now,
        event: ClientEvent,
    ) -> Result<Option<Ended>, String> {
        match event {
            ClientEvent::NeedData { op, max } => {
                if let Some(Running { doing: Doing::Store { rest, finished, .. }, .. }) =
                    self.running.get_mut(&op)
                    && !*finished
                {
                    let portion = rest.split_to(rest.len().min(max));
                    *finished = rest.is_empty();
                    let is_last = *finished;
                    client.provide(now, op, portion).map_err(|error| format!("provide: {error}"))?;
                    if is_last {
                        client.finish(now, op).map_err(|error| format!("finish: {error}"))?;
                    }
                }
                Ok(None)
            }
            ClientEvent::Found { op, meta: found } => {
                let Some(Running { doing: Doing::Get { key, seen, meta, .. }, .. }) =
                    self.running.get_mut(&op)
                else {
                    return Ok(None);
                };
                let version = found.version;
                *meta = Some(found);
                model.given(self.number, seen, *key, version).map(|()| None)
            }
            ClientEvent::Data { op, bytes: some, .. } => {
                let count = some.len();
                if let Some(Running { doing: Doing::Get { bytes, .. }, .. }) = self.running.get_mut(&op) {
                    bytes.extend_from_slice(&some);
                }
                client.consumed(now, op, count).map_err(|error| format!("consumed: {error}"))?;
                Ok(None)
            }
            ClientEvent::Entries { op, entries } => {
                client.consumed(now, op, entries.len()).map_err(|error| format!("consumed: {error}"))?;
                let Some(Running { doing: Doing::List { seen, files }, .. }) = self.running.get_mut(&op)
                else {
                    return Ok(None);
                };
                files.extend(entries.iter().cloned());
                for key in model.keys(self.vault) {
                    for file in entries.iter().filter(|file| file.key == key_text(key)) {
                        model.given(self.number, seen, key, file.version)?;
                    }
                }
                Ok(None)
            }
            ClientEvent::Done { op, outcome } => self.ended(model, around, op, Ok(outcome)).map(Some),
            ClientEvent::Failed { op, error } => self.ended(model, around, op, Err(error)).map(Some),
            ClientEvent::Connected { .. } => Ok(None),
            // Whoever cannot be reached any more is silent; whoever stands still takes nothing.
            ClientEvent::Disconnected {
                fault: None | Some(PeerFault::Silent | PeerFault::Stalled | PeerFault::HandshakeTimeout),
            } => Ok(None),
            ClientEvent::Disconnected { .. } if around.liars => Ok(None),
            ClientEvent::Disconnected { fault: Some(fault) } => {
                Err(format!("c{}: an honest peer was found at fault: {fault}", self.number))
            }
        }
    }

    fn ended(
        &mut self,
        model: &mut Model,
        around: &Around,
        op: OpId,
        result: Result<Outcome, OpError>,
    ) -> Result<Ended, String> {
        let Some(Running { doing, began }) = self.running.remove(&op) else {
            return Err(format!("c{}: operation {op} ended twice", self.number));
        };
        if let Err(error) = &result {
            self.check_error(model, &doing, around, error)?;
        }
        let said = Ok(Ended::Said(result.as_ref().err().map(OpError::code)));
        let at = around.now.mono;
        match (doing, result) {
            (Doing::Other, result) => Ok(Ended::Other(result)),
            (Doing::Store { key, write, .. }, Ok(Outcome::Stored { copies, wanted, version, .. })) => {
                let on = Copies::of(copies, wanted);
                model.end(write, End::Acknowledged { at, version, on });
                model.saw(self.number, key, version);
                if on == Copies::Enough { Ok(Ended::Stored { key, version, wanted }) } else { said }
            }
            (Doing::Delete { write }, Ok(Outcome::Deleted { copies, wanted, version }))
            | (Doing::Clear { write }, Ok(Outcome::Cleared { copies, wanted, version })) => {
                model.end(write, End::Acknowledged { at, version, on: Copies::of(copies, wanted) });
                said
            }
            (Doing::Get { key, part, meta, bytes, .. }, Ok(Outcome::Got { fresh, .. })) => {
                let Some(meta) = meta else { return Err(format!("k{key} was delivered and never found")) };
                let stored = self.content_of(model, key, meta.size, part, &bytes)?;
                let found = Found { version: meta.version, content: Some(stored).filter(|_| part.is_none()) };
                model.check(&self.read(around, key, began, fresh, Some(found)))?;
                said
            }
            (Doing::Get { key, .. }, Err(OpError::NotFound)) => {
                model.check(&self.read(around, key, began, true, None))?;
                said
            }
            (Doing::List { files, .. }, Ok(Outcome::Listed { complete })) => {
                for key in model.keys(self.vault) {
                    let mut listed = files.iter().filter(|file| file.key == key_text(key));
                    let found = listed.next().map(|file| Found { version: file.version, content: None });
                    if listed.next().is_some() {
                        return Err(format!("k{key} is listed twice"));
                    }
                    // What an incomplete list leaves out says nothing.
                    if found.is_some() || complete {
                        model.check(&self.read(around, key, began, complete, found))?;
                    }
                }
                said
            }
            (_, Err(_)) => said,
            (doing, Ok(outcome)) => Err(format!("{doing:?} ended as {outcome:?}")),
        }
    }

    fn read(&self, around: &Around, key: KeyNo, began: Instant, fresh: bool, found: Option<Found>) -> Read {
        // A majority of which some lie may miss what was acknowledged: members are trusted for that.
        let fresh = fresh && !around.liars && !around.is_split;
        Read {
            vault: self.vault,
            key,
            began,
            unix_ms: (around.now.unix_ms.saturating_sub(since(around.now.mono, began)), around.now.unix_ms),
            clocks_off_ms: around.clocks_off_ms,
            fresh,
            all_counts: around.all_counts,
            found,
        }
    }

    /// Which of the contents that were ever stored under a key these bytes are (or are this part of).
    fn content_of(
        &self,
        model: &Model,
        key: KeyNo,
        size: u64,
        part: Option<(u32, u32)>,
        bytes: &[u8],
    ) -> Result<Content, String> {
        let is_it = |stored: &Content| {
            let whole = content(stored.1, stored.0);
            match part {
                None => whole == bytes,
                Some((from, count)) => {
                    let to = whole.len().min(from as usize + (count as usize).max(1));
                    whole.get(from as usize..to) == Some(bytes)
                }
            }
        };
        let mut stored =
            model.contents(self.vault, key).into_iter().filter(|stored| u64::from(stored.0) == size);
        stored.find(is_it).ok_or_else(|| format!("k{key}: {} bytes that nobody stored so", bytes.len()))
    }
}

/// For how many milliseconds.
fn since(now: Instant, began: Instant) -> u64 {
    u64::try_from(now.since(began).as_millis()).unwrap_or(u64::MAX)
}
