//! Records say what their writer meant, to their owner only, and nothing else can be made of their parts.

use super::super::head::encode_body;
use super::*;
use crate::crypto::{Part, SpaceKeys, seal_record_part};
use crate::id::{Name, NetworkId, ObjectId};
use crate::record::{Kind, LiveObject, Record, Version, verify_pin, verify_record};
use alloc::string::String;
use proptest::prelude::*;

const NETWORK: NetworkId = NetworkId([9; 32]);

fn since(ms: u64) -> Version {
    Version::new(ms, 0, [5; 8]).unwrap()
}

fn record_of(vault: &Vault, key: &str, content: &Content) -> Record {
    let (parent, since) = (Some(since(1)), since(2));
    let draft = FileDraft { key, since, parent, modified_ms: 1234, expires: 99_999, content };
    file_record(vault.keys(), &NETWORK, &draft).unwrap()
}

fn inline(len: usize) -> Content {
    Content::Inline(bytes(1, len))
}

#[test]
fn an_inline_file_of_any_size_comes_back_from_its_record() {
    let vault = vault(1);
    for len in [0, 1, 125, 126, 127, 128, 129, 5000, limit::INLINE - 1, limit::INLINE] {
        let record = record_of(&vault, "a/b.txt", &inline(len));
        verify_record(Suite::Real, &NETWORK, &record, None).unwrap();
        let record = Record::parse(Suite::Real, record.bytes().clone()).unwrap();
        let head = open_head(vault.keys(), &record, Some("a/b.txt")).unwrap();
        let expected = Head {
            key: "a/b.txt".into(),
            size: len as u64,
            modified_ms: 1234,
            parents: vec![since(1)],
            content: HeadContent::Inline,
        };
        assert_eq!(head, expected);
        assert_eq!(open_body(vault.keys(), &record, &head).unwrap(), bytes(1, len));
        assert_eq!(record.header().expires, 99_999);
    }
}

#[test]
fn a_large_file_comes_back_from_its_record_and_blobs() {
    let (vault, data) = (vault(1), bytes(2, 3 << 20));
    let (content, blobs) = upload(&vault, &data, 1 << 20);
    let record = record_of(&vault, "large", &content);
    let head = open_head(vault.keys(), &record, None).unwrap();
    let HeadContent::Tree { object, root } = head.content else { panic!("it has pieces") };
    let Content::Tree { blobs: count, bytes: padded, .. } = content else { panic!("it has pieces") };
    assert_eq!(record.header().live, [LiveObject { object, bytes: padded, blobs: count }]);
    assert!(record.body().is_empty());
    assert!(download(&root, &blobs, 0, head.size).unwrap().0 == data);
}

#[test]
fn a_record_tells_peers_only_the_class_of_the_lengths_inside() {
    let vault = vault(1);
    let sizes = |key: &str, len| {
        let record = record_of(&vault, key, &inline(len));
        (record.head().len(), record.body().len())
    };
    assert_eq!(sizes("a", 0), sizes(&"b".repeat(60), 126));
    assert_eq!(sizes("a", 10_000), sizes("c", 10_100));
    let all = record_of(&vault, "a marked key string", &inline(50));
    let shown = all.bytes().windows(6).any(|run| run == b"marked");
    assert!(!shown, "the key string stands in the record");
}

#[test]
fn a_record_opens_only_for_its_owner_and_under_its_key() {
    let vault = vault(1);
    let record = record_of(&vault, "key", &inline(10));
    assert_eq!(open_head(super::vault(2).keys(), &record, None), Err(HeadError::Owner));
    assert_eq!(open_head(vault.keys(), &record, Some("other")), Err(HeadError::Name));
    let mut keys = vault.keys().clone();
    keys.read.record = Secret::new([0; 32]);
    assert_eq!(open_head(&keys, &record, None), Err(HeadError::Seal(OpenError::Seal)));
}

#[test]
fn what_is_not_there_is_said_to_be_absent() {
    let (vault, name) = (vault(1), Name([3; 32]));
    let record = record_of(&vault, "key", &inline(10));
    let head = open_head(vault.keys(), &record, None).unwrap();
    assert_eq!(open_head(vault.keys(), &record.to_stub(), None), Err(HeadError::Absent));
    assert_eq!(open_body(vault.keys(), &record.without_body(), &head), Err(HeadError::Absent));

    let tombstone = tombstone(vault.keys(), &NETWORK, &name, since(3)).unwrap();
    verify_record(Suite::Real, &NETWORK, &tombstone, None).unwrap();
    assert!(tombstone.header().is_tombstone() && tombstone.header().name == name);
    assert_eq!(open_head(vault.keys(), &tombstone, None), Err(HeadError::Absent));

    let floor = floor_record(vault.keys(), &NETWORK, since(4), 7).unwrap();
    verify_record(Suite::Real, &NETWORK, &floor, None).unwrap();
    assert_eq!(floor.header().floor.map(|floor| (floor.version, floor.grant_epoch)), Some((since(4), 7)));
    assert_eq!(open_head(vault.keys(), &floor, None), Err(HeadError::Kind));
}

#[test]
fn a_pin_is_signed_for_its_blob() {
    let vault = vault(1);
    let (name, object, blob) = (Name([1; 32]), ObjectId([2; 16]), BlobId([3; 32]));
    let pin = pin(vault.keys(), &NETWORK, &name, object, since(5), blob, 77);
    verify_pin(Suite::Real, &NETWORK, &pin, None).unwrap();
    let body = pin.body();
    assert_eq!((body.owner, body.name, body.object), (vault.owner(), name, object));
    assert_eq!((body.since, body.blob, body.length), (since(5), blob, 77));
}

/// A record signed by the owner over parts that it did not seal for it.
fn signed(keys: &SpaceKeys, like: &Record, head: &[u8], body: &[u8]) -> Record {
    Record::sign(Suite::Real, &NETWORK, &keys.sign, like.header().clone(), head, body).unwrap()
}

#[test]
fn parts_of_one_record_do_not_open_in_another() {
    let vault = vault(1);
    let keys = vault.keys();
    let broken = |record: &Record| open_head(keys, record, None) == Err(HeadError::Seal(OpenError::Seal));
    let (one, other) = (record_of(&vault, "one", &inline(200)), record_of(&vault, "other", &inline(200)));
    assert!(broken(&signed(keys, &one, &other.head(), &one.body())), "of another name");
    assert!(broken(&signed(keys, &one, &one.body(), &one.head())), "head and body exchanged");

    let empty = inline(0);
    let draft = |ms| FileDraft {
        key: "one",
        since: since(ms),
        parent: None,
        modified_ms: 0,
        expires: 0,
        content: &empty,
    };
    let (old, new) =
        (file_record(keys, &NETWORK, &draft(1)).unwrap(), file_record(keys, &NETWORK, &draft(2)).unwrap());
    assert!(broken(&signed(keys, &new, &old.head(), &new.body())), "of another version");
    let head = open_head(keys, &new, None).unwrap();
    let mixed = signed(keys, &new, &new.head(), &old.body());
    assert_eq!(open_body(keys, &mixed, &head), Err(HeadError::Seal(OpenError::Seal)));
}

/// The record of "key" with this head and content, sealed as they must be, however little they agree.
fn crafted(vault: &Vault, head: &Head, live: Vec<LiveObject>, body: Option<&[u8]>) -> Record {
    let keys = vault.keys();
    let mut header = record_of(vault, "key", &inline(0)).header().clone();
    header.live = live;
    let (record_key, prefix) = (keys.record_key(&header.name, 0), header.sealing_prefix());
    let seal =
        |part, plain: &[u8]| seal_record_part(Suite::Real, &record_key, &keys.read.siv, part, &prefix, plain);
    let sealed = seal(Part::Head, &head.encode());
    let body = body.map(|body| seal(Part::Body, body)).unwrap_or_default();
    Record::sign(Suite::Real, &NETWORK, &keys.sign, header, &sealed, &body).unwrap()
}

#[test]
fn header_and_head_must_tell_of_the_same_content() {
    let vault = vault(1);
    let body = encode_body(&[1; 10]);
    let head =
        |key: &str, size, content| Head { key: key.into(), size, modified_ms: 0, parents: vec![], content };
    let root = Root { id: BlobId([1; 32]), key: Secret::new([2; 32]), level: 0, length: 20_000, pieces: 1 };
    let object = vault.keys().object_id(&vault.keys().name(0, "key"), &since(2).to_bytes());
    let tree = |object| HeadContent::Tree { object, root: root.clone() };
    let live = |object| vec![LiveObject { object, bytes: 20_480, blobs: 1 }];
    let open = |head: Head, live, body: Option<&[u8]>| {
        open_head(vault.keys(), &crafted(&vault, &head, live, body), None).map(|_| ())
    };

    assert_eq!(open(head("key", 10, HeadContent::Inline), vec![], Some(&body)), Ok(()));
    assert_eq!(open(head("key", 20_000, tree(object)), live(object), None), Ok(()));

    let mismatch = Err(HeadError::Mismatch);
    assert_eq!(open(head("key", 10, HeadContent::Inline), vec![], None), mismatch, "no body");
    assert_eq!(open(head("key", 500, HeadContent::Inline), vec![], Some(&body)), mismatch, "another size");
    assert_eq!(open(head("key", u64::MAX, HeadContent::Inline), vec![], Some(&body)), mismatch);
    assert_eq!(open(head("key", 10, HeadContent::Inline), live(object), Some(&body)), mismatch, "an object");
    assert_eq!(open(head("key", 20_000, tree(object)), vec![], None), mismatch, "no object");
    assert_eq!(open(head("key", 20_001, tree(object)), live(object), None), mismatch, "another length");
    assert_eq!(open(head("key", 20_000, tree(object)), live(object), Some(&body)), mismatch, "a body too");
    let foreign = ObjectId([7; 16]);
    assert_eq!(
        open(head("key", 20_000, tree(foreign)), live(foreign), None),
        mismatch,
        "not of this version"
    );
    assert_eq!(open(head("other", 10, HeadContent::Inline), vec![], Some(&body)), Err(HeadError::Name));
}

#[test]
fn a_body_that_no_writer_makes_is_refused() {
    let vault = vault(1);
    let head =
        Head { key: "key".into(), size: 10, modified_ms: 0, parents: vec![], content: HeadContent::Inline };
    let open = |at: usize, value: u8| {
        let mut body = encode_body(&[1; 10]);
        body[at] = value;
        open_body(vault.keys(), &crafted(&vault, &head, vec![], Some(&body)), &head)
    };
    assert_eq!(open(2, 1).unwrap(), [1; 10].as_slice());
    for (at, value, what) in [(0, 2, "format"), (1, 1, "encoding"), (12, 1, "padding"), (127, 1, "padding")] {
        assert_eq!(open(at, value), Err(HeadError::Format), "{what}");
    }
}

fn sample_head() -> Vec<u8> {
    let root = Root { id: BlobId([1; 32]), key: Secret::new([2; 32]), level: 0, length: 20_000, pieces: 1 };
    let content = HeadContent::Tree { object: ObjectId([4; 16]), root };
    let parents = vec![since(1), since(2)];
    Head { key: "a/key".into(), size: 20_000, modified_ms: 5, parents, content }.encode()
}

#[test]
fn a_head_in_another_form_is_refused() {
    let head = sample_head();
    let decode = |head: &[u8]| Head::decode(head.to_vec()).map(|head| head.key);
    assert_eq!(decode(&head), Ok("a/key".into()));
    for len in 0..head.len() {
        assert_eq!(decode(&head[..len]), Err(HeadError::Format), "the first {len} bytes");
    }
    let with = |at: usize, value: u8| {
        let mut head = head.clone();
        head[at] = value;
        decode(&head)
    };
    assert_eq!(with(0, 2), Err(HeadError::Format), "the format");
    assert_eq!(with(3, 0), Err(HeadError::Format), "NUL in the key");
    assert_eq!(with(3, 0xff), Err(HeadError::Format), "no UTF-8 in the key");
    assert_eq!(with(head.len() - 1, 1), Err(HeadError::Format), "padding");
    assert_eq!(decode(&[head.as_slice(), &[0; 128]].concat()), Err(HeadError::Format), "more padding");

    let decomposed = Head {
        key: "u\u{308}".into(),
        size: 0,
        modified_ms: 0,
        parents: vec![],
        content: HeadContent::Inline,
    };
    assert_eq!(Head::decode(decomposed.encode()), Err(HeadError::Format), "a key that is not normal");
}

#[test]
fn a_head_with_fields_of_a_later_version_still_opens() {
    let mut head = sample_head();
    let end = head.iter().rposition(|&byte| byte != 0).unwrap() + 1;
    // The last number of the root ends in 1; the length of the fields, zero, follows.
    head[end..end + 2].copy_from_slice(&8u16.to_be_bytes());
    head[end + 2..end + 10].copy_from_slice(&[0, 9, 0, 0, 0, 2, 0xaa, 0xbb]);
    assert!(Head::decode(head.clone()).is_ok());
    head[end + 7] = 3;
    assert_eq!(Head::decode(head), Err(HeadError::Format), "a field longer than its place");
}

proptest! {
    #[test]
    fn no_bytes_make_the_reader_of_heads_panic(
        random in proptest::collection::vec(any::<u8>(), 0..600),
        at in 0..256usize,
        value: u8,
    ) {
        let _ = Head::decode(random);
        let mut flipped = sample_head();
        let at = at % flipped.len();
        flipped[at] = value;
        let _ = Head::decode(flipped);
    }

    #[test]
    fn any_key_comes_back_in_normal_form(key in "\\PC{1,40}") {
        let vault = vault(1);
        if let Ok(normal) = normalise_key(&key) {
            let record = record_of(&vault, &normal, &inline(1));
            let back: String = open_head(vault.keys(), &record, Some(&normal)).unwrap().key;
            prop_assert_eq!(back, normal);
        }
    }
}

#[test]
fn a_record_of_the_longest_key_and_content_fits() {
    let record = record_of(&vault(1), &"k".repeat(limit::KEY), &inline(limit::INLINE));
    assert!(record.bytes().len() < limit::RECORD);
    assert_eq!(record.header().kind, Kind::File);
}
