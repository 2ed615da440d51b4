//! A crash at every point of what a store does: before and after each answer of the disk and of a job, with every
//! choice of what was under way done and not done. What was acknowledged is there, what was not does no harm, and
//! what is asked again ends as if nothing had happened.
//!
//! A disk may finish what it was asked in any order, so a crash may leave any part of what was under way done. No two
//! changes under way touch the same thing, so which part it is says all.

use super::super::audit::Audit;
use super::bench::*;
use crate::driver::DiskRequest;
use crate::node::store::Keep;
use crate::record::Record;
use crate::rng::Rng;
use crate::time::Now;
use crate::wire::{Request, Response};
use alloc::collections::BTreeSet;
use alloc::vec;
use alloc::vec::Vec;
use bytes::Bytes;
use core::time::Duration;

/// Of more changes under way than these, not every part is tried: those that are done first or last, and each alone.
const EVERY_PART_OF: usize = 5;
/// Longer than all that a store waits for by itself.
const LONG: Duration = LINGER.saturating_mul(3);

/// What a store is made to do, one after the other.
#[derive(Clone)]
enum Act {
    /// Requests at once; the next act follows when all are answered.
    Ask(Vec<Request>),
    /// Nothing is asked while time passes: the store works by itself.
    Wait(Duration),
}

/// What is tried at every point.
struct Phase {
    name: &'static str,
    /// Done before, without a crash.
    before: Vec<Act>,
    acts: Vec<Act>,
}

fn ask(requests: impl IntoIterator<Item = Request>) -> Act {
    Act::Ask(requests.into_iter().collect())
}

fn first_version(owner: &Owner) -> Vec<Act> {
    let pieces = [owner.put(1, 1, 10), owner.put(1, 1, 11), owner.put(1, 1, 12)];
    vec![ask(pieces), ask([put_record(&owner.record(1, 1))])]
}

fn second_version(owner: &Owner) -> Vec<Act> {
    vec![ask([owner.have(1, 2, [10, 11]), owner.put(1, 2, 20)]), ask([put_record(&owner.record(1, 2))])]
}

fn phases(owner: &Owner) -> Vec<Phase> {
    let stored = || [first_version(owner), vec![Act::Wait(LONG)]].concat();
    let others = ask([owner.put(2, 1, 11), owner.put(2, 1, 21)]);
    let two_files = || [stored(), vec![others.clone(), ask([put_record(&owner.record(2, 1))])]].concat();
    let delete = || ask([put_record(&owner.tombstone(1, 3))]);
    let expiring = || ask([put_record(&owner.record_until(1, 1, START_MS + 1))]);
    vec![
        Phase { name: "store", before: vec![], acts: first_version(owner) },
        Phase { name: "overwrite", before: stored(), acts: second_version(owner) },
        Phase { name: "delete", before: two_files(), acts: vec![delete()] },
        Phase { name: "clear", before: two_files(), acts: vec![ask([put_record(&owner.floor(9, 8))])] },
        Phase { name: "sweep", before: [two_files(), vec![delete()]].concat(), acts: vec![Act::Wait(LONG)] },
        Phase {
            name: "expiry",
            before: [first_version(owner)[..1].to_vec(), vec![expiring()]].concat(),
            acts: vec![Act::Wait(LONG)],
        },
    ]
}

/// A run of a phase that can be left at any point.
struct Run {
    bench: Bench,
    owner: Owner,
    acts: Vec<Act>,
    /// Requests that were submitted, by their tokens; of those of earlier acts all are answered.
    asked: Vec<(u64, Request)>,
    /// The act that goes on, and when its waiting ends.
    act: usize,
    until: Option<Now>,
}

impl Run {
    fn new(mut bench: Bench, acts: Vec<Act>) -> Self {
        bench.store.set_clock_ok(bench.now, true);
        Self { bench, owner: Owner::new(1), acts, asked: Vec::new(), act: 0, until: None }
    }

    /// Performs one effect; false when all is done.
    fn step(&mut self) -> bool {
        loop {
            if self.bench.step() {
                return true;
            }
            if !self.go_on() {
                return false;
            }
        }
    }

    /// Begins the next act, or lets time pass to the next deadline; false when nothing is left.
    fn go_on(&mut self) -> bool {
        let is_new = self.asked_in(self.act) == 0;
        let bench = &mut self.bench;
        if let Some(end) = self.until {
            let next = bench.store.poll_timeout().filter(|at| *at <= end.mono);
            bench.now = next.map_or(end, |at| bench.now.after(at.since(bench.now.mono)));
            bench.store.handle_timeout(bench.now);
            if next.is_none() {
                self.until = None;
                self.act += 1;
            }
            return true;
        }
        match self.acts.get(self.act).cloned() {
            None => return false,
            Some(Act::Wait(duration)) => self.until = Some(bench.now.after(duration)),
            Some(Act::Ask(requests)) if is_new && !requests.is_empty() => {
                for request in requests {
                    let token = bench.submit(self.owner.client(), Keep::Replica, request.clone());
                    self.asked.push((token, request));
                }
            }
            Some(Act::Ask(_)) => {
                let open = self.asked.iter().find(|(token, _)| !is_done(&self.bench, *token));
                assert!(open.is_none(), "not done: {open:?}");
                self.act += 1;
            }
        }
        true
    }

    /// Requests of this act and later ones that were submitted.
    fn asked_in(&self, act: usize) -> usize {
        let requests = |act: &Act| if let Act::Ask(requests) = act { requests.len() } else { 0 };
        self.asked.len().saturating_sub(self.acts[..act].iter().map(requests).sum())
    }

    fn finish(&mut self) {
        while self.step() {}
    }

    /// The requests that were acknowledged.
    fn acknowledged(&self) -> Vec<Request> {
        let done = self.asked.iter().filter(|(token, _)| is_done(&self.bench, *token));
        done.map(|(_, request)| request.clone()).collect()
    }
}

fn is_done(bench: &Bench, token: u64) -> bool {
    matches!(bench.replies.get(&token), Some(Response::Stored { .. } | Response::Have { .. }))
}

/// The highest version that these requests gave a name, and the floor of the owner.
fn highest(requests: &[Request], of: impl Fn(&Record) -> bool) -> Option<Record> {
    let records = requests.iter().filter_map(|request| match request {
        Request::PutRecord { record } if of(record) => Some(record.clone()),
        _ => None,
    });
    records.max_by_key(|record| record.header().version)
}

/// What is on a disk, but for how old it is.
fn content(disk: &Disk) -> (BTreeSet<Bytes>, BTreeSet<crate::id::BlobId>) {
    (disk.rows.keys().cloned().collect(), disk.blobs.keys().copied().collect())
}

/// A node that went down, and what is expected of it.
struct Crash<'a> {
    disk: Disk,
    clock_ms: u64,
    run: &'a Run,
    before: &'a [Request],
    end: &'a Disk,
}

impl Crash<'_> {
    /// It starts again on what the crash has left.
    fn restart(&self) -> Bench {
        let mut bench = Bench::on(self.disk.clone(), self.run.bench.setup.clone());
        bench.now.unix_ms = self.clock_ms;
        bench
    }

    /// What must hold of a node that has just started, and that it ends as it should.
    fn check(&self) {
        let audit = Audit::of(SUITE, &self.disk.rows, &self.disk.blobs).expect("a sound disk");
        assert!(audit.missing.is_empty(), "a pin without its blob: {:?}", audit.missing);
        let mut bench = self.restart();
        bench.run();
        self.check_acknowledged(&mut bench);
        // Everything is asked again by whoever has no answer, and all ends as without the crash.
        let open = self.run.asked.iter().filter(|(token, _)| !is_done(&self.run.bench, *token));
        let rest =
            self.run.acts[self.run.act..].iter().skip(usize::from(self.run.asked_in(self.run.act) > 0));
        let again = ask(open.map(|(_, request)| request.clone()));
        let acts = [again].into_iter().chain(rest.cloned()).chain([Act::Wait(LONG)]).collect();
        let mut run = Run::new(bench, acts);
        run.finish();
        assert_eq!(content(&run.bench.disk), content(self.end), "it ends as without a crash");
        let end = Audit::of(SUITE, &run.bench.disk.rows, &run.bench.disk.blobs).expect("a sound disk");
        assert!(end.is_quiet(&BTreeSet::new()), "{end:?}");
    }

    fn check_acknowledged(&self, bench: &mut Bench) {
        let asked: Vec<Request> = self.run.asked.iter().map(|(_, request)| request.clone()).collect();
        let acknowledged = [self.before, &self.run.acknowledged()].concat();
        let asked = [self.before, &asked].concat();
        let owner = &self.run.owner;
        let is_floor = |record: &Record| record.header().floor.is_some();
        for n in [1, 2] {
            let of_name = |record: &Record| record.header().name == name(n);
            let (found, floor) = bench.record_of(owner, n);
            assert!(order(&floor) >= order(&highest(&acknowledged, is_floor)), "the floor is missing");
            assert!(order(&floor) <= order(&highest(&asked, is_floor)));
            let (least, most) = (highest(&acknowledged, of_name), highest(&asked, of_name));
            if floor.is_none() {
                assert!(order(&found) >= order(&least), "{n}: {found:?} is older than what was acknowledged");
            }
            assert!(order(&found) <= order(&most), "{n}: nobody has asked for {found:?}");
            // What the newest record lists was acknowledged before it.
            let Some(found) = found.filter(|found| {
                floor.is_none() && (found.header().expires == 0 || found.header().expires > bench.now.unix_ms)
            }) else {
                continue;
            };
            for request in &asked {
                let Request::PutBlob { pins, blob } = request else { continue };
                let body = pins[0].body();
                if found.header().live.iter().any(|live| live.object == body.object) {
                    let get = Request::GetBlob { id: body.blob, offset: 0, len: 0 };
                    let answer = bench.ask(OTHER, get);
                    assert!(matches!(&answer, Response::Blob { bytes, .. } if bytes == blob), "{answer:?}");
                }
            }
        }
    }
}

fn order(record: &Option<Record>) -> Option<crate::record::Version> {
    record.as_ref().map(|record| record.header().version)
}

/// Which of so many changes under way a crash finds done: every choice, as a bit for each.
fn parts(changes: usize) -> Vec<u32> {
    if changes <= EVERY_PART_OF {
        return (0..1 << changes).collect();
    }
    let all = (1_u32 << changes) - 1;
    let sides = (0..=changes).flat_map(|n| [all >> n, all << n & all]);
    let alone = (0..changes).flat_map(|n| [1 << n, all & !(1 << n)]);
    sides.chain(alone).collect::<BTreeSet<_>>().into_iter().collect()
}

/// What was tried of a phase.
#[derive(Debug, Default)]
struct Tried {
    points: usize,
    states: usize,
    in_recovery: usize,
}

/// Tries every point of a phase. `shuffle`: effects are answered in an order of chance instead of their own.
fn try_all(phase: &Phase, shuffle: Option<u8>, twice: bool) -> Tried {
    let mut prepared = Run::new(Bench::new(), phase.before.clone());
    prepared.finish();
    let before = prepared.acknowledged();
    let begin = || {
        let mut bench = prepared.bench.sibling();
        bench.run();
        bench.shuffle = shuffle.map(|seed| Rng::from_seed([seed; 32]));
        Run::new(bench, phase.acts.clone())
    };
    let mut whole = begin();
    whole.finish();
    whole.acts.push(Act::Wait(LONG));
    whole.finish();
    let end = &whole.bench.disk;
    let (mut tried, mut run) = (Tried::default(), begin());
    loop {
        let under_way = run.bench.changes_in_flight();
        for part in parts(under_way.len()) {
            let mut disk = run.bench.disk.clone();
            for (n, request) in under_way.iter().enumerate() {
                if part & 1 << n != 0 {
                    disk.perform(DiskRequest::clone(request));
                }
            }
            let clock_ms = run.bench.now.unix_ms;
            let crash = Crash { disk, clock_ms, run: &run, before: &before, end };
            crash.check();
            tried.states += 1;
            if twice && part == 0 {
                tried.in_recovery += crash_again(&crash);
            }
        }
        tried.points += 1;
        if !run.step() {
            return tried;
        }
    }
}

/// Crashes again at every point of what the node does by itself after its start. Points between which the disk did
/// not change are one.
fn crash_again(crash: &Crash<'_>) -> usize {
    let mut recovery = Run::new(crash.restart(), vec![Act::Wait(LONG)]);
    let (mut points, mut last) = (0, crash.disk.clone());
    while recovery.step() {
        let now = &recovery.bench;
        if now.disk != last {
            last = now.disk.clone();
            Crash { disk: last.clone(), clock_ms: now.now.unix_ms, ..*crash }.check();
            points += 1;
        }
    }
    points
}

#[test]
fn a_crash_at_any_point_loses_nothing_acknowledged_and_leaves_nothing_behind() {
    for phase in phases(&Owner::new(1)) {
        let Tried { points, states, in_recovery } = try_all(&phase, None, true);
        std::println!("{}: {points} points, {states} states, {in_recovery} more in recovery", phase.name);
        assert!(points > 5 && states > points && in_recovery > 0, "{}: too few points", phase.name);
    }
}

#[test]
fn nor_does_it_when_the_disk_answers_in_any_order() {
    for phase in phases(&Owner::new(1)) {
        let tried: Vec<Tried> = (0..6).map(|seed| try_all(&phase, Some(seed), false)).collect();
        let points: usize = tried.iter().map(|tried| tried.points).sum();
        let states: usize = tried.iter().map(|tried| tried.states).sum();
        std::println!("{} in 6 orders: {points} points, {states} states", phase.name);
        assert!(points > 30 && states > points, "{}: too few points", phase.name);
    }
}
