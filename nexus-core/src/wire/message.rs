//! A task on its way to another process, and its outcome on the way back.

use std::borrow::Cow;
use std::cell::Cell;
use std::fmt;
use std::time::Duration;

use serde::de::{
    DeserializeSeed, Deserializer, EnumAccess, Error as _, SeqAccess, VariantAccess, Visitor,
};
use serde::ser::{Error as _, SerializeTuple};
use serde::{Deserialize, Serialize, Serializer};

use super::codec::ValueRef;
use super::errors::{ErrorClassifier, ExceptionRecord, FailureRef, FailureSeed};
use super::pair::Pair;
use super::piped::PipedSeed;
use super::{Transfer, WirePart, cannot_cross};
use crate::context::{Context, RunId};
use crate::event::{EventDef, Inputs};
use crate::outcome::{Descriptor, Exception, Goto, TaskOutcome};
use crate::piped::OwnedPiped;
use crate::value::Value;

/// What tasks of one step have in common: which event it is, and what their contexts say. A
/// request without it is one of the same step as the request before it.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct StepHeader<'a> {
    /// Which event: see the module's documentation.
    pub(crate) reference: Cow<'a, str>,
    /// In two halves: not every format has such long numbers.
    pub(crate) run: (u64, u64),
    pub(crate) pipeline: Cow<'a, str>,
    pub(crate) path: Cow<'a, str>,
    pub(crate) key: Option<Cow<'a, str>>,
    /// The time by the engine's clock.
    pub(crate) now: Duration,
}

fn halves(number: u128) -> (u64, u64) {
    ((number >> 64) as u64, number as u64)
}

impl StepHeader<'_> {
    pub(crate) fn run_id(&self) -> RunId {
        RunId(u128::from(self.run.0) << 64 | u128::from(self.run.1))
    }
}

/// What a task's context says besides.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct TaskHeader {
    pub(crate) attempt: u32,
    pub(crate) item: Option<u64>,
    pub(crate) deadline: Option<Duration>,
}

/// What another process needs to run a task.
pub(crate) struct TaskRequest<'a> {
    def: &'a EventDef,
    /// `None` if the other side knows the step already.
    reference: Option<&'a str>,
    context: &'a Context,
    inputs: Inputs<'a>,
    /// The part that is being serialised.
    writing: Cell<Option<WirePart>>,
}

impl<'a> TaskRequest<'a> {
    pub(crate) fn new(
        def: &'a EventDef,
        reference: Option<&'a str>,
        context: &'a Context,
        inputs: Inputs<'a>,
    ) -> Self {
        Self { def, reference, context, inputs, writing: Cell::new(None) }
    }
}

impl Serialize for TaskRequest<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let step = self.reference.map(|reference| StepHeader {
            reference: Cow::Borrowed(reference),
            run: halves(self.context.run_id().0),
            pipeline: Cow::Borrowed(self.context.pipeline()),
            path: Cow::Owned(self.context.step_path()),
            key: self.context.run_key().map(Cow::Borrowed),
            now: self.context.now(),
        });
        let task = TaskHeader {
            attempt: self.context.attempt(),
            item: self.context.item(),
            deadline: self.context.deadline(),
        };
        (step, task, Parts(self)).serialize(serializer)
    }
}

impl TaskRequest<'_> {
    /// Why it could not be serialised: an exception of the event that names the part.
    pub(crate) fn explain(&self, cause: &dyn fmt::Display) -> Exception {
        let what = match self.writing.get() {
            Some(part) => describe(self.def, &part),
            None => "the task's context".to_owned(),
        };
        cannot_cross(&what, cause)
    }
}

/// The parameters that are sent, in order.
struct Parts<'a>(&'a TaskRequest<'a>);

impl Serialize for Parts<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let TaskRequest { def, inputs, writing, .. } = self.0;
        let mut tuple = serializer.serialize_tuple(sent_parts(def))?;
        for (index, part) in def.parts().enumerate() {
            writing.set(Some(*part));
            match part.by {
                Transfer::Value(codec) => {
                    let value = inputs.field_value(index);
                    let value = value.and_then(|value| codec.borrow(value));
                    let missing = || S::Error::custom("the pipeline has no such field");
                    tuple.serialize_element(&value.ok_or_else(missing)?)?;
                }
                Transfer::Piped(codec) => {
                    let piped = codec.borrow(&inputs.piped).map_err(S::Error::custom)?;
                    tuple.serialize_element(&piped)?;
                }
                Transfer::State(_) | Transfer::NoFactory | Transfer::Context => {}
                Transfer::No | Transfer::Borrows => {
                    return Err(S::Error::custom(part.cure()));
                }
            }
        }
        tuple.end()
    }
}

/// How many parameters of the event are sent; the others exist on the other side.
fn sent_parts(def: &EventDef) -> usize {
    let is_here = |part: &&WirePart| {
        matches!(part.by, Transfer::State(_) | Transfer::NoFactory | Transfer::Context)
    };
    def.params.len() - def.parts().filter(is_here).count()
}

fn describe(def: &EventDef, part: &WirePart) -> String {
    match part.name {
        "" => format!("the output of `{}`, a `{}`,", def.name, part.ty),
        name => format!("the parameter `{name}: {}` of `{}`", part.ty, def.name),
    }
}

/// Reads a request: the function gives the step that it is for.
pub(crate) struct RequestSeed<F>(pub(crate) F);

/// A step that was found for a request.
pub(crate) trait Defined {
    fn definition(&self) -> &EventDef;
}

/// A request as read.
pub(crate) struct ReceivedTask<S> {
    pub(crate) step: S,
    pub(crate) header: TaskHeader,
    /// The fields that the event takes, in the order of its parameters.
    pub(crate) fields: Vec<Value>,
    pub(crate) piped: OwnedPiped,
}

impl<S, F> DeserializeSeed<'static> for RequestSeed<F>
where
    S: Defined,
    F: FnOnce(Option<StepHeader<'static>>) -> Result<S, Exception>,
{
    /// The task; or why there is no such step here.
    type Value = Result<ReceivedTask<S>, Exception>;

    fn deserialize<D: Deserializer<'static>>(self, from: D) -> Result<Self::Value, D::Error> {
        from.deserialize_tuple(3, self)
    }
}

impl<S, F> Visitor<'static> for RequestSeed<F>
where
    S: Defined,
    F: FnOnce(Option<StepHeader<'static>>) -> Result<S, Exception>,
{
    type Value = Result<ReceivedTask<S>, Exception>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a task")
    }

    fn visit_seq<A: SeqAccess<'static>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        let missing = |index| A::Error::invalid_length(index, &"3");
        let step: Option<StepHeader<'static>> = seq.next_element()?.ok_or_else(|| missing(0))?;
        let step = match (self.0)(step) {
            Ok(step) => step,
            Err(unknown) => return Ok(Err(unknown)),
        };
        let header = seq.next_element()?.ok_or_else(|| missing(1))?;
        let parts = seq.next_element_seed(PartsSeed(step.definition()))?;
        let (fields, piped) = parts.ok_or_else(|| missing(2))?;
        Ok(Ok(ReceivedTask { step, header, fields, piped }))
    }
}

struct PartsSeed<'a>(&'a EventDef);

impl DeserializeSeed<'static> for PartsSeed<'_> {
    type Value = (Vec<Value>, OwnedPiped);

    fn deserialize<D: Deserializer<'static>>(self, from: D) -> Result<Self::Value, D::Error> {
        from.deserialize_tuple(sent_parts(self.0), self)
    }
}

impl Visitor<'static> for PartsSeed<'_> {
    type Value = (Vec<Value>, OwnedPiped);

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the parameters of `{}`", self.0.name)
    }

    fn visit_seq<A: SeqAccess<'static>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        let (mut fields, mut piped) = (Vec::new(), OwnedPiped::Nothing);
        for part in self.0.parts() {
            let missing = || A::Error::custom("it is missing");
            let read = match part.by {
                Transfer::Value(codec) => seq
                    .next_element_seed(codec)
                    .and_then(|value| value.ok_or_else(missing).map(|value| fields.push(value))),
                Transfer::Piped(codec) => seq
                    .next_element_seed(PipedSeed(codec))
                    .and_then(|value| value.ok_or_else(missing).map(|arrived| piped = arrived)),
                _ => Ok(()),
            };
            read.map_err(|cause| {
                A::Error::custom(cannot_cross(&describe(self.0, part), cause).message())
            })?;
        }
        Ok((fields, piped))
    }
}

/// The outcome of a task of the event `def`, to be sent back, with the time that it took.
pub(crate) struct Reply<'a> {
    pub(crate) took: Duration,
    pub(crate) def: &'a EventDef,
    pub(crate) outcome: &'a TaskOutcome,
    pub(crate) classifier: ErrorClassifier<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
enum OutcomeRef<'a> {
    Success(ValueRef<'a>),
    Failure(FailureRef<'a>),
    Exception(ExceptionRecord),
    Goto((GotoRecord, ValueRef<'a>)),
    /// With content, so that every outcome has the form of an object with one key.
    Pending(()),
}

#[derive(Serialize, Deserialize)]
pub(crate) struct GotoRecord {
    pub(crate) number: Option<u32>,
    pub(crate) name: Option<String>,
    pub(crate) failed: bool,
    pub(crate) reason: String,
}

impl Reply<'_> {
    /// Writes the outcome.
    ///
    /// # Errors
    ///
    /// If its value cannot be serialised: an exception of the event that says so.
    pub(crate) fn write<S: Serializer>(&self, serializer: S) -> Result<S::Ok, Exception> {
        let outcome = self.outcome()?;
        let reply = (nanos(self.took), outcome);
        reply.serialize(serializer).map_err(|cause| self.unsendable(&cause))
    }

    /// The outcome, to be serialised as a part of something.
    ///
    /// # Errors
    ///
    /// If its value cannot be serialised: an exception of the event that says so.
    pub(crate) fn outcome(&self) -> Result<impl Serialize, Exception> {
        self.borrow().map_err(|cause| self.unsendable(&cause))
    }

    fn unsendable(&self, cause: &dyn fmt::Display) -> Exception {
        cannot_cross(&describe(self.def, &self.def.output_part), cause)
    }

    fn borrow(&self) -> Result<OutcomeRef<'_>, &'static str> {
        let output = self.def.output_part.by.codec();
        let value = |value| match output {
            Some(codec) => codec.borrow(value).ok_or("it has another type than was planned"),
            None => Err(self.def.output_part.cure()),
        };
        Ok(match self.outcome {
            TaskOutcome::Success(given) => OutcomeRef::Success(value(given)?),
            TaskOutcome::Failure(failure) => {
                OutcomeRef::Failure(FailureRef { failure, output, classifier: &self.classifier })
            }
            TaskOutcome::Exception(exception) => {
                OutcomeRef::Exception(ExceptionRecord::of(exception, &self.classifier))
            }
            TaskOutcome::Goto(goto) => {
                let (goto, given) = &**goto;
                let (number, name) = match goto.descriptor() {
                    Descriptor::Number(number) => (Some(*number), None),
                    Descriptor::Name(name) => (None, Some(name.to_string())),
                };
                let (failed, reason) = (goto.failed, goto.reason().to_owned());
                OutcomeRef::Goto((GotoRecord { number, name, failed, reason }, value(given)?))
            }
            TaskOutcome::Pending => OutcomeRef::Pending(()),
        })
    }

    /// Writes an exception in place of an outcome: the task could not be run here, or its outcome
    /// could not be written.
    pub(crate) fn write_exception<S: Serializer>(
        took: Duration,
        exception: &Exception,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        let record = ExceptionRecord::of(exception, &ErrorClassifier::NONE);
        (nanos(took), OutcomeRef::Exception(record)).serialize(serializer)
    }
}

fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

/// Reads the outcome of a task of this event.
pub(crate) struct ReplySeed<'a>(pub(crate) &'a EventDef);

impl ReplySeed<'_> {
    /// The time that the task took, and its outcome; a reply that cannot be read is an exception of
    /// the event.
    pub(crate) fn read<D: Deserializer<'static>>(self, from: D) -> (Duration, TaskOutcome) {
        let def = self.0;
        // Deserialize is user code.
        match crate::panic::contain(|| Pair::<u64, _>::new(self).deserialize(from)) {
            Ok(Ok((nanos, outcome))) => (Duration::from_nanos(nanos), outcome),
            Ok(Err(cause)) => {
                let exception = cannot_cross(&describe(def, &def.output_part), cause);
                (Duration::ZERO, exception.into())
            }
            Err(panic) => (Duration::ZERO, panic.into()),
        }
    }
}

#[derive(Deserialize)]
#[serde(variant_identifier, rename_all = "snake_case")]
enum OutcomeKind {
    Success,
    Failure,
    Exception,
    Goto,
    Pending,
}

impl DeserializeSeed<'static> for ReplySeed<'_> {
    type Value = TaskOutcome;

    fn deserialize<D: Deserializer<'static>>(self, from: D) -> Result<TaskOutcome, D::Error> {
        const KINDS: &[&str] = &["success", "failure", "exception", "goto", "pending"];
        from.deserialize_enum("Outcome", KINDS, self)
    }
}

impl Visitor<'static> for ReplySeed<'_> {
    type Value = TaskOutcome;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("how a task ended")
    }

    fn visit_enum<A: EnumAccess<'static>>(self, data: A) -> Result<TaskOutcome, A::Error> {
        let output = self.0.output_part.by.codec().copied();
        let value = || output.ok_or_else(|| A::Error::custom(self.0.output_part.cure()));
        let (kind, content) = data.variant()?;
        Ok(match kind {
            OutcomeKind::Success => TaskOutcome::Success(content.newtype_variant_seed(value()?)?),
            OutcomeKind::Failure => {
                TaskOutcome::Failure(content.newtype_variant_seed(FailureSeed(output))?)
            }
            OutcomeKind::Exception => {
                TaskOutcome::Exception(content.newtype_variant::<Exception>()?)
            }
            OutcomeKind::Goto => {
                let pair = Pair::<GotoRecord, _>::new(value()?);
                let (goto, value) = content.newtype_variant_seed(pair)?;
                let GotoRecord { number, name, failed, reason } = goto;
                let descriptor = match (number, name) {
                    (Some(number), _) => Descriptor::Number(number),
                    (None, name) => Descriptor::Name(name.unwrap_or_default().into()),
                };
                let goto = Goto { descriptor, failed, reason: Cow::Owned(reason) };
                TaskOutcome::Goto(Box::new((goto, value)))
            }
            OutcomeKind::Pending => {
                content.newtype_variant::<()>()?;
                TaskOutcome::Pending
            }
        })
    }
}
