//! The rules of flows, retries, evaluation, stops, goto, bypass and `each` as one table, on three
//! engines: in memory, with a store, on the cluster. What a report says must be the same.

use std::sync::Arc;

use nexus::journal::MemoryStore;
use nexus::prelude::*;
use nexus::{Plan, StepOutcome, StepReport};

use crate::program::Busy;
use crate::support::{WorkerProcess, cluster, new_key};

/// The text of panics that are part of a test, and not printed.
pub(crate) const ON_PURPOSE: &str = "on purpose";

#[event]
fn s() -> Outcome<u32> {
    Outcome::success(1)
}

#[event]
fn f() -> Outcome<u32> {
    Outcome::failure("no")
}

#[event]
fn p() -> Result<u32, Busy> {
    Err(Busy)
}

/// Breaks twice.
#[event]
fn third(ctx: &Context) -> Result<u32, Busy> {
    if ctx.attempt() < 3 { Err(Busy) } else { Ok(3) }
}

/// The same inside of the run's own handler.
#[event(executor = DefaultExecutor)]
fn here(ctx: &Context) -> Result<u32, Busy> {
    if ctx.attempt() < 3 { Err(Busy) } else { Ok(4) }
}

#[event(executor = DefaultExecutor)]
fn panics() -> Outcome<u32> {
    std::panic::panic_any(ON_PURPOSE)
}

#[event]
fn add(#[piped] x: u32) -> Outcome<u32> {
    Outcome::success(x + 10)
}

#[event]
fn either(#[piped] x: Result<u32, Failure>) -> Outcome<String> {
    Outcome::success(format!("{:?}", x.map_err(|why| why.to_string())))
}

#[event]
fn pair(#[piped] (a, b): (Result<u32, Failure>, Result<u32, Failure>)) -> Outcome<String> {
    let text = |x: Result<u32, Failure>| x.map_or_else(|why| why.to_string(), |x| x.to_string());
    Outcome::success(format!("{} {}", text(a), text(b)))
}

#[event]
fn reason(#[piped] why: &Failure) -> Outcome<String> {
    Outcome::success(why.to_string())
}

#[event]
fn jump() -> Outcome<u32> {
    Outcome::goto(101, 7).reason("because")
}

#[event]
fn jump_failed() -> Outcome<u32> {
    Outcome::goto("premium", 8).failed()
}

fn always(_: &Context) -> Bypass<u32> {
    Bypass::skip_with("cached", 6)
}

#[event(bypass = always)]
fn skipped() -> Outcome<u32> {
    Outcome::success(0)
}

fn empty(_: &Context) -> Bypass<u32> {
    Bypass::skip("nothing to do")
}

#[event(bypass = empty)]
fn skipped_without() -> Outcome<u32> {
    Outcome::success(0)
}

#[event]
fn items() -> Outcome<Vec<u32>> {
    Outcome::success(vec![2, 0, 1, 5])
}

#[event]
fn nothing() -> Outcome<Vec<u32>> {
    Outcome::success(Vec::new())
}

/// 0 fails, 1 breaks, all others are multiplied.
#[event]
fn item(#[piped] x: &u32) -> Result<Outcome<u32>, Busy> {
    match x {
        0 => Ok(Outcome::failure("no")),
        1 => Err(Busy),
        x => Ok(Outcome::success(x * 10)),
    }
}

#[event]
fn sum(#[piped] x: &[u32]) -> Outcome<u32> {
    Outcome::success(x.iter().sum())
}

/// Each line is a flow; what stands for a state is every evaluation state.
const TABLE: &str = r"
s -> f -> p -> s
s |-> add |-> add
f |-> add
p |-> either
s || f |-> pair
{s -> f} || {p -> s} |-> pair
s (0 -> p, 1 |-> add)
f (0 |-> reason) -> s
p (0 |-> reason)
{s || f} (0 |-> reason)
{{f} (0 -> s) -> p} (0 |-> reason)
s (1 -> s (1 -> f (0 -> s)))
jump (101 |-> add, 0 -> f)
jump (0 -> s)
jump_failed (premium |-> add) -> s
skipped |-> add
skipped_without -> s
skipped_without |-> either
third[retry_policy = {max_attempts: 3, backoff_factor: 0.01}]
third * 2
third[retry_policy = {max_attempts: 3, backoff_factor: 0}] |-> add
third[retry_policy = {max_attempts: 9, retry_on_exceptions: [Other]}]
third[retry_policy = {max_attempts: 3, backoff_factor: 0.01, retry_on_exceptions: [Busy]}]
here[retry_policy = {max_attempts: 3, backoff_factor: 0.01}] |-> add
here * 2 -> panics -> panics * 2
{third || here}[retry_policy = {max_attempts: 3, backoff_factor: 0.01}] |-> pair
{s -> third} * 3 -> f * 3
s[stop_on_success] -> f
f[stop_on_error] -> s
p[stop_on_error] -> s
f[stop_on_exception] -> s
p[stop_on_exception] (0 -> s)
s -> {f[stop_on_error] -> s} -> s
{s || f}[execution_evaluation_state = OF_GROUP] (0 -> s, 1 -> add_nothing)
{f || p}[execution_evaluation_state = OF_GROUP] -> s
items |-> item[each, execution_evaluation_state = STATE, max_concurrency = 1] -> s
nothing |-> item[each, execution_evaluation_state = STATE] -> s
items |-> item[each, execution_evaluation_state = SuccessForPartialSuccess] |-> sum
items |-> add[each, max_concurrency = 2] |-> add[each] |-> sum
items |-> skipped_item[each] |-> sum
nothing |-> add[each] |-> sum
";

const STATES: [&str; 4] = [
    "SuccessOnAllEventsSuccess",
    "SuccessForPartialSuccess",
    "FailureForAllEventsFailure",
    // In a group, who is first decides who is cancelled.
    "FailureForPartialError",
];

#[event]
fn add_nothing() -> Outcome<u32> {
    Outcome::success(11)
}

fn is_five(ctx: &Context) -> Bypass<u32> {
    if ctx.item() == Some(3) { Bypass::skip_with("it is the last", 500) } else { Bypass::no() }
}

#[event(bypass = is_five)]
fn skipped_item(#[piped] x: u32) -> Outcome<u32> {
    Outcome::success(x)
}

#[derive(Debug, thiserror::Error)]
#[error("other")]
struct Other;

pub(crate) fn registry() -> Registry {
    let mut registry = Registry::linked();
    registry.error::<Busy>("Busy").error::<Other>("Other");
    registry
}

pub(crate) fn plan(flow: &str) -> Arc<Plan> {
    let flow = Flow::parse(flow).unwrap_or_else(|error| panic!("{error}"));
    flow.plan(&registry(), &Fields::new()).unwrap_or_else(|error| panic!("{error}"))
}

fn flows() -> Vec<String> {
    let lines = TABLE.lines().filter(|line| !line.is_empty());
    let each = |line: &'static str| -> Vec<String> {
        let states = if line.contains("STATE") {
            &STATES[..]
        } else if line.contains("OF_GROUP") {
            &STATES[..3]
        } else {
            return vec![line.to_owned()];
        };
        let of = |state: &&str| line.replace("STATE", state).replace("OF_GROUP", state);
        states.iter().map(of).collect()
    };
    lines.flat_map(each).collect()
}

/// All that a report says but how long things took.
fn told(report: &Report) -> Vec<String> {
    let step = |step: StepReport<'_>| {
        // Errors come back as texts.
        let outcome = match step.outcome() {
            StepOutcome::Exception(exception) => format!("{:?} {exception}", exception.kind()),
            StepOutcome::Failure(failure) => format!("failed: {failure}"),
            other => format!("{other:?}"),
        };
        let (attempts, waits, value) = (step.attempts(), step.waits(), step.value::<u32>().ok());
        format!("{} {outcome} {attempts} {waits:?} {value:?}", step.path())
    };
    let mut lines: Vec<String> = report.steps().map(step).collect();
    let stopped = report.stopped_by().map(|(step, condition)| (step.path(), condition));
    lines.push(format!("{:?} {stopped:?} {:?}", report.status(), report.broken_at().is_some()));
    lines.push(format!("{:?} {:?}", report.output::<u32>().ok(), report.output::<String>().ok()));
    lines
}

pub(crate) fn the_rules_hold_on_every_engine() {
    let _worker = WorkerProcess::start();
    let (cluster, memory) = (cluster(), Engine::new());
    let store = Engine::builder().store(MemoryStore::new()).build().unwrap();
    let flows = flows();
    for flow in &flows {
        let plan = plan(flow);
        let expected = memory.run_plan(&plan, Inputs::new()).unwrap();
        let stored = store.prepare_plan(&plan, Inputs::new()).unwrap().key(&*new_key("rule"));
        assert_eq!(told(&stored.run().unwrap()), told(&expected), "{flow} with a store");
        let report = cluster.prepare_plan(&plan, Inputs::new()).unwrap().run().unwrap();
        assert_eq!(told(&report), told(&expected), "{flow} on the cluster\n{report}\n{expected}");
    }
    println!("{} flows on three engines", flows.len());
}
