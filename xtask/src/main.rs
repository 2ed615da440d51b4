//! Tasks of the project, each one command: `cargo xtask help`.

mod c;
mod check;
mod coverage;
mod fuzz;
mod kills;
mod mutants;
mod npm;
mod process;
mod python;
mod rust;
mod sim;
mod speed;
mod suite;
#[cfg(test)]
mod trust_line;
mod wasm;

use std::process::ExitCode;

const HELP: &str = "\
cargo xtask check                       formatting, clippy and docs without warnings, licences and sources
cargo xtask test                        every test of every language; sets up what it needs
cargo xtask test NAME                   only the suites whose name contains NAME
cargo xtask install --prefix DIR        builds the C library and installs it there, with header and pkg-config
cargo xtask header                      writes the C header anew from the exports of bindings/c
cargo xtask npm                         builds the npm package, target/npm/quantumsync.tgz
cargo xtask mutants                     breaks the rules of the core one by one: a test must notice each
cargo xtask mutants PART                only those whose kind, rule or tests contain PART
cargo xtask mutants --table             the list as the table of core/TESTING.md
cargo xtask fuzz                        runs every fuzz target for a minute, with the address sanitizer (nightly, cargo-fuzz)
cargo xtask fuzz TARGET                 only this one
cargo xtask fuzz [TARGET] --seconds N   for so long
cargo xtask coverage                    measures which lines of the core its tests run, by module (cargo-tarpaulin)
cargo xtask sim                         runs whole simulated networks from seeds: --seed N --count N --minutes M --profile NAME
cargo xtask sim --help                  all that it takes, and the profiles
cargo xtask speed                       stores and gets 1 GiB from each language and the program, on one node
cargo xtask speed --mib N               so many MiB
cargo xtask kills                       kills nodes and clients of a real network 200 times, in every phase
cargo xtask kills --count N             so many times";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let outcome = match arguments[..] {
        ["check"] => check::run_all(),
        ["test"] => suite::run_all(None),
        ["test", name] => suite::run_all(Some(name)),
        ["install", "--prefix", prefix] => c::install(prefix),
        ["header"] => c::write_header(),
        ["npm"] => npm::package().map(|package| println!("{}", package.display())),
        ["mutants"] => mutants::run_all(None),
        ["mutants", "--table"] => mutants::print_table(),
        ["mutants", part] => mutants::run_all(Some(part)),
        ["fuzz"] => fuzz::run_for(None, fuzz::SECONDS),
        ["fuzz", "--seconds", seconds] => fuzz::run_for(None, seconds),
        ["fuzz", target] => fuzz::run_for(Some(target), fuzz::SECONDS),
        ["fuzz", target, "--seconds", seconds] => fuzz::run_for(Some(target), seconds),
        ["coverage"] => coverage::run_all(),
        ["speed"] => speed::compare(speed::MIB),
        ["speed", "--mib", mib] => speed::compare(mib),
        ["kills"] => kills::run(kills::COUNT),
        ["kills", "--count", count] => kills::run(count),
        ["sim", ref arguments @ ..] => sim::run(arguments),
        ["help" | "--help"] => {
            println!("{HELP}");
            Ok(())
        }
        _ => {
            eprintln!("{HELP}");
            return ExitCode::from(2);
        }
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("xtask: {message}");
            ExitCode::FAILURE
        }
    }
}
