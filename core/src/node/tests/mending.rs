//! What rots on one node's disk: it says nothing of what it cannot know, takes nothing that may be older, and mends itself.

use super::*;
use crate::node::view::blob_position;
use crate::sim::Cut;
use crate::wire::ErrorCode;

const MINUTE: Duration = Duration::from_secs(60);

/// The keys of the records, floors among them, that a node holds.
fn record_keys(town: &Town, host: HostId) -> Vec<Bytes> {
    town.world.disk(host).rows().keys().filter(|key| key[0] == 1).cloned().collect()
}

/// Rots the only record of a node at this byte of its row.
fn rot(town: &mut Town, host: HostId, at: usize) {
    let keys = record_keys(town, host);
    let [key] = &keys[..] else { panic!("{} records", keys.len()) };
    assert!(town.world.disk_mut(host).rot_row(key, at));
}

/// The record that stands on a node's disk, as another reads it.
fn held(town: &mut Town, host: HostId, owner: &Owner) -> Option<Record> {
    let disk = town.world.disk(host).rows().iter();
    let row = disk.filter(|(key, _)| key[0] == 1).map(|(_, value)| value.slice(33..)).next()?;
    Record::parse(SUITE, row).ok().filter(|record| record.header().owner == owner.id())
}

fn is_of(answer: Response, record: &Record, is_fresh: bool) {
    match answer {
        Response::Record { record: Some(found), fresh, .. } => {
            assert_eq!((found.order(), fresh), (record.order(), is_fresh));
        }
        other => panic!("{other:?}"),
    }
}

/// Three nodes; the first has the older of two versions, the others have acknowledged the newer one. Then the row of
/// the second rots, and the third is away.
struct Rotten {
    town: Town,
    owner: Owner,
    old: Record,
    new: Record,
    /// Newer than the old one, older than the new one.
    between: Record,
    client: HostId,
}

impl Rotten {
    fn new(at: usize) -> Self {
        let mut town = Town::of(3);
        let owner = Owner::new(&town, 1);
        let client = town.add_client(&owner, HostId(0));
        let old = owner.record(name(1), version(&town, 0), object(1), 1);
        assert_eq!(copies(town.ask(client, put(&old))), 2);
        town.world.run_for(SECOND);
        (1..3).for_each(|host| town.world.cut(HostId(0), HostId(host), Cut::Reset));
        let between = owner.record(name(1), version(&town, 0), object(2), 1);
        let new = owner.record(name(1), version(&town, 10), object(3), 1);
        let other = town.add_client(&owner, HostId(1));
        assert_eq!(copies(town.ask(other, put(&new))), 2);
        town.world.run_for(SECOND);
        town.world.crash(HostId(2));
        rot(&mut town, HostId(1), at);
        Self { town, owner, old, new, between, client }
    }

    /// The first and the second see each other again.
    fn meet(&mut self) {
        (1..3).for_each(|host| self.town.world.heal(HostId(0), HostId(host)));
        let linked = |town: &mut Town| town.node(HostId(0), |node, _| node.hub.peers.linked().count() == 1);
        assert!(self.town.run_until(MINUTE, linked));
        // Whatever they take from each other.
        self.town.world.run_for(5 * SECOND);
    }

    fn assert_silent(&mut self) {
        is_of(self.town.ask(self.client, self.owner.get(name(1))), &self.old, false);
        let answer = self.town.ask(self.client, put(&self.between));
        assert!(copies(answer) < 2, "it takes no older one, and acknowledges nothing");
        assert!(held(&mut self.town, HostId(1), &self.owner).is_none_or(|held| held != self.between));
        let answer = self.town.ask(self.client, self.owner.list());
        assert!(matches!(answer, Response::Records { complete: false, .. }), "{answer:?}");
    }

    fn assert_mended(&mut self) {
        self.town.restart(HostId(2));
        self.town.wait_whole();
        let (owner, new) = (&self.owner, &self.new);
        let mended = |town: &mut Town| {
            town.world.run_for(SECOND / 4);
            (0..3).all(|host| held(town, HostId(host), owner).as_ref() == Some(new))
        };
        assert!(self.town.run_until(MINUTE, mended), "everybody has the newest");
        is_of(self.town.ask(self.client, self.owner.get(name(1))), &self.new, true);
        let answer = self.town.ask(self.client, self.owner.list());
        assert!(matches!(answer, Response::Records { complete: true, .. }), "{answer:?}");
    }
}

/// Three nodes that all have one record, its owner, and a client of the first.
fn town_of_one_record() -> (Town, Owner, HostId, Record) {
    let mut town = Town::of(3);
    let owner = Owner::new(&town, 1);
    let client = town.add_client(&owner, HostId(0));
    let record = owner.record(name(1), version(&town, 0), object(1), 1);
    town.ask(client, put(&record));
    town.world.run_for(SECOND);
    (town, owner, client, record)
}

fn copies(answer: Response) -> u8 {
    match answer {
        Response::Stored { copies, .. } => copies,
        Response::Error(_) => 0,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_replica_whose_record_rotted_has_no_word_until_enough_others_have_told_it() {
    // Flags, an age, the checksum itself, the record's version, its signature's end.
    for at in [0, 3, 30, 33 + 80, 33 + 300] {
        let mut rotten = Rotten::new(at);
        rotten.meet();
        rotten.assert_silent();
        rotten.assert_mended();
    }
}

#[test]
fn it_is_still_silent_after_a_restart() {
    let mut rotten = Rotten::new(40);
    rotten.meet();
    rotten.town.world.crash(HostId(1));
    rotten.town.restart(HostId(1));
    rotten.meet();
    rotten.assert_silent();
    rotten.assert_mended();
}

#[test]
fn who_enters_by_the_node_whose_record_rotted_is_served_by_the_others() {
    let (mut town, owner, client, first) = town_of_one_record();
    rot(&mut town, HostId(0), 50);
    is_of(town.ask(client, owner.get(name(1))), &first, true);
    let mended = |town: &mut Town| held(town, HostId(0), &owner).as_ref() == Some(&first);
    assert!(town.run_until(SECOND, mended), "at once");
    rot(&mut town, HostId(0), 50);
    let second = owner.record(name(1), version(&town, 0), object(2), 1);
    assert_eq!(town.ask(client, put(&second)), Response::Stored { copies: 2, wanted: 2 });
    let mended = |town: &mut Town| held(town, HostId(0), &owner).as_ref() == Some(&second);
    assert!(town.run_until(15 * SECOND, mended), "to the newest, which was written meanwhile");
}

#[test]
fn a_rotten_record_that_nobody_asks_for_is_found_and_mended() {
    let (mut town, owner, _, record) = town_of_one_record();
    rot(&mut town, HostId(2), 1);
    town.world.run_for(town.config.pull_every + MINUTE);
    assert_eq!(held(&mut town, HostId(2), &owner), Some(record));
    let home = town.add_control(HostId(2));
    assert_eq!(town.status(home).copies_missing, 0);
}

#[test]
fn two_of_three_whose_row_rotted_are_mended_by_the_third() {
    let (mut town, owner, client, record) = town_of_one_record();
    (0..2).for_each(|host| rot(&mut town, HostId(host), 50));
    town.ask(client, owner.get(name(1)));
    let others = town.add_client(&owner, HostId(1));
    town.ask(others, owner.get(name(1)));
    town.world.run_for(SECOND);
    for host in 0..3 {
        assert_eq!(held(&mut town, HostId(host), &owner).as_ref(), Some(&record), "{host}");
    }
}

#[test]
fn a_floor_that_rotted_revives_nothing_and_is_mended() {
    let mut town = Town::of(3);
    let owner = Owner::new(&town, 1);
    let client = town.add_client(&owner, HostId(0));
    let dead = owner.record(name(1), version(&town, 0), object(1), 1);
    let floor = owner.floor(version(&town, 10));
    assert_eq!(copies(town.ask(client, put(&floor))), 2);
    town.world.run_for(SECOND);
    rot(&mut town, HostId(0), 60);
    (1..3).for_each(|host| town.world.cut(HostId(0), HostId(host), Cut::Reset));
    town.world.run_for(SECOND);
    // Whatever may be below it is neither taken nor shown.
    assert_eq!(copies(town.ask(client, put(&dead))), 0);
    assert!(!matches!(town.ask(client, owner.list()), Response::Records { complete: true, .. }));
    (1..3).for_each(|host| town.world.heal(HostId(0), HostId(host)));
    town.wait_whole();
    let mended = |town: &mut Town| held(town, HostId(0), &owner).as_ref() == Some(&floor);
    assert!(town.run_until(MINUTE, mended));
    match town.ask(client, put(&dead)) {
        Response::Error(error) => assert_eq!(error.code, ErrorCode::Stale),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_row_that_belongs_to_no_name_puts_the_disk_in_doubt_until_everything_was_taken_over_anew() {
    for readable in [true, false] {
        let (mut town, ..) = town_of_one_record();
        let key = record_keys(&town, HostId(1)).pop().unwrap();
        let mut astray = key.to_vec();
        astray[20] ^= 1;
        if !readable {
            astray.pop();
        }
        let astray = Bytes::from(astray);
        assert!(town.world.disk_mut(HostId(1)).misplace_row(&key, astray.clone()));
        town.world.crash(HostId(1));
        // Nobody to take it from: it waits, and its word counts for nothing.
        (0..3).filter(|host| *host != 1).for_each(|host| town.world.cut(HostId(1), HostId(host), Cut::Reset));
        town.restart(HostId(1));
        town.world.run_for(5 * SECOND);
        assert!(town.node(HostId(1), |node, _| node.is_syncing()));
        town.world.crash(HostId(1));
        town.restart(HostId(1));
        town.world.run_for(SECOND);
        assert!(town.node(HostId(1), |node, _| node.is_syncing()), "still, after a restart");
        assert!(!town.world.disk(HostId(1)).rows().contains_key(&astray), "it is gone");
        (0..3).filter(|host| *host != 1).for_each(|host| town.world.heal(HostId(1), HostId(host)));
        town.wait_whole();
        let back = |town: &mut Town| town.world.disk(HostId(1)).rows().contains_key(&key);
        assert!(town.run_until(MINUTE, back));
        assert!(!town.node(HostId(1), |node, _| node.is_syncing()));
    }
}

#[test]
fn a_blob_that_a_read_finds_missing_or_damaged_is_back_at_once_on_each_replica() {
    let mut town = Town::of(4);
    let owner = Owner::new(&town, 1);
    // One of which the first node is no replica.
    let own = town.id(HostId(0));
    let is_else = |town: &mut Town, number: u8| {
        let position = blob_position(&SUITE.blob_id(&blob(number)));
        town.node(HostId(0), |node, _| !node.hub.view.replicas(&position).contains(&own))
    };
    let number = (1..=u8::MAX).find(|number| is_else(&mut town, *number)).unwrap();
    let client = town.add_client(&owner, HostId(1));
    let since = version(&town, 0);
    let bytes = blob(number);
    town.ask(client, owner.put_blob(name(1), object(1), since, &bytes));
    town.ask(client, put(&owner.record(name(1), since, object(1), bytes.len() as u64)));
    town.world.run_for(SECOND);
    let id = SUITE.blob_id(&bytes);
    let holders = town.holders(&id);
    assert_eq!(holders.len(), 3);
    // All but one copy are bad.
    town.world.disk_mut(holders[0]).rot(&id);
    town.world.disk_mut(holders[1]).rot(&id);
    let reader = town.add_client(&owner, HostId(0));
    for _ in 0..3 {
        assert!(matches!(town.ask(reader, read(&bytes)), Response::Blob { .. }));
    }
    // Each of them, once it is asked.
    for holder in &holders {
        let reader = town.add_client(&owner, *holder);
        assert!(matches!(town.ask(reader, read(&bytes)), Response::Blob { .. }));
    }
    let sound =
        |town: &mut Town| holders.iter().all(|host| town.world.disk(*host).blobs().get(&id) == Some(&bytes));
    assert!(town.run_until(SECOND, sound));
}
