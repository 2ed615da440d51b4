//! Finding each other, staying together, and keeping out who does not belong.

use super::*;
use crate::record::{Removal, Settings};
use crate::sim::Cut;
use crate::wire::{CloseReason, ErrorCode, MembershipPage, PeerState, PeerStatus};

fn mute(request: &Request) -> Option<Response> {
    match request {
        Request::Ping { unix_ms } => Some(Response::Pong { unix_ms: *unix_ms }),
        _ => None,
    }
}

fn peers(town: &mut Town, home: HostId) -> Vec<PeerStatus> {
    match town.ask(home, Request::Peers) {
        Response::Peers(peers) => peers,
        other => panic!("{other:?}"),
    }
}

#[test]
fn five_nodes_find_each_other_though_each_knows_only_the_one_before_it() {
    let mut town = Town::empty(Config::default());
    for host in 0..5u8 {
        let peers = if host == 0 { vec![] } else { vec![(None, addr(host - 1))] };
        town.add_node(peers);
    }
    town.wait_whole();
    town.world.run_for(SECOND);
    for host in 0..5 {
        let home = town.add_control(HostId(host));
        let known = peers(&mut town, home);
        assert_eq!(known.len(), 5);
        assert_eq!(known.iter().filter(|peer| peer.state == PeerState::Own).count(), 1);
        assert_eq!(known.iter().filter(|peer| peer.state == PeerState::Alive && peer.rtt_us > 0).count(), 4);
        let told = town.events(HostId(host)).into_iter().rev().find_map(|event| match event {
            NodeEvent::KnownPeers(peers) => Some(peers),
            _ => None,
        });
        assert_eq!(told.map(|peers| peers.len()), Some(4));
    }
}

#[test]
fn between_two_nodes_one_link_stays() {
    let mut town = Town::empty(Config::default());
    // Each knows the other: both dial.
    town.add_node(vec![(None, addr(1))]);
    town.add_node(vec![(None, addr(0))]);
    town.wait_whole();
    town.world.run_for(SECOND * 5);
    for host in 0..2 {
        assert_eq!(town.node(HostId(host), |node, _| node.hub.links.iter().count()), 1);
        assert_eq!(faults(&town, HostId(host)), []);
        let downs = town
            .events(HostId(host))
            .iter()
            .filter(|event| matches!(event, NodeEvent::PeerDown { .. }))
            .count();
        assert_eq!(downs, 0);
    }
}

#[test]
fn the_settings_of_the_founder_are_everyones() {
    let mut town = Town::of(3);
    town.world.run_for(SECOND);
    for host in 0..3 {
        let settings = town.events(HostId(host)).into_iter().find_map(|event| match event {
            NodeEvent::Settings(settings) => Some(settings),
            _ => None,
        });
        let settings = settings.expect("the settings are told");
        assert!(town.wanted.agrees_with(&settings));
        assert_eq!((settings.number, settings.replicas), (1, 3));
    }
}

#[test]
fn other_settings_than_the_networks_are_told_as_a_conflict() {
    let mut town = Town::of(1);
    let mut setup = town.setup(1, vec![(None, addr(0))]);
    setup.settings = Some(SettingsWanted { replicas: Some(5), ..SettingsWanted::default() });
    let host = town.add_with(setup);
    town.wait_whole();
    town.world.run_for(SECOND);
    assert!(town.events(host).iter().any(|event| matches!(event, NodeEvent::SettingsConflict(_))));
}

#[test]
fn a_joining_node_acknowledges_nothing_before_it_knows_the_members() {
    let mut town = Town::empty(Config::default());
    town.hosts = 1;
    // Nobody answers at the address of its token.
    let host = town.add_node(vec![(None, addr(0))]);
    town.world.run_for(SECOND);
    assert!(town.events(host).contains(&NodeEvent::Ready));
    let owner = Owner::new(&town, 1);
    let role = LocalRole::Client { owner: Some(owner.key.clone()), control: None };
    let local = town.local_side(role);
    let client = town.add_probe(local, |_| None);
    town.probe(client, |probe, _| probe.dial(addr(1)));
    assert!(town.run_until(SECOND, |town| town.probe(client, |probe, _| probe.is_open())));
    assert!(town.status(client).syncing);
    let answer = town.ask(client, put(&owner.tombstone(name(1), version(&town, 0))));
    assert_eq!(answer, Response::Error(ErrorCode::Deadline.into()));
}

#[test]
fn a_joining_node_waits_for_an_answer_of_a_member_not_for_its_question() {
    let mut town = Town::empty(Config::default());
    town.hosts = 1;
    let host = town.add_node(vec![(None, addr(0))]);
    let (member, _) = town.add_member(mute);
    town.probe(member, |probe, _| probe.dial(addr(1)));
    assert!(town.run_until(SECOND, |town| town.probe(member, |probe, _| probe.is_open())));
    let settings = Settings {
        number: 1,
        replicas: 3,
        gone_after: Duration::from_secs(60),
        linger: Duration::from_secs(5),
        unknown: Default::default(),
        signature: Signature([0; 64]),
    };
    let settings = settings.sign(&town.network, &town.signing);
    let question = MembershipPage { settings: Some(settings.clone()), ..MembershipPage::default() };
    let answer = town.ask(member, Request::View(question));
    // Nor does it pass for a member by which another could join.
    assert!(matches!(&answer, Response::View(page) if page.settings.is_none()), "{answer:?}");
    assert_eq!(
        town.node(host, |node, _| (node.hub.members.joined, node.hub.members.settings().cloned())),
        (false, Some(settings))
    );
}

#[test]
fn a_killed_peer_is_noticed_dialled_with_patience_and_found_again() {
    let mut town = Town::of(3);
    let killed = town.id(HostId(2));
    town.world.crash(HostId(2));
    let down = NodeEvent::PeerDown { node: killed };
    assert!(town.run_until(SECOND, |town| town.events(HostId(0)).contains(&down)));
    let dials = |town: &mut Town| town.node(HostId(0), |node, _| node.hub.links.dials());
    let before = dials(&mut town);
    town.world.run_for(Duration::from_secs(120));
    let tries = dials(&mut town) - before;
    assert!((5..40).contains(&tries), "{tries} dials in two minutes");
    let home = town.add_control(HostId(0));
    assert!(
        peers(&mut town, home).iter().any(|peer| peer.node == killed && peer.state == PeerState::Suspect)
    );
    town.world.run_for(Duration::from_secs(15 * 60));
    let home = town.add_control(HostId(0));
    assert!(peers(&mut town, home).iter().any(|peer| peer.node == killed && peer.state == PeerState::Gone));
    town.restart(HostId(2));
    assert!(town.run_until(SECOND * 40, Town::is_whole));
}

#[test]
fn a_restarted_node_knows_the_members_from_its_disk() {
    let mut town = Town::of(3);
    town.world.run_for(SECOND);
    // The only address that node 2 was given is not there any more.
    town.world.crash(HostId(0));
    town.world.crash(HostId(2));
    town.restart(HostId(2));
    assert!(town.run_until(SECOND * 10, |town| {
        town.node(HostId(2), |node, _| node.hub.members.joined && node.hub.peers.linked().count() == 1)
    }));
    assert_eq!(town.node(HostId(2), |node, _| node.hub.members.count()), 3);
}

#[test]
fn a_peer_that_falls_silent_is_suspect_and_then_closed() {
    let mut town = Town::of(2);
    let other = town.id(HostId(1));
    town.world.cut(HostId(0), HostId(1), Cut::Silent);
    let home = town.add_control(HostId(0));
    town.world.run_for(town.config.suspect_after + SECOND);
    assert!(peers(&mut town, home).iter().any(|peer| peer.node == other && peer.state == PeerState::Suspect));
    town.world.run_for(town.config.idle_close);
    assert_eq!(faults(&town, HostId(0)), [PeerFault::Silent]);
    town.world.heal(HostId(0), HostId(1));
    assert!(town.run_until(SECOND * 60, Town::is_whole));
}

#[test]
fn a_removed_member_is_refused_by_everyone_and_stops() {
    let mut town = Town::of(4);
    let banned = town.id(HostId(3));
    let removal = Removal {
        node: banned,
        banned: true,
        serial: 1,
        unknown: Default::default(),
        signature: Signature([0; 64]),
    };
    let removal = removal.sign(&town.network, &town.signing);
    let (messenger, _) = town.add_member(mute);
    assert!(town.run_until(SECOND, |town| town.probe(messenger, |probe, _| probe.is_open())));
    let page = MembershipPage { removals: vec![removal], ..MembershipPage::default() };
    assert!(matches!(town.ask(messenger, Request::View(page)), Response::View(_)));
    town.world.run_for(SECOND * 5);
    for host in 0..3 {
        town.node(HostId(host), |node, _| {
            assert!(node.hub.members.is_removed(&banned));
            assert_eq!(node.hub.peers.link(&banned), None);
        });
    }
    // It may have been told; if it was not, it is refused wherever it comes.
    town.restart(HostId(3));
    town.world.run_for(SECOND * 5);
    for host in 0..3 {
        assert_eq!(town.node(HostId(host), |node, _| node.hub.peers.link(&banned)), None);
    }
}

#[test]
fn words_that_the_network_did_not_sign_are_a_fault() {
    let mut town = Town::of(1);
    let (messenger, _) = town.add_member(mute);
    assert!(town.run_until(SECOND, |town| town.probe(messenger, |probe, _| probe.is_open())));
    let mut forged = town.admission(NodeId([5; 32]), 1);
    forged.signature.0[3] ^= 1;
    let page = MembershipPage { admissions: vec![(forged, vec![])], ..MembershipPage::default() };
    town.ask_within(messenger, Request::View(page), SECOND);
    assert_eq!(faults(&town, HostId(0)), [PeerFault::BadProof]);
    assert_eq!(town.node(HostId(0), |node, _| node.hub.members.admission(&NodeId([5; 32])).cloned()), None);
}

#[test]
fn a_node_of_another_network_gets_no_link() {
    let mut town = Town::of(1);
    let mut setup = town.setup(1, vec![(None, addr(0))]);
    setup.psks = vec![(1, Secret::new([8; 32]))];
    let stranger = town.add_with(setup);
    town.world.run_for(SECOND * 5);
    assert_eq!(town.node(stranger, |node, _| node.hub.peers.linked().count()), 0);
    assert!(faults(&town, HostId(0)).iter().all(|fault| *fault == PeerFault::Handshake));
    assert!(!faults(&town, HostId(0)).is_empty());
}

#[test]
fn a_node_without_signing_key_or_admission_does_not_begin() {
    let mut town = Town::of(1);
    let mut setup = town.setup(1, vec![(None, addr(0))]);
    setup.signing = None;
    let host = town.add_with(setup);
    town.world.run_for(SECOND);
    assert_eq!(town.events(host), [NodeEvent::NotAdmitted, NodeEvent::Stopped]);
}

#[test]
fn a_client_may_not_do_what_nodes_do_nor_what_the_home_does() {
    let mut town = Town::of(1);
    let owner = Owner::new(&town, 1);
    let client = town.add_client(&owner, HostId(0));
    let requests = [
        Request::View(MembershipPage::default()),
        Request::Peers,
        Request::Invite { node: true },
        Request::Verify { after: None },
        Request::VerifyRecords { after: None },
        Request::Evict { owner: owner.id(), name: None },
    ];
    for request in requests {
        assert_eq!(
            town.ask(client, request.clone()),
            Response::Error(ErrorCode::Forbidden.into()),
            "{request:?}"
        );
    }
    assert_eq!(town.status(client).members, 1);
}

#[test]
fn a_node_may_not_do_what_the_home_does() {
    let mut town = Town::of(1);
    let (member, _) = town.add_member(mute);
    assert!(town.run_until(SECOND, |town| town.probe(member, |probe, _| probe.is_open())));
    for request in [Request::Peers, Request::Invite { node: true }, Request::Verify { after: None }] {
        assert_eq!(town.ask(member, request), Response::Error(ErrorCode::Forbidden.into()));
    }
}

#[test]
fn the_home_gets_tokens_that_lead_here() {
    let mut town = Town::of(2);
    let home = town.add_control(HostId(1));
    let own = town.id(HostId(1));
    for node in [false, true] {
        match town.ask(home, Request::Invite { node }) {
            Response::Invite { token } => {
                assert_eq!(token.peers.first(), Some(&(own, addr(1))));
                assert_eq!(token.peers.len(), 2);
                assert_eq!(token.signing_seed.is_some(), node);
                assert_eq!(token.network(SUITE), town.network);
            }
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn half_open_links_of_one_address_are_bounded_and_end_by_themselves() {
    let mut town = Town::of(1);
    let owner = Owner::new(&town, 1);
    let role = LocalRole::Client { owner: Some(owner.key.clone()), control: None };
    let local = town.local_side(role);
    let flood = town.add_probe(local, |_| None);
    town.probe(flood, |probe, _| {
        probe.silent = true;
        (0..200).for_each(|_| probe.dial(addr(0)));
    });
    town.world.run_for(SECOND);
    let half_open = town.config.half_open_per_addr;
    assert!(town.node(HostId(0), |node, _| node.hub.links.iter().count()) <= half_open);
    assert_eq!(
        faults(&town, HostId(0)).iter().filter(|fault| **fault == PeerFault::TooManyLinks).count(),
        200 - half_open
    );
    // Another address is served meanwhile.
    let client = town.add_client(&owner, HostId(0));
    assert_eq!(town.status(client).members, 1);
    town.world.run_for(town.config.handshake_deadline + SECOND);
    assert_eq!(town.node(HostId(0), |node, _| node.hub.links.iter().count()), 1);
}

#[test]
fn links_past_the_limit_are_turned_away() {
    let config = Config { max_links: 3, ..Config::default() };
    let mut town = Town::empty(config);
    town.add_node(vec![]);
    let owner = Owner::new(&town, 1);
    let clients: Vec<_> = (0..3).map(|_| town.add_client(&owner, HostId(0))).collect();
    let local = town.local_side(LocalRole::Client { owner: None, control: None });
    let late = town.add_probe(local, |_| None);
    town.probe(late, |probe, _| probe.dial(addr(0)));
    town.world.run_for(SECOND);
    assert!(town.probe(late, |probe, _| probe.disconnects == 1 && !probe.is_open()));
    assert_eq!(faults(&town, HostId(0)), [PeerFault::TooManyLinks]);
    for client in clients {
        assert_eq!(town.status(client).members, 1);
    }
}

#[test]
fn a_client_that_asks_nothing_for_long_is_let_go_and_a_waiting_one_is_not() {
    let mut town = Town::of(1);
    let owner = Owner::new(&town, 1);
    let client = town.add_client(&owner, HostId(0));
    town.world.run_for(town.config.client_idle / 2);
    assert!(town.probe(client, |probe, _| probe.is_open()));
    town.status(client);
    town.world.run_for(town.config.client_idle + SECOND);
    assert_eq!(town.probe(client, |probe, _| probe.goodbyes.clone()), [CloseReason::Idle]);
}

#[test]
fn a_node_that_stops_says_goodbye_and_tells_when_it_is_done() {
    let mut town = Town::of(2);
    let owner = Owner::new(&town, 1);
    let client = town.add_client(&owner, HostId(0));
    let id =
        town.probe(client, |probe, _| probe.ask(owner.put_blob(name(1), object(1), Version::ZERO, &blob(1))));
    town.world.run_for(Duration::from_millis(2));
    let stopped = town.id(HostId(0));
    town.node(HostId(0), |node, now| node.stop(now));
    assert!(town.run_until(SECOND * 8, |town| town.events(HostId(0)).last() == Some(&NodeEvent::Stopped)));
    assert!(town.probe(client, |probe, _| probe.has_answer(id) || !probe.goodbyes.is_empty()));
    assert_eq!(town.probe(client, |probe, _| probe.goodbyes.clone()), [CloseReason::Shutdown]);
    assert!(town.events(HostId(1)).contains(&NodeEvent::PeerDown { node: stopped }));
    assert_eq!(faults(&town, HostId(1)), []);
}

#[test]
fn a_node_that_stops_does_not_wait_for_a_frozen_peer_longer_than_its_deadline() {
    let mut town = Town::of(2);
    let owner = Owner::new(&town, 1);
    let client = town.add_client(&owner, HostId(0));
    town.world.cut(HostId(0), HostId(1), crate::sim::Cut::Silent);
    town.probe(client, |probe, _| probe.ask(owner.put_blob(name(1), object(1), Version::ZERO, &blob(1))));
    town.world.run_for(Duration::from_millis(50));
    town.node(HostId(0), |node, now| node.stop(now));
    let limit = town.config.stop_deadline + SECOND * 2;
    assert!(town.run_until(limit, |town| town.events(HostId(0)).last() == Some(&NodeEvent::Stopped)));
}

#[test]
fn a_disk_that_fails_for_good_stops_the_node() {
    let mut town = Town::of(1);
    let owner = Owner::new(&town, 1);
    let client = town.add_client(&owner, HostId(0));
    town.world
        .disk_mut(HostId(0))
        .fail_next(crate::sim::RequestKind::Mutation, crate::error::DiskError::Fatal);
    town.ask_within(client, owner.put_blob(name(1), object(1), version(&town, 0), &blob(1)), SECOND * 5);
    town.world.run_for(SECOND * 8);
    let events = town.events(HostId(0));
    assert!(events.contains(&NodeEvent::Fatal(crate::error::DiskError::Fatal)));
    assert_eq!(events.last(), Some(&NodeEvent::Stopped));
}

#[test]
fn a_node_can_be_sent_to_another_thread() {
    fn is_send<T: Send>() {}
    is_send::<Node>();
}

#[test]
fn a_node_that_has_stopped_turns_links_away() {
    let mut town = Town::of(1);
    town.node(HostId(0), |node, now| node.stop(now));
    assert!(town.run_until(SECOND * 8, |town| town.events(HostId(0)).last() == Some(&NodeEvent::Stopped)));
    let local = town.local_side(LocalRole::Client { owner: None, control: None });
    let late = town.add_probe(local, |_| None);
    town.probe(late, |probe, _| probe.dial(addr(0)));
    town.world.run_for(SECOND);
    assert!(town.probe(late, |probe, _| probe.disconnects == 1 && !probe.is_open()));
    assert_eq!(town.node(HostId(0), |node, _| node.hub.links.iter().count()), 0);
}
