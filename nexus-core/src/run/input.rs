//! What a task is given along `|->`.

use std::borrow::Cow;
use std::sync::Arc;

use super::{Cell, Ending, Run, Task, cell::goto_reason};
use crate::context::{Names, Previous};
use crate::outcome::{Exception, ExceptionKind, Failure};
use crate::piped::{EachRef, Members, OwnedPiped, Piped, StepValues};
use crate::plan::{Gives, Source, UnitKind};
use crate::value::Value;

/// Where a value comes from, once branches are resolved.
enum Origin {
    Step(u32),
    Group(u32),
}

impl StepValues for Vec<Cell> {
    #[inline]
    fn value_of(&self, step: u32) -> Option<&Value> {
        match &self[step as usize].ending {
            Ending::Success(value) => Some(value),
            _ => None,
        }
    }
}

impl Run {
    fn source_of(&self, step: u32) -> Source {
        let unit = self.plan.steps[step as usize].unit;
        self.plan.groups[self.plan.units[unit as usize].group as usize].input
    }

    /// The input of a task that runs where the run is: borrowed wherever it can be.
    pub(crate) fn input(&self, task: Task) -> Piped<'_> {
        match task.item {
            Some(item) => self.item_borrowed(task.step, item),
            None => self.step_input(task.step),
        }
    }

    /// The input of a step that is one task.
    #[inline]
    pub(crate) fn step_input(&self, step: u32) -> Piped<'_> {
        // What most steps have is to be made where it is needed: to move it costs as much.
        if let Gives::Step(from) = self.plan.steps[step as usize].hints.gives
            && let Ending::Success(value) = &self.cells[from as usize].ending
        {
            return Piped::Value(value);
        }
        self.other_input(step)
    }

    fn other_input(&self, step: u32) -> Piped<'_> {
        match self.plan.steps[step as usize].hints.gives {
            Gives::Step(from) => self.step_end(from),
            Gives::Members(group) => {
                let members = Members::of(&self.cells, self.plan.members_of(group));
                members.map_or_else(|| self.group_end(group), Piped::Members)
            }
            Gives::Nothing => Piped::Nothing,
            Gives::Varies => self.varying_input(step),
        }
    }

    fn varying_input(&self, step: u32) -> Piped<'_> {
        match self.source_of(step) {
            Source::Nothing => Piped::Nothing,
            Source::Group(group) => self.group_end(group),
            Source::Own(unit) => self.own_end(unit),
            Source::Reason(unit) => Piped::Reason(Cow::Owned(self.reason(unit))),
        }
    }

    /// The input of a task that leaves this thread.
    pub(crate) fn owned_task_input(&self, task: Task) -> OwnedPiped {
        match task.item {
            Some(item) => self.item_input(task.step, item),
            None => self.owned_input(task.step),
        }
    }

    /// What comes along to a task, outcome by outcome, with the steps that they are of.
    pub(crate) fn previous(&self, task: Task) -> Vec<Previous> {
        let mut outcomes = Vec::new();
        self.owned_task_input(task).flatten(&mut outcomes);
        let names = || Arc::clone(&self.plan) as Arc<dyn Names>;
        let of = |(step, (outcome, item))| Previous { names: names(), step, outcome, item };
        self.givers(task).into_iter().zip(outcomes).map(of).collect()
    }

    /// The steps whose ends come along to a task, in the order of [`owned_task_input`].
    ///
    /// [`owned_task_input`]: Self::owned_task_input
    pub(super) fn givers(&self, task: Task) -> Vec<u32> {
        let mut origin = match self.source_of(task.step) {
            Source::Nothing => return Vec::new(),
            Source::Reason(unit) => return self.reason_step(unit).into_iter().collect(),
            Source::Own(unit) => self.own_origin(unit),
            Source::Group(group) => match self.plan.group_units(group) {
                units if units.len() == 1 => self.origin(units.start),
                _ => Origin::Group(group),
            },
        };
        // An item of a group is one of its members.
        if let (Origin::Group(group), Some(item)) = (&origin, task.item) {
            let item = usize::try_from(item).unwrap_or(usize::MAX);
            let Some(unit) = self.plan.group_units(*group).nth(item) else { return Vec::new() };
            origin = self.origin(unit);
        }
        let mut steps = Vec::new();
        self.add_steps(&origin, &mut steps);
        steps
    }

    fn add_steps(&self, origin: &Origin, steps: &mut Vec<u32>) {
        match origin {
            Origin::Step(step) => steps.push(*step),
            Origin::Group(group) => {
                for unit in self.plan.group_units(*group) {
                    self.add_steps(&self.origin(unit), steps);
                }
            }
        }
    }

    pub(super) fn owned_input(&self, step: u32) -> OwnedPiped {
        match self.source_of(step) {
            Source::Nothing => OwnedPiped::Nothing,
            Source::Group(group) => self.owned_group_end(group),
            Source::Own(unit) => match self.own_origin(unit) {
                Origin::Step(step) => self.owned_step_end(step),
                Origin::Group(group) => self.owned_group_end(group),
            },
            Source::Reason(unit) => OwnedPiped::Reason(self.reason(unit)),
        }
    }

    /// What a group hands on: one end, or those of all its members. Groups nest as deep as
    /// brackets do, so the recursion is bounded.
    fn group_end(&self, group: u32) -> Piped<'_> {
        let mut units = self.plan.group_units(group);
        if units.len() == 1 {
            return self.unit_end(units.start);
        }
        Piped::Group(units.by_ref().map(|unit| self.unit_end(unit)).collect())
    }

    fn unit_end(&self, unit: u32) -> Piped<'_> {
        match self.origin(unit) {
            Origin::Step(step) => self.step_end(step),
            Origin::Group(group) => self.group_end(group),
        }
    }

    fn own_end(&self, unit: u32) -> Piped<'_> {
        match self.own_origin(unit) {
            Origin::Step(step) => self.step_end(step),
            Origin::Group(group) => self.group_end(group),
        }
    }

    fn step_end(&self, step: u32) -> Piped<'_> {
        let ending = &self.cells[step as usize].ending;
        match ending {
            Ending::Success(value) => Piped::Value(value),
            // Along its branch a goto hands on its value, whether or not it counts as a failure.
            Ending::Goto(goto) => Piped::Value(&goto.1),
            Ending::Each(each) => Piped::Each(EachRef(each)),
            other if other.is_success() => match other.value() {
                Some(value) => Piped::Value(value),
                None => Piped::Failure(Cow::Owned(self.no_value(step))),
            },
            other => Piped::Failure(match other.failure() {
                Some(failure) => Cow::Owned(failure),
                None => Cow::Owned(self.no_value(step)),
            }),
        }
    }

    fn owned_group_end(&self, group: u32) -> OwnedPiped {
        let units = self.plan.group_units(group);
        if units.len() == 1 {
            return self.owned_unit_end(units.start);
        }
        OwnedPiped::Group(units.map(|unit| self.owned_unit_end(unit)).collect())
    }

    fn owned_unit_end(&self, unit: u32) -> OwnedPiped {
        match self.origin(unit) {
            Origin::Step(step) => self.owned_step_end(step),
            Origin::Group(group) => self.owned_group_end(group),
        }
    }

    fn owned_step_end(&self, step: u32) -> OwnedPiped {
        if let Ending::Each(each) = &self.cells[step as usize].ending {
            return OwnedPiped::Each(each.clone());
        }
        match self.step_end(step) {
            Piped::Value(value) => OwnedPiped::Value(value.clone()),
            Piped::Failure(failure) => OwnedPiped::Failure(failure.into_owned()),
            _ => OwnedPiped::Nothing,
        }
    }

    fn no_value(&self, step: u32) -> Failure {
        let name = &self.plan.event_of(step).def.name;
        match &self.cells[step as usize].ending {
            Ending::Bypassed(bypass) => {
                Failure::new(format!("`{name}` was bypassed without a value ({})", bypass.1))
            }
            _ => Failure::new(format!("`{name}` did not run")),
        }
    }

    /// The end of a unit with its branches.
    fn origin(&self, unit: u32) -> Origin {
        match self.taken(unit) {
            Some(flow) => self.flow_origin(flow),
            None => self.own_origin(unit),
        }
    }

    /// The end of a unit before its branches.
    fn own_origin(&self, unit: u32) -> Origin {
        match self.plan.units[unit as usize].kind {
            UnitKind::Step(step) => Origin::Step(step),
            UnitKind::Flow(flow) => self.flow_origin(flow),
        }
    }

    /// The end of a flow is that of its last group.
    fn flow_origin(&self, flow: u32) -> Origin {
        let mut flow = flow;
        loop {
            let group = self.plan.flows[flow as usize].last;
            let units = self.plan.group_units(group);
            if units.len() != 1 {
                return Origin::Group(group);
            }
            let unit = units.start;
            flow = match (self.taken(unit), self.plan.units[unit as usize].kind) {
                (Some(branch), _) => branch,
                (None, UnitKind::Flow(inner)) => inner,
                (None, UnitKind::Step(step)) => return Origin::Step(step),
            };
        }
    }

    /// Why a unit took its `0` branch: the step's failure, or what failed inside the brackets.
    fn reason(&self, unit: u32) -> Failure {
        match self.plan.units[unit as usize].kind {
            UnitKind::Step(step) => match &self.cells[step as usize].ending {
                Ending::Goto(goto) => goto_reason(goto),
                other => other.failure().unwrap_or_else(|| self.no_value(step)),
            },
            UnitKind::Flow(flow) => self.first_failure(flow),
        }
    }

    /// The step whose failure is why a unit took its `0` branch.
    fn reason_step(&self, unit: u32) -> Option<u32> {
        match self.plan.units[unit as usize].kind {
            UnitKind::Step(step) => Some(step),
            UnitKind::Flow(flow) => {
                let failed = self.failures(flow).next().map(|(step, _)| step);
                failed.or_else(|| self.plan.flow_steps(flow).next())
            }
        }
    }

    /// The failures inside a flow that nobody handled.
    fn failures(&self, flow: u32) -> impl Iterator<Item = (u32, Failure)> {
        self.plan.flow_steps(flow).filter_map(move |step| {
            let failure = self.cells[step as usize].ending.failure()?;
            self.is_unhandled(step, flow).then_some((step, failure))
        })
    }

    /// The first failure inside a flow that nobody handled.
    fn first_failure(&self, flow: u32) -> Failure {
        let mut failures = self.failures(flow);
        let Some((step, failure)) = failures.next() else {
            return Failure::new("a step inside did not succeed");
        };
        let others = failures.count();
        let name = &self.plan.event_of(step).def.name;
        let more = if others == 0 { String::new() } else { format!(" (and {others} more)") };
        Failure::new(format!("`{name}`: {failure}{more}"))
    }

    /// The exception of an edge without a value, with both its ends named.
    pub(super) fn with_source(&self, step: u32, exception: Exception) -> Exception {
        let mut groups = Vec::new();
        let mut steps = Vec::new();
        let mut note = |origin, groups: &mut Vec<u32>| match origin {
            Origin::Step(step) => steps.push(step),
            Origin::Group(group) => groups.push(group),
        };
        match self.source_of(step) {
            Source::Nothing | Source::Reason(_) => {}
            Source::Group(group) => groups.push(group),
            Source::Own(unit) => note(self.own_origin(unit), &mut groups),
        }
        while let Some(group) = groups.pop() {
            for unit in self.plan.group_units(group) {
                note(self.origin(unit), &mut groups);
            }
        }
        let lacks = |step: &&u32| !matches!(self.step_end(**step), Piped::Value(_));
        let Some(from) = steps.iter().filter(lacks).min() else { return exception };
        let (from, to) = (&self.plan.event_of(*from).def.name, &self.plan.event_of(step).def.name);
        let message = format!("no value along `{from} |-> {to}`: {}", exception.message());
        Exception::of_kind(ExceptionKind::Edge, message)
    }

    /// What the whole flow yields: its last step's value.
    pub(crate) fn output_step(&self) -> Option<u32> {
        if let Gives::Step(step) = self.plan.output {
            return Some(step);
        }
        match self.flow_origin(0) {
            Origin::Step(step) => Some(step),
            Origin::Group(_) => None,
        }
    }
}
