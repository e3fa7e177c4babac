//! Walking the flow: starting groups, joining members, choosing branches.

use std::sync::Arc;

use super::{Cell, Ending, Halt, Run, Taken, plain_descriptor};
use crate::outcome::{Descriptor, Exception, ExceptionKind, Failure};
use crate::plan::{NONE, Owner, Plan, UnitKind};
use crate::settings::EventExecutionEvaluationState as Evaluation;

impl Run {
    /// Puts every member of a group under way, in script order. Only brackets make it recurse, and
    /// those nest no deeper than the parser lets them.
    pub(super) fn start_group(&mut self, group: u32) {
        if self.halt.is_some() {
            return;
        }
        let Some(this) = self.plan.groups.get(group as usize).copied() else { return };
        for unit in self.plan.group_units(group) {
            // A member without items is over at once, and may be the end of the group or the run.
            let decided = self.joins.get(this.join as usize).is_some_and(|join| join.decided);
            if decided || self.halt.is_some() {
                return;
            }
            match self.plan.units[unit as usize].kind {
                UnitKind::Step(step) => self.start_step(step),
                UnitKind::Flow(flow) => self.start_group(self.plan.flows[flow as usize].first),
            }
        }
    }

    fn start_step(&mut self, step: u32) {
        self.cells[step as usize].ending = Ending::Pending;
        self.dispatch(step);
    }

    /// A step has ended: on to its branch, or out of its unit.
    pub(super) fn leave_step(&mut self, step: u32, success: bool, jump: Option<Descriptor>) {
        let unit = self.plan.steps[step as usize].unit;
        let is_goto = jump.is_some();
        if !is_goto && self.plan.units[unit as usize].branches.1 == 0 {
            self.leave_unit(unit, !success);
            return;
        }
        let descriptor = jump.unwrap_or_else(|| plain_descriptor(success));
        if self.take_branch(unit, &descriptor) {
            return;
        }
        if is_goto {
            let exception = self.no_such_descriptor(step, &descriptor);
            self.halt = Some(Halt::Broken { step, exception });
            return;
        }
        self.leave_unit(unit, !success);
    }

    /// Starts the unit's branch for `descriptor`, if it has one.
    fn take_branch(&mut self, unit: u32, descriptor: &Descriptor) -> bool {
        let branches = self.plan.branches_of(unit);
        let Some(branch) = branches.iter().find(|branch| branch.descriptor == *descriptor) else {
            return false;
        };
        self.enter_branch(unit, branch.flow);
        true
    }

    pub(super) fn enter_branch(&mut self, unit: u32, flow: u32) {
        self.taken.set(&self.plan, unit, flow);
        self.ready.push_back(self.plan.flows[flow as usize].first);
    }

    fn no_such_descriptor(&self, step: u32, descriptor: &Descriptor) -> Exception {
        let unit = self.plan.steps[step as usize].unit;
        let name = self.plan.unit_name(unit);
        let has: Vec<String> = self
            .plan
            .branches_of(unit)
            .iter()
            .map(|branch| format!("`{}`", branch.descriptor))
            .collect();
        let has = if has.is_empty() {
            "no branches".to_owned()
        } else {
            format!("only {}", has.join(", "))
        };
        let message = format!(
            "`{name}` went to branch `{descriptor}`, but its step has {has}; write `{name} ({descriptor} -> ..)`"
        );
        Exception::of_kind(ExceptionKind::NoSuchDescriptor, message)
    }

    /// A unit is done, branches included; `failed` says that a failure in it was left unhandled.
    /// Goes outwards until something is to be started or to be waited for.
    pub(super) fn leave_unit(&mut self, unit: u32, failed: bool) {
        let (mut unit, mut failed) = (unit, failed);
        loop {
            let group = self.plan.units[unit as usize].group;
            let Some(group_failed) = self.join(group, failed) else { return };
            let this = &self.plan.groups[group as usize];
            if group_failed {
                self.rare.get_or_insert_default().failed.insert(this.flow);
            }
            if this.next != NONE {
                self.ready.push_back(this.next);
                return;
            }
            failed = self.has_failed_in(this.flow);
            match self.plan.flows[this.flow as usize].owner {
                Owner::Root => return,
                Owner::Branch(outer) => unit = outer,
                Owner::Unit(outer) => {
                    let branches = self.plan.units[outer as usize].branches.1 > 0;
                    if branches && self.take_branch(outer, &plain_descriptor(!failed)) {
                        return;
                    }
                    unit = outer;
                }
            }
        }
    }

    /// Counts a member's end. Once the group is done, says whether it failed.
    fn join(&mut self, group: u32, failed: bool) -> Option<bool> {
        let this = &self.plan.groups[group as usize];
        let Some(join) = self.joins.get_mut(this.join as usize) else {
            return Some(failed);
        };
        if join.decided {
            return None;
        }
        join.left -= 1;
        join.failed += u32::from(failed);
        if failed && this.evaluation == Evaluation::FailureForPartialError {
            join.decided = true;
            let (first, end) = this.steps;
            let reason = Failure::new("another member of its group did not succeed");
            self.cancel(first..end, &reason);
            return Some(true);
        }
        if join.left > 0 {
            return None;
        }
        join.decided = true;
        let (failures, members) = (u64::from(join.failed), u64::from(this.units.1));
        Some(fails(this.evaluation, failures, members))
    }

    /// Whether a failure anywhere was left unhandled.
    pub(crate) fn has_failed(&self) -> bool {
        // A halt can leave failures behind in flows that never got to their end.
        self.has_failed_in(0)
    }

    /// Whether a failure in this flow was left unhandled.
    #[inline]
    fn has_failed_in(&self, flow: u32) -> bool {
        self.rare.as_ref().is_some_and(|rare| rare.failed.contains(&flow))
    }

    /// Whether a step's failure went out of `flow` without a branch that handled it or a group
    /// that tolerated it.
    pub(super) fn is_unhandled(&self, step: u32, flow: u32) -> bool {
        let mut unit = self.plan.steps[step as usize].unit;
        let mut own = true;
        loop {
            if own && self.taken(unit).is_some() {
                return false;
            }
            let group = self.plan.groups[self.plan.units[unit as usize].group as usize];
            if let Some(join) = self.joins.get(group.join as usize)
                && join.decided
                && !fails(group.evaluation, u64::from(join.failed), u64::from(group.units.1))
            {
                return false;
            }
            if group.flow == flow {
                return true;
            }
            // A branch handles what its unit did, not what happens in the branch itself.
            (unit, own) = match self.plan.flows[group.flow as usize].owner {
                Owner::Root => return true,
                Owner::Unit(outer) => (outer, true),
                Owner::Branch(outer) => (outer, false),
            };
        }
    }

    /// The first step whose failure nobody handled.
    pub(crate) fn first_unhandled(&self) -> Option<u32> {
        let failed = |step: &u32| self.cells[*step as usize].ending.failure().is_some();
        (0..self.cells.len() as u32).filter(failed).find(|step| self.is_unhandled(*step, 0))
    }

    /// The flow that a unit's branches took, if any.
    pub(crate) fn taken(&self, unit: u32) -> Option<u32> {
        self.taken.of(&self.plan, unit)
    }

    /// The plan and the results, for the report.
    pub(crate) fn into_results(self) -> (Arc<Plan>, Vec<Cell>, Taken, Option<Halt>) {
        (self.plan, self.cells, self.taken, self.halt)
    }
}

/// R8: whether so many failures among so many tasks make the whole a failure.
pub(super) fn fails(evaluation: Evaluation, failures: u64, tasks: u64) -> bool {
    match evaluation {
        Evaluation::SuccessOnAllEventsSuccess | Evaluation::FailureForPartialError => failures > 0,
        Evaluation::SuccessForPartialSuccess => failures == tasks,
        Evaluation::FailureForAllEventsFailure => tasks > 0 && failures == tasks,
    }
}
