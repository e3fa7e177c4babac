//! What the flow itself says of a step's predecessors, read from the plan's tree without a run.

use std::ops::Range;

use crate::plan::{NONE, Owner, Plan, UnitKind};
use crate::settings::EventExecutionEvaluationState as Evaluation;

/// What is known of the steps of a run.
pub(super) trait Progress {
    /// Whether a step has come to its end.
    fn is_done(&self, step: u32) -> bool;
    /// A step of these of which an attempt is under way.
    fn open(&self, steps: Range<u32>) -> Option<u32>;
}

/// Why the step cannot begin yet: the step that has to end before.
pub(super) fn waits_for(plan: &Plan, step: u32, progress: &impl Progress) -> Option<u32> {
    let mut unit = plan.steps[step as usize].unit;
    loop {
        let group = plan.units[unit as usize].group;
        let flow = plan.groups[group as usize].flow;
        if let Some(before) = group_before(plan, group) {
            return unfinished_group(plan, before, progress);
        }
        unit = match plan.flows[flow as usize].owner {
            Owner::Root => return None,
            Owner::Unit(outer) => outer,
            Owner::Branch(outer) => return unfinished_unit(plan, outer, progress),
        };
    }
}

fn group_before(plan: &Plan, group: u32) -> Option<u32> {
    let mut at = plan.flows[plan.groups[group as usize].flow as usize].first;
    let mut before = None;
    while at != group && at != NONE {
        before = Some(at);
        at = plan.groups[at as usize].next;
    }
    before
}

fn unfinished_group(plan: &Plan, group: u32, progress: &impl Progress) -> Option<u32> {
    let this = &plan.groups[group as usize];
    let steps = this.steps.0..this.steps.1;
    if !may_cancel(plan, steps.clone())
        && let Some(open) = progress.open(steps)
    {
        return Some(open);
    }
    // Members that were cancelled have no end of their own.
    if this.units.1 > 1 && this.evaluation == Evaluation::FailureForPartialError {
        return None;
    }
    plan.group_units(group).find_map(|unit| unfinished_unit(plan, unit, progress))
}

/// What is not done of a unit, its branches left out.
fn unfinished_unit(plan: &Plan, unit: u32, progress: &impl Progress) -> Option<u32> {
    match plan.units[unit as usize].kind {
        UnitKind::Step(step) if plan.options_of(step).each => {
            let items = step..step + 1;
            if may_cancel(plan, items.clone()) { None } else { progress.open(items) }
        }
        UnitKind::Step(step) => (!progress.is_done(step)).then_some(step),
        UnitKind::Flow(flow) => unfinished_group(plan, plan.flows[flow as usize].last, progress),
    }
}

fn may_cancel(plan: &Plan, mut steps: Range<u32>) -> bool {
    steps.any(|step| {
        let options = plan.options_of(step);
        let ends_early = options.evaluation == Evaluation::FailureForPartialError;
        options.cancellable || (options.each && ends_early)
    })
}

/// Whether who is first decides how a run of the plan ends.
pub(super) fn order_decides(plan: &Plan) -> bool {
    let stops = |step: u32| {
        let stops = plan.options_of(step).stops;
        stops.on_success || stops.on_error || stops.on_exception
    };
    let racing = plan.groups.iter().filter(|group| group.units.1 > 1).any(|group| {
        group.evaluation == Evaluation::FailureForPartialError
            || (group.steps.0..group.steps.1).any(stops)
    });
    racing
        || (0..plan.len() as u32).map(|step| plan.options_of(step)).any(|options| {
            let timed = options.retry.as_ref().is_some_and(crate::retry::RetryPolicy::is_timed);
            timed || (options.each && options.evaluation == Evaluation::FailureForPartialError)
        })
}

/// Whether steps run beside each other anywhere.
pub(super) fn has_groups(plan: &Plan) -> bool {
    plan.groups.iter().any(|group| group.units.1 > 1)
}
