//! A device that is really full. It needs the right to mount one; without it the test says so and ends.
#![cfg(target_os = "linux")]

use quantumsync::disk::{Answer, Disk, DiskResult, FsDisk, FsOptions};
use quantumsync_core::Bytes;
use quantumsync_core::driver::{DiskReply, DiskRequest, TableOp};
use quantumsync_core::error::DiskError;
use quantumsync_core::id::{BlobId, Ticket};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex, mpsc};

/// A small file system of its own; gone when dropped.
struct Device(tempfile::TempDir);

impl Device {
    fn mount(megabytes: u32) -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", &format!("size={megabytes}m"), "tmpfs"]).arg(folder.path());
        let mounted = mount.stderr(Stdio::null()).status().is_ok_and(|status| status.success());
        if !mounted {
            println!("not tested: no right to mount a file system here");
        }
        mounted.then_some(Self(folder))
    }

    fn path(&self) -> &Path {
        self.0.path()
    }
}

impl Drop for Device {
    fn drop(&mut self) {
        assert!(Command::new("umount").arg(self.path()).status().is_ok_and(|status| status.success()));
    }
}

#[test]
fn a_full_device_refuses_blobs_keeps_what_it_has_and_goes_on_after_removals() {
    let Some(device) = Device::mount(48) else { return };
    let options = FsOptions { reserve: 16 << 20, ..FsOptions::default() };
    let mut disk = FsDisk::open(device.path(), options.clone()).unwrap();
    let mut kept = 0;
    let refusal = loop {
        match perform(&mut disk, put(kept)) {
            Ok(_) => kept += 1,
            Err(error) => break error,
        }
    };
    assert_eq!(refusal, DiskError::NoSpace);
    assert!(kept > 5, "{kept}");
    let row = || DiskRequest::Apply {
        ops: vec![TableOp::Put { key: Bytes::from_static(b"k"), value: Bytes::from_static(b"v") }],
    };
    assert_eq!(perform(&mut disk, row()), Ok(DiskReply::Done), "rows may use of the reserve");
    assert_eq!(perform(&mut disk, DiskRequest::RemoveBlob { id: id(0), first: vec![] }), Ok(DiskReply::Done));
    assert_eq!(perform(&mut disk, put(kept)), Ok(DiskReply::Done));
    drop(disk);
    let mut disk = FsDisk::open(device.path(), options).unwrap();
    for n in 1..=kept {
        assert_eq!(perform(&mut disk, read(n)), Ok(DiskReply::Blob(Some(bytes(n)))));
    }
}

#[test]
fn a_device_that_fills_up_without_a_reserve_gives_typed_errors_and_keeps_what_it_acknowledged() {
    let Some(device) = Device::mount(24) else { return };
    // Others may fill a device that we share: then the reserve is of no use.
    let options = FsOptions { reserve: 0, ..FsOptions::default() };
    let mut disk = FsDisk::open(device.path(), options.clone()).unwrap();
    let mut kept = Vec::new();
    let mut fatal = false;
    for n in 0..60 {
        let small = DiskRequest::PutBlob { id: id(1000 + n), bytes: bytes(n).slice(..60_000), then: vec![] };
        match (perform(&mut disk, put(n)), perform(&mut disk, small)) {
            (Ok(_), _) => kept.push(n),
            (Err(error), other) => {
                assert!(matches!(error, DiskError::NoSpace | DiskError::Fatal), "{error:?}");
                fatal |= error == DiskError::Fatal || other == Err(DiskError::Fatal);
            }
        }
    }
    if fatal {
        assert_eq!(perform(&mut disk, DiskRequest::Apply { ops: vec![] }), Err(DiskError::Fatal));
    }
    for &n in &kept {
        assert_eq!(perform(&mut disk, read(n)), Ok(DiskReply::Blob(Some(bytes(n)))));
    }
}

fn perform(disk: &mut FsDisk, request: DiskRequest) -> DiskResult {
    let (sender, answers) = mpsc::channel();
    let sender = Mutex::new(sender);
    let sink = Arc::new(move |_, result| sender.lock().unwrap().send(result).unwrap());
    disk.submit(request, Answer::new(Ticket(0), sink));
    answers.recv().unwrap()
}

fn put(n: u64) -> DiskRequest {
    DiskRequest::PutBlob { id: id(n), bytes: bytes(n), then: vec![] }
}

fn read(n: u64) -> DiskRequest {
    DiskRequest::ReadBlob { id: id(n), offset: 0, len: u32::MAX }
}

fn id(n: u64) -> BlobId {
    let mut id = BlobId::default();
    id.0[..8].copy_from_slice(&n.to_be_bytes());
    id
}

fn bytes(n: u64) -> Bytes {
    vec![n as u8; 1 << 20].into()
}
