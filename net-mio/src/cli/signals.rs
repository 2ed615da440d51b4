//! Ctrl-C: what would be left behind is cleared away before the process ends.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use signal_hook::consts::{SIGINT, SIGTERM};

use super::error::{Class, Failure};

/// Exit status of a process that a signal ended, as shells give it.
const KILLED: i32 = 128;

/// Waits for the signals that end a process, on a thread of its own.
pub(crate) struct Watch {
    handle: signal_hook::iterator::Handle,
}

impl Watch {
    /// From now on a signal clears away, then ends the process.
    pub(crate) fn begin(clear: impl FnOnce() + Send + 'static) -> Result<Self, Failure> {
        let mut signals = signal_hook::iterator::Signals::new([SIGINT, SIGTERM]).map_err(|error| {
            Failure::new(Class::Failed, "signals", format!("cannot wait for signals: {error}"), "")
        })?;
        let handle = signals.handle();
        std::thread::spawn(move || {
            if let Some(signal) = signals.forever().next() {
                clear();
                std::process::exit(KILLED + signal);
            }
        });
        Ok(Self { handle })
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.handle.close();
    }
}

/// Watches over a file that stands aside until it is whole.
pub(crate) struct Signals {
    aside: Arc<Mutex<Option<PathBuf>>>,
    _watch: Watch,
}

impl Signals {
    pub(crate) fn watch() -> Result<Self, Failure> {
        let aside: Arc<Mutex<Option<PathBuf>>> = Arc::default();
        let watched = Arc::clone(&aside);
        let watch = Watch::begin(move || {
            if let Some(path) = watched.lock().unwrap_or_else(PoisonError::into_inner).take() {
                // It is a temporary file under a name of its own: if it stays, it is only litter.
                let _ = std::fs::remove_file(path);
            }
        })?;
        Ok(Self { aside, _watch: watch })
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
