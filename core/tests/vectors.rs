//! Everything that `vectors/generate.py`, a program that shares nothing with this crate, makes of `PROTOCOL.md`, made
//! again by this crate. Whoever changes one of these values changes the protocol.

#[path = "vectors/link.rs"]
mod link;
#[path = "vectors/members.rs"]
mod members;
#[path = "vectors/messages.rs"]
mod messages;
#[path = "vectors/paths.rs"]
mod paths;
#[path = "vectors/signed.rs"]
mod signed;
#[path = "vectors/vault.rs"]
mod vault;

use quantumsync_core::crypto::{Master, Secret, SpaceKeys, Suite};
use serde_json::Value;
use std::cell::RefCell;
use std::collections::BTreeSet;

/// One section of the file. Remembers what was asked for, so that nothing stays unchecked.
pub(crate) struct Section {
    name: &'static str,
    value: Value,
    unread: RefCell<BTreeSet<String>>,
}

impl Section {
    pub(crate) fn read(name: &'static str) -> Self {
        let mut file: Value = serde_json::from_str(include_str!("vectors/vectors.json")).expect("it is JSON");
        let value = file[name].take();
        let mut unread = BTreeSet::new();
        collect_leaves("", &value, &mut unread);
        assert!(!unread.is_empty(), "there is no section {name}");
        Self { name, value, unread: RefCell::new(unread) }
    }

    fn get(&self, path: &str) -> &Value {
        assert!(self.unread.borrow_mut().remove(path), "{}: {path} is not there, or was read", self.name);
        self.value.pointer(path).expect("it is a leaf")
    }

    pub(crate) fn text(&self, path: &str) -> &str {
        self.get(path).as_str().expect("it is a text")
    }

    pub(crate) fn number(&self, path: &str) -> u64 {
        self.get(path).as_u64().expect("it is a number")
    }

    pub(crate) fn bytes(&self, path: &str) -> Vec<u8> {
        data_encoding::HEXLOWER.decode(self.text(path).as_bytes()).expect("it is hexadecimal")
    }

    pub(crate) fn array<const N: usize>(&self, path: &str) -> [u8; N] {
        self.bytes(path).try_into().expect("it has this length")
    }

    /// How many items a list has.
    pub(crate) fn count(&self, path: &str) -> usize {
        self.value.pointer(path).and_then(Value::as_array).expect("it is a list").len()
    }

    /// Asserts that `made` is what the file says.
    pub(crate) fn check(&self, path: &str, made: &[u8]) {
        let hex = data_encoding::HEXLOWER.encode(made);
        assert_eq!(hex, self.text(path), "{}: {path}", self.name);
    }

    pub(crate) fn check_number(&self, path: &str, made: u64) {
        assert_eq!(made, self.number(path), "{}: {path}", self.name);
    }
}

impl Drop for Section {
    fn drop(&mut self) {
        let unread = self.unread.borrow();
        assert!(std::thread::panicking() || unread.is_empty(), "{}: not checked: {unread:?}", self.name);
    }
}

fn collect_leaves(path: &str, value: &Value, leaves: &mut BTreeSet<String>) {
    match value {
        Value::Object(inner) => {
            inner.iter().for_each(|(name, value)| collect_leaves(&format!("{path}/{name}"), value, leaves));
        }
        Value::Array(inner) => {
            for (at, value) in inner.iter().enumerate() {
                collect_leaves(&format!("{path}/{at}"), value, leaves);
            }
        }
        Value::Null => {}
        _ => drop(leaves.insert(path.into())),
    }
}

/// The keys that every section is made with.
pub(crate) fn keys() -> SpaceKeys {
    SpaceKeys::derive(Suite::Real, &Master(Secret::new(seed(0))))
}

/// The program's 32 bytes for each number.
pub(crate) fn seed(number: u8) -> [u8; 32] {
    Suite::Real.hash(&[b"vector seed", &[number]])
}

/// A long input of the program.
pub(crate) fn sample(text: &str, len: usize) -> Vec<u8> {
    let mut bytes = vec![0; len];
    blake3::Hasher::new().update(text.as_bytes()).finalize_xof().fill(&mut bytes);
    bytes
}
