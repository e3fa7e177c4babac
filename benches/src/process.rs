//! A number to a worker process and back, one at a time and many in flight.

use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::process::{Child, Command, Stdio};

use nexus::prelude::*;

use crate::chain::fail;
use crate::measure::{Comparison, Side, nanos_each};

/// Steps of a chain, or items of a fan-out, a round.
const TRIPS: usize = 500;

/// What the hand-written worker is called with.
const PONG: &str = "--pong";

#[event]
fn zero() -> Outcome<u64> {
    Outcome::success(0)
}

#[event]
fn numbers() -> Outcome<Vec<u64>> {
    Outcome::success((0..TRIPS as u64).collect())
}

#[event(executor = ProcessPoolExecutor, executor_config = { max_workers: 1 })]
fn next(#[piped] number: u64) -> Outcome<u64> {
    Outcome::success(number + 1)
}

/// The hand-written worker: answers numbers until there are no more. Returns if this process is
/// not one.
pub(crate) fn pong() {
    if std::env::args().nth(1).as_deref() != Some(PONG) {
        return;
    }
    let Ok(socket) = std::io::stdin().try_clone_socket() else { std::process::exit(1) };
    let mut bytes = [0; 8];
    while (&socket).read_exact(&mut bytes).is_ok() {
        let next = u64::from_le_bytes(bytes) + 1;
        if (&socket).write_all(&next.to_le_bytes()).is_err() {
            break;
        }
    }
    std::process::exit(0);
}

/// Standard input as the socket that it is here.
trait CloneSocket {
    fn try_clone_socket(&self) -> std::io::Result<UnixStream>;
}

impl CloneSocket for std::io::Stdin {
    fn try_clone_socket(&self) -> std::io::Result<UnixStream> {
        use std::os::fd::AsFd;
        self.as_fd().try_clone_to_owned().map(UnixStream::from)
    }
}

/// A hand-written worker and the socket to it.
fn start_pong() -> (Child, UnixStream) {
    let (ours, theirs) = UnixStream::pair().unwrap_or_else(|error| fail(&error));
    let program = std::env::current_exe().unwrap_or_else(|error| fail(&error));
    let child = Command::new(program).arg(PONG).stdin(Stdio::from(OwnedFd::from(theirs))).spawn();
    (child.unwrap_or_else(|error| fail(&error)), ours)
}

fn trip(mut socket: &UnixStream, number: u64) -> std::io::Result<u64> {
    let mut bytes = number.to_le_bytes();
    socket.write_all(&bytes)?;
    socket.read_exact(&mut bytes)?;
    Ok(u64::from_le_bytes(bytes))
}

fn compare(work: &'static str, script: &str) -> Comparison {
    let mut registry = Registry::new();
    registry.add::<zero>().add::<numbers>().add::<next>();
    let plan = Flow::parse(script).and_then(|flow| flow.plan(&registry, &Fields::new()));
    let plan = plan.unwrap_or_else(|error| fail(&error));
    let engine = Engine::builder().step_timings(false).build().unwrap_or_else(|error| fail(&error));
    let nexus: Side<'_> = Box::new(|| {
        nanos_each(TRIPS, || {
            let report = engine.run_plan(&plan, Inputs::new()).unwrap_or_else(|error| fail(&error));
            assert!(report.is_success(), "{report}");
            report
        })
    });
    let (mut child, socket) = start_pong();
    let ping_pong: Side<'_> = Box::new(|| {
        nanos_each(TRIPS, || {
            let trips = (0..TRIPS).try_fold(0, |number, _| trip(&socket, number));
            trips.unwrap_or_else(|error| fail(&error))
        })
    });
    let comparison = Comparison::of(work, "ns/trip", nexus, vec![("ping_pong", ping_pong)]);
    drop(socket);
    let _ = child.wait();
    comparison
}

/// One number after the other: a chain of steps.
pub(crate) fn chain() -> Comparison {
    let mut script = "zero".to_owned();
    script.push_str(&" |-> next".repeat(TRIPS));
    compare("process_chain", &script)
}

/// All of them at once: an `each` step. The ping-pong has one in flight.
pub(crate) fn pipelined() -> Comparison {
    compare("process_each", "numbers |-> next[each]")
}
