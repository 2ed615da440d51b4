//! What a user has stored and deleted, and how it is compared with what the network gives back.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use crate::common::noise;
use crate::town::{Client, Node};

/// Bytes that can be made again.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Content {
    pub(crate) seed: u64,
    pub(crate) length: usize,
}

impl Content {
    pub(crate) fn bytes(self) -> Vec<u8> {
        noise(self.seed, self.length)
    }
}

/// A user: its home, and what must be under each of its keys. A key that was deleted holds `None`.
pub(crate) struct User {
    pub(crate) home: PathBuf,
    pub(crate) keys: BTreeMap<String, Option<Content>>,
}

impl User {
    pub(crate) fn new(home: PathBuf) -> Self {
        Self { home, keys: BTreeMap::new() }
    }

    /// Compares everything as seen through this node: each key that must be there, byte for byte, and none that was
    /// deleted, neither in the list nor when it is asked for.
    pub(crate) fn check(&self, entry: &Node, folder: &Path) {
        let (there, deleted): (Vec<_>, Vec<_>) = self.keys.iter().partition(|(_, content)| content.is_some());
        let listed = self.run(entry, &["list".to_owned()], 0);
        let listed: BTreeSet<&str> = listed.iter().map(|line| line["key"].as_str().expect("a key")).collect();
        let wanted: BTreeSet<&str> = there.iter().map(|(key, _)| key.as_str()).collect();
        let (missing, back) = (wanted.difference(&listed), listed.difference(&wanted));
        let (missing, back): (Vec<_>, Vec<_>) = (missing.collect(), back.collect());
        assert!(missing.is_empty() && back.is_empty(), "missing: {missing:?}; back: {back:?}");

        let args = |keys: &[(&String, &Option<Content>)]| -> Vec<String> {
            let into = folder.display().to_string();
            let keys = keys.iter().map(|(key, _)| (*key).clone());
            ["get".to_owned(), "--into".to_owned(), into].into_iter().chain(keys).collect()
        };
        if !there.is_empty() {
            self.run(entry, &args(&there), 0);
        }
        for (key, content) in there {
            let path = folder.join(key);
            let found = fs::read(path).expect("it was written");
            assert!(Some(found) == content.map(Content::bytes), "{key} differs");
        }
        if !deleted.is_empty() {
            assert_eq!(self.run(entry, &args(&deleted), 3).len(), 0, "a deleted key is back");
        }
    }

    /// What is under a key, seen through this node; `None` if nothing is.
    pub(crate) fn get(&self, entry: &Node, key: &str, folder: &Path) -> Option<Vec<u8>> {
        let out = folder.join("one");
        let args = ["get", key, "--force", "-o", &out.display().to_string()].map(ToOwned::to_owned);
        let ended = Client::spawn(&self.home, entry, &args).end();
        match ended.code {
            Some(0) => Some(fs::read(out).expect("it was written")),
            Some(3) => None,
            _ => panic!("a get of {key} ended so: {ended:?}"),
        }
    }

    /// Runs a command to its end, which must be this one.
    fn run(&self, entry: &Node, args: &[String], code: i32) -> Vec<serde_json::Value> {
        let ended = Client::spawn(&self.home, entry, args).end();
        assert_eq!(ended.code, Some(code), "{:?} said {:?}: {}", args.first(), ended.said, ended.err);
        ended.said
    }
}
