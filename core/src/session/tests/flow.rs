//! Order and credit: what overtakes what, what waits for what, and what never waits.

use super::*;
use crate::wire::{Class, CloseReason};

const MIB: usize = 1 << 20;

#[test]
fn an_urgent_message_overtakes_bulk_that_is_under_way() {
    let mut pair = Pair::open(&Config::default());
    pair.dialler.session.send(&get(1));
    pair.run();
    pair.answerer.session.send(&blob_answer(1, 4 * MIB));
    // One frame of the blob is out when the urgent message comes.
    let mut out = vec![pair.answerer.session.poll_transmit().unwrap()];
    pair.answerer.session.send(&Message::Credit { class: Class::Relay, bytes: 1 });
    pair.dialler.session.send(&ping(2));
    pair.dialler.transmit().into_iter().for_each(|bytes| pair.answerer.receive(bytes));
    pair.answerer.session.send(&stored(2));
    out.push(pair.answerer.session.poll_transmit().unwrap());
    out.into_iter().for_each(|bytes| pair.dialler.receive(bytes));
    assert_eq!(pair.dialler.messages(), [&stored(2)]);
    assert!(pair.answerer.session.sent(64 * 1024));
    pair.run();
    assert_eq!(pair.dialler.messages()[1], &blob_answer(1, 4 * MIB));
}

#[test]
fn bulk_streams_take_turns() {
    let mut pair = Pair::open(&Config::default());
    pair.dialler.session.send(&get(1));
    pair.dialler.session.send(&get(2));
    pair.run();
    pair.answerer.session.send(&blob_answer(1, 4 * MIB));
    pair.answerer.session.send(&blob_answer(2, MIB));
    pair.run();
    assert_eq!(pair.dialler.messages(), [&blob_answer(2, MIB), &blob_answer(1, 4 * MIB)]);
}

#[test]
fn many_small_messages_share_a_frame() {
    let mut pair = Pair::open(&Config::default());
    (0..100).for_each(|id| pair.dialler.session.send(&ping(id)));
    assert_eq!(pair.dialler.transmit().len(), 1);
}

#[test]
fn no_more_is_given_out_than_the_send_window_until_it_has_left() {
    let config = Config { send_window: 128 * 1024, ..Config::default() };
    let mut pair = Pair::open(&config);
    pair.dialler.session.send(&put(1, 4 * MIB));
    let mut given = Vec::new();
    while let Some(bytes) = pair.dialler.session.poll_transmit() {
        given.push(bytes.len());
    }
    let total: usize = given.iter().sum();
    assert!(total >= config.send_window && total < config.send_window + 65_537 + 1, "{total}");
    assert!(pair.dialler.session.sent(given[0]));
    assert!(pair.dialler.session.poll_transmit().is_some());
    assert!(!pair.dialler.session.sent(10 * MIB), "more than was given out");
}

#[test]
fn relay_without_credit_waits_and_control_passes() {
    let mut pair = Pair::open(&Config::default());
    // The relay credit is nine MiB: the third of these waits.
    (1..=3).for_each(|id| pair.dialler.session.send(&put(id, 4 * MIB)));
    pair.dialler.session.send(&ping(9));
    pair.run();
    assert_eq!(pair.answerer.request_ids(), [9, 1, 2]);
    assert!(pair.dialler.session.queued(Class::Relay) > 4 * MIB);
    assert!(!pair.dialler.session.is_drained());
    // With credit it comes.
    pair.answerer.release_all();
    pair.run();
    assert_eq!(pair.answerer.request_ids(), [3]);
    assert!(pair.dialler.session.is_drained());
}

#[test]
fn terminal_never_waits_for_relay() {
    // Relay is used up by a client's uploads that nobody releases; the same node's terminal credit is untouched. On one link
    // both classes cannot come from one role, so the queue is asked directly.
    use super::super::credit::Allowance;
    use super::super::send::SendQueue;
    let (mut queue, mut allowance) = (SendQueue::new(64), Allowance::default());
    queue.open();
    allowance.add(Class::Terminal, u32::MAX);
    queue.push(&put(1, 4 * MIB), Class::Relay);
    queue.push(&put(2, 100), Class::Relay);
    queue.push(&put(3, 4 * MIB), Class::Terminal);
    queue.push(&ping(4), Class::Control);
    let mut out = bytes::BytesMut::new();
    loop {
        let len = queue.next_frame_len(&mut allowance, 65_000);
        if len == 0 {
            break;
        }
        queue.fill(&mut out, len, |_| {});
    }
    assert!(out.len() > 4 * MIB);
    assert_eq!((queue.queued(Class::Terminal), queue.queued(Class::Control)), (0, 0));
    assert!(queue.queued(Class::Relay) > 4 * MIB);
    // And the other way round.
    allowance.add(Class::Relay, u32::MAX);
    assert!(queue.next_frame_len(&mut allowance, 65_000) > 0);
}

#[test]
fn a_full_relay_does_not_hold_up_replica_writes_between_nodes() {
    let config = Config { credit_relay: 0, ..Config::default() };
    let mut pair = Pair::open_nodes(&config);
    pair.dialler.session.send(&put(1, 4 * MIB));
    pair.run();
    assert_eq!(pair.answerer.request_ids(), [1]);
    let SessionEvent::Message { class, bytes, .. } = &pair.answerer.events[1] else { panic!() };
    assert_eq!(*class, Class::Terminal);
    assert!(*bytes as usize > 4 * MIB);
}

#[test]
fn credit_goes_back_in_batches() {
    let mut pair = Pair::open(&Config::default());
    pair.dialler.session.send(&put(1, MIB));
    pair.run();
    pair.answerer.release_all();
    assert!(pair.answerer.transmit().is_empty(), "one MiB is not worth a message yet");
    pair.dialler.session.send(&put(2, 4 * MIB));
    pair.run();
    pair.answerer.release_all();
    assert_eq!(pair.answerer.transmit().len(), 1);
}

#[test]
fn every_stored_byte_passes_though_credit_is_small() {
    let config = Config { credit_relay: crate::config::limit::MESSAGE, ..Config::default() };
    let mut pair = Pair::open(&config);
    (0..10).for_each(|id| pair.dialler.session.send(&put(id, 4 * MIB)));
    let mut seen = 0;
    while !pair.dialler.session.is_drained() {
        pair.run();
        let ids = pair.answerer.request_ids();
        assert!(!ids.is_empty(), "it stands still after {seen}");
        seen += ids.len();
        ids.into_iter().for_each(|id| pair.answerer.session.send(&stored(id)));
        pair.answerer.release_all();
    }
    assert_eq!(seen, 10);
}

#[test]
fn a_goodbye_is_the_last_and_takes_answers_with_it() {
    let mut pair = Pair::open(&Config::default());
    pair.dialler.session.send(&get(1));
    pair.dialler.session.send(&ping(2));
    pair.run();
    pair.answerer.session.send(&blob_answer(1, 4 * MIB));
    pair.answerer.session.send(&stored(2));
    pair.answerer.session.close(CloseReason::Shutdown);
    assert!(!pair.answerer.session.is_drained());
    pair.answerer.session.send(&stored(3));
    pair.run();
    assert!(pair.answerer.session.is_drained());
    assert_eq!(pair.dialler.messages(), [&stored(2), &Message::Goodbye(CloseReason::Shutdown)]);
    // Nothing passes any more, either way.
    pair.dialler.session.send(&ping(5));
    pair.run();
    assert!(pair.answerer.request_ids() == [1, 2] && pair.dialler.session.is_drained());
}
