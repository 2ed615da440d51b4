//! Keys of the table: a leading kind, then fields of fixed length, so that rows lie in a useful order.
//!
//! | kind | key | value |
//! |---|---|---|
//! | `rec` | position ‖ owner ‖ name | [`RecordRow`](super::rows::RecordRow) |
//! | `pin` | blob ‖ owner ‖ name ‖ object | the pin, as it was signed |
//! | `own` | owner ‖ name ‖ object ‖ blob | [`OwnRow`](super::rows::OwnRow): what changes about that pin |
//! | `linger` | due (running ms) ‖ blob | empty: look whether the blob is still without pins |
//! | `proof` | owner ‖ name | empty: compare the pins of this name with its record |
//! | `expire` | Unix ms ‖ owner ‖ name | empty: the record expires then |
//! | `floor` | owner | empty: the owner has a floor, among the records |
//! | `evicted` | blob | running ms when its bytes were dropped by hand |
//! | `unpinned` | blob | when to look at it (running ms), by the last of its `linger` rows that counts |
//! | `quarantine` | owner ‖ name | [`RecordRow`](super::rows::RecordRow) of a record that came back with a removed member |
//! | `promise` | owner ‖ name ‖ object | the `since` of the object, which no record will list |
//! | `state` | `0` ‖ … the store's own, `1` ‖ … the node's | small rows |

use crate::crypto::Suite;
use crate::id::{BlobId, Name, ObjectId, OwnerId, Position};
use crate::node::view::record_position;
use alloc::vec::Vec;
use bytes::Bytes;

const REC: u8 = 1;
const PIN: u8 = 2;
const OWN: u8 = 3;
const LINGER: u8 = 4;
const PROOF: u8 = 5;
const EXPIRE: u8 = 6;
const EVICTED: u8 = 7;
const STATE: u8 = 8;
const PROMISE: u8 = 9;
const UNPINNED: u8 = 10;
const QUARANTINE: u8 = 11;
const FLOOR: u8 = 12;

/// The name under which an owner's floor stands.
pub(super) const FLOOR_NAME: Name = Name([0; 32]);

/// First key of a scan, and the first one after it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Range {
    pub(super) from: Bytes,
    pub(super) to: Bytes,
}

impl Range {
    /// All keys that begin so.
    fn prefix(prefix: Vec<u8>) -> Self {
        let mut to = prefix.clone();
        while to.last() == Some(&u8::MAX) {
            to.pop();
        }
        // Every key begins with a kind far below 255, so something is left.
        if let Some(last) = to.last_mut() {
            *last += 1;
        }
        Self { from: prefix.into(), to: to.into() }
    }

    /// What is left of it after this key.
    pub(super) fn after(&self, key: &[u8]) -> Self {
        let mut from = key.to_vec();
        from.push(0);
        Self { from: from.into(), to: self.to.clone() }
    }

    /// The same without what is before this key.
    pub(super) fn beginning(&self, from: Bytes) -> Self {
        Self { from, to: self.to.clone() }
    }

    /// The same without what is not after this key.
    pub(super) fn cut(self, after: &[u8]) -> Self {
        if after >= &self.from[..] { self.after(after) } else { self }
    }

    /// All keys of a kind that begin with positions (or blobs) from `first` to `last`.
    fn between(kind: u8, first: &Position, last: &Position) -> Self {
        Self {
            from: join(kind, &[first.as_bytes()]).into(),
            to: Self::prefix(join(kind, &[last.as_bytes()])).to,
        }
    }
}

fn join(kind: u8, fields: &[&[u8]]) -> Vec<u8> {
    let mut key = Vec::with_capacity(1 + fields.iter().map(|f| f.len()).sum::<usize>());
    key.push(kind);
    fields.iter().for_each(|field| key.extend_from_slice(field));
    key
}

/// Row of a record.
pub(super) fn rec(suite: Suite, owner: &OwnerId, name: &Name) -> Bytes {
    let position = record_position(suite, owner, name.0[0]);
    join(REC, &[position.as_bytes(), owner.as_bytes(), name.as_bytes()]).into()
}

/// True for the row of a record.
#[cfg(any(test, feature = "sim"))]
pub(crate) fn is_record_row(key: &[u8]) -> bool {
    key.first() == Some(&REC)
}

/// Row of an owner's floor.
pub(super) fn floor(suite: Suite, owner: &OwnerId) -> Bytes {
    rec(suite, owner, &FLOOR_NAME)
}

/// All records of one shard of an owner.
pub(super) fn rec_shard(suite: Suite, owner: &OwnerId, first: u8) -> Range {
    let position = record_position(suite, owner, first);
    Range::prefix(join(REC, &[position.as_bytes(), owner.as_bytes()]))
}

/// The records at these positions.
pub(super) fn rec_between(first: &Position, last: &Position) -> Range {
    Range::between(REC, first, last)
}

/// Row of a record at a known position.
pub(super) fn rec_at(position: &Position, owner: &OwnerId, name: &Name) -> Bytes {
    join(REC, &[position.as_bytes(), owner.as_bytes(), name.as_bytes()]).into()
}

/// Row that says that an owner has a floor.
pub(super) fn floor_index(owner: &OwnerId) -> Bytes {
    join(FLOOR, &[owner.as_bytes()]).into()
}

/// All of these.
pub(super) fn floor_index_all() -> Range {
    Range::prefix(join(FLOOR, &[]))
}

/// All records.
pub(super) fn rec_all() -> Range {
    Range::prefix(join(REC, &[]))
}

/// Row of a pin.
pub(super) fn pin(blob: &BlobId, owner: &OwnerId, name: &Name, object: &ObjectId) -> Bytes {
    join(PIN, &[blob.as_bytes(), owner.as_bytes(), name.as_bytes(), object.as_bytes()]).into()
}

/// All pins on a blob.
pub(super) fn pins_of(blob: &BlobId) -> Range {
    Range::prefix(join(PIN, &[blob.as_bytes()]))
}

/// The pins on blobs at these positions.
pub(super) fn pin_between(first: &Position, last: &Position) -> Range {
    Range::between(PIN, first, last)
}

/// All pins of an owner on a blob.
pub(super) fn pins_of_owner(blob: &BlobId, owner: &OwnerId) -> Range {
    Range::prefix(join(PIN, &[blob.as_bytes(), owner.as_bytes()]))
}

/// All pins.
pub(super) fn pin_all() -> Range {
    Range::prefix(join(PIN, &[]))
}

/// Row of what changes about a pin.
pub(super) fn own(owner: &OwnerId, name: &Name, object: &ObjectId, blob: &BlobId) -> Bytes {
    join(OWN, &[owner.as_bytes(), name.as_bytes(), object.as_bytes(), blob.as_bytes()]).into()
}

/// All of these.
pub(super) fn own_all() -> Range {
    Range::prefix(join(OWN, &[]))
}

/// The pins of one object.
pub(super) fn own_object(owner: &OwnerId, name: &Name, object: &ObjectId) -> Range {
    Range::prefix(join(OWN, &[owner.as_bytes(), name.as_bytes(), object.as_bytes()]))
}

/// The pins of one name.
pub(super) fn own_name(owner: &OwnerId, name: &Name) -> Range {
    Range::prefix(join(OWN, &[owner.as_bytes(), name.as_bytes()]))
}

/// The pins of one owner.
pub(super) fn own_owner(owner: &OwnerId) -> Range {
    Range::prefix(join(OWN, &[owner.as_bytes()]))
}

/// Row that asks for a look at a blob when the running time has come.
pub(super) fn linger(due_ms: u64, blob: &BlobId) -> Bytes {
    join(LINGER, &[&due_ms.to_be_bytes(), blob.as_bytes()]).into()
}

/// All of these.
pub(super) fn linger_all() -> Range {
    Range::prefix(join(LINGER, &[]))
}

/// Row that tells when a blob has been without pins for as long as a linger.
pub(super) fn unpinned(blob: &BlobId) -> Bytes {
    join(UNPINNED, &[blob.as_bytes()]).into()
}

/// Row of a record in quarantine.
pub(super) fn quarantine(owner: &OwnerId, name: &Name) -> Bytes {
    join(QUARANTINE, &[owner.as_bytes(), name.as_bytes()]).into()
}

/// Row that asks for a comparison of a name's pins with its record.
pub(super) fn proof(owner: &OwnerId, name: &Name) -> Bytes {
    join(PROOF, &[owner.as_bytes(), name.as_bytes()]).into()
}

/// All of these.
pub(super) fn proof_all() -> Range {
    Range::prefix(join(PROOF, &[]))
}

/// Row that says when a record expires.
pub(super) fn expire(unix_ms: u64, owner: &OwnerId, name: &Name) -> Bytes {
    join(EXPIRE, &[&unix_ms.to_be_bytes(), owner.as_bytes(), name.as_bytes()]).into()
}

/// All of these.
pub(super) fn expire_all() -> Range {
    Range::prefix(join(EXPIRE, &[]))
}

/// Row of a blob whose bytes were dropped by hand.
pub(super) fn evicted(blob: &BlobId) -> Bytes {
    join(EVICTED, &[blob.as_bytes()]).into()
}

/// Row of the promise that no record listing an object will be kept.
pub(super) fn promise(owner: &OwnerId, name: &Name, object: &ObjectId) -> Bytes {
    join(PROMISE, &[owner.as_bytes(), name.as_bytes(), object.as_bytes()]).into()
}

/// The promises of one name.
pub(super) fn promises_of(owner: &OwnerId, name: &Name) -> Range {
    Range::prefix(join(PROMISE, &[owner.as_bytes(), name.as_bytes()]))
}

/// The promises to one owner.
pub(super) fn promises_to(owner: &OwnerId) -> Range {
    Range::prefix(join(PROMISE, &[owner.as_bytes()]))
}

/// All promises.
pub(super) fn promise_all() -> Range {
    Range::prefix(join(PROMISE, &[]))
}

/// A state row of the store itself.
pub(super) fn own_state(name: &str) -> Bytes {
    join(STATE, &[&[0], name.as_bytes()]).into()
}

/// A state row of the node.
pub(super) fn node_state(key: &[u8]) -> Bytes {
    join(STATE, &[&[1], key]).into()
}

/// All state rows.
pub(super) fn state_all() -> Range {
    Range::prefix(join(STATE, &[]))
}

/// The node's key of a state row; `None` for a row of the store itself.
pub(super) fn node_state_key(key: &Bytes) -> Option<Bytes> {
    (key.get(..2)? == [STATE, 1]).then(|| key.slice(2..))
}

/// Takes fields off a key that the disk gave back.
struct Fields<'a>(&'a [u8]);

impl Fields<'_> {
    fn of(kind: u8, key: &[u8]) -> Option<Fields<'_>> {
        let (first, rest) = key.split_first()?;
        (*first == kind).then_some(Fields(rest))
    }

    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (field, rest) = self.0.split_first_chunk::<N>()?;
        self.0 = rest;
        Some(*field)
    }

    fn end<T>(&self, value: T) -> Option<T> {
        self.0.is_empty().then_some(value)
    }
}

/// Position, owner and name of a record's row.
pub(super) fn parse_rec(key: &[u8]) -> Option<(Position, OwnerId, Name)> {
    let mut fields = Fields::of(REC, key)?;
    let parts = (Position(fields.take()?), OwnerId(fields.take()?), Name(fields.take()?));
    fields.end(parts)
}

/// Owner of a row that says that there is a floor.
pub(super) fn parse_floor_index(key: &[u8]) -> Option<OwnerId> {
    let mut fields = Fields::of(FLOOR, key)?;
    let owner = OwnerId(fields.take()?);
    fields.end(owner)
}

/// The blob of a pin's row.
pub(super) fn parse_pin_blob(key: &[u8]) -> Option<BlobId> {
    Some(BlobId(Fields::of(PIN, key)?.take()?))
}

/// What the key of an `own` row names.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) struct OwnKey {
    pub(super) owner: OwnerId,
    pub(super) name: Name,
    pub(super) object: ObjectId,
    pub(super) blob: BlobId,
}

impl OwnKey {
    pub(super) fn parse(key: &[u8]) -> Option<Self> {
        let mut fields = Fields::of(OWN, key)?;
        let parts = Self {
            owner: OwnerId(fields.take()?),
            name: Name(fields.take()?),
            object: ObjectId(fields.take()?),
            blob: BlobId(fields.take()?),
        };
        fields.end(parts)
    }

    pub(super) fn own(&self) -> Bytes {
        own(&self.owner, &self.name, &self.object, &self.blob)
    }

    pub(super) fn pin(&self) -> Bytes {
        pin(&self.blob, &self.owner, &self.name, &self.object)
    }
}

/// Due time and blob of a linger row.
pub(super) fn parse_linger(key: &[u8]) -> Option<(u64, BlobId)> {
    let mut fields = Fields::of(LINGER, key)?;
    let parts = (u64::from_be_bytes(fields.take()?), BlobId(fields.take()?));
    fields.end(parts)
}

/// Owner and name of a proof row.
pub(super) fn parse_proof(key: &[u8]) -> Option<(OwnerId, Name)> {
    let mut fields = Fields::of(PROOF, key)?;
    let parts = (OwnerId(fields.take()?), Name(fields.take()?));
    fields.end(parts)
}

/// Owner, name and object of a promise.
pub(super) fn parse_promise(key: &[u8]) -> Option<(OwnerId, Name, ObjectId)> {
    let mut fields = Fields::of(PROMISE, key)?;
    let parts = (OwnerId(fields.take()?), Name(fields.take()?), ObjectId(fields.take()?));
    fields.end(parts)
}

/// Time, owner and name of an expiry row.
pub(super) fn parse_expire(key: &[u8]) -> Option<(u64, OwnerId, Name)> {
    let mut fields = Fields::of(EXPIRE, key)?;
    let parts = (u64::from_be_bytes(fields.take()?), OwnerId(fields.take()?), Name(fields.take()?));
    fields.end(parts)
}

#[cfg(test)]
mod tests {
    use super::*;

    const OWNER: OwnerId = OwnerId([7; 32]);
    const NAME: Name = Name([255; 32]);

    #[test]
    fn a_key_reads_back_as_what_it_was_made_of() {
        let own = OwnKey { owner: OWNER, name: NAME, object: ObjectId([3; 16]), blob: BlobId([4; 32]) };
        assert_eq!(OwnKey::parse(&own.own()), Some(own));
        assert_eq!(parse_pin_blob(&own.pin()), Some(own.blob));
        assert_eq!(parse_linger(&linger(9, &own.blob)), Some((9, own.blob)));
        assert_eq!(parse_proof(&proof(&OWNER, &NAME)), Some((OWNER, NAME)));
        let object = own.object;
        assert_eq!(parse_promise(&promise(&OWNER, &NAME, &object)), Some((OWNER, NAME, object)));
        assert_eq!(parse_expire(&expire(8, &OWNER, &NAME)), Some((8, OWNER, NAME)));
        assert_eq!(node_state_key(&node_state(b"view")), Some(Bytes::from_static(b"view")));
        assert_eq!(node_state_key(&own_state("view")), None);
    }

    #[test]
    fn a_key_of_another_kind_or_length_is_refused() {
        let key = proof(&OWNER, &NAME);
        assert_eq!(parse_linger(&key), None);
        assert_eq!(parse_proof(&key[..64]), None);
        assert_eq!(parse_proof(&[&key[..], &[0]].concat()), None);
        assert_eq!(parse_proof(&[]), None);
    }

    #[test]
    fn a_range_holds_its_keys_and_no_neighbours() {
        let range = own_name(&OWNER, &NAME);
        let inside = own(&OWNER, &NAME, &ObjectId([255; 16]), &BlobId([255; 32]));
        let outside = own(&OwnerId([8; 32]), &Name([0; 32]), &ObjectId([0; 16]), &BlobId([0; 32]));
        assert!(range.from <= inside && inside < range.to);
        assert!(outside >= range.to);
        assert!(range.after(&inside).from > inside);
    }
}
