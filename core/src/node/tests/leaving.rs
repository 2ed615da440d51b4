//! Members that go for good: by their own wish, or banned.

use super::*;
use crate::sim::Cut;
use crate::wire::ErrorCode;

fn leave(town: &mut Town, home: HostId) -> Response {
    town.ask(home, Request::Leave { cancel: false })
}

/// Asks again and again, as a home does.
fn leaves(town: &mut Town, home: HostId, limit: Duration) -> bool {
    let end = town.world.now().mono + limit;
    while town.world.now().mono < end {
        if matches!(leave(town, home), Response::Leave { done: true, .. }) {
            return true;
        }
        town.world.run_for(Duration::from_millis(500));
    }
    false
}

fn count(town: &mut Town, host: HostId) -> usize {
    town.node(host, |node, _| node.hub.members.count())
}

#[test]
fn a_member_leaves_when_the_others_hold_what_it_held_and_stops() {
    let mut town = Town::of(3);
    town.world.run_for(SECOND * 5);
    let home = town.add_control(HostId(2));
    assert!(leaves(&mut town, home, SECOND * 60));
    assert!(town.run_until(SECOND * 5, |town| town.events(HostId(2)).last() == Some(&NodeEvent::Stopped)));
    assert!(town.events(HostId(2)).contains(&NodeEvent::Left));
    assert_eq!([count(&mut town, HostId(0)), count(&mut town, HostId(1))], [2, 2]);
    assert_eq!(town.node(HostId(0), |node, _| (node.hub.view.quorum(), node.is_syncing())), (2, false));
}

#[test]
fn one_after_the_other_may_leave() {
    let mut town = Town::of(5);
    town.world.run_for(SECOND * 5);
    for host in [4, 3, 2] {
        let home = town.add_control(HostId(host));
        assert!(leaves(&mut town, home, SECOND * 90), "node {host}");
        assert!(
            town.run_until(SECOND * 5, |town| town.events(HostId(host)).last() == Some(&NodeEvent::Stopped))
        );
    }
    assert!(town.run_until(SECOND * 30, |town| {
        [0, 1].into_iter().all(|host| {
            count(town, HostId(host)) == 2 && !town.node(HostId(host), |node, _| node.is_syncing())
        })
    }));
}

#[test]
fn a_member_that_is_needed_says_for_whom_it_waits_and_stays_when_its_time_is_over() {
    let mut town = Town::with(3, Config { leave_deadline: SECOND * 30, ..Config::default() });
    town.world.run_for(SECOND * 5);
    let away = town.id(HostId(1));
    town.world.crash(HostId(1));
    let home = town.add_control(HostId(2));
    leave(&mut town, home);
    town.world.run_for(SECOND * 20);
    let Response::Leave { done, waits_for, .. } = leave(&mut town, home) else { panic!("no answer") };
    assert!(!done && waits_for.contains(&away), "{waits_for:?}");
    town.world.run_for(SECOND * 15);
    let Response::Error(error) = leave(&mut town, home) else { panic!("it still tries") };
    assert_eq!(error.code, ErrorCode::Deadline);
    assert!(
        town.run_until(SECOND * 60, |town| {
            let all = [HostId(0), HostId(2)];
            all.into_iter().all(|host| town.node(host, |node, _| node.hub.view.members().len() == 3))
        }),
        "it is in again"
    );
}

#[test]
fn nobody_leaves_alone_nor_without_the_key() {
    let mut town = Town::of(1);
    let home = town.add_control(HostId(0));
    assert_eq!(leave(&mut town, home), Response::Error(ErrorCode::Invalid.into()));
}

/// So many that keep what they hold, and one that does not.
fn with_a_volatile_one(n: u8) -> (Town, HostId) {
    let mut town = Town::of(n);
    let setup = town.setup(n, vec![(None, addr(0))]);
    let volatile = town.add_with(NodeSetup { volatile: true, ..setup });
    town.wait_whole();
    town.world.run_for(SECOND * 5);
    (town, volatile)
}

#[test]
fn a_volatile_member_may_leave_the_only_one_that_keeps_anything() {
    let (mut town, volatile) = with_a_volatile_one(1);
    let (keeper, home) = (town.add_control(HostId(0)), town.add_control(volatile));
    assert_eq!(leave(&mut town, keeper), Response::Error(ErrorCode::Invalid.into()));
    assert!(leaves(&mut town, home, SECOND * 60));
    assert!(town.run_until(SECOND * 5, |town| count(town, HostId(0)) == 1));
}

#[test]
fn that_a_volatile_member_leaves_is_told_once() {
    let (mut town, volatile) = with_a_volatile_one(3);
    // It waits for one that is away.
    town.world.crash(HostId(2));
    let home = town.add_control(volatile);
    assert!(matches!(leave(&mut town, home), Response::Leave { done: false, .. }));
    let saved = |town: &mut Town| town.node(HostId(0), |node, _| node.hub.store.saved());
    let before = saved(&mut town);
    town.world.run_for(SECOND * 10);
    assert!(saved(&mut town) - before < 20, "{}", saved(&mut town) - before);
}

#[test]
fn the_banned_are_refused_and_the_rest_go_on_with_a_majority_of_themselves() {
    let mut town = Town::of(3);
    town.world.run_for(SECOND * 5);
    let home = town.add_control(HostId(0));
    let (own, banned) = (town.id(HostId(0)), town.id(HostId(2)));
    town.world.crash(HostId(2));
    assert_eq!(town.ask(home, Request::Ban { node: own }), Response::Error(ErrorCode::Invalid.into()));
    let nobody = NodeId([0xee; 32]);
    assert_eq!(town.ask(home, Request::Ban { node: nobody }), Response::Error(ErrorCode::NotFound.into()));
    assert_eq!(town.ask(home, Request::Ban { node: banned }), Response::Done);
    assert!(town.run_until(SECOND * 10, |town| count(town, HostId(1)) == 2));
    town.restart(HostId(2));
    town.world.run_for(SECOND * 30);
    assert_eq!([count(&mut town, HostId(0)), count(&mut town, HostId(1))], [2, 2]);
    assert_eq!(town.node(HostId(0), |node, _| node.hub.peers.linked().count()), 1);
}

#[test]
fn a_ban_is_acknowledged_when_it_is_durable_and_not_before() {
    let mut town = Town::of(3);
    town.world.run_for(SECOND * 5);
    let home = town.add_control(HostId(0));
    let banned = town.id(HostId(2));
    // Nobody else hears of it.
    (1..3).for_each(|host| town.world.cut(HostId(0), HostId(host), Cut::Silent));
    let until = town.world.now().mono + SECOND * 5;
    town.world.disk_mut(HostId(0)).stall(until);
    let ban = || Request::Ban { node: banned };
    assert_eq!(town.ask_within(home, ban(), SECOND * 4), None);
    town.world.crash(HostId(0));
    town.restart(HostId(0));
    town.world.run_for(SECOND * 5);
    let home = town.add_control(HostId(0));
    assert_eq!(town.ask(home, ban()), Response::Done, "it was not yet");
    town.world.crash(HostId(0));
    town.restart(HostId(0));
    assert!(town.run_until(SECOND, |town| count(town, HostId(0)) == 2));
}

#[test]
fn a_volatile_member_bans_nobody_where_others_would_not_forget_it() {
    let (mut town, volatile) = with_a_volatile_one(3);
    let home = town.add_control(volatile);
    let node = town.id(HostId(1));
    assert_eq!(town.ask(home, Request::Ban { node }), Response::Error(ErrorCode::Invalid.into()));
}

#[test]
fn who_reaches_nobody_does_not_leave_until_the_others_are_back_and_know_it() {
    let mut town = Town::empty(Config::default());
    town.wanted.gone_after = Some(SECOND * 20);
    for host in 0..4 {
        town.add_node(if host == 0 { vec![] } else { vec![(None, addr(0))] });
    }
    town.wait_whole();
    town.world.run_for(SECOND * 5);
    let (hosts, last) = ([HostId(0), HostId(1), HostId(2)], HostId(3));
    hosts.iter().for_each(|host| town.world.cut(last, *host, Cut::Silent));
    let home = town.add_control(last);
    // It has put out all the others: nobody is unsettled any more.
    assert!(!leaves(&mut town, home, SECOND * 60));
    let Response::Leave { waits_for, .. } = leave(&mut town, home) else { panic!("it leaves") };
    assert_eq!(waits_for.len(), 3);
    hosts.iter().for_each(|host| town.world.heal(last, *host));
    assert!(leaves(&mut town, home, SECOND * 90));
    assert!(town.run_until(SECOND * 5, |town| count(town, HostId(0)) == 3));
}

#[test]
fn who_has_signed_that_it_has_left_takes_nothing_any_more() {
    let mut town = Town::of(3);
    let owner = Owner::new(&town, 1);
    let (home, client) = (town.add_control(HostId(2)), town.add_client(&owner, HostId(2)));
    let record = owner.record(name(1), version(&town, 0), object(1), 10);
    leave(&mut town, home);
    assert!(town.run_until(SECOND * 60, |town| count(town, HostId(2)) == 2));
    let answer = town.ask(client, put(&record));
    assert!(matches!(&answer, Response::Error(error) if error.code == ErrorCode::Stopping), "{answer:?}");
}

#[test]
fn who_never_hears_an_answer_to_its_farewell_goes_when_it_is_shown_that_it_is_known() {
    let mut town = Town::of(3);
    town.world.run_for(SECOND * 5);
    let (hosts, last) = ([HostId(0), HostId(1)], HostId(2));
    let home = town.add_control(last);
    leave(&mut town, home);
    assert!(town.run_until(SECOND * 60, |town| count(town, last) == 2));
    hosts.iter().for_each(|host| town.world.cut_one_way(*host, last));
    assert!(!leaves(&mut town, home, SECOND * 30));
    assert_eq!([count(&mut town, hosts[0]), count(&mut town, hosts[1])], [2, 2]);
    hosts.iter().for_each(|host| town.world.heal(*host, last));
    assert!(leaves(&mut town, home, SECOND * 30));
    assert!(town.events(last).contains(&NodeEvent::Left));
}
