//! The laws on stable, in every run of the tests: over the corpora, over what mutation makes of them, over any bytes.

use std::path::PathBuf;

use proptest::prelude::*;
use proptest::sample::Index;
use proptest::test_runner::{Config, TestRunner};

use quantumsync_core::fuzz::{Body, TARGETS};

/// Inputs of a target that a fuzzer would start from.
fn corpus(target: &str) -> Vec<Vec<u8>> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus").join(target);
    let entries = std::fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths.iter().map(|path| std::fs::read(path).unwrap()).collect()
}

/// What a fuzzer does to an input.
#[derive(Clone, Debug)]
enum Mutation {
    Flip(Index, u8),
    Insert(Index, Vec<u8>),
    Delete(Index, usize),
    /// The end of another input.
    Splice(Index, Index, Index),
}

impl Mutation {
    fn any() -> impl Strategy<Value = Self> {
        let place = any::<Index>;
        prop_oneof![
            4 => (place(), 1..=255_u8).prop_map(|(at, change)| Self::Flip(at, change)),
            1 => (place(), prop::collection::vec(any::<u8>(), 1..8)).prop_map(|(at, new)| Self::Insert(at, new)),
            1 => (place(), 1..40_usize).prop_map(|(at, len)| Self::Delete(at, len)),
            1 => (place(), place(), place()).prop_map(|(at, other, from)| Self::Splice(at, other, from)),
        ]
    }

    fn apply(&self, bytes: &mut Vec<u8>, corpus: &[Vec<u8>]) {
        let end = bytes.len() + 1;
        match self {
            Self::Flip(at, change) => {
                let at = at.index(end);
                bytes.get_mut(at).into_iter().for_each(|byte| *byte ^= change);
            }
            Self::Insert(at, new) => drop(bytes.splice(at.index(end).., new.clone())),
            Self::Delete(at, len) => {
                let at = at.index(end);
                drop(bytes.drain(at..(at + len).min(bytes.len())));
            }
            Self::Splice(at, other, from) => {
                let other = other.get(corpus);
                bytes.truncate(at.index(end));
                bytes.extend_from_slice(&other[from.index(other.len() + 1)..]);
            }
        }
    }
}

fn run(cases: u32, strategy: &impl Strategy<Value = Vec<u8>>, body: Body) {
    let config = Config { cases, failure_persistence: None, ..Config::default() };
    TestRunner::new(config)
        .run(strategy, |bytes| {
            body(&bytes);
            Ok(())
        })
        .unwrap_or_else(|error| panic!("{error}"));
}

#[test]
fn every_input_of_the_corpora_obeys_the_laws_of_its_target() {
    for (name, body) in TARGETS {
        let corpus = corpus(name);
        assert!(corpus.len() > 2, "there is a corpus for {name}");
        corpus.iter().for_each(|bytes| body(bytes));
    }
}

#[test]
fn every_folder_of_the_corpora_and_every_fuzz_target_is_one_of_ours() {
    let mut names = TARGETS.map(|(name, _)| name);
    names.sort_unstable();
    for (folder, end) in [("corpus", ""), ("fuzz_targets", ".rs")] {
        let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../fuzz").join(folder);
        let entries = std::fs::read_dir(folder).unwrap();
        let mut files: Vec<_> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        files.sort();
        let found: Vec<_> =
            files.iter().map(|file| file.strip_suffix(end).expect("a target's source")).collect();
        assert_eq!(found, names);
    }
}

macro_rules! laws {
    ($($target:ident: $cases:expr,)*) => {$(
        mod $target {
            use super::*;

            #[test]
            fn what_mutation_makes_of_the_corpus_obeys_the_laws() {
                let corpus = corpus(stringify!($target));
                let mutated = (any::<Index>(), prop::collection::vec(Mutation::any(), 1..6));
                let inputs = mutated.prop_map(|(at, mutations)| {
                    let mut bytes = at.get(&corpus).clone();
                    mutations.iter().for_each(|mutation| mutation.apply(&mut bytes, &corpus));
                    bytes
                });
                run($cases, &inputs, quantumsync_core::fuzz::$target);
            }

            #[test]
            fn any_bytes_obey_the_laws() {
                run($cases, &prop::collection::vec(any::<u8>(), 0..400), quantumsync_core::fuzz::$target);
            }
        }
    )*};
}

laws! {
    frame: 256,
    message: 512,
    record: 256,
    manifest: 64,
    vault_file: 128,
    token: 256,
    path: 512,
    session: 256,
    node: 512,
    cluster: 12,
}
