//! What can be read off a finished plan once, instead of in each run.

use super::{Hints, NONE, Owner, Pace, Place, Plan, Source, UnitKind};
use crate::settings::EventExecutionEvaluationState as Evaluation;

impl Hints {
    /// Nothing known yet.
    pub(super) const NOTHING: Self = Self {
        then: NONE,
        from: NONE,
        each: NONE,
        bounded: false,
        closure: false,
        guarded: false,
        only_joins: false,
    };
}

/// Fills in every step's hints, and those of the plan.
pub(super) fn fill(plan: &mut Plan) {
    plan.paces.resize_with(plan.bodies.len(), Pace::default);
    plan.pooled_retries = plan
        .options
        .iter()
        .any(|options| options.retry.is_some() && options.place != Place::Inline);
    for step in 0..plan.steps.len() as u32 {
        let is_each = plan.options_of(step).each;
        let each = if is_each { plan.each_steps } else { NONE };
        plan.each_steps += u32::from(is_each);
        let options = plan.options_of(step);
        let hints = Hints {
            then: then(plan, step),
            from: from(plan, step),
            each,
            bounded: options.retry.as_ref().is_some_and(crate::RetryPolicy::is_timed),
            closure: plan.event_of(step).def.is_closure,
            guarded: is_guarded(plan, step),
            only_joins: only_joins(plan, step),
        };
        plan.steps[step as usize].hints = hints;
    }
}

fn then(plan: &Plan, step: u32) -> u32 {
    let group = plan.units[plan.steps[step as usize].unit as usize].group;
    let decides =
        plan.event_of(step).def.typed_goto.is_some() || plan.options_of(step).stops.on_success;
    let next = plan.groups[group as usize].next;
    match (lone_step(plan, group), lone_step(plan, next)) {
        (Some(_), Some(next))
            if !decides
                && plan.options_of(step).place == plan.options_of(next).place
                && is_plain(plan, step)
                && is_plain(plan, next) =>
        {
            next
        }
        _ => NONE,
    }
}

fn from(plan: &Plan, step: u32) -> u32 {
    let group = plan.units[plan.steps[step as usize].unit as usize].group;
    match plan.groups[group as usize].input {
        Source::Group(before) => lone_step(plan, before).unwrap_or(NONE),
        _ => NONE,
    }
}

/// The only step of a group that is one event without branches.
fn lone_step(plan: &Plan, group: u32) -> Option<u32> {
    let (first, 1) = plan.groups.get(group as usize)?.units else { return None };
    let unit = plan.units[first as usize];
    match unit.kind {
        UnitKind::Step(step) if unit.branches.1 == 0 => Some(step),
        _ => None,
    }
}

fn only_joins(plan: &Plan, step: u32) -> bool {
    let (options, def) = (plan.options_of(step), &plan.event_of(step).def);
    let unit = plan.units[plan.steps[step as usize].unit as usize];
    let decides = options.each || is_guarded(plan, step) || options.stops.on_success;
    let joins = plan.groups[unit.group as usize].join != NONE;
    joins && unit.branches.1 == 0 && !decides && def.typed_goto.is_none()
}

/// Whether the step's tasks may have to be told that they are no longer wanted, from their
/// beginning: async ones that only the end of the run can make unwanted are told if they wait.
fn is_guarded(plan: &Plan, step: u32) -> bool {
    let options = plan.options_of(step);
    let alone = options.cancellable || options.timeout.is_some();
    let ended = options.can_be_ended
        && (!plan.event_of(step).def.is_async || is_in_partial_group(plan, step));
    alone || ended
}

/// Whether the step is in a group of which one member's failure cancels the others.
fn is_in_partial_group(plan: &Plan, step: u32) -> bool {
    let mut unit = plan.steps[step as usize].unit;
    loop {
        let group = plan.groups[plan.units[unit as usize].group as usize];
        if group.evaluation == Evaluation::FailureForPartialError {
            return true;
        }
        match plan.flows[group.flow as usize].owner {
            Owner::Root => return false,
            Owner::Unit(outer) | Owner::Branch(outer) => unit = outer,
        }
    }
}

/// Whether the step is one task where the run is driven, nothing is asked before it, and its body
/// needs nothing that costs more than its inputs.
fn is_plain(plan: &Plan, step: u32) -> bool {
    let (options, def) = (plan.options_of(step), &plan.event_of(step).def);
    let bounded = options.retry.as_ref().is_some_and(crate::RetryPolicy::is_timed);
    let waits = options.cancellable || options.timeout.is_some();
    let simple = !options.each && !waits && !bounded && !def.can_bypass && !def.is_closure;
    // An async driver polls async bodies where it is.
    simple && (options.place == Place::Inline || def.is_async)
}
