//! Rules taken out on purpose: each mutation of the list breaks one rule of the core in a copy of the project, and the
//! tests named with it must notice. A mutation that survives means that nothing guards its rule.
//!
//! All of them are planted in one copy, each behind a switch, so that one build serves them all.

mod abuses;
mod losses;
mod mending;
mod plant;
mod races;
mod rules;
mod table;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::process::{Outcome, cargo, output, project, target_dir};

pub(crate) use self::table::print as print_table;

/// One rule, and how it is taken out.
struct Mutation {
    /// What it belongs to: one of [`GROUPS`].
    group: &'static str,
    /// The rule that is broken, in a few words.
    rule: &'static str,
    /// What has to change for that: where several places guard a rule, all of them.
    places: &'static [Place],
    /// Parts of paths of tests: of each of these at least one test must fail.
    tests: &'static [&'static str],
}

/// A piece of text and what stands there instead.
struct Place {
    /// The file of the core, from `core/src`.
    file: &'static str,
    /// What stands there exactly once.
    from: &'static str,
    to: &'static str,
}

/// What mutations there have to be: the traces of the race scripts, the faults that anybody would think of first, and
/// whatever else is a rule.
const GROUPS: &[&str] = &[
    "race 1",
    "race 2a",
    "race 2b",
    "race 3",
    "race 4",
    "race 5",
    "race 6",
    "race 7",
    "race 8",
    "race 9",
    "race 10",
    "race 11",
    "race 12",
    "race 13",
    "race 14",
    "race 15",
    "acknowledge before commit",
    "skip the hash check",
    "accept a lower version",
    "let a lower version kill a pin",
    "re-sign without a new `Have`",
    "drop a tombstone early",
    "count a `Syncing` peer",
    "reuse a key with another body",
    "forget a deadline",
    "ignore a quota",
    "leak a key in an error",
    "trust hearsay",
    "other rules",
];

/// All mutations, in the order of their groups.
fn all() -> Vec<&'static Mutation> {
    let order = |group| GROUPS.iter().position(|known| *known == group);
    let lists = [races::RACES, losses::LOSSES, abuses::ABUSES, rules::RULES, mending::MENDING];
    let mut all: Vec<_> = lists.into_iter().flatten().collect();
    all.sort_by_key(|mutation| order(mutation.group));
    all
}

/// How one mutation ended.
#[derive(PartialEq, Eq)]
enum End {
    Passed,
    Failed,
    Hung,
}

/// Runs the mutations of the group `wanted`, or all whose group, rule or tests contain it. Fails if one survives.
pub(crate) fn run_all(wanted: Option<&str>) -> Outcome {
    let is_chosen = |mutation: &Mutation, part: &str| match GROUPS.contains(&part) {
        true => mutation.group == part,
        false => {
            let texts = [mutation.group, mutation.rule];
            texts.iter().chain(mutation.tests).any(|text| text.contains(part))
        }
    };
    let chosen = |mutation: &Mutation| wanted.is_none_or(|part| is_chosen(mutation, part));
    // All are planted, so that another choice needs no other build.
    let mutations = all();
    let began = Instant::now();
    let tests = Copy::make()?.build(&mutations)?;
    println!("built with {} switches in {} s", mutations.len(), began.elapsed().as_secs());
    let mut times = BTreeMap::new();
    let (mut caught, mut unguarded) = (0, Vec::new());
    for (number, mutation) in mutations.iter().enumerate().filter(|(_, mutation)| chosen(mutation)) {
        let mut is_caught = true;
        for wanted in mutation.tests {
            if !times.contains_key(wanted) {
                times.insert(*wanted, tests.check(wanted)?);
            }
            let how = match times[wanted] {
                None => "FAILS ANYWAY",
                Some(usual) => match tests.run(wanted, Some(number), PATIENCE + 10 * usual)? {
                    End::Passed => "SURVIVED",
                    End::Failed => "caught",
                    End::Hung => "caught (did not end)",
                },
            };
            println!("{how}: {}: {} ({wanted})", mutation.group, mutation.rule);
            is_caught &= how.starts_with("caught");
        }
        if is_caught {
            caught += 1;
        } else {
            unguarded.push(mutation.rule);
        }
    }
    println!("{caught} caught, {} not, {} s", unguarded.len(), began.elapsed().as_secs());
    if unguarded.is_empty() { Ok(()) } else { Err(format!("nothing guards: {}", unguarded.join("; "))) }
}

/// How long a test may take beyond ten times of what it needs without a fault.
const PATIENCE: Duration = Duration::from_secs(30);

/// The project's files in a folder of their own, so that breaking them breaks nothing.
struct Copy {
    top: PathBuf,
}

impl Copy {
    fn make() -> Outcome<Self> {
        let top = target_dir().join("mutants").join("project");
        fs::create_dir_all(&top).map_err(|error| format!("cannot make {}: {error}", top.display()))?;
        Ok(Self { top })
    }

    /// Copies the project with these mutations planted, and builds the core's tests.
    fn build(&self, mutations: &[&Mutation]) -> Outcome<Tests> {
        let mut planted = plant::plant(mutations, |file| {
            let text = read(&project().join("core/src").join(file))?;
            String::from_utf8(text).map_err(|_| format!("{file} is not text"))
        })?;
        let files =
            output(Command::new("git").args(["ls-files", "-z"]).current_dir(project()).stdin(Stdio::null()))?;
        // What is deleted and not committed yet is none of them.
        let files: BTreeSet<&str> =
            files.split('\0').filter(|file| !file.is_empty() && project().join(file).is_file()).collect();
        for file in &files {
            let (from, to) = (project().join(file), self.top.join(file));
            let content = match file.strip_prefix("core/src/").and_then(|file| planted.remove(file)) {
                Some(text) => text.into_bytes(),
                None => read(&from)?,
            };
            // An unchanged file keeps its time, so that nothing is built again for it.
            if fs::read(&to).is_ok_and(|known| known == content) {
                continue;
            }
            write(&to, &content)?;
        }
        self.forget_all_but(&files)?;
        let mut build = cargo();
        build
            .current_dir(&self.top)
            .env("CARGO_TARGET_DIR", target_dir().join("mutants").join("target"))
            .env("CARGO_INCREMENTAL", "1")
            .env("CARGO_PROFILE_DEV_DEBUG", "0")
            .args(["test", "--quiet", "--locked", "--package", "quantumsync-core", "--features", "sim"])
            .args(["--lib", "--test", "races", "--no-run", "--message-format", "json-render-diagnostics"]);
        let told = output(&mut build).map_err(|why| format!("a mutation does not compile: {why}"))?;
        let told = told.lines().filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
        let programs: Vec<_> =
            told.filter_map(|told| Some(PathBuf::from(told.get("executable")?.as_str()?))).collect();
        Ok(Tests { programs, folder: self.top.join("core") })
    }

    /// Removes what is no file of the project any more.
    fn forget_all_but(&self, files: &BTreeSet<&str>) -> Outcome {
        let cannot = |error| format!("cannot clean up {}: {error}", self.top.display());
        let mut folders = vec![self.top.clone()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(&folder).map_err(cannot)? {
                let path = entry.map_err(cannot)?.path();
                let file = path.strip_prefix(&self.top).ok().and_then(Path::to_str);
                if path.is_dir() {
                    folders.push(path);
                } else if file.is_none_or(|file| !files.contains(file)) {
                    fs::remove_file(&path).map_err(cannot)?;
                }
            }
        }
        Ok(())
    }
}

/// The core's tests and its race scripts, with all faults in them, none of which is on by itself.
struct Tests {
    programs: Vec<PathBuf>,
    folder: PathBuf,
}

impl Tests {
    /// Sees that there are such tests, and how long they take without a fault. `None` if they do not even pass then.
    fn check(&self, tests: &str) -> Outcome<Option<Duration>> {
        let mut is_known = false;
        for program in &self.programs {
            let list = output(Command::new(program).args(["--list", "--format", "terse", tests]))?;
            is_known |= list.lines().any(|line| line.ends_with(": test"));
        }
        if !is_known {
            return Err(format!("no test is called {tests}"));
        }
        let began = Instant::now();
        let passed = self.run(tests, None, 20 * PATIENCE)? == End::Passed;
        Ok(passed.then(|| began.elapsed()))
    }

    /// Runs tests with one fault on, or none.
    fn run(&self, tests: &str, fault: Option<usize>, limit: Duration) -> Outcome<End> {
        for program in &self.programs {
            let end = self.run_one(program, tests, fault, limit)?;
            if end != End::Passed {
                return Ok(end);
            }
        }
        Ok(End::Passed)
    }

    fn run_one(&self, program: &Path, tests: &str, fault: Option<usize>, limit: Duration) -> Outcome<End> {
        let mut command = Command::new(program);
        command.arg(tests).current_dir(&self.folder);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        command.env_remove(plant::SWITCH);
        if let Some(fault) = fault {
            command.env(plant::SWITCH, fault.to_string());
        }
        let cannot = |error| format!("cannot run {}: {error}", program.display());
        let mut running = command.spawn().map_err(cannot)?;
        let began = Instant::now();
        loop {
            if let Some(status) = running.try_wait().map_err(cannot)? {
                return Ok(if status.success() { End::Passed } else { End::Failed });
            }
            if began.elapsed() > limit {
                running.kill().and_then(|()| running.wait()).map_err(cannot)?;
                return Ok(End::Hung);
            }
            thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Place {
    /// Where in the text of its file it stands; an error if that is not exactly one place.
    fn find(&self, text: &str) -> Outcome<usize> {
        let mut found = text.match_indices(self.from);
        match (found.next(), found.count()) {
            (Some((at, _)), 0) => Ok(at),
            (None, _) => Err(format!("in {} there is no `{}`", self.file, self.from)),
            (Some(_), more) => Err(format!("in {} there are {} of `{}`", self.file, more + 1, self.from)),
        }
    }
}

fn read(path: &Path) -> Outcome<Vec<u8>> {
    fs::read(path).map_err(|error| format!("cannot read {}: {error}", path.display()))
}

fn write(path: &Path, content: &[u8]) -> Outcome {
    let parent = path.parent().expect("a file of the project lies in a folder");
    fs::create_dir_all(parent)
        .and_then(|()| fs::write(path, content))
        .map_err(|error| format!("cannot write {}: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_mutation_can_be_planted_in_the_core_as_it_is() {
        let text = |file: &str| {
            let path = project().join("core/src").join(file);
            fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))
        };
        if let Err(why) = plant::plant(&all(), text) {
            panic!("{why}");
        }
    }

    #[test]
    fn every_mutation_changes_something() {
        for mutation in all() {
            assert!(mutation.places.iter().all(|place| place.from != place.to), "{}", mutation.rule);
            assert!(!mutation.places.is_empty(), "{}", mutation.rule);
        }
    }

    #[test]
    fn every_group_has_a_mutation_and_every_mutation_a_group() {
        for group in GROUPS {
            assert!(all().iter().any(|mutation| mutation.group == *group), "none of {group}");
        }
        for mutation in all() {
            assert!(GROUPS.contains(&mutation.group), "{}: no group {}", mutation.rule, mutation.group);
        }
    }
}
