//! The header is what the exports are, and every export keeps the rules that the header promises.

use std::path::{Path, PathBuf};
use std::{env, fs};

use cbindgen::{Builder, Config};

/// Writes the header where this is set: `cargo xtask header`.
const WRITE: &str = "QUANTUMSYNC_WRITE_HEADER";

#[test]
fn the_header_is_that_of_the_exports() {
    let committed = folder().join("include/quantumsync.h");
    let config = Config::from_file(folder().join("cbindgen.toml")).unwrap();
    let bindings = Builder::new().with_crate(folder()).with_config(config).generate().unwrap();
    let mut generated = Vec::new();
    bindings.write(&mut generated);
    let generated = String::from_utf8(generated).unwrap();
    if env::var_os(WRITE).is_some() {
        fs::write(&committed, &generated).unwrap();
    }
    let committed = fs::read_to_string(&committed).unwrap_or_default();
    assert!(committed == generated, "the header is not current: run `cargo xtask header` and commit it");
}

#[test]
fn every_export_is_behind_the_panic_boundary_and_documented() {
    let boundaries = ["guard(||", "guard_or(", "call(machine", "begin(machine"];
    let mut count = 0;
    for (path, text) in sources() {
        for (start, _) in text.match_indices("#[unsafe(no_mangle)]") {
            count += 1;
            let end = text[start..].find("\n}\n").unwrap();
            let export = &text[start..start + end];
            let name = export.split("fn ").nth(1).and_then(|rest| rest.split('(').next()).unwrap();
            // Looks a constant up in a constant: nothing in it can panic.
            let cannot_panic = name == "qs_result_name";
            assert!(
                cannot_panic || boundaries.iter().any(|boundary| export.contains(boundary)),
                "{name} in {path:?} is not behind the panic boundary"
            );
            let before = text[..start].trim_end().lines().last().unwrap();
            assert!(before.starts_with("///"), "{name} in {path:?} is not documented");
        }
    }
    assert!(count > 40, "only {count} exports were found");
}

#[test]
fn every_unsafe_block_says_why_it_is_sound() {
    for (path, text) in sources() {
        let lines: Vec<&str> = text.lines().collect();
        for (index, line) in lines.iter().enumerate() {
            if !line.contains("unsafe {") || line.trim_start().starts_with("//") {
                continue;
            }
            // The comment stands above the statement, which may have begun some lines before.
            let above = &lines[index.saturating_sub(4)..=index];
            assert!(
                above.iter().any(|line| line.contains("// SAFETY:")),
                "{path:?}, line {}: no SAFETY comment",
                index + 1
            );
        }
    }
}

fn sources() -> Vec<(PathBuf, String)> {
    let mut all: Vec<PathBuf> =
        fs::read_dir(folder().join("src")).unwrap().map(|entry| entry.unwrap().path()).collect();
    all.retain(|path| path.extension().is_some_and(|extension| extension == "rs"));
    assert!(all.len() > 10, "the sources were not found");
    all.into_iter().map(|path| (path.clone(), fs::read_to_string(path).unwrap())).collect()
}

fn folder() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}
