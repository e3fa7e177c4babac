//! What can be read off a finished plan once, instead of in each run.

use super::{Gives, Hints, NONE, Owner, Pace, Place, Plan, Source, Then, UnitKind};
use crate::outcome::Descriptor;
use crate::settings::EventExecutionEvaluationState as Evaluation;

impl Hints {
    /// Nothing known yet.
    pub(super) const NOTHING: Self = Self {
        then: Then::Decide,
        gives: Gives::Varies,
        each: NONE,
        plain: false,
        plain_items: false,
        visited: false,
        plain_visited: false,
        plain_claimed: false,
        bounded: false,
        closure: false,
        guarded: false,
        only_joins: false,
    };
}

/// Fills in every step's hints, those of the groups and those of the plan.
pub(super) fn fill(plan: &mut Plan) {
    plan.paces.resize_with(plan.bodies.len(), Pace::default);
    plan.pooled_retries = plan
        .options
        .iter()
        .any(|options| options.retry.is_some() && options.place != Place::Inline);
    for group in 0..plan.groups.len() as u32 {
        fill_members(plan, group);
    }
    plan.output = plan.flows.first().map_or(Gives::Varies, |flow| given_by(plan, flow.last));
    for step in 0..plan.steps.len() as u32 {
        let is_each = plan.options_of(step).each;
        let each = if is_each { plan.each_steps } else { NONE };
        plan.each_steps += u32::from(is_each);
        let options = plan.options_of(step);
        let hints = Hints {
            then: then(plan, step),
            gives: gives(plan, step),
            each,
            plain: is_plain(plan, step) && !is_each,
            plain_items: is_plain(plan, step) && is_each && !has_typed_goto(plan, step),
            visited: is_visited(plan, step),
            plain_visited: is_visited(plan, step)
                && is_simple(plan, step)
                && !(is_each && has_typed_goto(plan, step)),
            plain_claimed: is_each
                && is_guarded(plan, step)
                && is_simple(plan, step)
                && !has_typed_goto(plan, step),
            bounded: options.retry.as_ref().is_some_and(crate::RetryPolicy::is_timed),
            closure: plan.event_of(step).def.is_closure,
            guarded: is_guarded(plan, step),
            only_joins: only_joins(plan, step),
        };
        plan.steps[step as usize].hints = hints;
    }
    keep_from_visitors(plan);
    for group in 0..plan.groups.len() as u32 {
        if !is_first_in_brackets(plan, group) {
            fill_first_steps(plan, group);
        }
    }
}

fn then(plan: &Plan, step: u32) -> Then {
    let is_light = |step| is_light(plan, step) || (is_visited(plan, step) && is_simple(plan, step));
    let is_one_task = |step: u32| is_light(step) && !plan.options_of(step).each;
    let decides = has_typed_goto(plan, step) || plan.options_of(step).stops.on_success;
    if decides || !is_one_task(step) {
        return Then::Decide;
    }
    let group = plan.units[plan.steps[step as usize].unit as usize].group;
    let place = plan.options_of(step).place;
    if lone_step(plan, group).is_some()
        && let Some(next) = lone_step(plan, plan.groups[group as usize].next)
        && place == plan.options_of(next).place
        && is_one_task(next)
    {
        return Then::Step(next);
    }
    if place != Place::Inline && !is_visited(plan, step) {
        return Then::Decide;
    }
    let mut branches = plan.branches_of(plan.steps[step as usize].unit).iter();
    match branches.find(|branch| branch.descriptor == Descriptor::SUCCESS) {
        Some(branch) => Then::Branch(branch.flow),
        None => Then::Leave,
    }
}

fn gives(plan: &Plan, step: u32) -> Gives {
    let group = plan.units[plan.steps[step as usize].unit as usize].group;
    match plan.groups[group as usize].input {
        Source::Group(before) => given_by(plan, before),
        Source::Own(unit) => match plan.units[unit as usize].kind {
            UnitKind::Step(step) => Gives::Step(step),
            UnitKind::Flow(_) => Gives::Varies,
        },
        Source::Nothing => Gives::Nothing,
        Source::Reason(_) => Gives::Varies,
    }
}

/// What a group hands on, where no branch can change that.
fn given_by(plan: &Plan, group: u32) -> Gives {
    let mut group = group;
    loop {
        let this = &plan.groups[group as usize];
        let (first, 1) = this.units else {
            return if this.members.1 > 0 { Gives::Members(group) } else { Gives::Varies };
        };
        let unit = plan.units[first as usize];
        group = match unit.kind {
            _ if unit.branches.1 > 0 => return Gives::Varies,
            UnitKind::Step(step) => return Gives::Step(step),
            UnitKind::Flow(flow) => plan.flows[flow as usize].last,
        };
    }
}

/// Notes the steps that the members of a group are, if all of them are steps without branches.
fn fill_members(plan: &mut Plan, group: u32) {
    let units = plan.group_units(group);
    if units.len() == 1 {
        return;
    }
    let member = |unit: u32| match plan.units[unit as usize] {
        unit if unit.branches.1 > 0 => None,
        unit => match unit.kind {
            UnitKind::Step(step) => Some(step),
            UnitKind::Flow(flow) => match given_by(plan, plan.flows[flow as usize].last) {
                Gives::Step(step) => Some(step),
                _ => None,
            },
        },
    };
    let Some(steps) = units.map(member).collect::<Option<Vec<u32>>>() else { return };
    plan.groups[group as usize].members = (plan.members.len() as u32, steps.len() as u32);
    plan.members.extend(steps);
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

/// Whether a group starts with the one that its brackets stand in.
fn is_first_in_brackets(plan: &Plan, group: u32) -> bool {
    let flow = plan.flows[plan.groups[group as usize].flow as usize];
    flow.first == group && matches!(flow.owner, Owner::Unit(_))
}

/// Notes the steps that a group starts with, and those of the brackets in it; says whether all of
/// them are plain. Only brackets make it recurse.
fn fill_first_steps(plan: &mut Plan, group: u32) -> bool {
    let begin = plan.first_steps.len();
    let (mut all_plain, mut visited) = (true, false);
    for unit in plan.group_units(group) {
        all_plain &= match plan.units[unit as usize].kind {
            UnitKind::Step(step) => {
                plan.first_steps.push(step);
                let hints = plan.steps[step as usize].hints;
                let plain_visited = hints.plain_visited && hints.each == NONE;
                visited |= plain_visited;
                hints.plain || plain_visited
            }
            UnitKind::Flow(flow) => {
                let first = plan.flows[flow as usize].first;
                let all_plain = fill_first_steps(plan, first);
                visited |= plan.groups[first as usize].starts_visited;
                all_plain
            }
        };
    }
    let steps = plan.first_steps.len() - begin;
    let this = &mut plan.groups[group as usize];
    this.starts_visited = visited;
    if all_plain {
        this.first_steps = (begin as u32, steps as u32);
    }
    all_plain
}

/// A task that waits for one of the driving thread would wait for ever if that thread did it. So the
/// pools keep those that such a task can be beside.
fn keep_from_visitors(plan: &mut Plan) {
    let mut inline_before = vec![0_usize];
    for step in 0..plan.steps.len() as u32 {
        let is_inline = plan.options_of(step).place == Place::Inline;
        inline_before.push(inline_before[step as usize] + usize::from(is_inline));
    }
    let inline_in =
        |(from, to): (u32, u32)| inline_before[to as usize] - inline_before[from as usize];
    for group in 0..plan.groups.len() as u32 {
        let all = plan.groups[group as usize].steps;
        let units = plan.group_units(group);
        if units.len() == 1 || inline_in(all) == 0 {
            continue;
        }
        let mut to = all.1;
        for unit in units.rev() {
            let from = match plan.units[unit as usize].kind {
                UnitKind::Step(step) => step,
                UnitKind::Flow(flow) => plan.flow_steps(flow).start,
            };
            if inline_in((from, to)) < inline_in(all) {
                for step in from..to {
                    let hints = &mut plan.steps[step as usize].hints;
                    (hints.visited, hints.plain_visited) = (false, false);
                }
            }
            to = from;
        }
    }
}

fn only_joins(plan: &Plan, step: u32) -> bool {
    let (options, def) = (plan.options_of(step), &plan.event_of(step).def);
    let unit = plan.units[plan.steps[step as usize].unit as usize];
    let decides = options.each || is_guarded(plan, step) || options.stops.on_success;
    let joins = plan.groups[unit.group as usize].join != NONE;
    joins && unit.branches.1 == 0 && !decides && def.typed_goto.is_none()
}

fn has_typed_goto(plan: &Plan, step: u32) -> bool {
    plan.event_of(step).def.typed_goto.is_some()
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

/// Whether the step's tasks are light, and of the driving thread.
fn is_plain(plan: &Plan, step: u32) -> bool {
    is_light(plan, step) && plan.options_of(step).place == Place::Inline
}

/// Whether the step's tasks are done where the run is driven, nothing is asked before one, and its
/// body needs nothing that costs more than its inputs.
fn is_light(plan: &Plan, step: u32) -> bool {
    // An async driver polls async bodies where it is.
    let is_here = plan.options_of(step).place == Place::Inline || plan.event_of(step).def.is_async;
    is_here && is_simple(plan, step)
}

/// Whether nothing is asked before one of the step's tasks, and its body needs nothing that costs
/// more than its inputs.
fn is_simple(plan: &Plan, step: u32) -> bool {
    let (options, def) = (plan.options_of(step), &plan.event_of(step).def);
    let bounded = options.retry.as_ref().is_some_and(crate::RetryPolicy::is_timed);
    let waits = options.cancellable || options.timeout.is_some();
    !waits && !bounded && !def.can_bypass && !def.is_closure
}

/// Whether the step's tasks are those of a pool, and nothing can end them before they return.
fn is_visited(plan: &Plan, step: u32) -> bool {
    let is_pools = plan.options_of(step).place != Place::Inline;
    is_pools && !is_guarded(plan, step) && !plan.event_of(step).def.is_async
}
