//! Steps that run once for each item of what came along the arrow.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::{Ending, Run, Task, flow};
use crate::event::Collect;
use crate::outcome::{Exception, ExceptionKind, Failure, TaskOutcome};
use crate::panic;
use crate::piped::{EachResult, OwnedPiped};
use crate::settings::EventExecutionEvaluationState as Evaluation;
use crate::shape::Fan;
use crate::value::Value;

/// An `each` step under way.
pub(super) struct EachState {
    items: Items,
    /// The next item to start.
    next: u64,
    /// Items that are started and not done.
    running: usize,
    /// The items that running tasks hold, where they do not stand in a list.
    held: HashMap<u64, OwnedPiped>,
    /// Values that wait for those of earlier items; at most as many as the window is wide.
    early: BTreeMap<u64, Option<Value>>,
    /// The first item whose value is not collected.
    collected: u64,
    collector: Box<dyn Collect>,
    failures: Vec<(u64, Failure)>,
    /// The items that were skipped without a value, and how many were skipped at all.
    bypassed: Vec<(u64, Failure)>,
    bypassed_total: u64,
}

enum Items {
    List(Value, usize),
    Group(Arc<[OwnedPiped]>),
    Stream(Box<dyn FnMut() -> Option<Value> + Send>),
}

impl Run {
    /// Starts as many items as the window has room for.
    pub(super) fn begin_each(&mut self, step: u32) {
        // The step itself counts as one more until it is settled.
        self.outstanding += 1;
        let items = match self.items_of(step) {
            Ok(items) => items,
            Err(ending) => return self.end_step(step, ending),
        };
        let state = EachState {
            items,
            next: 0,
            running: 0,
            held: HashMap::new(),
            early: BTreeMap::new(),
            collected: 0,
            collector: self.plan.event_of(step).def.wires.collector(),
            failures: Vec::new(),
            bypassed: Vec::new(),
            bypassed_total: 0,
        };
        self.each.insert(step, state);
        self.fill_window(step);
    }

    fn items_of(&self, step: u32) -> Result<Items, Ending> {
        let edge = |message| Ending::Exception(Exception::of_kind(ExceptionKind::Edge, message));
        let name = &self.plan.event_of(step).def.name;
        let fan = self.plan.event_of(step).def.wires.fan;
        let list = match self.owned_input(step) {
            OwnedPiped::Group(members) => return Ok(Items::Group(members)),
            OwnedPiped::Value(value) => value,
            OwnedPiped::Each(each) if each.verdict.is_none() => each.values.clone(),
            OwnedPiped::Each(each) => {
                let why = each.verdict.as_ref().map(ToString::to_string).unwrap_or_default();
                return Err(edge(no_items(name, &why)));
            }
            OwnedPiped::Failure(failure) | OwnedPiped::Reason(failure) => {
                return Err(edge(no_items(name, failure.reason())));
            }
            OwnedPiped::Nothing | OwnedPiped::Item(..) => {
                return Err(edge(no_items(name, "nothing came along")));
            }
        };
        match fan(&list).map(|fanned| fanned.0) {
            Some(Fan::List(len)) => Ok(Items::List(list, len)),
            Some(Fan::Stream(next)) => Ok(Items::Stream(next)),
            None => Err(edge(no_items(name, "what came along has another type"))),
        }
    }

    fn fill_window(&mut self, step: u32) {
        let window = self.plan.options_of(step).window;
        while self.halt.is_none() {
            let Some(state) = self.each.get_mut(&step) else { return };
            // Early values count, so that one slow item bounds how far the others run ahead.
            if state.running + state.early.len() >= window.max(1) {
                return;
            }
            match state.take_next() {
                Ok(Some(item)) => {
                    self.outstanding += 1;
                    self.begin_task(Task { step, attempt: 1, item: Some(item) });
                }
                Ok(None) => break,
                Err(exception) => {
                    // The items themselves broke: the step ends with that.
                    self.forget_tasks(step);
                    self.outstanding += 1;
                    return self.end_step(step, Ending::Exception(exception));
                }
            }
        }
        self.finish_each(step);
    }

    pub(super) fn item_ended(&mut self, step: u32, item: u64, outcome: TaskOutcome) {
        let Some(state) = self.each.get_mut(&step) else { return };
        self.outstanding -= 1;
        let failed = state.ended(item, outcome);
        let partial = self.plan.options_of(step).evaluation == Evaluation::FailureForPartialError;
        if failed && partial {
            self.settle_each(step);
            return;
        }
        self.fill_window(step);
    }

    /// An item's bypass check has skipped it. Without a value it is left out of the list.
    pub(super) fn item_bypassed(
        &mut self,
        step: u32,
        item: u64,
        value: Option<Value>,
        reason: &str,
    ) {
        let name = Arc::clone(&self.plan);
        let name = &name.event_of(step).def.name;
        let Some(state) = self.each.get_mut(&step) else { return };
        self.outstanding -= 1;
        state.bypassed_total += 1;
        if value.is_none() {
            let why = format!("`{name}` was bypassed without a value ({reason})");
            state.bypassed.push((item, Failure::new(why)));
        }
        state.finished(item, value);
        self.fill_window(step);
    }

    /// Ends the step if no item is left.
    fn finish_each(&mut self, step: u32) {
        if self.each.get(&step).is_some_and(|state| state.running == 0) {
            self.settle_each(step);
        }
    }

    fn settle_each(&mut self, step: u32) {
        let Some(mut state) = self.each.remove(&step) else { return };
        self.tokens.raise_step(step);
        self.forget_waits(step);
        self.outstanding -= state.running;
        state.failures.sort_by_key(|(item, _)| *item);
        state.bypassed.sort_by_key(|(item, _)| *item);
        let total = state.next - state.running as u64;
        let failures = state.failures.len() as u64;
        let evaluation = self.plan.options_of(step).evaluation;
        let verdict = flow::fails(evaluation, failures, total).then(|| {
            Failure::new(match state.failures.first() {
                Some((item, failure)) => {
                    format!("{failures} of {total} items did not succeed; item {item}: {failure}")
                }
                None => "there were no items".to_owned(),
            })
        });
        for value in std::mem::take(&mut state.early).into_values().flatten() {
            state.collector.push(value);
        }
        let result = EachResult {
            values: state.collector.finish(),
            failures: std::mem::take(&mut state.failures),
            bypassed: std::mem::take(&mut state.bypassed),
            bypassed_total: state.bypassed_total,
            total,
            verdict,
        };
        self.end_step(step, Ending::Each(Arc::new(result)));
    }

    /// The input of one item's task.
    pub(super) fn item_input(&self, step: u32, item: u64) -> OwnedPiped {
        self.each.get(&step).map_or(OwnedPiped::Nothing, |state| state.input(item))
    }
}

impl EachState {
    /// Items that are started and not done.
    pub(super) fn running(&self) -> usize {
        self.running
    }

    /// Takes the next item, if there is one.
    fn take_next(&mut self) -> Result<Option<u64>, Exception> {
        let item = self.next;
        match &mut self.items {
            Items::List(_, len) if item >= *len as u64 => return Ok(None),
            Items::Group(members) if item >= members.len() as u64 => return Ok(None),
            Items::List(..) | Items::Group(_) => {}
            Items::Stream(next) => match panic::contain(next)? {
                Some(value) => {
                    self.held.insert(item, OwnedPiped::Value(value));
                }
                None => return Ok(None),
            },
        }
        self.next += 1;
        self.running += 1;
        Ok(Some(item))
    }

    fn input(&self, item: u64) -> OwnedPiped {
        let index = usize::try_from(item).unwrap_or(usize::MAX);
        match &self.items {
            Items::List(list, _) => OwnedPiped::Item(list.clone(), index),
            Items::Group(members) => members.get(index).cloned().unwrap_or(OwnedPiped::Nothing),
            Items::Stream(_) => self.held.get(&item).cloned().unwrap_or(OwnedPiped::Nothing),
        }
    }

    /// Records how an item ended; says whether it did not succeed.
    fn ended(&mut self, item: u64, outcome: TaskOutcome) -> bool {
        let failure = match outcome {
            TaskOutcome::Success(value) => {
                self.finished(item, Some(value));
                return false;
            }
            TaskOutcome::Failure(failure) => failure,
            TaskOutcome::Exception(exception) => Failure::of_exception(&exception),
            TaskOutcome::Goto(goto, _) => Failure::of_exception(&Exception::of_kind(
                ExceptionKind::NoSuchDescriptor,
                format!("an item of an `each` step cannot go to branch `{}`", goto.descriptor),
            )),
        };
        self.failures.push((item, failure));
        self.finished(item, None);
        true
    }

    /// An item is done; its value is collected as soon as those of all earlier items are.
    fn finished(&mut self, item: u64, value: Option<Value>) {
        self.running -= 1;
        self.held.remove(&item);
        self.early.insert(item, value);
        while let Some(next) = self.early.remove(&self.collected) {
            if let Some(value) = next {
                self.collector.push(value);
            }
            self.collected += 1;
        }
    }
}

fn no_items(event: &str, why: &str) -> String {
    format!("`{event}` runs for each item of what comes along `|->`, but there are none: {why}")
}
