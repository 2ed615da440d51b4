//! Nodes and clients that are killed without warning (`kill -9`) in every phase of what they do: nothing that was
//! acknowledged is missing afterwards, and nothing that was deleted is back.
//!
//! `cargo xtask kills --count 200` runs it for long. Each kill is triggered by what was seen (bytes on a link, files,
//! acknowledgements), and a phase in which nobody was killed fails the test.
#![cfg(unix)]

#[path = "../common/mod.rs"]
mod common;
mod files;
mod phases;
mod proxy;
mod rounds;
mod town;

use std::collections::BTreeMap;
use std::time::Instant;

use phases::{Phase, ROUNDS, Victim};
use rounds::Kills;

/// How many kills, if the environment does not say so: every phase has one, most have two.
const KILLS: usize = 20;
/// Everything is compared after so many kills, and at the end.
const CHECK_EVERY: usize = 28;
/// A moment is missed at times: the command was faster than the look. Then it is tried again.
const TRIES: usize = 5;

#[test]
fn nothing_acknowledged_is_missing_and_nothing_deleted_is_back_whoever_is_killed_and_when() {
    let wanted = std::env::var("QUANTUMSYNC_KILLS").map_or(KILLS, |count| count.parse().expect("a number"));
    let start = Instant::now();
    let mut kills = Kills::new();
    let mut counts: BTreeMap<(Phase, Victim), usize> = BTreeMap::new();
    let mut missed = 0;
    for (done, &(phase, victim)) in ROUNDS.iter().cycle().take(wanted).enumerate() {
        let hit = (0..TRIES).any(|_| {
            println!("kill {} of {wanted}: {phase:?}, {victim:?}", done + 1);
            let hit = kills.run(phase, victim);
            missed += usize::from(!hit);
            hit
        });
        *counts.entry((phase, victim)).or_default() += usize::from(hit);
        if (done + 1) % CHECK_EVERY == 0 {
            kills.check();
        }
    }
    kills.check();
    kills.clear_all();
    report(&counts, missed, start);
    for (phase, victim) in ROUNDS.iter().take(wanted) {
        let of_phase = |(at, _): &&(Phase, Victim)| at == phase;
        let count: usize = counts.iter().filter(|(key, _)| of_phase(key)).map(|(_, count)| count).sum();
        assert!(count > 0, "nobody was killed in the phase {phase:?} (of {victim:?})");
    }
}

fn report(counts: &BTreeMap<(Phase, Victim), usize>, missed: usize, start: Instant) {
    let mut phases: BTreeMap<Phase, BTreeMap<Victim, usize>> = BTreeMap::new();
    for ((phase, victim), count) in counts {
        phases.entry(*phase).or_default().insert(*victim, *count);
    }
    println!("{:<14} entry  replica  client", "phase");
    for (phase, victims) in &phases {
        let of = |victim| victims.get(&victim).copied().unwrap_or(0);
        let (entry, replica, client) = (of(Victim::Entry), of(Victim::Replica), of(Victim::Client));
        println!("{:<14} {entry:>5}  {replica:>7}  {client:>6}", format!("{phase:?}"));
    }
    let total: usize = counts.values().sum();
    println!("{total} kills in their phases, {missed} beside them, {:.0} s", start.elapsed().as_secs_f64());
}
