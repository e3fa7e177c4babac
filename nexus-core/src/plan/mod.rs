//! A flow after checking, compiled to flat arrays: immutable, shared by all runs.
//!
//! The tree of a flow is laid out as four arrays that name each other by index. A *flow* is a
//! sequence of *groups*; a group is one *unit*, or several that run beside each other; a unit is a
//! step or a flow in brackets, with branches of its own. Each knows its parent, so a run walks up
//! and down without a stack.

mod check;
mod compile;
#[cfg(feature = "durable")]
mod durable;
mod fields;
mod hints;
#[cfg(feature = "durable")]
mod inputs;
mod options;
mod pace;
#[cfg(feature = "durable")]
mod recorded;

use std::fmt;
use std::sync::Arc;
#[cfg(feature = "durable")]
use std::sync::OnceLock;
use std::time::Duration;

use nexus_pointy::{Descriptor, Flow};

use crate::context::Names;
use crate::event::{Body, EventDef};
use crate::executor::{ExecutorInitializerConfig, ExecutorKind};
use crate::hash::Fnv128;
use crate::retry::RetryPolicy;
use crate::settings::{EventExecutionEvaluationState, StopConditions};
use crate::value::TypeInfo;

pub(crate) use compile::compile;
pub(crate) use fields::Field;
pub use fields::Fields;
pub(crate) use pace::Pace;
#[cfg(feature = "durable")]
pub(crate) use recorded::shortened;
#[cfg(feature = "durable")]
pub use recorded::{FlowRecord, FlowStep};

/// No index.
pub(crate) const NONE: u32 = u32::MAX;

/// A flow after checking, ready to run; made by `Flow::plan` or by `#[derive(Pipeline)]`.
pub struct Plan {
    pub(crate) name: Arc<str>,
    pub(crate) fields: Fields,
    pub(crate) field_names: Arc<[Arc<str>]>,
    pub(crate) states: Vec<TypeInfo>,
    /// Whether the engine must have the state: worker processes build their own.
    pub(crate) states_needed: Vec<bool>,
    pub(crate) events: Vec<PlanEvent>,
    pub(crate) bodies: Vec<Arc<dyn Body>>,
    /// For each body, how long its tasks take.
    pub(crate) paces: Vec<Pace>,
    /// For each body, the text by which another process of this program makes the same: see `wire`.
    pub(crate) references: Vec<Arc<str>>,
    pub(crate) options: Vec<StepOptions>,
    pub(crate) pools: Vec<Pool>,
    pub(crate) steps: Vec<Step>,
    pub(crate) units: Vec<Unit>,
    pub(crate) groups: Vec<Group>,
    pub(crate) flows: Vec<FlowNode>,
    pub(crate) branches: Vec<Branch>,
    /// The sizes of the groups that have several members, and so need a counter in each run.
    pub(crate) join_sizes: Vec<u32>,
    /// The steps that groups start with, one group after the other.
    pub(crate) first_steps: Vec<u32>,
    /// The steps that the members of groups are, one group after the other.
    pub(crate) members: Vec<u32>,
    /// What the flow ends with.
    pub(crate) output: Gives,
    /// How many steps run once for each item, and so need a place for that in each run.
    pub(crate) each_steps: u32,
    /// Whether a retry may be due on a pool while the driving thread is busy.
    pub(crate) pooled_retries: bool,
    /// The tree that all this was made of, for writing the plan down.
    pub(crate) source: Flow,
    /// The flow as runs are recorded with it, once one is.
    #[cfg(feature = "durable")]
    pub(crate) recorded: OnceLock<Arc<FlowRecord>>,
}

/// An event as this plan uses it.
#[derive(Debug, Clone)]
pub(crate) struct PlanEvent {
    pub(crate) def: EventDef,
    /// For each parameter of the event, the field or state that it is bound to.
    pub(crate) slots: Box<[u32]>,
}

/// Where a step's body runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Place {
    /// On the thread that drives the run.
    Inline,
    /// On the pool with this index in the plan.
    Pool(u32),
}

/// A pool that the plan's steps name.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Pool {
    /// The engine's own, for steps that may run beside each other and name no executor.
    Shared,
    Named(ExecutorKind, ExecutorInitializerConfig),
}

impl Pool {
    /// What people and metrics call it.
    pub(crate) fn name(&self) -> String {
        match self {
            Self::Shared => "shared".to_owned(),
            Self::Named(kind, config) => config.pool_name(&kind.name()),
        }
    }
}

/// How a step runs: the event's settings, with what the flow adds to them.
#[derive(Debug, Clone)]
#[expect(clippy::struct_excessive_bools, reason = "each is a setting, or follows from some")]
pub(crate) struct StepOptions {
    pub(crate) place: Place,
    /// Whether somebody has named `DefaultExecutor` for it.
    #[cfg_attr(not(feature = "durable"), expect(dead_code, reason = "asked by other drivers"))]
    pub(crate) stays: bool,
    /// Where its bypass check runs when others run beside it.
    pub(crate) check: Place,
    pub(crate) retry: Option<RetryPolicy>,
    pub(crate) stops: StopConditions,
    pub(crate) evaluation: EventExecutionEvaluationState,
    /// How long one attempt may take.
    pub(crate) timeout: Option<Duration>,
    /// Whether a durable run records its outcome; if not, the step runs again when it is resumed.
    pub(crate) checkpoint: bool,
    pub(crate) each: bool,
    /// How many items of an `each` step may be under way at once.
    pub(crate) window: usize,
    /// Whether another's end may cancel this step's tasks.
    pub(crate) cancellable: bool,
    /// Whether the executor can do more with a body that is not wanted than wait for it.
    pub(crate) can_be_ended: bool,
}

/// An event's place in the flow.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Step {
    pub(crate) event: u32,
    pub(crate) body: u32,
    pub(crate) options: u32,
    pub(crate) unit: u32,
    /// Which use of the event this is, from 1.
    pub(crate) nth: u32,
    /// What a run need not work out again for each step.
    pub(crate) hints: Hints,
}

/// What follows from the rest of the plan, for the path that most steps take.
#[derive(Debug, Clone, Copy)]
#[expect(clippy::struct_excessive_bools, reason = "each is one look on the path of every task")]
pub(crate) struct Hints {
    /// What follows when the step succeeds.
    pub(crate) then: Then,
    /// Where what comes along the arrow is found.
    pub(crate) gives: Gives,
    /// For a step that runs once for each item, which one of those it is; `NONE` otherwise.
    pub(crate) each: u32,
    /// Whether the step is one task of the driving thread, nothing is asked before it, and its body
    /// needs nothing but its inputs.
    pub(crate) plain: bool,
    /// The same of each item, where it runs once for each.
    pub(crate) plain_items: bool,
    /// Whether the thread that drives the run may do its tasks in place of a pool's: nothing can end
    /// them before they return, and none can be beside a task of that thread's own.
    pub(crate) visited: bool,
    /// The same, where nothing is asked before it, and its body needs nothing but its inputs.
    pub(crate) plain_visited: bool,
    /// Whether it runs once for each item, where its executor can end a body, and nothing else is to be
    /// seen to at a task's end.
    pub(crate) plain_claimed: bool,
    /// Whether the step's policy bounds the time of all its attempts.
    pub(crate) bounded: bool,
    /// Whether the body looks at `Context::previous`.
    pub(crate) closure: bool,
    /// Whether its tasks may have to be told that they are no longer wanted, wherever they are.
    pub(crate) guarded: bool,
    /// Whether all that the step's success can lead to is the end of its group.
    pub(crate) only_joins: bool,
}

/// What a step's success leads to, where nothing has to be asked in a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Then {
    /// That has to be asked: the value names a branch, or the run may stop, or the step is not light.
    Decide,
    /// This step, which is as light and runs in the same place, and nothing else.
    Step(u32),
    /// The flow of this branch.
    Branch(u32),
    /// The end of its unit.
    Leave,
}

/// Which steps give what comes along an arrow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Gives {
    Nothing,
    /// It depends on the branches that are taken, or is more than a group of steps.
    Varies,
    Step(u32),
    /// The steps that are the members of this group.
    Members(u32),
}

#[derive(Debug, Clone, Copy)]
pub(crate) enum UnitKind {
    Step(u32),
    Flow(u32),
}

/// A member of a group.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Unit {
    pub(crate) kind: UnitKind,
    pub(crate) group: u32,
    /// Its branches: where they begin in the plan's array, and how many.
    pub(crate) branches: (u32, u32),
}

/// What stands between two arrows.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Group {
    pub(crate) units: (u32, u32),
    pub(crate) flow: u32,
    /// The next group of the flow.
    pub(crate) next: u32,
    /// What comes along the arrow before it.
    pub(crate) input: Source,
    pub(crate) evaluation: EventExecutionEvaluationState,
    /// Its counter's index in a run; `NONE` for a single unit.
    pub(crate) join: u32,
    /// The steps inside, by index: from, up to.
    pub(crate) steps: (u32, u32),
    /// The steps that it starts with, where all of them are plain, here or on a pool: where they
    /// begin in the plan's array, and how many.
    pub(crate) first_steps: (u32, u32),
    /// Whether some of them are a pool's.
    pub(crate) starts_visited: bool,
    /// The steps that its members are, where it is no other than a group of steps without branches.
    pub(crate) members: (u32, u32),
}

/// Where a piped value comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Source {
    Nothing,
    /// The end of this group.
    Group(u32),
    /// The unit's own end, before its branches: along `n |->`.
    Own(u32),
    /// Why the unit failed: along `0 |->`.
    Reason(u32),
}

#[derive(Debug, Clone, Copy)]
pub(crate) enum Owner {
    Root,
    /// The unit is this flow, in brackets.
    Unit(u32),
    /// The flow is a branch of this unit.
    Branch(u32),
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct FlowNode {
    pub(crate) first: u32,
    pub(crate) last: u32,
    pub(crate) owner: Owner,
}

#[derive(Debug, Clone)]
pub(crate) struct Branch {
    pub(crate) descriptor: Descriptor,
    pub(crate) flow: u32,
}

impl Plan {
    /// The name of the pipeline, or of the file that the flow came from.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// How many steps the flow has.
    pub fn len(&self) -> usize {
        self.steps.len()
    }

    /// Whether the flow has no step; a checked flow always has one.
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }

    /// The flow in one line of Pointy, from which the same plan can be made again.
    pub fn script(&self) -> String {
        self.source.to_string()
    }

    /// The names and types of the input fields.
    pub fn fields(&self) -> &Fields {
        &self.fields
    }

    /// The paths of all steps, in script order.
    pub fn step_paths(&self) -> impl Iterator<Item = String> {
        (0..self.steps.len() as u32).map(|step| self.step_path(step))
    }

    /// A hash of the flow and its fields, the same on every machine: two plans with the same hash
    /// run the same steps in the same order.
    pub fn structural_hash(&self) -> u128 {
        let mut hash = Fnv128::new();
        hash.write(self.script().as_bytes());
        for field in &self.fields.0 {
            hash.write(field.name.as_bytes());
            hash.write(field.ty.name().as_bytes());
        }
        hash.0
    }

    /// The same plan with other bodies in place of its own, of which nothing is measured yet.
    #[cfg(feature = "durable")]
    pub(crate) fn with_bodies(&self, body: impl FnMut(&Arc<dyn Body>) -> Arc<dyn Body>) -> Self {
        Self {
            name: Arc::clone(&self.name),
            fields: self.fields.clone(),
            field_names: Arc::clone(&self.field_names),
            states: self.states.clone(),
            states_needed: self.states_needed.clone(),
            events: self.events.clone(),
            bodies: self.bodies.iter().map(body).collect(),
            paces: self.paces.iter().map(|_| Pace::default()).collect(),
            references: self.references.clone(),
            options: self.options.clone(),
            pools: self.pools.clone(),
            steps: self.steps.clone(),
            units: self.units.clone(),
            groups: self.groups.clone(),
            flows: self.flows.clone(),
            branches: self.branches.clone(),
            join_sizes: self.join_sizes.clone(),
            first_steps: self.first_steps.clone(),
            members: self.members.clone(),
            output: self.output,
            each_steps: self.each_steps,
            pooled_retries: self.pooled_retries,
            source: self.source.clone(),
            recorded: self.recorded.clone(),
        }
    }

    pub(crate) fn event_of(&self, step: u32) -> &PlanEvent {
        &self.events[self.steps[step as usize].event as usize]
    }

    pub(crate) fn options_of(&self, step: u32) -> &StepOptions {
        &self.options[self.steps[step as usize].options as usize]
    }

    pub(crate) fn group_units(&self, group: u32) -> std::ops::Range<u32> {
        let (first, count) = self.groups[group as usize].units;
        first..first + count
    }

    /// The steps that a group starts with, if all of them are plain; some of them are a pool's only
    /// where it is `visited`.
    pub(crate) fn plain_start(&self, group: u32, visited: bool) -> Option<&[u32]> {
        let Group { first_steps: (first, count), starts_visited, .. } =
            *self.groups.get(group as usize)?;
        (count > 0 && (visited || !starts_visited))
            .then(|| &self.first_steps[first as usize..(first + count) as usize])
    }

    /// Whether two steps are plain members of one group with the same body.
    pub(crate) fn are_alike(&self, one: u32, other: u32) -> bool {
        let of = |step: u32| {
            let Step { unit, body, hints, .. } = &self.steps[step as usize];
            (hints.plain_visited, *body, self.units[*unit as usize].group)
        };
        of(one).0 && of(one) == of(other)
    }

    /// The steps that the members of a group are, if they are known.
    pub(crate) fn members_of(&self, group: u32) -> &[u32] {
        let (first, count) = self.groups[group as usize].members;
        &self.members[first as usize..(first + count) as usize]
    }

    pub(crate) fn branches_of(&self, unit: u32) -> &[Branch] {
        let (first, count) = self.units[unit as usize].branches;
        &self.branches[first as usize..(first + count) as usize]
    }

    /// The steps of a flow, those of its branches included.
    pub(crate) fn flow_steps(&self, flow: u32) -> std::ops::Range<u32> {
        let FlowNode { first, last, .. } = self.flows[flow as usize];
        self.groups[first as usize].steps.0..self.groups[last as usize].steps.1
    }

    /// The branch of `unit` that `flow` is.
    pub(crate) fn branch_of(&self, unit: u32, flow: u32) -> Option<&Branch> {
        self.branches_of(unit).iter().find(|branch| branch.flow == flow)
    }

    /// What a unit is called: its event, or the first event inside the brackets.
    pub(crate) fn unit_name(&self, unit: u32) -> String {
        let mut at = unit;
        loop {
            match self.units[at as usize].kind {
                UnitKind::Step(step) if at == unit => return self.own_name(step),
                UnitKind::Step(step) => return format!("{{{}}}", self.own_name(step)),
                UnitKind::Flow(flow) => {
                    let group = self.flows[flow as usize].first;
                    at = self.groups[group as usize].units.0;
                }
            }
        }
    }

    fn own_name(&self, step: u32) -> String {
        let name = self.event_name(step);
        match self.steps[step as usize].nth {
            1 => name.to_owned(),
            nth => format!("{name}#{nth}"),
        }
    }
}

impl Names for Plan {
    fn pipeline(&self) -> &str {
        &self.name
    }

    fn fields(&self) -> &[Arc<str>] {
        &self.field_names
    }

    fn event_name(&self, step: u32) -> &str {
        &self.event_of(step).def.name
    }

    fn step_path(&self, step: u32) -> String {
        let mut parts = vec![self.own_name(step)];
        let mut unit = self.steps[step as usize].unit;
        loop {
            let flow = self.groups[self.units[unit as usize].group as usize].flow;
            unit = match self.flows[flow as usize].owner {
                Owner::Root => break,
                Owner::Unit(outer) => outer,
                Owner::Branch(outer) => {
                    if let Some(branch) = self.branch_of(outer, flow) {
                        parts.push(branch.descriptor.to_string());
                        parts.push(self.unit_name(outer));
                    }
                    outer
                }
            };
        }
        parts.reverse();
        parts.join("/")
    }
}

impl fmt::Debug for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Plan")
            .field("name", &self.name)
            .field("steps", &self.len())
            .finish_non_exhaustive()
    }
}

/// A plan writes itself down as its script and its fields; see [`PlanSpec`].
impl serde::Serialize for Plan {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        PlanSpec::of(self).serialize(serializer)
    }
}

/// A plan written down: events by name, no code. `Flow::parse(&spec.flow)` and planning it against
/// a registry that has those events gives the plan back.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[non_exhaustive]
pub struct PlanSpec {
    /// The plan's name.
    pub name: String,
    /// The flow in Pointy.
    pub flow: String,
    /// The names of the input fields and of their types.
    pub fields: Vec<(String, String)>,
    /// [`Plan::structural_hash`], in hexadecimal.
    pub hash: String,
}

impl PlanSpec {
    /// Writes `plan` down.
    pub fn of(plan: &Plan) -> Self {
        let field = |field: &Field| (field.name.to_string(), field.ty.name());
        Self {
            name: plan.name.to_string(),
            flow: plan.script(),
            fields: plan.fields.0.iter().map(field).collect(),
            hash: format!("{:032x}", plan.structural_hash()),
        }
    }
}
