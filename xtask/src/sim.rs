//! `cargo xtask sim`: whole networks with users and faults from seeds, for any time.

use crate::process::{self, Outcome, cargo};

/// Runs the simulator in a release build with these arguments; it tells itself which there are.
pub(crate) fn run(arguments: &[&str]) -> Outcome {
    let build = ["run", "--locked", "--release", "--package", "quantumsync-core", "--features", "sim"];
    process::run(cargo().args(build).args(["--example", "simulate", "--"]).args(arguments))
}
