//! Seeds of every profile, and every script that once failed.

use std::{fs, path::Path};

use quantumsync_core::sim::run::{PROFILES, Profile, Rule, Script, Watched, run};

/// Runs so many seeds of a profile; another number of all of them with `QUANTUMSYNC_SEEDS`.
fn seeds(name: &str, usual: u64) {
    let count = std::env::var("QUANTUMSYNC_SEEDS").ok().and_then(|count| count.parse().ok()).unwrap_or(usual);
    let profile = Profile::named(name).expect("a profile");
    for seed in 1..=count {
        let report = run(&Script::draw(profile, seed), Watched::default());
        assert!(report.violations.is_empty(), "{name}, seed {seed}: {:#?}", report.violations);
    }
}

#[test]
fn users_at_work_see_what_a_map_would_hold() {
    seeds("everyday", 300);
}

#[test]
fn many_devices_at_the_same_keys_see_one_order_of_their_writes() {
    seeds("devices", 300);
}

#[test]
fn links_that_are_late_break_or_go_silent_lose_nothing() {
    seeds("links", 300);
}

#[test]
fn machines_that_go_down_and_come_back_lose_nothing() {
    seeds("crashes", 300);
}

#[test]
fn clocks_that_are_off_and_machines_that_sleep_lose_nothing() {
    seeds("clocks", 300);
}

#[test]
fn owners_without_room_lose_nothing_that_was_acknowledged() {
    seeds("quotas", 250);
}

#[test]
fn nodes_see_no_plaintext_no_key_string_and_no_secret() {
    seeds("secrecy", 240);
}

#[test]
fn members_that_lie_make_nobody_believe_what_nobody_stored() {
    seeds("liars", 250);
}

#[test]
fn the_same_seed_gives_the_same_run_byte_for_byte() {
    for (seed, profile) in (1..).zip(PROFILES) {
        let digest = || {
            let watched = Watched { digest: true, ..Watched::default() };
            run(&Script::draw(profile, seed), watched).digest
        };
        let first = digest();
        assert!(first.is_some() && first == digest(), "{}", profile.name);
    }
}

#[test]
fn another_seed_gives_another_run() {
    let digest = |seed| {
        let watched = Watched { digest: true, ..Watched::default() };
        run(&Script::draw(&PROFILES[0], seed), watched).digest
    };
    assert_ne!(digest(1), digest(2));
}

#[test]
fn a_script_is_printed_as_it_is_parsed() {
    for profile in PROFILES {
        for seed in 0..20 {
            let script = Script::draw(profile, seed);
            let text = script.to_string();
            assert_eq!(text.parse::<Script>().as_ref(), Ok(&script), "{text}");
        }
    }
    let bad = "nodes 3\n+5 get c0\n".parse::<Script>().unwrap_err();
    assert_eq!(bad.line, 2);
}

/// Every script in the folder, with its name; races have a folder and tests of their own.
fn scripts() -> Vec<(String, Script)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/sim/run/scripts");
    let mut scripts: Vec<_> = fs::read_dir(folder)
        .expect("the folder of scripts")
        .map(|file| file.expect("an entry").path())
        .filter(|path| path.is_file())
        .map(|path| {
            let name = format!("{}", path.display());
            let text = fs::read_to_string(&path).expect("a script");
            let script = text.parse().unwrap_or_else(|bad| panic!("{name}: {bad}"));
            (name, script)
        })
        .collect();
    scripts.sort_by(|a, b| a.0.cmp(&b.0));
    scripts
}

#[test]
fn what_failed_once_does_not_fail_again() {
    let scripts = scripts();
    assert!(scripts.len() >= 3);
    for (name, script) in scripts {
        let report = run(&script, Watched::default());
        assert!(report.violations.is_empty(), "{name}: {:#?}", report.violations);
    }
}

#[test]
fn a_wrong_expectation_is_a_violation() {
    let script: Script =
        "nodes 3\nclient 0 n0\n+0 calm\n+0 store c0 k1 100 1\n+0 expect c0 k1 100 2\n".parse().unwrap();
    let report = run(&script, Watched::default());
    assert_eq!(report.violations.first().map(|violation| violation.rule), Some(Rule::Script));
}

#[test]
fn plaintext_on_a_link_is_a_violation() {
    // Where nothing is encrypted the search finds what it would find in the real suite.
    let script: Script = "nodes 3\nclient 0 n0\n+0 calm\n+0 store c0 k1 20000 1\n+0 ended\n".parse().unwrap();
    let report = run(&script, Watched { search: true, ..Watched::default() });
    assert!(report.violations.iter().any(|violation| violation.rule == Rule::Secrecy));
}
