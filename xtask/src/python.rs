//! The independent Python program: what it computes from PROTOCOL.md must be what the vectors say.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::process::{self, Outcome, apt_install, exists, output, project, target_dir};
use crate::suite::Report;

fn vectors() -> Outcome<(usize, usize)> {
    let folder = project().join("core/tests/vectors");
    let python = virtual_environment(&folder.join("requirements.txt"))?;
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

pub(crate) fn run_all(wanted: &dyn Fn(&str) -> bool) -> Vec<Report> {
    let name = "python: vectors from the independent program";
    if wanted(name) { vec![Report::of(name, vectors)] } else { Vec::new() }
}

/// A virtual environment under the target folder with exactly these packages, pinned by hash; its Python.
fn virtual_environment(requirements: &Path) -> Outcome<PathBuf> {
    let folder = target_dir().join("venv");
    let python = folder.join(if cfg!(windows) { "Scripts/python.exe" } else { "bin/python" });
    let stamp = folder.join("installed.txt");
    let wanted = std::fs::read_to_string(requirements)
        .map_err(|error| format!("cannot read {}: {error}", requirements.display()))?;
    if std::fs::read_to_string(&stamp).is_ok_and(|installed| installed == wanted) && python.exists() {
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
    std::fs::write(&stamp, wanted).map_err(|error| format!("cannot write {}: {error}", stamp.display()))?;
    Ok(python)
}
