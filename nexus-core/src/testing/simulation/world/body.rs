//! The bodies of a simulated plan: the events' own, with faults and time around them.

use std::future::poll_fn;
use std::sync::{Arc, Weak};
use std::task::Poll;
use std::time::Duration;

use super::World;
use crate::context::Context;
use crate::event::{Body, BodyFuture, Inputs};
use crate::failure::{Exception, WorkerExit};
use crate::outcome::{Bypass, TaskOutcome};
use crate::panic;
use crate::run::Task;
use crate::value::Value;

pub(super) struct SimulatedBody {
    pub(super) inner: Arc<dyn Body>,
    pub(super) world: Weak<World>,
}

/// What a body that is called is to do.
pub(super) enum Begin {
    /// Nothing: its process is dead.
    Dead,
    /// What the event's own body does.
    Replay,
    Fate(Fate),
}

/// What becomes of an attempt.
pub(super) struct Fate {
    /// How long it takes until the body is called, and afterwards.
    pub(super) before: Duration,
    pub(super) after: Duration,
    pub(super) fault: Option<Fault>,
}

/// What an attempt ends with instead of its outcome.
pub(super) struct Fault {
    pub(super) with: Exception,
    /// Whether the body is called for all that.
    pub(super) acts: bool,
}

impl Fault {
    pub(super) fn lost_worker(acts: bool) -> Self {
        Self { with: Exception::worker_lost(WorkerExit::new(Some(9), None)), acts }
    }
}

/// How a body ends whose process is dead: nobody learns of it.
fn dead() -> TaskOutcome {
    Exception::not_run("the process is dead").into()
}

pub(super) fn task_of(context: &Context) -> Task {
    Task { step: context.step, attempt: context.attempt, item: context.item }
}

impl Body for SimulatedBody {
    fn call(&self, inputs: &Inputs<'_>) -> TaskOutcome {
        let Some(world) = self.world.upgrade() else { return dead() };
        let context = inputs.context();
        let fate = match world.begin(context) {
            Begin::Dead => return dead(),
            Begin::Replay => return self.inner.call(inputs),
            Begin::Fate(fate) => fate,
        };
        let end = world.now() + fate.before + fate.after;
        if !world.pass(fate.before) {
            return dead();
        }
        let outcome = match fate.fault {
            Some(fault) => {
                if fault.acts {
                    panic::drop_quietly(self.inner.call(inputs));
                }
                fault.with.into()
            }
            None => self.inner.call(inputs),
        };
        if !world.pass(fate.after) {
            return dead();
        }
        if world.now() > end {
            world.is_delayed(context);
        }
        world.end(context, &outcome);
        outcome
    }

    fn call_async<'a>(&'a self, inputs: Inputs<'a>) -> BodyFuture<'a> {
        Box::pin(async move {
            let Some(world) = self.world.upgrade() else { return dead() };
            let context = inputs.context;
            let fate = match world.begin(context) {
                Begin::Dead => return dead(),
                Begin::Replay => return self.inner.call_async(inputs).await,
                Begin::Fate(fate) => fate,
            };
            sleep(&world, fate.before).await;
            let outcome = match fate.fault {
                Some(fault) => {
                    if fault.acts {
                        panic::drop_quietly(self.inner.call_async(inputs).await);
                    }
                    fault.with.into()
                }
                None => self.inner.call_async(inputs).await,
            };
            sleep(&world, fate.after).await;
            world.end(context, &outcome);
            outcome
        })
    }

    fn bypass(&self, inputs: &Inputs<'_>) -> Result<Bypass<Value>, Exception> {
        match self.world.upgrade() {
            Some(world) if world.asks(inputs.context()) => self.inner.bypass(inputs),
            _ => Err(Exception::not_run("the process is dead")),
        }
    }
}

/// Lets simulated time pass.
async fn sleep(world: &World, time: Duration) {
    let until = world.now().saturating_add(time);
    poll_fn(|_| if world.sleeps(until) { Poll::Pending } else { Poll::Ready(()) }).await;
}
