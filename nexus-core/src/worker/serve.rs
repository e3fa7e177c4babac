//! The threads of a worker process, and its exchange with the parent.

use std::io;
use std::os::unix::net::UnixStream;
use std::process::exit;
use std::sync::{Mutex, OnceLock, PoisonError};
use std::thread;

use rustix::event::{PollFd, PollFlags, poll};
use rustix::process::{Signal, getpgrp, getpid, kill_process, kill_process_group};

use super::task::Worker;
use crate::context::{Context, Hear};
use crate::executor::process::frame::{self, Reader};

/// The exit code of a worker that could not become one.
const UNAVAILABLE: i32 = 69;

/// The parent's socket, for frames of this process: a body may report progress from any thread.
static PARENT: OnceLock<Mutex<UnixStream>> = OnceLock::new();

fn tell(kind: u8, payload: &[u8]) -> io::Result<()> {
    let Some(parent) = PARENT.get() else { return Ok(()) };
    frame::write(&*parent.lock().unwrap_or_else(PoisonError::into_inner), kind, payload)
}

/// The parent, which hears how far the task is.
pub(super) struct Parent;

impl Hear for Parent {
    fn progress(&self, _: &Context, done: u64, total: u64) {
        let mut numbers = done.to_le_bytes().to_vec();
        numbers.extend_from_slice(&total.to_le_bytes());
        // If the parent is gone, this process soon is.
        let _ = tell(frame::PROGRESS, &numbers);
    }
}

/// Serves the parent until it shuts its side of the socket, or is gone.
pub(super) fn serve(socket: &UnixStream) -> ! {
    crate::panic::prepare();
    match begin(socket) {
        Ok(()) => watch(socket),
        // The parent is gone already; that is no news to anybody.
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => exit(UNAVAILABLE),
        Err(error) => {
            eprintln!("nexus: a worker process could not begin: {error}");
            exit(UNAVAILABLE)
        }
    }
}

fn begin(socket: &UnixStream) -> io::Result<()> {
    let mut reader = Reader::new(socket.try_clone()?);
    let (name, stack) = match reader.next()? {
        Some((frame::SETUP, text)) => setup(text),
        _ => return Err(io::ErrorKind::UnexpectedEof.into()),
    };
    let writer = socket.try_clone()?;
    PARENT.get_or_init(|| Mutex::new(writer));
    let mut thread = thread::Builder::new().name(name);
    if stack > 0 {
        thread = thread.stack_size(stack);
    }
    thread.spawn(move || requests(reader)).map(drop)
}

/// The name and the stack size of the thread that runs bodies.
fn setup(text: &[u8]) -> (String, usize) {
    let text = String::from_utf8_lossy(text);
    let (stack, name) = text.split_once('\n').unwrap_or(("0", "nexus-0"));
    (name.to_owned(), stack.parse().unwrap_or(0))
}

/// Runs one task after the other.
fn requests(mut reader: Reader<UnixStream>) {
    let mut worker = Worker::new();
    let mut said = tell(frame::HELLO, &[]);
    while said.is_ok() {
        said = match reader.next() {
            Ok(Some((frame::REQUEST, request))) => tell(frame::DONE, &worker.answer(request)),
            // The parent has no more tasks for this process.
            Ok(None) => exit(0),
            Ok(Some(_)) | Err(_) => exit(UNAVAILABLE),
        };
    }
    // Nobody is there to read the reply: the other thread is about to see it.
    loop {
        thread::park();
    }
}

/// Ends the process when the parent is gone, whatever its other threads do.
fn watch(socket: &UnixStream) -> ! {
    loop {
        // Of no event in particular: a hang-up is always told.
        let mut watched = [PollFd::new(socket, PollFlags::empty())];
        let told = poll(&mut watched, None);
        let gone = PollFlags::HUP | PollFlags::ERR | PollFlags::NVAL;
        if told.is_ok() && watched[0].revents().intersects(gone) {
            die();
        }
    }
}

/// Ends this process and the programs that it started.
fn die() -> ! {
    let own = getpid();
    if getpgrp() == own {
        let _ = kill_process_group(own, Signal::KILL);
    }
    let _ = kill_process(own, Signal::KILL);
    exit(UNAVAILABLE)
}
