//! What a worker sends to its parent, several frames at once where tasks are short.
//!
//! The reply of a task that took less than [`SHORT`] is kept until the worker has nothing more to
//! run, or until replies of [`MOST_KEPT`] of work have come together. If the next task turns out to
//! be slow, a thread of its own sends after [`LATE`] what was kept.

use std::io::Write;
use std::os::unix::net::UnixStream;
use std::process::exit;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use rustix::process::{Signal, getpgrp, getpid, kill_process, kill_process_group};

use crate::frame::{self, MAX_SINGLE_WRITE};

/// The exit code of a worker that could not become one.
pub(crate) const UNAVAILABLE: i32 = 69;

/// A reply that waits for others is that of a task which took less.
const SHORT: Duration = Duration::from_micros(10);

/// Replies are kept for no more work than this.
const MOST_KEPT: Duration = Duration::from_micros(100);

/// So long a reply may have to wait for a task that is slow.
const LATE: Duration = Duration::from_millis(1);

/// The parent, for frames of this process: a body may report progress from any thread.
pub(crate) struct Outgoing {
    state: Mutex<State>,
    /// The thread that sends what was kept waits here.
    kept: Condvar,
}

struct State {
    socket: &'static UnixStream,
    buffer: Vec<u8>,
    /// How long the tasks took whose replies are kept.
    took: Duration,
    /// How often something was sent.
    sent: u64,
    flusher: Flusher,
}

/// The thread that sends what was kept.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Flusher {
    /// Nobody has needed it.
    None,
    /// Nothing was kept for some time; it waits until something is.
    Idle,
    /// It looks now and then whether what is kept is sent.
    Watching,
}

impl Outgoing {
    pub(crate) fn new(socket: &'static UnixStream) -> Self {
        let state = State {
            socket,
            buffer: Vec::new(),
            took: Duration::ZERO,
            sent: 0,
            flusher: Flusher::None,
        };
        Self { state: Mutex::new(state), kept: Condvar::new() }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sends a frame, after those that were kept.
    pub(crate) fn send(&self, kind: u8, payload: &[u8]) {
        let mut state = self.lock();
        state.append(kind, payload);
        state.flush();
    }

    /// Sends the reply of a task that took so long, or keeps it if there is `more` to run. Says
    /// whether it keeps it.
    pub(crate) fn reply(&'static self, reply: &[u8], took: Duration, more: bool) -> bool {
        let mut state = self.lock();
        state.append(frame::DONE, reply);
        state.took += took;
        let keep = more
            && took < SHORT
            && state.took < MOST_KEPT
            && state.buffer.len() <= MAX_SINGLE_WRITE;
        if keep {
            self.watch(state);
        } else {
            state.flush();
        }
        keep
    }

    /// Sends what was kept.
    pub(crate) fn flush(&self) {
        self.lock().flush();
    }

    /// Sees to it that what is kept is sent.
    fn watch(&'static self, mut state: MutexGuard<'_, State>) {
        match state.flusher {
            Flusher::Watching => {}
            Flusher::Idle => {
                state.flusher = Flusher::Watching;
                drop(state);
                self.kept.notify_one();
            }
            Flusher::None => {
                let thread = thread::Builder::new().name("nexus-replies".to_owned());
                match thread.spawn(|| self.flush_late()) {
                    Ok(_) => state.flusher = Flusher::Watching,
                    // Nothing can be kept without it.
                    Err(_) => state.flush(),
                }
            }
        }
    }

    /// Sends what is kept for too long. It looks by itself while there is something to see, since to
    /// be woken for each message would cost as much as the message.
    fn flush_late(&self) {
        let mut state = self.lock();
        loop {
            let sent = state.sent;
            let waited = self.kept.wait_timeout(state, LATE);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
            if state.sent != sent {
                continue;
            }
            if state.buffer.is_empty() {
                state.flusher = Flusher::Idle;
            }
            state.flush();
            while state.flusher == Flusher::Idle {
                state = self.kept.wait(state).unwrap_or_else(PoisonError::into_inner);
            }
        }
    }
}

impl State {
    fn append(&mut self, kind: u8, payload: &[u8]) {
        if payload.len() > MAX_SINGLE_WRITE {
            // Not worth a copy.
            self.flush();
            if frame::write(self.socket, kind, payload).is_err() {
                kill_self();
            }
            return;
        }
        frame::append(&mut self.buffer, kind, payload);
    }

    /// Without a connection to the parent, ends the process.
    fn flush(&mut self) {
        if self.buffer.is_empty() {
            return;
        }
        if self.socket.write_all(&self.buffer).is_err() {
            kill_self();
        }
        self.buffer.clear();
        self.took = Duration::ZERO;
        self.sent += 1;
    }
}

/// Ends this process and the programs that it started.
pub(crate) fn kill_self() -> ! {
    let own = getpid();
    if getpgrp() == own {
        let _ = kill_process_group(own, Signal::KILL);
    }
    let _ = kill_process(own, Signal::KILL);
    exit(UNAVAILABLE)
}
