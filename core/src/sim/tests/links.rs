//! Links that are slow, narrow, lost, or work in one direction.

use alloc::vec;
use core::time::Duration;

use super::super::{Cut, NetworkOptions};
use super::probe::{ACCEPTED, DIALLED, Probe, Told, act, connect, numbers, received, told, two};
use crate::driver::Output;
use crate::id::ConnId;
use crate::time::Instant;

const SECOND: Duration = Duration::from_secs(1);

fn send(conn: ConnId, len: usize) -> Output<Told> {
    Output::Send { conn, bytes: numbers(len) }
}

fn dial(number: u64) -> Output<Told> {
    Output::Dial { conn: ConnId::dialled(number), addr: super::probe::addr(2) }
}

#[test]
fn a_narrow_link_takes_its_time_in_each_direction() {
    let (mut world, a, b) = two(NetworkOptions { bandwidth: Some(10_000), ..NetworkOptions::default() });
    connect(&mut world, a, b);
    act(&mut world, a, send(DIALLED, 50_000));
    act(&mut world, b, send(ACCEPTED, 50_000));
    world.run_for(SECOND * 4);
    let (of_a, of_b) = (received(&told(&mut world, a)).len(), received(&told(&mut world, b)).len());
    assert!(of_a < 50_000 && of_b < 50_000, "{of_a}, {of_b}");
    world.run_for(Duration::from_millis(1_010));
    let (more_a, more_b) = (received(&told(&mut world, a)).len(), received(&told(&mut world, b)).len());
    assert_eq!((of_a + more_a, of_b + more_b), (50_000, 50_000));
}

#[test]
fn a_link_that_is_closed_gives_up_what_it_cannot_send_soon() {
    let options =
        NetworkOptions { bandwidth: Some(10_000), longest_portion: 1_000, ..NetworkOptions::default() };
    let (mut world, a, b) = two(options);
    connect(&mut world, a, b);
    act(&mut world, a, send(DIALLED, 50_000));
    act(&mut world, a, Output::Close { conn: DIALLED });
    world.run_for(SECOND * 2);
    let told = told(&mut world, b);
    assert_eq!(told.last(), Some(&Told::Disconnected(ACCEPTED)));
    assert!((9_000..=10_100).contains(&received(&told).len()));
}

#[test]
fn a_slow_host_is_late_in_all_that_it_sends_and_gets() {
    let (mut world, a, b) = two(NetworkOptions::default());
    connect(&mut world, a, b);
    world.slow(b, SECOND);
    for (from, to, conn) in [(a, b, DIALLED), (b, a, ACCEPTED)] {
        act(&mut world, from, send(conn, 10));
        world.run_for(SECOND);
        assert!(received(&told(&mut world, to)).is_empty());
        world.run_for(SECOND);
        assert_eq!(received(&told(&mut world, to)), numbers(10));
    }
    world.slow(b, Duration::ZERO);
    act(&mut world, a, send(DIALLED, 10));
    world.run_for(SECOND);
    assert_eq!(received(&told(&mut world, b)), numbers(10));
}

#[test]
fn links_that_are_reset_end_on_both_sides_and_can_be_dialled_at_once() {
    let (mut world, a, b) = two(NetworkOptions::default());
    connect(&mut world, a, b);
    act(&mut world, a, send(DIALLED, 10));
    world.reset(a, b);
    act(&mut world, a, dial(2));
    world.run_for(SECOND);
    assert_eq!(told(&mut world, a), [Told::Disconnected(DIALLED), Told::Connected(ConnId::dialled(2))]);
    assert_eq!(told(&mut world, b), [Told::Disconnected(ACCEPTED), Told::Connected(ConnId::accepted(2))]);
}

#[test]
fn a_portion_may_end_its_link() {
    let (mut world, a, b) = two(NetworkOptions { reset_per_million: 1_000_000, ..NetworkOptions::default() });
    connect(&mut world, a, b);
    act(&mut world, a, send(DIALLED, 10));
    world.run_for(SECOND);
    assert_eq!(told(&mut world, a), [Told::Disconnected(DIALLED)]);
    assert_eq!(told(&mut world, b), [Told::Disconnected(ACCEPTED)]);
}

#[test]
fn a_one_way_cut_lets_only_the_other_direction_through() {
    let (mut world, a, b) = two(NetworkOptions::default());
    connect(&mut world, a, b);
    act(&mut world, a, send(DIALLED, 5));
    world.cut_one_way(a, b);
    act(&mut world, a, send(DIALLED, 10));
    act(&mut world, b, send(ACCEPTED, 20));
    act(&mut world, a, dial(2));
    world.run_for(SECOND);
    assert_eq!(told(&mut world, a), [Told::Received(DIALLED, numbers(20))]);
    assert_eq!(told(&mut world, b), [Told::Sent(20)]);
    world.heal(a, b);
    world.run_for(SECOND);
    assert_eq!(told(&mut world, a), [Told::Disconnected(DIALLED)]);
    assert_eq!(told(&mut world, b), [Told::Disconnected(ACCEPTED)]);
}

#[test]
fn of_two_ends_of_a_one_way_cut_one_learns_that_the_other_has_closed() {
    for (closes, told_both) in [(DIALLED, false), (ACCEPTED, true)] {
        let (mut world, a, b) = two(NetworkOptions::default());
        connect(&mut world, a, b);
        world.cut_one_way(a, b);
        let who = if closes == DIALLED { a } else { b };
        act(&mut world, who, Output::Close { conn: closes });
        world.run_for(SECOND);
        let ended = [a, b].map(|host| told(&mut world, host).len());
        assert_eq!(ended, if told_both { [1, 1] } else { [1, 0] });
        world.heal(a, b);
        world.run_for(SECOND);
        let ended = [a, b].map(|host| told(&mut world, host).len());
        assert_eq!(ended, if told_both { [0, 0] } else { [0, 1] });
    }
}

#[test]
fn nobody_learns_through_a_cut_that_a_host_is_gone_and_its_old_links_never_touch_its_new_ones() {
    let (mut world, a, b) = two(NetworkOptions::default());
    connect(&mut world, a, b);
    world.cut(a, b, Cut::Silent);
    world.crash(a);
    world.run_for(SECOND);
    assert_eq!(told(&mut world, b), vec![]);
    world.start(a, |_| Probe::default());
    let c = world.add(super::probe::addr(3), true, |_| Probe::default());
    act(&mut world, a, Output::Dial { conn: DIALLED, addr: super::probe::addr(3) });
    world.run_for(SECOND);
    act(&mut world, b, send(ACCEPTED, 10));
    world.heal(a, b);
    act(&mut world, a, send(DIALLED, 20));
    world.run_for(SECOND);
    assert_eq!(told(&mut world, b), [Told::Disconnected(ACCEPTED)]);
    assert_eq!(told(&mut world, a), [Told::Connected(DIALLED), Told::Sent(20)]);
    assert_eq!(received(&told(&mut world, c)), numbers(20));
    assert!(world.now().mono > Instant(0));
}

#[test]
fn what_is_held_back_waits_in_one_direction_and_then_comes_in_its_order() {
    let (mut world, a, b) = two(NetworkOptions::default());
    connect(&mut world, a, b);
    world.hold(a, b);
    act(&mut world, a, send(DIALLED, 200));
    act(&mut world, a, send(DIALLED, 100));
    act(&mut world, b, send(ACCEPTED, 10));
    world.run_for(SECOND);
    assert!(received(&told(&mut world, b)).is_empty());
    assert_eq!(received(&told(&mut world, a)), numbers(10));
    world.release(a, b);
    world.run_for(SECOND);
    assert_eq!(received(&told(&mut world, b)), [numbers(200), numbers(100)].concat());
}

#[test]
fn a_link_that_ends_takes_along_what_is_held_back() {
    let (mut world, a, b) = two(NetworkOptions::default());
    connect(&mut world, a, b);
    world.hold(a, b);
    act(&mut world, a, send(DIALLED, 10));
    world.run_for(SECOND);
    world.reset(a, b);
    world.release(a, b);
    world.run_for(SECOND);
    assert_eq!(told(&mut world, b), [Told::Disconnected(ACCEPTED)]);
}
