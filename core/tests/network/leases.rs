//! Uploads that take longer than the lease of their pins, and devices that write beside them.

use super::*;
use quantumsync_core::client::{ClientEvent, StoreOptions};
use quantumsync_core::config::{Config, limit};
use quantumsync_core::error::OpError;
use quantumsync_core::id::OpId;
use quantumsync_core::node::SettingsWanted;
use quantumsync_core::sim::PeerEvent;
use quantumsync_core::vault::Vault;

const DAY: Duration = Duration::from_secs(24 * 3600);

/// Days pass cheaply: links are not asked whether they live, and what is done now and then is done seldom.
fn options() -> TownOptions {
    let config = Config {
        heartbeat: DAY,
        suspect_after: DAY * 2,
        idle_close: DAY * 3,
        gossip_every: DAY,
        running_time_every: Duration::from_secs(3600),
        check_every: DAY / 4,
        ..Config::default()
    };
    let settings = SettingsWanted {
        linger: Some(Duration::from_secs(1)),
        gone_after: Some(DAY * 365),
        ..SettingsWanted::default()
    };
    TownOptions { config, settings, ..TownOptions::default() }
}

/// Three nodes, of which none is ever out of the placement, a device, and its vault for others.
fn patient() -> (Three, Vault) {
    let mut town = Town::new(options());
    let nodes: Vec<HostId> = (0..3).map(|_| town.add_node()).collect();
    assert!(town.settle(&nodes, Duration::from_secs(60)), "the nodes do not find each other");
    let vault = town.vault();
    let client = town.add_client(&vault, &nodes[..1], true);
    (Three { town, nodes, client }, vault)
}

/// An upload that a test feeds.
struct Upload {
    op: OpId,
    rest: Bytes,
    /// What was asked for and not given yet.
    wanted: usize,
    result: Option<Result<Outcome, OpError>>,
}

impl Upload {
    fn begin(three: &mut Three, key: &str, content: Bytes) -> Self {
        let op =
            three.town.command(three.client, |client, now| client.store(now, key, StoreOptions::default()));
        Self { op, rest: content, wanted: 0, result: None }
    }

    /// Lets time pass; content is given as it is asked for until only `keep` bytes are left.
    fn run(&mut self, three: &mut Three, time: Duration, keep: usize) {
        let client = three.client;
        let (op, rest, wanted, result) = (self.op, &mut self.rest, &mut self.wanted, &mut self.result);
        three.town.world.run_until(time, |world| {
            // What is given may make the client ask for more at once.
            loop {
                let len = (*wanted).min(rest.len().saturating_sub(keep));
                if len > 0 {
                    let portion = rest.split_to(len);
                    let given = world.call(client, |peer, now| peer.client().provide(now, op, portion));
                    given.expect("it was asked for");
                    *wanted -= len;
                }
                match world.next_event(client) {
                    Some(PeerEvent::Client(ClientEvent::NeedData { op: of, max })) if of == op => {
                        *wanted = max
                    }
                    Some(PeerEvent::Client(ClientEvent::Done { op: of, outcome })) if of == op => {
                        *result = Some(Ok(outcome));
                    }
                    Some(PeerEvent::Client(ClientEvent::Failed { op: of, error })) if of == op => {
                        *result = Some(Err(error));
                    }
                    Some(_) => {}
                    None => return result.is_some(),
                }
            }
        });
    }

    /// Gives what is left, and waits for the end.
    fn finish(mut self, three: &mut Three) -> Result<Outcome, OpError> {
        self.run(three, Duration::from_secs(60), 0);
        let op = self.op;
        if self.result.is_none() {
            assert!(self.rest.is_empty(), "it was asked for everything");
            let _ = three.town.command(three.client, |client, now| client.finish(now, op));
        }
        self.run(three, Duration::from_secs(600), 0);
        self.result.expect("every operation ends")
    }
}

/// Nothing half: the key has one of these contents, and each byte of it.
fn check_whole(three: &mut Three, key: &str, contents: [&Bytes; 2], stored: bool) {
    let got = three.get(key);
    let which = contents.iter().position(|content| got == content[..]);
    assert!(which.is_some(), "{} bytes of neither", got.len());
    if stored {
        assert!(got == contents[0][..], "the later store was acknowledged, and is not there");
    }
}

/// An upload over an existing key that is stuck for so many days, half of them before another device commits the key.
fn stuck(days: u32) -> Result<Outcome, OpError> {
    let (mut three, vault) = patient();
    let (old, new, other) = (content(1, 3 << 20), content(2, 12 << 20), content(3, 3 << 20));
    three.store("key", &old);
    let mut upload = Upload::begin(&mut three, "key", new.clone());
    upload.run(&mut three, Duration::from_secs(60), 8 << 20);
    upload.run(&mut three, DAY * days / 2, 8 << 20);
    assert!(upload.result.is_none());
    let second = three.town.add_client(&vault, &[three.nodes[1]], false);
    three.town.store(second, "key", &other).expect("the other device's store succeeds");
    upload.run(&mut three, DAY * days / 2, 8 << 20);
    let result = upload.finish(&mut three);
    check_whole(&mut three, "key", [&new, &other], result.is_ok());
    // Pins that nobody needs any more are gone in the end, whichever way it went.
    three.town.world.run_for(DAY * 12);
    check_whole(&mut three, "key", [&new, &other], result.is_ok());
    let kept = three.blobs();
    assert!(kept.iter().all(|blobs| *blobs == kept[0] && *blobs < 24), "{kept:?}");
    result
}

#[test]
fn an_upload_longer_than_its_lease_beside_another_devices_says_that_it_did_not() {
    assert!(DAY * 9 > Duration::from_millis(limit::LEASE_MS));
    // The other device's record is newer than the upload's version, so its pins are dead: even within the lease.
    for days in [5, 9] {
        assert_eq!(stuck(days).err(), Some(OpError::Conflict), "{days} days");
    }
}

#[test]
fn a_device_that_sleeps_between_its_upload_and_its_record_makes_its_pins_anew() {
    let (mut three, _) = patient();
    let content = content(1, 6 << 20);
    let mut upload = Upload::begin(&mut three, "key", content.clone());
    upload.run(&mut three, Duration::from_secs(60), 1);
    upload.run(&mut three, DAY * 4, 1);
    let stored = upload.finish(&mut three);
    assert!(matches!(stored, Ok(Outcome::Stored { copies: 2.., .. })), "{stored:?}");
    // Past the first lease: what its pins alone held would be gone.
    three.town.world.run_for(DAY * 9);
    assert!(three.get("key") == content);
}
