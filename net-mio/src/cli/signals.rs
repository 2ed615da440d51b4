//! Ctrl-C while a file is written: what stands aside is removed before the process ends.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use signal_hook::consts::{SIGINT, SIGTERM};

use super::error::{Class, Failure};

/// Exit status of a process that a signal ended, as shells give it.
const KILLED: i32 = 128;

/// Watches for the signals that end a process, on a thread of its own.
pub(crate) struct Signals {
    aside: Arc<Mutex<Option<PathBuf>>>,
    handle: signal_hook::iterator::Handle,
}

impl Signals {
    pub(crate) fn watch() -> Result<Self, Failure> {
        let mut signals = signal_hook::iterator::Signals::new([SIGINT, SIGTERM]).map_err(|error| {
            Failure::new(Class::Failed, "signals", format!("cannot wait for signals: {error}"), "")
        })?;
        let aside: Arc<Mutex<Option<PathBuf>>> = Arc::default();
        let handle = signals.handle();
        let watched = Arc::clone(&aside);
        std::thread::spawn(move || {
            if let Some(signal) = signals.forever().next() {
                if let Some(path) = watched.lock().unwrap_or_else(PoisonError::into_inner).take() {
                    // It is a temporary file under a name of its own: if it stays, it is only litter.
                    let _ = std::fs::remove_file(path);
                }
                std::process::exit(KILLED + signal);
            }
        });
        Ok(Self { aside, handle })
    }

    /// Removes this file if a signal comes.
    pub(crate) fn remove_if_killed(&self, path: &Path) {
        *self.aside.lock().unwrap_or_else(PoisonError::into_inner) = Some(path.to_path_buf());
    }

    /// Removes nothing any more.
    pub(crate) fn forget(&self) {
        *self.aside.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

impl Drop for Signals {
    fn drop(&mut self) {
        self.handle.close();
    }
}
