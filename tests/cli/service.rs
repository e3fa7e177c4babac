//! A program with durable runs under test: what its steps do is in the hands of the test.

use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, ExitCode};
use std::time::Duration;

use nexus::Secret;
use nexus::prelude::*;
use nexus::runs::{StepEvent, TraceContext};
use nexus::schedule::{Misfire, Overlap, Schedule, Scheduled};

use crate::shop::{CommandResult, command, wait_for_result, without_progress};

/// The value of [`ROLE`](crate::shop::ROLE) for this program.
pub(crate) const DURABLE: &str = "durable";

/// Set for a program whose schedule fires each second.
pub(crate) const OFTEN: &str = "NEXUS_TEST_OFTEN";

/// The value of [`OFTEN`] for a program whose pipeline declares that.
pub(crate) const DECLARED: &str = "declared";

/// Says that it begins, and ends when the test writes a line, with what that says.
#[event]
fn hold() -> Outcome<String> {
    println!("hold begins");
    let mut line = String::new();
    match std::io::stdin().read_line(&mut line) {
        Ok(0) | Err(_) => loop {
            std::thread::park();
        },
        Ok(_) => Outcome::success(line.trim().to_owned()),
    }
}

/// Says that it begins, and ends when it is no longer wanted.
#[event]
fn wait(ctx: &Context) -> Outcome<()> {
    println!("wait begins");
    while !ctx.is_cancelled() {
        std::thread::yield_now();
    }
    Outcome::success(())
}

#[derive(Debug, thiserror::Error)]
#[error("the gateway timed out")]
struct GatewayError;

/// Breaks once if that is asked for.
#[event(retry_policy = { max_attempts: 2, backoff_factor: 0.01 })]
fn take(cents: &u64, ctx: &Context) -> Result<u64, GatewayError> {
    if *cents == 13 && ctx.attempt() == 1 { Err(GatewayError) } else { Ok(*cents) }
}

/// Says no to what is too much.
#[event]
fn confirm(cents: &u64) -> Outcome<String> {
    if *cents > 1000 { Outcome::failure("too much") } else { Outcome::success("paid".into()) }
}

/// Charges an order.
#[derive(Pipeline)]
#[pipeline(durable, flow = take -> confirm)]
struct ChargePipeline {
    cents: u64,
}

/// Charges an order when the test says so.
#[derive(Pipeline)]
#[pipeline(durable, flow = take -> hold -> confirm)]
struct HoldPipeline {
    cents: u64,
}

/// Breaks until somebody tries again.
#[event]
fn ship(ctx: &Context) -> Result<u32, GatewayError> {
    if ctx.attempt() == 1 { Err(GatewayError) } else { Ok(ctx.attempt()) }
}

/// Takes the money and ships.
#[derive(Pipeline)]
#[pipeline(durable, flow = take -> ship)]
struct ShipPipeline {
    cents: u64,
}

/// Asks somebody.
#[event]
fn approve() -> Outcome<u64> {
    Outcome::pending()
}

/// Charges an order when somebody agrees.
#[derive(Pipeline)]
#[pipeline(durable, flow = approve -> confirm)]
struct ApprovePipeline {
    cents: u64,
}

/// Charges the same again and again.
#[derive(Pipeline)]
#[pipeline(durable, flow = take, schedule = "every 1s", zone = "Europe/Oslo")]
struct SubscriptionPipeline {
    #[field(default = 7)]
    cents: u64,
}

/// Waits until it is cancelled.
#[derive(Pipeline)]
#[pipeline(durable, flow = wait -> wait)]
struct WaitPipeline {}

/// Knows the door.
#[event]
fn unlock(pin: &Secret<u32>) -> Outcome<Secret<u32>> {
    if *pin.expose() == 1234 { Outcome::success(*pin) } else { Outcome::failure("no") }
}

/// Opens the door.
#[derive(Pipeline)]
#[pipeline(flow = unlock)]
struct UnlockPipeline {
    pin: Secret<u32>,
}

/// Says what a worker of a cluster is given.
struct Received;

impl Observer for Received {
    fn event_execution_received(&self, step: &StepEvent<'_>, _: Option<&TraceContext>) {
        println!("received {}", step.context().step_path());
    }
}

pub(crate) fn main() -> ExitCode {
    nexus::init();
    let yearly = Schedule::cron("@yearly").and_then(|it| it.zone("Europe/Oslo"));
    let yearly = Scheduled::pipeline("yearly", yearly.unwrap(), || ChargePipeline { cents: 5 });
    let often = Schedule::every(Duration::from_secs(1)).unwrap();
    let often = Scheduled::pipeline("often", often, || ChargePipeline { cents: 6 });
    let often = often.misfire(Misfire::All(1000)).overlap(Overlap::Allow);
    let app = nexus::cli::App::new("shop");
    let app = match std::env::var(OFTEN).as_deref() {
        Ok(DECLARED) => app.pipeline::<SubscriptionPipeline>(),
        Ok(_) => app.schedule(often),
        Err(_) => app.schedule(yearly),
    };
    app.engine(|engine| engine.observer(Received))
        .pipeline::<ChargePipeline>()
        .pipeline::<HoldPipeline>()
        .pipeline::<WaitPipeline>()
        .pipeline::<ShipPipeline>()
        .pipeline::<ApprovePipeline>()
        .pipeline::<UnlockPipeline>()
        .main()
}

/// A store of a test, in a folder of this process's own.
pub(crate) fn new_store(name: &str) -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("cli-stores");
    std::fs::create_dir_all(&folder).unwrap();
    for suffix in ["", "-wal", "-shm", "-owner"] {
        let _ = std::fs::remove_file(folder.join(format!("{name}.db{suffix}")));
    }
    folder.join(format!("{name}.db"))
}

/// Calls the program with this store.
pub(crate) fn call(store: &Path, args: &[&str]) -> CommandResult {
    wait_for_result(program(store, args).spawn().unwrap())
}

pub(crate) fn program(store: &Path, args: &[&str]) -> Command {
    let mut command = command(args);
    command.env(crate::shop::ROLE, DURABLE);
    command.env("NEXUS_STORE", store).env("JOURNAL_STREAM", "1:1");
    command.env("LOGNAME", "ada");
    command
}

/// A process of the program that goes on until it is told to end.
pub(crate) struct Running {
    pub(crate) child: Child,
    out: BufReader<ChildStdout>,
    input: ChildStdin,
}

impl Drop for Running {
    /// A test that fails leaves no process behind.
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Running {
    pub(crate) fn start(store: &Path, args: &[&str]) -> Self {
        Self::of(&mut program(store, args))
    }

    pub(crate) fn of(command: &mut Command) -> Self {
        let mut child = command.spawn().unwrap();
        let out = BufReader::new(child.stdout.take().unwrap());
        let input = child.stdin.take().unwrap();
        Self { child, out, input }
    }

    /// Its next line on the standard output; empty at the end.
    pub(crate) fn line(&mut self) -> String {
        let mut line = String::new();
        self.out.read_line(&mut line).unwrap();
        line.trim_end().to_owned()
    }

    /// Reads on until it says so.
    pub(crate) fn until(&mut self, said: &str) {
        loop {
            let line = self.line();
            if line == said {
                return;
            }
            assert!(!line.is_empty(), "it ended without saying `{said}`");
        }
    }

    /// Reads on until a line of JSON is about this event.
    pub(crate) fn until_json(&mut self, event: &str) {
        loop {
            let line = self.line();
            let said: serde_json::Value = serde_json::from_str(&line).unwrap();
            if said["event"] == event {
                return;
            }
        }
    }

    /// Lets `hold` end.
    pub(crate) fn release(&mut self) {
        self.input.write_all(b"released\n").unwrap();
    }

    #[cfg(unix)]
    pub(crate) fn signal(&self, signal: rustix::process::Signal) {
        let pid = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(pid, signal).unwrap();
    }

    /// The rest of what it says, when it has ended.
    pub(crate) fn end(mut self) -> CommandResult {
        let (mut out, mut err) = (String::new(), String::new());
        self.out.read_to_string(&mut out).unwrap();
        self.child.stderr.take().unwrap().read_to_string(&mut err).unwrap();
        let err = without_progress(&err);
        CommandResult { code: self.child.wait().unwrap().code(), out, err }
    }
}
