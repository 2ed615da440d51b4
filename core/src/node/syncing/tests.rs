//! What is remembered of earlier placements, where there are more than there is room for.

use super::*;
use alloc::vec;

/// The members 1 to 8, none of whom went.
struct Everyone;

impl Roll for Everyone {
    fn everyone(&self) -> Vec<NodeId> {
        (1..=8).map(node).collect()
    }

    fn has_left(&self, _: &NodeId) -> bool {
        false
    }

    fn is_banned(&self, _: &NodeId) -> bool {
        false
    }
}

const fn node(n: u8) -> NodeId {
    NodeId([n; 32])
}

/// The eight members, each in or out of the placement as the bits of `placed` say.
fn placement(epoch: u64, placed: u8) -> PastPlacement {
    let member = |n| PastMember { node: node(n), positions: 4, placed: placed >> (n - 1) & 1 == 1 };
    PastPlacement { epoch, replicas: 3, members: (1..=8).map(member).collect() }
}

/// Placements of three members and more, each another one.
fn placements(from: u8, count: usize) -> Vec<PastPlacement> {
    let many = (from..=u8::MAX).filter(|placed| placed.count_ones() > 2);
    many.take(count).map(|placed| placement(u64::from(placed), placed)).collect()
}

fn history(known: &[PastPlacement]) -> History {
    let mut history = History::default();
    known.iter().for_each(|told| history.push(Suite::Sim, told.clone()));
    history
}

/// One tells the other all that it knows; `true` if the other learns anything.
fn teach(from: &History, to: &mut History) -> bool {
    from.told().into_iter().fold(false, |learned, past| to.learn(Suite::Sim, past) | learned)
}

fn everything_is_taken_over(history: &mut History, from: impl IntoIterator<Item = u8>) {
    history.reconciled.extend(from.into_iter().map(node));
}

#[test]
fn members_that_remember_other_placements_than_each_other_have_learned_all_of_them_some_time() {
    let mut sides =
        [history(&placements(1, limit::PLACEMENTS)), history(&placements(100, limit::PLACEMENTS))];
    let rounds = (0..100).take_while(|_| {
        let [one, other] = &mut sides;
        teach(one, other) | teach(other, one)
    });
    assert!(rounds.count() < 100);
    let rounds = sides.each_ref().map(|history| history.round);
    let [one, other] = &mut sides;
    assert!(!teach(one, other) && !teach(other, one));
    assert_eq!(sides.each_ref().map(|history| history.round), rounds, "nothing is taken over anew");
}

#[test]
fn who_has_left_out_a_placement_counts_once_it_has_taken_over_from_every_member() {
    let own = node(1);
    // Only one of them: all others that could be needed by what is remembered are among these.
    let mut history = history(&[placement(3, 0b1111_1111)]);
    assert!(!history.lacks(&own, &Position([7; 32]), &Everyone), "its disk was there all the time");
    assert!(history.learn_left_out(9));
    for from in 2..=8 {
        assert!(history.lacks(&own, &Position([7; 32]), &Everyone));
        everything_is_taken_over(&mut history, [from]);
    }
    assert!(!history.lacks(&own, &Position([7; 32]), &Everyone));
    assert!(!history.learn_left_out(9), "this is known");
    assert!(history.learn_left_out(10));
    assert!(history.lacks(&own, &Position([7; 32]), &Everyone), "this is not");
}

#[test]
fn one_placement_more_than_there_is_room_for_is_left_out_once() {
    let all = placements(1, limit::PLACEMENTS + 1);
    let mut history = history(&all[..limit::PLACEMENTS]);
    assert_eq!(history.left_out_epoch, 0);
    let one_more = &all[limit::PLACEMENTS];
    assert!(history.learn(Suite::Sim, one_more.clone()));
    assert_eq!(history.left_out_epoch, one_more.epoch);
    assert_eq!(history.told(), all[..limit::PLACEMENTS]);
    everything_is_taken_over(&mut history, 2..=8);
    assert!(!history.learn(Suite::Sim, one_more.clone()));
    assert!(!history.lacks(&node(1), &Position([7; 32]), &Everyone));
}

#[test]
fn what_was_left_out_and_forgotten_is_not_taken_up_again() {
    let all = placements(1, limit::PLACEMENTS + 2);
    let slow = history(&all);
    let mut history = history(&all);
    history.forget(200);
    assert!(history.is_empty() && history.left_out_epoch == 0);
    assert!(!teach(&slow, &mut history));
    assert!(!history.learn(Suite::Sim, all[limit::PLACEMENTS].clone()));
    assert!(!history.learn_left_out(200) && history.learn_left_out(201), "that is a later one");
}

#[test]
fn all_of_it_comes_back_from_its_row() {
    let mut history = history(&placements(1, limit::PLACEMENTS + 3));
    everything_is_taken_over(&mut history, [2, 5]);
    let mut row = Writer::default();
    history.encode(&mut row);
    let back = History::decode(Suite::Sim, &mut Reader::new(row.freeze())).unwrap();
    assert_eq!(back.told(), history.told());
    assert_eq!((back.left_out, back.left_out_epoch), (history.left_out, history.left_out_epoch));
    assert_eq!(back.reconciled, BTreeSet::from_iter(vec![node(2), node(5)]));
}
