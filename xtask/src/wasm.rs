//! The core in other builds. As a wasm32 module without a single import it moves a file in Node.js; and a seed's run is
//! the same in a debug build, a release build and that module.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use crate::process::{Outcome, apt_install, cargo, exists, output, project, run, target_dir};
use crate::rust::WORKSPACE;
use crate::suite::Report;

const TARGET: &str = "wasm32-unknown-unknown";
/// How many seeds are played in each build: a profile has its turn every so many seeds, and each has several.
const SEEDS: &str = "33";
/// Optimising across crates would take as long as all else of the build.
const WITHOUT_LTO: [&str; 2] = ["--config", "profile.release.lto='off'"];

pub(crate) fn run_all(wanted: &dyn Fn(&str) -> bool) -> Vec<Report> {
    let suites: [(_, fn() -> _); 2] = [
        ("wasm: probe without imports moves a file", probe),
        ("wasm: a seed has the same trace in debug, release and wasm32", traces),
    ];
    let wanted = suites.into_iter().filter(|(name, _)| wanted(name));
    wanted.map(|(name, suite)| Report::of(name, suite)).collect()
}

fn probe() -> Outcome<(usize, usize)> {
    let text = in_node("run.mjs", &[])?;
    print!("{text}");
    Ok((text.lines().filter(|line| line.starts_with("ok ")).count(), 0))
}

/// Plays the same seeds in each build. Counts those with the same digest of their traces everywhere, and the others.
fn traces() -> Outcome<(usize, usize)> {
    let native = |profile: &str, folder: &str, of: &[&str]| {
        run(cargo().args(["build", "--profile", profile, "--bin", "digests"]).args(of).args(WITHOUT_LTO))?;
        output(Command::new(target_dir().join(folder).join("digests")).arg(SEEDS).stdin(Stdio::null()))
    };
    // The debug build is of what the Rust suites have built; of the release build as little as can be.
    let debug = native("dev", "debug", &WORKSPACE)?;
    let release = native("release", "release", &["--locked", "--package", "quantumsync-probe"])?;
    let wasm = in_node("digests.mjs", &[SEEDS])?;
    let (mut same, mut different) = (0, 0);
    for ((debug, release), wasm) in debug.lines().zip(release.lines()).zip(wasm.lines()) {
        if debug == release && debug == wasm {
            same += 1;
        } else {
            different += 1;
            println!("differ: debug {debug}, release {release}, wasm32 {wasm}");
        }
    }
    println!("{same} of {SEEDS} seeds have the same trace in debug, release and wasm32");
    Ok((same, different))
}

/// What a script of the probe prints, given its module and these arguments.
fn in_node(script: &str, arguments: &[&str]) -> Outcome<String> {
    if !exists("node") {
        apt_install(&["nodejs"])?;
    }
    let built = build(&["--release", "--package", "quantumsync-probe", "--lib"])?;
    let (module, script) =
        (built.join("release/quantumsync_probe.wasm"), project().join("xtask/probe").join(script));
    output(Command::new("node").arg(script).arg(module).args(arguments).stdin(Stdio::null()))
}

/// Builds for wasm32 with the toolchain's own target if it is installed, else with Debian's compiler, which builds the
/// standard library too. Where the profiles' folders are.
pub(crate) fn build(wanted: &[&str]) -> Outcome<PathBuf> {
    let arguments = [wanted, &["--locked", "--target", TARGET]].concat();
    // A folder of its own: two compilers would evict each other's work.
    let folder = target_dir().join("wasm");
    if has_own_target() {
        run(cargo().arg("build").args(&arguments).env("CARGO_TARGET_DIR", &folder))?;
    } else {
        let packages = ["rustc-web", "cargo-web", "rust-web-src", "lld"];
        if output(Command::new("dpkg-query").arg("--show").args(packages)).is_err() {
            apt_install(&packages)?;
        }
        run(Command::new("/usr/bin/cargo")
            .current_dir(project())
            .arg("build")
            .args(&arguments)
            .arg("-Zbuild-std=std,panic_abort")
            .env("CARGO_TARGET_DIR", &folder)
            .env("RUSTC_BOOTSTRAP", "1")
            .env("RUSTC", "/usr/bin/rustc")
            .env_remove("RUSTUP_TOOLCHAIN")
            .env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER", "/usr/bin/wasm-ld")
            .stdin(Stdio::null()))?;
    }
    Ok(folder.join(TARGET))
}

fn has_own_target() -> bool {
    output(Command::new("rustc").args(["--print", "target-libdir", "--target", TARGET]))
        .is_ok_and(|folder| PathBuf::from(folder.trim()).exists())
}
