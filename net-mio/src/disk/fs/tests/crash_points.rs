//! Every step of the file system fails once, is once the last one of its process, and once the last one before the power
//! fails: an index entry never lacks its file, what was acknowledged is there, what was not can be done again, and
//! nothing is left behind.

use super::faults::{self, Fault};
use super::*;
use crate::disk::fs::files::Step::*;
use std::io::Write as _;
use std::process::{Command, Stdio};
use std::sync::atomic::AtomicUsize;

/// Tells the child where its disk is, at which step it ends, and how.
const CHILD: &str = "QUANTUMSYNC_TEST_CRASH_POINT";
const OTHER: u8 = FILE + 6;
/// Points that are tried at once.
const AT_ONCE: usize = 6;
const EIO: i32 = 5;
const ENOSPC: i32 = 28;

/// Every kind of request, each once with every step that it can need.
fn script() -> Vec<DiskRequest> {
    let rows = || DiskRequest::Apply { ops: vec![row(1, 1)] };
    vec![
        put(FILE),
        put(SMALL),
        put(OTHER),
        rows(),
        remove(FILE),
        put(FILE),
        remove(SMALL),
        remove(OTHER),
        put(SMALL),
    ]
}

/// The blob that a request of the script is about, and if it is there afterwards.
fn effect(request: &DiskRequest) -> Option<(BlobId, bool)> {
    match request {
        DiskRequest::PutBlob { id, .. } => Some((*id, true)),
        DiskRequest::RemoveBlob { id, .. } => Some((*id, false)),
        _ => None,
    }
}

/// Looks at a disk on which so many requests of the script were acknowledged, and the next one may have been done or
/// not. Then does the rest of the script.
fn check(home: &Home, done: usize, what: &str) {
    let mut driver = swept(home.open());
    let script = script();
    for n in [FILE, SMALL, OTHER] {
        let effects = |requests: &[DiskRequest]| -> Vec<bool> {
            let effects = requests.iter().filter_map(effect).filter(|(id, _)| *id == blob(n).0);
            effects.map(|(_, there)| there).collect()
        };
        let acknowledged = effects(&script[..done]).last().is_some_and(|there| *there);
        let expected = effects(&script[done..script.len().min(done + 1)]).into_iter().chain([acknowledged]);
        let found = driver.perform(read(n));
        let is_there = found == content(n);
        assert!(is_there || found == Ok(DiskReply::Blob(None)), "{what}: blob {n} has an entry and no file");
        assert!(expected.into_iter().any(|there| there == is_there), "{what}: blob {n} is there: {is_there}");
        assert_eq!(home.file(n).exists(), is_there && n != SMALL, "{what}: the file of blob {n}");
    }
    let staged = fs::read_dir(home.folder.path().join("staging")).unwrap().count();
    assert_eq!(staged, 0, "{what}: something is left in staging");
    for request in &script[done..] {
        assert_eq!(driver.perform(request.clone()), Ok(DONE), "{what}: again");
    }
    for (n, there) in [(FILE, true), (SMALL, true), (OTHER, false)] {
        assert_eq!(driver.perform(read(n)) == content(n), there, "{what}: blob {n} at the end");
    }
}

/// Opens the disk and runs the script to its end or to the first request that fails: what that came to, how many were
/// acknowledged before, and the steps that were taken.
fn run(home: &Home, fault: Option<(usize, Fault)>) -> (Option<DiskError>, usize, Vec<Step>) {
    let folder = home.folder.path().to_owned();
    faults::watch(&folder, fault, None);
    let (mut error, mut done) = (None, 0);
    if let Ok(disk) = FsDisk::open(&folder, home.options.clone()) {
        let mut driver = Driver::new(disk);
        driver.disk.sweep.wait_for_first();
        for request in script() {
            error = driver.perform(request).err();
            if error.is_some() {
                break;
            }
            done += 1;
        }
    } else {
        error = Some(DiskError::Io);
    }
    (error, done, faults::unwatch(&folder))
}

/// Tries so many points, several at once: most of their time they wait for the device.
fn for_each(points: usize, attempt: impl Fn(usize) + Sync) {
    let next = AtomicUsize::new(0);
    thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                while let Some(point) =
                    Some(next.fetch_add(1, Ordering::Relaxed)).filter(|point| *point < points)
                {
                    attempt(point);
                }
            });
        }
    });
}

#[test]
fn an_error_at_any_step_is_told_and_leaves_every_entry_with_its_file() {
    let (error, _, steps) = run(&Home::new(), None);
    assert_eq!(error, None);
    let all = [Write, SyncFile, Rename, MakeFolder, SyncFolder, Unlink, Commit];
    assert!(all.iter().all(|kind| steps.contains(kind)), "the script takes every kind of step");
    for_each(steps.len(), |number| {
        let kind = &steps[number];
        for code in [EIO, ENOSPC] {
            let what = format!("error {code} at step {number}, {kind:?}");
            let home = Home::new();
            let (error, done, _) = run(&home, Some((number, Fault::Error(code))));
            // A file that is not unlinked is an orphan, and no reason to say that the blob is still there.
            assert_eq!(error.is_none(), *kind == Unlink, "{what}: swallowed");
            assert!(*kind != Commit || error == Some(DiskError::Fatal), "{what}: {error:?}");
            check(&home, done, &what);
        }
    });
    println!("{} steps, with two errors each", steps.len());
}

#[test]
fn a_process_that_ends_at_any_step_leaves_every_entry_with_its_file() {
    if let Ok(child) = std::env::var(CHILD) {
        return be_the_child(&child);
    }
    let steps = run(&Home::new(), None).2.len();
    // Whoever ends before a step has said all that was true after the one before it.
    for_each(steps, |number| {
        for power in [false, true] {
            let what = format!("step {number}, without power: {power}");
            let home = Home::new();
            let (done, log) = end_before(&home, number);
            if power {
                lose_what_was_not_synced(&home, &log);
            }
            check(&home, done, &what);
        }
    });
    println!("{steps} points of a process, and as many of the power");
}

/// Runs the script in a process that ends before this step; gives how many requests it acknowledged, and the steps it has done.
fn end_before(home: &Home, number: usize) -> (usize, Vec<(String, PathBuf)>) {
    let log = tempfile::NamedTempFile::new().unwrap();
    let child = format!("{}\n{}\n{number}", home.folder.path().display(), log.path().display());
    let ran = Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "--nocapture",
            "disk::fs::tests::crash_points::a_process_that_ends_at_any_step_leaves_every_entry_with_its_file",
        ])
        .env(CHILD, child)
        .stderr(Stdio::null())
        .output()
        .unwrap();
    assert!(!ran.status.success(), "the child came to its end");
    let done = String::from_utf8_lossy(&ran.stdout).lines().filter(|line| *line == "done").count();
    let log = fs::read_to_string(log.path()).unwrap();
    let log = log.lines().map(|line| line.split_once(' ').unwrap());
    (done, log.map(|(kind, path)| (kind.to_owned(), PathBuf::from(path))).collect())
}

fn be_the_child(child: &str) {
    let [folder, log, number] = child.lines().collect::<Vec<_>>()[..] else { panic!("{child}") };
    let log = fs::OpenOptions::new().append(true).open(log).unwrap();
    faults::watch(Path::new(folder), Some((number.parse().unwrap(), Fault::End)), Some(log));
    let options = FsOptions { sweep_rest: Duration::ZERO, ..FsOptions::default() };
    let mut driver = Driver::new(FsDisk::open(Path::new(folder), options).unwrap());
    driver.disk.sweep.wait_for_first();
    for request in script() {
        assert_eq!(driver.perform(request), Ok(DONE));
        println!("\ndone");
        std::io::stdout().flush().unwrap();
    }
}

/// What a file system may do when the power fails: forget bytes, names and folders that were not made durable, and bring
/// back what was unlinked.
fn lose_what_was_not_synced(home: &Home, log: &[(String, PathBuf)]) {
    for (at, (kind, path)) in log.iter().enumerate().rev() {
        let synced = |kind: &str, path: &Path| log[at..].iter().any(|(k, p)| k == kind && p == path);
        let folder = path.parent().unwrap();
        match kind.as_str() {
            "Write" if !synced("SyncFile", path) => fs::write(path, b"").unwrap(),
            "Rename" if !synced("SyncFolder", folder) => {
                // A later unlink may have taken it, too.
                let _ = fs::rename(path, home.folder.path().join("staging").join("back"));
            }
            "MakeFolder" if !synced("SyncFolder", folder) => drop(fs::remove_dir_all(path)),
            // Nothing syncs an unlink: its entry went before it.
            "Unlink"
                if path.starts_with(home.folder.path().join("blobs"))
                    && !path.exists()
                    && folder.exists() =>
            {
                fs::write(path, b"back from the dead").unwrap();
            }
            _ => {}
        }
    }
}
