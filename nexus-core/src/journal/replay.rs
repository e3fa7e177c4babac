//! A run, brought back from its records.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use super::body::{Told, Unreadable};
use super::store::{Record, RecordKind};
use super::timestamp::Timestamp;
use crate::context::Names;
use crate::error::StoreError;
use crate::outcome::TaskOutcome;
use crate::plan::Plan;
use crate::run::{Action, Notification, Run, Task};

/// Runs the body of a task whose outcome was not recorded.
pub(crate) type Compute<'a> = dyn FnMut(&mut Run, Task) -> TaskOutcome + 'a;

/// Feeds records to a fresh run, one after the other.
pub(crate) struct Replay {
    run: Box<Run>,
    /// What the run has asked for and was not told the end of, by step and item: in which order,
    /// and when.
    asked: BTreeMap<(u32, Option<u64>), Asked>,
    count: u64,
    /// Tasks that somebody may have ended before their bodies did: what these bring late is known.
    guarded: Guarded,
    /// When the tasks began whose policy bounds the time of all their attempts.
    first: HashMap<(u32, Option<u64>), Timestamp>,
    /// The last record's number and time.
    last: (u64, Timestamp),
    /// What was asked for since somebody looked, where somebody drives the run by its records.
    fresh: Option<VecDeque<Action>>,
}

struct Asked {
    order: u64,
    action: Action,
    at: Timestamp,
}

/// The guarded tasks that have begun. Items begin in their order, so that there is no need to know
/// each of them.
#[derive(Default)]
struct Guarded {
    /// Of each step, how many items have begun; one of a step without items.
    begun: HashMap<u32, u64>,
    /// The last attempts of those that were tried again.
    retried: HashMap<(u32, Option<u64>), u32>,
}

impl Guarded {
    fn begin(&mut self, task: Task) {
        let Task { step, attempt, item } = task;
        let begun = self.begun.entry(step).or_default();
        *begun = (*begun).max(item.map_or(1, |item| item + 1));
        if attempt > 1 {
            self.retried.insert((step, item), attempt);
        }
    }

    fn has_begun(&self, task: Task) -> bool {
        let Task { step, attempt, item } = task;
        let begun = self.begun.get(&step).is_some_and(|begun| item.unwrap_or(0) < *begun);
        begun && attempt <= self.retried.get(&(step, item)).copied().unwrap_or(1)
    }
}

/// A run as its records left it.
pub(crate) struct Replayed {
    pub(crate) run: Box<Run>,
    /// What it asks for, in order.
    pub(crate) asked: Vec<Action>,
    /// When the tasks of bounded policies among them began.
    pub(crate) starts: Vec<(Task, Timestamp)>,
    /// How many records there were.
    pub(crate) records: u64,
}

impl Replay {
    /// A run at its start, which was at `at`; what it is told was recorded after record `after`.
    pub(crate) fn new(run: Box<Run>, at: Timestamp, after: u64) -> Self {
        Self::begin(run, (after, at), None)
    }

    /// A run at its start that is driven by its records: what it asks for is noted, and what its
    /// policies ask of the time is asked of the times of the records.
    pub(crate) fn driven(run: Box<Run>, at: Timestamp) -> Self {
        Self::begin(run, (0, at), Some(VecDeque::new()))
    }

    fn begin(mut run: Box<Run>, last: (u64, Timestamp), fresh: Option<VecDeque<Action>>) -> Self {
        run.start_ready();
        let mut replay = Self {
            run,
            asked: BTreeMap::new(),
            count: 0,
            guarded: Guarded::default(),
            first: HashMap::new(),
            last,
            fresh,
        };
        replay.collect();
        replay
    }

    /// Tells the run what was recorded next.
    pub(crate) fn apply(
        &mut self,
        plan: &Plan,
        record: &Record,
        compute: &mut Compute<'_>,
    ) -> Result<(), Unreadable> {
        if record.seq != self.last.0 + 1 {
            return Err(format!("after record {} comes record {}", self.last.0, record.seq));
        }
        if matches!(record.kind, RecordKind::Adopted | RecordKind::Traced) {
            // Nothing has happened to the run. It goes by the flow of today from its first record on.
            self.last = (record.seq, record.at.max(self.last.1));
            return Ok(());
        }
        if record.kind == RecordKind::Retried {
            return self.retry(record);
        }
        let answered = self.expect(plan, record)?;
        // What cannot be read changes nothing.
        let told = match record.kind {
            RecordKind::Computed => {
                let task = record.task(plan)?;
                let outcome = compute(&mut self.run, task);
                if !matches!(outcome, TaskOutcome::Success(_)) {
                    let path = plan.step_path(task.step);
                    return Err(format!("`{path}` had succeeded, and did not when computed again"));
                }
                let notification = Notification::Completed { task, outcome, busy: Duration::ZERO };
                Told { notification, elapsed: Duration::ZERO }
            }
            _ => record.told(plan)?,
        };
        self.last = (record.seq, record.at.max(self.last.1));
        if let Some(place) = answered {
            self.asked.remove(&place);
        }
        self.tell(told);
        // Nothing more is asked for: the task will not be tried again. Mostly none has been.
        if !self.first.is_empty()
            && let Some(place) = answered.filter(|place| !self.asked.contains_key(place))
        {
            self.first.remove(&place);
        }
        Ok(())
    }

    /// The run, which is over, goes on from what failed, or from a step.
    pub(crate) fn retry(&mut self, record: &Record) -> Result<(), Unreadable> {
        self.run.rewind(record.step).map_err(str::to_owned)?;
        self.last = (record.seq, record.at.max(self.last.1));
        // Nothing of it is under way.
        (self.asked, self.guarded, self.first) = Default::default();
        self.run.start_ready();
        self.collect();
        Ok(())
    }

    /// The place of what the record answers among what was asked for. A flow of today that has not
    /// asked for it is another one than that of the records, even where it looks the same.
    fn expect(
        &self,
        plan: &Plan,
        record: &Record,
    ) -> Result<Option<(u32, Option<u64>)>, Unreadable> {
        if record.kind == RecordKind::Halted {
            return Ok(None);
        }
        let task = record.task(plan)?;
        let place = (task.step, task.item);
        let answers =
            self.asked.get(&place).is_some_and(|asked| match (asked.action, record.kind) {
                (Action::Check(asked), RecordKind::Checked)
                | (Action::Wake(asked, _), RecordKind::Woken)
                | (Action::Await(asked, _), RecordKind::TimedOut)
                | (
                    Action::Start(asked),
                    RecordKind::Completed | RecordKind::Computed | RecordKind::TimedOut,
                ) => asked == task,
                _ => false,
            });
        if answers {
            return Ok(Some(place));
        }
        if record.kind == RecordKind::Resolved {
            let is_open = |asked: &Asked| matches!(asked.action, Action::Await(..));
            // An answer may come before its task is pending, or when that has ended.
            return Ok(self.asked.get(&place).is_some_and(is_open).then_some(place));
        }
        // What was under way when the run ended may come late as well.
        if self.guarded.has_begun(task) || self.run.halt.is_some() {
            return Ok(None);
        }
        let (path, attempt) = (plan.step_path(task.step), task.attempt);
        Err(format!("attempt {attempt} of `{path}` is none that the flow of today makes"))
    }

    fn tell(&mut self, told: Told) {
        let Told { notification, mut elapsed } = told;
        if let (Some(_), Some(task)) = (&self.fresh, notification.task()) {
            let first = self.first.get(&(task.step, task.item));
            elapsed = first.map_or(elapsed, |first| self.last.1.since(*first));
        }
        let run = &mut self.run;
        match notification {
            Notification::Completed { task, outcome, busy } => {
                run.completed(task, outcome, busy, elapsed);
            }
            Notification::Checked { task, answer } => run.checked(task, answer),
            Notification::Waits(task, token) => run.guard(task, token),
            Notification::Woken(task) => run.woken(task),
            Notification::TimedOut(task) => _ = run.timed_out(task, elapsed),
            Notification::Resolved { task, outcome, .. } => {
                _ = run.resolved(task, outcome, elapsed);
            }
            Notification::Look(_) => {}
            Notification::Halted(halt) => run.cancel_all(halt),
        }
        run.start_ready();
        drop(run.take_abandoned());
        drop(run.take_signals());
        self.collect();
    }

    /// Notes what the run asks for.
    fn collect(&mut self) {
        while let Some(action) = self.run.next_action() {
            let task = action.task();
            if let Action::Start(task) = action {
                // A guarded task without a token would be taken for one that has ended.
                if self.run.token(task).is_some() {
                    self.guarded.begin(task);
                }
                if self.run.plan.steps[task.step as usize].hints.bounded {
                    self.first.entry((task.step, task.item)).or_insert(self.last.1);
                }
            }
            if let Some(fresh) = &mut self.fresh {
                fresh.push_back(action);
            }
            self.count += 1;
            let asked = Asked { order: self.count, action, at: self.last.1 };
            self.asked.insert((task.step, task.item), asked);
        }
    }

    /// What was asked for since this was called last, and is still wanted.
    pub(crate) fn next_action(&mut self) -> Option<Action> {
        let Self { fresh, asked, run, .. } = self;
        let is_asked = |action: &Action| {
            let task = action.task();
            let place = (task.step, task.item);
            asked.get(&place).is_some_and(|asked| asked.action == *action) && run.is_wanted(task)
        };
        let fresh = fresh.as_mut()?;
        std::iter::from_fn(|| fresh.pop_front()).find(is_asked)
    }

    /// What the run waits for of this task.
    pub(crate) fn asked(&self, task: Task) -> Option<Action> {
        let asked = self.asked.get(&(task.step, task.item))?;
        (asked.action.task() == task && self.run.is_wanted(task)).then_some(asked.action)
    }

    /// The run as the records so far have left it.
    pub(crate) fn run(&self) -> &Run {
        &self.run
    }

    /// The number and the time of the last record.
    pub(crate) fn last(&self) -> (u64, Timestamp) {
        self.last
    }

    /// What the run waits for, in the order in which it asked for it, and when that was.
    pub(crate) fn waits_for(&self) -> Vec<(Action, Timestamp)> {
        let asked = self.asked.values().filter(|asked| self.run.is_wanted(asked.action.task()));
        let mut asked: Vec<&Asked> = asked.collect();
        asked.sort_by_key(|asked| asked.order);
        asked.iter().map(|asked| (asked.action, asked.at)).collect()
    }

    /// The run, at the time `now` by the same clock as its records.
    pub(crate) fn finish(self, now: Timestamp) -> Replayed {
        let Self { run, asked, first, last, .. } = self;
        let mut asked: Vec<Asked> = asked.into_values().collect();
        asked.sort_by_key(|asked| asked.order);
        let mut starts = Vec::new();
        let mut actions = Vec::with_capacity(asked.len());
        for Asked { action, at, .. } in asked {
            let task = action.task();
            if !run.is_wanted(task) {
                continue;
            }
            actions.push(match action {
                // A clock that was set back makes no wait longer than it was.
                Action::Wake(task, wait) => Action::Wake(task, wait.saturating_sub(now.since(at))),
                Action::Await(task, limit) => {
                    Action::Await(task, limit.map(|limit| limit.saturating_sub(now.since(at))))
                }
                action => action,
            });
            starts.extend(first.get(&(task.step, task.item)).map(|first| (task, *first)));
        }
        Replayed { run, asked: actions, starts, records: last.0 }
    }
}

/// How many records are read at once.
const PAGE: usize = 1024;

/// Calls `each` with the records of a run after that one, in order.
pub(crate) fn each_record<E: From<StoreError>>(
    store: &dyn super::Store,
    key: &Arc<str>,
    mut after: u64,
    mut each: impl FnMut(Record) -> Result<(), E>,
) -> Result<(), E> {
    loop {
        let page = store.records(key, after, PAGE)?;
        let last = page.last().map(|last| last.seq).filter(|_| page.len() == PAGE);
        page.into_iter().try_for_each(&mut each)?;
        match last {
            Some(last) => after = last,
            None => return Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Otherwise a run of a million items would take memory for each of them when it is resumed.
    #[test]
    fn guarded_items_are_known_without_a_list_of_them() {
        let task = |item, attempt| Task { step: 3, attempt, item: Some(item) };
        let mut guarded = Guarded::default();
        (0..1_000_000).for_each(|item| guarded.begin(task(item, 1)));
        guarded.begin(task(7, 2));
        assert_eq!((guarded.begun.len(), guarded.retried.len()), (1, 1));
        let known = [task(0, 1), task(7, 1), task(7, 2), task(999_999, 1)];
        assert!(known.iter().all(|task| guarded.has_begun(*task)));
        let unknown = [task(8, 2), task(7, 3), task(1_000_000, 1), Task { step: 4, ..task(0, 1) }];
        assert!(!unknown.iter().any(|task| guarded.has_begun(*task)));
    }
}
