//! The tasks that may have to be told that their result is no longer wanted.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;

use super::Task;
use crate::cancel::Token;
use crate::hash::ByNumbers;

/// A task of a step: its item and its attempt.
type Key = (Option<u64>, u32);

/// The tokens of the guarded tasks under way. A guarded task without a token here is no longer
/// under way, whatever its executor may still bring. Most runs have none, and no memory for them.
#[derive(Default)]
pub(super) struct Tokens(Option<Box<Known>>);

#[derive(Default)]
struct Known {
    /// By step. A step without tasks under way is not here.
    under_way: HashMap<u32, OfStep, ByNumbers>,
    /// Tasks whose body runs although their result is no longer wanted.
    abandoned: Vec<Task>,
    /// Tokens that nobody else has any more, for the next tasks: many of them cost an allocation each.
    spare: Vec<Arc<Token>>,
}

/// The tasks of a step that are under way: one, as mostly, or the items of an `each` step.
enum OfStep {
    One(Key, Arc<Token>),
    Many(HashMap<Key, Arc<Token>, ByNumbers>),
}

fn key(task: Task) -> Key {
    (task.item, task.attempt)
}

impl OfStep {
    /// The token of this task, which is `token` from now on if it had none.
    fn add(&mut self, key: Key, token: impl FnOnce() -> Arc<Token>) -> &mut Arc<Token> {
        if let Self::One(only, known) = self
            && *only != key
        {
            *self = Self::Many(HashMap::from_iter([(*only, Arc::clone(known))]));
        }
        match self {
            Self::One(_, known) => known,
            Self::Many(tasks) => tasks.entry(key).or_insert_with(token),
        }
    }

    /// Removes the task's token, and says whether it was the last one.
    fn take(&mut self, key: Key) -> (Option<Arc<Token>>, bool) {
        match self {
            Self::One(only, token) if *only == key => (Some(Arc::clone(token)), true),
            Self::One(..) => (None, false),
            Self::Many(tasks) => {
                let token = tasks.remove(&key);
                (token, tasks.is_empty())
            }
        }
    }

    /// The tasks in order.
    fn keys(&self) -> Vec<Key> {
        match self {
            Self::One(key, _) => vec![*key],
            Self::Many(tasks) => {
                let mut keys: Vec<Key> = tasks.keys().copied().collect();
                keys.sort_unstable();
                keys
            }
        }
    }

    fn raise(&self) {
        match self {
            Self::One(_, token) => _ = token.raise(),
            Self::Many(tasks) => tasks.values().for_each(|token| _ = token.raise()),
        }
    }
}

impl Tokens {
    /// The task is about to leave the run.
    pub(super) fn add(&mut self, task: Task) -> Arc<Token> {
        Arc::clone(self.token_of(task, |spare| spare.pop().unwrap_or_default()))
    }

    /// The task has left the run, and has this token from now on.
    pub(super) fn insert(&mut self, task: Task, token: Arc<Token>) {
        let known = self.token_of(task, |_| Arc::clone(&token));
        *known = token;
    }

    fn token_of(
        &mut self,
        task: Task,
        new: impl Fn(&mut Vec<Arc<Token>>) -> Arc<Token>,
    ) -> &mut Arc<Token> {
        let key = key(task);
        let Known { under_way, spare, .. } = self.known();
        let step = under_way.entry(task.step);
        step.or_insert_with(|| OfStep::One(key, new(spare))).add(key, || new(spare))
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
        let Some(mut token) = self.take(task) else { return false };
        if let Some(unused) = Arc::get_mut(&mut token) {
            *unused = Token::new();
            self.known().spare.push(token);
        }
        true
    }

    fn take(&mut self, task: Task) -> Option<Arc<Token>> {
        let Entry::Occupied(mut step) = self.0.as_mut()?.under_way.entry(task.step) else {
            return None;
        };
        let (token, was_last) = step.get_mut().take(key(task));
        if was_last {
            step.remove();
        }
        token
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
        let tasks = self.0.as_ref().and_then(|known| known.under_way.get(&step));
        for (item, attempt) in tasks.map(OfStep::keys).unwrap_or_default() {
            self.raise(Task { step, attempt, item });
        }
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
        self.under_way.values().for_each(OfStep::raise);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tasks_are_told_apart_by_step_item_and_attempt_and_told_in_order() {
        let task = |step, item, attempt| Task { step, attempt, item };
        let all = [
            task(1, None, 1),
            task(2, Some(7), 1),
            task(2, Some(1), 1),
            task(2, Some(1), 2),
            task(2, Some(0), 1),
        ];
        let mut tokens = Tokens::default();
        for task in all {
            let token = tokens.add(task);
            assert!(Arc::ptr_eq(&token, &tokens.add(task)) && token.start());
        }
        assert!(!tokens.remove(task(1, None, 2)) && !tokens.remove(task(2, Some(2), 1)));
        assert!(tokens.remove(all[2]) && !tokens.remove(all[2]));
        tokens.raise_step(2);
        assert_eq!(tokens.take_abandoned(), [all[4], all[3], all[1]]);
        assert!(tokens.remove(all[0]) && tokens.is_empty());
    }

    #[test]
    fn a_token_that_is_used_again_tells_its_next_task_alone() {
        let task = |item| Task { step: 1, attempt: 1, item: Some(item) };
        let mut tokens = Tokens::default();
        let ended = tokens.add(task(0));
        assert!(ended.start() && ended.end());
        let known = Arc::as_ptr(&ended);
        drop(ended);
        assert!(tokens.remove(task(0)));
        let next = tokens.add(task(1));
        assert_eq!(Arc::as_ptr(&next), known);
        assert!(next.start() && next.raise() && !next.end());
        // Somebody still has it, so another task has another one.
        assert!(tokens.remove(task(1)));
        assert!(!tokens.add(task(2)).is_raised());
    }
}
