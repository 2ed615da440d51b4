//! Attacks by those who hold a token for nodes: words about the membership, and lies about blobs.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use crate::bytes::Out;
use crate::common::{noise, wait_for};
use crate::link::{Link, kind};
use crate::noise::{public_key, sha256};
use crate::requests::{get_blob, store_blob, view};
use crate::signed::{Keys, Owner, random};
use crate::target::{Over, Target};

/// The admission in a node's `Hello`, and the NodeId it admits.
pub(crate) fn admission_of(addr: SocketAddr, keys: &Keys) -> (Vec<u8>, [u8; 32]) {
    let mut link = Link::connect(addr, keys, random());
    let hello = link.read().expect("the node says Hello");
    let admission = hello[9..][..4 + 32 + 1 + 1 + 8 + 8 + 2 + 64].to_vec();
    let node = admission[4..36].try_into().unwrap();
    assert_eq!(node, sha256(&[&link.secured.remote]));
    (admission, node)
}

pub(crate) fn claims_to_anothers_place(target: &Target) {
    let signing = target.keys.signing.unwrap();
    let (stolen, _) = admission_of(target.addr(), &target.keys);
    let elsewhere = Keys { network: random(), ..target.keys.clone() };
    type Claim<'a> = &'a dyn Fn(&[u8; 32]) -> Vec<u8>;
    let claims: [Claim; 4] = [
        // Another node's admission, one that the network's key did not sign, one of another network, one that says otherwise than was signed.
        &|_| stolen.clone(),
        &|own| target.keys.admission(&random(), own, true, 1),
        &|own| elsewhere.admission(&signing, own, true, 1),
        &|own| {
            let mut altered = target.keys.admission(&signing, own, true, 1);
            altered[36] = 64;
            altered
        },
    ];
    for claim in claims {
        let mut link = Link::connect(target.addr(), &target.keys, random());
        let own = sha256(&[&link.secured.own]);
        let admission = claim(&own);
        link.open(0, Some(admission), None);
        target.await_end(&mut link, "NotAdmitted");
    }
}

pub(crate) fn words_that_the_network_did_not_sign(target: &Target) {
    let (_, node) = admission_of(target.addr(), &target.keys);
    let (keys, nobody) = (&target.keys, random());
    let elsewhere = Keys { network: random(), ..keys.clone() };
    let signing = keys.signing.unwrap();
    let pages = [
        view(&[1; 32], &[keys.admission(&nobody, &[7; 32], false, 1)], &[], None),
        view(&[1; 32], &[elsewhere.admission(&signing, &[7; 32], false, 1)], &[], None),
        view(&[1; 32], &[], &[keys.removal(&nobody, &node, 99)], None),
        view(&[1; 32], &[], &[elsewhere.removal(&signing, &node, 99)], None),
        view(&[1; 32], &[], &[], Some(&keys.settings(&nobody, 99, 1))),
        view(&[1; 32], &[], &[], Some(&elsewhere.settings(&signing, 99, 1))),
    ];
    let identity = random();
    for page in pages {
        let mut link = Link::member(target.addr(), keys, identity);
        link.request(kind::VIEW, &page);
        while link.answer().is_some() {}
        target.await_fault(link.frames.addr(), "BadProof");
    }
}

/// The identity of a member that others take for a replica. A new one changes who keeps what, of which writes may notice
/// something: so this returns when everyone has taken it up.
#[track_caller]
pub(crate) fn admit_replica(target: &Target) -> [u8; 32] {
    let identity = random();
    as_member(target, identity, |_| {}, || target.await_member(&sha256(&[&public_key(&identity)])));
    identity
}

/// While something is done, links as this member to the target, again and again; each link is prepared.
#[track_caller]
pub(crate) fn as_member(
    target: &Target,
    identity: [u8; 32],
    prepare: impl Fn(&mut Link) + Send,
    meanwhile: impl FnOnce(),
) {
    let over = &AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(move || {
            while !over.load(Ordering::Relaxed) {
                let mut link = Link::replica(target.addr(), &target.keys, identity);
                prepare(&mut link);
                // It is asked whether it lives every other second, so it notices when it is over.
                while !over.load(Ordering::Relaxed) && link.serve().is_some() {}
            }
        });
        let _over = Over(over);
        meanwhile();
    });
}

/// A member that answers each question for a blob with other bytes.
pub(crate) fn lies_about_blobs(target: &Target, identity: [u8; 32]) {
    let lies = Arc::new(AtomicUsize::new(0));
    let lie = |link: &mut Link| {
        let lies = Arc::clone(&lies);
        link.answers = Box::new(move |kind: u8, _: &[u8]| {
            (kind == kind::GET_BLOB).then(|| {
                lies.fetch_add(1, Ordering::Relaxed);
                Out::new().u8(0x92).raw(&[6; 32]).u16(0xffff).long(&noise(1, 100_000)).done()
            })
        });
    };
    // It lies on each link that it has; the node closes one for each lie.
    as_member(target, identity, lie, || {
        let owner = Owner::new(&target.keys);
        let mut entry = Link::client(target.another(), &owner);
        // One link is read for two blobs at a time: so there are many.
        let mut links: Vec<_> = (0..20).map(|_| Link::client(target.addr(), &owner)).collect();
        let mut round = 0;
        wait_for("the liar is asked", || {
            round += 1;
            // Of so many, the target is no replica of some; and asked for all at once, it asks everyone who may have them.
            let blobs: Vec<_> = (0..40).map(|number| noise(round * 100 + number, 5000)).collect();
            let ids: Vec<_> = blobs.iter().map(|blob| store_blob(&mut entry, &owner, blob)).collect();
            let mut asked = Vec::new();
            for (number, (id, blob)) in ids.iter().zip(&blobs).enumerate() {
                let at = number % links.len();
                asked.push((at, links[at].request(kind::GET_BLOB, &get_blob(id)), blob));
            }
            for (at, link) in links.iter_mut().enumerate() {
                for _ in asked.iter().filter(|(of, ..)| *of == at) {
                    let (id, kind, body) = link.answer().expect("the truth comes from the next");
                    let (.., blob) = asked.iter().find(|(of, asked, _)| (*of, *asked) == (at, id)).unwrap();
                    // Behind who had it, and the tag and length of the payload.
                    assert_eq!((kind, &body[32 + 6..]), (0x92, &blob[..]), "a lie reached the user");
                }
            }
            (lies.load(Ordering::Relaxed) > 0).then_some(())
        });
    });
    target.await_faults("WrongContent", 1);
}

#[test]
fn nobody_takes_the_place_of_another_member() {
    Target::start().withstand(claims_to_anothers_place);
}

#[test]
fn what_the_network_did_not_sign_changes_no_membership() {
    let target = Target::start();
    target.withstand(words_that_the_network_did_not_sign);
    assert_eq!(target.peer.status()["peers"]["members"], 2, "itself and the attacker");
}

#[test]
fn a_member_that_sends_other_bytes_for_a_blob_is_found_out_and_the_next_is_asked() {
    let target = Target::with(2);
    let liar = admit_replica(&target);
    target.withstand(|target| lies_about_blobs(target, liar));
}
