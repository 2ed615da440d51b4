//! The demo, as a user runs it: it succeeds, says the truth, and leaves nothing behind.

mod common;

use std::fs;
use std::path::Path;

use common::{command, finish, noise};
use serde_json::Value;

/// Runs the demo with a temporary folder of its own, in which nothing may be left.
fn demo(folder: &Path, file: Option<&Path>) -> common::Ran {
    let temporary = folder.join("tmp");
    fs::create_dir_all(&temporary).unwrap();
    let mut command = command(&folder.join("home"));
    command.arg("demo").args(file).env("TMPDIR", &temporary).env("TEMP", &temporary).env("TMP", &temporary);
    let ran = finish(&mut command, b"");
    assert_eq!(fs::read_dir(&temporary).unwrap().count(), 0, "the demo leaves nothing behind");
    assert!(!folder.join("home").exists(), "the demo needs no home");
    ran
}

fn steps<'a>(results: &'a [Value], name: &str) -> Vec<&'a Value> {
    results.iter().filter(|step| step["step"] == name).collect()
}

#[test]
fn the_demo_gets_all_back_from_other_peers_and_leaves_nothing_behind() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("some file");
    let size = 5_000_003;
    fs::write(&file, noise(1, size)).unwrap();
    let ran = demo(folder.path(), Some(&file)).code(0);
    assert_eq!(ran.err, "");
    let results = ran.results();
    assert!(results.iter().all(|step| step["ok"] == true && step["seconds"].is_number()));
    let verdict = results.last().unwrap();
    assert_eq!((&verdict["step"], &verdict["ok"]), (&"verdict".into(), &true.into()));

    let peers = steps(&results, "peers")[0]["peers"].as_array().unwrap();
    assert_eq!(peers.len(), 3);
    assert!(!Path::new(steps(&results, "peers")[0]["folder"].as_str().unwrap()).exists());

    let gets = steps(&results, "get");
    let large: Vec<_> = gets.iter().filter(|step| step["key"] == "demo/large").collect();
    assert_eq!(large.len(), 3, "after the eviction, after the kill, after the restart");
    for step in &large {
        assert_eq!(step["bytes"], size);
        let sent: u64 =
            step["sources"].as_object().unwrap().values().map(|sent| sent.as_u64().unwrap()).sum();
        assert!(sent >= size as u64, "every byte has a source: {step}");
    }
    for step in &large[..2] {
        assert_eq!(step["local_bytes"], 0, "no byte came from the local copy: {step}");
        assert!(step["sources"].get("a").is_none(), "{step}");
    }
    assert!(large[1]["sources"].get("b").is_none(), "a dead peer sends nothing");
    for step in steps(&results, "evict") {
        assert!(step["bytes"].as_u64().unwrap() >= size as u64 && step["blob_files"] == 0, "{step}");
    }
    let gone = steps(&results, "gone");
    assert_eq!(gone.len(), 2, "each living peer");
    for step in gone {
        assert_eq!(
            (&step["tombstones"], &step["blobs"], &step["blob_files"]),
            (&1.into(), &0.into(), &0.into())
        );
    }
    assert_eq!(steps(&results, "verify")[0]["damaged"], 0);
}

#[test]
fn the_demo_takes_a_file_that_is_short_enough_to_stay_inside_its_record() {
    let folder = tempfile::tempdir().unwrap();
    for content in [&b""[..], b"a few bytes"] {
        let file = folder.path().join("file");
        fs::write(&file, content).unwrap();
        let results = demo(folder.path(), Some(&file)).code(0).results();
        assert_eq!(results.last().unwrap()["ok"], true);
    }
}

#[test]
fn a_demo_of_what_is_no_readable_file_starts_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let missing = demo(folder.path(), Some(&folder.path().join("missing")));
    assert_eq!(missing.out, b"");
    assert_eq!(missing.error(1), "no_such_file");
    assert_eq!(demo(folder.path(), Some(folder.path())).error(2), "not_a_file");
}

#[cfg(unix)]
#[test]
fn an_interrupted_demo_leaves_no_process_and_no_file_behind() {
    use std::io::{BufRead as _, BufReader};
    use std::process::Stdio;

    let folder = tempfile::tempdir().unwrap();
    let mut command = command(folder.path());
    command.arg("demo").env("TMPDIR", folder.path()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut demo = common::Running(command.spawn().unwrap());
    let mut lines = BufReader::new(demo.0.stdout.take().unwrap()).lines();
    let peers: Value = serde_json::from_str(&lines.next().unwrap().unwrap()).unwrap();
    demo.signal(rustix::process::Signal::INT);
    assert_eq!(demo.wait().code(), Some(130));
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0, "its folder is gone");
    for peer in peers["peers"].as_array().unwrap() {
        let process =
            rustix::process::Pid::from_raw(i32::try_from(peer["process"].as_i64().unwrap()).unwrap());
        assert!(rustix::process::test_kill_process(process.unwrap()).is_err(), "no peer runs any more");
    }
}
