//! What became of a run so far, read from its records alone.

use std::collections::HashMap;
use std::time::Duration;

use serde::Deserialize;
use serde::de::IgnoredAny;

use super::replay::each_record;
use super::steps::Steps;
use super::store::{Record, RecordKind, Store, StoredRun};
use super::timestamp::Timestamp;
use crate::error::StoreError;
use crate::outcome::{Exception, Failure};
use crate::plan::{FlowRecord, FlowStep};
use crate::report::error_chain;
use crate::wire::GotoRecord;

/// So many attempts are kept of a step without items, and so many of the items that did not succeed.
const MOST_ATTEMPTS: usize = 1000;

/// What is recorded of a run, for people: its steps with their attempts, waits and errors.
///
/// It is read without the run's events, so it can be had of any run in any program: of one that is
/// not over, that cannot go on, or whose pipeline is gone.
///
/// ```
/// use nexus_core::journal::{History, MemoryStore, Store};
/// use nexus_core::{Context, Engine, Fields, Flow, Inputs, Outcome, Registry};
/// use std::sync::Arc;
/// let mut registry = Registry::new();
/// registry.event("charge", |_: &Context| Outcome::<u32>::failure("no money")).output_json();
/// let plan = Flow::parse("charge")?.plan(&registry, &Fields::new())?;
/// let store = Arc::new(MemoryStore::new());
/// let engine = Engine::builder().store(Arc::clone(&store)).build()?;
/// engine.prepare_plan(&plan, Inputs::new())?.key("A-1").run()?;
///
/// let history = History::read(&*store, "A-1")?.expect("it is in the store");
/// let [attempt] = &*history.steps[0].attempts else { panic!() };
/// assert_eq!(attempt.ended.errors(), ["no money"]);
/// # Ok::<(), nexus_core::Error>(())
/// ```
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct History {
    /// The run.
    pub run: StoredRun,
    /// The steps of the flow that it goes on with, in script order. Where it began again, only what
    /// came after that counts.
    pub steps: Vec<StepHistory>,
    /// When it was ended from outside, and by what, if it was.
    pub halted: Option<(Timestamp, HaltCause)>,
    /// How far it was read.
    read: ReadSoFar,
}

/// What one has to know of the records that were read to read on.
#[derive(Debug, Clone, Default)]
struct ReadSoFar {
    /// The last record.
    seq: u64,
    /// What was last recorded of a step, and of an item that has not succeeded.
    last: HashMap<(u32, Option<u64>), Last>,
    /// The answers to tasks that had not said yet that they are pending.
    early: HashMap<(u32, Option<u64>), String>,
}

/// What was last recorded of a task: when, and whether its last attempt did not succeed.
#[derive(Debug, Clone, Copy)]
struct Last {
    at: Timestamp,
    has_failed: bool,
}

/// What ended a run from outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum HaltCause {
    /// Somebody cancelled it.
    Request,
    /// The task that ran it was cancelled.
    Parent,
    /// It took longer than its timeout.
    Timeout,
}

/// What is recorded of a step.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct StepHistory {
    /// Its place in the flow.
    pub path: String,
    /// The event's name.
    pub event: String,
    /// The event's version when the run began.
    pub version: u32,
    /// How many attempts have ended, over all items.
    pub ended_attempts: u64,
    /// The attempts in the order of their records: of an `each` step only those that did not succeed;
    /// the first thousand.
    pub attempts: Vec<AttemptHistory>,
    /// How the items of an `each` step ended, if it is one that has begun.
    pub items: Option<ItemCounts>,
    /// When bodies ran. Spans that touch are one.
    pub running: Vec<Span>,
    /// The waits before retries that are over. Spans that touch are one.
    pub waits: Vec<Span>,
    /// What it yielded, if it has no items and its last attempt has succeeded.
    pub value: Option<serde_json::Value>,
}

/// How the items of an `each` step ended so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ItemCounts {
    /// Those that succeeded.
    pub succeeded: u64,
    /// Those whose last attempt did not succeed. They may be tried again.
    pub failed: u64,
    /// Those that were bypassed.
    pub bypassed: u64,
}

/// An attempt that has ended.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct AttemptHistory {
    /// Its number, from 1.
    pub attempt: u32,
    /// The item of an `each` step, from 0.
    pub item: Option<u64>,
    /// When it ran.
    pub span: Span,
    /// How it ended.
    pub ended: AttemptEnd,
}

/// A stretch of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Span {
    /// Its beginning.
    pub from: Timestamp,
    /// Its end.
    pub to: Timestamp,
}

impl Span {
    /// The time from the one to the other.
    pub fn new(from: Timestamp, to: Timestamp) -> Self {
        Self { from, to }
    }

    /// How long it is.
    pub fn duration(&self) -> Duration {
        self.to.since(self.from)
    }

    /// The time before `to` that a body ran.
    fn before(to: Timestamp, busy: Duration) -> Self {
        Self { from: Timestamp(to.0.saturating_sub(Timestamp::since_epoch(busy).0)), to }
    }
}

/// How an attempt ended.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum AttemptEnd {
    /// It succeeded.
    Success,
    /// It said no: the reason, and then its error's sources.
    Failure(Vec<String>),
    /// It broke: the error, and then its sources.
    Exception(Vec<String>),
    /// It went to a branch of its choice.
    Goto {
        /// The branch, by number or name.
        branch: String,
        /// Why.
        reason: String,
        /// Whether it counts as a failure.
        failed: bool,
    },
    /// Its bypass check skipped it, for this reason.
    Bypassed(String),
    /// It waits for the world outside: somebody says how it ends.
    Pending,
    /// It took longer than its timeout.
    TimedOut,
    /// Its record says something that this version does not know.
    Unknown,
}

impl AttemptEnd {
    /// Whether it counts as a success.
    pub fn is_success(&self) -> bool {
        matches!(self, Self::Success | Self::Bypassed(_) | Self::Goto { failed: false, .. })
    }

    /// How it ended, in a word.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::Failure(_) => "failure",
            Self::Exception(_) => "exception",
            Self::Goto { .. } => "goto",
            Self::Bypassed(_) => "bypassed",
            Self::Pending => "pending",
            Self::TimedOut => "timed_out",
            Self::Unknown => "unknown",
        }
    }

    /// Why it did not succeed: its reason, and then each error's source, outermost first.
    pub fn errors(&self) -> &[String] {
        match self {
            Self::Failure(errors) | Self::Exception(errors) => errors,
            _ => &[],
        }
    }
}

impl History {
    /// What is recorded of the run with this key, if there is one.
    ///
    /// # Errors
    ///
    /// If the store cannot be read, or one of the run's records is damaged.
    pub fn read(store: &dyn Store, key: &str) -> Result<Option<Self>, StoreError> {
        let Some(run) = store.run(key)? else { return Ok(None) };
        Self::of(run).with_rest(store).map(Some)
    }

    /// The same history with what was recorded since it was read. `run` is the run as the store has it now.
    /// Whoever watches a long run reads each record once so.
    ///
    /// # Errors
    ///
    /// If the store cannot be read, or one of the run's records is damaged.
    pub fn refreshed(mut self, store: &dyn Store, run: StoredRun) -> Result<Self, StoreError> {
        let known = &self.run;
        // Another flow gives what was read before another meaning.
        if (&known.start.key, known.start.at) != (&run.start.key, run.start.at)
            || known.revisions != run.revisions
        {
            return Self::of(run).with_rest(store);
        }
        self.run = run;
        self.with_rest(store)
    }

    /// That of a run of which no record is read.
    fn of(run: StoredRun) -> Self {
        let seq = run.restart().map_or(0, |restart| restart.seq);
        let steps = StepHistory::of_flow(run.flow());
        Self { run, steps, halted: None, read: ReadSoFar { seq, ..ReadSoFar::default() } }
    }

    fn with_rest(self, store: &dyn Store) -> Result<Self, StoreError> {
        let Self { run, steps, halted, read } = self;
        let mut reader = Reader { steps, halted, read };
        let mut steps = Steps::of(&run);
        let after = reader.read.seq;
        each_record(store, &run.start.key, after, |record| {
            reader.read.seq = record.seq;
            // What is about a step that the flow has no more is not shown.
            if let Ok(record) = steps.translate(record) {
                reader.read(&record);
            }
            Ok::<(), StoreError>(())
        })?;
        let Reader { steps, halted, read } = reader;
        Ok(Self { run, steps, halted, read })
    }
}

impl StepHistory {
    fn of_flow(flow: &FlowRecord) -> Vec<Self> {
        let step = |step: &FlowStep| Self {
            path: step.path.clone(),
            event: step.event.clone(),
            version: step.version,
            ended_attempts: 0,
            attempts: Vec::new(),
            items: None,
            running: Vec::new(),
            waits: Vec::new(),
            value: None,
        };
        flow.steps.iter().map(step).collect()
    }

    /// How its last attempt ended that is kept.
    pub fn last(&self) -> Option<&AttemptHistory> {
        self.attempts.last()
    }

    fn add(&mut self, mut attempt: AttemptHistory) {
        if attempt.ended == AttemptEnd::Pending {
            add_span(&mut self.running, attempt.span);
            return self.keep(attempt);
        }
        let is_same = |open: &AttemptHistory| {
            open.ended == AttemptEnd::Pending
                && (open.attempt, open.item) == (attempt.attempt, attempt.item)
        };
        match self.attempts.iter().rposition(is_same) {
            // It ends now, and the body has ended long ago.
            Some(place) => attempt.span.from = self.attempts.remove(place).span.from,
            None => add_span(&mut self.running, attempt.span),
        }
        self.ended_attempts += 1;
        if attempt.item.is_none() || !attempt.ended.is_success() {
            self.keep(attempt);
        }
    }

    fn keep(&mut self, attempt: AttemptHistory) {
        if self.attempts.len() < MOST_ATTEMPTS {
            self.attempts.push(attempt);
        }
    }

    /// Counts an item whose attempt has ended; `failed_before` says how the one before did.
    fn count_item(&mut self, ended: &AttemptEnd, failed_before: bool) {
        let items = self.items.get_or_insert_default();
        items.failed -= u64::from(failed_before);
        match ended {
            AttemptEnd::Pending => {}
            AttemptEnd::Bypassed(_) => items.bypassed += 1,
            ended if ended.is_success() => items.succeeded += 1,
            _ => items.failed += 1,
        }
    }
}

/// Adds a span to others. They come in the order of their ends.
fn add_span(spans: &mut Vec<Span>, mut span: Span) {
    while let Some(last) = spans.pop_if(|last| last.to >= span.from) {
        span = Span { from: span.from.min(last.from), to: span.to.max(last.to) };
    }
    spans.push(span);
}

/// Reads the records of a run one after the other.
struct Reader {
    steps: Vec<StepHistory>,
    halted: Option<(Timestamp, HaltCause)>,
    read: ReadSoFar,
}

impl Reader {
    fn read(&mut self, record: &Record) {
        if record.kind == RecordKind::Retried {
            self.halted = None;
            return;
        }
        let Some(step) = record.step else {
            if record.kind == RecordKind::Halted {
                let by = serde_json::from_str(&record.body).map(|HaltedBody { by }| by);
                self.halted = Some((record.at, by.unwrap_or(HaltCause::Request)));
            }
            return;
        };
        let Some(of_step) = self.steps.get_mut(step as usize) else { return };
        let (now, place) = (record.at, (step, record.item));
        if record.kind == RecordKind::Resolved && record.attempt == 0 {
            self.read.early.insert(place, record.body.clone());
            return;
        }
        let last = self.read.last.get(&place).copied();
        let since_last = Span { from: last.map_or(now, |last| last.at), to: now };
        let failed_before = last.is_some_and(|last| last.has_failed);
        let (span, ended, value) = match record.kind {
            RecordKind::Woken => {
                self.read.last.insert(place, Last { at: now, has_failed: failed_before });
                return add_span(&mut of_step.waits, since_last);
            }
            RecordKind::Checked => match skipped(&record.body) {
                Some(reason) => (Span { from: now, to: now }, AttemptEnd::Bypassed(reason), None),
                None => return,
            },
            RecordKind::TimedOut => (since_last, AttemptEnd::TimedOut, None),
            RecordKind::Computed => (Span { from: now, to: now }, AttemptEnd::Success, None),
            // What it waited for is the attempt's; the time until then is none of its own.
            RecordKind::Completed | RecordKind::Resolved => completed(&record.body, now),
            RecordKind::Halted
            | RecordKind::Adopted
            | RecordKind::Restarted
            | RecordKind::Retried
            | RecordKind::Traced => return,
        };
        let early =
            if ended == AttemptEnd::Pending { self.read.early.remove(&place) } else { None };
        let (ended, value) = match early {
            Some(answer) => {
                let (_, ended, value) = completed(&answer, now);
                (ended, value)
            }
            None => (ended, value),
        };
        of_step.value = value.filter(|_| record.item.is_none());
        if record.item.is_some() {
            of_step.count_item(&ended, failed_before);
        }
        if record.item.is_some() && ended.is_success() {
            self.read.last.remove(&place);
        } else {
            let is_failure = !ended.is_success() && ended != AttemptEnd::Pending;
            self.read.last.insert(place, Last { at: now, has_failed: is_failure });
        }
        of_step.add(AttemptHistory { attempt: record.attempt, item: record.item, span, ended });
    }
}

#[derive(Deserialize)]
struct HaltedBody {
    by: HaltCause,
}

/// Reads why a bypass check skipped its task, if it did.
fn skipped(body: &str) -> Option<String> {
    #[derive(Deserialize)]
    #[serde(rename_all = "snake_case")]
    enum Answer {
        Skip((String, IgnoredAny)),
    }
    serde_json::from_str(body).ok().map(|Answer::Skip((reason, _))| reason)
}

/// Reads how an attempt ended that was recorded at `now`.
fn completed(body: &str, now: Timestamp) -> (Span, AttemptEnd, Option<serde_json::Value>) {
    #[derive(Deserialize)]
    struct Completed {
        outcome: Outcome,
        #[serde(default)]
        busy: u64,
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "snake_case")]
    enum Outcome {
        Success(serde_json::Value),
        Failure(Failure),
        Exception(Exception),
        Goto((GotoRecord, serde_json::Value)),
        Pending(()),
    }
    let Ok(Completed { outcome, busy }) = serde_json::from_str(body) else {
        return (Span { from: now, to: now }, AttemptEnd::Unknown, None);
    };
    let (ended, value) = match outcome {
        Outcome::Pending(()) => (AttemptEnd::Pending, None),
        Outcome::Success(value) => (AttemptEnd::Success, Some(value)),
        Outcome::Failure(failure) => (AttemptEnd::Failure(error_chain(&failure)), None),
        Outcome::Exception(exception) => {
            (AttemptEnd::Exception(error_chain(&Failure::of_exception(&exception))), None)
        }
        Outcome::Goto((goto, value)) => {
            let GotoRecord { number, name, failed, reason } = goto;
            let branch = name.or_else(|| number.map(|it| it.to_string())).unwrap_or_default();
            (AttemptEnd::Goto { branch, reason, failed }, Some(value))
        }
    };
    (Span::before(now, Duration::from_nanos(busy)), ended, value)
}
