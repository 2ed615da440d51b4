//! A machine on a thread of its own, and the handle by which other threads reach it.

use crate::clock::Clock;
use crate::disk::{Answer, AnswerSink, Disk, DiskResult};
use crate::jobs::{JobSink, Workers};
use crate::reactor::{Limits, Reactor, Step};
use crate::wake::Mailbox;
use quantumsync_core::driver::{Input, Machine, Output};
use quantumsync_core::id::Ticket;
use quantumsync_core::job::JobResult;
use quantumsync_core::time::Now;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::thread::{self, JoinHandle, ThreadId};
use std::time::Duration;
use thiserror::Error;

/// Turns of links between two looks at the event queue, the mailbox and the clock.
const TURNS: usize = 64;

/// What a machine is given to live on.
pub struct RuntimeOptions {
    /// The thread's name.
    pub name: String,
    /// Addresses to accept links on; port 0 lets the system choose (see [`Handle::addresses`]).
    pub listen: Vec<SocketAddr>,
    /// Where its rows and blobs are.
    pub disk: Box<dyn Disk>,
    /// Threads for jobs; `None` is one for each core.
    pub workers: Option<usize>,
    /// Links at once. At the limit further ones wait in the system's queue until one ends.
    pub max_links: usize,
    /// A dial without outcome fails after this.
    pub dial_deadline: Duration,
    /// Commands of other threads that wait for the machine's thread; [`Handle::post`] waits beyond it.
    pub max_commands: usize,
}

impl RuntimeOptions {
    /// Nothing listens; the rest as a node or client of default configuration needs it.
    pub fn new(disk: Box<dyn Disk>) -> Self {
        Self {
            name: "quantumsync".into(),
            listen: Vec::new(),
            disk,
            workers: None,
            // Above the machine's own limit: the machine decides whom it turns away.
            max_links: 1200,
            dial_deadline: Duration::from_secs(5),
            max_commands: 1024,
        }
    }
}

/// Why a runtime does not start.
#[derive(Debug, Error)]
pub enum StartError {
    /// An address cannot be listened on.
    #[error("cannot listen on {addr}: {source}")]
    Listen {
        /// The address.
        addr: SocketAddr,
        /// Why.
        source: io::Error,
    },
    /// The system refuses an event queue or a thread.
    #[error("cannot start: {0}")]
    System(#[from] io::Error),
}

/// Why a closure was not run on the machine.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
pub enum CallError {
    /// The runtime has stopped.
    #[error("the runtime has stopped")]
    Stopped,
    /// Called from the machine's own thread, where waiting for an answer would never end.
    #[error("called from the machine's own thread: use post there")]
    OwnThread,
}

/// How a runtime ended that did not simply stop.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
pub enum EndError {
    /// Its thread or one of its workers panicked.
    #[error("the runtime ended by a panic: this is a defect of the program")]
    Panicked,
    /// The system's event queue failed.
    #[error("the system's event queue failed: {0}")]
    System(String),
}

/// Starts a machine: see [`Runtime::start`].
pub struct Runtime<M: Machine> {
    machine: M,
    reactor: Reactor,
    clock: Clock,
    disk: Box<dyn Disk>,
    disk_sink: AnswerSink,
    workers: Workers,
    mailbox: Arc<Mailbox<Mail<M>>>,
    on_event: Box<dyn FnMut(M::Event) + Send>,
    stopping: bool,
}

type Command<M> = Box<dyn FnOnce(&mut M, Now) + Send>;

/// What other threads send to the machine's.
enum Mail<M> {
    Run(Command<M>),
    Disk(Ticket, DiskResult),
    Job(Ticket, Option<JobResult>),
    Stop,
}

impl<M: Machine + Send + 'static> Runtime<M> {
    /// Binds the addresses, builds the machine with them and the time, and runs it on a thread of its own until
    /// [`Handle::stop`] or until the last handle is dropped.
    ///
    /// `on_event` is called on that thread; it may [`post`](Handle::post) but not [`call`](Handle::call).
    pub fn start(
        options: RuntimeOptions,
        build: impl FnOnce(Now, &[SocketAddr]) -> M,
        on_event: impl FnMut(M::Event) + Send + 'static,
    ) -> Result<Handle<M>, StartError> {
        let RuntimeOptions { name, listen, disk, workers, max_links, dial_deadline, max_commands } = options;
        let mut reactor = Reactor::new(Limits { max_links, dial_deadline })?;
        let mut addresses = Vec::with_capacity(listen.len());
        for addr in listen {
            let bound = reactor.listen(addr).map_err(|source| StartError::Listen { addr, source })?;
            addresses.push(bound);
        }
        let mailbox = Arc::new(Mailbox::new(reactor.waker()?));
        let clock = Clock::new();
        let runtime = Self {
            machine: build(clock.now(), &addresses),
            reactor,
            clock,
            disk,
            disk_sink: disk_sink(&mailbox),
            workers: Workers::start(&name, workers, &job_sink(&mailbox))?,
            mailbox: Arc::clone(&mailbox),
            on_event: Box::new(on_event),
            stopping: false,
        };
        let thread = thread::Builder::new().name(name).spawn(move || runtime.run())?;
        let id = thread.thread().id();
        let end = Mutex::new(End { thread: Some(thread), result: Ok(()) });
        Ok(Handle { shared: Arc::new(Shared { mailbox, addresses, thread: id, max_commands, end }) })
    }

    fn run(mut self) -> Result<(), EndError> {
        // Whatever happens from here on, a panic too: nobody waits for a machine that is not there.
        let _closing = CloseOnDrop(Arc::clone(&self.mailbox));
        self.perform(self.clock.now());
        while !self.stopping {
            self.round()?;
        }
        self.reactor.close_all(self.clock.now().mono);
        while self.reactor.has_links() {
            self.round()?;
        }
        Ok(())
    }

    /// Waits for something to happen and deals with a bounded amount of it.
    fn round(&mut self) -> Result<(), EndError> {
        let deadline = self.machine.poll_timeout();
        let waited = self.reactor.wait(self.clock.now().mono, deadline);
        waited.map_err(|error| EndError::System(error.to_string()))?;
        for mail in self.mailbox.take() {
            self.open(mail)?;
        }
        let now = self.clock.now();
        self.reactor.expire(now.mono);
        if self.machine.poll_timeout().is_some_and(|at| at <= now.mono) {
            self.tell(now, Input::Timeout);
        }
        for _ in 0..TURNS {
            let now = self.clock.now();
            match self.reactor.turn(now.mono) {
                Some(Step::Input(input)) => self.tell(now, input),
                Some(Step::Quiet) => {}
                None => break,
            }
        }
        Ok(())
    }

    fn open(&mut self, mail: Mail<M>) -> Result<(), EndError> {
        let now = self.clock.now();
        match mail {
            Mail::Run(f) => {
                f(&mut self.machine, now);
                self.perform(now);
            }
            Mail::Disk(ticket, result) => self.tell(now, Input::Disk { ticket, result }),
            Mail::Job(ticket, Some(result)) => self.tell(now, Input::Job { ticket, result }),
            Mail::Job(_, None) => return Err(EndError::Panicked),
            Mail::Stop => self.stopping = true,
        }
        Ok(())
    }

    fn tell(&mut self, now: Now, input: Input) {
        if let Err(misuse) = self.machine.handle_input(now, input) {
            // A defect of this driver or of the machine; the call had no effect, so everything else goes on.
            tracing::error!(%misuse, "the machine refused an input");
            debug_assert!(false, "the machine refused an input: {misuse}");
        }
        self.perform(now);
    }

    /// Performs what the machine wants done, in its order.
    fn perform(&mut self, now: Now) {
        while let Some(output) = self.machine.poll_output() {
            match output {
                Output::Dial { conn, addr } => self.reactor.dial(now.mono, conn, addr),
                Output::Send { conn, bytes } => self.reactor.send(conn, bytes),
                Output::Close { conn } => self.reactor.close(now.mono, conn),
                Output::Disk { ticket, request } => {
                    self.disk.submit(request, Answer::new(ticket, Arc::clone(&self.disk_sink)));
                }
                Output::Job { ticket, job } => self.workers.submit(ticket, job),
                Output::Event(event) => (self.on_event)(event),
            }
        }
    }
}

fn disk_sink<M: 'static>(mailbox: &Arc<Mailbox<Mail<M>>>) -> AnswerSink {
    let mailbox = Arc::clone(mailbox);
    Arc::new(move |ticket, result| {
        // Nobody waits for the answers that come after the end.
        mailbox.push(Mail::Disk(ticket, result));
    })
}

fn job_sink<M: 'static>(mailbox: &Arc<Mailbox<Mail<M>>>) -> JobSink {
    let mailbox = Arc::clone(mailbox);
    Arc::new(move |ticket, result| {
        mailbox.push(Mail::Job(ticket, result));
    })
}

struct CloseOnDrop<T>(Arc<Mailbox<T>>);

impl<T> Drop for CloseOnDrop<T> {
    fn drop(&mut self) {
        self.0.close();
    }
}

/// Reaches a running machine from any thread. Cheap to clone; when the last one is dropped, the runtime stops.
pub struct Handle<M> {
    shared: Arc<Shared<M>>,
}

struct Shared<M> {
    mailbox: Arc<Mailbox<Mail<M>>>,
    addresses: Vec<SocketAddr>,
    thread: ThreadId,
    max_commands: usize,
    end: Mutex<End>,
}

struct End {
    /// Until somebody has joined it.
    thread: Option<JoinHandle<Result<(), EndError>>>,
    result: Result<(), EndError>,
}

impl<M> Clone for Handle<M> {
    fn clone(&self) -> Self {
        Self { shared: Arc::clone(&self.shared) }
    }
}

impl<M: Machine + Send + 'static> Handle<M> {
    /// Runs `f` on the machine's thread and returns what it returns.
    pub fn call<R: Send + 'static>(
        &self,
        f: impl FnOnce(&mut M, Now) -> R + Send + 'static,
    ) -> Result<R, CallError> {
        if self.is_own_thread() {
            return Err(CallError::OwnThread);
        }
        let (sender, receiver) = mpsc::sync_channel(1);
        self.post(move |machine, now| {
            // The caller waits below, so somebody takes it.
            let _ = sender.send(f(machine, now));
        })?;
        receiver.recv().map_err(|_| CallError::Stopped)
    }

    /// Has `f` run on the machine's thread, after what was called and posted before, without waiting for it.
    pub fn post(&self, f: impl FnOnce(&mut M, Now) + Send + 'static) -> Result<(), CallError> {
        let mail = Mail::Run(Box::new(f));
        // The machine's own thread cannot wait for itself to make room.
        let limit = if self.is_own_thread() { usize::MAX } else { self.shared.max_commands.max(1) };
        if self.shared.mailbox.push_within(mail, limit) { Ok(()) } else { Err(CallError::Stopped) }
    }

    /// The addresses that are listened on, in the order they were asked for.
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.shared.addresses
    }

    /// Asks the runtime to end: links are flushed for at most a second, disk requests are completed. Returns at once.
    pub fn stop(&self) {
        // False if it has ended already.
        self.shared.mailbox.push(Mail::Stop);
    }

    /// Waits until the runtime has ended; everything on its disk is closed then. On the machine's own thread, which
    /// cannot wait for itself, it returns at once.
    pub fn join(&self) -> Result<(), EndError> {
        if self.is_own_thread() {
            return Ok(());
        }
        let mut end = self.shared.end.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(thread) = end.thread.take() {
            end.result = thread.join().unwrap_or(Err(EndError::Panicked));
        }
        end.result.clone()
    }

    fn is_own_thread(&self) -> bool {
        thread::current().id() == self.shared.thread
    }
}

impl<M> Drop for Shared<M> {
    fn drop(&mut self) {
        self.mailbox.push(Mail::Stop);
    }
}
