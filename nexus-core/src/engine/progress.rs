//! How far a run is.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use crate::context::{Context, RunInfo};
use crate::run::Task;
use crate::sync::{Mutex, lock};

/// How far a run is.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Progress {
    /// How many steps the flow has.
    pub steps: usize,
    /// How many of them have ended. Steps of branches that are not taken never do.
    pub ended: usize,
    /// The tasks that are running, in script order.
    pub running: Vec<RunningTask>,
}

/// A task that is running.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct RunningTask {
    /// The step's place in the flow.
    pub path: String,
    /// The item of an `each` step, from 0.
    pub item: Option<u64>,
    /// Which attempt it is, from 1.
    pub attempt: u32,
    /// How long it has been running.
    pub since: Duration,
    /// What the event said with [`Context::progress`]: how many parts of how many are done.
    pub parts: Option<(u64, u64)>,
}

/// What a handle knows of its run.
#[derive(Default)]
pub(super) struct ProgressTracker {
    ended: AtomicU32,
    over: AtomicBool,
    /// In no order.
    running: Mutex<Vec<(Key, Running)>>,
}

/// Step, item and attempt.
type Key = (u32, Option<u64>, u32);

struct Running {
    began: Duration,
    parts: Option<(u64, u64)>,
}

fn key(context: &Context) -> Key {
    (context.step, context.item, context.attempt)
}

impl ProgressTracker {
    pub(super) fn body_started(&self, context: &Context) {
        let running = Running { began: context.now(), parts: None };
        lock(&self.running).push((key(context), running));
    }

    pub(super) fn body_ended(&self, context: &Context) {
        self.remove(key(context));
    }

    pub(super) fn body_abandoned(&self, task: Task) {
        self.remove((task.step, task.item, task.attempt));
    }

    fn remove(&self, key: Key) {
        let mut running = lock(&self.running);
        if let Some(place) = running.iter().rposition(|(known, _)| *known == key) {
            running.remove(place);
        }
    }

    pub(super) fn steps_ended(&self, steps: u32) {
        self.ended.store(steps, Ordering::Relaxed);
    }

    pub(super) fn parts(&self, context: &Context, done: u64, total: u64) {
        let key = key(context);
        let mut running = lock(&self.running);
        if let Some((_, running)) = running.iter_mut().find(|(known, _)| *known == key) {
            running.parts = Some((done, total));
        }
    }

    /// The run is over.
    pub(super) fn finish(&self) {
        self.over.store(true, Ordering::Release);
    }

    pub(super) fn is_finished(&self) -> bool {
        self.over.load(Ordering::Acquire)
    }

    /// How far the run is whose flow has so many steps.
    pub(super) fn progress(&self, info: &RunInfo, steps: usize) -> Progress {
        let now = info.clock().now();
        let task = |(key, running): &(Key, Running)| RunningTask {
            path: info.names().step_path(key.0),
            item: key.1,
            attempt: key.2,
            since: now.saturating_sub(running.began),
            parts: running.parts,
        };
        let ended = self.ended.load(Ordering::Relaxed) as usize;
        let mut running = lock(&self.running);
        // In script order.
        running.sort_unstable_by_key(|(key, _)| *key);
        Progress { steps, ended, running: running.iter().map(task).collect() }
    }
}
