//! For those who write a driver: what carries runs out on another engine than this crate's own,
//! such as inside a workflow of a cluster.
//!
//! A run is a state machine without threads, clock, input or output: a [`RunMachine`]. It says what
//! is to be done ([`RunMachine::next_action`]): run a task, ask its bypass check, wake it later, or
//! wait for what the world outside has to say of one that is pending.
//! The driver does that, wherever and however, and says what came of it
//! ([`completed`](RunMachine::completed), [`checked`](RunMachine::checked),
//! [`woken`](RunMachine::woken), [`resolved`](RunMachine::resolved), [`timed_out`](RunMachine::timed_out), [`halted`](RunMachine::halted)).
//! Retries, joins, branches, `each`, evaluation, stops and goto are the machine's matter, so they
//! are the same on every engine.
//!
//! **A task elsewhere.** [`RunMachine::request`] writes down what a task takes, as JSON: which event
//! it is, by name, and its parameters. Another process of the program has an [`EventHost`], which
//! makes a [`LocalTask`] of it; what that gives when it is run, JSON as well, is what the machine is
//! told. A task that is to run where the machine is needs no request: [`RunMachine::task`].
//!
//! **The same again.** Each thing that a machine is told becomes a [`Record`], and a machine that is
//! given the same records again ([`RunMachine::replay`]) is in the same state and asks for the same,
//! in the same order. So a driver that keeps the records keeps the run, and an engine that replays its
//! handlers (as durable execution does) has nothing to keep beside what it was told. The machine
//! asks no clock: each thing that it is told comes with the time at which it happened, which only
//! must not depend on when it is told again.
//!
//! ```
//! use std::collections::VecDeque;
//! use std::time::Duration;
//! use nexus_core::driver::{Action, EventHost, RunMachine};
//! use nexus_core::journal::Timestamp;
//! use nexus_core::{Context, Engine, Fields, Flow, Inputs, Outcome, Registry, Status};
//!
//! #[derive(Debug, thiserror::Error)]
//! #[error("the gateway is busy")]
//! struct Busy;
//!
//! let mut registry = Registry::new();
//! registry.event("charge", |ctx: &Context| match ctx.attempt() {
//!     1 => Err(Busy),
//!     _ => Ok(1_900_u32),
//! }).output_json();
//! registry.event("confirm", |ctx: &Context| {
//!     let cents = ctx.previous()[0].value::<u32>().copied();
//!     Outcome::success(format!("paid {cents:?}"))
//! }).output_json();
//! let flow = "charge[retry_policy = {backoff_factor: 60}] |-> confirm";
//! let plan = Flow::parse(flow)?.plan(&registry, &Fields::new())?;
//! let host = EventHost::new(registry);
//!
//! // The clock is the driver's.
//! let mut now = Timestamp(0);
//! let start = RunMachine::start(&plan, "order-7", Inputs::new(), now, None)?;
//! let mut machine = RunMachine::new(&plan, start.clone())?;
//! while !machine.is_finished() {
//!     match machine.next_action().expect("only this loop does what is asked for") {
//!         Action::Start(task) => {
//!             let outcome = machine.task(task, &host).run();
//!             machine.completed(task, &outcome, now);
//!         }
//!         Action::Check(task) => {
//!             let answer = machine.task(task, &host).run();
//!             machine.checked(task, &answer, now);
//!         }
//!         Action::Wake(task, after) => {
//!             now = now.plus(after);
//!             machine.woken(task, now);
//!         }
//!         _ => unreachable!("no event of this flow waits for the world outside"),
//!     }
//! }
//! // Somebody else can make the report: of how the run began, and what became of it.
//! let records = machine.records().to_vec();
//! let report = RunMachine::replay(&plan, start, &records)?.report();
//! assert_eq!(report.status(), Status::Succeeded);
//! assert_eq!(report.output::<String>()?, "paid Some(1900)");
//! assert_eq!(report.elapsed(), Duration::from_secs(60));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod host;
mod machine;
mod task;
#[cfg(test)]
mod tests;

pub use host::EventHost;
pub use machine::{Ended, RunMachine};
pub use task::LocalTask;

pub use crate::journal::{FlowRecord, FlowStep, Record, RecordKind, RunStart, Timestamp};
pub use crate::run::{Action, Task};
