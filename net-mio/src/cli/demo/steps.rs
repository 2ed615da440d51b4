//! The steps of the demo, in their order. Each does one thing as a user would, checks what came of it, and says so.

use std::collections::BTreeMap;
use std::io::sink;
use std::time::Duration;

use quantumsync::Error;
use quantumsync::client::{Client, GetOptions, StoreOptions};
use quantumsync_core::config::limit;
use quantumsync_core::error::OpError;
use quantumsync_core::id::NodeId;
use quantumsync_core::vault::Vault;
use quantumsync_core::wire::{Status, Token};
use serde_json::{Value, json};

use super::material::{Comparison, Material, SMALL};
use super::peer::{Peer, Stage, wait_for};
use super::report::Report;
use crate::cli::error::{Class, Failure};
use crate::cli::output::human_bytes;

/// The key of the large file.
const LARGE: &str = "demo/large";
/// What must come about by itself has come about by then, on a slow and busy machine too.
const SETTLED: Duration = Duration::from_secs(60);

/// How the founder sets its network up: deleted bytes are to go while somebody watches.
const SETTINGS: &str = "linger = \"1s\"\n";

/// Three peers and the user who stores on them. The user enters by the first.
pub(super) struct Show<'a> {
    stage: &'a Stage,
    report: &'a mut Report,
    material: &'a Material,
    vault: &'a Vault,
    token: Token,
    entry: Peer,
    /// The one that is killed.
    victim: Peer,
    /// The one that is left beside the entry.
    keeper: Peer,
    client: Client,
    /// Bytes that were compared.
    compared: u64,
}

impl<'a> Show<'a> {
    /// Three processes find each other.
    pub(super) fn begin(
        stage: &'a Stage,
        report: &'a mut Report,
        material: &'a Material,
        vault: &'a Vault,
    ) -> Result<Self, Failure> {
        report.begin();
        let home = stage.path().join("a");
        let settings = home.join("settings.toml");
        let written = std::fs::create_dir_all(&home).and_then(|()| std::fs::write(&settings, SETTINGS));
        written.map_err(|error| Failure::file(&settings, &error))?;
        let entry = stage.start("a", None)?;
        let network = entry.home.network()?.ok_or(Error::NoNetwork)?.token;
        let founder = entry.client(&network, None)?;
        let for_nodes = zeroize::Zeroizing::new(founder.invite(true)?);
        let victim = stage.start("b", Some(&for_nodes))?;
        let keeper = stage.start("c", Some(&for_nodes))?;
        // As a user has it: without the network's signing key.
        let token = Token::from_text(&founder.invite(false)?).map_err(Error::Token)?;
        let client = entry.client(&token, Some(vault))?;
        let mut show =
            Self { stage, report, material, vault, token, entry, victim, keeper, client, compared: 0 };
        for peer in [&show.entry, &show.victim, &show.keeper] {
            show.wait_for_status(peer, "the three peers see each other", |status| {
                status.members == 3 && status.peers_alive >= 2 && !status.syncing
            })?;
        }
        show.say_peers()?;
        Ok(show)
    }

    fn say_peers(&mut self) -> Result<(), Failure> {
        let peers = [&self.entry, &self.victim, &self.keeper];
        let objects: Vec<Value> = peers
            .map(|peer| {
                let (node, addr) = (peer.node.to_string(), peer.addr.to_string());
                json!({ "name": peer.name, "process": peer.process, "node": node, "addr": addr })
            })
            .into();
        let text = peers.map(|peer| format!("{} at {}", peer.name, peer.addr)).join(", ");
        let details = json!({ "peers": objects, "folder": self.stage.path().display().to_string() });
        self.report.step("peers", None, details, &format!("three processes are one network: {text}"))
    }

    /// The file and the small keys go to the network, until each peer has all of it.
    pub(super) fn store(&mut self) -> Result<(), Failure> {
        self.store_large("store")?;
        self.report.begin();
        let mut bytes = 0;
        for number in 0..SMALL {
            let (content, size) = self.material.small(number);
            let stored = self.client.store(&small_key(number), content, StoreOptions::default())?;
            check(stored.copies >= stored.wanted, || format!("a small key has {} copies", stored.copies))?;
            bytes += size;
        }
        let text = format!("{SMALL} small keys");
        self.report.step("store", Some(bytes), json!({ "keys": SMALL }), &text)?;
        self.wait_for_copies(SMALL + 1)
    }

    fn store_large(&mut self, step: &str) -> Result<(), Failure> {
        self.report.begin();
        let stored = self.client.store(LARGE, self.material.open()?, StoreOptions::default())?;
        let (copies, wanted) = (stored.copies, stored.wanted);
        check(stored.size == self.material.size, || "the file was changed meanwhile".into())?;
        check(copies >= wanted, || format!("the file is on {copies} of {wanted} peers only"))?;
        let details = json!({
            "key": LARGE, "copies": copies, "wanted": wanted, "sent_bytes": stored.sent_bytes,
        });
        let name = self.material.name();
        let text =
            format!("{name}, encrypted here, acknowledged when it was on {copies} disks ({wanted} suffice)");
        self.report.step(step, Some(stored.size), details, &text)
    }

    /// Waits until every living peer holds every record, and as many blobs as the others.
    fn wait_for_copies(&mut self, records: u64) -> Result<(), Failure> {
        self.report.begin();
        let mut held = BTreeMap::new();
        let peers = self.living();
        for peer in &peers {
            let what = format!("peer {} has its copies", peer.name);
            let status = self.wait_for_status(peer, &what, |status| {
                status.records == records && (status.blobs > 0 || self.is_inline())
            })?;
            held.insert(
                peer.name,
                json!({
                    "records": status.records, "blobs": status.blobs, "bytes": status.blob_bytes,
                }),
            );
        }
        let text = peers.iter().map(|peer| {
            let held = &held[peer.name];
            format!("{} has {} records, {} blobs", peer.name, held["records"], held["blobs"])
        });
        let text = text.collect::<Vec<_>>().join("; ");
        self.report.step("spread", None, json!({ "peers": held }), &text)
    }

    /// The entry peer drops its own copies, so that whatever comes back comes from others.
    pub(super) fn drop_local(&mut self) -> Result<(), Failure> {
        self.report.begin();
        let entry = &self.entry;
        let (mut blobs, mut bytes) = (0, 0);
        wait_for("the local copies are gone", SETTLED, || {
            // Again each time: a copy that the last get was still writing counts, too.
            let dropped = self.client.evict(None)?;
            blobs += dropped.0;
            bytes += dropped.1;
            let gone = self.status(entry)?.blobs == 0 && entry.blob_files()? == 0;
            Ok(gone.then_some(()))
        })?;
        let text = format!("{} dropped its local copies: {blobs} blobs, no blob file is left", entry.name);
        let details = json!({ "peer": entry.name, "blobs": blobs, "bytes": bytes, "blob_files": 0 });
        self.report.step("evict", None, details, &text)
    }

    /// Everything is got by the entry peer, whose own copies were dropped.
    pub(super) fn get(&mut self) -> Result<(), Failure> {
        let client = self.client.clone();
        self.get_from(&client, "get", &self.senders())?;
        self.get_small(&client)
    }

    /// Gets the file and compares; no other peers than `allowed` may have sent any of it.
    fn get_from(
        &mut self,
        client: &Client,
        step: &str,
        allowed: &[(&'static str, NodeId)],
    ) -> Result<(), Failure> {
        self.report.begin();
        let mut comparison = Comparison::with(self.material.open()?);
        let got = client.get(LARGE, &mut comparison, GetOptions::default())?;
        let size = comparison.finish().map_err(|why| differs(LARGE, &why))?;
        self.compared += size;
        let mut sent: BTreeMap<&'static str, u64> = allowed.iter().map(|&(name, _)| (name, 0)).collect();
        for (node, bytes) in &got.sources {
            let Some((name, _)) = allowed.iter().find(|(_, id)| id == node) else {
                let message =
                    format!("{bytes} bytes came from {node}, whose copy was dropped or which is not there");
                return Err(failed(message));
            };
            *sent.entry(name).or_default() += bytes;
        }
        let total: u64 = sent.values().sum();
        check(total >= size || self.is_inline(), || format!("only {total} bytes came from known peers"))?;
        let shares = sent.iter().map(|(name, bytes)| format!("{} from {name}", human_bytes(*bytes)));
        let shares =
            if self.is_inline() { "inside its record".into() } else { shares.collect::<Vec<_>>().join(", ") };
        let local = sent.get(self.entry.name).copied().unwrap_or(0);
        let details = json!({ "key": LARGE, "sources": sent, "local_bytes": local, "fresh": got.fresh });
        self.report.step(step, Some(size), details, &format!("the file is the same byte for byte: {shares}"))
    }

    fn get_small(&mut self, client: &Client) -> Result<(), Failure> {
        self.report.begin();
        let mut bytes = 0;
        for number in 0..SMALL {
            let key = small_key(number);
            let mut comparison = Comparison::with(self.material.small(number).0);
            client.get(&key, &mut comparison, GetOptions::default())?;
            bytes += comparison.finish().map_err(|why| differs(&key, &why))?;
        }
        self.compared += bytes;
        let text = format!("{SMALL} small keys are the same byte for byte");
        self.report.step("get", Some(bytes), json!({ "keys": SMALL }), &text)
    }

    /// One peer dies and stays dead.
    pub(super) fn kill(&mut self) -> Result<(), Failure> {
        self.report.begin();
        self.stage.kill(self.victim.name)?;
        let name = self.victim.name;
        self.report.step("kill", None, json!({ "peer": name }), &format!("{name} was killed and stays dead"))
    }

    /// The file is deleted: nothing but a tombstone is left on any living peer.
    pub(super) fn delete(&mut self) -> Result<(), Failure> {
        self.report.begin();
        let written = self.client.delete(LARGE)?;
        let (copies, wanted) = (written.copies, written.wanted);
        check(copies >= wanted, || format!("the tombstone is on {copies} of {wanted} peers only"))?;
        match self.client.get(LARGE, sink(), GetOptions::default()) {
            Err(Error::Operation(OpError::NotFound)) => {}
            Err(error) => return Err(error.into()),
            Ok(_) => return Err(failed("the deleted file can still be got")),
        }
        let details = json!({ "key": LARGE, "copies": copies, "wanted": wanted });
        let text = format!("the file is deleted: a tombstone on {copies} disks, and a get finds nothing");
        self.report.step("delete", None, details, &text)?;
        for peer in self.living() {
            self.show_tombstone(&peer)?;
        }
        Ok(())
    }

    /// The small keys are inside their records, so every blob and every file of one would be of what was deleted.
    fn show_tombstone(&mut self, peer: &Peer) -> Result<(), Failure> {
        self.report.begin();
        let what = format!("peer {} has forgotten all of the file but its tombstone", peer.name);
        let client = peer.client(&self.token, None)?;
        let status = wait_for(&what, SETTLED, || {
            let status = client.status()?;
            let gone = status.blobs == 0 && status.blob_bytes == 0 && peer.blob_files()? == 0;
            Ok((gone && status.tombstones == 1 && status.records == SMALL).then_some(status))
        })?;
        let details = json!({
            "peer": peer.name, "tombstones": status.tombstones, "records": status.records,
            "blobs": status.blobs, "blob_files": 0,
        });
        let text = format!(
            "{} has {} tombstone and the {} small keys: 0 blobs in its index, 0 blob files",
            peer.name, status.tombstones, status.records,
        );
        self.report.step("gone", None, details, &text)
    }

    /// A peer that was stopped comes back with what it had.
    pub(super) fn restart(&mut self) -> Result<(), Failure> {
        self.store_large("store")?;
        self.wait_for_copies(SMALL + 1)?;
        let before = self.status(&self.keeper)?;

        self.report.begin();
        let (name, node) = (self.keeper.name, self.keeper.node);
        self.stage.stop(name)?;
        self.keeper = self.stage.start(name, None)?;
        check(self.keeper.node == node, || format!("{name} came back as another node"))?;
        let what = format!("peer {name} serves again");
        let status =
            self.wait_for_status(&self.keeper, &what, |status| status.peers_alive >= 1 && !status.syncing)?;
        let same = (status.blobs, status.records) == (before.blobs, before.records);
        check(same, || format!("{name} had {} blobs and has {}", before.blobs, status.blobs))?;
        let details = json!({ "peer": name, "blobs": status.blobs, "records": status.records });
        let text =
            format!("{name} was stopped and started: {} blobs, {} records", status.blobs, status.records);
        self.report.step("restart", None, details, &text)?;

        self.report.begin();
        let client = self.keeper.client(&self.token, Some(self.vault))?;
        let verified = client.verify()?;
        check(verified.damaged.is_empty(), || format!("{} blobs are damaged", verified.damaged.len()))?;
        check(verified.checked == status.blobs, || format!("only {} blobs were checked", verified.checked))?;
        let details = json!({ "peer": name, "checked": verified.checked, "damaged": 0 });
        let text = format!("{name} hashed all {} of its blobs: none is damaged", verified.checked);
        self.report.step("verify", Some(verified.bytes), details, &text)?;
        self.get_from(&client, "get", &[(name, node)])?;
        self.get_small(&client)
    }

    /// What all of it came to.
    pub(super) fn verdict(&self) -> String {
        let amount = human_bytes(self.compared);
        format!("{amount} came back and were compared, no byte differs; one peer lost, nothing else")
    }

    /// The peers that run.
    fn living(&self) -> Vec<Peer> {
        let all = [&self.entry, &self.victim, &self.keeper];
        all.into_iter().filter(|peer| self.stage.is_running(peer.name)).cloned().collect()
    }

    /// The living peers other than the entry.
    fn senders(&self) -> Vec<(&'static str, NodeId)> {
        let others = self.living().into_iter().filter(|peer| peer.node != self.entry.node);
        others.map(|peer| (peer.name, peer.node)).collect()
    }

    /// A file this short is inside its record, and no blob is.
    fn is_inline(&self) -> bool {
        self.material.size <= limit::INLINE as u64
    }

    fn status(&self, peer: &Peer) -> Result<Status, Failure> {
        Ok(peer.client(&self.token, None)?.status()?)
    }

    fn wait_for_status(
        &self,
        peer: &Peer,
        what: &str,
        holds: impl Fn(&Status) -> bool,
    ) -> Result<Status, Failure> {
        let client = peer.client(&self.token, None)?;
        wait_for(what, SETTLED, || {
            let status = client.status()?;
            Ok(holds(&status).then_some(status))
        })
    }
}

fn small_key(number: u64) -> String {
    format!("demo/small/{number}")
}

fn check(holds: bool, why: impl FnOnce() -> String) -> Result<(), Failure> {
    if holds { Ok(()) } else { Err(failed(why())) }
}

fn failed(why: impl Into<String>) -> Failure {
    Failure::new(Class::Failed, "demo_failed", why, "please report this")
}

fn differs(key: &str, why: &str) -> Failure {
    failed(format!("{key} did not come back as it was stored: {why}"))
}
