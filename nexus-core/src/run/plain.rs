//! The shortest way through a run: plain steps, whose success leads to nothing that has to be asked.
//!
//! A driver that runs one after the other takes each from its own queue, says that it succeeded
//! ([`Run::pass`]), and is given what follows ([`Run::follow`]). No action is asked for and no
//! notification is needed; whatever else is to be done waits for [`Run::next_action`].

use super::Run;
use crate::plan::Then;
use crate::value::Value;

impl Run {
    /// A plain step has succeeded at once, in so many nanoseconds; what follows may be run.
    #[inline]
    pub(crate) fn pass(&mut self, step: u32, value: Value, busy: u64) {
        self.cells[step as usize].succeed(value, busy);
    }

    /// Goes on after a step that has [passed](Self::pass). Gives the step that takes its turn over,
    /// if there is one; the others that are plain go to the end of the driver's queue by `enqueue`.
    #[inline]
    pub(crate) fn follow(
        &mut self,
        step: u32,
        then: Then,
        is_alone: bool,
        visited: bool,
        mut enqueue: impl FnMut(u32),
    ) -> Option<u32> {
        if self.halt.is_some() {
            // A step that was under way when the run stopped: nothing follows.
            self.outstanding -= 1;
            return None;
        }
        match then {
            Then::Step(next) if is_alone => return Some(next),
            Then::Step(next) => {
                // Beside others, each of them has its turn.
                self.cells[next as usize].begin();
                enqueue(next);
                return None;
            }
            Then::Branch(flow) => {
                self.outstanding -= 1;
                let unit = self.plan.steps[step as usize].unit;
                self.enter_branch(unit, flow);
            }
            Then::Leave | Then::Decide => {
                self.outstanding -= 1;
                self.leave_unit(self.plan.steps[step as usize].unit, false);
            }
        }
        self.start_plain(visited, enqueue);
        None
    }

    /// The stretch ends with this step, which [`completed`](Self::completed) takes from here.
    pub(crate) fn begin_last(&mut self, step: u32) {
        self.cells[step as usize].begin();
    }

    /// Puts the groups under way that are to start with plain steps, those of a pool only where it is
    /// `visited`. They go to the end of the driver's queue by `enqueue`; up to the first group that
    /// starts with others.
    #[inline]
    pub(crate) fn start_plain(&mut self, visited: bool, mut enqueue: impl FnMut(u32)) {
        while self.actions.is_empty()
            && self.halt.is_none()
            && let Some(steps) =
                self.ready.front().and_then(|group| self.plan.plain_start(*group, visited))
        {
            self.outstanding += steps.len();
            for step in steps {
                self.cells[*step as usize].begin();
                enqueue(*step);
            }
            self.ready.pop_front();
        }
    }

    /// Whether [`next_action`](Self::next_action) may have something to say.
    pub(crate) fn has_requests(&self) -> bool {
        !self.actions.is_empty() || !self.ready.is_empty()
    }
}
