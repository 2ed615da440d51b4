//! What a disk does that it should not.

use alloc::vec;
use alloc::vec::Vec;

use bytes::Bytes;

use super::super::{DiskFault, SimDisk};
use super::disk::{LATER, blob, key, perform, put, put_blob};
use crate::driver::{DiskReply, DiskRequest, TableOp};
use crate::error::DiskError;
use crate::id::Ticket;
use crate::time::Instant;

fn read(number: u8) -> DiskRequest {
    DiskRequest::ReadBlob { id: blob(number).0, offset: 0, len: 1000 }
}

fn disk_with(blobs: core::ops::Range<u8>) -> SimDisk {
    let mut disk = SimDisk::new([1; 32]);
    for number in blobs {
        assert_eq!(perform(&mut disk, put_blob(number)), Ok(DiskReply::Done));
    }
    disk
}

fn remove(number: u8) -> DiskRequest {
    DiskRequest::RemoveBlob { id: blob(number).0, first: vec![TableOp::Remove { key: key(number) }] }
}

#[test]
fn a_crash_that_tears_leaves_bytes_that_nobody_sees_and_never_rows_without_bytes() {
    let mut disk = disk_with(100..150);
    disk.set_torn(true);
    (0..50).for_each(|number| disk.submit(Instant(0), Ticket(u64::from(number)), put_blob(number)));
    (100..150).for_each(|number| disk.submit(Instant(0), Ticket(u64::from(number)), remove(number)));
    disk.crash();
    for number in (0..50).chain(100..150) {
        assert_eq!(disk.blobs().contains_key(&blob(number).0), disk.rows().contains_key(&key(number)));
    }
    let torn = disk.take_faults();
    let is_torn = |number: u8| torn.contains(&DiskFault::Torn(blob(number).0));
    let (begun, removed): (Vec<u8>, Vec<u8>) =
        ((0..50).filter(|n| is_torn(*n)).collect(), (100..150).filter(|n| is_torn(*n)).collect());
    assert!((5..20).contains(&begun.len()) && (5..20).contains(&removed.len()), "{begun:?}, {removed:?}");
    let taken = disk.used();
    let visible: usize = disk.blobs().values().map(Bytes::len).sum::<usize>() + disk.rows().len() * 12;
    assert!(taken > visible as u64);
    assert_eq!(perform(&mut disk, read(begun[0])), Ok(DiskReply::Blob(None)));
    assert_eq!(perform(&mut disk, put_blob(begun[0])), Ok(DiskReply::Done));
    assert_eq!(disk.used(), taken + 12, "the bytes were there already");
    disk.sweep();
    assert_eq!(disk.used(), visible as u64 + 12 + u64::from(begun[0]) * 3);
}

#[test]
fn a_read_that_goes_astray_answers_other_bytes_or_fewer() {
    let mut disk = disk_with(50..60);
    disk.misdirect_next_reads(20);
    for _ in 0..20 {
        let Ok(DiskReply::Blob(Some(bytes))) = perform(&mut disk, read(50)) else { panic!("it is there") };
        assert_ne!(bytes, blob(50).1);
    }
    assert_eq!(perform(&mut disk, read(50)), Ok(DiskReply::Blob(Some(blob(50).1))));
    assert_eq!(disk.take_faults(), vec![DiskFault::Misdirected(blob(50).0); 20]);
    disk.set_misdirected(1_000_000);
    assert_ne!(perform(&mut disk, read(50)), Ok(DiskReply::Blob(Some(blob(50).1))));
}

#[test]
fn requests_fail_as_often_as_was_said() {
    let mut disk = SimDisk::new([1; 32]);
    disk.set_errors(250_000);
    let failed = (0..1000).filter(|_| perform(&mut disk, DiskRequest::Space) == Err(DiskError::Io)).count();
    assert!((200..300).contains(&failed), "{failed}");
}

#[test]
fn a_disk_that_stalls_answers_when_that_is_over() {
    let mut disk = SimDisk::new([1; 32]);
    disk.submit(Instant(0), Ticket(1), DiskRequest::Space);
    disk.stall(Instant(1000));
    assert_eq!((disk.finish_one(Instant(999)), disk.next_done()), (None, Some(Instant(1000))));
    assert!(disk.finish_one(Instant(1000)).is_some());
}

#[test]
fn rot_hits_a_blob_or_a_row_that_may_rot_and_tells_which() {
    let mut disk = disk_with(50..60);
    for _ in 0..20 {
        let (rows, blobs) = (disk.rows().clone(), disk.blobs().clone());
        let hit = disk.rot_random(|row| row == &key(55)[..]);
        match hit.expect("there is enough to rot") {
            DiskFault::RottenRow(row) => {
                assert_eq!(row, key(55));
                assert_ne!(disk.rows()[&row], rows[&row]);
            }
            DiskFault::RottenBlob(id) => assert_ne!(disk.blobs()[&id], blobs[&id]),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(SimDisk::new([1; 32]).rot_random(|_| true), None);
}

#[test]
fn of_a_lost_disk_nothing_is_left() {
    let mut disk = disk_with(1..10);
    disk.lose();
    assert!(disk.rows().is_empty() && disk.blobs().is_empty() && disk.used() == 0);
    assert_eq!(perform(&mut disk, read(5)), Ok(DiskReply::Blob(None)));
}

#[test]
#[should_panic(expected = "two requests at once change the row")]
fn a_row_that_two_requests_change_at_once_is_found_out() {
    let mut disk = SimDisk::new([1; 32]);
    disk.submit(Instant(0), Ticket(1), DiskRequest::Apply { ops: vec![put(1), put(1)] });
    disk.submit(Instant(0), Ticket(2), DiskRequest::Apply { ops: vec![put(2), put(1)] });
}

#[test]
#[should_panic(expected = "two requests at once change the blob")]
fn a_blob_that_two_requests_change_at_once_is_found_out() {
    let mut disk = SimDisk::new([1; 32]);
    disk.submit(Instant(0), Ticket(1), put_blob(1));
    disk.submit(Instant(0), Ticket(2), DiskRequest::RemoveBlob { id: blob(1).0, first: vec![] });
}

#[test]
fn what_was_answered_may_be_changed_again() {
    let mut disk = SimDisk::new([1; 32]);
    for ticket in [1, 1, 2] {
        disk.submit(Instant(0), Ticket(ticket), put_blob(1));
        assert!(disk.finish_one(LATER).is_some());
    }
}

#[test]
#[should_panic(expected = "waits for an answer already")]
fn a_ticket_that_is_used_twice_is_found_out() {
    let mut disk = SimDisk::new([1; 32]);
    (0..2).for_each(|_| disk.submit(Instant(0), Ticket(1), DiskRequest::Space));
}
