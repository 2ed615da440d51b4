//! Whole networks of the simulator, driven by bytes.

use alloc::string::ToString as _;

use super::choices::Choices;
use crate::sim::run::{PROFILES, Script, Watched, run};

/// Steps of a run: each input is to end soon.
const LONGEST_SCRIPT: usize = 32;

/// `profile u8 ‖ choices`: draws a script of the profile, each choice by the bytes instead of a seed, and plays it.
///
/// Nothing is violated, and the script is printed as it is parsed. Who fails is told the script: it is what to keep.
pub fn cluster(bytes: &[u8]) {
    let mut choices = Choices::new(bytes);
    let profile = &PROFILES[usize::from(choices.byte()) % PROFILES.len()];
    let mut script = Script::of_bytes(profile, choices.rest());
    script.steps.truncate(LONGEST_SCRIPT);
    let text = script.to_string();
    assert_eq!(text.parse().as_ref(), Ok(&script), "{text}");
    let report = run(&script, Watched::default());
    assert!(report.violations.is_empty(), "{:#?} by this script:\n{text}", report.violations);
}
