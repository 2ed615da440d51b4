//! JavaScript: the npm package of `bindings/wasm`, built as a user builds it and tested where it is installed, in Node.js and in
//! a browser.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use crate::process::{Outcome, apt_install, cargo, exists, output, project, run, target_dir};
use crate::suite::Report;
use crate::wasm;

/// The oldest Node.js that the package is for.
const NODE_MAJOR: u32 = 20;
/// What the compiler uses of WebAssembly beside its first version: all of it is in every browser since 2022.
const FEATURES: [&str; 6] = [
    "--enable-bulk-memory",
    "--enable-multivalue",
    "--enable-mutable-globals",
    "--enable-nontrapping-float-to-int",
    "--enable-reference-types",
    "--enable-sign-ext",
];
const CHROMIUM: &str = "/usr/bin/chromium";

pub(crate) fn run_all(wanted: &dyn Fn(&str) -> bool) -> Vec<Report> {
    let name = "npm: package in Node.js on real nodes, in a bundle and in a browser";
    if wanted(name) { vec![Report::of(name, test)] } else { Vec::new() }
}

/// Builds the package: `target/npm/quantumsync.tgz`.
pub(crate) fn package() -> Outcome<PathBuf> {
    check_version()?;
    let (folder, bindings) = (target_dir().join("npm"), project().join("bindings/wasm"));
    let tools = install_tools()?;
    let module = wasm::build(&["--profile", "npm", "--package", "quantumsync-wasm", "--lib"])?
        .join("npm/quantumsync_wasm.wasm");
    let staged = folder.join("package");
    empty(&staged)?;
    for name in ["js", "package.json", "README.md"] {
        copy(&bindings.join(name), &staged.join(name))?;
    }
    copy(&project().join("LICENSE"), &staged.join("LICENSE"))?;
    let native = staged.join("native");
    run(Command::new(bindgen()?)
        .args(["--target", "web", "--no-typescript", "--out-name", "quantumsync", "--out-dir"])
        .arg(&native)
        .arg(module))?;
    let optimised = native.join("quantumsync_bg.wasm");
    run(Command::new("node")
        .arg(tools.join("node_modules/binaryen/bin/wasm-opt"))
        .args(["-O3", "--strip-debug", "--strip-producers", "--strip-target-features"])
        .args(FEATURES)
        .arg(&optimised)
        .arg("-o")
        .arg(&optimised))?;
    run(npm(&staged).args(["pack", "--silent", "--pack-destination"]).arg(&folder))?;
    let (packed, named) =
        (folder.join(format!("quantumsync-{}.tgz", version())), folder.join("quantumsync.tgz"));
    fs::rename(&packed, &named).map_err(|error| format!("cannot rename {}: {error}", packed.display()))?;
    Ok(named)
}

/// Installs the package in a project of its own: its folder.
pub(crate) fn installed() -> Outcome<PathBuf> {
    static INSTALLED: OnceLock<Outcome<PathBuf>> = OnceLock::new();
    INSTALLED.get_or_init(install).clone()
}

fn install() -> Outcome<PathBuf> {
    let (package, folder) = (package()?, install_tools()?);
    run(npm(&folder).args(["install", "--no-save", "--no-package-lock", "--ignore-scripts"]).arg(package))?;
    Ok(folder)
}

/// Runs the tests, as files of the project that has the package.
fn test() -> Outcome<(usize, usize)> {
    let folder = installed()?;
    run(cargo().args(["build", "--release", "--locked", "--package", "quantumsync", "--bins"]))?;
    if !exists(CHROMIUM) {
        apt_install(&["chromium"])?;
    }
    let tests = project().join("bindings/wasm/test");
    for entry in list(&tests)? {
        copy(&tests.join(&entry), &folder.join(&entry))?;
    }
    copy(&project().join("bindings/wasm/README.md"), &folder.join("README.md"))?;
    let program =
        target_dir().join("release").join(if cfg!(windows) { "quantumsync.exe" } else { "quantumsync" });
    let tests = Command::new("node")
        .args(["--test", "--test-reporter=tap"])
        .current_dir(&folder)
        .env("QUANTUMSYNC_PROGRAM", program)
        .env("QUANTUMSYNC_CHROMIUM", CHROMIUM)
        .env("QUANTUMSYNC_CONFORMANCE", project().join("bindings/conformance"))
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .map_err(|error| format!("cannot run the tests: {error}"))?;
    let text = String::from_utf8_lossy(&tests.stdout);
    print!("{text}");
    parse_summary(&text).ok_or_else(|| format!("the tests ended without a summary: {}", tests.status))
}

/// Reads `# pass 3`, `# fail 1` and so on. Whatever did not pass counts as failed.
fn parse_summary(text: &str) -> Option<(usize, usize)> {
    let of = |word: &str| {
        text.lines().rev().find_map(|line| line.strip_prefix(word)?.trim().parse::<usize>().ok())
    };
    let others = ["# fail", "# cancelled", "# skipped", "# todo"].map(of);
    Some((of("# pass")?, others.into_iter().sum::<Option<usize>>()?))
}

/// The package's version is the workspace's.
fn check_version() -> Outcome {
    let manifest = read(&project().join("bindings/wasm/package.json"))?;
    let wanted = format!("\"version\": \"{}\"", version());
    if manifest.contains(&wanted) {
        Ok(())
    } else {
        Err(format!("bindings/wasm/package.json must have {wanted}"))
    }
}

const fn version() -> &'static str {
    env!("CARGO_PKG_VERSION")
}

/// A project with the tools and test libraries from npm, exactly those of its lock file.
fn install_tools() -> Outcome<PathBuf> {
    check_node()?;
    let (tests, folder) = (project().join("bindings/wasm/test"), target_dir().join("npm/project"));
    let lock = read(&tests.join("package-lock.json"))?;
    let stamp = folder.join("installed.json");
    if read(&stamp).is_ok_and(|installed| installed == lock) {
        return Ok(folder);
    }
    empty(&folder)?;
    for name in ["package.json", "package-lock.json"] {
        copy(&tests.join(name), &folder.join(name))?;
    }
    run(npm(&folder).args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"]))?;
    fs::write(&stamp, lock).map_err(|error| format!("cannot write {}: {error}", stamp.display()))?;
    Ok(folder)
}

fn check_node() -> Outcome {
    if !exists("node") || !exists("npm") {
        apt_install(&["nodejs", "npm"])?;
    }
    let version = output(Command::new("node").arg("--version"))?;
    let major = version.trim_start_matches('v').split('.').next().and_then(|major| major.parse::<u32>().ok());
    if major.is_some_and(|major| major >= NODE_MAJOR) {
        return Ok(());
    }
    Err(format!(
        "Node.js {NODE_MAJOR} or later is needed, this is {}; with npm, install one with: sudo npm install --global n && sudo n {NODE_MAJOR}",
        version.trim()
    ))
}

/// The program that writes the JavaScript around the module: of the version that the module is built with.
fn bindgen() -> Outcome<PathBuf> {
    let lock = read(&project().join("Cargo.lock"))?;
    let (_, entry) =
        lock.split_once("name = \"wasm-bindgen\"\nversion = \"").ok_or("no wasm-bindgen is locked")?;
    let wanted = entry.split('"').next().unwrap_or_default();
    let root = target_dir().join("npm/tools");
    let program = root.join("bin/wasm-bindgen");
    let is_there = program.exists()
        && output(Command::new(&program).arg("--version"))?.trim().ends_with(&format!(" {wanted}"));
    if !is_there {
        run(cargo()
            .args([
                "install",
                "wasm-bindgen-cli",
                "--no-default-features",
                "--version",
                &format!("={wanted}"),
                "--root",
            ])
            .arg(&root)
            .env("CARGO_TARGET_DIR", root.join("build")))?;
    }
    Ok(program)
}

fn npm(folder: &Path) -> Command {
    let mut command = Command::new("npm");
    command.current_dir(folder).stdin(Stdio::null());
    command
}

fn read(path: &Path) -> Outcome<String> {
    fs::read_to_string(path).map_err(|error| format!("cannot read {}: {error}", path.display()))
}

/// Makes an empty folder.
fn empty(folder: &Path) -> Outcome {
    if folder.exists() {
        fs::remove_dir_all(folder).map_err(|error| format!("cannot remove {}: {error}", folder.display()))?;
    }
    fs::create_dir_all(folder).map_err(|error| format!("cannot make {}: {error}", folder.display()))
}

/// Copies a file, or a folder with all that is in it.
fn copy(from: &Path, to: &Path) -> Outcome {
    if from.is_dir() {
        empty(to)?;
        return list(from)?.iter().try_for_each(|entry| copy(&from.join(entry), &to.join(entry)));
    }
    fs::copy(from, to).map(drop).map_err(|error| format!("cannot copy {}: {error}", from.display()))
}

fn list(folder: &Path) -> Outcome<Vec<PathBuf>> {
    let failed = |error| format!("cannot list {}: {error}", folder.display());
    let entries = fs::read_dir(folder).map_err(failed)?;
    entries.map(|entry| entry.map(|entry| entry.file_name().into()).map_err(failed)).collect()
}

#[cfg(test)]
mod tests {
    use super::parse_summary;

    #[test]
    fn a_summary_is_read_and_what_did_not_pass_has_failed() {
        let text =
            "# pass not a count\n# tests 9\n# pass 5\n# fail 1\n# cancelled 1\n# skipped 2\n# todo 0\n";
        assert_eq!(parse_summary(text), Some((5, 4)));
        assert_eq!(parse_summary("# pass 5\n"), None);
        assert_eq!(parse_summary(""), None);
    }
}
