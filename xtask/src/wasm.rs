//! The wasm32 probe: the core, compiled to a module without a single import, moves a file in Node.js.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use crate::process::{Outcome, apt_install, cargo, exists, output, project, run, target_dir};
use crate::suite::Report;

const TARGET: &str = "wasm32-unknown-unknown";

pub(crate) fn run_all(wanted: &dyn Fn(&str) -> bool) -> Vec<Report> {
    let name = "wasm: probe without imports moves a file";
    if wanted(name) { vec![Report::of(name, probe)] } else { Vec::new() }
}

fn probe() -> Outcome<(usize, usize)> {
    if !exists("node") {
        apt_install(&["nodejs"])?;
    }
    let module = build()?;
    let script = project().join("xtask/probe/run.mjs");
    let text = output(Command::new("node").arg(script).arg(module).stdin(Stdio::null()))?;
    print!("{text}");
    Ok((text.lines().filter(|line| line.starts_with("ok ")).count(), 0))
}

/// Builds the probe with the toolchain's own wasm32 target if it is installed, else with Debian's compiler, which
/// builds the standard library too.
fn build() -> Outcome<PathBuf> {
    let arguments = ["--release", "--locked", "--target", TARGET, "--package", "quantumsync-probe"];
    // A folder of its own: two compilers would evict each other's work.
    let folder = target_dir().join("wasm");
    if has_own_target() {
        run(cargo().arg("build").args(arguments).env("CARGO_TARGET_DIR", &folder))?;
    } else {
        let packages = ["rustc-web", "cargo-web", "rust-web-src", "lld"];
        if output(Command::new("dpkg-query").arg("--show").args(packages)).is_err() {
            apt_install(&packages)?;
        }
        run(Command::new("/usr/bin/cargo")
            .current_dir(project())
            .arg("build")
            .args(arguments)
            .arg("-Zbuild-std=std,panic_abort")
            .env("CARGO_TARGET_DIR", &folder)
            .env("RUSTC_BOOTSTRAP", "1")
            .env("RUSTC", "/usr/bin/rustc")
            .env_remove("RUSTUP_TOOLCHAIN")
            .env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER", "/usr/bin/wasm-ld")
            .stdin(Stdio::null()))?;
    }
    Ok(folder.join(TARGET).join("release/quantumsync_probe.wasm"))
}

fn has_own_target() -> bool {
    output(Command::new("rustc").args(["--print", "target-libdir", "--target", TARGET]))
        .is_ok_and(|folder| PathBuf::from(folder.trim()).exists())
}
