//! Events in worker processes: one after the other, and many at a time.

use std::cell::RefCell;
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::process::{Child, Command, ExitCode};

use nexus::prelude::*;

use crate::chain::fail;
use crate::measure::{Comparison, Side, nanos_each};
use crate::python::Python;

/// Steps of the chain whose tasks go to a process one after the other.
const HOPS: usize = 100;

/// Tasks that are independent of each other.
const TASKS: usize = 1_000;

/// One step of the chain; it has a process to itself.
#[event(executor = ProcessPoolExecutor, executor_config = { max_workers: 1 })]
fn hop(#[piped] n: &u64) -> Outcome<u64> {
    Outcome::success(n + 1)
}

/// The chain's beginning, in this process.
#[event]
fn seed() -> Outcome<u64> {
    Outcome::success(1)
}

/// The inputs of the independent tasks.
#[event]
fn numbers() -> Outcome<Vec<u64>> {
    Outcome::success((0..TASKS as u64).collect())
}

/// One of many tasks.
#[event(executor = ProcessPoolExecutor, executor_config = { max_workers: 2 })]
fn add_one(#[piped] n: &u64) -> Outcome<u64> {
    Outcome::success(n + 1)
}

/// Runs the script again and again; gives the microseconds of each time, divided by `parts`.
fn micros_of(script: String, parts: usize) -> impl FnMut() -> f64 {
    let engine = Engine::builder().step_timings(false).build().unwrap_or_else(|error| fail(&error));
    let mut registry = Registry::new();
    registry.add::<seed>().add::<hop>().add::<numbers>().add::<add_one>();
    let plan = Flow::parse(script).and_then(|flow| flow.plan(&registry, &Fields::new()));
    let plan = plan.unwrap_or_else(|error| fail(&error));
    move || {
        let run = || engine.run_plan(&plan, Inputs::new()).and_then(Report::ok);
        nanos_each(parts, || run().unwrap_or_else(|error| fail(&error))) / 1_000.0
    }
}

pub(crate) fn roundtrip() -> Comparison {
    let nexus: Side<'_> = Box::new(micros_of(format!("seed{}", " |-> hop".repeat(HOPS)), HOPS));
    let mut baselines: Vec<(&str, Side<'_>)> = Vec::new();
    match Echo::start() {
        Ok(mut echo) => baselines.push((
            "socket_ping_pong",
            Box::new(move || nanos_each(HOPS, || echo.exchange(HOPS)) / 1_000.0),
        )),
        Err(error) => eprintln!("process_roundtrip: no child to play ping-pong with: {error}"),
    }
    if let Some(mut python) = Python::start(1) {
        let side = move || python.micros_each("in_turn", HOPS);
        baselines.push(("python_process_pool", Box::new(side)));
    }
    Comparison::of("process_roundtrip", "us/step", nexus, baselines)
}

pub(crate) fn pipelined() -> Comparison {
    let nexus: Side<'_> = Box::new(micros_of("numbers |-> add_one[each]".to_owned(), TASKS));
    let python = Python::start(2).map(RefCell::new);
    let mut baselines: Vec<(&str, Side<'_>)> = Vec::new();
    if let Some(python) = &python {
        let submit = || python.borrow_mut().micros_each("submit_all", TASKS);
        let map = || python.borrow_mut().micros_each("map_chunks", TASKS);
        baselines.push(("python_submit_all", Box::new(submit)));
        baselines.push(("python_map_chunks_of_64", Box::new(map)));
    }
    Comparison::of_slow("process_pipelined", "us/task", nexus, baselines)
}

/// The argument that makes this program the child of the hand-written ping-pong.
pub const ECHO: &str = "--echo";

/// The hand-written exchange: messages of eight bytes, there and back, over a pair of sockets.
struct Echo {
    child: Child,
    socket: UnixStream,
}

impl Echo {
    fn start() -> io::Result<Self> {
        let (socket, theirs) = UnixStream::pair()?;
        let mut command = Command::new(std::env::current_exe()?);
        let child = command.arg(ECHO).stdin(OwnedFd::from(theirs)).spawn()?;
        Ok(Self { child, socket })
    }

    fn exchange(&mut self, times: usize) -> u64 {
        let mut message = 1_u64.to_le_bytes();
        for _ in 0..times {
            let exchanged = self.socket.write_all(&message);
            if let Err(error) = exchanged.and_then(|()| self.socket.read_exact(&mut message)) {
                eprintln!("process_roundtrip: the child is gone: {error}");
                std::process::exit(1);
            }
        }
        u64::from_le_bytes(message)
    }
}

impl Drop for Echo {
    fn drop(&mut self) {
        let _ = self.socket.shutdown(std::net::Shutdown::Both);
        let _ = self.child.wait();
    }
}

/// The child: adds one to each number that comes, until none comes.
pub fn echo() -> ExitCode {
    let Ok(socket) = io::stdin().as_fd().try_clone_to_owned() else { return ExitCode::FAILURE };
    let mut socket = UnixStream::from(socket);
    let mut message = [0; 8];
    while socket.read_exact(&mut message).is_ok() {
        let next = u64::from_le_bytes(message) + 1;
        if socket.write_all(&next.to_le_bytes()).is_err() {
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}
