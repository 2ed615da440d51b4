//! Rules taken out on purpose: each mutation of the list breaks one rule of the core in a copy of the project, and the
//! tests named with it must notice. A mutation that survives means that nothing guards its rule.

mod list;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use self::list::MUTATIONS;
use crate::process::{Outcome, cargo, output, project, run, target_dir};

/// One rule, and how it is taken out.
struct Mutation {
    /// The rule that is broken, in a few words.
    rule: &'static str,
    /// The file of the core, from `core/src`.
    file: &'static str,
    /// What stands there exactly once.
    from: &'static str,
    /// What stands there instead.
    to: &'static str,
    /// The tests (a part of their path) of which at least one must fail.
    tests: &'static str,
}

/// Runs all mutations whose rule or tests contain `wanted`. Fails if one survives.
pub(crate) fn run_all(wanted: Option<&str>) -> Outcome {
    let chosen = |mutation: &&Mutation| {
        wanted.is_none_or(|part| mutation.rule.contains(part) || mutation.tests.contains(part))
    };
    let copy = Copy::make()?;
    let (mut caught, mut survivors) = (0, Vec::new());
    for mutation in MUTATIONS.iter().filter(chosen) {
        let noticed = copy.with(mutation, || copy.is_noticed(mutation))??;
        println!("{} {} ({})", if noticed { "caught  " } else { "SURVIVED" }, mutation.rule, mutation.tests);
        if noticed {
            caught += 1;
        } else {
            survivors.push(mutation.rule);
        }
    }
    println!("{caught} caught, {} survived", survivors.len());
    if survivors.is_empty() { Ok(()) } else { Err(format!("nothing notices: {}", survivors.join("; "))) }
}

/// The project's files in a folder of their own, so that breaking them breaks nothing.
struct Copy {
    top: PathBuf,
}

impl Copy {
    fn make() -> Outcome<Self> {
        let top = target_dir().join("mutants").join("project");
        let files =
            output(Command::new("git").args(["ls-files", "-z"]).current_dir(project()).stdin(Stdio::null()))?;
        for file in files.split('\0').filter(|file| !file.is_empty()) {
            let (from, to) = (project().join(file), top.join(file));
            // Deleted, and not committed yet.
            if !from.is_file() {
                continue;
            }
            let content = read(&from)?;
            // An unchanged file keeps its time, so that nothing is built again for it.
            if fs::read(&to).is_ok_and(|known| known == content) {
                continue;
            }
            write(&to, &content)?;
        }
        Ok(Self { top })
    }

    /// Does something while a rule is broken.
    fn with<T>(&self, mutation: &Mutation, then: impl FnOnce() -> T) -> Outcome<T> {
        let path = self.top.join("core/src").join(mutation.file);
        let whole = read(&path)?;
        let text = String::from_utf8_lossy(&whole);
        write(&path, mutation.apply(&text)?.as_bytes())?;
        let result = then();
        write(&path, &whole)?;
        Ok(result)
    }

    fn is_noticed(&self, mutation: &Mutation) -> Outcome<bool> {
        let mut build = self.test(mutation);
        run(build.arg("--no-run").stderr(Stdio::null()))
            .map_err(|why| format!("\"{}\" does not compile: {why}", mutation.rule))?;
        let tests = self.test(mutation).stdout(Stdio::piped()).stderr(Stdio::null()).output();
        let tests = tests.map_err(|error| format!("cannot run the tests: {error}"))?;
        if String::from_utf8_lossy(&tests.stdout).contains("running 0 tests") {
            return Err(format!("\"{}\": no test is called {}", mutation.rule, mutation.tests));
        }
        Ok(!tests.status.success())
    }

    fn test(&self, mutation: &Mutation) -> Command {
        let mut command = cargo();
        command
            .current_dir(&self.top)
            .env("CARGO_TARGET_DIR", target_dir().join("mutants").join("target"))
            .args([
                "test",
                "--quiet",
                "--locked",
                "--package",
                "quantumsync-core",
                "--features",
                "sim",
                "--lib",
            ])
            .arg(mutation.tests);
        command
    }
}

impl Mutation {
    /// The text with the rule taken out; an error if it does not stand there exactly once.
    fn apply(&self, text: &str) -> Outcome<String> {
        match text.matches(self.from).count() {
            1 => Ok(text.replacen(self.from, self.to, 1)),
            count => Err(format!("\"{}\": its place stands {count} times in {}", self.rule, self.file)),
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
    fn every_mutation_still_finds_its_place() {
        for mutation in MUTATIONS {
            let path = project().join("core/src").join(mutation.file);
            let text =
                fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            if let Err(why) = mutation.apply(&text) {
                panic!("{why}");
            }
        }
    }

    #[test]
    fn every_mutation_changes_something() {
        assert!(MUTATIONS.iter().all(|mutation| mutation.from != mutation.to));
    }
}
