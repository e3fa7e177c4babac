//! The interpreter without a server: under a context that keeps a journal, as a server does.
#![allow(clippy::unwrap_used, reason = "a test says what it expects")]

use std::collections::VecDeque;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context as Polling, Poll, Waker};
use std::time::Duration;

use nexus_core::driver::{EventHost, LocalTask, RunMachine, RunStart, Timestamp};
use nexus_core::{Bypass, Context, Fields, Flow, Inputs, Outcome, Plan, Registry, Report, Status};
use proptest::prelude::*;

use crate::interpreter::{Cancelled, Completion, Durable, interpret};
use crate::message::Answer;
use crate::output::RunOutput;
use crate::start::{Flows, read_start, start_json};

/// What a server keeps of a workflow: what was asked for, and what ended.
#[derive(Debug, Clone, PartialEq)]
enum Entry {
    Called {
        service: String,
        handler: &'static str,
        request: String,
    },
    Slept(Duration),
    Promised(String),
    Ran {
        name: String,
        answer: String,
    },
    /// What ended, by number, and its answer if it was a call.
    Ended(usize, Option<String>),
    Cancelled,
}

/// What a worker answers that has run a task.
fn answer(said: String) -> Answer {
    Answer { at: Timestamp(7), said: Some(said) }
}

/// A context with a journal: what is there is replayed, what is not is added. It stops where the
/// journal is as long as it may become.
struct Journaled<'a> {
    journal: Vec<Entry>,
    /// How much of the journal was gone through.
    at: usize,
    most: usize,
    host: &'a EventHost,
    /// What was asked for, by number, and has not ended.
    open: Vec<(usize, Entry)>,
    count: usize,
    /// Chooses what ends next.
    picks: VecDeque<u8>,
}

impl<'a> Journaled<'a> {
    fn new(host: &'a EventHost, journal: &[Entry], most: usize, picks: &[u8]) -> Self {
        let (journal, picks) = (journal.to_vec(), picks.iter().copied().collect());
        Self { journal, at: 0, most, host, open: Vec::new(), count: 0, picks }
    }

    /// The next entry of the journal, which must be that of what is asked for; `None` where the
    /// journal may become no longer.
    fn entry(&mut self, make: impl FnOnce(&mut Self) -> Entry) -> Option<Entry> {
        if self.at == self.journal.len() {
            if self.journal.len() >= self.most {
                return None;
            }
            let entry = make(self);
            self.journal.push(entry);
        }
        self.at += 1;
        Some(self.journal[self.at - 1].clone())
    }

    fn ask(&mut self, entry: &Entry) -> usize {
        // What is asked for beyond the end of the journal is of no interest.
        if let Some(there) = self.entry(|_| entry.clone()) {
            assert_eq!(&there, entry, "another thing is asked for than before");
        }
        self.count += 1;
        self.open.push((self.count - 1, entry.clone()));
        self.count - 1
    }

    /// Something that was asked for ends.
    fn end(&self, place: usize) -> Entry {
        let (number, asked) = &self.open[place];
        let (handler, request) = match asked {
            Entry::Called { handler, request, .. } => (handler, request),
            // Somebody says how it ended, the first time that it cannot be had.
            Entry::Promised(name) => {
                let value = r#"{"outcome":{"success":6}}"#.to_owned();
                let broke = RunMachine::failure_outcome("not there");
                let said = if name.ends_with("/1") { broke } else { value };
                return Entry::Ended(*number, Some(answer(said).json()));
            }
            _ => return Entry::Ended(*number, None),
        };
        let task = match *handler {
            "check" => self.host.check(request),
            _ => self.host.task(request),
        };
        Entry::Ended(*number, Some(answer(task.run()).json()))
    }

    fn pick(&mut self) -> u8 {
        let pick = self.picks.pop_front().unwrap_or(0);
        self.picks.push_back(pick);
        pick
    }
}

impl Durable for Journaled<'_> {
    fn call(&mut self, service: String, handler: &'static str, request: String) -> usize {
        self.ask(&Entry::Called { service, handler, request })
    }

    fn sleep(&mut self, time: Duration) -> usize {
        self.ask(&Entry::Slept(time))
    }

    fn promise(&mut self, name: String) -> usize {
        self.ask(&Entry::Promised(name))
    }

    fn note_wait(&mut self, _: &str, count: u32) {
        assert!(count > 1, "the first time goes without saying");
    }

    async fn run(
        &mut self,
        name: String,
        task: LocalTask,
        _: Option<Duration>,
    ) -> Result<Answer, Cancelled> {
        let asked = name.clone();
        let made = self.entry(|_| Entry::Ran { name, answer: task.run() });
        match made {
            None => std::future::pending().await,
            Some(Entry::Ran { name, answer }) => {
                assert_eq!(name, asked, "another task is run than before");
                Ok(Answer::read(self::answer(answer).json().as_bytes()).unwrap())
            }
            Some(other) => panic!("{asked} is run, and was {other:?}"),
        }
    }

    async fn next(&mut self) -> Result<(usize, Completion), Cancelled> {
        assert!(!self.open.is_empty(), "it waits for nothing");
        let ended = self.entry(|context| match usize::from(context.pick()) {
            255 => Entry::Cancelled,
            pick => context.end(pick % context.open.len()),
        });
        match ended {
            None => std::future::pending().await,
            Some(Entry::Cancelled) => Err(Cancelled),
            Some(Entry::Ended(number, answer)) => {
                self.open.retain(|(open, _)| *open != number);
                let answer = answer.map(|json| Answer::read(json.as_bytes()).unwrap());
                Ok((number, answer.map_or(Completion::Slept, Completion::Answer)))
            }
            Some(other) => panic!("something is waited for, and was {other:?}"),
        }
    }
}

/// Runs the interpreter as far as the journal may go.
fn go(plan: &Arc<Plan>, start: &RunStart, durable: &mut Journaled<'_>) -> Option<RunMachine> {
    let machine = RunMachine::new(plan, start.clone()).unwrap();
    let host = durable.host;
    let run = pin!(interpret(machine, host, durable));
    match run.poll(&mut Polling::from_waker(Waker::noop())) {
        Poll::Ready(machine) => Some(machine),
        Poll::Pending => None,
    }
}

/// What a client makes of a run's output.
fn report(plan: &Arc<Plan>, start: &RunStart, machine: &RunMachine) -> Report {
    let flows = Flows::default();
    let json = RunOutput::json(&start_json(start, &flows).unwrap(), machine).unwrap();
    assert!(serde_json::from_slice::<serde_json::Value>(&json).is_ok(), "people may look at it");
    let RunOutput { begun, records } = RunOutput::read(&json).unwrap();
    let begun = read_start(begun, &flows).unwrap();
    assert_eq!((&begun, &*records), (start, machine.records()));
    RunMachine::replay(plan, begun, records).unwrap().report()
}

mod annotated {
    use nexus::prelude::*;
    use nexus::{Descriptor, StateFactory};

    #[derive(Debug, thiserror::Error)]
    #[error("broke")]
    pub(crate) struct Broke;

    #[event]
    pub(crate) fn number(base: &u32) -> Outcome<u32> {
        Outcome::success(*base)
    }

    #[event]
    pub(crate) fn list(base: &u32) -> Outcome<Vec<u32>> {
        Outcome::success((0..*base).collect())
    }

    #[event(retry_policy = { max_attempts: 3, backoff_factor: 1 })]
    pub(crate) fn twice(#[piped] number: &u32, ctx: &Context) -> Result<u32, Broke> {
        if ctx.attempt() < 2 { Err(Broke) } else { Ok(2 * number) }
    }

    #[event]
    pub(crate) fn odd(#[piped] number: u32) -> Outcome<u32> {
        if number % 2 == 1 { Outcome::success(number) } else { Outcome::failure("even") }
    }

    fn is_large(ctx: &Context) -> Bypass<u32> {
        if ctx.field::<u32>("base").is_some_and(|base| *base > 5) {
            Bypass::skip_with("large", 100)
        } else {
            Bypass::no()
        }
    }

    #[event(bypass = is_large)]
    pub(crate) fn small(base: &u32) -> Outcome<u32> {
        Outcome::success(base + 1)
    }

    #[event]
    pub(crate) fn pair(#[piped] (a, b): (Result<u32, Failure>, u32)) -> Outcome<String> {
        Outcome::success(format!("{a:?} {b}"))
    }

    #[event]
    pub(crate) fn why(#[piped] reason: &Failure) -> Outcome<String> {
        Outcome::success(reason.to_string())
    }

    #[event]
    pub(crate) fn sum(#[piped] numbers: &[u32]) -> Outcome<u32> {
        Outcome::success(numbers.iter().sum())
    }

    pub(crate) struct Prefix(pub(crate) String);

    impl StateFactory for Prefix {
        type Error = std::io::Error;
        fn build() -> Result<Self, Self::Error> {
            Ok(Self("built".to_owned()))
        }
    }

    #[event]
    pub(crate) fn named(prefix: State<Prefix>, ctx: &Context) -> Outcome<String> {
        Outcome::success(format!("{} {} {}", prefix.0, ctx.step_path(), ctx.pipeline()))
    }

    #[event(executor = DefaultExecutor)]
    pub(crate) fn here(#[piped] number: &u32) -> Outcome<u32> {
        Outcome::success(number + 7)
    }

    #[derive(Debug, Descriptor, serde::Serialize, serde::Deserialize)]
    pub(crate) enum Way {
        Left,
        Right,
    }

    #[event]
    pub(crate) fn way(base: &u32) -> Way {
        if *base > 3 { Way::Right } else { Way::Left }
    }
}

fn fields() -> Fields {
    Fields::new().with_serde::<u32>("base")
}

fn linked(flow: &str, base: u32) -> (Arc<Plan>, RunStart) {
    let plan = Flow::parse(flow).unwrap().plan(&Registry::linked(), &fields()).unwrap();
    let inputs = Inputs::new().with("base", base);
    let start = RunMachine::start(&plan, "k", inputs, Timestamp(5), None).unwrap();
    (plan, start)
}

#[test]
fn events_that_are_called_by_name_give_what_the_engine_gives() {
    let _ = annotated::Prefix(String::new()).0;
    let host = EventHost::new(Registry::linked());
    for flow in [
        "number |-> twice |-> odd",
        "number |-> odd (0 |-> why, 1 -> list |-> sum)",
        "{number |-> odd} || number |-> pair",
        "list |-> twice[each] |-> sum",
        "list |-> odd[each, execution_evaluation_state = SuccessForPartialSuccess] |-> sum",
        "small |-> here |-> twice",
        "list |-> here[each] |-> sum -> named",
        "number |-> twice[max_attempts = 1] (0 |-> why) -> named",
    ] {
        for base in [2, 7] {
            let (plan, start) = linked(flow, base);
            let mut durable = Journaled::new(&host, &[], usize::MAX, &[3, 0, 2, 1]);
            let machine = go(&plan, &start, &mut durable).unwrap();
            let driven = report(&plan, &start, &machine);
            let engine = nexus_core::testing::TestEngine::new()
                .state(annotated::Prefix("built".to_owned()))
                .build()
                .unwrap();
            let run = engine.run_plan(&plan, Inputs::new().with("base", base)).unwrap();
            let told = |report: &Report| {
                let steps = report.steps().map(|step| {
                    (
                        step.path(),
                        format!("{:?}", step.outcome()),
                        step.attempts(),
                        step.waits().to_vec(),
                    )
                });
                (report.status(), steps.collect::<Vec<_>>())
            };
            assert_eq!(told(&driven), told(&run), "{flow} {base}\n{driven}\n{run}");
            assert_eq!(driven.output::<u32>().ok(), run.output::<u32>().ok());
            assert_eq!(driven.output::<String>().ok(), run.output::<String>().ok());
        }
    }
}

#[test]
fn a_cancelled_run_ends_with_what_it_has() {
    let host = EventHost::new(Registry::linked());
    let (plan, start) = linked("number |-> twice", 3);
    let mut durable = Journaled::new(&host, &[], usize::MAX, &[0, 255]);
    let machine = go(&plan, &start, &mut durable).unwrap();
    let report = report(&plan, &start, &machine);
    assert_eq!(report.status(), Status::Cancelled);
    assert!(report.step("number").unwrap().ran() && !report.step("twice").unwrap().ran());
}

#[test]
fn the_time_of_a_run_is_a_wait_like_any_other() {
    let host = EventHost::new(Registry::linked());
    let (plan, mut start) = linked("number |-> twice", 3);
    start.deadline = Some(start.at.plus(Duration::from_secs(3)));
    // The first wait is that of the run.
    let mut durable = Journaled::new(&host, &[], usize::MAX, &[0]);
    let machine = go(&plan, &start, &mut durable).unwrap();
    assert_eq!(durable.journal[0], Entry::Slept(Duration::from_secs(3)));
    let report = report(&plan, &start, &machine);
    assert_eq!(report.status(), Status::TimedOut);
    assert_eq!(report.elapsed(), Duration::from_secs(3));
}

/// Closures, which run here, and an event of every other kind.
fn registry() -> Registry {
    let mut registry = Registry::linked();
    registry.event("S", |_: &Context| Outcome::success(1_u32)).output_json();
    registry.event("F", |_: &Context| Outcome::<u32>::failure("no")).output_json();
    registry
        .event("P", |ctx: &Context| match ctx.attempt() {
            1 => Err(annotated::Broke),
            _ => Ok(2_u32),
        })
        .output_json();
    registry
        .event("B", |_: &Context| Outcome::success(1_u32))
        .output_json()
        .bypass(|_| Bypass::skip_with("always", 9));
    registry.event("W", |_: &Context| Outcome::<u32>::pending()).output_json();
    registry
}

const NAMES: [&str; 10] = [
    "number",
    "list",
    "small",
    "named",
    "S",
    "F",
    "P",
    "B",
    "W",
    "way (left -> S, right -> number)",
];

/// Flows of events that are called and of closures, with branches, groups and retries.
fn script() -> impl Strategy<Value = String> {
    let event = proptest::sample::select(&NAMES[..]).prop_map(str::to_owned);
    let unit = (event, 0..4_u8).prop_map(|(event, times)| match times {
        2.. if !event.contains('(') => format!("{event} * {times}"),
        _ => event,
    });
    let flow = unit.prop_recursive(3, 10, 3, |inner| {
        let two = (inner.clone(), inner.clone());
        prop_oneof![
            two.clone().prop_map(|(a, b)| format!("{{{a} -> {b}}}")),
            two.clone().prop_map(|(a, b)| format!("{{{a} || {b}}}")),
            two.prop_map(|(a, b)| format!("{{{a}}} (0 -> {b}, 1 -> {a})")),
            inner
                .prop_map(|a| format!("list |-> twice[each] -> {a}"))
                .prop_map(|a| format!("{{{a}}}")),
        ]
    });
    proptest::collection::vec(flow, 1..4).prop_map(|flows| flows.join(" -> "))
}

/// How many flows are tried: `PROPTEST_CASES=10000` asks for more.
fn cases() -> u32 {
    std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(300)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_prefix_of_a_journal_is_gone_through_in_the_same_way(
        flow in script(),
        base in 0..8_u32,
        picks in proptest::collection::vec(any::<u8>(), 1..12),
    ) {
        let registry = registry();
        let plan = Flow::parse(&flow).unwrap().plan(&registry, &fields()).unwrap();
        let host = EventHost::new(registry);
        let inputs = Inputs::new().with("base", base);
        let start = RunMachine::start(&plan, "k", inputs, Timestamp(5), None).unwrap();
        let mut whole = Journaled::new(&host, &[], usize::MAX, &picks);
        let machine = go(&plan, &start, &mut whole).unwrap();
        let whole = whole.journal;
        for length in 0..whole.len() {
            // `ask` compares what is asked for; nothing more is asked for than was.
            let mut part = Journaled::new(&host, &whole[..length], length, &[]);
            prop_assert!(go(&plan, &start, &mut part).is_none());
            prop_assert_eq!(part.at, length);
        }
        let mut again = Journaled::new(&host, &whole, whole.len(), &[]);
        let replayed = go(&plan, &start, &mut again).unwrap();
        prop_assert_eq!(replayed.records(), machine.records());
    }
}
