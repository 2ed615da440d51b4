//! `cargo xtask coverage`: which lines of the core its own tests run, by module.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::process::{Outcome, cargo, exists, project, run, target_dir};

/// The release of cargo-tarpaulin that is installed where there is none.
const TARPAULIN: &str = "0.37.5";
/// Seeds of each profile: more of them reach nothing that these do not.
const SEEDS: &str = "40";
/// What has to be covered, in hundredths.
const LEAST: u64 = 90;

pub(crate) fn run_all() -> Outcome {
    if !exists("cargo-tarpaulin") {
        run(cargo().args(["install", "cargo-tarpaulin", "--locked", "--version", TARPAULIN]))?;
    }
    let folder = target_dir().join("coverage");
    run(cargo()
        .args(["tarpaulin", "--engine", "llvm", "--locked", "--skip-clean", "--out", "json", "html"])
        .args(["--package", "quantumsync-core", "--features", "sim", "--tests"])
        .args(["--include-files", "core/src/*", "--exclude-files", "*/tests/*", "*/tests.rs"])
        .arg("--output-dir")
        .arg(&folder)
        .arg("--target-dir")
        .arg(folder.join("build"))
        .args(["--timeout", "5400"])
        .env("QUANTUMSYNC_SEEDS", SEEDS))?;
    let report = folder.join("tarpaulin-report.json");
    let text =
        fs::read_to_string(&report).map_err(|error| format!("cannot read {}: {error}", report.display()))?;
    let modules = modules(&text)?;
    print_table(&modules);
    println!("\nline by line: {}", folder.join("tarpaulin-report.html").display());
    let all = total(&modules);
    if all.covered * 100 >= all.lines * LEAST {
        return Ok(());
    }
    Err(format!("{} of {} lines are covered: less than {LEAST} %", all.covered, all.lines))
}

/// Lines that tests can run, and those that they do.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
struct Lines {
    covered: u64,
    lines: u64,
}

impl Lines {
    fn plus(self, other: Self) -> Self {
        Self { covered: self.covered + other.covered, lines: self.lines + other.lines }
    }

    /// Hundredths with a digit behind the point.
    fn share(self) -> String {
        let thousandths = (self.covered * 1000).checked_div(self.lines).unwrap_or(1000);
        format!("{}.{} %", thousandths / 10, thousandths % 10)
    }
}

/// The lines of each module, from tarpaulin's report.
fn modules(report: &str) -> Outcome<BTreeMap<String, Lines>> {
    let report: Value =
        serde_json::from_str(report).map_err(|error| format!("tarpaulin wrote no JSON: {error}"))?;
    let mut modules = BTreeMap::<String, Lines>::new();
    for file in report["files"].as_array().into_iter().flatten() {
        let path: Vec<&str> =
            file["path"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        let path = path.join("/").replace("//", "/");
        let source = project().join("core/src");
        let Ok(inside) = Path::new(&path).strip_prefix(&source) else { continue };
        let Some(module) = inside.components().next() else { continue };
        let module = Path::new(module.as_os_str()).with_extension("").display().to_string();
        let number = |name: &str| file[name].as_u64().unwrap_or(0);
        let lines = Lines { covered: number("covered"), lines: number("coverable") };
        let sum = modules.entry(module).or_default();
        *sum = sum.plus(lines);
    }
    if modules.is_empty() { Err("tarpaulin reports no file of the core".into()) } else { Ok(modules) }
}

fn total(modules: &BTreeMap<String, Lines>) -> Lines {
    modules.values().copied().fold(Lines::default(), Lines::plus)
}

/// As core/TESTING.md has it.
fn print_table(modules: &BTreeMap<String, Lines>) {
    println!("\n| module | lines | covered | |\n|---|---|---|---|");
    for (module, lines) in modules {
        println!("| `{module}` | {} | {} | {} |", lines.lines, lines.covered, lines.share());
    }
    let all = total(modules);
    println!("| all | {} | {} | {} |", all.lines, all.covered, all.share());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_added_up_by_the_folder_of_the_core_that_they_lie_in() {
        let file = |inside: &str, covered: u64, coverable: u64| {
            let path = project().join("core/src").join(inside);
            let parts: Vec<String> =
                path.components().map(|part| part.as_os_str().to_string_lossy().into_owned()).collect();
            serde_json::json!({"path": parts, "covered": covered, "coverable": coverable})
        };
        let report = serde_json::json!({"files": [
            file("node/mod.rs", 1, 2), file("node/store/blob.rs", 8, 8), file("codec.rs", 3, 3),
            {"path": ["/", "elsewhere", "a.rs"], "covered": 9, "coverable": 9},
        ]});
        let found = modules(&report.to_string()).unwrap();
        assert_eq!(found.keys().collect::<Vec<_>>(), ["codec", "node"]);
        assert_eq!(found["node"], Lines { covered: 9, lines: 10 });
        assert_eq!((total(&found).share(), found["node"].share()), ("92.3 %".into(), "90.0 %".into()));
    }
}
