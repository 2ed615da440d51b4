//! `cargo xtask check`: what a reader or a lawyer would object to.

use crate::process::{Outcome, cargo, exists, project, run};

/// The release of cargo-deny that is installed where there is none.
const CARGO_DENY: &str = "0.20.2";

pub(crate) fn run_all() -> Outcome {
    run(cargo().args(["fmt", "--all", "--check"]))?;
    run(cargo()
        .args(["clippy", "--locked", "--workspace", "--all-targets", "--features", "quantumsync-core/sim"])
        .args(["--", "--deny", "warnings"]))?;
    // Without the simulator's feature the core has no standard library to lean on.
    run(cargo().args([
        "clippy",
        "--locked",
        "--package",
        "quantumsync-core",
        "--lib",
        "--",
        "--deny",
        "warnings",
    ]))?;
    run(cargo()
        .args(["doc", "--locked", "--workspace", "--no-deps"])
        .env("RUSTDOCFLAGS", "--deny warnings"))?;
    if !exists("cargo-deny") {
        run(cargo().args(["install", "cargo-deny", "--locked", "--version", CARGO_DENY]))?;
    }
    let config = project().join(".deny.toml");
    run(cargo()
        .args(["deny", "--locked", "--workspace", "--config"])
        .arg(config)
        .args(["check", "licenses", "bans", "sources"]))
}
