//! What a run asks of its driver.

use std::time::Duration;

/// One attempt at a step, or at one item of an `each` step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(not(feature = "durable"), expect(unreachable_pub, reason = "drivers elsewhere see it"))]
pub struct Task {
    pub(crate) step: u32,
    /// From 1.
    pub(crate) attempt: u32,
    pub(crate) item: Option<u64>,
}

#[cfg(feature = "durable")]
impl Task {
    /// The step, as a place among those of the plan, in script order.
    pub fn step(self) -> u32 {
        self.step
    }

    /// Which attempt it is, from 1.
    pub fn attempt(self) -> u32 {
        self.attempt
    }

    /// The item of an `each` step, from 0.
    pub fn item(self) -> Option<u64> {
        self.item
    }
}

/// What a driver is to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
#[cfg_attr(not(feature = "durable"), expect(unreachable_pub, reason = "drivers elsewhere see it"))]
pub enum Action {
    /// Ask the task's bypass check, then say `checked`; it is not started before that.
    Check(Task),
    /// Run the task's body, then say `completed`.
    Start(Task),
    /// Say `woken` after this long: a wait before a retry is over then.
    Wake(Task, Duration),
    /// The task is pending: say `resolved` when the world outside has answered, or `timed_out` after
    /// this long. A driver that has nobody to ask says `failed`.
    Await(Task, Option<Duration>),
}

impl Action {
    /// The task that it is about.
    #[cfg_attr(
        not(feature = "durable"),
        expect(unreachable_pub, reason = "drivers elsewhere see it")
    )]
    pub fn task(self) -> Task {
        match self {
            Self::Check(task) | Self::Start(task) | Self::Wake(task, _) | Self::Await(task, _) => {
                task
            }
        }
    }
}
