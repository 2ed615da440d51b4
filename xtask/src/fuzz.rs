//! `cargo xtask fuzz` and the suite of that name: the fuzz targets, each for some seconds from its corpus.
//!
//! For long runs cargo-fuzz on a nightly toolchain adds the address sanitizer. The suite needs neither: the compiler's
//! coverage counters, by which libFuzzer is guided, are to be had on stable, too.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::process::{Outcome, cargo, exists, output, project, run, target_dir};
use crate::suite::Report;

/// How long `cargo xtask fuzz` runs each target, unless it is said.
pub(crate) const SECONDS: &str = "60";
/// How long the suite does; libFuzzer rounds up.
const SUITE_SECONDS: &str = "2";
/// Longer inputs find nothing that shorter ones do not, and cost time.
const LONGEST_INPUT: usize = 4096;

/// What makes libFuzzer see which branches an input takes: the flags that cargo-fuzz gives for coverage.
const COVERAGE: &str = "-Cpasses=sancov-module \
    -Cllvm-args=-sanitizer-coverage-level=4 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters \
    -Cllvm-args=-sanitizer-coverage-pc-table \
    -Cllvm-args=-sanitizer-coverage-trace-compares \
    --cfg fuzzing";

/// Runs one target, or each, under cargo-fuzz with the address sanitizer. What it finds on the way is kept in the target folder,
/// what fails in `fuzz/artifacts`.
pub(crate) fn run_for(target: Option<&str>, seconds: &str) -> Outcome {
    if seconds.parse::<u32>().is_err() {
        return Err(format!("{seconds} is no number of seconds"));
    }
    let targets = chosen(target)?;
    needs_compiler()?;
    if output(Command::new("cargo").args(["+nightly", "--version"])).is_err() {
        let line = "rustup toolchain install nightly --profile minimal";
        return Err(format!("the address sanitizer needs a nightly toolchain; install it with: {line}"));
    }
    if output(Command::new("cargo").args(["fuzz", "--version"])).is_err() {
        return Err("cargo-fuzz is missing; install it with: cargo install cargo-fuzz --locked".into());
    }
    for target in targets {
        let found = found(&target)?;
        run(Command::new("cargo")
            .current_dir(project())
            .args(["+nightly", "fuzz", "run", "--fuzz-dir", "fuzz", &target])
            .args([&found, &corpus(&target)])
            .arg("--")
            .args(limits(seconds))
            .stdin(Stdio::null()))?;
    }
    Ok(())
}

/// Builds all targets on the toolchain of the project, and runs each from its corpus.
pub(crate) fn run_all(wanted: &dyn Fn(&str) -> bool) -> Vec<Report> {
    let name = "fuzz: each target for some seconds";
    if wanted(name) { vec![Report::of(name, suite)] } else { Vec::new() }
}

fn suite() -> Outcome<(usize, usize)> {
    needs_compiler()?;
    let host = host()?;
    // With a target named, the flags do not reach build scripts; a folder of its own keeps the other builds.
    let folder = target_dir().join("fuzz");
    run(cargo()
        .args(["build", "--locked", "--profile", "fuzz", "--package", "quantumsync-fuzz", "--bins"])
        .args(["--target", &host])
        .env("CARGO_TARGET_DIR", &folder)
        .env("RUSTFLAGS", COVERAGE))?;
    let (mut passed, mut failed) = (0, 0);
    for target in chosen(None)? {
        let artifacts = format!("{}/", artifacts(&target)?.display());
        let result = run(Command::new(folder.join(&host).join("fuzz").join(&target))
            .current_dir(project().join("fuzz"))
            .args([found(&target)?, corpus(&target)])
            .arg(format!("-artifact_prefix={artifacts}"))
            .args(limits(SUITE_SECONDS))
            .stdin(Stdio::null()));
        match result {
            Ok(()) => passed += 1,
            Err(why) => {
                eprintln!("{why}");
                failed += 1;
            }
        }
    }
    Ok((passed, failed))
}

fn limits(seconds: &str) -> [String; 3] {
    [format!("-max_total_time={seconds}"), format!("-max_len={LONGEST_INPUT}"), "-verbosity=0".into()]
}

/// libFuzzer is C++.
fn needs_compiler() -> Outcome {
    if ["c++", "g++", "clang++"].into_iter().any(exists) {
        return Ok(());
    }
    Err("libFuzzer needs a C++ compiler; install one with: sudo apt-get install -y g++".into())
}

/// This target, or all that there are.
fn chosen(target: Option<&str>) -> Outcome<Vec<String>> {
    let folder = project().join("fuzz/fuzz_targets");
    let entries =
        fs::read_dir(&folder).map_err(|error| format!("cannot read {}: {error}", folder.display()))?;
    let stem = |path: PathBuf| Some(path.file_stem()?.to_str()?.to_owned());
    let mut targets: Vec<String> = entries.filter_map(|entry| stem(entry.ok()?.path())).collect();
    targets.sort();
    let Some(target) = target else { return Ok(targets) };
    if targets.iter().any(|known| known == target) {
        return Ok(vec![target.to_owned()]);
    }
    Err(format!("there is no fuzz target {target}, but: {}", targets.join(", ")))
}

fn corpus(target: &str) -> PathBuf {
    project().join("fuzz/corpus").join(target)
}

/// Where inputs that reach new code are kept, beside the corpus and never in it.
fn found(target: &str) -> Outcome<PathBuf> {
    made(&target_dir().join("fuzz/found").join(target))
}

/// Where inputs that fail are kept.
fn artifacts(target: &str) -> Outcome<PathBuf> {
    made(&project().join("fuzz/artifacts").join(target))
}

fn made(folder: &Path) -> Outcome<PathBuf> {
    fs::create_dir_all(folder).map_err(|error| format!("cannot make {}: {error}", folder.display()))?;
    Ok(folder.to_path_buf())
}

fn host() -> Outcome<String> {
    let text = output(Command::new("rustc").arg("-vV"))?;
    let host = text.lines().find_map(|line| line.strip_prefix("host: "));
    host.map(str::to_owned).ok_or_else(|| "rustc does not name its host".into())
}
