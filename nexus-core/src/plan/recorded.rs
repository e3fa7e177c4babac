//! Flows as runs are recorded with them, and what differs between two of them.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::Plan;
use crate::context::Names;
use crate::hash::Fnv128;

/// A flow as a run began with it. All runs of a plan share one.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct FlowRecord {
    /// The flow in the Pointy language.
    pub script: String,
    /// Its steps, in script order: a record names them by their place in this list.
    pub steps: Vec<FlowStep>,
}

/// A step of a recorded flow.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct FlowStep {
    /// Its place in the flow, such as `validate_order/1/process_payment`.
    pub path: String,
    /// The event's name.
    pub event: String,
    /// The event's `version`.
    pub version: u32,
    /// The type of the value that the event yields, such as `Vec<Receipt>`.
    pub output: String,
}

impl Plan {
    /// The flow as runs are recorded with it: made for the first of them, for to make it takes as long as dozens of
    /// steps.
    pub(crate) fn flow_record(&self) -> &Arc<FlowRecord> {
        let step = |step: u32| {
            let def = &self.event_of(step).def;
            FlowStep {
                path: self.step_path(step),
                event: self.event_name(step).to_owned(),
                version: def.version(),
                output: def.output_text(),
            }
        };
        self.recorded.get_or_init(|| {
            let steps = (0..self.len() as u32).map(step).collect();
            Arc::new(FlowRecord { script: self.script(), steps })
        })
    }
}

/// Of each kind of difference, so many are listed.
const LISTED: usize = 20;

impl FlowRecord {
    /// The hash of all that it consists of, with 128 bits, the same on every machine: a store keeps
    /// equal flows once.
    pub fn digest(&self) -> u128 {
        let mut hash = Fnv128::new();
        hash.write(self.script.as_bytes());
        for FlowStep { path, event, version, output } in &self.steps {
            hash.write(path.as_bytes());
            hash.write(event.as_bytes());
            hash.write(&version.to_be_bytes());
            hash.write(output.as_bytes());
        }
        hash.0
    }

    /// What a record of a run that goes on with this flow says of it: by its digest a store can tell
    /// whether it still has the flow that was meant.
    pub(crate) fn named_json(&self) -> String {
        format!("{{\"flow\":\"{:032x}\"}}", self.digest())
    }

    /// Whether it has the steps of `now`, with the same events, whatever their versions and types.
    pub(crate) fn has_steps_of(&self, now: &Self) -> bool {
        let same =
            |(then, now): (&FlowStep, &FlowStep)| then.path == now.path && then.event == now.event;
        self.script == now.script
            && self.steps.len() == now.steps.len()
            && self.steps.iter().zip(&now.steps).all(same)
    }

    /// The place in `now` of each step, where that flow has it, with the same event.
    pub(crate) fn places_in(&self, now: &Self) -> Vec<Option<u32>> {
        let places: BTreeMap<(&str, &str), u32> = (0..)
            .zip(&now.steps)
            .map(|(place, step)| ((&*step.path, &*step.event), place))
            .collect();
        let place = |step: &FlowStep| places.get(&(&*step.path, &*step.event)).copied();
        self.steps.iter().map(place).collect()
    }

    /// What has changed between this flow and the one of today, a line for each difference.
    pub(crate) fn changes_until(&self, now: &Self) -> String {
        let mut text = String::new();
        if self.script != now.script {
            let (then, now) = (shortened(&self.script), shortened(&now.script));
            let _ = write!(text, "\n  then: {then}\n  now:  {now}");
        }
        let place = |step: &FlowStep| (step.path.clone(), step.event.clone());
        let (old, new): (BTreeSet<_>, BTreeSet<_>) =
            (self.steps.iter().map(place).collect(), now.steps.iter().map(place).collect());
        let only = |flow: &Self, other: &BTreeSet<_>| {
            let only = flow.steps.iter().filter(|step| !other.contains(&place(step)));
            only.map(|step| step.path.clone()).collect::<Vec<String>>()
        };
        list(&mut text, "gone: ", &only(self, &new));
        list(&mut text, "new:  ", &only(now, &old));
        let mut changed = BTreeSet::new();
        for (then, place) in self.steps.iter().zip(self.places_in(now)) {
            let Some(now) = place.and_then(|place| now.steps.get(place as usize)) else { continue };
            if then.version != now.version {
                let (event, then, now) = (&then.event, then.version, now.version);
                changed.insert(format!("`{event}` had version {then} then, and has {now} now"));
            }
            if then.output != now.output {
                let (event, then, now) = (&then.event, &then.output, &now.output);
                changed.insert(format!("`{event}` yielded `{then}` then, and yields `{now}` now"));
            }
        }
        list(&mut text, "", &changed.into_iter().collect::<Vec<_>>());
        text
    }
}

/// Adds lines to a list of differences, the first of them.
fn list(text: &mut String, what: &str, lines: &[String]) {
    for line in lines.iter().take(LISTED) {
        let _ = write!(text, "\n  {what}{line}");
    }
    if let Some(more) = lines.len().checked_sub(LISTED).filter(|more| *more > 0) {
        let _ = write!(text, "\n  {what}and {more} more");
    }
}

/// A text of which an error shows the beginning.
pub(crate) fn shortened(text: &str) -> String {
    const MOST: usize = 400;
    match text.char_indices().nth(MOST) {
        Some((end, _)) => format!("{}..", &text[..end]),
        None => text.to_owned(),
    }
}
