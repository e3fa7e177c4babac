//! The tasks that may have to be told that their result is no longer wanted.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::Task;
use crate::cancel::Token;

/// A task in a form that has an order: step, item, attempt.
type Key = (u32, Option<u64>, u32);

/// The tokens of the guarded tasks under way. A guarded task without a token here is no longer
/// under way, whatever its executor may still bring. Most runs have none, and no memory for them.
#[derive(Default)]
pub(super) struct Tokens(Option<Box<Known>>);

#[derive(Default)]
struct Known {
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
        Arc::clone(self.known().under_way.entry(key(task)).or_default())
    }

    /// The task has left the run, and has this token from now on.
    pub(super) fn insert(&mut self, task: Task, token: Arc<Token>) {
        self.known().under_way.insert(key(task), token);
    }

    fn known(&mut self) -> &mut Known {
        self.0.get_or_insert_default()
    }

    /// Whether no task under way has a token, as in most runs.
    #[inline]
    pub(super) fn is_empty(&self) -> bool {
        self.0.as_ref().is_none_or(|known| known.under_way.is_empty())
    }

    /// The task has ended. `false` if nobody waits for it any more.
    pub(super) fn remove(&mut self, task: Task) -> bool {
        self.take(task).is_some()
    }

    fn take(&mut self, task: Task) -> Option<Arc<Token>> {
        self.0.as_mut()?.under_way.remove(&key(task))
    }

    /// Tells a task that it is no longer wanted. `false` if it has ended already.
    pub(super) fn raise(&mut self, task: Task) -> bool {
        let token = self.take(task);
        if token.as_ref().is_some_and(|token| token.raise()) {
            self.known().abandoned.push(task);
        }
        token.is_some()
    }

    /// Tells all tasks of a step.
    pub(super) fn raise_step(&mut self, step: u32) {
        while let Some(task) = self.first_of(step) {
            self.raise(task);
        }
    }

    fn first_of(&self, step: u32) -> Option<Task> {
        let under_way = &self.0.as_ref()?.under_way;
        let (&(at, item, attempt), _) = under_way.range((step, None, 0)..).next()?;
        (at == step).then_some(Task { step, attempt, item })
    }

    /// The tasks abandoned since this was asked last.
    #[inline]
    pub(super) fn take_abandoned(&mut self) -> Vec<Task> {
        self.0.as_mut().map(|known| std::mem::take(&mut known.abandoned)).unwrap_or_default()
    }
}

impl Drop for Known {
    /// A run that is dropped before its end wants nothing any more.
    fn drop(&mut self) {
        for token in self.under_way.values() {
            token.raise();
        }
    }
}
