//! What a task is given along `|->`, copied, so that the run may be elsewhere while its body runs.

use super::{Ending, Run, Task};
use crate::piped::{Members, OwnedPiped, Piped, StepValues};
use crate::plan::Gives;
use crate::value::Value;

/// As many members are copied one by one.
const FEW: usize = 8;

/// The places of the members that are copied one by one.
const PLACES: [u32; FEW] = [0, 1, 2, 3, 4, 5, 6, 7];

/// The input of one task after the other.
pub(crate) struct CopiedInput {
    input: OwnedPiped,
    /// The members of a group whose steps have succeeded, instead.
    members: Vec<Value>,
}

impl CopiedInput {
    pub(crate) fn new() -> Self {
        Self { input: OwnedPiped::Nothing, members: Vec::new() }
    }

    #[inline]
    pub(crate) fn borrow(&self) -> Piped<'_> {
        match (&self.input, self.members.len()) {
            // What most have is to be made where it is needed.
            (OwnedPiped::Nothing, 0) => Piped::Nothing,
            (OwnedPiped::Value(value), 0) => Piped::Value(value),
            (OwnedPiped::Item(list, index), 0) => Piped::Item(list, *index),
            (input, 0) => input.borrow(),
            (_, len) => Members::of(&self.members, &PLACES[..len.min(FEW)])
                .map_or(Piped::Nothing, Piped::Members),
        }
    }
}

impl StepValues for Vec<Value> {
    #[inline]
    fn value_of(&self, place: u32) -> Option<&Value> {
        self.get(place as usize)
    }
}

impl Run {
    /// Copies the input of a task, which the run has as well: to drop a copy is to drop a share.
    #[inline]
    pub(crate) fn copy_input(&self, task: Task, into: &mut CopiedInput) {
        into.members.clear();
        if let Some(item) = task.item {
            return self.copy_item(task.step, item, &mut into.input);
        }
        match self.plan.steps[task.step as usize].hints.gives {
            Gives::Nothing => into.input = OwnedPiped::Nothing,
            Gives::Step(from) if let Ending::Success(value) = &self.cells[from as usize].ending => {
                into.input = OwnedPiped::Value(value.clone());
            }
            Gives::Members(group) if self.copy_members(group, &mut into.members) => {}
            _ => {
                into.members.clear();
                into.input = self.owned_task_input(task);
            }
        }
    }

    /// Says whether there are few, and all of them have succeeded.
    fn copy_members(&self, group: u32, into: &mut Vec<Value>) -> bool {
        let steps = self.plan.members_of(group);
        let values = steps.iter().take(FEW).map_while(|step| self.cells.value_of(*step));
        into.extend(values.cloned());
        into.len() == steps.len()
    }
}
