//! Listens in on links whose cipher hides nothing ([`Suite::Sim`]), and tells which messages go over them: for traces. Must
//! not know what comes of them.

use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt::{self, Write as _};

use bytes::{Bytes, BytesMut};

use super::super::network::HostId;
use super::super::observer::{Fault, Seen};
use crate::crypto::Suite;
use crate::driver::{Input, Output};
use crate::id::ConnId;
use crate::record::{Pin, Record};
use crate::wire::{FRAME_TAG, FrameBuffer, MAX_FRAME, Message, Request, Response, Segment};

/// All links of a run, each at both of its ends.
#[derive(Debug, Default)]
pub(super) struct Taps {
    ways: BTreeMap<(HostId, ConnId, Way), Tap>,
}

/// A direction of a link, as one of its ends sees it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Way {
    Out,
    In,
}

/// What goes one way.
#[derive(Debug)]
struct Tap {
    frames: FrameBuffer,
    /// Messages of the handshake to come: the side that dials has two of the three.
    handshake: u8,
    /// Messages that are not whole.
    streams: BTreeMap<u32, BytesMut>,
    /// It is not understood any more.
    lost: bool,
}

impl Taps {
    /// Follows what happens at a host; returns the messages whose last byte is in it, each in some words.
    pub(super) fn follow<E>(&mut self, host: HostId, seen: &Seen<'_, E>) -> Vec<String> {
        match seen {
            Seen::Output(Output::Send { conn, bytes }) => self.heard(host, *conn, Way::Out, bytes),
            Seen::Input(Input::Received { conn, bytes }) => self.heard(host, *conn, Way::In, bytes),
            Seen::Input(Input::Disconnected { conn }) => {
                for way in [Way::Out, Way::In] {
                    self.ways.remove(&(host, *conn, way));
                }
                Vec::new()
            }
            Seen::Fault(Fault::Start | Fault::Crash) => {
                self.ways.retain(|(of, ..), _| *of != host);
                Vec::new()
            }
            _ => Vec::new(),
        }
    }

    fn heard(&mut self, host: HostId, conn: ConnId, way: Way, bytes: &Bytes) -> Vec<String> {
        let is_of_dialler = conn.is_dialled() == (way == Way::Out);
        let tap = self.ways.entry((host, conn, way)).or_insert_with(|| Tap::new(is_of_dialler));
        tap.frames.push(bytes.clone());
        let mut told = Vec::new();
        if !tap.lost && tap.read(&mut told).is_none() {
            // Who lies may send anything.
            tap.lost = true;
            told.push("something else".into());
        }
        told
    }
}

impl Tap {
    fn new(is_of_dialler: bool) -> Self {
        let handshake = if is_of_dialler { 2 } else { 1 };
        Self { frames: FrameBuffer::default(), handshake, streams: BTreeMap::new(), lost: false }
    }

    fn read(&mut self, told: &mut Vec<String>) -> Option<()> {
        while let Some(frame) = self.frames.frame(MAX_FRAME).ok()? {
            if self.handshake > 0 {
                self.handshake -= 1;
                told.push(if frame.is_empty() { "no link now" } else { "handshake" }.into());
                continue;
            }
            let mut plain = frame.freeze();
            plain.truncate(plain.len().checked_sub(FRAME_TAG)?);
            while !plain.is_empty() {
                let segment = Segment::decode(&mut plain).ok()?;
                if let Some(message) = self.take(segment) {
                    told.push(words(&Message::decode(Suite::Sim, message).ok()?));
                }
            }
        }
        Some(())
    }

    /// A message of which this is the last segment.
    fn take(&mut self, mut segment: Segment) -> Option<Bytes> {
        const LENGTH: usize = 4;
        if segment.first {
            let begin = segment.bytes.len().min(LENGTH);
            self.streams.insert(segment.stream, BytesMut::from(&segment.bytes.split_off(begin)[..]));
        } else {
            self.streams.get_mut(&segment.stream)?.extend_from_slice(&segment.bytes);
        }
        segment.last.then(|| self.streams.remove(&segment.stream)).flatten().map(BytesMut::freeze)
    }
}

/// A message: what it is, to which request it belongs, and what it is about.
fn words(message: &Message) -> String {
    match message {
        Message::Hello(hello) => format!("Hello of a {:?}", hello.role),
        Message::Credit { class, bytes } => format!("Credit {class:?} {bytes}"),
        Message::Goodbye(reason) => format!("Goodbye {reason:?}"),
        Message::Request { id, request } => format!("#{id} {}{}", kind(request), asked(request)),
        Message::UnknownRequest { id } => format!("#{id} of an unknown kind"),
        Message::Response { id, response, vote } => {
            let vote = if vote.is_some() { ", with a vote" } else { "" };
            format!("#{id} = {}{}{vote}", kind(response), answered(response))
        }
    }
}

fn asked(request: &Request) -> String {
    match request {
        Request::Have { pins } => pinned(pins.iter()),
        Request::PutBlob { pins, blob } => format!("{}, {} bytes", pinned(pins.iter()), blob.len()),
        Request::PutPins { pins } => pinned(pins.iter().map(|row| &row.pin)),
        Request::GetBlob { id, offset, len } => format!(" {id:?} from {offset}, {len} bytes"),
        Request::PutRecord { record } | Request::Forget { record } => stored(record),
        Request::GetRecord { name, .. } => format!(" {name:?}"),
        Request::ListRecords { after, rows, .. } => format!(" after {after:?}, {rows} rows"),
        Request::PullRecords { part, after, .. } => format!(" {part:?} after {}", place(after.is_some())),
        Request::PullPins { after, .. } => format!(" after {}", place(after.is_some())),
        Request::Prove { blobs, .. } => format!(" {blobs:?}"),
        Request::CheckPins { lapse, checks } => format!(" of {} objects, lapse {lapse}", checks.len()),
        _ => String::new(),
    }
}

fn answered(response: &Response) -> String {
    match response {
        Response::Have { copies, wanted } => format!(" {copies:?} of {wanted}"),
        Response::Stored { copies, wanted } => format!(" {copies} of {wanted}"),
        Response::Blob { source, bytes } => format!(" of {source:?}, {} bytes", bytes.len()),
        Response::Record { record, floor, fresh } => {
            let record = record.as_ref().map_or(" none".into(), stored);
            format!("{record}, floor {:?}, fresh {fresh}", floor.as_ref().map(|floor| floor.header().version))
        }
        Response::Records { records, complete, .. } => format!(" {}, complete {complete}", records.len()),
        Response::PulledRecords(page) => format!(" {}", page.records.len()),
        Response::PulledPins(page) => pinned(page.pins.iter().map(|row| &row.pin)),
        Response::PinsKept(kept) => format!(" {:?}", kept.kept),
        Response::Error(error) => {
            format!(" {:?}{}", error.code, error.current.as_ref().map(stored).unwrap_or_default())
        }
        Response::Forgotten { clean } => format!(" clean {clean}"),
        _ => String::new(),
    }
}

fn stored(record: &Record) -> String {
    let header = record.header();
    let form = match () {
        () if header.floor.is_some() => "floor",
        () if header.is_tombstone() => "tombstone",
        () if record.is_stub() => "stub",
        () => "file",
    };
    format!(" {:?} {:?} ({form})", header.name, header.version)
}

fn pinned<'a>(mut pins: impl ExactSizeIterator<Item = &'a Pin>) -> String {
    let count = pins.len();
    let Some(first) = pins.next().map(Pin::body) else { return " of no pins".into() };
    let more = if count > 1 { format!(" and {} more", count - 1) } else { String::new() };
    format!(" {:?} of {:?} since {:?}{more}", first.blob, first.object, first.since)
}

const fn place(is_later: bool) -> &'static str {
    if is_later { "the last page" } else { "nothing" }
}

/// The name of a value's variant; its fields may be long, and are not written.
fn kind(value: &dyn fmt::Debug) -> String {
    struct Name(String);
    impl fmt::Write for Name {
        fn write_str(&mut self, text: &str) -> fmt::Result {
            let end = text.find(|c: char| !c.is_alphanumeric());
            self.0.push_str(&text[..end.unwrap_or(text.len())]);
            // An error ends the writing.
            if end.is_some() { Err(fmt::Error) } else { Ok(()) }
        }
    }
    let mut name = Name(String::new());
    let _ = write!(name, "{value:?}");
    name.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::BlobId;

    #[test]
    fn a_message_is_told_by_its_kind_its_request_and_what_it_is_about() {
        let blob = BlobId([0xab; 32]);
        let request = Request::GetBlob { id: blob, offset: 1, len: 2 };
        let asked = words(&Message::Request { id: 7, request });
        assert_eq!(asked, "#7 GetBlob BlobId(abababab…) from 1, 2 bytes");
        let stored = words(&Message::response(7, Response::Stored { copies: 1, wanted: 2 }));
        assert_eq!(stored, "#7 = Stored 1 of 2");
    }

    #[test]
    fn of_a_kind_only_the_name_is_written() {
        assert_eq!(kind(&Request::Status), "Status");
        assert_eq!(kind(&Request::Ping { unix_ms: 1 }), "Ping");
        assert_eq!(kind(&Response::Peers(Vec::new())), "Peers");
    }
}
