//! Tasks that are pending: they wait for the world outside, hold nothing, and end when somebody
//! says how.

use std::collections::BTreeMap;
use std::time::Duration;

#[cfg(feature = "durable")]
use super::EndedBefore;
use super::{Action, Run, Task};
use crate::outcome::TaskOutcome;
use crate::panic;

/// A step, or an item of an `each` step.
type Place = (u32, Option<u64>);

/// The tasks of a run that are pending, and the answers that came before their tasks were.
#[derive(Default)]
pub(super) struct OpenTasks {
    /// The attempt of each that is pending.
    open: BTreeMap<Place, u32>,
    /// The world outside may answer before the record is safe that its task is pending, and even
    /// before the body has returned.
    early: BTreeMap<Place, TaskOutcome>,
}

/// How far a task is, for somebody who wants to say how it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg(feature = "durable")]
pub(crate) enum Standing {
    NotBegun,
    /// It runs, or waits for its retry.
    UnderWay,
    Open(Task),
    /// It is under way, and what it ends with when it is pending is known already.
    Answered,
    Ended,
}

impl Run {
    /// Somebody can say how tasks ended that are pending.
    #[cfg(feature = "durable")]
    pub(crate) fn accept_pending(&mut self) {
        self.open = Some(Box::default());
    }

    /// The task has ended.
    pub(super) fn forget_open(&mut self, step: u32, item: Option<u64>) {
        if let Some(tasks) = &mut self.open {
            tasks.open.remove(&(step, item));
            panic::drop_quietly(tasks.early.remove(&(step, item)));
        }
    }

    /// All tasks of a step have.
    pub(super) fn forget_open_of(&mut self, step: u32) {
        if let Some(tasks) = &mut self.open {
            tasks.open.retain(|place, _| place.0 != step);
            let all = (step, None)..=(step, Some(u64::MAX));
            let of_step = tasks.early.extract_if(all, |_, _| true);
            panic::drop_quietly(of_step.collect::<Vec<_>>());
        }
    }

    /// A task has said that it is pending. Gives what its attempt ends with if that is known
    /// already.
    #[cold]
    pub(super) fn leave_open(&mut self, task: Task, busy: Duration) -> Option<TaskOutcome> {
        let place = (task.step, task.item);
        let tasks = self.open.as_mut()?;
        if let Some(answer) = tasks.early.remove(&place) {
            return Some(answer);
        }
        tasks.open.insert(place, task.attempt);
        let limit = self.plan.options_of(task.step).timeout;
        let left = limit.map(|limit| limit.saturating_sub(busy));
        self.actions.push_back(Action::Await(task, left));
        None
    }

    /// Takes an attempt out of those that are pending, if it is.
    pub(super) fn take_open(&mut self, task: Task) -> bool {
        let place = (task.step, task.item);
        let Some(tasks) = &mut self.open else { return false };
        let is_open = tasks.open.get(&place) == Some(&task.attempt);
        if is_open {
            tasks.open.remove(&place);
        }
        is_open
    }

    /// Somebody outside says how a task ended, whichever attempt of it is pending. An answer that is
    /// there before is kept. Gives the wait if it is to be tried again.
    #[cfg(feature = "durable")]
    pub(crate) fn resolved(
        &mut self,
        task: Task,
        outcome: TaskOutcome,
        elapsed: Duration,
    ) -> Result<Option<Duration>, EndedBefore> {
        let place = (task.step, task.item);
        let attempt = self.open.as_mut().and_then(|tasks| tasks.open.remove(&place));
        if let Some(attempt) = attempt {
            return Ok(self.conclude(Task { attempt, ..task }, outcome, Duration::ZERO, elapsed));
        }
        if self.standing(place.0, place.1) == Standing::UnderWay
            && let Some(tasks) = &mut self.open
        {
            tasks.early.insert(place, outcome);
            return Ok(None);
        }
        panic::drop_quietly(outcome);
        Err(EndedBefore)
    }

    /// The tasks that are pending.
    #[cfg(feature = "durable")]
    pub(crate) fn open_tasks(&self) -> impl Iterator<Item = Task> {
        let open = self.open.iter().flat_map(|tasks| &tasks.open);
        open.map(|(&(step, item), &attempt)| Task { step, attempt, item })
    }

    /// How far a task is. The step runs once for each item if there is one, and only then.
    #[cfg(feature = "durable")]
    pub(crate) fn standing(&self, step: u32, item: Option<u64>) -> Standing {
        let place = (step, item);
        let tasks = self.open.as_ref();
        if let Some(&attempt) = tasks.and_then(|tasks| tasks.open.get(&place)) {
            return Standing::Open(Task { step, attempt, item });
        }
        let cell = &self.cells[step as usize];
        let standing = match item {
            Some(item) if cell.is_pending() => self.item_standing(step, item),
            None if cell.is_pending() => Standing::UnderWay,
            _ if cell.has_ended() => Standing::Ended,
            _ => Standing::NotBegun,
        };
        match standing {
            Standing::UnderWay if tasks.is_some_and(|tasks| tasks.early.contains_key(&place)) => {
                Standing::Answered
            }
            standing => standing,
        }
    }
}
