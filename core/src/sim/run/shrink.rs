//! Makes a failing script short: whatever can be left out without the failure going away is left out. Must not know what the
//! failure is.

use alloc::vec::Vec;

use super::script::{Action, Script, Step};

/// The shortest script that is found to fail still; `fails` runs one. At most so many runs are made.
pub fn shrink(script: &Script, mut runs: u32, mut fails: impl FnMut(&Script) -> bool) -> Script {
    let mut best = script.clone();
    let mut try_it = |candidate: Script, best: &mut Script| {
        if runs == 0 || candidate == *best {
            return false;
        }
        runs -= 1;
        let is_shorter = fails(&candidate);
        if is_shorter {
            *best = candidate;
        }
        is_shorter
    };
    // Long parts first, then shorter ones; from the end, where what came after the failure stands.
    let mut length = best.steps.len();
    while length > 0 {
        let mut end = best.steps.len();
        while end > 0 {
            let begin = end.saturating_sub(length);
            try_it(without(&best, begin, end), &mut best);
            end = begin.min(best.steps.len());
        }
        length /= 2;
    }
    for at in 0..best.steps.len() {
        for simpler in simpler(&best.steps[at]) {
            let mut candidate = best.clone();
            candidate.steps[at] = simpler;
            try_it(candidate, &mut best);
        }
    }
    best
}

/// The script without these steps; the time that they took still passes.
fn without(script: &Script, begin: usize, end: usize) -> Script {
    let mut steps: Vec<Step> = script.steps.clone();
    let time: u32 = steps.drain(begin..end).fold(0, |time, step| time.saturating_add(step.after_ms));
    if let Some(next) = steps.get_mut(begin) {
        next.after_ms = next.after_ms.saturating_add(time);
    }
    Script { setup: script.setup.clone(), steps }
}

/// The same step, done simpler.
fn simpler(step: &Step) -> Vec<Step> {
    let mut simpler = Vec::new();
    if step.after_ms > 0 {
        simpler.push(Step { after_ms: 0, ..step.clone() });
    }
    if let Action::Store { client, key, bytes, content, .. } = step.action
        && bytes > 100
    {
        let action = Action::Store { client, key, bytes: 100, content, ttl_s: 0 };
        simpler.push(Step { action, ..step.clone() });
    }
    simpler
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_needed_for_the_failure_is_left() {
        let script: Script =
            "nodes 3\nclient 0 n0\n+1 store c0 k1 5000 1\n+2 get c0 k1\n+3 crash n0\n+4 start n0\n\
                              +5 delete c0 k1\n+6 calm\n+7 list c0\n"
                .parse()
                .unwrap();
        let needs = |script: &Script, wanted: &dyn Fn(&Action) -> bool| {
            script.steps.iter().any(|s| wanted(&s.action))
        };
        let short = shrink(&script, 1000, |script| {
            needs(script, &|action| matches!(action, Action::Crash { .. }))
                && needs(script, &|action| matches!(action, Action::Delete { .. }))
        });
        assert_eq!(short.steps.len(), 2, "{short}");
        assert!(short.steps.iter().all(|step| step.after_ms == 0));
        let none = shrink(&script, 3, |_| false);
        assert_eq!(none, script, "what does not fail shorter stays as it is");
    }
}
