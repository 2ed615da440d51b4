//! Members that fall silent, come back, join and lose their disks: who keeps what, and whose word counts.

use super::*;
use crate::id::Position;
use crate::node::view::record_position;
use crate::sim::Cut;

/// The network's patience in these tests.
const PATIENCE: Duration = Duration::from_secs(20);

fn town(n: u8) -> Town {
    let mut town = Town::empty(Config::default());
    town.wanted.gone_after = Some(PATIENCE);
    for host in 0..n {
        let peers = if host == 0 { vec![] } else { vec![(None, addr(0))] };
        town.add_node(peers);
    }
    town.wait_whole();
    town.world.run_for(SECOND * 5);
    town
}

fn position() -> Position {
    record_position(SUITE, &OwnerId([1; 32]), 7)
}

/// How many of these nodes vote for the same set at a position as the first of them sees there.
fn votes(town: &mut Town, hosts: &[HostId]) -> usize {
    let set = town.node(hosts[0], |node, _| node.hub.view.set_hash(&position()));
    hosts.iter().filter(|host| town.node(**host, |node, _| node.hub.vote(&position()) == Some(set))).count()
}

fn placed(town: &mut Town, host: HostId) -> usize {
    town.node(host, |node, _| node.hub.view.members().len())
}

fn settled(town: &mut Town, hosts: &[HostId]) -> bool {
    let digest = town.node(hosts[0], |node, _| node.hub.placement_digest());
    hosts.iter().all(|host| {
        town.node(*host, |node, _| {
            !node.is_syncing()
                && node.hub.standing.history.is_empty()
                && node.hub.placement_digest() == digest
        })
    })
}

fn cut_off(town: &mut Town, side: &[HostId], other: &[HostId]) {
    for a in side {
        for b in other {
            town.world.cut(*a, *b, Cut::Silent);
        }
    }
}

fn heal(town: &mut Town, side: &[HostId], other: &[HostId]) {
    for a in side {
        for b in other {
            town.world.heal(*a, *b);
        }
    }
}

#[test]
fn a_silent_member_leaves_the_placement_when_patience_is_over_and_still_counts_for_the_majority() {
    let mut town = town(3);
    town.world.crash(HostId(2));
    town.world.run_for(PATIENCE - SECOND);
    assert_eq!(placed(&mut town, HostId(0)), 3, "not before");
    let rest = [HostId(0), HostId(1)];
    assert!(town.run_until(PATIENCE, |town| settled(town, &rest) && placed(town, rest[0]) == 2));
    assert_eq!(town.node(HostId(0), |node, _| node.hub.view.quorum()), 2);
    assert_eq!(votes(&mut town, &rest), 2);
}

#[test]
fn who_can_still_be_heard_by_another_member_is_not_gone() {
    let mut town = town(3);
    cut_off(&mut town, &[HostId(0)], &[HostId(2)]);
    town.world.run_for(PATIENCE * 4);
    assert_eq!(placed(&mut town, HostId(0)), 3);
    assert_eq!(placed(&mut town, HostId(2)), 3);
}

#[test]
fn a_lone_member_puts_the_others_out_and_never_comes_to_a_majority() {
    let mut town = town(3);
    cut_off(&mut town, &[HostId(2)], &[HostId(0), HostId(1)]);
    assert!(
        town.run_until(PATIENCE * 3, |town| placed(town, HostId(2)) == 1 && placed(town, HostId(0)) == 2)
    );
    let quorum = town.node(HostId(2), |node, _| node.hub.view.quorum());
    assert!(votes(&mut town, &[HostId(2)]) < usize::from(quorum));
    assert!(town.run_until(PATIENCE, |town| votes(town, &[HostId(0), HostId(1)]) == 2));
}

#[test]
fn a_member_that_was_out_counts_again_only_when_it_has_taken_over_and_then_all_agree() {
    let mut town = town(3);
    let (rest, lost) = ([HostId(0), HostId(1)], HostId(2));
    cut_off(&mut town, &[lost], &rest);
    assert!(town.run_until(PATIENCE * 3, |town| placed(town, rest[0]) == 2 && placed(town, lost) == 1));
    heal(&mut town, &[lost], &rest);
    let all = [rest[0], rest[1], lost];
    // As soon as it is in again, and before it has taken over, its word counts for nothing.
    assert!(town.run_until(PATIENCE * 4, |town| placed(town, rest[0]) == 3));
    assert!(town.node(lost, |node, _| node.is_syncing() && node.hub.vote(&position()).is_none()));
    assert!(town.run_until(PATIENCE * 4, |town| settled(town, &all)), "they agree in the end");
    assert_eq!(votes(&mut town, &all), 3);
}

#[test]
fn who_is_out_stays_out_over_a_restart() {
    let mut town = town(3);
    town.world.crash(HostId(2));
    let rest = [HostId(0), HostId(1)];
    assert!(town.run_until(PATIENCE * 3, |town| settled(town, &rest) && placed(town, rest[0]) == 2));
    town.world.crash(HostId(1));
    town.restart(HostId(1));
    assert!(
        town.run_until(SECOND * 5, |town| placed(town, HostId(1)) == 2),
        "at once, not after the patience"
    );
    assert!(town.run_until(PATIENCE, |town| votes(town, &rest) == 2));
}

#[test]
fn two_halves_never_both_come_to_a_majority_at_one_position() {
    let mut town = town(5);
    let (few, many) = ([HostId(0), HostId(1)], [HostId(2), HostId(3), HostId(4)]);
    cut_off(&mut town, &few, &many);
    for _ in 0..60 {
        town.world.run_for(SECOND);
        for shard in 0..=255 {
            let at = record_position(SUITE, &OwnerId([1; 32]), shard);
            let acknowledges = |town: &mut Town, side: &[HostId]| {
                let set = town.node(side[0], |node, _| (node.hub.view.set_hash(&at), node.hub.view.quorum()));
                let votes =
                    side.iter().filter(|host| town.node(**host, |node, _| node.hub.vote(&at) == Some(set.0)));
                votes.count() >= usize::from(set.1)
            };
            assert!(!(acknowledges(&mut town, &few) && acknowledges(&mut town, &many)), "shard {shard}");
        }
    }
}

#[test]
fn a_new_disk_under_an_old_name_counts_for_nothing_until_enough_of_the_others_have_been_asked() {
    let mut town = town(3);
    // One of the two that would be needed is away.
    town.world.crash(HostId(2));
    town.world.crash(HostId(1));
    *town.world.disk_mut(HostId(1)) = crate::sim::SimDisk::new([9; 32]);
    town.restart(HostId(1));
    town.world.run_for(SECOND * 15);
    assert!(town.node(HostId(1), |node, _| node.is_syncing() && node.hub.vote(&position()).is_none()));
    let waits_for = town.node(HostId(1), |node, _| node.hub.waits_for());
    assert_eq!(waits_for.len(), 1, "and it says for whom it waits");
    town.restart(HostId(2));
    assert!(town.run_until(SECOND * 60, |town| votes(town, &[HostId(0), HostId(1), HostId(2)]) == 3));
}
