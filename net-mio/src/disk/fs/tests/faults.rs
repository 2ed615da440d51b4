//! Faults of the file system, for the disks of tests: a step that fails, or that is the last one of its process.

use super::super::files::Step;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

/// What goes wrong at a step.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in crate::disk::fs) enum Fault {
    /// It is not done; this error of the system comes instead.
    Error(i32),
    /// The process ends before it.
    End,
}

/// What is known of a disk's steps, and what is to happen.
#[derive(Default)]
struct Plan {
    taken: Vec<Step>,
    fault: Option<(usize, Fault)>,
    /// Where each step is written down once it is done, for those who live on.
    log: Option<File>,
}

/// By the folder of the disk.
static PLANS: Mutex<BTreeMap<PathBuf, Plan>> = Mutex::new(BTreeMap::new());

/// Watches the disk in this folder from now on: the given fault comes at the step of that number.
pub(super) fn watch(folder: &Path, fault: Option<(usize, Fault)>, log: Option<File>) {
    PLANS.lock().unwrap().insert(folder.to_owned(), Plan { taken: Vec::new(), fault, log });
}

/// Watches no longer; gives the steps that were begun.
pub(super) fn unwatch(folder: &Path) -> Vec<Step> {
    PLANS.lock().unwrap().remove(folder).map(|plan| plan.taken).unwrap_or_default()
}

pub(in crate::disk::fs) fn step<T>(
    kind: Step,
    path: &Path,
    perform: impl FnOnce() -> io::Result<T>,
) -> io::Result<T> {
    let of_path =
        |plans: &BTreeMap<PathBuf, Plan>| plans.keys().find(|folder| path.starts_with(folder)).cloned();
    let (folder, fault) = {
        let mut plans = PLANS.lock().unwrap();
        let Some(folder) = of_path(&plans) else {
            drop(plans);
            return perform();
        };
        let plan = plans.get_mut(&folder).unwrap();
        plan.taken.push(kind);
        let number = plan.taken.len() - 1;
        let fault = plan.fault.filter(|(at, _)| *at == number).map(|(_, fault)| fault);
        (folder, fault)
    };
    match fault {
        Some(Fault::Error(code)) => return Err(io::Error::from_raw_os_error(code)),
        Some(Fault::End) => end(),
        None => {}
    }
    let result = perform();
    let mut plans = PLANS.lock().unwrap();
    if let (Ok(_), Some(log)) = (&result, plans.get_mut(&folder).and_then(|plan| plan.log.as_mut())) {
        writeln!(log, "{kind:?} {}", path.display()).unwrap();
    }
    result
}

/// Ends this process at once, without a word to anybody.
fn end() -> ! {
    #[cfg(unix)]
    let _ = rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL);
    std::process::abort()
}
