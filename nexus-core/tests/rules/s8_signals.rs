//! Section 8: what observers hear.

use std::time::Duration;

use super::support::*;

struct Tape(Log);

fn how(ended: Ended<'_>) -> String {
    match ended {
        Ended::Success => "success".to_owned(),
        Ended::Failure(failure) => format!("failure {failure}"),
        Ended::Exception(exception) => format!("exception {exception}"),
        _ => unreachable!(),
    }
}

impl Tape {
    fn note(&self, signal: &str, step: &StepEvent<'_>, more: &str) {
        self.0.add(format!(
            "{signal} {} {}{more}",
            step.context().step_path(),
            step.context().attempt()
        ));
    }
}

impl Observer for Tape {
    fn pipeline_execution_start(&self, run: &RunEvent<'_>) {
        self.0.add(format!("begin {} {}", run.pipeline(), run.steps()));
    }
    fn pipeline_execution_stop(
        &self,
        _: &RunEvent<'_>,
        step: &StepEvent<'_>,
        condition: StopCondition,
    ) {
        self.note("stop", step, &format!(" {}", condition.name()));
    }
    fn pipeline_execution_end(&self, run: &RunEvent<'_>, end: &RunEnd<'_>) {
        let step = end.step().map(|step| format!(" at {step}")).unwrap_or_default();
        let reason = end.reason().map(|reason| format!(": {reason}")).unwrap_or_default();
        self.0.add(format!("over {} {}{step}{reason}", run.pipeline(), end.status()));
    }
    fn event_execution_init(&self, step: &StepEvent<'_>) {
        self.note("init", step, "");
    }
    fn event_execution_start(&self, step: &StepEvent<'_>) {
        self.note("start", step, "");
    }
    fn event_execution_end(&self, step: &StepEvent<'_>, ended: Ended<'_>) {
        self.note("end", step, &format!(" {}", how(ended)));
    }
    fn event_execution_retry(&self, step: &StepEvent<'_>, exception: &Exception, wait: Duration) {
        self.note("retry", step, &format!(" {exception} {wait:?}"));
    }
    fn event_execution_retry_done(&self, step: &StepEvent<'_>, ended: Ended<'_>) {
        self.note("done", step, &format!(" {}", how(ended)));
    }
    fn event_execution_bypassed(&self, step: &StepEvent<'_>, reason: &str) {
        self.note("bypassed", step, &format!(" {reason}"));
    }
    fn event_execution_cancelled(&self, step: &StepEvent<'_>, reason: &Failure) {
        self.note("cancelled", step, &format!(" {reason}"));
    }
}

fn heard(registry: &Registry, flow: &str) -> Vec<String> {
    let log = Log::default();
    let engine = TestEngine::new().observer(Tape(log.clone())).build().unwrap();
    run_on(&engine, registry, flow);
    log.lines()
}

#[test]
fn an_observer_hears_every_attempt_of_a_retried_event_in_order() {
    let mut registry = registry();
    registry.event("Twice", |ctx: &Context| if ctx.attempt() < 3 { Err(Broke) } else { Ok(()) });
    let wanted = [
        "begin flow 2",
        "init Twice 1",
        "start Twice 1",
        "end Twice 1 exception broke",
        "retry Twice 1 broke 50ms",
        "init Twice 2",
        "start Twice 2",
        "end Twice 2 exception broke",
        "retry Twice 2 broke 100ms",
        "init Twice 3",
        "start Twice 3",
        "end Twice 3 success",
        "done Twice 3 success",
        "init F 1",
        "start F 1",
        "end F 1 failure no",
        "over flow failed at F: flow failed at `F`: no",
    ];
    assert_eq!(heard(&registry, "Twice * 3 -> F"), wanted);
    assert_eq!(heard(&registry, "{Twice * 3 -> F}[executor = ThreadPoolExecutor]"), wanted);
}

#[test]
fn an_observer_hears_that_retries_did_not_help_and_that_an_event_was_bypassed() {
    let mut registry = registry();
    registry
        .event("Skip", |_: &Context| Outcome::success(()))
        .bypass(|_| Bypass::<()>::skip("cached"));
    let heard = heard(&registry, "P * 2 -> Skip");
    assert_eq!(
        heard[7..],
        [
            "end P 2 exception broke",
            "done P 2 exception broke",
            "bypassed Skip 1 cached",
            "over flow failed at P: flow failed at `P` after 2 attempts: broke"
        ]
    );
}

#[test]
fn an_observer_hears_why_a_run_stopped_and_which_step_was_cancelled() {
    let mut registry = registry();
    registry.event("Halts", |_: &Context| Outcome::<()>::failure("no")).stop_on_error(true);
    let stopped = heard(&registry, "Halts -> S");
    assert_eq!(
        stopped[4..],
        [
            "stop Halts 1 stop_on_error",
            "over flow stopped at Halts: flow was stopped at `Halts` by `stop_on_error`"
        ]
    );
    registry
        .event("Late", |ctx: &Context| {
            while !ctx.is_cancelled() {
                std::thread::yield_now();
            }
            Outcome::success(())
        })
        .executor::<ThreadPoolExecutor>();
    let script = "{Late || F}[execution_evaluation_state = FailureForPartialError]";
    let cancelled = heard(&registry, script);
    let wanted = "cancelled Late 1 another member of its group did not succeed".to_owned();
    assert!(cancelled.contains(&wanted), "{cancelled:#?}");
    assert_eq!(heard(&registry, "S").last().unwrap(), "over flow succeeded");
}

#[test]
fn several_observers_hear_the_same() {
    let (first, second) = (Log::default(), Log::default());
    let engine = TestEngine::new()
        .observer(Tape(first.clone()))
        .observer(Tape(second.clone()))
        .build()
        .unwrap();
    run_on(&engine, &registry(), "S -> F");
    assert_eq!(first.lines(), second.lines());
    assert_eq!(first.lines().len(), 8);
}

/// Who tells steps apart by their index, as the dashboard does, finds them in the flow with it.
#[test]
fn the_index_of_a_step_is_its_place_in_script_order() {
    struct Indexes(Log);
    impl Observer for Indexes {
        fn event_execution_start(&self, step: &StepEvent<'_>) {
            self.0.add(format!("{} {}", step.step_index(), step.context().step_path()));
        }
    }
    let log = Log::default();
    let engine = TestEngine::new().observer(Indexes(log.clone())).build().unwrap();
    let (script, registry) = ("{S -> S} -> F (0 -> S -> {S -> S}, 1 -> S) -> S", registry());
    run_on(&engine, &registry, script);
    let plan = Flow::parse(script).unwrap().plan(&registry, &Fields::new()).unwrap();
    let known: Vec<String> =
        plan.step_paths().enumerate().map(|(index, path)| format!("{index} {path}")).collect();
    assert!(log.lines().len() >= 6, "{:?}", log.lines());
    assert!(log.lines().iter().all(|it| known.contains(it)), "{:?}, {known:?}", log.lines());
}

/// Hears what it wants, and says of each signal where the task is.
struct Choosy(Signals, Log);

impl Choosy {
    fn note(&self, signal: &str, step: &StepEvent<'_>) {
        self.1.add(format!("{signal} {}", step.event()));
    }
}

impl Observer for Choosy {
    fn signals(&self) -> Signals {
        self.1.add("asked");
        self.0
    }
    fn pipeline_execution_end(&self, _: &RunEvent<'_>, _: &RunEnd<'_>) {
        self.1.add("over");
    }
    fn step_execution_end(&self, step: &StepEvent<'_>, _: bool) {
        self.note("step", step);
    }
    fn event_execution_init(&self, step: &StepEvent<'_>) {
        self.note("init", step);
    }
    fn event_execution_start(&self, step: &StepEvent<'_>) {
        self.note("start", step);
    }
    fn event_execution_end(&self, step: &StepEvent<'_>, _: Ended<'_>) {
        self.note("end", step);
    }
    fn event_body_enter(&self, step: &StepEvent<'_>) {
        self.note("enter", step);
    }
    fn event_body_leave(&self, step: &StepEvent<'_>) {
        self.note("leave", step);
    }
}

/// An observer that says what it wants costs the engine nothing else; what it wants it must get, whatever
/// the others want.
#[test]
fn each_observer_hears_what_it_wants_and_is_asked_once() {
    let own = "init S, start S, end S";
    let pooled = "init Pooled, start Pooled, end Pooled";
    let wanted = [
        (Signals::NONE, String::new()),
        (Signals::OWN_TASKS, own.to_owned()),
        (Signals::POOL_TASKS, pooled.to_owned()),
        (Signals::BODIES, String::new()),
        (
            Signals::POOL_TASKS.with(Signals::BODIES),
            pooled.replace("start Pooled", "start Pooled, enter Pooled, leave Pooled"),
        ),
        (Signals::STEP_ENDS, "step S, step Pooled".to_owned()),
        (Signals::OWN_TASKS.with(Signals::POOL_TASKS), format!("{own}, {pooled}")),
        (Signals::ALL.without(Signals::ALL), String::new()),
    ];
    let mut registry = registry();
    registry.event("Pooled", |_: &Context| Outcome::success(())).executor::<ThreadPoolExecutor>();
    let mut engine = TestEngine::new();
    let logs: Vec<Log> = wanted.iter().map(|_| Log::default()).collect();
    for ((signals, _), log) in wanted.iter().zip(&logs) {
        engine = engine.observer(Choosy(*signals, log.clone()));
    }
    let engine = engine.build().unwrap();
    run_on(&engine, &registry, "S -> Pooled");
    // An engine with this one observer gives the same.
    for ((signals, heard), log) in wanted.iter().zip(&logs) {
        let separator = if heard.is_empty() { "" } else { ", " };
        let line = format!("asked, {heard}{separator}over");
        assert_eq!(log.lines().join(", "), line, "{signals:?} beside others");
        let alone = Log::default();
        let engine = TestEngine::new().observer(Choosy(*signals, alone.clone())).build().unwrap();
        run_on(&engine, &registry, "S -> Pooled");
        assert_eq!(alone.lines(), log.lines(), "{signals:?} alone");
    }
}
