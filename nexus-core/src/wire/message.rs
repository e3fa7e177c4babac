//! A task on its way to another process, and its outcome on the way back.

use std::borrow::Cow;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::codec::{read, write};
use super::errors::{Witness, read_exception, read_failure, write_exception, write_failure};
use super::{Crossing, WirePart, stuck};
use crate::context::Context;
use crate::event::{EventDef, Inputs};
use crate::outcome::{Descriptor, Exception, Goto, TaskOutcome};
use crate::piped::OwnedPiped;
use crate::value::Value;

/// What a task's context says, and which event it is.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Header<'a> {
    /// See the module's documentation.
    pub(crate) unit: Cow<'a, str>,
    pub(crate) run: u128,
    pub(crate) pipeline: Cow<'a, str>,
    pub(crate) event: Cow<'a, str>,
    pub(crate) path: Cow<'a, str>,
    pub(crate) attempt: u32,
    pub(crate) item: Option<u64>,
    /// The time by the engine's clock.
    pub(crate) now: Duration,
    pub(crate) deadline: Option<Duration>,
}

/// A request, read as far as the event need not be known.
#[derive(Debug)]
pub(crate) struct Request<'a> {
    pub(crate) header: Header<'static>,
    values: &'a [u8],
}

/// Writes down what a task of the event `def` needs.
pub(crate) fn request(
    def: &EventDef,
    unit: &str,
    context: &Context,
    inputs: &Inputs<'_>,
) -> Result<Vec<u8>, Exception> {
    let mut out = Vec::with_capacity(256);
    let header = Header {
        unit: Cow::Borrowed(unit),
        run: context.run_id().0,
        pipeline: Cow::Borrowed(context.pipeline()),
        event: Cow::Borrowed(context.event()),
        path: Cow::Owned(context.step_path()),
        attempt: context.attempt(),
        item: context.item(),
        now: context.now(),
        deadline: context.deadline(),
    };
    write(&header, &mut out).map_err(|cause| stuck("the task's context", &cause))?;
    for (index, part) in def.wire.parts.iter().enumerate() {
        let written = match part.by {
            Crossing::Value(codec) => match inputs.field_value(index) {
                Some(value) => codec.write(value, &mut out),
                None => Err("the pipeline has no such field".to_owned()),
            },
            Crossing::Piped(codec) => (codec.encode)(&inputs.piped, &mut out),
            Crossing::State(_) | Crossing::Context => Ok(()),
            Crossing::No | Crossing::NoFactory | Crossing::Borrows => Err(part.cure().to_owned()),
        };
        written.map_err(|cause| stuck(&describe(def, part), &cause))?;
    }
    if def.is_closure {
        let cause = "other processes do not have it; make it an annotated event";
        return Err(stuck(&format!("`{}`, which is made from a closure,", def.name), cause));
    }
    Ok(out)
}

/// A request for an event without parameters, of a run of the pipeline of this name.
#[cfg(test)]
pub(crate) fn request_for_test(unit: &str, pipeline: &str) -> Vec<u8> {
    let header = Header {
        unit: Cow::Borrowed(unit),
        run: 1,
        pipeline: Cow::Borrowed(pipeline),
        event: Cow::Borrowed("event"),
        path: Cow::Borrowed("event"),
        attempt: 1,
        item: None,
        now: Duration::ZERO,
        deadline: None,
    };
    let mut out = Vec::new();
    write(&header, &mut out).unwrap();
    out
}

fn describe(def: &EventDef, part: &WirePart) -> String {
    match part.name {
        "" => format!("the output of `{}`, a `{}`,", def.name, part.ty),
        name => format!("the parameter `{name}: {}` of `{}`", part.ty, def.name),
    }
}

impl<'a> Request<'a> {
    pub(crate) fn read(bytes: &'a [u8]) -> Result<Self, Exception> {
        let mut values = bytes;
        let header = read(&mut values).map_err(|cause| stuck("a request", &cause))?;
        Ok(Self { header, values })
    }

    /// The fields that the event takes, in the order of its parameters, and what came along `|->`.
    pub(crate) fn values(&self, def: &EventDef) -> Result<(Vec<Value>, OwnedPiped), Exception> {
        let mut input = self.values;
        let (mut fields, mut piped) = (Vec::new(), OwnedPiped::Nothing);
        for part in def.wire.parts {
            let read = match part.by {
                Crossing::Value(codec) => codec.read(&mut input).map(|value| fields.push(value)),
                Crossing::Piped(codec) => (codec.decode)(&mut input).map(|arrived| piped = arrived),
                _ => Ok(()),
            };
            read.map_err(|cause| stuck(&describe(def, part), &cause))?;
        }
        Ok((fields, piped))
    }
}

/// What a reply begins with.
#[derive(Serialize, Deserialize)]
enum Ended {
    Success,
    Failure,
    Exception,
    Goto { number: Option<u32>, name: String, failed: bool, reason: String },
}

/// Writes an outcome down. One that cannot cross is replaced by an exception that says so.
pub(crate) fn reply(def: &EventDef, outcome: &TaskOutcome, witness: &Witness<'_>) -> Vec<u8> {
    let mut out = Vec::new();
    // Serialize is user code.
    let written = crate::panic::contain(|| try_reply(def, outcome, witness, &mut out));
    let problem = match written {
        Ok(Ok(())) => return out,
        Ok(Err(cause)) => stuck(&describe(def, &def.wire.output), &cause),
        Err(panic) => panic,
    };
    // Of texts and numbers alone, so it can always be written.
    refusal(&problem)
}

/// The reply of a worker that does not know the event.
pub(crate) fn refusal(exception: &Exception) -> Vec<u8> {
    let mut out = Vec::new();
    let _ = write(&Ended::Exception, &mut out)
        .and_then(|()| write_exception(exception, &Witness::NONE, &mut out));
    out
}

fn try_reply(
    def: &EventDef,
    outcome: &TaskOutcome,
    witness: &Witness<'_>,
    out: &mut Vec<u8>,
) -> Result<(), String> {
    let output = match &def.wire.output.by {
        Crossing::Value(codec) => Some(codec),
        _ => None,
    };
    let value = |value: &Value, out: &mut Vec<u8>| match output {
        Some(codec) => codec.write(value, out),
        None => Err(def.wire.output.cure().to_owned()),
    };
    match outcome {
        TaskOutcome::Success(given) => {
            write(&Ended::Success, out)?;
            value(given, out)
        }
        TaskOutcome::Failure(failure) => {
            write(&Ended::Failure, out)?;
            write_failure(failure, output, witness, out)
        }
        TaskOutcome::Exception(exception) => {
            write(&Ended::Exception, out)?;
            write_exception(exception, witness, out)
        }
        TaskOutcome::Goto(goto, given) => {
            let (number, name) = match goto.descriptor() {
                Descriptor::Number(number) => (Some(*number), String::new()),
                Descriptor::Name(name) => (None, name.to_string()),
            };
            let (failed, reason) = (goto.failed, goto.reason().to_owned());
            write(&Ended::Goto { number, name, failed, reason }, out)?;
            value(given, out)
        }
    }
}

/// Reads the reply to a task of the event `def`.
pub(crate) fn outcome(def: &EventDef, reply: &[u8]) -> TaskOutcome {
    // Deserialize is user code.
    match crate::panic::contain(|| try_outcome(def, reply)) {
        Ok(Ok(outcome)) => outcome,
        Ok(Err(cause)) => stuck(&describe(def, &def.wire.output), &cause).into(),
        Err(panic) => panic.into(),
    }
}

fn try_outcome(def: &EventDef, reply: &[u8]) -> Result<TaskOutcome, String> {
    let mut input = reply;
    let output = match &def.wire.output.by {
        Crossing::Value(codec) => Some(codec),
        _ => None,
    };
    let value = |input: &mut &[u8]| match output {
        Some(codec) => codec.read(input),
        None => Err(def.wire.output.cure().to_owned()),
    };
    Ok(match read(&mut input)? {
        Ended::Success => TaskOutcome::Success(value(&mut input)?),
        Ended::Failure => TaskOutcome::Failure(read_failure(output, &mut input)?),
        Ended::Exception => TaskOutcome::Exception(read_exception(&mut input)?),
        Ended::Goto { number, name, failed, reason } => {
            let descriptor =
                number.map_or_else(|| Descriptor::Name(name.into()), Descriptor::Number);
            let goto = Goto { descriptor, failed, reason: Cow::Owned(reason) };
            TaskOutcome::Goto(Box::new(goto), value(&mut input)?)
        }
    })
}
