//! Messages: what is written is read, and nothing else is.

use alloc::vec;
use alloc::vec::Vec;

use bytes::Bytes;
use proptest::prelude::*;

use super::arbitrary::message;
use crate::config::limit;
use crate::crypto::Signature;
use crate::error::MalformedMessage;
use crate::id::{BlobId, Name, NodeId, SetHash};
use crate::record::tests::arbitrary::{NETWORK, SUITE, floor_header, key, sign};
use crate::record::{Admission, Fields, Header, Kind, Pin, PinBody, Record, Version};
use crate::wire::*;

fn whole(message: &Message) -> Bytes {
    let (head, payload) = message.encode();
    Bytes::from([head, payload].concat())
}

fn decode(bytes: impl Into<Bytes>) -> Result<Message, MalformedMessage> {
    Message::decode(SUITE, bytes.into())
}

fn has_payload(message: &Message) -> bool {
    matches!(
        message,
        Message::Request { request: Request::PutBlob { .. }, .. }
            | Message::Response { response: Response::Blob { .. }, .. }
    )
}

proptest! {
    #[test]
    fn a_message_reads_back_from_its_bytes(message in message()) {
        prop_assert_eq!(decode(whole(&message)), Ok(message));
    }

    #[test]
    fn a_message_cut_anywhere_is_malformed(message in message(), at: prop::sample::Index) {
        let bytes = whole(&message);
        let least = match &message {
            // The body of a request of an unknown kind says nothing, cut or not.
            Message::UnknownRequest { .. } => 5,
            // What is left without an optional field may be whole, too.
            Message::Response { id, response, vote: Some(_) } => whole(&Message::response(*id, response.clone())).len(),
            _ => bytes.len(),
        };
        let cut = bytes.slice(..at.index(least));
        prop_assert!(decode(cut).is_err());
    }

    #[test]
    fn bytes_after_a_message_are_malformed(message in message(), more in 1..6_usize) {
        prop_assume!(!matches!(message, Message::UnknownRequest { .. }));
        // Fewer bytes than a field has before its value are none, whatever they say.
        let bytes = [&whole(&message)[..], &vec![0; more]].concat();
        prop_assert!(decode(bytes).is_err());
    }

    #[test]
    fn unknown_optional_fields_are_skipped(message in message(), tag in 3..u16::MAX, value: Vec<u8>) {
        let (head, payload) = message.encode();
        // The payload is the last field; its header ends the head.
        let end = head.len() - if has_payload(&message) { 6 } else { 0 };
        let len = u32::try_from(value.len()).unwrap().to_be_bytes();
        let bytes = [&head[..end], &tag.to_be_bytes(), &len, &value, &head[end..], &payload].concat();
        prop_assert_eq!(decode(bytes), Ok(message));
    }

    #[test]
    fn a_changed_message_is_another_one_or_a_typed_error(
        message in message(), at: prop::sample::Index, change in 1..=255_u8,
    ) {
        let mut bytes = whole(&message).to_vec();
        let at = at.index(bytes.len());
        bytes[at] ^= change;
        if let Ok(read) = decode(bytes) {
            prop_assert_eq!(decode(whole(&read)), Ok(read));
        }
    }

    #[test]
    fn any_bytes_are_a_message_or_a_typed_error(bytes: Vec<u8>) {
        let _ = decode(bytes);
    }

    #[test]
    fn the_outline_of_a_message_agrees_with_the_message(message in message(), from_client: bool) {
        let header = *whole(&message).first_chunk::<MESSAGE_HEADER>().unwrap();
        let expected = match &message {
            Message::Hello(_) => Outline::Hello,
            Message::Credit { .. } | Message::Goodbye(_) => Outline::Link,
            Message::Request { id, request } => Outline::Request { id: *id, class: request.class(from_client) },
            Message::UnknownRequest { id } => Outline::Request { id: *id, class: Class::Control },
            Message::Response { id, .. } => Outline::Response { id: *id },
        };
        prop_assert_eq!(Outline::read(&header, from_client), Some(expected));
    }
}

#[test]
fn requests_that_write_use_credit_and_all_others_none() {
    let put = Request::PutBlob { pins: Vec::new(), blob: Bytes::new() };
    assert_eq!((put.class(true), put.class(false)), (Class::Relay, Class::Terminal));
    let get = Request::GetBlob { id: BlobId([0; 32]), offset: 0, len: 0 };
    assert_eq!((get.class(true), get.class(false)), (Class::Control, Class::Control));
    assert_eq!(Request::PutPins { pins: Vec::new() }.class(false), Class::Terminal);
}

#[test]
fn a_request_of_an_unknown_kind_is_known_as_such_whatever_it_says() {
    for kind in [0x16, 0x27, 0x32, 0x7F] {
        assert_eq!(decode(vec![kind, 0, 0, 0, 9, 1, 2, 3]), Ok(Message::UnknownRequest { id: 9 }));
    }
}

#[test]
fn an_answer_or_link_message_of_an_unknown_kind_is_malformed() {
    for kind in [0x03, 0x0F, 0x80, 0x96, 0xFE] {
        assert_eq!(decode(vec![kind, 0, 0, 0, 0]), Err(MalformedMessage::Value), "{kind:#x}");
    }
    assert_eq!(Outline::read(&[0x03, 0, 0, 0, 0], false), None);
}

#[test]
fn numbers_of_later_versions_read_as_other() {
    let goodbye = decode(vec![0x02, 0, 0, 0, 0, 99]);
    assert_eq!(goodbye, Ok(Message::Goodbye(CloseReason::Other)));
    let error = WireError { code: ErrorCode::Other, current: None };
    let error = Message::response(1, Response::Error(error));
    assert_eq!(decode(vec![0xFF, 0, 0, 0, 1, 99, 0]), Ok(error));
}

#[test]
fn link_messages_have_no_request_id() {
    assert_eq!(decode(vec![0x02, 0, 0, 0, 1, 0]), Err(MalformedMessage::Value));
}

#[test]
fn credit_is_told_only_of_classes_of_which_it_is_kept() {
    let credit = |class: u8| decode(vec![0x01, 0, 0, 0, 0, class, 0, 0, 0, 9]).map(|_| ());
    let malformed = Err(MalformedMessage::Value);
    assert_eq!([0, 1, 2, 3].map(credit), [malformed, Ok(()), Ok(()), malformed]);
}

#[test]
fn small_messages_have_these_bytes() {
    let ping = Message::Request { id: 7, request: Request::Ping { unix_ms: 0x0102_0304 } };
    assert_eq!(whole(&ping)[..], [0x30, 0, 0, 0, 7, 0, 0, 0, 0, 1, 2, 3, 4]);
    let credit = Message::Credit { class: Class::Relay, bytes: 65536 };
    assert_eq!(whole(&credit)[..], [0x01, 0, 0, 0, 0, 2, 0, 1, 0, 0]);
    let stored = Message::response(7, Response::Stored { copies: 2, wanted: 2 });
    assert_eq!(whole(&stored)[..], [0x91, 0, 0, 0, 7, 2, 2]);
}

#[test]
fn a_vote_stands_in_the_optional_fields_of_an_answer() {
    let response = Response::Stored { copies: 1, wanted: 1 };
    let shards: Shards = [0, 9, 255].into_iter().collect();
    let vote = Vote { set: SetHash([7; 32]), shards: Some(shards) };
    let bytes = whole(&Message::Response { id: 7, response, vote: Some(vote) });
    let bitmap = [&[1, 2][..], &[0; 29], &[128]].concat();
    let fields = [&[0, 1, 0, 0, 0, 32][..], &[7; 32], &[0, 2, 0, 0, 0, 32], &bitmap].concat();
    assert_eq!(bytes[..], [&[0x91, 0, 0, 0, 7, 1, 1][..], &fields].concat());
    assert_eq!(shards.iter().collect::<Vec<_>>(), [0, 9, 255]);
}

#[test]
fn a_vote_of_another_length_is_malformed() {
    let with = |tag: u8, len: u8| {
        let header = [0x91, 0, 0, 0, 7, 1, 1, 0, tag, 0, 0, 0, len];
        decode([&header[..], &vec![0; usize::from(len)]].concat()).map(|_| ())
    };
    assert_eq!([with(1, 31), with(1, 33)], [Err(MalformedMessage::Value), Err(MalformedMessage::Value)]);
    // Shards without a set are no vote, and neither is there one in an answer that cannot have one.
    assert_eq!([with(1, 32), with(2, 5)], [Ok(()), Ok(())]);
}

#[test]
fn a_blob_is_not_copied_on_its_way_into_or_out_of_a_message() {
    let blob = Bytes::from(vec![5; 1000]);
    let message =
        Message::Request { id: 1, request: Request::PutBlob { pins: Vec::new(), blob: blob.clone() } };
    let (_, payload) = message.encode();
    assert_eq!(payload.as_ptr(), blob.as_ptr());
    let bytes = whole(&message);
    let end = bytes.as_ptr_range().end;
    let Ok(Message::Request { request: Request::PutBlob { blob, .. }, .. }) = decode(bytes) else { panic!() };
    assert_eq!(blob.as_ptr_range().end, end);
}

#[test]
fn a_payload_ends_its_message_and_is_bounded() {
    let head = |len: u32| [&[0x11, 0, 0, 0, 1, 0, 0, 0xFF, 0xFF][..], &len.to_be_bytes()].concat();
    let with = |len: u32, bytes: usize| decode([head(len), vec![0; bytes]].concat()).map(|_| ());
    let most = u32::try_from(limit::BLOB).unwrap();
    assert_eq!(with(most, limit::BLOB), Ok(()));
    assert_eq!(with(most + 1, limit::BLOB + 1), Err(MalformedMessage::Limit));
    assert_eq!(with(1, 2), Err(MalformedMessage::Trailing));
    assert_eq!(with(2, 1), Err(MalformedMessage::Short));
    assert_eq!(decode(vec![0x11, 0, 0, 0, 1, 0, 0]), Err(MalformedMessage::Short));
}

#[test]
fn optional_fields_are_bounded_and_in_order() {
    let with = |fields: &[u8]| decode([&[0x17, 0, 0, 0, 1][..], fields].concat()).map(|_| ());
    let field = |tag: u8, len: usize| {
        let header = [&[0, tag][..], &u32::try_from(len).unwrap().to_be_bytes()].concat();
        [header, vec![0; len]].concat()
    };
    assert_eq!(with(&field(9, limit::FIELDS - 6)), Ok(()));
    assert_eq!(with(&field(9, limit::FIELDS - 5)), Err(MalformedMessage::Limit));
    assert_eq!(with(&[field(9, 1), field(9, 1)].concat()), Err(MalformedMessage::FieldOrder));
    assert_eq!(with(&[field(9, 1), field(8, 1)].concat()), Err(MalformedMessage::FieldOrder));
}

/// A record of owner 1 with a head of this many bytes.
fn record(name: u8, head: usize) -> Record {
    let header = Header {
        name: Name([name; 32]),
        kind: Kind::File,
        floor: None,
        ..floor_header(Version::new(1000, 0, [1; 8]).unwrap(), 0)
    };
    sign(header, &vec![1; head], &[])
}

#[test]
fn a_list_that_does_not_fit_its_message_says_where_it_ends() {
    let records: Vec<Record> = (1..=100).map(|name| record(name, 60_000)).collect();
    let response = Response::Records { records, next: None, floor: Some(record(1, 60_000)), complete: true };
    let bytes = whole(&Message::response(1, response));
    assert!(bytes.len() <= limit::MESSAGE);
    let Ok(Message::Response { response: Response::Records { records, next, .. }, .. }) = decode(bytes)
    else {
        panic!()
    };
    assert!(records.len() > 60 && records.len() < 100);
    assert_eq!(next, Some(ListCursor(records.last().unwrap().header().name)));
}

/// The largest pin: with a grant it has one known field, and unknown ones up to their limit.
fn largest_pin() -> Pin {
    let body = PinBody {
        owner: crate::id::OwnerId(*key(1).public()),
        name: Name([1; 32]),
        object: crate::id::ObjectId([1; 16]),
        since: Version::ZERO,
        blob: BlobId([1; 32]),
        length: 1,
        grant: None,
    };
    let pin = Pin::sign(&NETWORK, &key(1), body);
    let value = vec![0; limit::FIELDS - 6];
    let len = u32::try_from(value.len()).unwrap().to_be_bytes();
    let (signed, signature) = pin.bytes().split_at(pin.bytes().len() - 64);
    Pin::parse(Bytes::from([signed, &[0, 9], &len, &value, signature].concat())).unwrap()
}

#[test]
fn a_list_longer_than_a_page_may_be_is_malformed() {
    let row = record(1, 60_000);
    let most = limit::LIST_BYTES / row.bytes().len();
    let records = vec![row.clone(); most];
    let response = Response::Records { records, next: None, floor: None, complete: true };
    let bytes = whole(&Message::response(1, response));
    assert!(decode(bytes.clone()).is_ok());
    let (head, rows) = bytes.split_at(MESSAGE_HEADER);
    let (count, rows) = rows.split_at(2);
    assert_eq!(count, u16::try_from(most).unwrap().to_be_bytes());
    let more = u16::try_from(most + 1).unwrap().to_be_bytes();
    let len = u32::try_from(row.bytes().len()).unwrap().to_be_bytes();
    let longer = [head, &more, &len, row.bytes(), rows].concat();
    assert!(longer.len() <= limit::MESSAGE, "nothing else is wrong with it");
    assert_eq!(decode(longer), Err(MalformedMessage::Value));
}

#[test]
fn whatever_can_be_put_into_a_message_leaves_as_one_that_peers_accept() {
    let pins = |count| (0..count).map(|_| largest_pin()).collect();
    let mut unknown = Fields::default();
    unknown.insert(9, Bytes::from(vec![0; limit::FIELDS - 6])).unwrap();
    let admission = Admission {
        node: NodeId([1; 32]),
        positions: 1,
        volatile: false,
        serial: 1,
        not_after: 0,
        unknown,
        signature: Signature([0; 64]),
    };
    let page = MembershipPage {
        admissions: (0..300).map(|_| (admission.clone(), vec![([127, 0, 0, 1], 1).into(); 20])).collect(),
        ..MembershipPage::default()
    };
    let status = Status { version: "ä".repeat(400), ..Status::default() };
    let verified =
        Response::Verified { checked: 0, bytes: 0, damaged: vec![BlobId([1; 32]); 5000], next: None };
    let requests = [
        (Request::Have { pins: pins(300) }, limit::MESSAGE),
        (Request::PutBlob { pins: pins(20), blob: vec![0; limit::BLOB + 9].into() }, limit::MESSAGE),
        (Request::View(page.clone()), limit::CONTROL_MESSAGE),
    ];
    let responses = [
        (Response::Have { copies: vec![0; 70_000], wanted: 1 }, limit::CONTROL_MESSAGE),
        (Response::Blob { source: NodeId([1; 32]), bytes: vec![0; limit::BLOB + 9].into() }, limit::MESSAGE),
        (Response::Status(status), limit::CONTROL_MESSAGE),
        (verified, limit::CONTROL_MESSAGE),
        (Response::View(page), limit::CONTROL_MESSAGE),
    ];
    let requests = requests.map(|(request, max)| (Message::Request { id: 1, request }, max));
    let responses = responses.map(|(response, max)| (Message::response(1, response), max));
    for (message, max) in requests.into_iter().chain(responses) {
        let bytes = whole(&message);
        assert!(bytes.len() <= max, "{} bytes", bytes.len());
        assert!(decode(bytes).is_ok());
    }
}
