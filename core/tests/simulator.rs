//! Seeds of every profile, and every script that once failed.

use std::{cell::RefCell, fs, path::Path, rc::Rc};

use quantumsync_core::config::Config;
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
fn disks_that_fail_fill_rot_and_get_lost_lose_nothing_that_was_acknowledged() {
    seeds("disks", 150);
}

#[test]
fn members_that_come_and_go_lose_nothing_and_come_to_an_end() {
    seeds("members", 60);
}

#[test]
fn few_members_whose_placement_changes_while_links_are_cut_lose_nothing() {
    seeds("placement", 60);
}

#[test]
fn members_that_keep_nothing_cost_nobody_a_copy() {
    seeds("volatile", 60);
}

#[test]
fn everything_at_once_loses_nothing_that_was_acknowledged() {
    seeds("storm", 40);
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
fn what_does_not_come_to_lie_where_a_script_says_is_a_violation() {
    for wrong in ["until c0 k1 file n1,n2,n3", "only c0 k1 file n0,n1", "only c0 k1 tombstone n0,n1,n2"] {
        let text = format!("nodes 3\nclient 0 n0\n+0 calm\n+0 store c0 k1 100 1\n+0 calm\n+0 {wrong}\n");
        let script: Script = text.parse().unwrap();
        let report = run(&script, Watched::default());
        assert_eq!(report.violations.first().map(|violation| violation.rule), Some(Rule::Script), "{wrong}");
    }
}

#[test]
fn plaintext_on_a_link_is_a_violation() {
    // Where nothing is encrypted the search finds what it would find in the real suite.
    let script: Script = "nodes 3\nclient 0 n0\n+0 calm\n+0 store c0 k1 20000 1\n+0 ended\n".parse().unwrap();
    let report = run(&script, Watched { search: true, ..Watched::default() });
    assert!(report.violations.iter().any(|violation| violation.rule == Rule::Secrecy));
}

const STORED: &str = "nodes 3\nclient 0 n0\n+0 calm\n+0 store c0 k1 3000000 1\n+0 ended\n";

#[test]
fn a_table_beyond_its_limit_is_a_violation() {
    let script: Script = STORED.parse().unwrap();
    let limits = Config { max_links: 2, ..Config::default() };
    let report = run(&script, Watched { limits: Some(limits), ..Watched::default() });
    let [violation] = &report.violations[..] else { panic!("{:#?}", report.violations) };
    assert_eq!(violation.rule, Rule::Bounds);
    assert!(violation.what.contains("node: links: 3 of at most 2 (max_links)"), "{}", violation.what);
}

#[test]
fn a_buffer_beyond_its_limit_is_a_violation() {
    let script: Script = STORED.parse().unwrap();
    let limits = Config { send_window: 0, ..Config::default() };
    let report = run(&script, Watched { limits: Some(limits), ..Watched::default() });
    let is_it = |what: &str| what.contains("link: bytes that the driver sends");
    assert!(report.violations.iter().any(|v| v.rule == Rule::Bounds && is_it(&v.what)), "{report:#?}");
}

/// Limits of `Config` that are on no queue, buffer or table, and why.
const OTHER_LIMITS: [&str; 6] = [
    // How long one answer is, or how often something is done.
    "scan_rows",
    "scan_bytes",
    "rekey_frames",
    "pull_rate",
    // On the disk.
    "quota",
    "disk_floor",
];

#[test]
fn every_limit_of_config_on_a_queue_a_buffer_or_a_table_is_looked_at() {
    // Who joins takes things over, and what does not belong to the others any more they hand on.
    let script: Script = [STORED, "+0 join\n+0 join\n+0 calm\n"].concat().parse().unwrap();
    let fullest = run(&script, Watched::default()).fullest;
    let source = include_str!("../src/config.rs");
    let config = &source[source.find("pub struct Config").unwrap()..source.find("impl Default").unwrap()];
    let fields = config.lines().filter_map(|line| line.trim().strip_prefix("pub ")?.split_once(": "));
    let limits = fields.filter(|(_, kind)| *kind != "Duration,").map(|(field, _)| field);
    let is_named =
        |field: &str| fullest.values().any(|gauge| gauge.by.split([' ', ',']).any(|word| word == field));
    for limit in limits {
        assert!(is_named(limit) || OTHER_LIMITS.contains(&limit), "nothing is compared with {limit}");
    }
}

#[test]
fn a_trace_names_the_messages_on_the_links() {
    let lines = Rc::new(RefCell::new(Vec::new()));
    let sink = lines.clone();
    let trace = Box::new(move |line: &str| sink.borrow_mut().push(line.to_owned()));
    run(&STORED.parse().unwrap(), Watched { trace: Some(trace), ..Watched::default() });
    let lines = lines.borrow();
    for (arrow, what) in [
        ("c0 -> link", "Hello of a Client"),
        ("c0 -> link", " PutBlob BlobId("),
        ("n0 <- link", " PutBlob BlobId("),
        ("n0 -> link", " = Stored 2 of 2"),
        ("c0 <- link", " = Stored 2 of 2"),
        ("c0 -> link", "(file)"),
    ] {
        assert!(lines.iter().any(|line| line.contains(arrow) && line.contains(what)), "{arrow} {what}");
    }
    assert!(!lines.iter().any(|line| line.contains("something else")), "and understands all of them");
}
