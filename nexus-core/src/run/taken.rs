//! The branches that a run took.

use crate::plan::{NONE, Plan};

/// The flow that each unit's branches took, at the place where the unit's branches begin in the
/// plan.
#[derive(Debug, Default)]
pub(crate) struct Taken(Vec<u32>);

impl Taken {
    pub(super) fn set(&mut self, plan: &Plan, unit: u32, flow: u32) {
        // No run pays for the branches of others: the places are made with the first one taken.
        self.0.resize(plan.branches.len(), NONE);
        self.0[plan.units[unit as usize].branches.0 as usize] = flow;
    }

    /// The flow that a unit's branches took, if any.
    #[inline]
    pub(crate) fn of(&self, plan: &Plan, unit: u32) -> Option<u32> {
        let (first, branches) = plan.units[unit as usize].branches;
        let taken = self.0.get(first as usize).copied().filter(|flow| *flow != NONE);
        taken.filter(|_| branches > 0)
    }
}
