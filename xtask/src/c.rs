//! C: the library of `bindings/c`, installed as a user installs it, and everything that is written in C against it.

mod install;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::process::{self, Outcome, apt_install, cargo, exists, output, project, target_dir};
use crate::suite::Report;

pub(crate) use install::install;
use install::{Build, install_into};

/// Nothing is let pass: what users build with their own flags must not warn.
const STRICT: [&str; 5] = ["-Wall", "-Wextra", "-Wpedantic", "-Werror", "-g"];

/// Thousands of operations, whose memory is measured: run once, and in C. With a tool that watches every access they would take
/// hours.
const ONCE: &str = "test_leaks";

pub(crate) fn run_all(wanted: &dyn Fn(&str) -> bool) -> Vec<Report> {
    let suites: [(_, fn() -> _); 4] = [
        ("c: tests in C and C++ on the installed library", tests),
        ("c: examples and README", examples),
        ("c: tests under the address sanitizer", sanitized),
        ("c: tests under valgrind", under_valgrind),
    ];
    let wanted = suites.into_iter().filter(|(name, _)| wanted(name));
    wanted.map(|(name, suite)| Report::of(name, suite)).collect()
}

/// Writes the header anew from the exports.
pub(crate) fn write_header() -> Outcome {
    process::run(
        cargo()
            .args(["test", "--quiet", "--package", "quantumsync-c", "--test", "header"])
            .env("QUANTUMSYNC_WRITE_HEADER", "1"),
    )
}

fn tests() -> Outcome<(usize, usize)> {
    let library = Library::installed(Build::Release)?;
    let name = fs::read_link(library.prefix.join("lib/libquantumsync.so")).ok();
    if cfg!(target_os = "linux") && !name.is_some_and(|name| name.ends_with("libquantumsync.so.0")) {
        return Err("libquantumsync.so does not lead to the file of its SONAME".into());
    }
    let mut programs = library.tests("plain", Language::C, &[])?;
    programs.extend(but_once(library.tests("plain-cpp", Language::Cpp, &[])?));
    run_each(&programs, |program| Command::new(program))
}

fn sanitized() -> Outcome<(usize, usize)> {
    let flags = ["-fsanitize=address,undefined", "-fno-sanitize-recover=all"];
    let programs = Library::installed(Build::Debug)?.tests("sanitized", Language::C, &flags)?;
    run_each(&but_once(programs), |program| Command::new(program))
}

fn under_valgrind() -> Outcome<(usize, usize)> {
    if !exists("valgrind") {
        apt_install(&["valgrind"])?;
    }
    let programs = Library::installed(Build::Debug)?.tests("watched", Language::C, &[])?;
    run_each(&but_once(programs), |program| {
        let mut command = Command::new("valgrind");
        // A thread's own memory, which ends with the process, is not lost.
        command.args(["--quiet", "--error-exitcode=99", "--leak-check=full"]);
        command.args(["--errors-for-leak-kinds=definite,indirect", "--show-leak-kinds=definite,indirect"]);
        command.arg(program);
        command
    })
}

fn but_once(mut programs: Vec<PathBuf>) -> Vec<PathBuf> {
    programs.retain(|program| !program.ends_with(ONCE));
    programs
}

/// The examples do what they say, and what the README shows is what is run.
fn examples() -> Outcome<(usize, usize)> {
    let library = Library::installed(Build::Release)?;
    let folder = bindings();
    let built = target_dir().join("c/examples");
    let [first, driver] = &readme_blocks(&read(&folder.join("README.md"))?)[..] else {
        return Err("the README has not just its first program and its driver".into());
    };
    let pasted = built.join("readme.c");
    create(&built)?;
    fs::write(&pasted, first).map_err(|error| format!("cannot write {}: {error}", pasted.display()))?;
    if !read(&folder.join("examples/poll_client.c"))?.contains(driver.as_str()) {
        return Err("the README's driver is not that of examples/poll_client.c: copy it".into());
    }
    let (store_get, poll_client) =
        (folder.join("examples/store_get.c"), folder.join("examples/poll_client.c"));
    let mut count = 0;
    for linked in [Linked::Shared, Linked::Static] {
        let build = |source: &Path| library.compile(source, Language::C, &built, linked, &[]);
        let (readme, store_get, poll_client) = (build(&pasted)?, build(&store_get)?, build(&poll_client)?);
        for program in [readme, poll_client] {
            let said = output(Command::new(program).stdin(Stdio::null()))?;
            if said != "hello, peers\n" {
                return Err(format!("an example said {said:?}"));
            }
            count += 1;
        }
        let (file, copy) = (folder.join("include/quantumsync.h"), built.join("copy"));
        process::run(Command::new(store_get).args([&file, &copy]))?;
        if read(&file)? != read(&copy)? {
            return Err("store_get does not give back what it stored".into());
        }
        count += 1;
    }
    Ok((count, 0))
}

/// Builds a benchmark on the installed library.
pub(crate) fn bench(name: &str) -> Outcome<PathBuf> {
    let (source, built) = (bindings().join("bench").join(name), target_dir().join("c/bench"));
    Library::installed(Build::Release)?.compile(&source, Language::C, &built, Linked::Shared, &["-O2"])
}

/// What a source is compiled as. The tests in C are C++, too.
#[derive(Clone, Copy, PartialEq)]
enum Language {
    C,
    Cpp,
}

impl Language {
    fn compiler(self) -> Command {
        let (compiler, standard, name) = match self {
            Self::C => ("cc", "-std=c11", "c"),
            Self::Cpp => ("c++", "-std=c++11", "c++"),
        };
        let mut command = Command::new(compiler);
        command.args([standard, "-x", name]);
        command
    }

    /// Whether a source of this name is in it.
    fn takes(self, source: &Path) -> bool {
        let extension = source.extension().unwrap_or_default();
        extension == "c" || self == Self::Cpp && extension == "cpp"
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Linked {
    Shared,
    Static,
}

/// The library where it is installed for the tests.
struct Library {
    prefix: PathBuf,
}

impl Library {
    fn installed(build: Build) -> Outcome<Self> {
        let prefix = target_dir().join(if build == Build::Release { "c/prefix" } else { "c/prefix-debug" });
        install_into(&prefix, build)?;
        for tool in ["cc", "c++", "pkg-config"] {
            if !exists(tool) {
                apt_install(&["gcc", "g++", "libc6-dev", "pkg-config"])?;
            }
        }
        Ok(Self { prefix })
    }

    /// Builds all test programs that are of this language.
    fn tests(&self, name: &str, language: Language, flags: &[&str]) -> Outcome<Vec<PathBuf>> {
        let folder = bindings().join("tests");
        let entries = fs::read_dir(&folder).map_err(|error| format!("cannot read {folder:?}: {error}"))?;
        let mut sources: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
        sources.retain(|source| language.takes(source));
        sources.sort();
        let built = target_dir().join("c").join(name);
        sources.iter().map(|source| self.compile(source, language, &built, Linked::Shared, flags)).collect()
    }

    fn compile(
        &self,
        source: &Path,
        language: Language,
        folder: &Path,
        linked: Linked,
        flags: &[&str],
    ) -> Outcome<PathBuf> {
        create(folder)?;
        let name = source.file_stem().expect("a source has a name");
        let program = folder.join(name).with_extension(if linked == Linked::Static { "static" } else { "" });
        let mut command = language.compiler();
        // The language is the source's; what follows are libraries.
        command.args(STRICT).arg("-pthread").args(flags).arg(source).args(["-x", "none", "-o"]).arg(&program);
        let lib = self.prefix.join("lib");
        match linked {
            Linked::Shared => {
                command.args(self.pkg_config(&["--cflags", "--libs"])?);
                command.arg(format!("-Wl,-rpath,{}", lib.display()));
            }
            Linked::Static => {
                let libraries = self.pkg_config(&["--cflags", "--libs", "--static"])?;
                // The archive itself, where `-lquantumsync` would find the shared library first.
                let archive = lib.join("libquantumsync.a").display().to_string();
                command.args(
                    libraries.into_iter().map(
                        |word| {
                            if word == "-lquantumsync" { archive.clone() } else { word }
                        },
                    ),
                );
            }
        }
        process::run(&mut command)?;
        Ok(program)
    }

    fn pkg_config(&self, arguments: &[&str]) -> Outcome<Vec<String>> {
        let mut command = Command::new("pkg-config");
        command.args(arguments).arg("quantumsync");
        command.env("PKG_CONFIG_PATH", self.prefix.join("lib/pkgconfig"));
        Ok(output(&mut command)?.split_whitespace().map(str::to_owned).collect())
    }
}

/// Runs test programs and adds up what they count; one that ends otherwise has failed.
fn run_each(programs: &[PathBuf], start: impl Fn(&Path) -> Command) -> Outcome<(usize, usize)> {
    let (mut passed, mut failed) = (0, 0);
    for program in programs {
        // With its folder, which tells the language.
        let name = program.strip_prefix(target_dir().join("c")).unwrap_or(program).display();
        println!("{name}:");
        // Where the conformance cases are, for the program that plays them. A panic on purpose need not tell where it was.
        let ended = start(program)
            .arg(project().join("bindings/conformance"))
            .env("RUST_BACKTRACE", "0")
            .stdin(Stdio::null())
            .stderr(Stdio::inherit())
            .output()
            .map_err(|error| format!("cannot run {name}: {error}"))?;
        let text = String::from_utf8_lossy(&ended.stdout);
        print!("{text}");
        match parse_summary(text.lines().last().unwrap_or_default()) {
            Some((good, bad)) if ended.status.success() || bad > 0 => {
                passed += good;
                failed += bad;
            }
            _ => {
                println!("{name} ended with {}", ended.status);
                failed += 1;
            }
        }
    }
    Ok((passed, failed))
}

/// Reads `3 passed, 1 failed`.
fn parse_summary(line: &str) -> Option<(usize, usize)> {
    let (passed, failed) = line.strip_suffix(" failed")?.split_once(" passed, ")?;
    Some((passed.parse().ok()?, failed.parse().ok()?))
}

/// What stands between "```c" and "```".
fn readme_blocks(text: &str) -> Vec<String> {
    let parts = text.split("\n```c\n").skip(1);
    parts.filter_map(|part| Some(part.split_once("\n```")?.0.to_owned() + "\n")).collect()
}

fn bindings() -> PathBuf {
    project().join("bindings/c")
}

fn create(folder: &Path) -> Outcome {
    fs::create_dir_all(folder).map_err(|error| format!("cannot make {}: {error}", folder.display()))
}

fn read(path: &Path) -> Outcome<String> {
    fs::read_to_string(path).map_err(|error| format!("cannot read {}: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::{parse_summary, readme_blocks};

    #[test]
    fn a_summary_is_read() {
        assert_eq!(parse_summary("12 passed, 1 failed"), Some((12, 1)));
        assert_eq!(parse_summary("Segmentation fault"), None);
    }

    #[test]
    fn blocks_of_c_are_found_and_others_are_not() {
        let text = "a\n```c\nint x;\n```\nb\n```sh\nls\n```\n```c\nint y;\n```\n";
        assert_eq!(readme_blocks(text), ["int x;\n", "int y;\n"]);
    }
}
