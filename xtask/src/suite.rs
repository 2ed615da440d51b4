//! `cargo xtask test`: runs every suite, counts, and ends with a table and one line.

use std::time::{Duration, Instant};

use crate::process::Outcome;
use crate::{c, fuzz, npm, python, rust, speed, wasm};

/// What came of one suite. A suite that could not run counts as one failure.
pub(crate) struct Report {
    pub(crate) name: String,
    pub(crate) passed: usize,
    pub(crate) failed: usize,
    pub(crate) time: Duration,
    /// Why it could not run, if it could not.
    pub(crate) error: Option<String>,
}

impl Report {
    /// Times `body`, which counts passed and failed tests.
    pub(crate) fn of(name: impl Into<String>, body: impl FnOnce() -> Outcome<(usize, usize)>) -> Self {
        let name = name.into();
        eprintln!("\n=== {name}");
        let start = Instant::now();
        let (passed, failed, error) = match body() {
            Ok((0, 0)) => (0, 1, Some("no test was run: an empty suite proves nothing".into())),
            Ok((passed, failed)) => (passed, failed, None),
            Err(why) => (0, 1, Some(why)),
        };
        Self { name, passed, failed, time: start.elapsed(), error }
    }
}

/// Runs the suites whose name contains `filter`, or all.
pub(crate) fn run_all(filter: Option<&str>) -> Outcome {
    let wanted = |name: &str| filter.is_none_or(|text| name.contains(text));
    // Building every Rust test only to run none of them would take minutes.
    let elsewhere = ["c:", "fuzz:", "npm", "python", "speed", "wasm"];
    let other = filter.is_some_and(|text| elsewhere.iter().any(|name| text.starts_with(name)));
    let mut reports = if other { Vec::new() } else { rust::run_all(&wanted) };
    reports.extend(python::run_all(&wanted));
    reports.extend(c::run_all(&wanted));
    reports.extend(wasm::run_all(&wanted));
    reports.extend(npm::run_all(&wanted));
    reports.extend(speed::run_all(&wanted));
    reports.extend(fuzz::run_all(&wanted));
    if reports.is_empty() {
        return Err("no suite has such a name".into());
    }
    print_table(&reports);
    let passed: usize = reports.iter().map(|report| report.passed).sum();
    let failed: usize = reports.iter().map(|report| report.failed).sum();
    println!("{passed} passed, {failed} failed");
    if failed == 0 { Ok(()) } else { Err("tests failed".into()) }
}

fn print_table(reports: &[Report]) {
    let width = reports.iter().map(|report| report.name.len()).max().unwrap_or(0).max(5);
    println!("\n{:width$}  passed  failed  seconds", "suite");
    for report in reports {
        println!(
            "{:width$}  {:>6}  {:>6}  {:>7.1}",
            report.name,
            report.passed,
            report.failed,
            report.time.as_secs_f64()
        );
    }
    for report in reports {
        if let Some(error) = &report.error {
            println!("{}: {error}", report.name);
        }
    }
    println!();
}
