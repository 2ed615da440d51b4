//! What a disk of files must survive: crashes between any two steps, damage, a full device.

mod crash_points;
pub(super) mod faults;

use super::files::Step;
use super::*;
use crate::disk::tests::{Driver, blob, put, read, remove, row};
use bytes::Bytes;
use quantumsync_core::driver::DiskReply;
use quantumsync_core::error::DiskError;
use quantumsync_core::id::BlobId;
use std::fs;
use tempfile::TempDir;

const DONE: DiskReply = DiskReply::Done;
/// A blob that has a file, and one that has none.
const FILE: u8 = 5;
const SMALL: u8 = 2;

struct Home {
    folder: TempDir,
    options: FsOptions,
}

impl Home {
    fn new() -> Self {
        // The sweep shall not keep the tests waiting.
        let options = FsOptions { sweep_rest: Duration::ZERO, ..FsOptions::default() };
        Self { folder: tempfile::tempdir().unwrap(), options }
    }

    fn open(&self) -> Driver<FsDisk> {
        Driver::new(FsDisk::open(self.folder.path(), self.options.clone()).unwrap())
    }

    fn error(&self) -> OpenError {
        FsDisk::open(self.folder.path(), self.options.clone()).err().expect("it does not open")
    }

    fn file(&self, n: u8) -> PathBuf {
        self.folder.path().join("blobs").join(self.options.transform.path(&blob(n).0))
    }
}

/// Waits until the first sweep is over and what it found is removed.
fn swept(mut driver: Driver<FsDisk>) -> Driver<FsDisk> {
    driver.disk.sweep.wait_for_first();
    assert_eq!(driver.perform(DiskRequest::Apply { ops: vec![] }), Ok(DONE));
    driver
}

fn content(n: u8) -> Result<DiskReply, DiskError> {
    Ok(DiskReply::Blob(Some(blob(n).1)))
}

#[test]
fn what_a_crash_left_in_staging_is_gone_at_the_next_start() {
    let home = Home::new();
    drop(home.open());
    let left = home.folder.path().join("staging").join("0000000000000000");
    fs::write(&left, b"half a blob").unwrap();
    let mut driver = home.open();
    assert!(!left.exists());
    assert_eq!(driver.perform(put(FILE)), Ok(DONE), "the name is free again");
    assert_eq!(driver.perform(read(FILE)), content(FILE));
}

#[test]
fn a_file_without_an_entry_is_swept_and_all_others_are_left_alone() {
    let home = Home::new();
    let mut driver = home.open();
    assert_eq!(driver.perform(put(FILE)), Ok(DONE));
    drop(driver);
    // A crash between the file's move and its entry.
    let orphan = home.file(FILE + 6);
    fs::create_dir_all(orphan.parent().unwrap()).unwrap();
    fs::write(&orphan, b"moved, not committed").unwrap();
    let foreign = home.folder.path().join("blobs").join("README");
    fs::write(&foreign, b"not ours").unwrap();
    let mut driver = swept(home.open());
    assert!(!orphan.exists() && foreign.exists());
    assert_eq!(driver.perform(read(FILE)), content(FILE));
}

#[test]
fn a_file_whose_removal_was_committed_but_not_done_is_swept() {
    let home = Home::new();
    let mut driver = home.open();
    assert_eq!(driver.perform(put(FILE)), Ok(DONE));
    let bytes = fs::read(home.file(FILE)).unwrap();
    assert_eq!(driver.perform(remove(FILE)), Ok(DONE));
    assert!(!home.file(FILE).exists());
    drop(driver);
    fs::write(home.file(FILE), bytes).unwrap();
    let mut driver = home.open();
    assert_eq!(driver.perform(read(FILE)), Ok(DiskReply::Blob(None)));
    swept(driver);
    assert!(!home.file(FILE).exists());
}

#[test]
fn a_put_that_a_crash_stopped_before_its_entry_can_be_made_again() {
    let home = Home::new();
    drop(home.open());
    fs::create_dir_all(home.file(FILE).parent().unwrap()).unwrap();
    fs::write(home.file(FILE), b"torn").unwrap();
    let mut driver = home.open();
    assert_eq!(driver.perform(put(FILE)), Ok(DONE));
    assert_eq!(swept(driver).perform(read(FILE)), content(FILE));
}

#[test]
fn a_sweep_never_takes_the_file_of_a_put_under_way() {
    let mut home = Home::new();
    home.options.sweep_every = Duration::ZERO;
    let mut driver = home.open();
    for _ in 0..40 {
        assert_eq!(driver.perform(put(FILE)), Ok(DONE));
        assert_eq!(driver.perform(read(FILE)), content(FILE));
        assert_eq!(driver.perform(remove(FILE)), Ok(DONE));
    }
}

#[test]
fn a_truncated_longer_or_missing_file_is_damage_and_a_flipped_one_is_read_as_it_is() {
    let home = Home::new();
    let mut driver = home.open();
    assert_eq!(driver.perform(put(FILE)), Ok(DONE));
    let whole = fs::read(home.file(FILE)).unwrap();
    fs::write(home.file(FILE), &whole[1..]).unwrap();
    assert_eq!(driver.perform(read(FILE)), Err(DiskError::Corrupt));
    fs::write(home.file(FILE), [&whole[..], b"x"].concat()).unwrap();
    assert_eq!(driver.perform(read(FILE)), Err(DiskError::Corrupt));
    fs::remove_file(home.file(FILE)).unwrap();
    assert_eq!(driver.perform(read(FILE)), Err(DiskError::Corrupt));
    let mut flipped = whole.clone();
    flipped[100] ^= 1;
    fs::write(home.file(FILE), &flipped).unwrap();
    assert_eq!(driver.perform(read(FILE)), Ok(DiskReply::Blob(Some(flipped.into()))));
}

#[test]
fn a_put_of_a_blob_whose_file_is_damaged_in_length_writes_it_anew() {
    let home = Home::new();
    let mut driver = home.open();
    assert_eq!(driver.perform(put(FILE)), Ok(DONE));
    fs::remove_file(home.file(FILE)).unwrap();
    assert_eq!(driver.perform(put(FILE)), Ok(DONE));
    assert_eq!(driver.perform(read(FILE)), content(FILE));
}

#[test]
fn a_blob_that_is_damaged_or_has_lost_its_file_can_be_removed() {
    let home = Home::new();
    let mut driver = home.open();
    assert_eq!(driver.perform(put(FILE)), Ok(DONE));
    fs::remove_file(home.file(FILE)).unwrap();
    assert_eq!(driver.perform(remove(FILE)), Ok(DONE));
    assert_eq!(driver.perform(read(FILE)), Ok(DiskReply::Blob(None)));
}

#[test]
fn a_disk_at_its_reserve_refuses_what_grows_and_does_what_removes() {
    let mut home = Home::new();
    let mut driver = home.open();
    assert_eq!(driver.perform_all([put(FILE), put(SMALL)]), [Ok(DONE), Ok(DONE)]);
    drop(driver);
    home.options.reserve = u64::MAX;
    let mut driver = home.open();
    let rows = || DiskRequest::Apply { ops: vec![row(1, 1)] };
    for request in [put(FILE + 6), put(SMALL + 6), rows()] {
        assert_eq!(driver.perform(request), Err(DiskError::NoSpace));
    }
    assert_eq!(driver.perform(DiskRequest::Space), Ok(DiskReply::Space { free: 0 }));
    assert_eq!(driver.perform_all([remove(FILE), remove(SMALL)]), [Ok(DONE), Ok(DONE)]);
    drop(driver);
    home.options.reserve = 0;
    let mut driver = home.open();
    for n in [FILE, SMALL, FILE + 6, SMALL + 6] {
        assert_eq!(driver.perform(read(n)), Ok(DiskReply::Blob(None)));
    }
    assert_eq!(driver.perform(rows()), Ok(DONE));
}

#[test]
fn a_little_room_for_staging_lets_all_blobs_through_one_by_one() {
    let mut home = Home::new();
    home.options.staged_bytes = 1;
    let mut driver = home.open();
    let results = driver.perform_all((0..5).map(|n| put(FILE + 6 * n)));
    assert!(results.iter().all(|result| *result == Ok(DONE)), "{results:?}");
}

#[test]
fn a_disk_that_is_dropped_has_done_what_was_submitted() {
    let home = Home::new();
    let Driver { disk, .. } = {
        let mut driver = home.open();
        // Submitted and not waited for.
        for n in 0..12 {
            let sink: crate::disk::AnswerSink = Arc::new(|_, result| assert_eq!(result, Ok(DONE)));
            driver.disk.submit(put(n), Answer::new(quantumsync_core::id::Ticket(n.into()), sink));
        }
        driver
    };
    drop(disk);
    let mut driver = home.open();
    for n in 0..12 {
        assert_eq!(driver.perform(read(n)), content(n));
    }
}

#[test]
fn a_folder_that_another_process_uses_is_refused() {
    let home = Home::new();
    let _driver = home.open();
    assert!(matches!(home.error(), OpenError::InUse { .. }));
}

#[test]
fn a_disk_opens_only_with_the_layout_it_was_made_with() {
    let mut home = Home::new();
    drop(home.open());
    home.options.transform = PathTransform::new(3, 5).unwrap();
    assert!(matches!(home.error(), OpenError::Layout { .. }));
}

#[test]
fn a_disk_of_another_layout_keeps_its_blobs() {
    let mut home = Home::new();
    home.options.transform = PathTransform::new(3, 5).unwrap();
    let mut driver = home.open();
    assert_eq!(driver.perform(put(FILE)), Ok(DONE));
    assert!(home.file(FILE).exists());
    drop(driver);
    assert_eq!(swept(home.open()).perform(read(FILE)), content(FILE));
}

#[test]
fn an_index_of_another_format_is_damaged() {
    let home = Home::new();
    drop(home.open());
    fs::write(home.folder.path().join("index").join("version"), b"something else").unwrap();
    assert!(matches!(home.error(), OpenError::Damaged { .. }), "{}", home.error());
}

#[test]
fn an_index_whose_files_are_flipped_anywhere_never_panics() {
    let home = Home::new();
    let mut driver = home.open();
    driver.perform_all((0..12).map(put));
    drop(driver);
    let pristine = files_below(&home.folder.path().join("index"));
    for (path, bytes) in pristine.iter().filter(|(_, bytes)| !bytes.is_empty()) {
        let mut flipped = bytes.clone();
        flipped.iter_mut().step_by(97).for_each(|byte| *byte ^= 0x55);
        fs::write(path, flipped).unwrap();
        if let Ok(disk) = FsDisk::open(home.folder.path(), home.options.clone()) {
            let mut driver = Driver::new(disk);
            // Whatever comes of it, it is an answer.
            driver.perform_all((0..12).map(read));
            let _ = driver.perform(DiskRequest::Scan {
                from: Bytes::new(),
                to: vec![255].into(),
                rows: 99,
                bytes: 9999,
            });
        }
        fs::remove_dir_all(home.folder.path().join("index")).unwrap();
        for (path, bytes) in &pristine {
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, bytes).unwrap();
        }
    }
    assert_eq!(home.open().perform(read(SMALL)), content(SMALL), "it is whole again");
}

/// All files, but of each no more than what is in use: the journal is sparse and long.
fn files_below(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(files_below(&path));
        } else {
            let mut bytes = fs::read(&path).unwrap();
            bytes.truncate(1 << 20);
            files.push((path, bytes));
        }
    }
    files
}

#[cfg(unix)]
#[test]
fn blobs_and_folders_are_their_owners_alone() {
    use std::os::unix::fs::PermissionsExt;
    let home = Home::new();
    let mut driver = home.open();
    assert_eq!(driver.perform(put(FILE)), Ok(DONE));
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&home.file(FILE)), 0o600);
    let mut folder = home.file(FILE);
    while folder.pop() && folder != home.folder.path() {
        assert_eq!(mode(&folder), 0o700, "{}", folder.display());
    }
    for name in ["index", "staging"] {
        assert_eq!(mode(&home.folder.path().join(name)), 0o700);
    }
}
