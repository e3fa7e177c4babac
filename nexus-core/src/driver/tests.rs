#![allow(clippy::unwrap_used, reason = "a test says what it expects")]

use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::{Action, Ended, EventHost, RunMachine, Task, Timestamp};
use crate::{
    Context, Engine, Exception, Fields, Flow, Inputs, Observer, Outcome, Plan, Registry, Report,
    RetryPolicy, Status, StepEvent, TraceContext, WorkerExit,
};

const AT: Timestamp = Timestamp(1_000);

#[derive(Debug, thiserror::Error)]
#[error("broke")]
struct Broke;

fn registry() -> Registry {
    let mut registry = Registry::new();
    registry.event("S", |_: &Context| Outcome::success(1_u32)).output_json();
    registry.event("W", |_: &Context| Outcome::<u32>::pending()).output_json();
    registry.event("P", |_: &Context| Err::<u32, _>(Broke)).output_json();
    registry.event("Nan", |_: &Context| Outcome::success(f64::NAN)).output_json();
    registry
        .event("Panics", |_: &Context| -> Outcome<u32> { std::panic::panic_any("on purpose") })
        .output_json();
    registry
}

fn plan(flow: &str) -> Arc<Plan> {
    Flow::parse(flow).unwrap().plan(&registry(), &Fields::new()).unwrap()
}

fn machine(flow: &str) -> RunMachine {
    let plan = plan(flow);
    let limit = Some(Duration::from_mins(1));
    let start = RunMachine::start(&plan, "k", Inputs::new(), AT, limit).unwrap();
    RunMachine::new(&plan, start).unwrap()
}

fn started(machine: &mut RunMachine) -> Task {
    match machine.next_action() {
        Some(Action::Start(task)) => task,
        other => panic!("{other:?}"),
    }
}

fn outcome(machine: &RunMachine, task: Task) -> String {
    machine.task(task, &EventHost::new(registry())).run()
}

/// What the report says of a step.
fn told(report: &Report, step: &str) -> String {
    format!("{:?}", report.step(step).unwrap().outcome())
}

/// Drives the rest of a run on the spot.
fn to_end(mut machine: RunMachine) -> Report {
    while let Some(action) = machine.next_action() {
        match action {
            Action::Start(task) => _ = machine.completed(task, outcome(&machine, task), AT),
            Action::Check(task) => _ = machine.checked(task, outcome(&machine, task), AT),
            Action::Wake(task, wait) => _ = machine.woken(task, AT.plus(wait)),
            Action::Await(..) => panic!("nothing is pending"),
        }
    }
    assert!(machine.is_finished());
    machine.report()
}

#[test]
fn what_comes_twice_or_late_changes_nothing() {
    let mut machine = machine("S -> S");
    let task = started(&mut machine);
    let said = outcome(&machine, task);
    assert!(!machine.checked(task, "\"run\"", AT) && !machine.woken(task, AT));
    assert!(machine.completed(task, &said, AT));
    assert!(!machine.completed(task, &said, AT), "it is told twice");
    assert!(!machine.is_wanted(task));
    assert_eq!(machine.records().len(), 1);
    assert_eq!(to_end(machine).status(), Status::Succeeded);
}

#[test]
fn an_outcome_that_cannot_be_read_or_written_is_an_exception_of_its_event() {
    for said in ["", "[]", "{\"outcome\": {\"success\": \"seven\"}, \"busy\": 0}"] {
        let mut machine = machine("S");
        let task = started(&mut machine);
        assert!(machine.completed(task, said, AT));
        let text = told(&to_end(machine), "S");
        assert!(text.contains("what `S` yielded cannot be read"), "{text}");
    }
    for (flow, says) in [("Nan", "NaN cannot be written as JSON"), ("Panics", "on purpose")] {
        let text = told(&to_end(machine(flow)), flow);
        assert!(text.contains(says), "{text}");
    }
}

#[test]
fn a_lost_worker_uses_up_no_attempt_and_three_of_them_are_enough() {
    let mut machine = machine("S * 2");
    let lost = Exception::worker_lost(WorkerExit::new(Some(9), None));
    for _ in 0..3 {
        let task = started(&mut machine);
        assert_eq!(task.attempt(), 1);
        assert!(machine.failed(Action::Start(task), &lost, AT));
    }
    let report = to_end(machine);
    assert_eq!(report.step("S").unwrap().attempts(), 1);
    assert!(told(&report, "S").contains("3 workers died"));
}

#[test]
fn a_timeout_ends_the_attempt_and_the_late_outcome_is_not_wanted() {
    let mut machine = machine("S[timeout = \"5s\"] * 2");
    let task = started(&mut machine);
    assert_eq!(machine.timeout(task), Some(Duration::from_secs(5)));
    let late = outcome(&machine, task);
    assert!(machine.timed_out(task, AT.plus(Duration::from_secs(5))));
    assert!(!machine.completed(task, &late, AT));
    let Some(Action::Wake(again, wait)) = machine.next_action() else { panic!("no retry") };
    assert_eq!((again.attempt(), wait), (2, Duration::from_millis(50)));
    assert!(machine.woken(again, AT));
    assert_eq!(to_end(machine).status(), Status::Succeeded);
}

#[test]
fn a_run_that_is_halted_asks_for_nothing_more() {
    for (by, status) in [(Ended::Cancelled, Status::Cancelled), (Ended::TimedOut, Status::TimedOut)]
    {
        let mut machine = machine("S || S -> S");
        assert_eq!(machine.deadline(), Some(AT.plus(Duration::from_mins(1))));
        let task = started(&mut machine);
        assert!(machine.halted(by, AT));
        assert!(!machine.is_wanted(task) && !machine.halted(by, AT));
        assert_eq!(machine.next_action(), None);
        assert_eq!(to_end(machine).status(), status);
    }
}

#[test]
fn the_time_of_all_attempts_is_that_of_the_records() {
    let policy = "retry_policy = {max_attempts: 9, backoff_factor: 1, max_elapsed: \"2s\"}";
    let mut machine = machine(&format!("P[{policy}]"));
    let task = started(&mut machine);
    let said = outcome(&machine, task);
    machine.completed(task, &said, AT);
    let Some(Action::Wake(task, _)) = machine.next_action() else { panic!("no retry") };
    machine.woken(task, AT.plus(Duration::from_secs(1)));
    let task = started(&mut machine);
    // The second attempt takes longer than is left.
    machine.completed(task, &said, AT.plus(Duration::from_secs(3)));
    assert!(machine.is_finished());
    assert_eq!(machine.report().step("P").unwrap().attempts(), 2);
}

#[test]
fn a_machine_is_made_of_the_flow_that_its_run_began_with_alone() {
    let plan = |flow| Flow::parse(flow).unwrap().plan(&registry(), &Fields::new()).unwrap();
    let start = RunMachine::start(&plan("S"), "k", Inputs::new(), AT, None).unwrap();
    let error = RunMachine::new(&plan("S -> S"), start).unwrap_err().to_string();
    assert!(error.contains("its flow has changed since it began"), "{error}");
}

#[test]
fn an_event_that_is_not_here_and_a_request_that_is_none_say_so() {
    let mut registry = registry();
    let policy = RetryPolicy::builder().max_attempts(1).build();
    registry.event("S", |_: &Context| Outcome::success(2_u32)).retry_policy(policy);
    let host = EventHost::new(registry);
    let request = |name| {
        format!(
            r#"[{{"reference":"{name}","run":[0,1],"pipeline":"p","path":"p","now":{{"secs":0,"nanos":0}}}},{{"attempt":1,"item":null,"deadline":null}},[]]"#
        )
    };
    for (request, says) in [
        (request("Q"), "no such event"),
        (request("S"), "two events have that name"),
        ("{}".to_owned(), "expected"),
    ] {
        let said = host.task(&request).run();
        assert!(said.contains(says) && said.contains("serialization"), "{said}");
        assert!(host.check(&request).run().contains(says));
    }
    let said = host.task(&request("P")).run();
    assert!(said.contains("broke"), "{said}");
}

#[test]
fn a_pending_task_ends_with_what_the_driver_is_told() {
    let address = "W".parse().unwrap();
    let value = |json| RunMachine::value_outcome(&plan("W |-> S"), &address, json);
    assert!(value("\"text\"").unwrap_err().to_string().contains("`W` of"));
    for (answer, told_of_it) in [
        (value("6").unwrap(), "Success"),
        (RunMachine::failure_outcome("Ada is ill"), "Ada is ill"),
    ] {
        let mut run = machine("W |-> S");
        let task = started(&mut run);
        let said = outcome(&run, task);
        assert!(!run.resolved(task, &answer, AT), "it is not pending yet");
        assert!(run.completed(task, &said, AT));
        assert_eq!(run.next_action(), Some(Action::Await(task, None)));
        assert!(run.resolved(task, &answer, AT) && !run.resolved(task, &answer, AT));
        let report = to_end(run);
        assert!(told(&report, "W").contains(told_of_it), "{report}");
    }
    // A driver that has nobody to ask says so.
    let mut run = machine("W");
    let task = started(&mut run);
    let said = outcome(&run, task);
    run.completed(task, &said, AT);
    let action = run.next_action().unwrap();
    assert!(run.failed(action, &Exception::not_run("nobody answers here"), AT));
    assert!(told(&to_end(run), "W").contains("nobody answers here"));
}

/// Notes where in a trace attempts begin.
#[derive(Clone, Default)]
struct Begun(Arc<Mutex<Vec<String>>>);

impl Observer for Begun {
    fn event_execution_received(&self, step: &StepEvent<'_>, trace: Option<&TraceContext>) {
        let at = trace.and_then(|trace| trace.traceparent.clone());
        self.0.lock().unwrap().push(format!("{} {at:?}", step.context().step_path()));
    }
}

/// Otherwise what runs inside of the run's handler is in no trace, and its time in no metric.
#[test]
fn a_task_that_stays_is_observed_as_one_elsewhere_and_in_its_run_s_trace() {
    let begun = Begun::default();
    let host = EventHost::new(registry()).set_up_like(&Engine::builder().observer(begun.clone()));
    let mut machine = machine("S |-> S").in_trace(TraceContext::new(Some("00-1-2-01".into()), 0));
    let task = started(&mut machine);
    // One that is made again and not run, as of a handler that is replayed, is no attempt.
    drop(machine.task(task, &host));
    let outcome = machine.task(task, &host).run();
    machine.completed(task, &outcome, AT);
    let task = started(&mut machine);
    let outcome = host.task(&machine.request(task, 1 << 20).unwrap()).run();
    assert!(outcome.contains("success"), "{outcome}");
    assert_eq!(*begun.0.lock().unwrap(), ["S Some(\"00-1-2-01\")", "S#2 None"]);
}
