//! What a worker process does.
//!
//! The main thread watches the connection and nothing else, so that the process ends with its
//! parent whatever its body is doing; a thread of its own reads requests and runs the bodies, one
//! after the other. What it replies goes through [`outgoing`](crate::outgoing).
//!
//! A body may close descriptors that are not its own, as libraries do that make daemons. A worker
//! whose connection is closed cannot report how its task ended, so it kills itself: the parent then
//! counts the task as one that lost its worker.

use std::io;
use std::os::unix::net::UnixStream;
use std::process::exit;
use std::thread;
use std::time::Duration;

use nexus_core::{TaskHost, TaskReply};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::fstat;

use crate::format::{Reader, Writer};
use crate::frame::{self, FrameReader};
use crate::incoming::Incoming;
use crate::outgoing::{Outgoing, UNAVAILABLE, kill_self};
use crate::permits::Permit;

/// How often the main thread checks that its connection is still open.
const POLL_INTERVAL: Timespec = Timespec { tv_sec: 1, tv_nsec: 0 };

/// The connection to the parent, and the inode of its socket.
struct Connection {
    socket: &'static UnixStream,
    number: u64,
}

impl Connection {
    /// Whether the descriptor is still that of the connection: a body may have closed it, and its
    /// number may now be that of a file of the body's.
    fn is_open(&self) -> bool {
        fstat(self.socket).is_ok_and(|stat| stat.st_ino == self.number)
    }
}

/// Serves the parent until it shuts its side of the socket, or is gone.
pub(crate) fn serve(socket: UnixStream) -> ! {
    match set_up(Box::leak(Box::new(socket))) {
        Ok(connection) => watch(&connection),
        // The parent has ended already, so nobody would read a message.
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => exit(UNAVAILABLE),
        Err(error) => {
            eprintln!("nexus: a worker process could not begin: {error}");
            exit(UNAVAILABLE)
        }
    }
}

fn set_up(socket: &'static UnixStream) -> io::Result<Connection> {
    let permit = Permit::receive(socket)?;
    let mut reader = FrameReader::new(Incoming::new(socket));
    let (name, stack) = match reader.next()? {
        Some((frame::SETUP, text)) => parse_setup(text),
        _ => return Err(io::ErrorKind::UnexpectedEof.into()),
    };
    let number = fstat(socket)?.st_ino;
    let outgoing = Box::leak(Box::new(Outgoing::new(socket)));
    let mut thread = thread::Builder::new().name(name);
    if stack > 0 {
        thread = thread.stack_size(stack);
    }
    thread.spawn(move || run_requests(reader, permit, outgoing))?;
    Ok(Connection { socket, number })
}

/// The name and the stack size of the thread that runs bodies.
fn parse_setup(text: &[u8]) -> (String, usize) {
    let text = String::from_utf8_lossy(text);
    let (stack, name) = text.split_once('\n').unwrap_or(("0", "nexus-0"));
    (name.to_owned(), stack.parse().unwrap_or(0))
}

/// Runs one task after the other.
fn run_requests(
    mut reader: FrameReader<Incoming<&'static UnixStream>>,
    mut permit: Permit,
    outgoing: &'static Outgoing,
) {
    let mut host = TaskHost::linked(|done, total| {
        let mut numbers = done.to_le_bytes().to_vec();
        numbers.extend_from_slice(&total.to_le_bytes());
        outgoing.send(frame::PROGRESS, &numbers);
    })
    .on_said(|said| outgoing.send(frame::SAID, said));
    let mut trace = None;
    let mut reply = Vec::new();
    // The last task has just ended, and nothing was waited for since then.
    let mut goes_on = false;
    outgoing.send(frame::HELLO, &[]);
    loop {
        reader.look(|_| true);
        let may_begin = match reader.next() {
            Ok(Some((frame::REQUEST, _))) => Ok(true),
            Ok(Some((frame::QUEUED, _))) => permit.take(),
            Ok(Some((frame::TRACE, payload))) => {
                trace = Some(frame::parse_trace(payload));
                continue;
            }
            // The parent has no more tasks for this process.
            Ok(None) => exit(0),
            Ok(Some(_)) | Err(_) => kill_self(),
        };
        let trace = trace.take();
        match may_begin {
            Ok(true) => {
                if let Some(trace) = trace {
                    host.trace_next(trace);
                }
                let took = run_task(&mut host, reader.payload(), goes_on, &mut reply);
                goes_on = outgoing.reply(&reply, took, reader.has_frame());
            }
            // The parent has taken the task back.
            Ok(false) => {
                goes_on = false;
                if !reader.has_frame() {
                    outgoing.flush();
                }
            }
            Err(_) => kill_self(),
        }
    }
}

/// Runs the task of a request, and writes the reply; gives how long the task took.
fn run_task(host: &mut TaskHost, request: &[u8], goes_on: bool, out: &mut Vec<u8>) -> Duration {
    let request = &mut Reader(request);
    let reply = if goes_on { host.run_next(request) } else { host.run(request) };
    out.clear();
    if let Err(exception) = reply.write(&mut Writer(out)) {
        out.clear();
        // This reply consists of texts and numbers alone, so it can always be written.
        let _ = TaskReply::exception(exception).write(&mut Writer(out));
    }
    reply.took()
}

/// Ends the process when the parent is gone, whatever its other threads do.
fn watch(connection: &Connection) -> ! {
    loop {
        // No event needs to be asked for: `poll` always reports a hang-up. It does not report that
        // another thread has closed the descriptor, hence the check at each interval.
        let mut watched = [PollFd::new(connection.socket, PollFlags::empty())];
        let polled = poll(&mut watched, Some(&POLL_INTERVAL));
        let gone = PollFlags::HUP | PollFlags::ERR | PollFlags::NVAL;
        let hung_up = polled.is_ok() && watched[0].revents().intersects(gone);
        if hung_up || !connection.is_open() {
            kill_self();
        }
    }
}
