//! The limits on a node's time and patience: each does what its configuration says, and nothing else does it.

use super::*;
use crate::wire::{MembershipPage, PinsPage, PulledPin, RecordsPage};

/// So long that nothing of it happens in a test.
const NEVER: Duration = Duration::from_secs(1 << 20);

/// A member that lives and knows what the other side knows.
fn agreeable(request: &Request) -> Option<Response> {
    match request {
        Request::Ping { unix_ms } => Some(Response::Pong { unix_ms: *unix_ms }),
        Request::View(page) => {
            Some(Response::View(MembershipPage { digest: page.digest, ..MembershipPage::default() }))
        }
        _ => None,
    }
}

/// How many of these requests a member was sent in this time by a node of this configuration, after the link was new.
fn asked(config: Config, time: Duration, which: fn(&Request) -> bool) -> usize {
    let mut town = Town::with(1, config);
    let (member, _) = town.add_member(agreeable);
    town.world.run_for(SECOND);
    town.probe(member, |probe, _| {
        assert!(probe.is_open());
        probe.seen.clear();
    });
    town.world.run_for(time);
    town.probe(member, |probe, _| probe.seen.iter().filter(|request| which(request)).count())
}

#[test]
fn memberships_are_compared_as_often_as_configured_though_nothing_changed() {
    let every = |seconds| Config { gossip_every: Duration::from_secs(seconds), ..Config::default() };
    let views = |config| asked(config, SECOND * 100, |request| matches!(request, Request::View(_)));
    assert_eq!(views(every(10)), 10);
    assert_eq!(views(every(50)), 2);
    assert_eq!(views(Config { gossip_every: NEVER, ..Config::default() }), 0);
}

#[test]
fn a_quiet_member_is_asked_whether_it_lives_after_each_heartbeat() {
    let quiet = Config { gossip_every: NEVER, suspect_after: NEVER, idle_close: NEVER, ..Config::default() };
    let pings = |heartbeat| {
        let config = Config { heartbeat, ..quiet.clone() };
        asked(config, SECOND * 60, |request| matches!(request, Request::Ping { .. }))
    };
    // Its answer takes a moment, from which the next silence counts.
    assert!((19..=20).contains(&pings(SECOND * 3)));
    assert!((5..=6).contains(&pings(SECOND * 10)));
    assert_eq!(pings(NEVER), 0);
}

#[test]
fn a_lost_member_is_dialled_after_waits_that_double_up_to_the_longest() {
    let (first, longest) = (SECOND, SECOND * 8);
    let config = Config { redial_first: first, redial_longest: longest, ..Config::default() };
    let mut town = Town::with(2, config);
    let waits = |town: &mut Town, count: usize| {
        let dials = |town: &mut Town| town.node(HostId(0), |node, _| node.hub.links.dials());
        let mut waits = Vec::new();
        let (mut before, mut last) = (dials(town), town.world.now().mono);
        while waits.len() < count {
            assert!(town.run_until(SECOND * 20, |town| dials(town) > before), "it is dialled again");
            waits.push(town.world.now().mono.since(last));
            (before, last) = (dials(town), town.world.now().mono);
        }
        waits
    };
    town.world.crash(HostId(1));
    let patient = waits(&mut town, 7);
    let mut wait = first;
    for (tries, waited) in patient.iter().enumerate() {
        // Half of each wait is chance; a dial that fails takes a moment of its own.
        let (least, most) = (wait / 2, wait + SECOND / 4);
        assert!((least..=most).contains(waited), "wait {tries}: {waited:?} is not {least:?} to {most:?}");
        // The first dial after the loss had not failed yet.
        wait = if tries == 0 { first } else { (wait * 2).min(longest) };
    }
    // Once it was reached, the next loss is met with the first wait again.
    town.restart(HostId(1));
    town.wait_whole();
    town.world.crash(HostId(1));
    assert!(waits(&mut town, 1)[0] <= first + SECOND / 4);
}

#[test]
fn a_handshake_has_so_much_time_and_so_many_bytes() {
    let client = |config: Config| {
        let mut town = Town::with(1, config);
        let local = town.local_side(LocalRole::Client { owner: None, control: None });
        let host = town.add_probe(local, |_| None);
        (town, host)
    };
    // The first message alone has more.
    let (mut town, host) = client(Config { pre_open_bytes: 47, ..Config::default() });
    town.probe(host, |probe, _| probe.dial(addr(0)));
    town.world.run_for(SECOND);
    assert_eq!(faults(&town, HostId(0)), [PeerFault::TooManyBytesBeforeOpen]);

    // No less while the node still reads its disk, and holds links that it cannot answer yet.
    town.world.crash(HostId(0));
    town.world.disk_mut(HostId(0)).set_delay(SECOND * 5, SECOND * 5);
    town.restart(HostId(0));
    town.probe(host, |probe, _| probe.dial(addr(0)));
    town.world.run_for(SECOND);
    assert_eq!(faults(&town, HostId(0)), [PeerFault::TooManyBytesBeforeOpen]);

    let (mut town, host) = client(Config { handshake_deadline: SECOND * 3, ..Config::default() });
    town.probe(host, |probe, _| {
        probe.silent = true;
        probe.dial(addr(0));
    });
    town.world.run_for(SECOND * 2);
    assert_eq!(faults(&town, HostId(0)), []);
    town.world.run_for(SECOND * 2);
    assert_eq!(faults(&town, HostId(0)), [PeerFault::HandshakeTimeout]);
}

/// A member that holds pins of a dozen blobs, and never comes to send these.
fn gives_no_blobs(request: &Request) -> Option<Response> {
    match request {
        Request::PullRecords { .. } => Some(Response::PulledRecords(RecordsPage::default())),
        Request::PullPins { .. } => {
            let network = network_id(SUITE, SigningKey::from_seed(SUITE, Secret::new([0xaa; 32])).public());
            let owner = Owner { key: SigningKey::from_seed(SUITE, Secret::new([1; 32])), network };
            let since = Version::new(1_000_000, 0, [1; 8]).unwrap();
            let pin = |number| owner.pin(name(1), object(1), since, &blob(number));
            let row = |number| PulledPin { pin: pin(number), lease_ms: 0, pending: true };
            let mut pins: Vec<_> = (1..13).map(row).collect();
            pins.sort_by_key(|row| row.pin.body().blob);
            Some(Response::PulledPins(PinsPage { pins, next: None }))
        }
        Request::GetBlob { .. } => None,
        other => agreeable(other),
    }
}

#[test]
fn a_pull_asks_for_so_many_bytes_at_once_and_a_second() {
    let is_blob = |request: &&Request| matches!(request, Request::GetBlob { .. });
    let blobs =
        |town: &mut Town, member| town.probe(member, |probe, _| probe.seen.iter().filter(is_blob).count());
    let window = |pull_window| {
        let mut town = Town::with(1, Config { pull_window, ..Config::default() });
        let (member, _) = town.add_member(gives_no_blobs);
        town.world.run_for(SECOND * 5);
        blobs(&mut town, member)
    };
    assert_eq!(window(1), 1, "one in any case");
    assert_eq!(window(35_000), 3);
    assert_eq!(window(1 << 20), 12);
    let mut town = Town::with(1, Config { pull_rate: 10_000, ..Config::default() });
    let (member, _) = town.add_member(gives_no_blobs);
    assert!(town.run_until(SECOND, |town| blobs(town, member) == 1));
    town.world.run_for(Duration::from_millis(5500));
    assert_eq!(blobs(&mut town, member), 6);
}

#[test]
fn so_many_clients_of_one_address_are_served_and_others_elsewhere() {
    let mut town = Town::with(1, Config { clients_per_addr: 2, ..Config::default() });
    let owner = Owner::new(&town, 1);
    let client = town.add_client(&owner, HostId(0));
    for _ in 0..3 {
        town.probe(client, |probe, _| probe.dial(addr(0)));
    }
    town.world.run_for(SECOND);
    let full = town.probe(client, |probe, _| probe.goodbyes.clone());
    assert_eq!(full, [crate::wire::CloseReason::Full; 2]);
    let turned_away =
        |event: &NodeEvent| matches!(event, NodeEvent::Fault { fault: PeerFault::TooManyLinks, .. });
    assert_eq!(town.events(HostId(0)).iter().filter(|event| turned_away(event)).count(), 2);
    town.status(client);
    let elsewhere = town.add_client(&owner, HostId(0));
    town.status(elsewhere);
}

#[test]
fn so_many_members_are_pulled_from_at_once() {
    // They live, and answer no pull.
    for pulls_at_once in [1, 2, 4] {
        let mut town = Town::with(1, Config { pulls_at_once, ..Config::default() });
        let members: Vec<HostId> = (0..4).map(|_| town.add_member(agreeable).0).collect();
        town.world.run_for(SECOND * 20);
        let mut asked = 0;
        for member in members {
            let pull = |request: &Request| matches!(request, Request::PullRecords { .. });
            asked += town.probe(member, |probe, _| usize::from(probe.seen.iter().any(pull)));
        }
        assert_eq!(asked, pulls_at_once);
    }
}

#[test]
fn as_much_waits_for_a_dial_as_on_a_link() {
    let mut town = Town::of(1);
    let member = NodeId([9; 32]);
    let Config { max_operations, link_backlog, .. } = town.config;
    let parked = |town: &mut Town, count: u32, request: Request| {
        town.node(HostId(0), |node, now| {
            let hub = &mut node.hub;
            hub.parked.clear();
            hub.peers.add(now, member, SECOND);
            hub.peers.hint(&member, &[addr(9)]);
            (0..count).for_each(|slot| hub.ask(0, slot, member, request.clone()));
            hub.parked[&member].len()
        })
    };
    assert_eq!(parked(&mut town, 2000, Request::Status), max_operations);
    let bulk = Request::PutBlob { pins: Vec::new(), blob: vec![0; 1 << 20].into() };
    assert_eq!(parked(&mut town, 200, bulk), link_backlog >> 20);
}
