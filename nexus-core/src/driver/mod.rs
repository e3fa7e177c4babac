//! For those who write a driver: what carries runs out on another engine than this crate's own,
//! such as inside a workflow of a cluster.
//!
//! A run is a state machine without threads, clock, input or output: a [`RunMachine`]. It says what
//! is to be done ([`RunMachine::next_action`]), the driver does that, wherever and however, and says what
//! came of it. Retries, joins, branches, `each`, evaluation, stops and goto are the machine's matter, so
//! they are the same on every engine.
//!
//! | what is to be done | how it is done elsewhere | what the machine is told |
//! |---|---|---|
//! | [`Start`](Action::Start) a task | a call by the name of its [event](RunMachine::event), with its [request](RunMachine::request); who has the event runs [`EventHost::task`] and answers with what that gives | [`completed`](RunMachine::completed) |
//! | [`Check`](Action::Check) whether it is bypassed | the same with [`EventHost::check`] | [`checked`](RunMachine::checked) |
//! | [`Wake`](Action::Wake) it after a while | a timer | [`woken`](RunMachine::woken) |
//! | [`Await`](Action::Await) what the world outside says of one that is pending | a signal by its [address](RunMachine::step_address); who sends it makes its content with [`value_outcome`](RunMachine::value_outcome) or [`failure_outcome`](RunMachine::failure_outcome) | [`resolved`](RunMachine::resolved) |
//!
//! - **All of it at once.** Each thing that is asked for is put under way without waiting for the others; when no
//!   more is asked for, the driver waits for whatever ends first, tells it, and asks again, until
//!   the run [is finished](RunMachine::is_finished). What is not [wanted](RunMachine::is_wanted) any more may
//!   be given up; if it ends all the same, telling it changes nothing.
//! - **Time.** The machine asks no clock: each thing comes with the time at which it happened. A started task that
//!   takes longer than its [timeout](RunMachine::timeout), and a pending one that takes longer than its `Await` says, has
//!   [timed out](RunMachine::timed_out). When the run's [deadline](RunMachine::deadline) is over, or somebody
//!   cancels it, it is [halted](RunMachine::halted).
//! - **Where.** A task that [stays](RunMachine::stays) is run where the machine is, with
//!   [`RunMachine::task`] in place of a request. So are its checks.
//! - **When something breaks.** An exception of a body is an answer like others. What could not be run at all has
//!   [failed](RunMachine::failed); with [`Exception::worker_lost`](crate::Exception::worker_lost) it is begun again and
//!   uses up no attempt, three times. An engine that gives a lost call to another worker itself says nothing of it.
//! - **Where a run begins and ends.** [`RunStart`] is how it begins, the flow included, and is the input of a workflow, as
//!   JSON. The worker that gets it finds its plan with [`RunMachine::linked_plan`], and makes the machine with
//!   [`RunMachine::new`]. What the run has come to is its [records](RunMachine::records), JSON as well, from which
//!   anybody who has the plan makes the report: [`RunMachine::replay`], [`RunMachine::report`].
//! - **The same again.** Each thing that a machine is told becomes a [`Record`], and a machine that is told the same
//!   in the same order asks for the same in the same order. So an engine that replays its handlers, as durable
//!   execution does, has nothing to keep beside what it has answered, times included. A driver without such an engine
//!   keeps the records, and goes on from them with [`RunMachine::replay`].
//!
//! In this example a function stands for a workflow, another one for the workers, and it does one thing at a time:
//!
//! ```
//! use std::sync::Arc;
//! use std::time::Duration;
//! use nexus_core::driver::{Action, EventHost, Record, RunMachine, RunStart, Timestamp};
//! use nexus_core::{Context, Fields, Flow, Inputs, Outcome, Plan, Registry, Status};
//!
//! type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;
//!
//! /// A workflow: takes how the run begins, and gives what has come of it.
//! fn workflow(input: &str, plan: &Arc<Plan>, host: &EventHost) -> Result<String> {
//!     let start: RunStart = serde_json::from_str(input)?;
//!     // The engine's clock.
//!     let mut now = start.at;
//!     let mut machine = RunMachine::new(plan, start)?;
//!     while !machine.is_finished() {
//!         let action = machine.next_action().ok_or("all that was asked for has ended")?;
//!         let task = action.task();
//!         match action {
//!             Action::Start(_) | Action::Check(_) => {
//!                 let answer = if machine.stays(task) {
//!                     Ok(machine.task(task, host).run())
//!                 } else {
//!                     machine.request(task, 1 << 20).map(|request| call(action, &request, host))
//!                 };
//!                 match (answer, action) {
//!                     (Ok(answer), Action::Check(_)) => machine.checked(task, answer, now),
//!                     (Ok(answer), _) => machine.completed(task, answer, now),
//!                     (Err(exception), _) => machine.failed(action, &exception, now),
//!                 };
//!             }
//!             Action::Wake(_, wait) => {
//!                 now = now.plus(wait);
//!                 machine.woken(task, now);
//!             }
//!             Action::Await(..) => {
//!                 let signal = signal(plan, &machine.step_address(task).to_string())?;
//!                 now = now.plus(Duration::from_secs(30));
//!                 machine.resolved(task, &signal, now);
//!             }
//!             _ => return Err("a newer nexus asks for something else".into()),
//!         }
//!     }
//!     Ok(serde_json::to_string(machine.records())?)
//! }
//!
//! /// A call, which comes to a worker that has the event.
//! fn call(action: Action, request: &str, host: &EventHost) -> String {
//!     match action {
//!         Action::Check(_) => host.check(request).run(),
//!         _ => host.task(request).run(),
//!     }
//! }
//!
//! /// What somebody outside says of a step that is pending.
//! fn signal(plan: &Plan, step: &str) -> Result<String> {
//!     Ok(RunMachine::value_outcome(plan, &step.parse()?, "\"Ada\"")?)
//! }
//!
//! #[derive(Debug, thiserror::Error)]
//! #[error("the gateway is busy")]
//! struct Busy;
//!
//! let mut registry = Registry::new();
//! registry.event("approve", |_: &Context| Outcome::<String>::pending()).output_json();
//! registry.event("charge", |ctx: &Context| match ctx.attempt() {
//!     1 => Err(Busy),
//!     _ => Ok(1_900_u32),
//! }).output_json();
//! let flow = "approve -> charge[retry_policy = {backoff_factor: 60}]";
//! let plan = Flow::parse(flow)?.plan(&registry, &Fields::new())?;
//!
//! // Whoever begins the run needs no event.
//! let start = RunMachine::start(&plan, "order-7", Inputs::new(), Timestamp(0), None)?;
//! let output = workflow(&serde_json::to_string(&start)?, &plan, &EventHost::new(registry))?;
//! let records: Vec<Record> = serde_json::from_str(&output)?;
//! let report = RunMachine::replay(&plan, start, records)?.report();
//! assert_eq!(report.status(), Status::Succeeded);
//! assert_eq!(report.step("approve").unwrap().value::<String>()?, "Ada");
//! assert_eq!(report.output::<u32>()?, &1_900);
//! assert_eq!(report.elapsed(), Duration::from_secs(90));
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
