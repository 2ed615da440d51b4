//! The disk's floor: so much stays free, for the rows that deletions write and for whoever shares the disk.

use super::LocalStore;
use super::effects::{Answers, Effect};
use crate::driver::DiskRequest;
use crate::time::Instant;

/// What is known of the free space.
#[derive(Debug, Default)]
pub(super) struct Space {
    /// As told last, less what was written since then.
    free: Option<u64>,
    asked: Option<Instant>,
}

impl LocalStore {
    /// The question how much is free, if it is time for it: to be asked beside what a put reads anyway.
    pub(super) fn ask_space(&mut self) -> Option<Effect> {
        let is_known = |asked: Instant| self.now.mono.since(asked) < self.config.space_every;
        if self.config.disk_floor == 0 || self.space.asked.is_some_and(is_known) {
            return None;
        }
        self.space.asked = Some(self.now.mono);
        Some(Effect::Disk(DiskRequest::Space))
    }

    /// The answer to it.
    pub(super) fn note_space(&mut self, answers: &mut Answers) {
        self.space.free = Some(answers.space());
    }

    /// True if so many bytes more leave the floor free. Where nothing was told yet the disk itself will say.
    pub(super) fn has_space(&self, bytes: usize) -> bool {
        let floor = self.config.disk_floor;
        floor == 0 || self.space.free.is_none_or(|free| free >= floor.saturating_add(bytes as u64))
    }

    /// So many bytes were written.
    pub(super) fn space_used(&mut self, bytes: usize) {
        if let Some(free) = &mut self.space.free {
            *free = free.saturating_sub(bytes as u64);
        }
    }
}
