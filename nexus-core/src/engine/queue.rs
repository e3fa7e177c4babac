//! A run's work for one pool, and who does it.

use std::collections::VecDeque;
use std::sync::Arc;

use super::chunk::{Chunk, Rest};
use super::work::{CHUNK_NANOS, Notification, Work};
use crate::run::Task;

/// What waits for a pool, and what the pool is doing for this run.
pub(super) struct PoolQueue {
    waiting: VecDeque<Work>,
    /// How long all that waits will take, in nanoseconds.
    expected: u64,
    /// Work that nobody wants any more: its drop is user code, and has to wait.
    unwanted: Vec<Work>,
    /// How many jobs the executor has use for.
    parallelism: usize,
    /// The jobs that it has, those whose work is running included.
    jobs: usize,
    claimed: ClaimedTasks,
    /// What the threads of the pool have taken.
    chunks: Vec<Arc<Chunk>>,
    /// Counts what was taken, and what the count was at the last look.
    moves: u32,
    seen: u32,
    /// Nothing was taken between two looks, although something waits.
    stalled: bool,
}

/// The tasks that an executor runs in its own way. Only executors with few workers are asked what
/// still runs.
struct ClaimedTasks {
    count: usize,
    tasks: Option<Vec<Task>>,
}

/// The tasks of an executor with more workers than this are only counted.
const TRACKED_WORKERS: usize = 1024;

impl ClaimedTasks {
    fn add(&mut self, task: Task) {
        self.count += 1;
        if let Some(tasks) = &mut self.tasks {
            tasks.push(task);
        }
    }

    fn remove(&mut self, task: Task) {
        self.count -= 1;
        if let Some(tasks) = &mut self.tasks
            && let Some(at) = tasks.iter().position(|it| *it == task)
        {
            tasks.swap_remove(at);
        }
    }
}

/// What a queue leaves behind at the end of its run.
#[derive(Default)]
pub(super) struct Leftovers {
    pub(super) unwanted: Vec<Work>,
    pub(super) late: Vec<Notification>,
    /// How many bodies run on, and the tasks of those that are known by name.
    pub(super) bodies: usize,
    pub(super) tasks: Vec<Task>,
}

impl PoolQueue {
    pub(super) fn new(parallelism: usize) -> Self {
        Self {
            waiting: VecDeque::new(),
            expected: 0,
            unwanted: Vec::new(),
            parallelism: parallelism.max(1),
            jobs: 0,
            claimed: ClaimedTasks {
                count: 0,
                tasks: (parallelism <= TRACKED_WORKERS).then(Vec::new),
            },
            chunks: Vec::new(),
            moves: 0,
            seen: 0,
            stalled: false,
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    pub(super) fn push(&mut self, work: Work) {
        self.expected += u64::from(work.expected);
        self.waiting.push_back(work);
    }

    fn pop(&mut self) -> Option<Work> {
        let work = self.waiting.pop_front()?;
        self.expected -= u64::from(work.expected);
        self.moves = self.moves.wrapping_add(1);
        Some(work)
    }

    /// How many more jobs the pool is to get, so that nothing waits that could run. They count as
    /// given.
    pub(super) fn new_jobs(&mut self) -> usize {
        let waiting = self.waiting.len();
        let chunks = usize::try_from(self.expected.div_ceil(u64::from(CHUNK_NANOS)));
        let wanted =
            if self.stalled { waiting } else { chunks.map_or(waiting, |n| n.min(waiting)) };
        let useful = self.parallelism.min(self.claimed.count + self.chunks.len() + wanted);
        let more = useful.saturating_sub(self.jobs);
        self.jobs += more;
        more
    }

    /// A job's work for an executor that runs it in its own way. Without any the job is done.
    pub(super) fn claim(&mut self) -> Option<Work> {
        let work = self.next_claim();
        if work.is_none() {
            self.jobs -= 1;
        }
        work
    }

    /// The next work whose result is still wanted, for an executor that claims its tasks.
    pub(super) fn next_claim(&mut self) -> Option<Work> {
        loop {
            let work = self.pop()?;
            if work.start() {
                self.claimed.add(work.task);
                return Some(work);
            }
            self.unwanted.push(work);
        }
    }

    /// The body of a claimed task has ended.
    pub(super) fn leave_task(&mut self, task: Task) {
        self.claimed.remove(task);
    }

    /// A job's work for a thread, `most` tasks at most. Without any the job is done.
    pub(super) fn begin_chunk(&mut self, most: usize) -> Option<Arc<Chunk>> {
        let chunk = Arc::new(Chunk::default());
        if !self.fill(&chunk, most) {
            self.jobs -= 1;
            return None;
        }
        self.chunks.push(Arc::clone(&chunk));
        Some(chunk)
    }

    /// Fills a chunk with work of one body: as much as takes some tens of microseconds, and no more
    /// than leaves something for the other workers.
    pub(super) fn fill(&mut self, chunk: &Chunk, most: usize) -> bool {
        let Some(first) = self.pop() else { return false };
        let (together, each) = (first.together, first.expected.max(1));
        let share = 1 + self.waiting.len() / self.parallelism.saturating_mul(2);
        let more = share.min((CHUNK_NANOS / each) as usize).min(most).saturating_sub(1);
        chunk.fill(std::iter::once(first));
        let same = |work: &Work| together.is_some() && work.together == together;
        let rest =
            std::iter::from_fn(|| self.waiting.front().is_some_and(same).then(|| self.pop())?);
        chunk.fill(rest.take(more));
        true
    }

    /// The worker of this chunk goes; its job is done, or goes back to the executor.
    pub(super) fn leave_chunk(&mut self, chunk: &Chunk) {
        self.chunks.retain(|known| !std::ptr::eq(&raw const **known, chunk));
    }

    /// A worker has nothing more to do.
    pub(super) fn end_job(&mut self) {
        self.jobs -= 1;
    }

    /// A job was dropped. Gives its work; that of the whole queue if it was the pool's only job.
    pub(super) fn drop_job(&mut self) -> Vec<Work> {
        self.jobs -= 1;
        let lost = if self.jobs == 0 { self.waiting.len() } else { 1 };
        std::iter::from_fn(|| self.pop()).take(lost).collect()
    }

    /// Nobody waits for this task's body any more, nor for the worker that runs it.
    pub(super) fn abandon(&mut self, task: Task) {
        match self.chunks.iter().position(|chunk| chunk.current() == Some(task)) {
            Some(at) => drop(self.chunks.swap_remove(at)),
            None => self.claimed.remove(task),
        }
        self.jobs -= 1;
    }

    /// Whether somebody has to look at this queue now and then.
    pub(super) fn needs_watch(&self) -> bool {
        !self.waiting.is_empty() || self.chunks.iter().any(|chunk| chunk.needs_watch())
    }

    /// Takes back what has not moved since the last look: work goes to the front of the queue, and
    /// outcomes to `done`.
    pub(super) fn look(&mut self, done: &mut Vec<Notification>) {
        for at in 0..self.chunks.len() {
            let Rest { mut waiting, done: mut outcomes, .. } = self.chunks[at].take_stalled();
            done.append(&mut outcomes);
            while let Some(work) = waiting.pop_back() {
                self.expected += u64::from(work.expected);
                self.waiting.push_front(work);
            }
        }
        self.stalled = self.seen == self.moves && !self.waiting.is_empty();
        self.seen = self.moves;
    }

    /// The run is over.
    pub(super) fn close(&mut self) -> Leftovers {
        let mut left = Leftovers {
            unwanted: std::mem::take(&mut self.unwanted),
            bodies: self.claimed.count,
            tasks: self.claimed.tasks.clone().unwrap_or_default(),
            ..Leftovers::default()
        };
        left.unwanted.extend(std::iter::from_fn(|| self.pop()));
        for chunk in &self.chunks {
            let (rest, running) = chunk.close();
            left.unwanted.extend(rest.waiting.into_iter().chain(rest.unwanted));
            left.late.extend(rest.done);
            left.bodies += usize::from(running.is_some());
            left.tasks.extend(running);
        }
        left
    }
}
