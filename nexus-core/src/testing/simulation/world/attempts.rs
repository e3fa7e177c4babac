//! What becomes of an attempt: when its body is called, how long it takes, which fault strikes it.

use std::time::Duration;

use super::body::{Begin, Fate, Fault, task_of};
use super::{Calls, State, World};
use crate::context::{Context, RunId};
use crate::failure::Exception;
use crate::outcome::TaskOutcome;
use crate::plan::Place;
use crate::run::Task;

impl State {
    fn run_of(&self, id: RunId) -> Option<usize> {
        self.runs.iter().position(|run| run.id == id)
    }
}

impl World {
    /// A body is called: what is to become of it.
    pub(super) fn begin(&self, context: &Context) -> Begin {
        let mut state = self.state();
        if state.is_dead {
            return Begin::Dead;
        }
        if state.calls == Calls::Replay {
            return Begin::Replay;
        }
        let Some(run) = state.run_of(context.run_id()) else { return Begin::Replay };
        let task = task_of(context);
        let now = state.timestamp();
        let begins = state.runs[run].ledger.begins(task, now);
        let name = state.name(run, &self.plan, task);
        state.check(run, begins);
        if state.is_dead {
            state.note(format!("{name} begins"));
            return Begin::Dead;
        }
        let fate = self.fate(&mut state, run, task);
        let fault = match &fate.fault {
            Some(fault) if fault.acts => {
                format!(", and will break after it has acted: {}", fault.with)
            }
            Some(fault) => format!(", and will break: {}", fault.with),
            None => String::new(),
        };
        let takes = fate.before + fate.after;
        state.note(format!("{name} begins, takes {takes:?}{fault}"));
        Begin::Fate(fate)
    }

    /// A body took longer than was drawn, for another one that blocks has to end before it: it may
    /// have had its time.
    pub(super) fn is_delayed(&self, context: &Context) {
        let mut state = self.state();
        let task = task_of(context);
        let has_limit = self.plan.options_of(task.step).timeout.is_some();
        if let Some(run) = state.run_of(context.run_id()).filter(|_| has_limit) {
            state.faults += 1;
            state.runs[run].ledger.fault(task);
        }
    }

    /// A body has ended.
    pub(super) fn end(&self, context: &Context, outcome: &TaskOutcome) {
        let mut state = self.state();
        if state.is_dead {
            return;
        }
        let Some(run) = state.run_of(context.run_id()) else { return };
        let task = task_of(context);
        state.runs[run].ledger.body_ended(task, outcome);
        let name = state.name(run, &self.plan, task);
        state.note(format!("{name} ends"));
    }

    /// A bypass check is about to be asked. `false` if the process is dead.
    pub(super) fn asks(&self, context: &Context) -> bool {
        let mut state = self.state();
        let Some(run) = state.run_of(context.run_id()) else { return !state.is_dead };
        if !state.is_dead {
            let task = task_of(context);
            let asks = state.runs[run].ledger.asks(task);
            let name = state.name(run, &self.plan, task);
            state.note(format!("{name} is asked whether to skip it"));
            state.check(run, asks);
        }
        !state.is_dead
    }

    /// Draws what becomes of an attempt.
    pub(super) fn fate(&self, state: &mut State, run: usize, task: Task) -> Fate {
        let options = self.plan.options_of(task.step);
        let settings = &self.settings;
        let number = state.runs[run].ledger.number(task);
        let retries = |exception: &Exception| {
            let policy = options.retry.as_ref();
            policy.is_some_and(|policy| {
                policy.next_wait(exception, number, Duration::ZERO, || 0).is_some()
            })
        };
        let limit = options.timeout.unwrap_or(Duration::MAX);
        let total = state.random.duration(limit);
        let before = if state.random.chance(0.5) { total } else { state.random.duration(total) };
        let mut fate = Fate { before, after: total.saturating_sub(before), fault: None };
        let acts = state.random.chance(0.5);
        let is_pooled = matches!(options.place, Place::Pool(_));
        let lost = state.runs[run].ledger.lost(task);
        if is_pooled
            && state.random.chance(settings.lost_workers)
            && (settings.unhandled || lost < 2)
        {
            fate.fault = Some(Fault::lost_worker(acts));
        }
        for (probability, make) in &settings.exceptions {
            if fate.fault.is_none() && state.random.chance(*probability) {
                let with = make();
                if settings.unhandled || retries(&with) {
                    fate.fault = Some(Fault { with, acts });
                }
            }
        }
        let is_late = options.timeout.is_some()
            && state.random.chance(settings.timeouts)
            && (settings.unhandled || retries(&Exception::timeout(limit)));
        if is_late {
            fate.before = limit + state.random.duration(limit);
        }
        if is_late || fate.fault.is_some() {
            state.faults += 1;
            state.runs[run].ledger.fault(task);
        }
        fate
    }
}
