//! The tasks that may have to be told that their result is no longer wanted.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::Task;
use crate::cancel::Token;

/// A task in a form that has an order: step, item, attempt.
type Key = (u32, Option<u64>, u32);

/// The tokens of the guarded tasks under way. A guarded task without a token here is no longer
/// under way, whatever its executor may still bring.
#[derive(Default)]
pub(super) struct Tokens {
    under_way: BTreeMap<Key, Arc<Token>>,
    /// Tasks whose body runs although their result is no longer wanted.
    abandoned: Vec<Task>,
}

fn key(task: Task) -> Key {
    (task.step, task.item, task.attempt)
}

impl Tokens {
    /// The task is about to leave the run.
    pub(super) fn add(&mut self, task: Task) -> Arc<Token> {
        Arc::clone(self.under_way.entry(key(task)).or_default())
    }

    /// The task has left the run, and has this token from now on.
    pub(super) fn insert(&mut self, task: Task, token: Arc<Token>) {
        self.under_way.insert(key(task), token);
    }

    /// Whether no task under way has a token, as in most runs.
    #[inline]
    pub(super) fn is_empty(&self) -> bool {
        self.under_way.is_empty()
    }

    /// The task has ended. `false` if nobody waits for it any more.
    pub(super) fn remove(&mut self, task: Task) -> bool {
        self.under_way.remove(&key(task)).is_some()
    }

    /// Tells a task that it is no longer wanted. `false` if it has ended already.
    pub(super) fn raise(&mut self, task: Task) -> bool {
        let token = self.under_way.remove(&key(task));
        if token.as_ref().is_some_and(|token| token.raise()) {
            self.abandoned.push(task);
        }
        token.is_some()
    }

    /// Tells all tasks of a step.
    pub(super) fn raise_step(&mut self, step: u32) {
        let first = (step, None, 0);
        while let Some((&(at, item, attempt), _)) = self.under_way.range(first..).next()
            && at == step
        {
            self.raise(Task { step, attempt, item });
        }
    }

    /// The tasks abandoned since this was asked last.
    pub(super) fn take_abandoned(&mut self) -> Vec<Task> {
        std::mem::take(&mut self.abandoned)
    }
}

impl Drop for Tokens {
    /// A run that is dropped before its end wants nothing any more.
    fn drop(&mut self) {
        for token in self.under_way.values() {
            token.raise();
        }
    }
}
