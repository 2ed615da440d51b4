//! Threads for heavy work.

use crate::queue::Queue;
use quantumsync_core::id::Ticket;
use quantumsync_core::job::{Job, JobResult};
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread::{self, JoinHandle};

/// Takes what jobs come to, on any thread; `None` is a job that panicked.
pub(crate) type JobSink = Arc<dyn Fn(Ticket, Option<JobResult>) + Send + Sync>;

/// Runs jobs in the order they come. How many wait is bounded by the machine that issues them.
pub(crate) struct Workers {
    queue: Arc<Queue<(Ticket, Job)>>,
    threads: Vec<JoinHandle<()>>,
}

impl Workers {
    /// Starts `count` threads, or one for each core.
    pub(crate) fn start(name: &str, count: Option<usize>, sink: &JobSink) -> io::Result<Self> {
        let count = count.unwrap_or_else(|| thread::available_parallelism().map_or(1, usize::from)).max(1);
        let mut workers = Self { queue: Arc::new(Queue::new()), threads: Vec::with_capacity(count) };
        for n in 0..count {
            let (queue, sink) = (Arc::clone(&workers.queue), Arc::clone(sink));
            let thread = thread::Builder::new().name(format!("{name} job {n}"));
            workers.threads.push(thread.spawn(move || work(&queue, &sink))?);
        }
        Ok(workers)
    }

    pub(crate) fn submit(&self, ticket: Ticket, job: Job) {
        self.queue.push((ticket, job));
    }
}

fn work(queue: &Queue<(Ticket, Job)>, sink: &JobSink) {
    while let Some((ticket, job)) = queue.next() {
        let result = catch_unwind(AssertUnwindSafe(|| job.run())).ok();
        sink(ticket, result);
    }
}

impl Drop for Workers {
    /// Waits for the jobs that are running; those that have not begun are dropped.
    fn drop(&mut self) {
        self.queue.abandon();
        for thread in self.threads.drain(..) {
            // A worker catches panics, so there is nothing to learn here.
            let _ = thread.join();
        }
    }
}
