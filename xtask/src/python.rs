//! Python: the independent program, whose results from PROTOCOL.md must be what the vectors say; and the package of
//! `bindings/python`, built as a user builds it and tested where it is installed.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use crate::process::{self, Outcome, apt_install, exists, output, project, target_dir};
use crate::suite::Report;

pub(crate) fn run_all(wanted: &dyn Fn(&str) -> bool) -> Vec<Report> {
    let suites: [(_, fn() -> _); 2] = [
        ("python: vectors from the independent program", vectors),
        ("python: package on real nodes", package),
    ];
    let wanted = suites.into_iter().filter(|(name, _)| wanted(name));
    wanted.map(|(name, suite)| Report::of(name, suite)).collect()
}

fn vectors() -> Outcome<(usize, usize)> {
    let folder = project().join("core/tests/vectors");
    let python = virtual_environment("venv", &folder.join("requirements.txt"))?;
    let text = output(Command::new(python).arg(folder.join("generate.py")).arg("--check"))?;
    print!("{text}");
    let last = text.lines().last().unwrap_or_default();
    let counts: Vec<usize> =
        last.split(|c: char| !c.is_ascii_digit()).filter_map(|n| n.parse().ok()).collect();
    match counts[..] {
        [passed, failed] => Ok((passed, failed)),
        _ => Err(format!("the vector program did not end with its counts but with: {last}")),
    }
}

/// Builds the wheel in a folder of its own and installs it: the Python that has it. Its stubs must be those that are checked in.
pub(crate) fn installed() -> Outcome<PathBuf> {
    static INSTALLED: OnceLock<Outcome<PathBuf>> = OnceLock::new();
    INSTALLED.get_or_init(install).clone()
}

fn install() -> Outcome<PathBuf> {
    let (folder, built) = (project().join("bindings/python"), target_dir().join("python"));
    let python = virtual_environment("venv-package", &folder.join("tests/requirements.txt"))?;
    let maturin = |arguments: &[&str]| {
        process::run(Command::new(&python).args(["-m", "maturin"]).args(arguments).current_dir(&folder))
    };
    // A wheel of an earlier version would be installed, too.
    if built.exists() {
        fs::remove_dir_all(&built).map_err(|error| format!("cannot remove {}: {error}", built.display()))?;
    }
    let (wheels, stubs) = (built.join("wheels"), built.join("stubs"));
    maturin(&["build", "--release", "--locked", "--out", &wheels.to_string_lossy()])?;
    maturin(&["generate-stubs", "--profile", "release", "--locked", "--out", &stubs.to_string_lossy()])?;
    compare_stubs(&stubs, &folder)?;
    process::run(
        Command::new(&python)
            .args([
                "-m",
                "pip",
                "install",
                "--quiet",
                "--disable-pip-version-check",
                "--no-index",
                "--no-deps",
            ])
            .args(["--force-reinstall", "--find-links"])
            .arg(&wheels)
            .arg("quantumsync"),
    )?;
    Ok(python)
}

fn package() -> Outcome<(usize, usize)> {
    let python = installed()?;
    // From the folder of the tests, so that it is the installed package that they import.
    let tests = Command::new(&python)
        .args(["-m", "pytest", "-q", "-p", "no:cacheprovider"])
        .current_dir(project().join("bindings/python/tests"))
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .map_err(|error| format!("cannot run pytest: {error}"))?;
    let text = String::from_utf8_lossy(&tests.stdout);
    print!("{text}");
    let counts = parse_summary(text.lines().last().unwrap_or_default());
    counts.ok_or_else(|| format!("pytest ended without a summary: {}", tests.status))
}

fn compare_stubs(generated: &Path, folder: &Path) -> Outcome {
    let name = "quantumsync/_quantumsync.pyi";
    let read = |path: PathBuf| {
        fs::read_to_string(&path).map_err(|error| format!("cannot read {}: {error}", path.display()))
    };
    let generated = generated.join(name);
    if read(generated.clone())? == read(folder.join(name))? {
        return Ok(());
    }
    Err(format!("the stubs are not current: copy {} to bindings/python/{name}", generated.display()))
}

/// Reads `1 failed, 189 passed, 2 skipped in 31.22s`. Whatever did not pass counts as failed.
fn parse_summary(line: &str) -> Option<(usize, usize)> {
    let (counts, _) = line.trim_matches('=').trim().split_once(" in ")?;
    let (mut passed, mut failed) = (0, 0);
    for part in counts.split(", ") {
        let (count, what) = part.split_once(' ')?;
        let count: usize = count.parse().ok()?;
        if what == "passed" { passed += count } else { failed += count }
    }
    Some((passed, failed))
}

/// A virtual environment under the target folder with exactly these packages, pinned by hash; its Python.
fn virtual_environment(name: &str, requirements: &Path) -> Outcome<PathBuf> {
    let folder = target_dir().join(name);
    let python = folder.join(if cfg!(windows) { "Scripts/python.exe" } else { "bin/python" });
    let stamp = folder.join("installed.txt");
    let wanted = fs::read_to_string(requirements)
        .map_err(|error| format!("cannot read {}: {error}", requirements.display()))?;
    if fs::read_to_string(&stamp).is_ok_and(|installed| installed == wanted) && python.exists() {
        return Ok(python);
    }
    if !exists("python3") {
        return Err(
            "Python 3 is missing; install it with: sudo apt-get install -y python3 python3-venv".into()
        );
    }
    process::run(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&folder)).or_else(|_| {
        apt_install(&["python3-venv"])?;
        process::run(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&folder))
    })?;
    process::run(
        Command::new(&python)
            .args([
                "-m",
                "pip",
                "install",
                "--quiet",
                "--disable-pip-version-check",
                "--require-hashes",
                "-r",
            ])
            .arg(requirements),
    )?;
    fs::write(&stamp, wanted).map_err(|error| format!("cannot write {}: {error}", stamp.display()))?;
    Ok(python)
}

#[cfg(test)]
mod tests {
    use super::parse_summary;

    #[test]
    fn a_summary_is_read_and_what_did_not_pass_has_failed() {
        assert_eq!(
            parse_summary("1 failed, 189 passed, 2 skipped, 1 error in 31.22s (0:00:31)"),
            Some((189, 4))
        );
        assert_eq!(parse_summary("====== 3 passed in 0.10s ======"), Some((3, 0)));
        assert_eq!(parse_summary("no tests ran in 0.01s"), None);
        assert_eq!(parse_summary(""), None);
    }
}
