//! What a record says of a notification: its JSON, both ways.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt;
use std::marker::PhantomData;
use std::time::Duration;

use serde::de::{
    DeserializeSeed, Deserializer, EnumAccess, Error as _, IgnoredAny, MapAccess, SeqAccess,
    VariantAccess, Visitor,
};
use serde::{Deserialize, Serialize};

use super::store::{Record, RecordKind};
use crate::event::EventDef;
use crate::outcome::{Bypass, BypassKind, Exception, ExceptionKind, TaskOutcome};
use crate::panic;
use crate::plan::Plan;
use crate::run::{CancelCause, Halt, Notification, Task};
use crate::time::nanos;
use crate::value::Value;
use crate::wire::{
    Codec, ErrorClassifier, Pair, Reply, ReplySeed, Transfer, ValueRef, from_json, to_json,
};

/// A notification with what its driver measured.
pub(crate) struct Told {
    pub(crate) notification: Notification,
    /// The time since the task's first attempt began, where its policy bounds that.
    pub(crate) elapsed: Duration,
}

/// What a record has beside its place and its time.
pub(crate) struct Body {
    pub(crate) kind: RecordKind,
    pub(crate) json: String,
}

#[derive(Serialize)]
struct CompletedBody<T> {
    outcome: T,
    /// How long the body ran, in nanoseconds.
    busy: u64,
    #[serde(skip_serializing_if = "is_zero")]
    elapsed: u64,
}

#[derive(Serialize, Deserialize, Default)]
struct TimedOutBody {
    #[serde(default, skip_serializing_if = "is_zero")]
    elapsed: u64,
}

#[derive(Deserialize)]
struct HaltedBody {
    by: HaltedBy,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum HaltedBy {
    Request,
    Parent,
    Timeout,
}

/// What a bypass check answered.
#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
enum AnswerRef<'a> {
    Run,
    /// The reason, and the value in a list of one, or of none: a value may itself be `null`.
    Skip((&'a str, Vec<ValueRef<'a>>)),
    Exception(&'a Exception),
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it")]
fn is_zero(n: &u64) -> bool {
    *n == 0
}

fn output_codec(def: &EventDef) -> Option<Codec> {
    match def.output_part.by {
        Transfer::Value(codec) => Some(codec),
        _ => None,
    }
}

impl Body {
    /// What is written down where somebody cancels a run that nobody drives.
    pub(crate) fn of_cancel(cause: CancelCause) -> Self {
        Self::of_halt(&Halt::Cancelled(cause))
    }

    pub(crate) fn of_halt(halt: &Halt) -> Self {
        let by = match halt {
            Halt::TimedOut => "timeout",
            Halt::Cancelled(CancelCause::Parent) => "parent",
            _ => "request",
        };
        Self { kind: RecordKind::Halted, json: format!("{{\"by\":\"{by}\"}}") }
    }

    /// What is written down of a notification; `limit` is how long it may be, in bytes.
    ///
    /// # Errors
    ///
    /// If a value cannot be written: the exception that its event ends with instead.
    pub(crate) fn of(
        plan: &Plan,
        notification: &Notification,
        elapsed: Duration,
        limit: usize,
    ) -> Result<Self, Exception> {
        // Serialize is user code.
        panic::contain(|| Self::write(plan, notification, elapsed, limit))?
    }

    fn write(
        plan: &Plan,
        notification: &Notification,
        elapsed: Duration,
        limit: usize,
    ) -> Result<Self, Exception> {
        match notification {
            Notification::Completed { task, outcome, busy } => Ok(Self {
                kind: RecordKind::Completed,
                json: end_json(plan, *task, outcome, *busy, elapsed, limit)?,
            }),
            Notification::Resolved { task, outcome, .. } => Ok(Self {
                kind: RecordKind::Resolved,
                json: end_json(plan, *task, outcome, Duration::ZERO, elapsed, limit)?,
            }),
            Notification::Checked { task, answer } => {
                let json = checked_json(&plan.event_of(task.step).def, answer, limit)?;
                Ok(Self { kind: RecordKind::Checked, json })
            }
            Notification::Waits(..) => Err(Exception::not_run("that a body waits is not recorded")),
            Notification::Look(_) => Err(Exception::not_run("who looks at a run is not recorded")),
            Notification::Woken(_) => Ok(Self { kind: RecordKind::Woken, json: String::new() }),
            Notification::TimedOut(task) => {
                let body = TimedOutBody { elapsed: nanos(elapsed) };
                let json = to_json(&body, limit)
                    .map_err(|error| unwritable(&plan.event_of(task.step).def, &error))?;
                Ok(Self { kind: RecordKind::TimedOut, json })
            }
            Notification::Halted(halt) => Ok(Self::of_halt(halt)),
        }
    }
}

/// What is written down of how a task ended.
fn end_json(
    plan: &Plan,
    task: Task,
    outcome: &TaskOutcome,
    busy: Duration,
    elapsed: Duration,
    limit: usize,
) -> Result<String, Exception> {
    let policy = plan.options_of(task.step).retry.as_ref();
    let types = policy.map_or(&[][..], |policy| policy.listed());
    let classifier = ErrorClassifier { types, policy };
    completed_json(&plan.event_of(task.step).def, outcome, classifier, busy, elapsed, limit)
}

/// What is written down of how an attempt of the event `def` ended.
///
/// # Errors
///
/// If its value cannot be written: the exception that the event ends with instead.
pub(crate) fn completed_json(
    def: &EventDef,
    outcome: &TaskOutcome,
    classifier: ErrorClassifier<'_>,
    busy: Duration,
    elapsed: Duration,
    limit: usize,
) -> Result<String, Exception> {
    let reply = Reply { took: busy, def, outcome, classifier };
    let body =
        CompletedBody { outcome: reply.outcome()?, busy: nanos(busy), elapsed: nanos(elapsed) };
    to_json(&body, limit).map_err(|error| unwritable(def, &error))
}

/// What is written down of what a bypass check of the event `def` answered.
///
/// # Errors
///
/// If its value cannot be written: the exception that the event ends with instead.
pub(crate) fn checked_json(
    def: &EventDef,
    answer: &Result<Bypass<Value>, Exception>,
    limit: usize,
) -> Result<String, Exception> {
    let answer = answer_ref(def, answer).map_err(|error| unwritable(def, &error))?;
    to_json(&answer, limit).map_err(|error| unwritable(def, &error))
}

/// What is written down of an attempt that ended with this exception.
pub(crate) fn exception_json(exception: &Exception) -> String {
    let outcome = HashMap::from([("exception", exception)]);
    let body = CompletedBody { outcome, busy: 0, elapsed: 0 };
    // Texts alone can always be written.
    serde_json::to_string(&body).unwrap_or_default()
}

/// The exception of a task whose end cannot be written down. It is never retried: the next attempt
/// would end the same way.
fn unwritable(def: &EventDef, cause: &dyn fmt::Display) -> Exception {
    let message = format!("what `{}` yielded cannot be recorded: {cause}", def.name);
    Exception::of_kind(ExceptionKind::Serialization, message)
}

fn answer_ref<'a>(
    def: &EventDef,
    answer: &'a Result<Bypass<Value>, Exception>,
) -> Result<AnswerRef<'a>, &'static str> {
    Ok(match answer {
        Ok(Bypass(BypassKind::No)) => AnswerRef::Run,
        Ok(Bypass(BypassKind::Skip { value, reason })) => {
            let value = value.as_ref().map(|value| match output_codec(def) {
                Some(codec) => codec.borrow(value).ok_or("it has another type than was planned"),
                None => Err(def.output_part.cure()),
            });
            AnswerRef::Skip((reason, value.transpose()?.into_iter().collect()))
        }
        Err(exception) => AnswerRef::Exception(exception),
    })
}

/// Why a record cannot be read.
pub(crate) type Unreadable = String;

fn read<S: DeserializeSeed<'static> + Copy>(text: &str, seed: S) -> Result<S::Value, Unreadable> {
    from_json(seed, text).map_err(|error| error.to_string())
}

impl Record {
    /// The task that the record is about, if its step is one of the plan's.
    pub(crate) fn task(&self, plan: &Plan) -> Result<Task, Unreadable> {
        let step = self.step.filter(|step| (*step as usize) < plan.len());
        let step =
            step.ok_or_else(|| "it is about a step that the flow does not have".to_owned())?;
        Ok(Task { step, attempt: self.attempt, item: self.item })
    }

    /// The notification that was written down.
    pub(crate) fn told(&self, plan: &Plan) -> Result<Told, Unreadable> {
        // Deserialize is user code.
        panic::contain(|| self.read(plan)).unwrap_or_else(|panic| Err(panic.to_string()))
    }

    fn read(&self, plan: &Plan) -> Result<Told, Unreadable> {
        let without = |notification| Told { notification, elapsed: Duration::ZERO };
        Ok(match self.kind {
            RecordKind::Completed => {
                let task = self.task(plan)?;
                let seed = CompletedSeed(&plan.event_of(task.step).def);
                let (outcome, busy, elapsed) = read(&self.body, seed)?;
                let notification = Notification::Completed { task, outcome, busy };
                Told { notification, elapsed }
            }
            RecordKind::Resolved => {
                let task = self.task(plan)?;
                let seed = CompletedSeed(&plan.event_of(task.step).def);
                let (outcome, _, elapsed) = read(&self.body, seed)?;
                let notification = Notification::Resolved { task, outcome, reply: None };
                Told { notification, elapsed }
            }
            RecordKind::Checked => {
                let task = self.task(plan)?;
                let seed = AnswerSeed(output_codec(&plan.event_of(task.step).def));
                without(Notification::Checked { task, answer: read(&self.body, seed)? })
            }
            RecordKind::Woken => without(Notification::Woken(self.task(plan)?)),
            RecordKind::TimedOut => {
                let body: TimedOutBody = read(&self.body, PhantomData)?;
                let elapsed = Duration::from_nanos(body.elapsed);
                Told { notification: Notification::TimedOut(self.task(plan)?), elapsed }
            }
            RecordKind::Halted => {
                let body: HaltedBody = read(&self.body, PhantomData)?;
                without(Notification::Halted(match body.by {
                    HaltedBy::Request => Halt::Cancelled(CancelCause::Requested),
                    HaltedBy::Parent => Halt::Cancelled(CancelCause::Parent),
                    HaltedBy::Timeout => Halt::TimedOut,
                }))
            }
            RecordKind::Computed => return Err("its outcome was not written down".to_owned()),
            RecordKind::Traced => return Err("nothing happens with it".to_owned()),
            RecordKind::Adopted | RecordKind::Restarted | RecordKind::Retried => {
                return Err("the flow that the run went on with is not there".to_owned());
            }
        })
    }
}

/// Reads how an attempt of this event ended.
#[derive(Clone, Copy)]
struct CompletedSeed<'a>(&'a EventDef);

impl<'de> DeserializeSeed<'de> for CompletedSeed<'_>
where
    'de: 'static,
{
    type Value = (TaskOutcome, Duration, Duration);

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Self::Value, D::Error> {
        from.deserialize_map(self)
    }
}

#[derive(Deserialize)]
#[serde(field_identifier, rename_all = "snake_case")]
enum CompletedKey {
    Outcome,
    Busy,
    Elapsed,
    #[serde(other)]
    Other,
}

impl<'de> Visitor<'de> for CompletedSeed<'_>
where
    'de: 'static,
{
    type Value = (TaskOutcome, Duration, Duration);

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("how an attempt ended")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let (mut outcome, mut busy, mut elapsed) = (None, 0, 0);
        while let Some(key) = map.next_key()? {
            match key {
                CompletedKey::Outcome => outcome = Some(map.next_value_seed(ReplySeed(self.0))?),
                CompletedKey::Busy => busy = map.next_value()?,
                CompletedKey::Elapsed => elapsed = map.next_value()?,
                CompletedKey::Other => _ = map.next_value::<IgnoredAny>()?,
            }
        }
        let outcome = outcome.ok_or_else(|| A::Error::missing_field("outcome"))?;
        Ok((outcome, Duration::from_nanos(busy), Duration::from_nanos(elapsed)))
    }
}

/// Reads what a bypass check answered.
#[derive(Clone, Copy)]
struct AnswerSeed(Option<Codec>);

#[derive(Deserialize)]
#[serde(variant_identifier, rename_all = "snake_case")]
enum AnswerKind {
    Run,
    Skip,
    Exception,
}

impl DeserializeSeed<'static> for AnswerSeed {
    type Value = Result<Bypass<Value>, Exception>;

    fn deserialize<D: Deserializer<'static>>(self, from: D) -> Result<Self::Value, D::Error> {
        from.deserialize_enum("Answer", &["run", "skip", "exception"], self)
    }
}

impl Visitor<'static> for AnswerSeed {
    type Value = Result<Bypass<Value>, Exception>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("what a bypass check answered")
    }

    fn visit_enum<A: EnumAccess<'static>>(self, data: A) -> Result<Self::Value, A::Error> {
        let (kind, content) = data.variant()?;
        Ok(match kind {
            AnswerKind::Run => {
                content.unit_variant()?;
                Ok(Bypass::no())
            }
            AnswerKind::Skip => {
                let pair = Pair::<String, _>::new(OptionSeed(self.0));
                let (reason, value) = content.newtype_variant_seed(pair)?;
                Ok(Bypass(BypassKind::Skip { value, reason: Cow::Owned(reason) }))
            }
            AnswerKind::Exception => Err(content.newtype_variant()?),
        })
    }
}

/// Reads a list of at most one value.
struct OptionSeed(Option<Codec>);

impl DeserializeSeed<'static> for OptionSeed {
    type Value = Option<Value>;

    fn deserialize<D: Deserializer<'static>>(self, from: D) -> Result<Self::Value, D::Error> {
        from.deserialize_seq(self)
    }
}

impl Visitor<'static> for OptionSeed {
    type Value = Option<Value>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of one value, or of none")
    }

    fn visit_seq<A: SeqAccess<'static>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        match self.0 {
            Some(codec) => seq.next_element_seed(codec),
            None if seq.next_element::<IgnoredAny>()?.is_none() => Ok(None),
            None => Err(A::Error::custom("its type cannot be read")),
        }
    }
}
