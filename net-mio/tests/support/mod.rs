//! Small machines, each a closure, and what tests of the runtime share.
#![allow(dead_code)] // Each test program uses a part of it.

use quantumsync::disk::MemoryDisk;
use quantumsync::{Handle, Runtime, RuntimeOptions};
use quantumsync_core::driver::{Input, Machine, Output};
use quantumsync_core::error::ApiMisuse;
use quantumsync_core::time::{Instant, Now};
use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

/// A machine that reacts to each input with outputs; what it tells its user is an input, too.
pub(crate) struct Script {
    react: React,
    pub(crate) outputs: VecDeque<Output<Input>>,
    pub(crate) timeout: Option<Instant>,
}

pub(crate) type React = Box<dyn FnMut(Now, Input, &mut VecDeque<Output<Input>>) + Send>;

impl Script {
    pub(crate) fn new(react: impl FnMut(Now, Input, &mut VecDeque<Output<Input>>) + Send + 'static) -> Self {
        Self { react: Box::new(react), outputs: VecDeque::new(), timeout: None }
    }

    /// Sends back what comes.
    pub(crate) fn echo() -> Self {
        Self::new(|_, input, outputs| match input {
            Input::Received { conn, bytes } => outputs.push_back(Output::Send { conn, bytes }),
            Input::Sent { .. } => {}
            input => outputs.push_back(Output::Event(input)),
        })
    }

    /// Tells of everything.
    pub(crate) fn tell() -> Self {
        Self::new(|_, input, outputs| outputs.push_back(Output::Event(input)))
    }
}

impl Machine for Script {
    type Event = Input;

    fn handle_input(&mut self, now: Now, input: Input) -> Result<(), ApiMisuse> {
        if matches!(input, Input::Timeout) {
            self.timeout = None;
        }
        (self.react)(now, input, &mut self.outputs);
        Ok(())
    }

    fn poll_output(&mut self) -> Option<Output<Input>> {
        self.outputs.pop_front()
    }

    fn poll_timeout(&self) -> Option<Instant> {
        self.timeout
    }
}

/// A running script and its events.
pub(crate) struct Running {
    pub(crate) handle: Handle<Script>,
    pub(crate) events: Receiver<Input>,
}

impl Running {
    pub(crate) fn start(options: RuntimeOptions, script: Script) -> Self {
        let (sender, events) = channel();
        let on_event = move |event| {
            // Fails when the test no longer listens.
            let _ = sender.send(event);
        };
        let handle = Runtime::start(options, |_, _| script, on_event).unwrap();
        Self { handle, events }
    }

    pub(crate) fn listening(script: Script) -> Self {
        Self::start(options(1), script)
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.handle.addresses()[0]
    }

    /// The next event; a test that waits so long has failed.
    pub(crate) fn event(&self) -> Input {
        self.events.recv_timeout(PATIENCE).expect("an event")
    }

    /// The next event for which `wanted` holds.
    pub(crate) fn event_of(&self, wanted: impl Fn(&Input) -> bool) -> Input {
        loop {
            let event = self.event();
            if wanted(&event) {
                return event;
            }
        }
    }

    /// Gives the machine outputs to make.
    pub(crate) fn output(&self, output: Output<Input>) {
        self.handle.post(|script, _| script.outputs.push_back(output)).unwrap();
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.handle.stop();
        let ended = self.handle.join();
        if !std::thread::panicking() {
            ended.unwrap();
        }
    }
}

/// Nothing takes so long unless it hangs.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// A memory disk and `listeners` on loopback.
pub(crate) fn options(listeners: usize) -> RuntimeOptions {
    let mut options = RuntimeOptions::new(Box::new(MemoryDisk::new(1 << 20)));
    options.listen = vec![SocketAddr::from(([127, 0, 0, 1], 0)); listeners];
    options
}

/// Bytes that are not the same anywhere.
pub(crate) fn pattern(seed: u64, length: usize) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state as u8
    };
    (0..length).map(|_| next()).collect()
}
