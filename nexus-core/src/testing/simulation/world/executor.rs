//! The executor that stands in for all others: it keeps jobs until the simulation starts them.

use std::fmt;
use std::sync::Weak;

use super::World;
use crate::executor::{AnyExecutor, BodyKind, Job};
use crate::plan::Pool;

/// So many workers has a pool that does not say how many it wants.
const WORKERS: usize = 4;

pub(super) struct SimulatedExecutor {
    world: Weak<World>,
    /// Its index among the pools of its process.
    pool: usize,
    workers: usize,
}

/// How many tasks a pool runs at once, and whether their bodies block a thread.
pub(super) fn shape_of(pool: &Pool) -> (usize, bool) {
    match pool {
        Pool::Shared => (WORKERS, true),
        Pool::Named(kind, config) => match kind.runs() {
            BodyKind::Async => (config.concurrency().unwrap_or(usize::MAX), false),
            BodyKind::Blocking => (config.workers().unwrap_or(WORKERS), true),
            BodyKind::Remote => (config.workers().unwrap_or(WORKERS), false),
        },
    }
}

impl SimulatedExecutor {
    pub(super) fn new(world: Weak<World>, pool: usize, workers: usize) -> Self {
        Self { world, pool, workers }
    }
}

impl AnyExecutor for SimulatedExecutor {
    fn submit(&self, job: Job) {
        if let Some(world) = self.world.upgrade() {
            world.submit(self.pool, job);
        }
    }

    fn parallelism(&self) -> usize {
        self.workers
    }

    fn abandon(&self) {
        if let Some(world) = self.world.upgrade() {
            world.abandon(self.pool, 1);
        }
    }

    fn reclaim(&self) {
        if let Some(world) = self.world.upgrade() {
            world.abandon(self.pool, -1);
        }
    }

    fn visit(&self, _: &mut dyn FnMut() -> bool) -> bool {
        false
    }
    fn enter(&self, poll: &mut dyn FnMut()) {
        poll();
    }

    fn shutdown(&self) {}
}

impl fmt::Debug for SimulatedExecutor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SimulatedExecutor").field("pool", &self.pool).finish_non_exhaustive()
    }
}
