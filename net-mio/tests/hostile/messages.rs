//! Messages that make no sense: of no kind, of no form, at the wrong time.

use crate::bytes::Out;
use crate::common::noise;
use crate::link::{FIRST, LAST, Link, kind, request, segment};
use crate::noise::sha256;
use crate::requests::{
    code, get_blob, get_record, have, list_records, put_blob, put_record, store_blob, store_record, view,
};
use crate::signed::{random, version};
use crate::target::Target;

/// Mutations of each valid message.
const MUTATIONS: usize = 24;

pub(crate) fn unknown_kinds(target: &Target) {
    let (mut client, _) = target.client();
    let mut member = Link::member(target.addr(), &target.keys, random());
    for link in [&mut client, &mut member] {
        for kind in [0x16, 0x18, 0x3f, 0x40, 0x7e, 0x7f] {
            assert_eq!(link.refused(kind, &noise(1, 200)), code::UNSUPPORTED);
        }
    }
    for kind in [0x03, 0x0f] {
        let (mut link, _) = target.client();
        link.send(&request(kind, 0, &[]));
        target.await_end(&mut link, "Malformed(Value)");
    }
    let (mut link, _) = target.client();
    link.send(&request(0x80, 1, &[]));
    target.await_end(&mut link, "UnexpectedAnswer");
}

pub(crate) fn answers_that_nobody_waits_for(target: &Target) {
    let pong = Out::new().u64(0).done();
    let status = request(0x97, 0, &noise(2, 150));
    let (mut link, _) = target.client();
    link.send(&status);
    target.await_end(&mut link, "UnexpectedAnswer");
    // A member's: to no question, twice to one, and another thing than was asked for.
    let mut link = Link::member(target.addr(), &target.keys, random());
    link.send(&request(0xb0, 77_000, &pong));
    target.await_end(&mut link, "UnexpectedAnswer");
    let question = |link: &mut Link| loop {
        let message = link.read().expect("a member is asked whether it lives");
        if message[0] == kind::PING {
            return u32::from_be_bytes(message[1..5].try_into().unwrap());
        }
    };
    let mut link = Link::member(target.addr(), &target.keys, random());
    let id = question(&mut link);
    link.send(&request(0xb0, id, &pong));
    link.send(&request(0xb0, id, &pong));
    target.await_end(&mut link, "UnexpectedAnswer");
    let mut link = Link::member(target.addr(), &target.keys, random());
    let id = question(&mut link);
    link.send(&request(0x91, id, &[1, 1]));
    target.await_end(&mut link, "UnexpectedAnswer");
}

pub(crate) fn words_after_the_goodbye(target: &Target) {
    let (mut link, _) = target.client();
    let goodbye = segment(1, FIRST | LAST, Some(6), &request(kind::GOODBYE, 0, &[0]));
    let status = segment(2, FIRST | LAST, Some(5), &request(kind::STATUS, 1, &[]));
    link.send_plain(&[goodbye, status].concat());
    for _ in 0..50 {
        link.frames.raw(&noise(3, 10_000));
    }
    assert!(link.answer().is_none(), "who said goodbye is answered nothing");
    // A second greeting, and more credit than there are bytes.
    let (mut link, _) = target.client();
    link.send(&Link::hello(1, 1, None, None, None));
    target.await_end(&mut link, "NotAllowed");
    let (mut link, _) = target.client();
    for class in [1, 2, 1, 2] {
        link.send(&request(kind::CREDIT, 0, &Out::new().u8(class).u32(u32::MAX).done()));
    }
    assert_eq!(link.ask(kind::STATUS, &[]).0, 0x97);
}

pub(crate) fn mutations_of_every_message(target: &Target) {
    let (mut link, owner) = target.client();
    let (name, since) = (random(), version(0));
    let blob = noise(4, 3000);
    let id = store_blob(&mut link, &owner, &blob);
    let record = owner.record(&name, &since, 200);
    store_record(&mut link, &record);
    let pin = owner.pin(&since, &sha256(&[&blob]), blob.len());
    let requests = [
        (kind::HAVE, have(&[pin.clone(), pin.clone()])),
        (kind::PUT_BLOB, put_blob(&pin, &blob)),
        (kind::GET_BLOB, get_blob(&id)),
        (kind::PUT_RECORD, put_record(&record)),
        (kind::GET_RECORD, get_record(&owner.id(), &name)),
        (kind::LIST_RECORDS, list_records(&owner.id())),
        (kind::STATUS, vec![]),
        (kind::EVICT, Out::new().raw(&owner.id()).u8(1).raw(&name).done()),
        (kind::VERIFY, Out::new().u8(1).raw(&id).done()),
        (kind::PEERS, vec![]),
        (kind::INVITE, vec![0]),
        (kind::LEAVE, vec![0]),
        (kind::BAN, id.to_vec()),
        // What one member asks another to catch up by.
        (
            kind::CHECK_PINS,
            Out::new().u8(0).u16(1).raw(&owner.id()).raw(&name).raw(&[2; 16]).raw(&since).done(),
        ),
        (kind::PULL_RECORDS, Out::new().raw(&[1; 32]).u8(1).u8(0).u16(100).done()),
        (kind::PULL_PINS, Out::new().raw(&[1; 32]).u8(0).u16(100).done()),
        (kind::PROVE, Out::new().raw(&[1; 32]).u16(1).raw(&id).done()),
        (kind::FORGET, put_record(&owner.record(&name, &since, 0))),
        (kind::PING, vec![0; 8]),
        (
            kind::VIEW,
            view(
                &[0; 32],
                &[target.keys.admission(&random(), &id, true, 1)],
                &[target.keys.removal(&random(), &id, 1)],
                None,
            ),
        ),
        (kind::CREDIT, Out::new().u8(1).u32(1).done()),
        (kind::GOODBYE, vec![0]),
    ];
    let identity = random();
    let as_client = || Link::client(target.addr(), &owner);
    let as_member = || Link::member(target.addr(), &target.keys, identity);
    let opens: [&dyn Fn() -> Link; 2] = [&as_client, &as_member];
    let mut dice = Dice(0x5eed);
    for open in opens {
        let mut link = open();
        for (kind, body) in &requests {
            for id in 0..MUTATIONS {
                let mut message = request(*kind, u32::try_from(id).unwrap() + 1000, body);
                dice.mutate(&mut message);
                link.send(&message);
                link.send(&request(kind::STATUS, 1, &[]));
                // Taken, refused or the end of the link; never silence.
                while let Some((id, ..)) = link.answer() {
                    if id == 1 {
                        break;
                    }
                }
                if link.has_ended() {
                    link = open();
                }
            }
        }
    }
    let mut greeting = Link::hello(1, 1, None, Some(Vec::from([3; 96])), None);
    for _ in 0..4 * MUTATIONS {
        let mut link = Link::connect(target.addr(), &target.keys, random());
        dice.mutate(&mut greeting);
        link.send(&greeting);
        link.request(kind::STATUS, &[]);
        link.answer();
    }
}

/// A fixed sequence of numbers without pattern.
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 16).unwrap() % limit
    }

    fn mutate(&mut self, message: &mut Vec<u8>) {
        for _ in 0..1 + self.below(3) {
            let at = self.below(message.len());
            match self.below(6) {
                // Mostly past the kind and the id, so that more than the first check is reached.
                0 => message[at] ^= 1 << self.below(8),
                1 => {
                    let at = at.max(5).min(message.len() - 1);
                    message[at] = [0, 1, 0x7f, 0x80, 0xff][self.below(5)];
                }
                2 if at > 5 => message.truncate(at),
                3 => message.extend(noise(at as u64, 1 + at % 40)),
                4 if at > 5 => message.insert(at, 0),
                _ if message.len() > 6 => drop(message.remove(at.max(5).min(message.len() - 1))),
                _ => {}
            }
        }
    }
}

#[test]
fn requests_of_unknown_kinds_are_answered_and_all_else_of_that_sort_is_malformed() {
    Target::start().withstand(unknown_kinds);
}

#[test]
fn an_answer_is_taken_once_and_only_to_its_question() {
    Target::start().withstand(answers_that_nobody_waits_for);
}

#[test]
fn what_comes_after_a_goodbye_is_not_heard() {
    Target::start().withstand(words_after_the_goodbye);
}

#[test]
fn no_mutation_of_a_valid_message_is_more_than_refused() {
    Target::start().withstand(mutations_of_every_message);
}
