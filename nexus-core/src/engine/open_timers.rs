//! The timeouts of tasks that are pending.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::timer::{Timer, TimerKey};
use crate::run::Task;
use crate::sync::{Mutex, lock};

/// The timeouts of tasks that are pending, by step and item.
pub(super) struct OpenTimers {
    timer: Arc<Timer>,
    keys: Mutex<BTreeMap<(u32, Option<u64>), TimerKey>>,
}

impl OpenTimers {
    pub(super) fn new(timer: &Arc<Timer>) -> Self {
        Self { timer: Arc::clone(timer), keys: Mutex::default() }
    }

    /// Has `call` called when the task's time is over, unless it is cleared before.
    pub(super) fn set(&self, task: Task, at: Duration, call: impl FnOnce() + Send + 'static) {
        let key = self.timer.set(at, call);
        lock(&self.keys).insert((task.step, task.item), key);
    }

    /// The task is not pending any more, if it was.
    pub(super) fn clear(&self, task: Task) {
        let key = lock(&self.keys).remove(&(task.step, task.item));
        if let Some(key) = key {
            self.timer.clear(key);
        }
    }
}

impl Drop for OpenTimers {
    fn drop(&mut self) {
        for key in lock(&self.keys).values() {
            self.timer.clear(*key);
        }
    }
}
