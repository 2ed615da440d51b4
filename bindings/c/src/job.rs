//! Heavy work that a machine hands out.

use std::mem;
use std::sync::Mutex;

use quantumsync_core::driver::Input;
use quantumsync_core::id::Ticket;
use quantumsync_core::job::{Job, JobResult};

use crate::guard::guard;
use crate::handle;
use crate::result::{Failure, poisoned, qs_result};

/// Heavy work: hashing, sealing, verifying. Belongs to its output, and goes with it.
pub struct qs_job {
    ticket: Ticket,
    state: Mutex<State>,
}

enum State {
    Waiting(Job),
    Done(JobResult),
    /// Run and given back, or taken by the thread that runs it.
    Taken,
}

/// Does the work, on any thread; once. Then give the job to qs_machine_handle_job.
#[unsafe(no_mangle)]
pub extern "C" fn qs_job_run(job: *mut qs_job) -> qs_result {
    guard(|| handle::find(job, "job")?.run())
}

impl qs_job {
    pub(crate) fn new(ticket: Ticket, job: Job) -> Self {
        Self { ticket, state: Mutex::new(State::Waiting(job)) }
    }

    fn run(&self) -> Result<(), Failure> {
        let mut state = self.state.lock().map_err(poisoned)?;
        match mem::replace(&mut *state, State::Taken) {
            State::Waiting(job) => {
                *state = State::Done(job.run());
                Ok(())
            }
            other => {
                *state = other;
                Err(Failure::new(qs_result::QS_MISUSE, "this job was run before"))
            }
        }
    }

    /// What the machine is to be told.
    pub(crate) fn result(&self) -> Result<Input, Failure> {
        let mut state = self.state.lock().map_err(poisoned)?;
        match mem::replace(&mut *state, State::Taken) {
            State::Done(result) => Ok(Input::Job { ticket: self.ticket, result }),
            other => {
                *state = other;
                Err(Failure::new(qs_result::QS_MISUSE, "this job was not run yet, or was given back before"))
            }
        }
    }
}
