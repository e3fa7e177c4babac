//! Steps that run once for each item of what came along the arrow.

mod again;

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use again::Again;

#[cfg(feature = "durable")]
use super::Standing;
use super::{Ending, Run, Task, flow};
use crate::event::Collect;
use crate::outcome::{Exception, ExceptionKind, Failure, TaskOutcome};
use crate::panic;
use crate::piped::{EachResult, OwnedPiped, Piped};
use crate::settings::EventExecutionEvaluationState as Evaluation;
use crate::shape::Fan;
use crate::value::Value;

/// The `each` steps under way, each at the place that the plan gives it.
#[derive(Default)]
pub(super) struct EachSteps {
    states: Vec<Option<Box<EachState>>>,
    under_way: usize,
}

impl EachSteps {
    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.under_way
    }

    fn insert(&mut self, index: u32, of: u32, state: EachState) {
        // No run pays for the steps of others: the places are made with the first such step.
        self.states.resize_with(of as usize, || None);
        self.states[index as usize] = Some(Box::new(state));
        self.under_way += 1;
    }

    fn get(&self, index: u32) -> Option<&EachState> {
        self.states.get(index as usize)?.as_deref()
    }

    fn get_mut(&mut self, index: u32) -> Option<&mut EachState> {
        self.states.get_mut(index as usize)?.as_deref_mut()
    }

    pub(super) fn remove(&mut self, index: u32) -> Option<Box<EachState>> {
        let state = self.states.get_mut(index as usize)?.take()?;
        self.under_way -= 1;
        Some(state)
    }
}

/// An `each` step under way.
pub(super) struct EachState {
    items: Items,
    /// The next item to start.
    next: u64,
    /// Items that are started and not done.
    running: usize,
    /// What is known of the items from [`collected`](Self::collected) on; at most as many as the
    /// window is wide.
    window: VecDeque<Item>,
    /// How many items of the window are done.
    early: usize,
    /// The first item whose value is not collected.
    collected: u64,
    collector: Box<dyn Collect>,
    failures: Vec<(u64, Failure)>,
    /// The items that were skipped without a value, and how many were skipped at all.
    bypassed: Vec<(u64, Failure)>,
    bypassed_total: u64,
    /// Only some of the items are done, the others were before.
    again: Option<Box<Again>>,
}

/// An item that is not collected.
enum Item {
    /// Its task reads it in place.
    Listed,
    /// Its task is the only one that needs it.
    Held(OwnedPiped),
    /// It is done, and waits for earlier ones.
    Done(Option<Value>),
}

enum Items {
    List(Value, usize),
    Group(Arc<[OwnedPiped]>),
    Stream(Box<dyn FnMut() -> Option<Value> + Send>),
}

impl Run {
    fn each_index(&self, step: u32) -> u32 {
        self.plan.steps[step as usize].hints.each
    }

    /// Starts as many items as the window has room for.
    pub(super) fn begin_each(&mut self, step: u32) {
        // The step itself counts as one more until it is settled.
        self.outstanding += 1;
        let items = match self.items_of(step) {
            Ok(items) => items,
            Err(ending) => return self.end_step(step, ending),
        };
        let mut collector = self.plan.event_of(step).def.ports.collector();
        collector.reserve(items.len());
        let mut state = EachState {
            items,
            next: 0,
            running: 0,
            window: VecDeque::new(),
            early: 0,
            collected: 0,
            collector,
            failures: Vec::new(),
            bypassed: Vec::new(),
            bypassed_total: 0,
            again: None,
        };
        if let Some(before) = self.take_items_of_before(step) {
            state.go_on_after(before);
        }
        self.each.insert(self.each_index(step), self.plan.each_steps, state);
        self.fill_window(step);
    }

    fn items_of(&self, step: u32) -> Result<Items, Ending> {
        let edge = |message| Ending::Exception(Exception::of_kind(ExceptionKind::Edge, message));
        let name = &self.plan.event_of(step).def.name;
        let fan = self.plan.event_of(step).def.ports.fan;
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

    /// Starts as many more items as the window has room for.
    pub(crate) fn fill_window(&mut self, step: u32) {
        let (index, window) = (self.each_index(step), self.plan.options_of(step).window.max(1));
        while self.halt.is_none() {
            let Some(state) = self.each.get_mut(index) else { return };
            // Early values count, so that one slow item bounds how far the others run ahead.
            if state.running + state.early >= window {
                return;
            }
            match state.take_next() {
                Ok(Some(item)) => {
                    self.outstanding += 1;
                    self.begin_task(step, Some(item));
                }
                Ok(None) => break,
                Err(exception) => return self.items_broke(step, exception),
            }
        }
        self.finish_each(step);
    }

    /// The items themselves broke: the step ends with that.
    #[cold]
    fn items_broke(&mut self, step: u32, exception: Exception) {
        self.forget_tasks(step);
        self.outstanding += 1;
        self.end_step(step, Ending::Exception(exception));
    }

    /// Whether all that there is to do for the run is this item, the next to be collected, and
    /// `queued` more of its step.
    pub(crate) fn is_only_each(&self, step: u32, item: u64, queued: usize) -> bool {
        let is_only = |state: &EachState| {
            let items = queued + 1;
            let is_next = state.collected == item && state.early == 0;
            is_next && state.running == items && self.outstanding == items + 1
        };
        let is_settled = self.waiting == 0 && self.halt.is_none() && !self.has_requests();
        is_settled && self.each.get(self.each_index(step)).is_some_and(is_only)
    }

    /// Whether somebody still waits for an item's task, which has ended: it has no token afterwards.
    pub(crate) fn takes_item(&mut self, task: Task) -> bool {
        !self.plan.steps[task.step as usize].hints.guarded || self.tokens.remove(task)
    }

    /// The next item to be collected has succeeded at its first attempt, beside others.
    pub(crate) fn pass_item(&mut self, step: u32, item: u64, value: Value) {
        let index = self.each_index(step);
        let Some(state) = self.each.get_mut(index) else { return };
        state.finished(item, Some(value));
        self.outstanding -= 1;
        self.cells[step as usize].attempts += 1;
    }

    /// The only item under way has succeeded at its first attempt. Gives the one that takes its
    /// place; ends the step if there is none.
    #[expect(clippy::inline_always, reason = "two loops of items have it inside")]
    #[inline(always)]
    pub(crate) fn replace_item(&mut self, step: u32, value: Value) -> Option<u64> {
        self.cells[step as usize].attempts += 1;
        let index = self.each_index(step);
        let next = self.each.get_mut(index)?.replace_only(value);
        match next {
            Ok(Some(item)) => return Some(item),
            Ok(None) => {
                self.outstanding -= 1;
                self.finish_each(step);
            }
            Err(exception) => {
                self.outstanding -= 1;
                self.items_broke(step, exception);
            }
        }
        None
    }

    /// How long the bodies of an `each` step's items ran that were passed.
    pub(crate) fn passed_in(&mut self, step: u32, busy: Duration) {
        self.cells[step as usize].add_busy(busy);
    }

    pub(super) fn item_ended(&mut self, step: u32, item: u64, outcome: TaskOutcome) {
        let index = self.each_index(step);
        let Some(state) = self.each.get_mut(index) else { return };
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
        let index = self.each_index(step);
        let Some(state) = self.each.get_mut(index) else { return };
        self.outstanding -= 1;
        state.bypassed_total += 1;
        if value.is_none() {
            let name = &self.plan.event_of(step).def.name;
            let why = format!("`{name}` was bypassed without a value ({reason})");
            state.bypassed.push((item, Failure::new(why)));
        }
        state.finished(item, value);
        self.fill_window(step);
    }

    /// Ends the step if no item is left.
    fn finish_each(&mut self, step: u32) {
        if self.each.get(self.each_index(step)).is_some_and(|state| state.running == 0) {
            self.settle_each(step);
        }
    }

    fn settle_each(&mut self, step: u32) {
        let Some(mut state) = self.each.remove(self.each_index(step)) else { return };
        self.tokens.raise_step(step);
        self.forget_open_of(step);
        self.forget_waits(step);
        self.outstanding -= state.running;
        let result = state.result(self.plan.options_of(step).evaluation);
        self.end_step(step, Ending::Each(Arc::new(result)));
    }

    #[cfg(feature = "durable")]
    /// How far an item is of a step that is under way.
    pub(super) fn item_standing(&self, step: u32, item: u64) -> Standing {
        match self.each.get(self.each_index(step)) {
            Some(state) if state.nth(item).is_some_and(|nth| nth >= state.next) => {
                Standing::NotBegun
            }
            Some(state) if state.is_under_way(item) => Standing::UnderWay,
            Some(_) => Standing::Ended,
            None => Standing::NotBegun,
        }
    }

    /// The input of one item's task, which reads it in place.
    #[inline]
    pub(crate) fn item_borrowed(&self, step: u32, item: u64) -> Piped<'_> {
        match self.each.get(self.each_index(step)) {
            Some(state) => state.borrow(item),
            None => Piped::Nothing,
        }
    }

    /// The same, copied; what was copied before stays where it is the same list.
    #[inline]
    pub(super) fn copy_item(&self, step: u32, item: u64, into: &mut OwnedPiped) {
        if let Some(state) = self.each.get(self.each_index(step)) {
            match (&state.items, into) {
                (Items::List(list, _), OwnedPiped::Item(copied, index)) if copied.is_same(list) => {
                    *index = usize::try_from(item).unwrap_or(usize::MAX);
                }
                (_, into) => *into = state.input(item),
            }
        }
    }

    /// The input of one item's task that leaves this thread.
    pub(super) fn item_input(&self, step: u32, item: u64) -> OwnedPiped {
        self.each.get(self.each_index(step)).map_or(OwnedPiped::Nothing, |state| state.input(item))
    }
}

impl Items {
    /// What the window notes of an item that is started, if there is one more.
    #[inline]
    fn entry(&mut self, item: u64) -> Result<Option<Item>, Exception> {
        Ok(match self {
            Self::List(_, len) => (item < *len as u64).then_some(Item::Listed),
            Self::Group(members) => (item < members.len() as u64).then_some(Item::Listed),
            Self::Stream(next) => {
                panic::contain(next)?.map(|value| Item::Held(OwnedPiped::Value(value)))
            }
        })
    }

    /// How many there are at least.
    fn len(&self) -> usize {
        match self {
            Self::List(_, len) => *len,
            Self::Group(members) => members.len(),
            Self::Stream(_) => 0,
        }
    }
}

impl EachState {
    /// Items that are started and not done.
    pub(super) fn running(&self) -> usize {
        self.running
    }

    /// Takes the next item, if there is one.
    fn take_next(&mut self) -> Result<Option<u64>, Exception> {
        let item = self.number(self.next);
        let Some(entry) = self.items.entry(item)? else { return Ok(None) };
        self.window.push_back(entry);
        self.running += 1;
        self.next += 1;
        Ok(Some(item))
    }

    /// The only item under way is done. Gives the next one, which takes its place in the window.
    #[expect(clippy::inline_always, reason = "as of `replace_item`, which calls it")]
    #[inline(always)]
    fn replace_only(&mut self, value: Value) -> Result<Option<u64>, Exception> {
        self.collect(Some(value));
        match self.items.entry(self.next) {
            Ok(Some(entry)) => {
                if let (Some(place), Item::Held(_)) = (self.window.front_mut(), &entry) {
                    // Its Drop is user code.
                    panic::drop_quietly(std::mem::replace(place, entry));
                }
                self.next += 1;
                Ok(Some(self.next - 1))
            }
            end => {
                panic::drop_quietly(self.window.pop_front());
                self.running -= 1;
                end.map(|_| None)
            }
        }
    }

    /// An item's place in the window.
    fn place(&self, item: u64) -> usize {
        let nth = self.nth(item).unwrap_or(u64::MAX);
        usize::try_from(nth.wrapping_sub(self.collected)).unwrap_or(usize::MAX)
    }

    #[cfg(feature = "durable")]
    /// Whether an item that was started is not done.
    fn is_under_way(&self, item: u64) -> bool {
        let entry = self.window.get(self.place(item));
        matches!(entry, Some(Item::Listed | Item::Held(_)))
    }

    fn held(&self, item: u64) -> Option<&OwnedPiped> {
        match self.window.get(self.place(item)) {
            Some(Item::Held(held)) => Some(held),
            _ => None,
        }
    }

    #[inline]
    fn borrow(&self, item: u64) -> Piped<'_> {
        let index = usize::try_from(item).unwrap_or(usize::MAX);
        match &self.items {
            Items::List(list, _) => Piped::Item(list, index),
            Items::Group(members) => members.get(index).map_or(Piped::Nothing, OwnedPiped::borrow),
            Items::Stream(_) => self.held(item).map_or(Piped::Nothing, OwnedPiped::borrow),
        }
    }

    fn input(&self, item: u64) -> OwnedPiped {
        let index = usize::try_from(item).unwrap_or(usize::MAX);
        match &self.items {
            Items::List(list, _) => OwnedPiped::Item(list.clone(), index),
            Items::Group(members) => members.get(index).cloned().unwrap_or(OwnedPiped::Nothing),
            Items::Stream(_) => self.held(item).cloned().unwrap_or(OwnedPiped::Nothing),
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
            TaskOutcome::Pending => Failure::of_exception(&Exception::pending()),
            TaskOutcome::Goto(goto) => Failure::of_exception(&Exception::of_kind(
                ExceptionKind::NoSuchDescriptor,
                format!("an item of an `each` step cannot go to branch `{}`", goto.0.descriptor),
            )),
        };
        self.failures.push((item, failure));
        self.finished(item, None);
        true
    }

    /// An item is done; its value is collected as soon as those of all earlier items are.
    fn finished(&mut self, item: u64, value: Option<Value>) {
        self.running -= 1;
        let place = self.place(item);
        if place > 0 {
            if let Some(entry) = self.window.get_mut(place) {
                panic::drop_quietly(std::mem::replace(entry, Item::Done(value)));
                self.early += 1;
            }
            return;
        }
        // An item of a stream is the user's, and so is its Drop.
        panic::drop_quietly(self.window.pop_front());
        self.collect(value);
        while let Some(Item::Done(value)) = self.window.front_mut() {
            let value = value.take();
            self.window.pop_front();
            self.early -= 1;
            self.collect(value);
        }
    }

    fn collect(&mut self, value: Option<Value>) {
        if let Some(value) = value {
            self.collector.push(value);
        }
        self.collected += 1;
    }

    /// What the step yields, with the values that waited for items which have not ended.
    pub(super) fn result(&mut self, evaluation: Evaluation) -> EachResult {
        self.failures.sort_by_key(|(item, _)| *item);
        self.bypassed.sort_by_key(|(item, _)| *item);
        let total = self.ended_items();
        let failures = self.failures.len() as u64;
        let verdict = flow::fails(evaluation, failures, total).then(|| {
            Failure::new(match self.failures.first() {
                Some((item, failure)) => {
                    format!("{failures} of {total} items did not succeed; item {item}: {failure}")
                }
                None => "there were no items".to_owned(),
            })
        });
        let mut unfinished = Vec::new();
        for (nth, item) in (self.collected..).zip(std::mem::take(&mut self.window)) {
            match item {
                Item::Done(Some(value)) => self.collector.push(value),
                Item::Done(None) => {}
                Item::Listed | Item::Held(_) => unfinished.push(self.number(nth)),
            }
        }
        let now = EachResult {
            values: Value::new(()),
            failures: std::mem::take(&mut self.failures),
            bypassed: std::mem::take(&mut self.bypassed),
            bypassed_total: self.bypassed_total,
            unfinished,
            total,
            verdict,
        };
        self.with_before(now)
    }
}

fn no_items(event: &str, why: &str) -> String {
    format!("`{event}` runs for each item of what comes along `|->`, but there are none: {why}")
}
