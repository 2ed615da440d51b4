//! Who answers at an address: the member that was there, another one, or the node that dials.

use super::repair::{store, wait_caught_up};
use super::*;
use crate::node::link::Link;
use crate::sim::SimDisk;
use crate::wire::Role;

#[test]
fn a_node_that_dials_itself_notices() {
    let mut town = Town::empty(Config::default());
    let host = town.add_node(vec![(None, addr(0))]);
    town.world.run_for(SECOND * 10);
    assert_eq!(town.node(host, |node, _| node.hub.links.iter().count()), 0);
    assert_eq!(faults(&town, host), []);
}

#[test]
fn a_new_member_at_the_address_of_a_lost_one_is_found_by_those_who_look_for_that() {
    let mut town = Town::of(3);
    let owner = Owner::new(&town, 1);
    let client = town.add_client(&owner, HostId(1));
    store(&mut town, &owner, client, 1);
    let lost = town.id(HostId(0));
    town.world.crash(HostId(0));
    *town.world.disk_mut(HostId(0)) = SimDisk::new([50; 32]);
    // All that it knows is a token that leads to its own address.
    let setup = NodeSetup {
        identity: identity(50),
        founder: false,
        settings: None,
        ..town.setup(0, vec![(Some(lost), addr(0))])
    };
    town.world.start(HostId(0), |now| Host::Node(Box::new(Node::new(now, setup))));
    assert!(town.run_until(Duration::from_secs(180), |town| {
        town.node(HostId(0), |node, _| node.hub.peers.linked().count() == 2)
    }));
    wait_caught_up(&mut town);
    // That the address of the lost one is its own now costs no link, and it is told once.
    town.world.run_for(SECOND * 300);
    let faults: Vec<_> = (0..3).map(|host| faults(&town, HostId(host))).collect();
    assert_eq!(faults, [vec![PeerFault::Oneself], vec![], vec![]]);
    for host in 0..3 {
        let links = town.node(HostId(host), |node, _| {
            let to_nodes = |link: &Link| link.peer().is_none_or(|peer| peer.role == Role::Node);
            node.hub.links.iter().filter(|(_, link)| to_nodes(link)).count()
        });
        assert_eq!(links, 2);
    }
}
