//! Plain steps on the driving thread run in one loop. Nobody is to notice: with an observer of
//! each step every one takes the long way, and the two must do the same in the same order.

use std::fmt::Write;
use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;
use proptest::{collection::vec, option, sample::select};

use nexus_core::testing::assume_short_tasks;

use crate::support::*;

/// What a flow gets from the arrow before it.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Given {
    Nothing,
    One,
    Many,
    Reason,
}

#[derive(Debug, Clone)]
enum Unit {
    Step(&'static str, Vec<(u32, bool, Groups)>),
    Braces(&'static str, Groups),
    /// A step that runs for each item of a list.
    Each(&'static str),
}

/// Groups one after the other, each with whether it is piped what comes before it.
#[derive(Debug, Clone)]
struct Groups(Vec<(bool, Vec<Unit>)>);

const STEP_SETTINGS: &[&str] = &[
    "",
    "",
    "",
    "",
    "[retry_policy = {max_attempts: 2, backoff_factor: 0}]",
    "[retry_policy = {max_attempts: 3, backoff_factor: 1}]",
    "[stop_on_exception]",
    "[stop_on_success]",
    "[timeout = \"1s\"]",
];
const GROUP_SETTINGS: &[&str] = &[
    "",
    "[execution_evaluation_state = FailureForPartialError]",
    "[execution_evaluation_state = SuccessForPartialSuccess]",
    "[execution_evaluation_state = FailureForAllEventsFailure]",
];
const EACH_SETTINGS: &[&str] = &[
    "each",
    "each",
    "each, max_concurrency = 2",
    "each, execution_evaluation_state = SuccessForPartialSuccess",
    "each, retry_policy = {max_attempts: 2, backoff_factor: 0}",
    "each, retry_policy = {max_attempts: 2, backoff_factor: 1}",
];

fn groups(unit: BoxedStrategy<Unit>) -> BoxedStrategy<Groups> {
    let group = (any::<bool>(), vec(unit, 1..4));
    vec(group, 1..4).prop_map(Groups).boxed()
}

fn unit() -> BoxedStrategy<Unit> {
    let step = select(STEP_SETTINGS).prop_map(|settings| Unit::Step(settings, Vec::new()));
    let each = select(EACH_SETTINGS).prop_map(Unit::Each);
    let leaf = prop_oneof![6 => step, 1 => each];
    leaf.prop_recursive(3, 24, 3, |inner| {
        let branch = (select(&[0, 1, 101][..]), any::<bool>(), groups(inner.clone()));
        let step =
            (select(STEP_SETTINGS), vec(branch, 0..3)).prop_map(|(settings, mut branches)| {
                branches.sort_by_key(|branch| branch.0);
                branches.dedup_by_key(|branch| branch.0);
                Unit::Step(settings, branches)
            });
        let braces = (select(GROUP_SETTINGS), groups(inner.clone()))
            .prop_map(|(settings, inner)| Unit::Braces(settings, inner));
        prop_oneof![1 => inner, 2 => step, 2 => braces]
    })
    .boxed()
}

/// The name of the event that takes what is given.
fn taker(given: Given) -> &'static str {
    match given {
        Given::Nothing => "Begin",
        Given::One => "One",
        Given::Many => "Many",
        Given::Reason => "Why",
    }
}

impl Groups {
    fn write(&self, given: Given, text: &mut String) {
        let mut last = 1;
        for (index, (piped, units)) in self.0.iter().enumerate() {
            let given = match (index, piped, last) {
                (0, ..) => given,
                (_, false, _) => Given::Nothing,
                (_, true, 1) => Given::One,
                (_, true, _) => Given::Many,
            };
            text.push_str(match (index, piped) {
                (0, _) => "",
                (_, true) => " |-> ",
                (_, false) => " -> ",
            });
            for (index, unit) in units.iter().enumerate() {
                text.push_str(if index == 0 { "" } else { " || " });
                unit.write(given, text);
            }
            last = units.len();
        }
        if last > 1 {
            text.push_str(" -> Begin");
        }
    }
}

impl Unit {
    fn write(&self, given: Given, text: &mut String) {
        match self {
            Self::Each(settings) => {
                let first = taker(given);
                write!(text, "{{{first} -> Numbers |-> Tenfold[{settings}] |-> Total}}").unwrap();
            }
            Self::Braces(settings, inner) => {
                text.push('{');
                inner.write(given, text);
                write!(text, "}}{settings}").unwrap();
            }
            Self::Step(settings, branches) => {
                write!(text, "{}{settings}", taker(given)).unwrap();
                for (index, (descriptor, piped, flow)) in branches.iter().enumerate() {
                    let (arrow, given) = match (descriptor, piped) {
                        (_, false) => ("->", Given::Nothing),
                        (0, true) => ("|->", Given::Reason),
                        (_, true) => ("|->", Given::One),
                    };
                    let before = if index == 0 { " (" } else { ", " };
                    write!(text, "{before}{descriptor} {arrow} ").unwrap();
                    flow.write(given, text);
                }
                text.push_str(if branches.is_empty() { "" } else { ")" });
            }
        }
    }
}

/// How bodies end, by their step, item and attempt; and which have begun, with what they got.
struct Stage {
    plays: Vec<u8>,
    log: Log,
    /// Whether bodies yield what tells their order.
    tells_order: bool,
}

impl Stage {
    fn play(&self, ctx: &Context) -> u8 {
        let step: usize = ctx.step_path().bytes().map(usize::from).sum();
        let item = usize::try_from(ctx.item().unwrap_or(0)).unwrap();
        self.plays[(step + item * 5 + ctx.attempt() as usize * 3) % self.plays.len()]
    }
}

/// Notes that a body begins, with what it got, and ends it as its play says.
fn act(inputs: &BodyInputs<'_>, got: &impl std::fmt::Debug) -> Ends {
    let ctx = inputs.context();
    let stage = ctx.state::<Stage>().unwrap();
    let line = format!("{} {:?} {} {got:?}", ctx.step_path(), ctx.item(), ctx.attempt());
    stage.log.add(line);
    let value = if stage.tells_order {
        u32::try_from(stage.log.lines().len()).unwrap()
    } else {
        ctx.step_path().bytes().map(u32::from).sum::<u32>() + ctx.attempt()
    };
    match stage.play(ctx) {
        0 => outcome(Outcome::<u32>::failure("no")),
        1 => outcome(Err::<u32, _>(Broke)),
        2 => outcome(Outcome::goto(101, value)),
        3 => panic!("{ON_PURPOSE}"),
        _ => outcome(Outcome::success(value)),
    }
}

type Got = OrFailure<ByRef<u32>>;

typed!(Begin, Nothing => u32, &[], |inputs| act(inputs, &()));
typed!(One, Got => u32, &[PIPED], |inputs| act(inputs, &inputs.piped::<Got>()?));
typed!(Many, List<Got> => u32, &[PIPED], |inputs| act(inputs, &inputs.piped::<List<Got>>()?));
typed!(Why, ByRef<Failure> => u32, &[PIPED], |inputs| act(inputs, &inputs.piped::<ByRef<Failure>>()?));
typed!(Tenfold, ByRef<u32> => u32, &[PIPED], |inputs| act(inputs, &inputs.piped::<ByRef<u32>>()?));
typed!(Total, List<Got> => u32, &[PIPED], |inputs| act(inputs, &inputs.piped::<List<Got>>()?));
typed!(Numbers, Nothing => Vec<u32>, &[], |inputs| {
    let ctx = inputs.context();
    // None, a few, and more than are under way at once.
    let length = [0, 1, 3, 70][usize::from(ctx.state::<Stage>().unwrap().play(ctx) % 4)];
    outcome(Outcome::success((0..length).collect::<Vec<u32>>()))
});

/// Watches nothing.
struct Bystander;
impl Observer for Bystander {}

/// Notes what does not come often, and wants these signals of those that do.
struct Listener(Signals, Log);

impl Listener {
    fn note(&self, signal: &str, step: &StepEvent<'_>) {
        let context = step.context();
        self.1.add(format!("{signal} {} {}", context.step_address(), context.attempt()));
    }
}

impl Observer for Listener {
    fn signals(&self) -> Signals {
        self.0
    }
    fn pipeline_execution_stop(&self, _: &RunEvent<'_>, step: &StepEvent<'_>, _: StopCondition) {
        self.note("stop", step);
    }
    fn event_execution_retry(&self, step: &StepEvent<'_>, _: &Exception, _: Duration) {
        self.note("retry", step);
    }
    fn event_execution_retry_done(&self, step: &StepEvent<'_>, _: Ended<'_>) {
        self.note("done", step);
    }
    fn event_execution_bypassed(&self, step: &StepEvent<'_>, _: &str) {
        self.note("bypassed", step);
    }
    fn event_execution_cancelled(&self, step: &StepEvent<'_>, _: &Failure) {
        self.note("cancelled", step);
    }
}

/// Runs a flow; gives the report as JSON, and the bodies in the order in which they began.
fn played(engine: TestEngine, plan: &Arc<Plan>, plays: &[u8]) -> (serde_json::Value, Vec<String>) {
    staged(engine, plan, plays, true)
}

fn staged(
    engine: TestEngine,
    plan: &Arc<Plan>,
    plays: &[u8],
    tells_order: bool,
) -> (serde_json::Value, Vec<String>) {
    let log = Log::default();
    let stage = Stage { plays: plays.to_vec(), log: log.clone(), tells_order };
    let engine = engine.state(stage).build().unwrap();
    let report = engine.run_plan(plan, Inputs::new()).unwrap();
    (serde_json::to_value(&report).unwrap(), log.lines())
}

/// Settings under which nothing depends on which of several steps is first.
const STEADY_STEPS: &[&str] = &[
    "",
    "",
    "[retry_policy = {max_attempts: 2, backoff_factor: 0}]",
    "[executor = DefaultExecutor]",
];
const STEADY_GROUPS: &[&str] = &[
    "",
    "[execution_evaluation_state = SuccessForPartialSuccess]",
    "[execution_evaluation_state = FailureForAllEventsFailure]",
];
const STEADY_EACH: &[&str] = &[
    "each",
    "each, max_concurrency = 2",
    "each, execution_evaluation_state = SuccessForPartialSuccess",
    "each, retry_policy = {max_attempts: 2, backoff_factor: 0}",
];

impl Groups {
    /// The same flow, with other settings instead of those that do not fit.
    fn steady(self) -> Self {
        let group = |(piped, units): (bool, Vec<Unit>)| {
            (piped, units.into_iter().map(Unit::steady).collect())
        };
        Self(self.0.into_iter().map(group).collect())
    }
}

impl Unit {
    fn steady(self) -> Self {
        let one_of = |steady: &[&'static str], settings: &'static str| {
            if steady.contains(&settings) {
                settings
            } else {
                steady[settings.len() % steady.len()]
            }
        };
        match self {
            Self::Step(settings, branches) => {
                let steady = |(descriptor, piped, flow): (u32, bool, Groups)| {
                    (descriptor, piped, flow.steady())
                };
                let branches = branches.into_iter().map(steady).collect();
                Self::Step(one_of(STEADY_STEPS, settings), branches)
            }
            Self::Braces(settings, inner) => {
                Self::Braces(one_of(STEADY_GROUPS, settings), inner.steady())
            }
            Self::Each(settings) => Self::Each(one_of(STEADY_EACH, settings)),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 1500, failure_persistence: None, ..ProptestConfig::default()
    })]

    #[test]
    fn the_short_way_does_what_the_long_way_does(
        flow in groups(unit()),
        plays in vec(option::weighted(0.1, 0..4_u8).prop_map(|play| play.unwrap_or(4)), 40..60),
    ) {
        let mut registry = registry();
        registry.add::<Begin>().add::<One>().add::<Many>().add::<Why>();
        registry.add::<Numbers>().add::<Tenfold>().add::<Total>();
        let mut text = String::from("{");
        flow.write(Given::Nothing, &mut text);
        text.push_str("}[executor = DefaultExecutor]");
        let plan = plan(&registry, &text);
        let short = played(TestEngine::new(), &plan, &plays);
        let long = played(TestEngine::new().observer(Bystander), &plan, &plays);
        prop_assert_eq!(&short.1, &long.1, "{}", &text);
        prop_assert_eq!(&short.0, &long.0, "{}", &text);
        // Whoever is not told of each step leaves the short way as it is, and hears of the rest.
        let heard = |signals| {
            let log = Log::default();
            let engine = TestEngine::new().observer(Listener(signals, log.clone()));
            (played(engine, &plan, &plays), log.lines())
        };
        let ((none, rare), (all, common)) = (heard(Signals::NONE), heard(Signals::ALL));
        prop_assert_eq!(rare, common, "{}", &text);
        prop_assert_eq!(&short, &none, "{}", &text);
        prop_assert_eq!(&short, &all, "{}", &text);
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 400, failure_persistence: None, ..ProptestConfig::default()
    })]

    /// Short tasks of a pool are done by the thread that drives the run, in its own loop or on the
    /// long way, or by the pool.
    #[test]
    fn whoever_does_the_tasks_of_a_pool_the_report_is_the_same(
        flow in groups(unit()).prop_map(Groups::steady),
        plays in vec(option::weighted(0.1, select(&[0, 1, 3][..])), 40..60),
    ) {
        let plays: Vec<u8> = plays.into_iter().map(|play| play.unwrap_or(4)).collect();
        let mut registry = registry();
        registry.add::<Begin>().add::<One>().add::<Many>().add::<Why>();
        registry.add::<Numbers>().add::<Tenfold>().add::<Total>();
        let mut text = String::from("{");
        flow.write(Given::Nothing, &mut text);
        let run = |executor, is_short, engine| {
            let plan = plan(&registry, &format!("{text}}}[executor = {executor}]"));
            if is_short {
                assume_short_tasks(&plan);
            }
            let (report, mut begun) = staged(engine, &plan, &plays, false);
            begun.sort();
            (report, begun)
        };
        let here = run("DefaultExecutor", false, TestEngine::new());
        let lent = run("ThreadPoolExecutor", true, TestEngine::new());
        prop_assert_eq!(&here, &lent, "{}", &text);
        let watched = run("ThreadPoolExecutor", true, TestEngine::new().observer(Listener(Signals::ALL, Log::default())));
        prop_assert_eq!(&here, &watched, "{}", &text);
        let handed_out = run("ThreadPoolExecutor", false, TestEngine::new());
        prop_assert_eq!(&here, &handed_out, "{}", &text);
    }
}
