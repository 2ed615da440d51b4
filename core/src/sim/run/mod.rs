//! Whole runs: a town, its users and everything that can go wrong, from one seed or one script; and what must hold in each.
//!
//! A [`Script`] says what there is and what happens. [`Script::draw`] draws one from a seed and a [`Profile`]; [`Script`] also
//! parses from text, so that what failed once, and races that a person wrote, are run the same way. [`run`] plays it and
//! returns a [`Report`]. The same script gives the same run, byte for byte, in every build and on every platform.
//!
//! * `chance`: where choices come from; `profile`, `profiles` and `plan`: how a script is drawn; `script`, `text` and `words`: what it is;
//! * `play`, `steps` and `machines`: what is done to the town; `users` and `crowd`: what its users do;
//! * `model`: what they may see; `finish`: what must be so in the end; `look`: what a script says that must be; `bounds`: how
//!   large everything is; `watch`: digest, trace and secrecy; `tap`: which messages go over links;
//! * `shrink`: makes a failing script short.

mod bounds;
mod chance;
mod crowd;
mod errors;
mod finish;
mod look;
mod machines;
mod model;
mod plan;
mod play;
mod profile;
mod profiles;
mod script;
mod shrink;
mod steps;
mod tap;
mod text;
mod users;
mod watch;
mod words;

pub use chance::Chance;
pub use crowd::{Rule, Violation};
pub use profile::Profile;
pub use profiles::PROFILES;
pub use script::{Action, Apart, Device, Kept, Script, Setup, Step, Who, content, key_text};
pub use shrink::shrink;
pub use text::BadScript;
pub use watch::{Sink, Watched};

use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use core::time::Duration;

use self::play::Play;
use crate::gauge::Gauge;

/// What came of a run.
#[derive(Clone, Debug)]
pub struct Report {
    /// What must not be, and was seen; empty if all is well.
    pub violations: Vec<Violation>,
    /// Of all that happened, if it was asked for.
    pub digest: Option<[u8; 32]>,
    /// How long the town lived.
    pub lived: Duration,
    /// Operations that ended well.
    pub succeeded: u64,
    /// Operations that ended in an error.
    pub failed: u64,
    /// Steps of the script that could be done.
    pub steps: u64,
    /// Inputs that machines were given.
    pub inputs: u64,
    /// What went wrong, by kind.
    pub faults: BTreeMap<&'static str, u64>,
    /// Of each queue, buffer and table the fullest that was seen in any machine.
    pub fullest: BTreeMap<&'static str, Gauge>,
}

impl Script {
    /// The script of this seed.
    pub fn draw(profile: &Profile, seed: u64) -> Self {
        plan::draw(profile, seed, &mut Chance::of_seed(seed))
    }

    /// The script that these bytes choose: for fuzzers.
    pub fn of_bytes(profile: &Profile, bytes: &[u8]) -> Self {
        let mut chance = Chance::of_bytes(bytes);
        let seed = chance.below(1 << 16).into();
        plan::draw(profile, seed, &mut chance)
    }
}

/// Plays a script to its end.
///
/// # Panics
/// If a machine does, or breaks the driver contract.
pub fn run(script: &Script, watched: Watched) -> Report {
    let mut play = Play::new(script.setup.clone(), watched);
    play.steps(script);
    if play.crowd.violations.is_empty() {
        play.finish();
    }
    play.report()
}
