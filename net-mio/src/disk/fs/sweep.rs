//! The sweep: looks slowly through all folders for files without an index entry, which crashes leave.

use super::Shared;
use super::commit::Work;
use crate::queue::Queue;
use quantumsync_core::id::BlobId;
use std::fs;
use std::io;
use std::path::Path;
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Duration;

/// Findings that are handed on together.
const FINDINGS: usize = 256;

/// Ends a sweep, and lets others wait for the end of one.
#[derive(Default)]
pub(super) struct Sweep {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    stopped: bool,
    done: u64,
}

impl Sweep {
    pub(super) fn run(&self, shared: &Shared, commits: &Queue<Work>) {
        loop {
            let pass = Pass { sweep: self, shared, commits };
            match pass.folder(&shared.folders.blobs, &mut String::new()) {
                Ok(true) => {}
                Ok(false) => return,
                Err(error) => tracing::warn!(%error, "the sweep could not read a folder"),
            }
            self.state.lock().unwrap_or_else(PoisonError::into_inner).done += 1;
            self.changed.notify_all();
            if !self.rest(shared.options.sweep_every) {
                return;
            }
        }
    }

    pub(super) fn stop(&self) {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).stopped = true;
        self.changed.notify_all();
    }

    /// Waits; false if the disk is closed meanwhile.
    fn rest(&self, time: Duration) -> bool {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let rested = self.changed.wait_timeout_while(state, time, |state| !state.stopped);
        let (state, _) = rested.unwrap_or_else(PoisonError::into_inner);
        !state.stopped
    }

    /// Waits until the first sweep has handed on its findings.
    #[cfg(test)]
    pub(super) fn wait_for_first(&self) {
        let state = self.state.lock().unwrap();
        drop(self.changed.wait_while(state, |state| state.done == 0).unwrap());
    }
}

struct Pass<'a> {
    sweep: &'a Sweep,
    shared: &'a Shared,
    commits: &'a Queue<Work>,
}

impl Pass<'_> {
    /// Looks through a folder, whose path below `blobs/` is `relative`; false if the disk is closed meanwhile.
    fn folder(&self, path: &Path, relative: &mut String) -> io::Result<bool> {
        let mut findings = Vec::new();
        for entry in fs::read_dir(path)? {
            let entry = entry?;
            let name = entry.file_name();
            // What has another name than ours can only be somebody else's.
            let Some(name) = name.to_str() else { continue };
            let length = relative.len();
            relative.push_str(name);
            if entry.file_type()?.is_dir() {
                relative.push('/');
                if !self.folder(&entry.path(), relative)? {
                    return Ok(false);
                }
            } else {
                findings.extend(self.look_at(relative));
            }
            relative.truncate(length);
            if findings.len() == FINDINGS {
                self.commits.push(Work::Orphans(std::mem::take(&mut findings)));
            }
        }
        if !findings.is_empty() {
            self.commits.push(Work::Orphans(findings));
        }
        Ok(self.sweep.rest(self.shared.options.sweep_rest))
    }

    /// The blob of a file, if it has no entry. It may be on its way to one: the committer looks again.
    fn look_at(&self, relative: &str) -> Option<BlobId> {
        let id = self.shared.folders.transform.id(relative)?;
        matches!(self.shared.index.entry(&id), Ok(None)).then_some(id)
    }
}
