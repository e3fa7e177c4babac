//! What a worker process does.
//!
//! The main thread watches the connection and nothing else, so that the process ends with its
//! parent whatever its body is doing; a thread of its own reads requests and runs the bodies, one
//! after the other.
//!
//! A body may close descriptors that are not its own, as libraries do that make daemons. A worker
//! whose connection is closed cannot report how its task ended, so it kills itself: the parent then
//! counts the task as one that lost its worker.

use std::io;
use std::os::unix::net::UnixStream;
use std::process::exit;
use std::sync::{Mutex, OnceLock, PoisonError};
use std::thread;

use nexus_core::{TaskHost, TaskReply};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::fstat;
use rustix::process::{Signal, getpgrp, getpid, kill_process, kill_process_group};

use crate::format::{Reader, Writer};
use crate::frame::{self, FrameReader};

/// The exit code of a worker that could not become one.
const UNAVAILABLE: i32 = 69;

/// How often the main thread checks that its connection is still open.
const POLL_INTERVAL: Timespec = Timespec { tv_sec: 1, tv_nsec: 0 };

/// The parent, for frames of this process: a body may report progress from any thread.
static PARENT: OnceLock<Mutex<Connection>> = OnceLock::new();

/// A descriptor of the connection, and the inode of its socket.
struct Connection {
    socket: UnixStream,
    number: u64,
}

impl Connection {
    /// Whether the descriptor is still that of the connection: a body may have closed it, and its
    /// number may now be that of a file of the body's.
    fn is_open(&self) -> bool {
        fstat(&self.socket).is_ok_and(|stat| stat.st_ino == self.number)
    }
}

/// Writes a frame to the parent; without a connection to it, ends the process.
fn send(kind: u8, payload: &[u8]) {
    let Some(parent) = PARENT.get() else { return };
    let parent = parent.lock().unwrap_or_else(PoisonError::into_inner);
    if !parent.is_open() || frame::write(&parent.socket, kind, payload).is_err() {
        kill_self();
    }
}

/// Serves the parent until it shuts its side of the socket, or is gone.
pub(crate) fn serve(socket: &UnixStream) -> ! {
    match set_up(socket) {
        Ok(connection) => watch(&connection),
        // The parent has ended already, so nobody would read a message.
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => exit(UNAVAILABLE),
        Err(error) => {
            eprintln!("nexus: a worker process could not begin: {error}");
            exit(UNAVAILABLE)
        }
    }
}

fn set_up(socket: &UnixStream) -> io::Result<Connection> {
    let mut reader = FrameReader::new(socket.try_clone()?);
    let (name, stack) = match reader.next()? {
        Some((frame::SETUP, text)) => parse_setup(text),
        _ => return Err(io::ErrorKind::UnexpectedEof.into()),
    };
    let number = fstat(socket)?.st_ino;
    let writer = Connection { socket: socket.try_clone()?, number };
    PARENT.get_or_init(|| Mutex::new(writer));
    let mut thread = thread::Builder::new().name(name);
    if stack > 0 {
        thread = thread.stack_size(stack);
    }
    thread.spawn(move || run_requests(reader))?;
    Ok(Connection { socket: socket.try_clone()?, number })
}

/// The name and the stack size of the thread that runs bodies.
fn parse_setup(text: &[u8]) -> (String, usize) {
    let text = String::from_utf8_lossy(text);
    let (stack, name) = text.split_once('\n').unwrap_or(("0", "nexus-0"));
    (name.to_owned(), stack.parse().unwrap_or(0))
}

/// Runs one task after the other.
fn run_requests(mut reader: FrameReader<UnixStream>) {
    let mut host = TaskHost::linked();
    send(frame::HELLO, &[]);
    loop {
        match reader.next() {
            Ok(Some((frame::REQUEST, request))) => {
                let reply = handle_request(&mut host, request);
                send(frame::DONE, &reply);
            }
            // The parent has no more tasks for this process.
            Ok(None) => exit(0),
            Ok(Some(_)) | Err(_) => kill_self(),
        }
    }
}

/// Runs the task of a request, and returns the reply.
fn handle_request(host: &mut TaskHost, request: &[u8]) -> Vec<u8> {
    let progress = |done: u64, total: u64| {
        let mut numbers = done.to_le_bytes().to_vec();
        numbers.extend_from_slice(&total.to_le_bytes());
        send(frame::PROGRESS, &numbers);
    };
    let reply = host.run(&mut Reader(request), progress);
    let mut out = Vec::new();
    if let Err(exception) = reply.write(&mut Writer(&mut out)) {
        out.clear();
        // This reply consists of texts and numbers alone, so it can always be written.
        let _ = TaskReply::exception(exception).write(&mut Writer(&mut out));
    }
    out
}

/// Ends the process when the parent is gone, whatever its other threads do.
fn watch(connection: &Connection) -> ! {
    loop {
        // No event needs to be asked for: `poll` always reports a hang-up. It does not report that
        // another thread has closed the descriptor, hence the check at each interval.
        let mut watched = [PollFd::new(&connection.socket, PollFlags::empty())];
        let polled = poll(&mut watched, Some(&POLL_INTERVAL));
        let gone = PollFlags::HUP | PollFlags::ERR | PollFlags::NVAL;
        let hung_up = polled.is_ok() && watched[0].revents().intersects(gone);
        if hung_up || !connection.is_open() {
            kill_self();
        }
    }
}

/// Ends this process and the programs that it started.
fn kill_self() -> ! {
    let own = getpid();
    if getpgrp() == own {
        let _ = kill_process_group(own, Signal::KILL);
    }
    let _ = kill_process(own, Signal::KILL);
    exit(UNAVAILABLE)
}
