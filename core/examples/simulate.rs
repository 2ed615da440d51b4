//! Runs the simulator: many seeds on all cores, one seed with its trace, or a script. `cargo xtask sim` calls it.
//!
//! ```console
//! $ cargo run --release -p quantumsync-core --features sim --example simulate -- --minutes 1
//! $ cargo run --release -p quantumsync-core --features sim --example simulate -- --profile storm --seed 7 --trace
//! ```

#![allow(
    clippy::disallowed_types,
    reason = "how long it runs is measured by the real clock; what it runs has its own"
)]

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use quantumsync_core::sim::run::{PROFILES, Profile, Report, Script, Watched, run, shrink};

const HELP: &str = "\
Runs whole networks with users and faults in one process, from seeds.

  --profile NAME    only this kind of run (without it: all of them, one after the other)
  --seed N          begin with this seed (1)
  --count N         so many seeds
  --minutes M       for so long
  --trace           write the trace of the first seed, one line an effect
  --script FILE     run this script instead of seeds
  --print           print the script of the seed and end
  --digest          print a digest of each run: the same seed gives the same in every build
  --shrink          make the scripts of failing seeds short

The last line is a summary; the status is 0 if nothing was violated, 1 if something was, 2 if the command is wrong.";

/// Runs that a script may be tried with while it is made short.
const SHRINK_RUNS: u32 = 400;

#[derive(Default)]
struct Options {
    profile: Option<&'static Profile>,
    seed: u64,
    count: Option<u64>,
    minutes: Option<u64>,
    script: Option<String>,
    trace: bool,
    print: bool,
    digest: bool,
    shrink: bool,
}

fn main() -> ExitCode {
    let options = match parse(std::env::args().skip(1)) {
        Ok(Some(options)) => options,
        Ok(None) => {
            println!("{HELP}\n\nprofiles:");
            PROFILES.iter().for_each(|profile| println!("  {:<10} {}", profile.name, profile.about));
            return ExitCode::SUCCESS;
        }
        Err(what) => {
            eprintln!("simulate: {what}; --help tells what there is");
            return ExitCode::from(2);
        }
    };
    match &options.script {
        Some(file) => one_script(file, &options),
        None if options.print => {
            print!("{}", script_of(&options, options.seed).1);
            ExitCode::SUCCESS
        }
        None => many_seeds(&options),
    }
}

fn parse(mut words: impl Iterator<Item = String>) -> Result<Option<Options>, String> {
    let mut options = Options { seed: 1, ..Options::default() };
    while let Some(word) = words.next() {
        let mut value = || words.next().ok_or(format!("{word} needs a value"));
        let number = |text: String| text.parse::<u64>().map_err(|_| format!("{text} is not a number"));
        match word.as_str() {
            "--profile" => {
                let name = value()?;
                options.profile = Some(Profile::named(&name).ok_or(format!("no profile is called {name}"))?);
            }
            "--seed" => options.seed = number(value()?)?,
            "--count" => options.count = Some(number(value()?)?),
            "--minutes" => options.minutes = Some(number(value()?)?),
            "--script" => options.script = Some(value()?),
            "--trace" => options.trace = true,
            "--print" => options.print = true,
            "--digest" => options.digest = true,
            "--shrink" => options.shrink = true,
            "--help" | "-h" => return Ok(None),
            other => return Err(format!("{other} is unknown")),
        }
    }
    Ok(Some(options))
}

/// A seed's profile and script.
fn script_of(options: &Options, seed: u64) -> (&'static Profile, Script) {
    let turn = usize::try_from(seed % PROFILES.len() as u64).unwrap_or(0);
    let profile = options.profile.unwrap_or(&PROFILES[turn]);
    (profile, Script::draw(profile, seed))
}

fn watched(options: &Options, is_first: bool) -> Watched {
    let trace = options.trace && is_first;
    Watched {
        trace: trace.then(|| Box::new(|line: &str| println!("{line}")) as _),
        digest: options.digest,
        ..Watched::default()
    }
}

/// What came of a run: a panic is a failure like any other.
fn report_of(script: &Script, watched: Watched) -> Result<Report, String> {
    catch_unwind(AssertUnwindSafe(|| run(script, watched))).map_err(|panic| {
        let text = panic.downcast_ref::<String>().cloned();
        text.or_else(|| panic.downcast_ref::<&str>().map(ToString::to_string)).unwrap_or_default()
    })
}

/// What is wrong with a run; `None` if nothing is.
fn failure(result: &Result<Report, String>) -> Option<String> {
    match result {
        Ok(report) if report.violations.is_empty() => None,
        Ok(report) => {
            let mut text = String::new();
            for violation in &report.violations {
                // As the trace has it.
                let (seconds, micros) = (violation.at.0 / 1_000_000, violation.at.0 % 1_000_000);
                let _ = writeln!(text, "  {:?} at {seconds}.{micros:06}: {}", violation.rule, violation.what);
            }
            Some(text)
        }
        Err(panic) => Some(format!("  panic: {panic}\n")),
    }
}

fn one_script(file: &str, options: &Options) -> ExitCode {
    let text = match std::fs::read_to_string(file) {
        Ok(text) => text,
        Err(error) => {
            eprintln!("simulate: {file}: {error}");
            return ExitCode::from(2);
        }
    };
    let script: Script = match text.parse() {
        Ok(script) => script,
        Err(bad) => {
            eprintln!("simulate: {file}: {bad}");
            return ExitCode::from(2);
        }
    };
    let result = report_of(&script, watched(options, true));
    let mut totals = Totals::default();
    totals.add(&result);
    if let Some(what) = failure(&result) {
        println!("{file} fails:\n{what}");
        if options.shrink {
            println!("{}", short(&script, &result));
        }
    }
    totals.close(Duration::ZERO)
}

/// The shortest script that fails in the same way.
fn short(script: &Script, result: &Result<Report, String>) -> Script {
    let kind = |result: &Result<Report, String>| match result {
        Ok(report) => report.violations.first().map(|violation| format!("{:?}", violation.rule)),
        Err(panic) => Some(panic.clone()),
    };
    let wanted = kind(result);
    shrink(script, SHRINK_RUNS, |script| kind(&report_of(script, Watched::default())) == wanted)
}

fn many_seeds(options: &Options) -> ExitCode {
    let begin = Instant::now();
    let limit = options.minutes.map(|minutes| Duration::from_secs(minutes * 60));
    let count = options.count.unwrap_or(if limit.is_some() { u64::MAX } else { 1 });
    let next = AtomicU64::new(0);
    let totals = Mutex::new(Totals::default());
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    std::panic::set_hook(Box::new(|_| {}));
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let turn = next.fetch_add(1, Ordering::Relaxed);
                    if turn >= count || limit.is_some_and(|limit| begin.elapsed() > limit) {
                        return;
                    }
                    let seed = options.seed + turn;
                    let (profile, script) = script_of(options, seed);
                    let result = report_of(&script, watched(options, turn == 0));
                    let failed = failure(&result);
                    let shorter = failed.is_some() && options.shrink;
                    let shorter = shorter.then(|| short(&script, &result));
                    let mut totals = totals.lock().unwrap_or_else(PoisonError::into_inner);
                    totals.add(&result);
                    if let (true, Ok(report)) = (options.digest, &result) {
                        let digest: String = report
                            .digest
                            .unwrap_or_default()
                            .iter()
                            .map(|byte| format!("{byte:02x}"))
                            .collect();
                        println!("{} {seed} {digest}", profile.name);
                    }
                    if let Some(what) = failed {
                        println!("seed {seed} of profile {} fails:\n{what}", profile.name);
                        if let Some(shorter) = shorter {
                            println!("{shorter}");
                        }
                    }
                }
            });
        }
    });
    totals.into_inner().unwrap_or_else(PoisonError::into_inner).close(begin.elapsed())
}

/// All runs together.
#[derive(Default)]
struct Totals {
    runs: u64,
    failed: u64,
    lived: Duration,
    succeeded: u64,
    errors: u64,
    inputs: u64,
    faults: BTreeMap<&'static str, u64>,
}

impl Totals {
    fn add(&mut self, result: &Result<Report, String>) {
        self.runs += 1;
        self.failed += u64::from(failure(result).is_some());
        let Ok(report) = result else { return };
        self.lived += report.lived;
        self.succeeded += report.succeeded;
        self.errors += report.failed;
        self.inputs += report.inputs;
        for (kind, count) in &report.faults {
            *self.faults.entry(kind).or_default() += count;
        }
    }

    fn close(&self, took: Duration) -> ExitCode {
        let faults: Vec<String> = self.faults.iter().map(|(kind, count)| format!("{kind} {count}")).collect();
        println!(
            "{} runs, {:.1} cluster-days, {} operations done, {} ended in an error, {} inputs, {:.0} s; faults: {}; {} violated",
            self.runs,
            self.lived.as_secs_f64() / 86_400.0,
            self.succeeded,
            self.errors,
            self.inputs,
            took.as_secs_f64(),
            faults.join(", "),
            self.failed
        );
        if self.failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
    }
}
