//! Random flows with random outcomes, run on the engine and by a reference interpreter.
//!
//! Two ways to run: everything on the driving thread, and on pools of threads. Both are compared
//! with the same prediction: which steps ran, how they ended, attempts, waits, what each saw in
//! `previous()`, the order of what stands in sequence, and the run's status.
//!
//! What is not compared, since who is first decides it: beside a step that ends the run (a stop, a
//! goto without a branch) and beside a failure in a `FailureForPartialError` group, a step of the
//! same group may run or not; if it runs, it must still do what was predicted. Where both meet in
//! one group, only the steps' paths are compared; that is so for about one flow in three hundred.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::cast_precision_loss,
    clippy::result_large_err,
    reason = "a test fails by panic, and its numbers are small"
)]

#[allow(clippy::cast_sign_loss, reason = "the numbers come from the generator")]
mod reference;

mod driver;
mod durable;
mod simulated;

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

use nexus_core::testing::TestEngine;
use nexus_core::{
    Bypass, Context, DefaultExecutor, Engine, ExecutorInitializerConfig, Fields, Flow, Inputs,
    Jitter, NotRun, Outcome, Plan, Registry, Report, RetryPolicy, Status, StepOutcome,
    ThreadPoolExecutor,
};
use nexus_pointy::Descriptor;
use proptest::prelude::*;
use proptest::test_runner::TestCaseResult;
use proptest::{collection::vec, option};
use reference::{Kind, Out, Own, Play, Reference};

/// `b` events have a bypass check, `r` events a retry policy, `s` events a stop condition.
const EVENTS: [&str; 6] = ["a0", "a1", "b0", "b1", "r0", "s0"];

fn own(event: &str) -> Own {
    Own {
        policy: event.starts_with('r').then_some((3, 500, 1500)),
        stop_on_exception: event.starts_with('s'),
        can_bypass: event.starts_with('b'),
    }
}

fn descriptor() -> impl Strategy<Value = Descriptor> {
    prop_oneof![
        3 => (0..2_u32).prop_map(Descriptor::Number),
        2 => Just(Descriptor::Number(101)),
        1 => Just(Descriptor::Name("premium".into())),
    ]
}

fn play() -> impl Strategy<Value = Play> {
    let out = prop_oneof![
        18 => Just(Out::Success),
        4 => Just(Out::Failure),
        6 => Just(Out::Exception),
        1 => (descriptor(), any::<bool>()).prop_map(|(to, failed)| Out::Goto(to, failed)),
    ];
    (vec(out, 1..5), option::weighted(0.3, any::<bool>()))
        .prop_map(|(attempts, skip)| Play { attempts, skip })
}

fn attrs() -> impl Strategy<Value = String> {
    let flag = |name: &'static str| {
        let value = prop_oneof![Just(""), Just(" = true"), Just(" = false")];
        option::weighted(0.02, value.prop_map(move |value| format!("{name}{value}")))
    };
    let evaluation = prop_oneof![
        Just("SuccessOnAllEventsSuccess"),
        Just("FailureForPartialError"),
        Just("SuccessForPartialSuccess"),
        Just("FailureForAllEventsFailure"),
    ];
    let number = |name, values: &'static [&'static str]| {
        option::of(
            proptest::sample::select(values).prop_map(move |value| format!("{name}: {value}")),
        )
    };
    let policy = (
        number("max_attempts", &["1", "2", "4"]),
        number("backoff_factor", &["0.25", "1", "0"]),
        number("max_backoff", &["0.5", "3.0"]),
    )
        .prop_map(|(a, b, c)| {
            format!(
                "retry_policy = {{{}}}",
                [a, b, c].into_iter().flatten().collect::<Vec<_>>().join(", ")
            )
        });
    (
        flag("stop_on_success"),
        flag("stop_on_error"),
        flag("stop_on_exception"),
        option::weighted(0.15, policy),
        option::weighted(
            0.15,
            evaluation.prop_map(|name| format!("execution_evaluation_state = {name}")),
        ),
        option::weighted(
            0.15,
            prop_oneof![
                (1..4).prop_map(|n| format!("[]{n}")),
                (2..4).prop_map(|n| format!("*{n}"))
            ],
        ),
    )
        .prop_map(|(a, b, c, d, e, attempts)| {
            let mut attrs: Vec<String> = [a, b, c, d, e].into_iter().flatten().collect();
            let mut times = String::new();
            match attempts
                .as_deref()
                .map(|text| text.split_at(if text.starts_with('[') { 2 } else { 1 }))
            {
                Some(("[]", count)) => attrs.push(format!("max_attempts = {count}")),
                Some((_, count)) => times = format!(" * {count}"),
                None => {}
            }
            let attrs =
                if attrs.is_empty() { attrs.concat() } else { format!("[{}]", attrs.join(", ")) };
            attrs + &times
        })
}

fn arrow() -> impl Strategy<Value = &'static str> {
    prop_oneof![Just(" -> "), Just(" |-> ")]
}

/// Groups one after the other; a group of several is rarer, as it makes less of a run certain.
fn chain(unit: BoxedStrategy<String>, links: usize) -> BoxedStrategy<String> {
    let group = prop_oneof![3 => vec(unit.clone(), 1..2), 1 => vec(unit, 2..4)];
    vec((arrow(), group), 1..=links)
        .prop_map(|links| {
            let mut text = String::new();
            for (arrow, units) in links {
                text.push_str(if text.is_empty() { "" } else { arrow });
                text.push_str(&units.join(" || "));
            }
            text
        })
        .boxed()
}

fn unit(inner: BoxedStrategy<String>) -> BoxedStrategy<String> {
    let event = proptest::sample::select(&EVENTS[..]).prop_map(str::to_owned);
    let braces = (inner.clone(), any::<bool>())
        .prop_map(|(flow, round)| if round { format!("({flow})") } else { format!("{{{flow}}}") });
    let branches = vec((descriptor(), arrow(), inner), 0..3).prop_map(|mut branches| {
        branches.sort_by(|a, b| a.0.cmp(&b.0));
        branches.dedup_by(|a, b| a.0 == b.0);
        let branches: Vec<String> =
            branches.into_iter().map(|(to, arrow, flow)| format!("{to}{arrow}{flow}")).collect();
        if branches.is_empty() { String::new() } else { format!(" ({})", branches.join(", ")) }
    });
    let primary = prop_oneof![3 => event, 1 => braces];
    (primary, attrs(), branches).prop_map(|(a, b, c)| a + &b + &c).boxed()
}

fn script() -> BoxedStrategy<String> {
    let event = proptest::sample::select(&EVENTS[..]).prop_map(str::to_owned);
    let plain = (event, attrs()).prop_map(|(event, attrs)| event + &attrs).boxed();
    let inner = chain(plain, 2).prop_recursive(2, 12, 2, |inner| chain(unit(inner), 2)).boxed();
    chain(unit(inner), 4)
}

#[derive(Debug, thiserror::Error)]
#[error("broke {0}")]
struct Broke(String);

/// One attempt: the step, when it began and ended, and what it saw.
#[derive(Debug)]
struct Attempt {
    step: usize,
    number: u32,
    begin: u64,
    end: u64,
    previous: Vec<Result<u32, String>>,
}

/// What the events of one case share.
struct Stage {
    index: HashMap<String, usize>,
    plays: Vec<Play>,
    ticks: AtomicU64,
    attempts: Mutex<Vec<Attempt>>,
    /// Whether a value says which attempt it is of.
    counts: bool,
}

impl Stage {
    /// For steps with these paths.
    fn new(paths: impl Iterator<Item = String>, plays: &[Play], counts: bool) -> Arc<Self> {
        Arc::new(Self {
            index: paths.zip(0..).collect(),
            plays: plays.to_vec(),
            ticks: AtomicU64::new(0),
            attempts: Mutex::new(Vec::new()),
            counts,
        })
    }

    fn play(&self, ctx: &Context) -> (usize, &Play) {
        let step = self.index[&ctx.step_path()];
        (step, &self.plays[step % self.plays.len()])
    }

    fn act(&self, ctx: &Context) -> Result<Outcome<u32>, Broke> {
        let begin = self.ticks.fetch_add(1, SeqCst);
        let (step, play) = self.play(ctx);
        let path = ctx.step_path();
        let previous = ctx.previous().iter().map(|seen| match seen.failure() {
            None => Ok(seen.value::<u32>().copied().unwrap_or_default()),
            Some(failure) => Err(failure.to_string()),
        });
        let previous = previous.collect();
        let number = ctx.attempt();
        let value = step as u32 * 100 + if self.counts { number } else { 1 };
        let outcome = match &play.attempts[(number as usize - 1).min(play.attempts.len() - 1)] {
            Out::Success => Ok(Outcome::success(value)),
            Out::Failure => Ok(Outcome::failure(format!("no {path}"))),
            Out::Exception => Err(Broke(path.clone())),
            Out::Goto(to, failed) => {
                let goto = Outcome::goto(to.clone(), value).reason(format!("went {path}"));
                Ok(if *failed { goto.failed() } else { goto })
            }
        };
        let end = self.ticks.fetch_add(1, SeqCst);
        self.attempts.lock().unwrap().push(Attempt { step, number, begin, end, previous });
        outcome
    }

    fn skip(&self, ctx: &Context) -> Bypass<u32> {
        let (step, play) = self.play(ctx);
        let reason = format!("skip {}", ctx.step_path());
        match play.skip {
            None => Bypass::no(),
            Some(true) => Bypass::skip_with(reason, step as u32 * 100),
            Some(false) => Bypass::skip(reason),
        }
    }
}

/// Where the bodies run.
#[derive(Debug, Clone, Copy)]
enum Where {
    Inline,
    /// Every kind of place at once, with pools of so many workers.
    Pools(usize),
}

/// Settings that do not change what a flow means.
#[derive(Debug, Clone, Copy, Default)]
struct Extra {
    /// `r` events have a timeout.
    timeouts: bool,
    /// Outcomes of `a0` are not recorded.
    unrecorded: bool,
}

fn registry(stage: &Arc<Stage>, place: Where, extra: Extra) -> Registry {
    let mut registry = Registry::new();
    for (at, name) in EVENTS.into_iter().enumerate() {
        let (act, skip) = (Arc::clone(stage), Arc::clone(stage));
        let event = registry.event(name, move |ctx: &Context| act.act(ctx)).output_json();
        let event = match (place, at) {
            (Where::Inline, _) | (_, 3) => event.executor::<DefaultExecutor>(),
            (Where::Pools(workers), 1 | 2 | 4) => event
                .executor::<ThreadPoolExecutor>()
                .executor_config(ExecutorInitializerConfig::new().max_workers(workers)),
            (Where::Pools(_), _) => event,
        };
        let own = own(name);
        let event = match own.policy {
            Some((attempts, factor, max)) => event.retry_policy(
                RetryPolicy::builder()
                    .max_attempts(attempts)
                    .backoff_factor(factor as f64 / 1000.0)
                    .max_backoff(max as f64 / 1000.0)
                    .build(),
            ),
            None => event,
        };
        let event = event.stop_on_exception(own.stop_on_exception);
        let event = if extra.timeouts && name.starts_with('r') {
            event.timeout(Duration::from_millis(200))
        } else {
            event
        };
        let event = event.checkpoint(!(extra.unrecorded && name == "a0"));
        if own.can_bypass {
            event.bypass(move |ctx| skip.skip(ctx));
        }
    }
    registry
}

struct Case {
    stage: Arc<Stage>,
    plan: Arc<Plan>,
    engine: Engine,
}

impl Case {
    fn new(script: &str, reference: &Reference<'_>, plays: &[Play], place: Where) -> Self {
        let stage = Stage::new(reference.steps.iter().map(|step| step.path.clone()), plays, true);
        let plan = plan(script, &registry(&stage, place, Extra::default()));
        Self { stage, plan, engine: TestEngine::new().build().unwrap() }
    }

    /// Runs the flow; a run that hangs fails.
    fn run(&self, place: Where) -> Report {
        let (engine, plan) = (self.engine.clone(), Arc::clone(&self.plan));
        if matches!(place, Where::Inline) {
            return engine.run_plan(&plan, Inputs::new()).unwrap();
        }
        let (send, receive) = mpsc::channel();
        std::thread::spawn(move || send.send(engine.run_plan(&plan, Inputs::new()).unwrap()));
        receive.recv_timeout(Duration::from_mins(1)).expect("the run ends")
    }
}

fn plan(script: &str, registry: &Registry) -> Arc<Plan> {
    Flow::parse(script).unwrap().plan(registry, &Fields::new()).unwrap()
}

fn kind_of(outcome: &StepOutcome) -> Kind {
    match outcome {
        StepOutcome::Success => Kind::Success,
        StepOutcome::Failure(_) => Kind::Failure,
        StepOutcome::Exception(_) => Kind::Exception,
        StepOutcome::Goto { .. } => Kind::Goto,
        StepOutcome::Bypassed { .. } => Kind::Bypassed,
        _ => Kind::NotRun,
    }
}

fn compare(reference: &Reference<'_>, case: &Case, report: &Report) -> TestCaseResult {
    let paths: Vec<String> = report.steps().map(|step| step.path()).collect();
    let wanted: Vec<&str> = reference.steps.iter().map(|step| &*step.path).collect();
    prop_assert_eq!(paths, wanted);
    if reference.undetermined {
        return Ok(());
    }
    compare_end(reference, report)?;
    let mut attempts = case.stage.attempts.lock().unwrap();
    attempts.sort_by_key(|attempt| (attempt.step, attempt.number));
    compare_steps(reference, report)?;
    for (at, (step, found)) in reference.steps.iter().zip(report.steps()).enumerate() {
        let seen: Vec<&Attempt> = attempts.iter().filter(|attempt| attempt.step == at).collect();
        for (attempt, number) in seen.iter().zip(1..) {
            prop_assert_eq!(attempt.number, number, "{}", &step.path);
            if let Some(previous) = &step.previous {
                prop_assert_eq!(&attempt.previous, previous, "previous() of {}", &step.path);
            }
        }
        if found.ran() || step.certain {
            prop_assert_eq!(seen.len(), step.attempts as usize, "calls of {}", &step.path);
        }
    }
    for (first, second) in &reference.order {
        let inside = |range: &(usize, usize)| {
            let (from, to) = *range;
            let ran: Vec<bool> = report.steps().map(|step| step.ran()).collect();
            attempts
                .iter()
                .filter(move |attempt| (from..to).contains(&attempt.step) && ran[attempt.step])
        };
        let ended = inside(first).map(|attempt| attempt.end).max();
        let begun = inside(second).map(|attempt| attempt.begin).min();
        if let (Some(ended), Some(begun)) = (ended, begun) {
            prop_assert!(ended < begun, "{second:?} began before {first:?} had ended");
        }
    }
    Ok(())
}

/// What a report says of each step, where that is certain.
fn compare_steps(reference: &Reference<'_>, report: &Report) -> TestCaseResult {
    for (step, found) in reference.steps.iter().zip(report.steps()) {
        let outcome = found.outcome();
        let cancelled = matches!(outcome, StepOutcome::NotRun(NotRun::Cancelled { .. }));
        prop_assert!(!(cancelled && step.certain), "{} cancelled", step.path);
        if !found.ran() && !step.certain {
            continue;
        }
        prop_assert_eq!(kind_of(&outcome), step.kind, "{}", &step.path);
        prop_assert_eq!(found.attempts(), step.attempts, "attempts of {}", &step.path);
        prop_assert_eq!(found.waits(), &*step.waits, "waits of {}", &step.path);
        prop_assert_eq!(found.ran(), step.kind != Kind::NotRun);
    }
    Ok(())
}

fn compare_end(reference: &Reference<'_>, report: &Report) -> TestCaseResult {
    let path = |step: usize| reference.steps[step].path.clone();
    let wanted: Vec<(String, Option<&str>)> =
        reference.halts.iter().map(|(step, condition)| (path(*step), *condition)).collect();
    let stopped =
        report.stopped_by().map(|(step, condition)| (step.path(), Some(condition.name())));
    let broken = report.broken_at().map(|(step, _)| (step.path(), None));
    prop_assert!(stopped.is_none() || broken.is_none());
    let status = match (&stopped, &broken) {
        (Some(_), _) => Status::Stopped,
        (_, Some(_)) => Status::Failed,
        _ if reference.failed => Status::Failed,
        _ => Status::Succeeded,
    };
    prop_assert_eq!(report.status(), status);
    match stopped.or(broken) {
        Some(end) => {
            prop_assert!(wanted.contains(&end), "ended by {end:?}, not by one of {wanted:?}");
        }
        None => prop_assert!(wanted.is_empty(), "not ended by any of {wanted:?}"),
    }
    Ok(())
}

fn check(script: &str, plays: &[Play], place: Where) -> TestCaseResult {
    let flow = nexus_pointy::parse(script).into_result().unwrap();
    let reference = Reference::of(&flow, plays, own);
    let case = Case::new(script, &reference, plays, place);
    let report = case.run(place);
    compare(&reference, &case, &report).map_err(|error| {
        TestCaseError::fail(format!("{error}\n{script}\n{report}\n{:#?}", reference.halts))
    })
}

fn json(report: &Report) -> serde_json::Value {
    serde_json::to_value(report).unwrap()
}

fn config(cases: u32) -> ProptestConfig {
    ProptestConfig {
        cases,
        failure_persistence: None,
        max_shrink_iters: 4000,
        ..ProptestConfig::default()
    }
}

proptest! {
    #![proptest_config(config(2200))]

    #[test]
    fn a_flow_on_this_thread_does_what_the_design_says(script in script(), plays in vec(play(), 1..24)) {
        check(&script, &plays, Where::Inline)?;
    }
}

proptest! {
    #![proptest_config(config(350))]

    #[test]
    fn a_flow_on_pools_does_what_the_design_says(
        script in script(),
        plays in vec(play(), 1..24),
        workers in 1..4_usize,
    ) {
        check(&script, &plays, Where::Pools(workers))?;
    }

    #[test]
    fn the_same_seed_gives_the_same_report_and_so_does_the_plan_written_down(
        script in script(),
        plays in vec(play(), 1..24),
    ) {
        let flow = nexus_pointy::parse(&script).into_result().unwrap();
        let reference = Reference::of(&flow, &plays, own);
        let case = |script: &str| Case::new(script, &reference, &plays, Where::Inline);
        let (first, second) = (case(&script), case(&script));
        let report = json(&first.run(Where::Inline));
        prop_assert_eq!(&json(&second.run(Where::Inline)), &report);
        let third = case(&first.plan.script());
        prop_assert_eq!(third.plan.structural_hash(), first.plan.structural_hash());
        prop_assert_eq!(&json(&third.run(Where::Inline)), &report);
    }
}
