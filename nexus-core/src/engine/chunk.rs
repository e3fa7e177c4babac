//! Chunks: the work that a worker takes from a run's queue at once.
//!
//! Taking work and telling of its end costs a lock each. So a worker takes as much as makes some
//! tens of microseconds ([`CHUNK_NANOS`](super::work::CHUNK_NANOS)), does it, and delivers all
//! outcomes together. Only tasks of one body go together, whose pace is known from earlier ones, and
//! none that may have to be told that it is not wanted any more.
//!
//! Tasks may wait for each other, so nothing may stay behind a task that turns out to be slow.
//! Whoever drives the run looks at its chunks every millisecond while there are any, and takes
//! back what has not moved since the last look: work that has not begun, and outcomes that were
//! not delivered.

use std::collections::VecDeque;

use super::work::{Notification, Work};
use crate::run::Task;
use crate::sync::{Mutex, lock};

/// A worker's chunk; it is filled again and again while the worker stays with the run.
#[derive(Default)]
pub(super) struct Chunk {
    state: Mutex<State>,
    /// It takes no work that goes alone, such as that of an event with a timeout: its worker polls
    /// each body once, and asks for nothing before.
    pub(super) only_together: bool,
}

#[derive(Default)]
struct State {
    waiting: VecDeque<Work>,
    /// The task whose body runs.
    current: Option<Task>,
    done: Vec<Notification>,
    /// Work that nobody wants any more: its drop is user code, and has to wait.
    unwanted: Vec<Work>,
    /// The run is over, and this task's body runs on.
    abandoned: Option<Task>,
    moves: Moves,
}

impl State {
    /// Puts the next task in place of the last one, which is given back unless it has become the next.
    fn exchange(&mut self, work: &mut Option<Work>) -> Option<Work> {
        if let (Some(work), Some(range)) = (&mut *work, self.waiting.front_mut())
            && work.go_on_with(range)
        {
            if range.count() == 1 {
                self.waiting.pop_front();
            } else {
                range.skip(1);
            }
            return None;
        }
        std::mem::replace(work, self.take_first())
    }

    fn take_first(&mut self) -> Option<Work> {
        loop {
            let work = match self.waiting.front_mut()? {
                range if range.count() > 1 => range.split_first(),
                _ => self.waiting.pop_front()?,
            };
            if work.start() {
                return Some(work);
            }
            self.unwanted.push(work);
        }
    }
}

/// Counts what is done with a chunk or a queue, for whoever looks at it now and then.
#[derive(Default)]
pub(super) struct Moves {
    count: u32,
    /// What the count was at the last look.
    seen: u32,
}

impl Moves {
    pub(super) fn add(&mut self) {
        self.count = self.count.wrapping_add(1);
    }

    /// Whether nothing was counted since the last look; this is one.
    pub(super) fn have_stopped(&mut self) -> bool {
        std::mem::replace(&mut self.seen, self.count) == self.count
    }
}

/// What was taken back from a chunk, or was left in it.
#[derive(Default)]
pub(super) struct Rest {
    pub(super) waiting: VecDeque<Work>,
    pub(super) done: Vec<Notification>,
    pub(super) unwanted: Vec<Work>,
}

impl Chunk {
    /// That of a worker which polls async bodies.
    pub(super) fn of_futures() -> Self {
        Self { only_together: true, ..Self::default() }
    }

    /// Has `take` move work from a queue into the chunk, and say how many tasks that are.
    pub(super) fn fill(&self, take: impl FnOnce(&mut VecDeque<Work>) -> usize) {
        let mut state = lock(&self.state);
        let count = take(&mut state.waiting);
        state.done.reserve(count);
    }

    /// Puts a piece of work into it.
    pub(super) fn push(&self, work: Work) {
        lock(&self.state).waiting.push_back(work);
    }

    /// Puts the worker's next task in place of the last one, whose outcome is `done`.
    pub(super) fn next(&self, work: &mut Option<Work>, done: Option<Notification>) {
        let mut state = lock(&self.state);
        state.moves.add();
        state.done.extend(done);
        let last = state.exchange(work);
        state.current = work.as_ref().map(|work| work.task);
        drop(state);
        last.into_iter().for_each(Work::discard);
    }

    /// What the worker has to deliver at its end, in exchange for an empty list; and what it has to
    /// drop.
    pub(super) fn take_done(&self, done: &mut Vec<Notification>) -> Vec<Work> {
        let mut state = lock(&self.state);
        std::mem::swap(&mut state.done, done);
        std::mem::take(&mut state.unwanted)
    }

    pub(super) fn current(&self) -> Option<Task> {
        lock(&self.state).current
    }

    /// Whether its worker has nothing to do, and is about to ask for more.
    pub(super) fn is_done(&self) -> bool {
        let state = lock(&self.state);
        state.current.is_none() && state.waiting.is_empty()
    }

    /// Whether something in it may have to be taken back one day.
    pub(super) fn needs_watch(&self) -> bool {
        let state = lock(&self.state);
        !state.waiting.is_empty() || !state.done.is_empty()
    }

    /// Takes everything back if the worker has not moved since this was asked last.
    pub(super) fn take_stalled(&self) -> Rest {
        let mut state = lock(&self.state);
        if !state.moves.have_stopped() || state.current.is_none() {
            return Rest::default();
        }
        let (waiting, done) = (std::mem::take(&mut state.waiting), std::mem::take(&mut state.done));
        Rest { waiting, done, unwanted: Vec::new() }
    }

    /// The run is over. Gives what is in the chunk, and the task whose body runs on.
    pub(super) fn close(&self) -> (Rest, Option<Task>) {
        let mut state = lock(&self.state);
        state.abandoned = state.current;
        let rest = Rest {
            waiting: std::mem::take(&mut state.waiting),
            done: std::mem::take(&mut state.done),
            unwanted: std::mem::take(&mut state.unwanted),
        };
        (rest, state.abandoned)
    }

    /// The worker has come back after the end of the run: the task that was abandoned, if any.
    pub(super) fn take_abandoned(&self) -> Option<Task> {
        lock(&self.state).abandoned.take()
    }
}
