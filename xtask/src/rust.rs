//! The Rust suites: each test binary of the workspace is one, and the doc tests of each library.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::process::{Outcome, cargo, output, project, run};
use crate::suite::Report;

/// All of the workspace, under the features of its tests: the simulator's parts and `Suite::Sim`. The same for every
/// command, so that nothing is built twice.
pub(crate) const WORKSPACE: [&str; 4] = ["--locked", "--workspace", "--features", "quantumsync-core/sim"];

pub(crate) fn run_all(wanted: &dyn Fn(&str) -> bool) -> Vec<Report> {
    let binaries = match build() {
        Ok(binaries) => binaries,
        Err(why) => return vec![Report::of("rust: build", || Err(why))],
    };
    let mut reports: Vec<Report> = binaries
        .into_iter()
        .filter(|binary| wanted(&binary.name))
        .map(|binary| Report::of(binary.name.clone(), || run_binary(&binary)))
        .collect();
    let name = "examples in the documentation";
    if wanted(name) {
        reports.push(Report::of(name, || count(cargo().args(["test", "--doc"]).args(WORKSPACE))));
    }
    reports
}

/// A test program, or an example that is run.
struct Binary {
    name: String,
    is_example: bool,
    executable: PathBuf,
    package: PathBuf,
}

/// Builds all test programs and examples and lists them in a fixed order.
fn build() -> Outcome<Vec<Binary>> {
    // Tests that start the real program want it built as a user builds it.
    run(cargo().args(["build", "--release", "--locked", "--package", "quantumsync", "--bins"]))?;
    let messages = output(
        cargo().args(["test", "--no-run"]).args(WORKSPACE).arg("--message-format=json-render-diagnostics"),
    )?;
    let mut binaries = Vec::new();
    for line in messages.lines() {
        let message: Value =
            serde_json::from_str(line).map_err(|error| format!("cargo wrote no JSON: {error}"))?;
        let (Some(executable), Some(manifest)) =
            (message["executable"].as_str(), message["manifest_path"].as_str())
        else {
            continue;
        };
        let target = &message["target"];
        let kind = target["kind"][0].as_str().unwrap_or("?");
        let is_example = kind == "example";
        if message["profile"]["test"] != true && !is_example {
            continue;
        }
        let package = Path::new(manifest).parent().expect("a manifest lies in a folder").to_path_buf();
        let folder = package.strip_prefix(project()).unwrap_or(&package).display().to_string();
        let unit = match kind {
            "test" => "",
            "example" => "example ",
            _ => "unit tests of ",
        };
        binaries.push(Binary {
            name: format!("{folder}: {unit}{}", target["name"].as_str().unwrap_or("?")),
            is_example,
            executable: executable.into(),
            package,
        });
    }
    binaries.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(binaries)
}

fn run_binary(binary: &Binary) -> Outcome<(usize, usize)> {
    let mut command = Command::new(&binary.executable);
    command.current_dir(&binary.package).stdin(Stdio::null());
    // An example that ends well is one that passed.
    if binary.is_example { run(&mut command).map(|()| (1, 0)) } else { count(&mut command) }
}

/// Runs a command that writes libtest's summaries; passes its output on and adds the summaries up.
fn count(command: &mut Command) -> Outcome<(usize, usize)> {
    let mut child = command
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|error| format!("cannot start the test program: {error}"))?;
    let (mut passed, mut failed) = (0, 0);
    let stdout = child.stdout.take().expect("standard output is piped");
    for line in BufReader::new(stdout).lines() {
        let line = line.map_err(|error| format!("cannot read the test program's output: {error}"))?;
        println!("{line}");
        if let Some((good, bad)) = parse_summary(&line) {
            passed += good;
            failed += bad;
        }
    }
    let status = child.wait().map_err(|error| format!("cannot wait for the test program: {error}"))?;
    if status.success() || failed > 0 {
        Ok((passed, failed))
    } else {
        Err(format!("the test program ended with {status}"))
    }
}

/// Reads `test result: ok. 3 passed; 1 failed; 0 ignored; …`. An ignored test counts as failed: nothing is
/// skipped silently.
fn parse_summary(line: &str) -> Option<(usize, usize)> {
    let (_, counts) = line.strip_prefix("test result: ")?.split_once(". ")?;
    let of = |word: &str| {
        counts.split("; ").find_map(|part| part.strip_suffix(word)?.trim().parse::<usize>().ok())
    };
    Some((of(" passed")?, of(" failed")? + of(" ignored")?))
}

#[cfg(test)]
mod tests {
    use super::parse_summary;

    #[test]
    fn a_summary_is_read_and_ignored_tests_count_as_failed() {
        let line = "test result: FAILED. 12 passed; 1 failed; 2 ignored; 0 measured; 0 filtered out; finished in 0.01s";
        assert_eq!(parse_summary(line), Some((12, 3)));
        assert_eq!(parse_summary("test tests::a ... ok"), None);
    }
}
