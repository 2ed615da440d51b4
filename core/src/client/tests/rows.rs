//! The rows of what was seen: read once, never lowered, written one at a time.

use alloc::vec;
use alloc::vec::Vec;
use bytes::Bytes;

use super::super::seen::{Seen, Tickets};
use crate::config::Config;
use crate::driver::{DiskReply, DiskRequest, TableOp};
use crate::error::{ApiMisuse, DiskError};
use crate::gauge::Gauges;
use crate::id::{Name, NetworkId, OpId, OwnerId, Ticket};
use crate::record::Version;

const A: OpId = OpId(1);
const B: OpId = OpId(2);
const NAME: Name = Name([7; 32]);

fn version(ms: u64) -> Version {
    Version::new(ms, 0, [1; 8]).unwrap()
}

struct Bench {
    seen: Seen,
    tickets: Tickets,
    written: Vec<Version>,
}

impl Bench {
    fn new() -> Self {
        let seen = Seen::new(&NetworkId([1; 32]), Some(OwnerId([2; 32])));
        Self { seen, tickets: Tickets::default(), written: Vec::new() }
    }

    fn load(&mut self, op: OpId) -> bool {
        self.seen.load(op, &[NAME], &mut self.tickets)
    }

    fn raise(&mut self, op: OpId, ms: u64) -> bool {
        self.seen.raise(op, &[(NAME, version(ms))], &mut self.tickets)
    }

    /// Performs the next request, or lets it fail.
    fn disk(&mut self, error: Option<DiskError>) {
        let (ticket, request) = self.seen.next_request().expect("a request");
        let reply = match request {
            DiskRequest::Get { keys } => DiskReply::Values(vec![None; keys.len()]),
            DiskRequest::Apply { ops } => {
                for op in ops {
                    let TableOp::Put { value, .. } = op else { panic!("nothing is removed") };
                    if error.is_none() {
                        self.written.push(Version::from_bytes(value[..].try_into().unwrap()).unwrap());
                    }
                }
                DiskReply::Done
            }
            other => panic!("no use for {other:?}"),
        };
        self.seen.answer(ticket, error.map_or(Ok(reply), Err), &mut self.tickets).unwrap();
    }

    fn settled(&mut self) -> Vec<(OpId, Result<(), DiskError>)> {
        core::iter::from_fn(|| self.seen.next_settled()).collect()
    }
}

#[test]
fn a_row_is_never_written_lower_than_another_operation_has_raised_it() {
    let mut bench = Bench::new();
    assert!(!bench.load(A) && !bench.load(B));
    bench.disk(None);
    assert_eq!(bench.settled(), [(A, Ok(())), (B, Ok(()))]);
    assert!(!bench.raise(A, 9) && !bench.raise(B, 7));
    bench.disk(None);
    assert_eq!(bench.settled(), [(A, Ok(())), (B, Ok(()))]);
    assert_eq!(bench.written, [version(9)]);
    assert!(bench.raise(B, 8), "already higher");
}

#[test]
fn what_rises_during_a_write_is_not_lowered_by_what_comes_after_it() {
    let mut bench = Bench::new();
    bench.load(A);
    bench.load(B);
    bench.disk(None);
    bench.settled();
    assert!(!bench.raise(A, 3) && !bench.raise(A, 9) && !bench.raise(B, 5));
    bench.disk(None);
    bench.disk(None);
    assert_eq!(bench.written, [version(3), version(9)]);
}

#[test]
fn what_rises_during_a_write_is_written_after_it() {
    let mut bench = Bench::new();
    bench.load(A);
    bench.load(B);
    bench.disk(None);
    bench.settled();
    assert!(!bench.raise(A, 3) && !bench.raise(B, 5));
    bench.disk(None);
    assert_eq!(bench.settled(), [], "one write at a time for a row, and each waits for what is known now");
    bench.disk(None);
    assert_eq!(bench.settled(), [(A, Ok(())), (B, Ok(()))]);
    assert_eq!(bench.written, [version(3), version(5)]);
}

#[test]
fn a_write_that_failed_fails_those_who_wait_and_is_tried_again_by_the_next() {
    let mut bench = Bench::new();
    bench.load(A);
    bench.disk(None);
    bench.settled();
    bench.raise(A, 3);
    assert!(!bench.load(B));
    bench.disk(Some(DiskError::Io));
    assert_eq!(bench.settled(), [(A, Err(DiskError::Io)), (B, Err(DiskError::Io))]);
    bench.seen.release(A);
    assert!(!bench.seen.load(OpId(3), &[NAME], &mut bench.tickets));
    bench.disk(None);
    assert_eq!(bench.settled(), [(OpId(3), Ok(()))]);
    assert_eq!(bench.written, [version(3)]);
}

#[test]
fn a_row_that_could_not_be_read_is_read_again() {
    let mut bench = Bench::new();
    bench.load(A);
    bench.disk(Some(DiskError::Io));
    assert_eq!(bench.settled(), [(A, Err(DiskError::Io))]);
    assert!(!bench.load(B));
    bench.seen.release(A);
    bench.disk(None);
    assert_eq!(bench.settled(), [(B, Ok(()))]);
}

#[test]
fn a_row_is_read_again_when_nobody_held_it_meanwhile() {
    let mut bench = Bench::new();
    bench.load(A);
    bench.seen.release(A);
    bench.disk(None);
    assert_eq!(bench.settled(), [], "nobody waits any more");
    bench.load(A);
    bench.disk(None);
    bench.raise(A, 3);
    bench.seen.release(A);
    bench.disk(None);
    assert!(!bench.load(B));
    assert!(matches!(bench.seen.next_request(), Some((_, DiskRequest::Get { .. }))));
}

#[test]
fn an_answer_of_another_form_is_misuse() {
    let mut bench = Bench::new();
    bench.load(A);
    let (ticket, _) = bench.seen.next_request().unwrap();
    for wrong in [DiskReply::Done, DiskReply::Values(vec![]), DiskReply::Values(vec![None::<Bytes>; 2])] {
        let answered = bench.seen.answer(ticket, Ok(wrong), &mut bench.tickets);
        assert_eq!(answered, Err(ApiMisuse::WrongResult(ticket)));
    }
    let unknown = Ticket(99);
    let answered = bench.seen.answer(unknown, Ok(DiskReply::Done), &mut bench.tickets);
    assert_eq!(answered, Err(ApiMisuse::UnknownTicket(unknown)));
    let answered = bench.seen.answer(ticket, Ok(DiskReply::Values(vec![None])), &mut bench.tickets);
    assert_eq!(answered, Ok(()));
    assert_eq!(bench.settled(), [(A, Ok(()))]);
}

#[test]
fn versions_that_are_ahead_of_the_clock_are_not_remembered_without_end() {
    let mut bench = Bench::new();
    let ahead = version(1 << 40);
    for name in 0..10_000_u64 {
        let mut bytes = [0; 32];
        bytes[..8].copy_from_slice(&name.to_be_bytes());
        assert!(bench.seen.reserve(&Name(bytes), 1, ahead, [1; 8]).is_some());
    }
    let mut gauges = Gauges::default();
    bench.seen.gauge(1, &Config::default(), &mut gauges);
    assert!(gauges.rows().iter().all(|gauge| gauge.value <= gauge.limit), "{gauges:?}");
}
