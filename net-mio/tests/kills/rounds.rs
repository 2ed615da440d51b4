//! One kill after the other. Its moment is recognised by bytes on a link, files of blobs, and what a command has said.
//! Never by time.

use std::fs;
use std::path::{Path, PathBuf};

use crate::common::wait_for;
use crate::files::{Content, User};
use crate::phases::Phase::{self, *};
use crate::phases::Victim::{self, Entry, Replica};
use crate::town::{Client, Ended, Node, Town};

/// Everything that rounds work on.
pub(crate) struct Kills {
    pub(crate) town: Town,
    pub(crate) user: User,
    /// One that is cleared again and again.
    pub(crate) cleared: User,
    round: u64,
    contents: u64,
    /// Bytes to the entry node of a whole delete, and of a whole clear.
    delete_bytes: u64,
    clear_bytes: u64,
}

/// What became of a command during which somebody was killed.
struct Outcome {
    /// The kill came in its phase.
    hit: bool,
    ended: Ended,
}

impl Kills {
    pub(crate) fn new() -> Self {
        let town = Town::new();
        let user = User::new(town.user("user"));
        let cleared = User::new(town.user("cleared"));
        fs::create_dir(town.path("files")).expect("a folder");
        let mut kills = Self { town, user, cleared, round: 0, contents: 0, delete_bytes: 0, clear_bytes: 0 };
        kills.measure();
        kills
    }

    /// Learns how many bytes a delete and a clear are.
    fn measure(&mut self) {
        let content = Content { seed: 1, length: 100 };
        for user in [&self.user, &self.cleared] {
            self.succeed(user, &self.store_args("measured", content));
        }
        let seen = || self.town.nodes[0].proxy.seen().to_node;
        let before = seen();
        self.succeed(&self.user, &delete_args("measured"));
        let deleted = seen();
        self.succeed(&self.cleared, &clear_args());
        (self.delete_bytes, self.clear_bytes) = (deleted - before, seen() - deleted);
        self.user.keys.insert("measured".to_owned(), None);
        self.cleared.keys.insert("measured".to_owned(), None);
    }

    /// Compares everything with what it must be, through each node, once all of them are healthy.
    pub(crate) fn check(&self) {
        self.town.wait_until_healthy();
        for node in &self.town.nodes {
            for user in [&self.user, &self.cleared] {
                let folder = self.town.path("got");
                fs::create_dir(&folder).expect("a folder");
                user.check(node, &folder);
                fs::remove_dir_all(folder).expect("a folder of ours");
            }
        }
    }

    /// Clears everything, and waits until each node has neither a blob nor a file of one.
    pub(crate) fn clear_all(&mut self) {
        for user in [&self.user, &self.cleared] {
            self.succeed(user, &clear_args());
        }
        for node in &self.town.nodes {
            wait_for("its blobs are gone", || (node.status()["blobs"]["count"] == 0).then_some(()));
            self.town.wait_until("no file is left", |nodes| {
                nodes.iter().all(|node| node.blob_files().count + node.staged_files().count == 0)
            });
        }
    }

    /// One kill. False if its moment was missed, which is nobody's fault.
    pub(crate) fn run(&mut self, phase: Phase, victim: Victim) -> bool {
        self.round += 1;
        let hit = match phase {
            FirstBytes | MidUpload | AllPieces => self.upload(phase, victim),
            Stored => self.stored(victim),
            DeleteSent | Deleted => self.delete(phase, victim),
            Sweep => self.sweep(victim),
            ClearSent | Cleared => self.clear(phase, victim),
            Starting => self.starting(victim),
            CatchingUp => self.catching_up(victim),
        };
        self.town.wait_until_together();
        hit
    }

    fn upload(&mut self, phase: Phase, victim: Victim) -> bool {
        // What is shorter than the shortest cut is one piece, and that is one file.
        let content = self.content(if phase == AllPieces { 200_000 } else { 2_500_000 });
        let key = format!("upload/{}", self.round % 7);
        let old = self.user.keys.get(&key).copied().flatten();
        let args = self.store_args(&key, content);
        let watched = self.node_of(if victim == Victim::Client { Entry } else { victim });
        let (blobs_before, sent_before) = (self.town.nodes[watched].blobs(), self.sent());
        let outcome = self.kill_during(victim, &self.user.home.clone(), &args, |kills| match phase {
            FirstBytes => kills.sent() - sent_before >= 50_000,
            MidUpload => kills.sent() - sent_before >= content.length as u64 / 2,
            _ => !kills.town.nodes[watched].blobs_beside(&blobs_before).is_empty(),
        });
        if victim == Victim::Client {
            let node = &self.town.nodes[self.node_of(Replica)];
            let found = self.user.get(node, &key, &self.town.path("files"));
            let versions = [old.map(Content::bytes), Some(content.bytes())];
            assert!(versions.contains(&found), "{key} is neither as before nor as it was being stored");
        }
        self.repeat_unless_done(&outcome, &self.user, &args);
        self.user.keys.insert(key, Some(content));
        outcome.hit
    }

    /// A store of several files, each with an acknowledgement of its own; the kill follows the first.
    fn stored(&mut self, victim: Victim) -> bool {
        let folder = self.fresh_folder("several");
        let mut contents = Vec::new();
        for number in 0..6 {
            let content = self.content(if number % 2 == 0 { 90_000 } else { 700 });
            let key = format!("several-{}/{number}", self.round);
            fs::write(folder.join(number.to_string()), content.bytes()).expect("written");
            contents.push((key, content));
        }
        let args = ["store".to_owned(), folder.display().to_string()];
        let outcome = self.kill_after(victim, &self.user.home.clone(), &args);
        let entry = &self.town.nodes[self.node_of(Entry)];
        // What was acknowledged is there at once, whoever was killed.
        for line in &outcome.ended.said {
            let key = line["key"].as_str().expect("a key");
            let content = contents.iter().find(|(name, _)| name == key).expect("one of ours").1;
            let found = self.user.get(entry, key, &self.town.path("files"));
            assert!(found == Some(content.bytes()), "{key} was acknowledged");
        }
        self.repeat_unless_done(&outcome, &self.user, &args);
        self.user.keys.extend(contents.into_iter().map(|(key, content)| (key, Some(content))));
        outcome.hit
    }

    fn delete(&mut self, phase: Phase, victim: Victim) -> bool {
        let key = format!("deleted/{}", self.round);
        let content = self.content(300_000);
        self.succeed(&self.user, &self.store_args(&key, content));
        let args = ["delete".to_owned(), key.clone()];
        let home = self.user.home.clone();
        let outcome = if phase == Deleted {
            self.kill_after(victim, &home, &args)
        } else {
            let wanted = self.sent() + self.portion_of(self.delete_bytes);
            self.kill_during(victim, &home, &args, |kills| kills.sent() >= wanted)
        };
        self.repeat_unless_done(&outcome, &self.user, &args);
        self.user.keys.insert(key, None);
        outcome.hit
    }

    /// Many files go at once; the kill comes when the first of them is gone and others are not.
    fn sweep(&mut self, victim: Victim) -> bool {
        let folder = self.fresh_folder("swept");
        let mut keys = Vec::new();
        for number in 0..48 {
            let content = self.content(70_000);
            fs::write(folder.join(number.to_string()), content.bytes()).expect("written");
            keys.push(format!("swept-{}/{number}", self.round));
        }
        let node = self.node_of(victim);
        let before = self.town.nodes[node].blobs();
        self.succeed(&self.user, &["store".to_owned(), folder.display().to_string()]);
        let there = |nodes: &[Node]| nodes[node].blobs_beside(&before).len();
        self.town.wait_until("the node has every file", |nodes| there(nodes) == keys.len());
        let delete: Vec<String> = ["delete".to_owned()].into_iter().chain(keys.iter().cloned()).collect();
        self.succeed(&self.user, &delete);
        self.town.wait_until("a file is gone", |nodes| there(nodes) < keys.len());
        self.town.nodes[node].kill();
        let left = there(&self.town.nodes);
        self.town.nodes[node].start();
        self.town.wait_until("all of them are gone", |nodes| there(nodes) == 0);
        self.user.keys.extend(keys.into_iter().map(|key| (key, None)));
        left > 0
    }

    fn clear(&mut self, phase: Phase, victim: Victim) -> bool {
        let content = self.content(150_000);
        for name in ["a", "b"] {
            let key = format!("{name}/{}", self.round);
            self.succeed(&self.cleared, &self.store_args(&key, content));
            self.cleared.keys.insert(key, None);
        }
        let home = self.cleared.home.clone();
        let outcome = if phase == Cleared {
            self.kill_after(victim, &home, &clear_args())
        } else {
            let wanted = self.sent() + self.portion_of(self.clear_bytes);
            self.kill_during(victim, &home, &clear_args(), |kills| kills.sent() >= wanted)
        };
        self.repeat_unless_done(&outcome, &self.cleared, &clear_args());
        outcome.hit
    }

    /// The first kill leaves work for the start that is killed.
    fn starting(&mut self, victim: Victim) -> bool {
        let (key, content) = (format!("starting/{}", self.round), self.content(1_500_000));
        let args = self.store_args(&key, content);
        let node = self.node_of(victim);
        let before = self.sent();
        let mut client = Client::spawn(&self.user.home, &self.town.nodes[self.node_of(Entry)], &args);
        client.look_until("half of it is sent", |_| self.sent() - before >= content.length as u64 / 2);
        self.town.nodes[node].kill();
        let hit = self.town.nodes[node].kill_while_starting();
        self.town.nodes[node].start();
        let outcome = Outcome { hit, ended: client.end() };
        self.repeat_unless_done(&outcome, &self.user, &args);
        self.user.keys.insert(key, Some(content));
        hit
    }

    /// A node is away while something is stored, comes back, and is killed when it has taken a part of that.
    fn catching_up(&mut self, victim: Victim) -> bool {
        let (key, content) = (format!("missed/{}", self.round), self.content(6_000_000));
        let node = self.node_of(victim);
        self.town.nodes[node].kill();
        let before = self.town.nodes[node].blobs();
        let entry = (node + 1) % self.town.nodes.len();
        let args = self.store_args(&key, content);
        let ended = Client::spawn(&self.user.home, &self.town.nodes[entry], &args).end();
        assert_eq!(ended.code, Some(0), "two of three are enough: {ended:?}");
        self.user.keys.insert(key, Some(content));
        self.town.nodes[node].start();
        let taken = |nodes: &[Node]| nodes[node].blobs_beside(&before).len();
        self.town.wait_until("it takes what it missed", |nodes| taken(nodes) > 0);
        self.town.nodes[node].kill();
        let (of_node, of_entry) =
            (taken(&self.town.nodes), self.town.nodes[entry].blobs_beside(&before).len());
        self.town.nodes[node].start();
        of_node < of_entry
    }

    /// Runs a command and kills the victim as soon as `now` says so, unless the command has said something before.
    fn kill_during(
        &mut self,
        victim: Victim,
        user: &Path,
        args: &[String],
        now: impl Fn(&Self) -> bool,
    ) -> Outcome {
        let mut client = Client::spawn(user, &self.town.nodes[self.node_of(Entry)], args);
        client.look_until("its moment comes", |client| client.results() > 0 || now(self));
        let hit = client.results() == 0 && now(self);
        self.kill(client, victim, hit)
    }

    /// The same as soon as the command has said something.
    fn kill_after(&mut self, victim: Victim, user: &Path, args: &[String]) -> Outcome {
        let mut client = Client::spawn(user, &self.town.nodes[self.node_of(Entry)], args);
        let hit = client.look_until("something is acknowledged", |client| client.results() > 0);
        self.kill(client, victim, hit)
    }

    fn kill(&mut self, mut client: Client, victim: Victim, hit: bool) -> Outcome {
        if victim == Victim::Client {
            client.kill();
        } else {
            let node = self.node_of(victim);
            self.town.nodes[node].kill();
            self.town.nodes[node].start();
        }
        Outcome { hit, ended: client.end() }
    }

    /// What was not done, because the command was killed or its node was away for too long, can be done again.
    fn repeat_unless_done(&self, outcome: &Outcome, user: &User, args: &[String]) {
        if matches!(outcome.ended.code, Some(0 | 6)) {
            return;
        }
        let again = self.finish(user, args);
        // What was deleted though nobody was told is not there to be deleted again.
        let deleted = args[0] == "delete" && again.code == Some(3);
        assert!(deleted || matches!(again.code, Some(0 | 6)), "{args:?} ended so: {again:?}");
    }

    /// A command that nobody disturbs.
    fn succeed(&self, user: &User, args: &[String]) {
        let ended = self.finish(user, args);
        // A node that has just come back may not have found the others yet.
        assert!(matches!(ended.code, Some(0 | 6)), "{args:?} ended so: {ended:?}");
    }

    fn finish(&self, user: &User, args: &[String]) -> Ended {
        Client::spawn(&user.home, &self.town.nodes[self.node_of(Entry)], args).end()
    }

    fn store_args(&self, key: &str, content: Content) -> [String; 4] {
        let path = self.town.path("files").join("content");
        fs::write(&path, content.bytes()).expect("written");
        ["store".to_owned(), path.display().to_string(), "--key".to_owned(), key.to_owned()]
    }

    fn fresh_folder(&self, name: &str) -> PathBuf {
        let folder = self.town.path("files").join(format!("{name}-{}", self.round));
        fs::create_dir(&folder).expect("a folder");
        folder
    }

    /// Content that nothing else has.
    fn content(&mut self, length: usize) -> Content {
        self.contents += 1;
        Content { seed: self.contents, length: length + self.contents as usize }
    }

    /// Which node a victim is in this round. All of them are entries in turn.
    fn node_of(&self, victim: Victim) -> usize {
        let (round, nodes) = (self.round as usize, self.town.nodes.len());
        (round + if victim == Replica { 1 + round / nodes % (nodes - 1) } else { 0 }) % nodes
    }

    /// Bytes that went to the entry node so far.
    fn sent(&self) -> u64 {
        self.town.nodes[self.node_of(Entry)].proxy.seen().to_node
    }

    /// From half of a command's bytes to nearly all of them, another part in each round.
    fn portion_of(&self, bytes: u64) -> u64 {
        bytes * (50 + self.round * 7 % 45) / 100
    }
}

fn delete_args(key: &str) -> [String; 2] {
    ["delete".to_owned(), key.to_owned()]
}

fn clear_args() -> [String; 2] {
    ["clear".to_owned(), "--yes".to_owned()]
}
