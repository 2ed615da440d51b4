//! Members that lie about how they stand, that let nothing be taken from them, and peers that do not read.

use alloc::boxed::Box;

use super::*;
use crate::config::limit;
use crate::error::PeerFault;
use crate::node::view::record_position;
use crate::sim::{Cut, SimDisk};
use crate::wire::{
    ErrorCode, MembershipPage, Out, PastMember, PastPlacement, PinsPage, RecordsPage, Standing,
};

/// A member that holds nothing and knows what the other side knows.
fn polite(request: &Request) -> Option<Response> {
    match request {
        Request::Ping { unix_ms } => Some(Response::Pong { unix_ms: *unix_ms }),
        Request::View(page) => {
            Some(Response::View(MembershipPage { digest: page.digest, ..MembershipPage::default() }))
        }
        Request::PullRecords { .. } => Some(Response::PulledRecords(RecordsPage::default())),
        Request::PullPins { .. } => Some(Response::PulledPins(PinsPage::default())),
        _ => Some(Response::Error(ErrorCode::NotFound.into())),
    }
}

/// The same, but it never answers who would take over what it holds.
fn silent_to_pulls(request: &Request) -> Option<Response> {
    match request {
        Request::PullRecords { .. } | Request::PullPins { .. } => None,
        other => polite(other),
    }
}

/// The same, but it refuses.
fn refuses_pulls(request: &Request) -> Option<Response> {
    match request {
        Request::PullRecords { .. } | Request::PullPins { .. } => {
            Some(Response::Error(ErrorCode::Busy.into()))
        }
        other => polite(other),
    }
}

fn tell(standing: Standing) -> Request {
    Request::View(MembershipPage { standing: Some(Box::new(standing)), ..MembershipPage::default() })
}

fn placement_of(epoch: u64, nodes: &[NodeId]) -> PastPlacement {
    let mut nodes = nodes.to_vec();
    nodes.sort_unstable();
    let member = |node| PastMember { node, positions: 8, placed: true };
    PastPlacement { epoch, replicas: 3, members: nodes.into_iter().map(member).collect() }
}

fn votes_everywhere(town: &mut Town, host: HostId) -> bool {
    let owner = OwnerId([1; 32]);
    town.node(host, |node, _| {
        let positions = (0..=255).map(|shard| record_position(SUITE, &owner, shard));
        let mut own = positions.filter(|position| node.hub.view.replicas(position).contains(&node.hub.own));
        !node.is_syncing() && own.all(|position| node.hub.vote(&position).is_some())
    })
}

#[test]
fn numbers_at_the_end_of_their_range_stop_nobody() {
    let mut town = Town::of(2);
    let (liar, id) = town.add_voter(polite);
    let (first, second) = (town.id(HostId(0)), town.id(HostId(1)));
    for (epoch, unheard) in [(u64::MAX, u64::MAX), (u64::MAX, 0), (u64::MAX - 1, u64::MAX)] {
        let standing = Standing {
            epoch,
            out: vec![(first, Out::Gone), (second, Out::Leaving), (id, Out::Gone)],
            unheard: vec![(first, unheard), (second, unheard), (id, unheard)],
            previous: vec![placement_of(epoch, &[first, second])],
            ..Standing::default()
        };
        let answer = town.ask(liar, tell(standing));
        assert!(matches!(answer, Response::View(_)), "{answer:?}");
    }
    // Changes of the membership go on as before.
    town.add_node(vec![(None, addr(1))]);
    town.add_node(vec![(None, addr(0))]);
    town.wait_whole();
    let epochs = |town: &mut Town| {
        let hosts = town.nodes.clone();
        hosts.into_iter().map(|host| town.node(host, |node, _| node.hub.tell_standing(None).epoch)).max()
    };
    assert!(epochs(&mut town).is_some_and(|epoch| epoch < u64::MAX / 2));
}

#[test]
fn members_that_never_were_are_not_waited_for() {
    let mut town = Town::of(2);
    let (liar, id) = town.add_voter(polite);
    let first = town.id(HostId(0));
    assert!(town.run_until(SECOND * 30, |town| votes_everywhere(town, HostId(0))));
    let strangers = [NodeId([1; 32]), NodeId([2; 32]), NodeId([3; 32])];
    let mixed = [first, id, strangers[0]];
    for nodes in [&strangers[..], &mixed] {
        let previous = vec![placement_of(3, nodes)];
        town.ask(liar, tell(Standing { epoch: 7, previous, ..Standing::default() }));
        town.world.run_for(SECOND);
        assert!(votes_everywhere(&mut town, HostId(0)));
    }
    // Unordered, or one of them twice: that nobody says who has followed the rules.
    let mut twice = placement_of(3, &[first, id]);
    twice.members.push(twice.members[0]);
    town.ask(liar, tell(Standing { epoch: 7, previous: vec![twice], ..Standing::default() }));
    assert!(votes_everywhere(&mut town, HostId(0)));
}

/// Two nodes and a member that lets nothing be taken from it; the second has lost its disk.
fn town_without_a_source(script: Script) -> (Town, NodeId) {
    let mut town = Town::of(2);
    let (member, id) = town.add_voter(script);
    let second = HostId(1);
    let meet = |town: &mut Town| {
        town.probe(member, |probe, _| probe.dial(addr(1)));
        let linked = |town: &mut Town| {
            town.node(second, |node, _| node.hub.members.joined && node.hub.peers.link(&id).is_some())
        };
        assert!(town.run_until(SECOND * 30, linked));
    };
    meet(&mut town);
    town.let_vote(member, id);
    town.world.run_for(SECOND * 5);
    town.world.crash(second);
    *town.world.disk_mut(second) = SimDisk::new([9; 32]);
    town.start_again(second, false);
    meet(&mut town);
    (town, id)
}

#[test]
fn who_is_there_and_lets_nothing_be_taken_over_is_waited_for_by_name_and_no_vote_is_cast_meanwhile() {
    for script in [silent_to_pulls as Script, refuses_pulls] {
        let (mut town, id) = town_without_a_source(script);
        let second = HostId(1);
        let home = town.add_control(second);
        let status = town.status(home);
        assert!(status.syncing && status.waits_for.is_empty(), "at first it is a source like any other");
        town.world.run_for(town.config.pull_patience + SECOND * 10);
        let status = town.status(home);
        assert!(!status.syncing, "nothing is to be had any more");
        assert_eq!(status.waits_for, [id]);
        assert!(town.node(second, |node, _| node.is_syncing()));
        assert!(!votes_everywhere(&mut town, second));
    }
}

#[test]
fn who_gives_after_all_is_a_source_again() {
    let (mut town, id) = town_without_a_source(refuses_pulls);
    let second = HostId(1);
    let home = town.add_control(second);
    town.world.run_for(town.config.pull_patience + SECOND * 10);
    assert_eq!(town.status(home).waits_for, [id]);
    let digest = |host: HostId, town: &mut Town| town.node(host, |node, _| node.hub.placement_digest());
    assert_eq!(digest(HostId(0), &mut town), digest(second, &mut town));
    let member = HostId(2);
    town.probe(member, |probe, _| probe.script = polite);
    assert!(town.run_until(SECOND * 60, |town| votes_everywhere(town, second)));
    let is_whole = |town: &mut Town| {
        town.world.run_for(SECOND);
        let status = town.status(home);
        !status.syncing && status.waits_for.is_empty()
    };
    assert!(town.run_until(SECOND * 60, is_whole));
}

#[test]
fn views_and_checks_wait_while_the_answers_before_them_fill_their_link() {
    let mut town = Town::with(1, Config { answer_window: 1, ..Config::default() });
    let (member, id) = town.add_voter(polite);
    town.world.run_for(SECOND);
    town.world.disk_mut(HostId(0)).set_delay(SECOND, SECOND);
    // What is new is durable before anything is answered.
    let admissions = vec![(town.admission(NodeId([4; 32]), 1), vec![]), (town.admission(id, 2), vec![])];
    let news = Request::View(MembershipPage { admissions, ..MembershipPage::default() });
    let views = core::iter::repeat_n(news, 120);
    let owner = Owner::new(&town, 1);
    let check = crate::wire::PinCheck {
        owner: owner.id(),
        name: name(1),
        object: object(1),
        since: version(&town, 0),
    };
    let checks = core::iter::repeat_n(Request::CheckPins { lapse: false, checks: vec![check] }, 120);
    let asked: Vec<u32> =
        views.chain(checks).map(|request| town.probe(member, |probe, _| probe.ask(request))).collect();
    town.world.run_for(SECOND / 2);
    let room = limit::BLOB / limit::CONTROL_MESSAGE + 1;
    let waiting = town.node(HostId(0), |node, _| node.hub.links.waiting_reads());
    assert!(waiting >= 240 - room, "{waiting} wait");
    town.world.disk_mut(HostId(0)).set_delay(Duration::ZERO, Duration::ZERO);
    town.world.run_for(SECOND * 10);
    for id in asked {
        assert!(town.probe(member, |probe, _| probe.has_answer(id)), "each is answered in its turn");
    }
}

#[test]
fn one_link_has_proofs_made_of_a_window_at_a_time_and_others_are_served() {
    let mut town = Town::of(1);
    let owner = Owner::new(&town, 1);
    let client = town.add_client(&owner, HostId(0));
    let bytes = Bytes::from(vec![1; 1_000_000]);
    town.ask(client, owner.put_blob(name(1), object(1), version(&town, 0), &bytes));
    let (member, _) = town.add_voter(polite);
    town.world.run_for(SECOND);
    let blobs = vec![SUITE.blob_id(&bytes); limit::PROVE_BLOBS];
    let prove = || Request::Prove { nonce: [1; 32], blobs: blobs.clone() };
    town.world.disk_mut(HostId(0)).set_delay(SECOND / 100, SECOND / 100);
    let asked: Vec<u32> = (0..200).map(|_| town.probe(member, |probe, _| probe.ask(prove()))).collect();
    town.world.run_for(SECOND / 100);
    let window = town.config.answer_window / limit::BLOB;
    assert_eq!(town.node(HostId(0), |node, _| node.hub.links.waiting_reads()), 200 - window);
    // Nobody else is turned away, or waits for all of that.
    let before = town.world.now().mono;
    for number in 2..10 {
        let answer = town.ask(client, read(&bytes));
        assert!(matches!(answer, Response::Blob { .. }), "{answer:?}");
        let (id, since) = (object(number), version(&town, 0));
        let answer = town.ask(client, owner.put_blob(name(number), id, since, &blob(number)));
        assert!(matches!(answer, Response::Stored { copies: 1, .. }), "{answer:?}");
    }
    assert!(town.world.now().mono.since(before) < SECOND * 5);
    assert!(town.run_until(SECOND * 120, |town| {
        town.probe(member, |probe, _| asked.iter().all(|id| probe.has_answer(*id)))
    }));
}

#[test]
fn who_reads_nothing_of_what_was_asked_for_loses_the_link() {
    let mut town = Town::of(1);
    let owner = Owner::new(&town, 1);
    let client = town.add_client(&owner, HostId(0));
    let bytes = Bytes::from(vec![1; 1_000_000]);
    town.ask(client, owner.put_blob(name(1), object(1), version(&town, 0), &bytes));
    let links = |town: &mut Town| town.node(HostId(0), |node, _| node.hub.links.iter().count());
    assert_eq!(links(&mut town), 1);
    for _ in 0..20 {
        town.probe(client, |probe, _| probe.ask(read(&bytes)));
    }
    // The questions arrive; of the answers only the first bytes.
    town.world.run_for(Duration::from_millis(1));
    town.world.cut(HostId(0), client, Cut::Silent);
    town.world.run_for(town.config.bulk_deadline - SECOND);
    assert_eq!(links(&mut town), 1, "a slow one has its time");
    assert_eq!(faults(&town, HostId(0)), []);
    town.world.run_for(SECOND * 3);
    assert_eq!(faults(&town, HostId(0)), [PeerFault::Stalled]);
    assert_eq!(links(&mut town), 0);
}

#[test]
fn members_that_disagree_who_leaves_do_not_turn_the_others_again_and_again() {
    let mut town = Town::of(1);
    let (one, _) = town.add_voter(polite);
    let (other, _) = town.add_voter(polite);
    let (away, id) = town.add_voter(polite);
    town.world.cut(HostId(0), away, Cut::Reset);
    // It was there itself just now: then nobody is nearer.
    town.world.run_for(SECOND * 60);
    let told = |out: &[(NodeId, Out)], unheard: u64| {
        tell(Standing { out: out.to_vec(), unheard: vec![(id, unheard)], ..Standing::default() })
    };
    let is_out = |town: &mut Town| town.node(HostId(0), |node, _| node.hub.is_out(&id).is_some());
    // The one has heard it just now, the other only of it.
    town.ask(one, told(&[(id, Out::Leaving)], 0));
    assert!(is_out(&mut town));
    let before = town.node(HostId(0), |node, _| node.hub.tell_standing(None).epoch);
    for _ in 0..20 {
        town.ask(other, told(&[], 60_000));
        town.ask(one, told(&[(id, Out::Leaving)], 0));
        assert!(is_out(&mut town));
    }
    let after = town.node(HostId(0), |node, _| node.hub.tell_standing(None).epoch);
    assert_eq!(before, after, "the placement has changed");
    town.ask(one, told(&[], 0));
    assert!(!is_out(&mut town), "who has heard it says that it stays after all");
}
