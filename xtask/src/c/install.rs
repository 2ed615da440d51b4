//! `cargo xtask install --prefix DIR`: the C library where compilers, loaders and pkg-config look for it.

use std::fs;
use std::path::Path;

use crate::process::{self, Outcome, cargo, project, target_dir};

/// The package's version, of which the first number names the shared library.
const VERSION: &str = env!("CARGO_PKG_VERSION");
const MAJOR: &str = env!("CARGO_PKG_VERSION_MAJOR");

/// Installs into a prefix and says how to use what is there.
pub(crate) fn install(prefix: &str) -> Outcome {
    let prefix = std::path::absolute(prefix).map_err(|error| format!("{prefix} is no path: {error}"))?;
    install_into(&prefix, Build::Release)?;
    let configuration = prefix.join("lib/pkgconfig");
    println!("installed into {}", prefix.display());
    println!(
        "cc program.c $(PKG_CONFIG_PATH={} pkg-config --cflags --libs quantumsync)",
        configuration.display()
    );
    Ok(())
}

/// How the library is built.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Build {
    /// As users get it.
    Release,
    /// For tools that watch every access to memory: of what is optimised well they take some jumps for undefined ones.
    Debug,
}

pub(super) fn install_into(prefix: &Path, build: Build) -> Outcome {
    if !cfg!(unix) {
        return Err("the C library is installed on Unix only".into());
    }
    let (profile, built) = match build {
        Build::Release => ("release", target_dir().join("release")),
        Build::Debug => ("dev", target_dir().join("debug")),
    };
    let native = target_dir().join(format!("c/native-libs-{profile}.txt"));
    let lib = prefix.join("lib");
    for folder in [&prefix.join("include"), &lib.join("pkgconfig"), &target_dir().join("c")] {
        fs::create_dir_all(folder).map_err(|error| format!("cannot make {}: {error}", folder.display()))?;
    }
    process::run(
        cargo()
            .args(["rustc", "--profile", profile, "--locked", "--package", "quantumsync-c", "--lib", "--"])
            .arg(format!("--print=native-static-libs={}", native.display())),
    )?;
    copy(&project().join("bindings/c/include/quantumsync.h"), &prefix.join("include/quantumsync.h"))?;
    copy(&built.join("libquantumsync_c.a"), &lib.join("libquantumsync.a"))?;
    // The file of this version, the name that programs remember, and the name that the compiler looks for.
    let names = if cfg!(target_vendor = "apple") {
        [
            format!("libquantumsync.{VERSION}.dylib"),
            format!("libquantumsync.{MAJOR}.dylib"),
            "libquantumsync.dylib".into(),
        ]
    } else {
        [
            format!("libquantumsync.so.{VERSION}"),
            format!("libquantumsync.so.{MAJOR}"),
            "libquantumsync.so".into(),
        ]
    };
    let extension = if cfg!(target_vendor = "apple") { "dylib" } else { "so" };
    copy(&built.join(format!("libquantumsync_c.{extension}")), &lib.join(&names[0]))?;
    link(&names[0], &lib.join(&names[1]))?;
    link(&names[1], &lib.join(&names[2]))?;
    let native =
        fs::read_to_string(&native).map_err(|error| format!("cannot read {}: {error}", native.display()))?;
    let configuration = lib.join("pkgconfig/quantumsync.pc");
    fs::write(&configuration, pkg_config(native.trim()))
        .map_err(|error| format!("cannot write {}: {error}", configuration.display()))
}

/// Finds everything beside itself, so that the prefix may be moved.
fn pkg_config(native: &str) -> String {
    format!(
        "prefix=${{pcfiledir}}/../..
includedir=${{prefix}}/include
libdir=${{prefix}}/lib

Name: quantumsync
Description: End-to-end-encrypted files on peers that cannot read them
Version: {VERSION}
Cflags: -I${{includedir}}
Libs: -L${{libdir}} -lquantumsync
Libs.private: {native}
"
    )
}

/// A new file, so that programs that run with the old one keep it.
fn copy(from: &Path, to: &Path) -> Outcome {
    remove(to)?;
    fs::copy(from, to).map(drop).map_err(|error| format!("cannot copy {}: {error}", from.display()))
}

#[cfg(unix)]
fn link(to: &str, place: &Path) -> Outcome {
    remove(place)?;
    std::os::unix::fs::symlink(to, place).map_err(|error| format!("cannot link {}: {error}", place.display()))
}

#[cfg(not(unix))]
fn link(_: &str, _: &Path) -> Outcome {
    Err("no links here".into())
}

fn remove(path: &Path) -> Outcome {
    match fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(format!("cannot replace {}: {error}", path.display()))
        }
        _ => Ok(()),
    }
}
