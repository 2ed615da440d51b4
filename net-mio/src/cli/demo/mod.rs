//! `demo`: three peers on this machine; store, loss, recovery, deletion and restart, each step said with its figures.
//!
//! It does what a user with three machines would do, over the library, and checks every step. It must not know more of
//! the peers than a user can see: their status, and the files of their disks.

mod material;
mod peer;
mod report;
mod steps;

use std::path::Path;
use std::sync::Arc;

use quantumsync_core::vault::Vault;

use self::material::Material;
use self::peer::Stage;
use self::report::Report;
use self::steps::Show;
use super::context::SUITE;
use super::error::{Class, Failure};
use super::output::Output;
use super::signals::Watch;

/// Shows it with this file, or with a made-up one.
pub(crate) fn run(out: Output, file: Option<&Path>) -> Result<Class, Failure> {
    let material = Material::new(file)?;
    let vault = Vault::create(SUITE, super::init::entropy()?);
    let stage = Arc::new(Stage::new()?);
    let watched = Arc::clone(&stage);
    let _watch = Watch::begin(move || {
        watched.clear();
    })?;
    let mut report = Report::new(out);
    let outcome = show(&stage, &mut report, &material, &vault);
    while !stage.clear() {
        // A signal has cleared the stage away under the running show, and its watch is about to end this process.
        std::thread::park();
    }
    report.verdict(&outcome)?;
    outcome.map(|_| Class::Done)
}

fn show(stage: &Stage, report: &mut Report, material: &Material, vault: &Vault) -> Result<String, Failure> {
    let mut show = Show::begin(stage, report, material, vault)?;
    show.store()?;
    show.drop_local()?;
    show.get()?;
    show.kill()?;
    show.drop_local()?;
    show.get()?;
    show.delete()?;
    show.restart()?;
    Ok(show.verdict())
}
