//! How a run begins, as the JSON that its workflow is given.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use nexus_core::driver::{FlowRecord, FlowStep, RunStart, Timestamp};
use serde::de::Error as _;
use serde::{Deserialize, Serialize};
use serde_json::value::{RawValue, to_raw_value};

/// A run's beginning as JSON.
pub(crate) fn start_json(start: &RunStart, flows: &Flows) -> serde_json::Result<String> {
    let RunStart { key, pipeline, flow, inputs, at, deadline, parent, .. } = start;
    let known = flows.written(pipeline, flow)?;
    let FlowText { script, events, steps, paths } = &known.text;
    serde_json::to_string(&StartMessage {
        key: Cow::from(&**key),
        pipeline: Cow::from(&**pipeline),
        script,
        events,
        steps,
        paths: paths.as_deref(),
        inputs: serde_json::from_str(inputs)?,
        at: *at,
        deadline: *deadline,
        parent: parent.as_deref().map(Cow::from),
    })
}

/// What [`start_json`] has written.
pub(crate) fn read_start(json: &str, flows: &Flows) -> serde_json::Result<RunStart> {
    let message: StartMessage<'_> = serde_json::from_str(json)?;
    let flow = flows.read(&message)?;
    let StartMessage { key, pipeline, inputs, at, deadline, parent, .. } = message;
    let mut start = RunStart::new(key, pipeline, flow, inputs.get().to_owned(), at);
    (start.deadline, start.parent) = (deadline, parent.map(Arc::from));
    Ok(start)
}

/// A [`RunStart`] in fewer words, since a server copies it many times, and half of it would be names of events.
#[derive(Serialize, Deserialize)]
struct StartMessage<'a> {
    #[serde(borrow)]
    key: Cow<'a, str>,
    #[serde(borrow)]
    pipeline: Cow<'a, str>,
    #[serde(borrow)]
    script: &'a RawValue,
    /// These three as [`FlowText`] has them.
    #[serde(borrow)]
    events: &'a RawValue,
    #[serde(borrow)]
    steps: &'a RawValue,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    paths: Option<&'a RawValue>,
    #[serde(borrow)]
    inputs: &'a RawValue,
    at: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    deadline: Option<Timestamp>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    parent: Option<Cow<'a, str>>,
}

/// The flows of pipelines as they were written and read last. Runs of a pipeline mostly begin with the same one,
/// and to write it or to read it takes as long as some of its steps.
#[derive(Debug, Default)]
pub(crate) struct Flows(Mutex<HashMap<String, Arc<KnownFlow>>>);

#[derive(Debug)]
struct KnownFlow {
    flow: Arc<FlowRecord>,
    text: FlowText,
}

impl Flows {
    fn written(
        &self,
        pipeline: &str,
        flow: &Arc<FlowRecord>,
    ) -> serde_json::Result<Arc<KnownFlow>> {
        if let Some(known) = self.known(pipeline, |known| Arc::ptr_eq(&known.flow, flow)) {
            return Ok(known);
        }
        Ok(self.keep(pipeline, Arc::clone(flow), FlowText::of(flow)?))
    }

    fn read(&self, message: &StartMessage<'_>) -> serde_json::Result<Arc<FlowRecord>> {
        if let Some(known) = self.known(&message.pipeline, |known| known.text.is_that_of(message)) {
            return Ok(Arc::clone(&known.flow));
        }
        let text = FlowText::from_message(message);
        let flow = Arc::new(text.flow()?);
        Ok(Arc::clone(&self.keep(&message.pipeline, flow, text).flow))
    }

    fn known(&self, pipeline: &str, is_it: impl Fn(&KnownFlow) -> bool) -> Option<Arc<KnownFlow>> {
        self.all().get(pipeline).filter(|known| is_it(known)).map(Arc::clone)
    }

    fn keep(&self, pipeline: &str, flow: Arc<FlowRecord>, text: FlowText) -> Arc<KnownFlow> {
        let known = Arc::new(KnownFlow { flow, text });
        self.all().insert(pipeline.to_owned(), Arc::clone(&known));
        known
    }

    fn all(&self) -> MutexGuard<'_, HashMap<String, Arc<KnownFlow>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A flow's parts as JSON; what is said of an event stands once.
#[derive(Debug)]
struct FlowText {
    script: Box<RawValue>,
    /// Each event that has steps, with its version and what it yields.
    events: Box<RawValue>,
    /// The steps, as places in `events`.
    steps: Box<RawValue>,
    /// The paths of steps which are not [what they mostly are](usual_paths), by the steps' places.
    paths: Option<Box<RawValue>>,
}

/// What is said of an event, and of the path of a step.
type EventText<'a> = (Cow<'a, str>, u32, Cow<'a, str>);
type PathText<'a> = (usize, Cow<'a, str>);

impl FlowText {
    fn of(flow: &FlowRecord) -> serde_json::Result<Self> {
        let FlowRecord { script, steps: all } = flow;
        let (mut events, mut steps, mut places) =
            (Vec::<EventText<'_>>::new(), Vec::new(), HashMap::new());
        for FlowStep { event, version, output, .. } in all {
            let place = *places.entry((event, version, output)).or_insert_with(|| {
                events.push((Cow::from(event), *version, Cow::from(output)));
                events.len() - 1
            });
            steps.push(place);
        }
        let usual = usual_paths(all.iter().map(|step| &*step.event));
        let own = (0..).zip(all).zip(usual).filter(|((_, step), usual)| step.path != *usual);
        let paths: Vec<PathText<'_>> =
            own.map(|((place, step), _)| (place, Cow::from(&step.path))).collect();
        Ok(Self {
            script: to_raw_value(script)?,
            events: to_raw_value(&events)?,
            steps: to_raw_value(&steps)?,
            paths: if paths.is_empty() { None } else { Some(to_raw_value(&paths)?) },
        })
    }

    fn from_message(message: &StartMessage<'_>) -> Self {
        let StartMessage { script, events, steps, paths, .. } = *message;
        let [script, events, steps] = [script, events, steps].map(ToOwned::to_owned);
        Self { script, events, steps, paths: paths.map(ToOwned::to_owned) }
    }

    fn is_that_of(&self, message: &StartMessage<'_>) -> bool {
        let StartMessage { script, events, steps, paths, .. } = message;
        let same = |(one, other): (&RawValue, &RawValue)| one.get() == other.get();
        [(&*self.script, *script), (&self.events, events), (&self.steps, steps)]
            .into_iter()
            .all(same)
            && self.paths.as_deref().map(RawValue::get) == paths.map(RawValue::get)
    }

    fn flow(&self) -> serde_json::Result<FlowRecord> {
        let all: Vec<EventText<'_>> = serde_json::from_str(self.events.get())?;
        let places: Vec<usize> = serde_json::from_str(self.steps.get())?;
        let paths: Vec<PathText<'_>> = match &self.paths {
            Some(paths) => serde_json::from_str(paths.get())?,
            None => Vec::new(),
        };
        let Some(events) = places.iter().map(|place| all.get(*place)).collect::<Option<Vec<_>>>()
        else {
            return Err(serde_json::Error::custom("a step of an event that is not there"));
        };
        let usual = usual_paths(events.iter().map(|(event, ..)| &**event));
        let mut steps: Vec<FlowStep> = events
            .iter()
            .zip(usual)
            .map(|((event, version, output), path)| FlowStep {
                path,
                event: event.to_string(),
                version: *version,
                output: output.to_string(),
            })
            .collect();
        for (place, path) in paths {
            let Some(step) = steps.get_mut(place) else {
                return Err(serde_json::Error::custom("the path of a step that is not there"));
            };
            step.path = path.into_owned();
        }
        Ok(FlowRecord { script: serde_json::from_str(self.script.get())?, steps })
    }
}

/// The paths of steps that stand in no branch, for their events: the event, and for its further steps a number.
fn usual_paths<'a>(events: impl Iterator<Item = &'a str>) -> impl Iterator<Item = String> {
    let mut seen = HashMap::<&str, u32>::new();
    events.map(move |event| {
        let count = seen.entry(event).or_insert(0);
        *count += 1;
        if *count == 1 { event.to_owned() } else { format!("{event}#{count}") }
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test says what it expects")]

    use super::*;

    fn start(steps: &[(&str, &str, u32, &str)]) -> RunStart {
        let step = |&(path, event, version, output): &(&str, &str, u32, &str)| FlowStep {
            path: path.to_owned(),
            event: event.to_owned(),
            version,
            output: output.to_owned(),
        };
        let steps = steps.iter().map(step).collect();
        let flow = Arc::new(FlowRecord { script: "a \"quoted\" flow".to_owned(), steps });
        RunStart::new("k", "P", flow, r#"{"a":[1,"\n"]}"#.to_owned(), Timestamp(7))
    }

    #[test]
    fn a_beginning_is_read_as_it_was() {
        let mut whole = start(&[
            ("pay", "pay", 1, "u64"),
            ("pay#2", "pay", 1, "u64"),
            // As a registry may have events of the same name with other versions.
            ("pay#3", "pay", 2, "u64"),
            ("check/1/pay#2", "pay", 1, "u64"),
            ("check", "check", 1, "Vec<\"x\">"),
        ]);
        whole.deadline = Some(Timestamp(9));
        whole.parent = Some("its parent".into());
        for start in [whole, start(&[])] {
            let flows = Flows::default();
            let json = start_json(&start, &flows).unwrap();
            // By who has written it, by another one who reads the first and the second of its kind.
            let elsewhere = Flows::default();
            for flows in [&flows, &elsewhere, &elsewhere] {
                assert_eq!(read_start(&json, flows).unwrap(), start);
            }
        }
    }

    /// A server copies what is written some ten times, which costs more than to make it.
    #[test]
    fn an_event_is_said_once() {
        let start = start(&[
            ("send_reminder", "send_reminder", 1, "Receipt"),
            ("send_reminder#2", "send_reminder", 1, "Receipt"),
        ]);
        let json = start_json(&start, &Flows::default());
        assert_eq!(json.unwrap().matches("send_reminder").count(), 1);
    }

    #[test]
    fn steps_that_are_not_there_are_no_beginning() {
        let json = start_json(&start(&[("pay", "pay", 1, "u64")]), &Flows::default()).unwrap();
        for (there, put) in [("[0]", "[1]"), ("[0]", r#"[0],"paths":[[1,"pay"]]"#)] {
            let json = json.replace(there, put);
            let error = read_start(&json, &Flows::default()).unwrap_err();
            assert!(error.to_string().contains("not there"));
        }
    }

    /// Otherwise a run goes on with the flow of another one, such as that of the program before.
    #[test]
    fn runs_of_a_pipeline_may_begin_with_different_flows() {
        let starts = [
            start(&[("pay", "pay", 1, "u64")]),
            start(&[("pay", "pay", 2, "u64")]),
            start(&[("pay", "pay", 1, "u64"), ("pay#2", "pay", 1, "u64")]),
            start(&[("check/1/pay", "pay", 1, "u64")]),
        ];
        let mut other_script = starts[0].clone();
        other_script.flow = Arc::new(FlowRecord {
            script: "other".to_owned(),
            steps: starts[0].flow.steps.clone(),
        });
        let (writes, reads) = (Flows::default(), Flows::default());
        for start in starts.iter().chain([&other_script, &starts[0], &starts[0]]) {
            let json = start_json(start, &writes).unwrap();
            assert_eq!(&read_start(&json, &reads).unwrap(), start);
        }
    }
}
