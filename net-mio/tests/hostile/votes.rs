//! Attacks by a member whose answers are counted: votes for other sets, or none, and possession that is only claimed.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use crate::bytes::{In, Out};
use crate::common::{noise, wait_for};
use crate::link::{Link, kind};
use crate::members::{admit_replica, as_member};
use crate::noise::{public_key, sha256};
use crate::requests::{get_blob, get_record, have, newest, put_blob, put_record, store_blob};
use crate::ring::{Ring, record_position};
use crate::signed::{random, version};
use crate::target::Target;

/// What the liar's answers have beside them.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Vote {
    Missing,
    Random,
    /// For the set as it would be with a member that is none.
    OtherSet,
    /// The right one, of somebody who still holds nothing.
    Right,
}

/// A liar that says yes to everything, in a network of the target and itself.
struct Liar {
    ring: Ring,
    other: Ring,
    vote: Mutex<Vote>,
}

impl Liar {
    fn new(target: &Target, identity: &[u8; 32]) -> Self {
        let members = [target.node(), node_of(identity)];
        let other = [members[0], members[1], random()];
        Self { ring: Ring::new(3, &members), other: Ring::new(3, &other), vote: Mutex::new(Vote::Missing) }
    }

    /// The fields behind an answer about what lies at these positions.
    fn vote(&self, kind: u8, positions: &[[u8; 32]]) -> Vec<u8> {
        let joint = |hashes: Vec<[u8; 32]>| {
            if kind == kind::HAVE { sha256(&[&hashes.concat()]) } else { hashes[0] }
        };
        let hashes =
            |ring: &Ring| -> Vec<[u8; 32]> { positions.iter().map(|at| ring.set_hash(at)).collect() };
        let vote = match *self.vote.lock().unwrap() {
            Vote::Missing => return Vec::new(),
            Vote::Random => random(),
            Vote::OtherSet => joint(hashes(&self.other)),
            Vote::Right => joint(hashes(&self.ring)),
        };
        field(&vote)
    }

    fn answer(&self, kind: u8, body: &[u8]) -> Option<Vec<u8>> {
        let mut body = In(body);
        let pin = |body: &mut In| {
            let length = usize::from(body.u16());
            blob_of_pin(body.take(length))
        };
        let (answer, positions) = match kind {
            kind::PUT_BLOB => {
                body.u16();
                (Out::new().u8(0x91).u8(1).u8(1), vec![pin(&mut body)])
            }
            kind::HAVE => {
                let count = body.u16();
                let yes = (0..count).fold(Out::new().u8(0x90).u16(count), |out, _| out.u8(1)).u8(1);
                (yes, (0..count).map(|_| pin(&mut body)).collect())
            }
            kind::PUT_RECORD => {
                // Behind two lengths and the magic.
                body.take(4 + 2 + 4);
                let owner = body.take(32);
                (Out::new().u8(0x91).u8(1).u8(1), vec![record_position(owner, body.u8())])
            }
            kind::GET_RECORD => {
                let owner = body.take(32);
                (Out::new().u8(0x94).u8(0).u8(0).u8(0), vec![record_position(owner, body.u8())])
            }
            _ => return None,
        };
        Some(answer.raw(&self.vote(kind, &positions)).done())
    }
}

fn node_of(identity: &[u8; 32]) -> [u8; 32] {
    sha256(&[&public_key(identity)])
}

fn blob_of_pin(pin: &[u8]) -> [u8; 32] {
    pin[4 + 32 + 32 + 16 + 16..][..32].try_into().unwrap()
}

fn field(vote: &[u8; 32]) -> Vec<u8> {
    Out::new().u16(1).long(vote).done()
}

fn wrong_votes(target: &Target, identity: [u8; 32]) {
    let liar = Arc::new(Liar::new(target, &identity));
    let answers = Arc::clone(&liar);
    let (mut link, owner) = target.client();
    let prepare = move |link: &mut Link| {
        let liar = Arc::clone(&answers);
        link.answers = Box::new(move |kind, body| liar.answer(kind, body));
    };
    as_member(target, identity, prepare, || {
        for (number, vote) in
            [Vote::Missing, Vote::Random, Vote::OtherSet, Vote::Right].into_iter().enumerate()
        {
            *liar.vote.lock().unwrap() = vote;
            let copies = if vote == Vote::Right { 2 } else { 1 };
            let blob = noise(number as u64, 5000);
            let (id, since) = (sha256(&[&blob]), version(0));
            let name = random();
            // A member that has just come back may not be linked yet: it is then as if it had no vote.
            let right = |answer: &(u8, Vec<u8>), wanted: &[u8]| {
                assert!(
                    answer.0 == 0x91 && answer.1[0] <= copies && answer.1[1] == 2,
                    "{vote:?}: {answer:?}"
                );
                (answer.1 == wanted).then_some(())
            };
            wait_for("the copy counts as it should", || {
                let pin = owner.pin(&since, &id, blob.len());
                right(&link.ask(kind::PUT_BLOB, &put_blob(&pin, &blob)), &[copies, 2])
            });
            let record = owner.record(&name, &since, 200);
            wait_for("the record counts as it should", || {
                right(&link.ask(kind::PUT_RECORD, &put_record(&record)), &[copies, 2])
            });
            let pin = owner.pin(&version(1), &id, blob.len());
            let (kind, yes) = link.ask(kind::HAVE, &have(&[pin]));
            assert_eq!((kind, &yes[..]), (0x90, &[0, 1, copies, 2][..]), "{vote:?}");
            // It says that there is no such record; the truth is told, and marked unless the answer counts.
            assert_eq!(newest(&mut link, &owner, &name), record);
            let fresh = link.ask(kind::GET_RECORD, &get_record(&owner.id(), &name)).1.pop();
            assert_eq!(fresh, Some(u8::from(vote == Vote::Right)), "{vote:?}");
            assert_eq!(link.ask(kind::GET_BLOB, &get_blob(&id)).0, 0x92);
        }
    });
}

/// A liar to which half of everything belongs, and which says that it holds all of it.
struct Claimant {
    ring: Ring,
    node: [u8; 32],
    /// What it really has.
    blobs: BTreeMap<[u8; 32], Vec<u8>>,
    /// How often it was asked for a proof.
    asked: AtomicUsize,
    proves: Mutex<bool>,
}

impl Claimant {
    fn answer(&self, kind: u8, body: &[u8]) -> Option<Vec<u8>> {
        let mut body = In(body);
        match kind {
            kind::PUT_PINS => {
                let count = body.u16();
                let rows = (0..count).map(|_| {
                    let length = usize::from(body.u16());
                    let blob = blob_of_pin(body.take(length));
                    body.take(8 + 1);
                    blob
                });
                let hashes: Vec<_> = rows.map(|blob| self.ring.set_hash(&blob)).collect();
                let kept = (0..count).fold(Out::new().u8(0xbb).u16(count), |out, _| out.u8(2)).u16(0);
                Some(kept.raw(&field(&sha256(&[&hashes.concat()]))).done())
            }
            kind::PROVE => {
                self.asked.fetch_add(1, Ordering::Relaxed);
                let (nonce, count) = (body.array::<32>(), body.u16());
                assert_eq!(count, 1);
                let blob = body.array();
                let proof = match self.blobs.get(&blob).filter(|_| *self.proves.lock().unwrap()) {
                    Some(bytes) => sha256(&[&nonce, bytes]),
                    None => sha256(&[&nonce, &blob]),
                };
                let vote = field(&sha256(&[&self.ring.set_hash(&blob)]));
                Some(Out::new().u8(0xb9).u16(1).u8(1).raw(&proof).raw(&vote).done())
            }
            _ => None,
        }
    }

    fn belongs(&self, blob: &[u8; 32]) -> bool {
        self.ring.is_replica(&self.node, blob)
    }
}

fn files(target: &Target) -> Vec<String> {
    let name = |path: &std::path::PathBuf| path.file_name().unwrap().to_string_lossy().into_owned();
    target.peer.blob_files().iter().map(name).collect()
}

#[test]
fn a_vote_for_another_set_or_none_makes_no_copy_count_and_no_read_certain() {
    let target = Target::start().degraded();
    let liar = admit_replica(&target);
    target.withstand(|target| wrong_votes(target, liar));
}

#[test]
fn what_lies_astray_stays_until_its_place_has_proved_to_have_it() {
    let target = Target::founded(&["--replicas", "1"], "linger = \"1s\"").degraded();
    let (mut link, owner) = target.client();
    // Long enough to be files.
    let blobs: Vec<_> = (0..12).map(|number| noise(number, 100_000)).collect();
    let ids: Vec<_> = blobs.iter().map(|blob| store_blob(&mut link, &owner, blob)).collect();
    let identity = random();
    let node = node_of(&identity);
    let claimant = Arc::new(Claimant {
        ring: Ring::new(1, &[target.node(), node]),
        node,
        blobs: ids.iter().copied().zip(blobs.iter().cloned()).collect(),
        asked: AtomicUsize::new(0),
        proves: Mutex::new(false),
    });
    let belongs: Vec<_> = ids.iter().filter(|id| claimant.belongs(id)).collect();
    let prepare = |link: &mut Link| {
        let claimant = Arc::clone(&claimant);
        link.answers = Box::new(move |kind, body| claimant.answer(kind, body));
    };
    let there = |id: &[u8; 32]| files(&target).contains(&data_encoding::HEXLOWER.encode(id));
    as_member(&target, identity, prepare, || {
        target.withstand(|target| {
            wait_for("proofs are asked for", || {
                (claimant.asked.load(Ordering::Relaxed) > 2 || belongs.is_empty()).then_some(())
            });
            target.await_faults("WrongContent", usize::from(!belongs.is_empty()));
        });
        assert!(ids.iter().all(there), "nothing is dropped on its word");
    });
    // Its word with a proof is another thing; on a new link it is asked for that at once.
    *claimant.proves.lock().unwrap() = true;
    as_member(&target, identity, prepare, || {
        wait_for("what it has proved to have is dropped here", || {
            belongs.iter().all(|id| !there(id)).then_some(())
        });
        assert!(ids.iter().filter(|id| !claimant.belongs(id)).all(there));
    });
}
