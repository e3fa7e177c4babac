//! Going on with a run that is over, from what failed or from a step: what is done again is undone,
//! and the flow is walked anew over what stays.

use std::collections::BTreeMap;
#[cfg(feature = "durable")]
use std::sync::Arc;

use super::each::EachState;
#[cfg(feature = "durable")]
use super::{Cell, Halt, Join, Taken};
use super::{Ending, Run, Task};
#[cfg(feature = "durable")]
use crate::panic;
use crate::piped::EachResult;
#[cfg(feature = "durable")]
use crate::plan::{NONE, Owner, UnitKind};

/// What a run has from before it was rewound.
#[derive(Default)]
pub(super) struct Before {
    /// How the steps ended that are not done again; each is used when the flow comes to it.
    endings: BTreeMap<u32, Ending>,
    /// What the items have yielded that are not done again, of steps that are.
    items: BTreeMap<u32, EachResult>,
    /// Of steps that are done again, the attempts from before, which their policies do not count.
    attempts: BTreeMap<u32, u32>,
    /// The last attempt of each step that was tried more than once.
    last_attempts: BTreeMap<u32, u32>,
}

impl Run {
    /// An attempt has ended.
    #[inline]
    pub(super) fn note_attempt(&mut self, task: Task) {
        // Only a run that is recorded can be rewound.
        if task.attempt > 1 && self.open.is_some() {
            let before = self.before.get_or_insert_default();
            let last = before.last_attempts.entry(task.step).or_default();
            *last = task.attempt.max(*last);
        }
    }

    /// How many attempts of a step its policy does not count.
    #[inline]
    pub(super) fn attempts_before(&self, step: u32) -> u32 {
        self.before.as_ref().map_or(0, |before| before.attempts_of(step))
    }

    /// How a step ended that is not done again.
    #[inline]
    pub(super) fn take_ending_of_before(&mut self, step: u32) -> Option<Ending> {
        self.before.as_mut()?.endings.remove(&step)
    }

    /// What the items have yielded of a step that does not come to its end: whoever rewinds the run
    /// does the others alone.
    #[cold]
    pub(super) fn keep_items(&mut self, step: u32, state: &mut EachState) {
        if self.open.is_some() {
            let items = state.result(self.plan.options_of(step).evaluation);
            self.before.get_or_insert_default().items.insert(step, items);
        }
    }

    pub(super) fn take_items_of_before(&mut self, step: u32) -> Option<EachResult> {
        self.before.as_mut()?.items.remove(&step)
    }
}

impl Before {
    fn attempts_of(&self, step: u32) -> u32 {
        self.attempts.get(&step).copied().unwrap_or(0)
    }
}

#[cfg(feature = "durable")]
impl Run {
    /// Goes back to where the run can go on: all that failed and nothing handled is done again, and
    /// what was given its end or decided by it; with `from` that step, and all that comes after it
    /// in the flow. Everything else stays as it is.
    ///
    /// # Errors
    ///
    /// If the run is not over, nothing of it failed, or it never came to that step.
    pub(crate) fn rewind(&mut self, from: Option<u32>) -> Result<(), &'static str> {
        if !self.is_finished() {
            return Err("it is not over");
        }
        let undone = match from {
            Some(step) if !self.cells[step as usize].ending.has_ended() => {
                return Err("it never came to that step");
            }
            Some(step) => self.with_all_after(step),
            None => self.failed_with_dependents().ok_or("nothing of it failed")?,
        };
        let is_each = |step: u32| self.plan.options_of(step).each;
        let stay = |step: u32| is_each(step) && from.is_none() && !self.depends(step, &undone);
        let items_stay: Vec<bool> = (0..self.cells.len() as u32).map(stay).collect();
        let mut before = self.before.take().unwrap_or_default();
        for (step, (undone, items_stay)) in (0..).zip(undone.into_iter().zip(items_stay)) {
            let cell = &mut self.cells[step as usize];
            // The flow may not have come to a step that was to stay as it was.
            let ending = match (std::mem::take(&mut cell.ending), before.endings.remove(&step)) {
                (Ending::NotRun | Ending::Pending, Some(kept)) => kept,
                (ending, _) => ending,
            };
            match ending {
                Ending::NotRun | Ending::Pending => {}
                Ending::Cancelled(_) => before.count_attempts(step, cell, 1),
                ending if undone => {
                    before.count_attempts(step, cell, 0);
                    before.keep_items_of(step, ending);
                }
                ending => _ = before.endings.insert(step, ending),
            }
            if undone && !items_stay {
                before.items.remove(&step);
            }
        }
        self.begin_again(before);
        Ok(())
    }

    /// The run at its start, but for what is known from before.
    fn begin_again(&mut self, before: Box<Before>) {
        let sizes = self.plan.join_sizes.iter();
        self.joins = sizes.map(|size| Join { left: *size, ..Join::default() }).collect();
        self.taken = Taken::default();
        let open = self.open.is_some().then(Box::default);
        panic::drop_quietly(std::mem::replace(&mut self.open, open));
        self.rare = None;
        (self.ended, self.halt, self.before) = (0, None, Some(before));
        self.ready.push_back(self.plan.flows.first().map_or(NONE, |flow| flow.first));
    }

    /// A step, and all that comes after it in the flow.
    fn with_all_after(&self, step: u32) -> Vec<bool> {
        let plan = &self.plan;
        let mut undone = vec![false; self.cells.len()];
        undone[step as usize] = true;
        let mut mark = |steps: std::ops::Range<u32>| {
            undone[steps.start as usize..steps.end as usize].fill(true);
        };
        let mut unit = plan.steps[step as usize].unit;
        loop {
            for branch in plan.branches_of(unit) {
                mark(plan.flow_steps(branch.flow));
            }
            let group = &plan.groups[plan.units[unit as usize].group as usize];
            mark(group.steps.1..plan.flow_steps(group.flow).end);
            unit = match plan.flows[group.flow as usize].owner {
                Owner::Root => return undone,
                Owner::Unit(outer) | Owner::Branch(outer) => outer,
            };
        }
    }

    /// The steps that failed without anything that handled it, and those that took what they gave or
    /// stand in a branch that they decided. `None` if there are no such steps.
    fn failed_with_dependents(&self) -> Option<Vec<bool>> {
        let broken = match &self.halt {
            Some(Halt::Broken { step, .. }) => Some(*step),
            _ => None,
        };
        let failed = |step: u32| {
            let ending = &self.cells[step as usize].ending;
            Some(step) == broken || (ending.failure().is_some() && self.is_unhandled(step, 0))
        };
        let mut undone: Vec<bool> = (0..self.cells.len() as u32).map(failed).collect();
        if !undone.contains(&true) {
            return None;
        }
        let before = self.before.as_ref();
        let has_kept = |step| before.is_some_and(|before| before.endings.contains_key(&step));
        // What a step depends on comes before it in the script.
        for step in 0..self.cells.len() as u32 {
            let has_ended = self.cells[step as usize].ending.has_ended();
            if !undone[step as usize] && (has_ended || has_kept(step)) {
                undone[step as usize] = self.depends(step, &undone);
            }
        }
        Some(undone)
    }

    /// Whether a step has what it took from one of these, or is in a branch that they decided.
    fn depends(&self, step: u32, on: &[bool]) -> bool {
        let givers = self.givers(Task { step, attempt: 1, item: None });
        if givers.iter().any(|giver| on[*giver as usize]) {
            return true;
        }
        let plan = &self.plan;
        let mut unit = plan.steps[step as usize].unit;
        loop {
            let group = plan.units[unit as usize].group;
            unit = match plan.flows[plan.groups[group as usize].flow as usize].owner {
                Owner::Root => return false,
                Owner::Unit(outer) => outer,
                Owner::Branch(outer) => {
                    let mut decided_by = match plan.units[outer as usize].kind {
                        UnitKind::Step(step) => step..step + 1,
                        UnitKind::Flow(flow) => plan.flow_steps(flow),
                    };
                    if decided_by.any(|step| on[step as usize]) {
                        return true;
                    }
                    outer
                }
            };
        }
    }
}

#[cfg(feature = "durable")]
impl Before {
    /// A step is done again; `under_way` says how many attempts of it were when it was cancelled.
    fn count_attempts(&mut self, step: u32, cell: &Cell, under_way: u32) {
        let last = self.last_attempts.get(&step).copied();
        let last = last.unwrap_or(u32::from(cell.attempts > 0)).max(self.attempts_of(step));
        self.attempts.insert(step, last + under_way);
    }

    /// A step is done again: of an `each` step whose items failed, only those are.
    fn keep_items_of(&mut self, step: u32, ending: Ending) {
        let Ending::Each(each) = ending else { return panic::drop_quietly(ending) };
        if let Ok(items) = Arc::try_unwrap(each) {
            self.items.insert(step, items);
        }
    }
}
