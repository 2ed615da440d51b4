//! `cargo xtask kills`: the test that kills real processes, for long.

use crate::process::{self, Outcome, cargo};

/// How many kills, unless it is said.
pub(crate) const COUNT: &str = "200";

pub(crate) fn run(count: &str) -> Outcome {
    if count.parse::<u32>().is_err() {
        return Err(format!("{count} is no number of kills"));
    }
    let test = ["test", "--locked", "--package", "quantumsync", "--test", "kills", "--", "--nocapture"];
    process::run(cargo().args(test).env("QUANTUMSYNC_KILLS", count))
}
