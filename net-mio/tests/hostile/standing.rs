//! Attacks by what members tell of each other: who is out, who was heard, who belonged together, and words that are over.

use crate::link::{Link, kind};
use crate::noise::{public_key, sha256};
use crate::requests::{Standing, view, view_standing};
use crate::signed::random;
use crate::target::Target;

/// Members of a network.
const MEMBERS: usize = 256;
const GONE: u8 = 0;
const LEAVING: u8 = 1;

pub(crate) fn lies_about_others(target: &Target) {
    let nodes = target.honest_nodes();
    let strangers: Vec<[u8; 32]> = (0..3).map(|_| random()).collect();
    let mut mixed = [&nodes[..], &strangers[..1]].concat();
    mixed.sort_unstable();
    let mut member = Link::member(target.addr(), &target.keys, random());
    for why in [GONE, LEAVING] {
        for (epoch, ms) in [(0, 0), (u64::MAX, u64::MAX), (1 << 63, 1), (u64::MAX - 1, 0)] {
            let standing = Standing {
                epoch,
                out: nodes.iter().map(|node| (*node, why)).collect(),
                unheard: nodes.iter().chain(&strangers).map(|node| (*node, ms)).collect(),
                previous: vec![strangers.clone(), mixed.clone(), vec![], vec![nodes[0]; 2]],
            };
            assert_eq!(member.ask(kind::VIEW, &view_standing(&standing)).0, 0xb1);
        }
    }
    // Longer lists than there may be.
    let many = || vec![(nodes[0], 0); MEMBERS + 1];
    let long = Standing { out: many(), ..Standing::default() };
    let longer = Standing { previous: vec![vec![]; 17], ..Standing::default() };
    let longest = Standing { previous: vec![strangers.repeat(100)], ..Standing::default() };
    for standing in [long, longer, longest] {
        let mut member = Link::member(target.addr(), &target.keys, random());
        member.request(kind::VIEW, &view_standing(&standing));
        target.await_end(&mut member, "Malformed(Limit)");
    }
}

pub(crate) fn words_that_are_over(target: &Target) {
    let (keys, signing) = (&target.keys, target.keys.signing.unwrap());
    let (identity, other) = (random(), random());
    let node = sha256(&[&public_key(&identity)]);
    let admission = |serial| keys.admission(&signing, &node, true, serial);
    let dial = |serial| Link::with_admission(target.addr(), keys, identity, admission(serial));
    let tell = |removal: Vec<u8>| {
        let mut messenger = Link::member(target.addr(), keys, other);
        assert_eq!(messenger.ask(kind::VIEW, &view(&[1; 32], &[], &[removal], None)).0, 0xb1);
    };
    let mut first = dial(1);
    assert_eq!(first.ask(kind::STATUS, &[]).0, 0x97);
    tell(keys.removal(&signing, &node, 1));
    // Its link goes, and the admission that was good opens none any more.
    assert!(first.goodbye().is_none_or(|reason| reason == 2), "it is no member");
    target.await_end(&mut dial(1), "NotAdmitted");
    // Whoever holds the key admits it again, and the old word does not come back to life.
    let mut again = dial(2);
    assert_eq!(again.ask(kind::STATUS, &[]).0, 0x97);
    tell(keys.removal(&signing, &node, 1));
    assert_eq!(again.ask(kind::STATUS, &[]).0, 0x97);
}

/// Of whoever holds the network's key: so many members that there is no room for more.
fn more_members_than_there_may_be(target: &Target) {
    let (keys, signing) = (&target.keys, target.keys.signing.unwrap());
    let admissions: Vec<_> = (0..2 * MEMBERS).map(|_| keys.admission(&signing, &random(), true, 1)).collect();
    let mut member = Link::member(target.addr(), keys, random());
    for page in admissions.chunks(MEMBERS) {
        assert_eq!(member.ask(kind::VIEW, &view(&[1; 32], page, &[], None)).0, 0xb1);
    }
    let mut late = Link::member(target.addr(), keys, random());
    // Full.
    assert!(late.goodbye().is_none_or(|reason| reason == 5));
    target.await_fault(late.frames.addr(), "TooManyLinks");
    let removals: Vec<_> = (0..2 * MEMBERS).map(|_| keys.removal(&signing, &random(), 1)).collect();
    for page in removals.chunks(MEMBERS) {
        assert_eq!(member.ask(kind::VIEW, &view(&[1; 32], &[], page, None)).0, 0xb1);
    }
    let mut page = admissions;
    page.truncate(MEMBERS + 1);
    member.request(kind::VIEW, &view(&[1; 32], &page, &[], None));
    target.await_end(&mut member, "Malformed(Limit)");
    assert_eq!(target.peer.status()["peers"]["members"], MEMBERS);
}

#[test]
fn nobody_is_out_or_waited_for_on_a_liars_word() {
    let target = Target::with(1);
    target.withstand(lies_about_others);
    for status in target.honest_statuses() {
        assert_eq!(status["peers"]["gone"], 0, "{status}");
        assert_eq!(status["waits_for"], serde_json::json!([]), "{status}");
    }
    // The attackers have gone, who have let nothing be taken over.
    target.peer.wait_for("nothing is left to be taken over", |status| status["syncing"] == false);
}

#[test]
fn a_word_about_a_member_is_over_when_a_later_one_is_known() {
    Target::start().withstand(words_that_are_over);
}

#[test]
fn a_full_network_takes_nobody_and_goes_on() {
    Target::start().withstand(more_members_than_there_may_be);
}
