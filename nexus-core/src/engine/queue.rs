//! A run's work for one pool, and who does it.

#![cfg_attr(
    not(feature = "wire"),
    allow(dead_code, reason = "no executor of this build runs bodies elsewhere")
)]

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
    /// How many there are that have a job of their own, and which.
    alone: usize,
    tasks: Option<Vec<Task>>,
    /// Those that were claimed together, by job.
    together: Vec<TogetherJob>,
    last_job: u32,
}

/// A job with tasks that were claimed together. It lasts until its worker has none of them left.
struct TogetherJob {
    number: u32,
    /// In the order in which they run.
    tasks: VecDeque<Task>,
}

/// The tasks of an executor with more workers than this are only counted.
const TRACKED_WORKERS: usize = 1024;

impl ClaimedTasks {
    fn new(tracked: bool) -> Self {
        Self { alone: 0, tasks: tracked.then(Vec::new), together: Vec::new(), last_job: 0 }
    }

    fn jobs(&self) -> usize {
        self.alone + self.together.len()
    }

    fn count(&self) -> usize {
        self.alone + self.together.iter().map(|job| job.tasks.len()).sum::<usize>()
    }

    fn tasks(&self) -> Vec<Task> {
        let alone = self.tasks.iter().flatten().copied();
        alone.chain(self.together.iter().flat_map(|job| job.tasks.iter().copied())).collect()
    }

    fn add(&mut self, task: Task) {
        self.alone += 1;
        if let Some(tasks) = &mut self.tasks {
            tasks.push(task);
        }
    }

    fn remove(&mut self, task: Task) {
        self.alone -= 1;
        if let Some(tasks) = &mut self.tasks
            && let Some(at) = tasks.iter().position(|it| *it == task)
        {
            tasks.swap_remove(at);
        }
    }

    fn job(&mut self, number: u32) -> Option<&mut TogetherJob> {
        self.together.iter_mut().find(|job| job.number == number)
    }

    /// Removes one of the tasks that were claimed together, if it is one. Gives its job.
    fn remove_together(&mut self, task: Task) -> Option<u32> {
        self.together.iter_mut().find_map(|job| job.remove(task).then_some(job.number))
    }

    /// Removes a job without tasks. Says whether it was there.
    fn end_if_empty(&mut self, number: u32) -> bool {
        let is_empty = |job: &TogetherJob| job.number == number && job.tasks.is_empty();
        let Some(at) = self.together.iter().position(is_empty) else { return false };
        self.together.swap_remove(at);
        true
    }
}

impl TogetherJob {
    fn remove(&mut self, task: Task) -> bool {
        // They end in order, but for those that are taken back.
        let Some(at) = self.tasks.iter().position(|it| *it == task) else { return false };
        self.tasks.remove(at).is_some()
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
            claimed: ClaimedTasks::new(parallelism <= TRACKED_WORKERS),
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
        let useful = self.parallelism.min(self.claimed.jobs() + self.chunks.len() + wanted);
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

    /// A job's tasks for an executor that runs several of them in its own way, `most` at most, and
    /// the job's number. Without any the job is done.
    pub(super) fn claim_together(&mut self, most: usize) -> Option<(u32, Vec<Work>)> {
        let number = self.claimed.last_job.wrapping_add(1);
        self.claimed.together.push(TogetherJob { number, tasks: VecDeque::new() });
        let work = self.claim_more(number, most);
        if work.is_empty() {
            self.leave_job(number);
            return None;
        }
        self.claimed.last_job = number;
        Some((number, work))
    }

    /// More tasks of the same job, unless that has ended.
    pub(super) fn claim_more(&mut self, job: u32, most: usize) -> Vec<Work> {
        let mut claimed = Vec::new();
        if self.claimed.job(job).is_none() {
            return claimed;
        }
        while claimed.is_empty() && !self.waiting.is_empty() {
            // A message costs more than a lock, so the parts are larger than those of threads.
            let work: Vec<Work> = self.next_together(most, self.parallelism).collect();
            let (wanted, unwanted): (Vec<_>, Vec<_>) = work.into_iter().partition(Work::start);
            self.unwanted.extend(unwanted);
            claimed = wanted;
        }
        if let Some(job) = self.claimed.job(job) {
            job.tasks.extend(claimed.iter().map(|work| work.task));
        }
        claimed
    }

    /// Tasks that were claimed together have ended.
    pub(super) fn leave_together(&mut self, job: u32, tasks: &[Task]) {
        let Some(job) = self.claimed.job(job) else { return };
        for task in tasks {
            job.remove(*task);
        }
    }

    /// Work that was claimed together with other work, and has not begun.
    pub(super) fn give_back(&mut self, work: Vec<Work>) {
        for work in work.into_iter().rev() {
            self.claimed.remove_together(work.task);
            self.expected += u64::from(work.expected);
            self.waiting.push_front(work);
        }
    }

    /// Takes the job back from the worker of tasks that were claimed together, if none of them is
    /// left.
    pub(super) fn take_job(&mut self, job: u32) -> bool {
        self.claimed.end_if_empty(job)
    }

    /// Ends that job, if none of the tasks is left.
    pub(super) fn leave_job(&mut self, job: u32) {
        self.jobs -= usize::from(self.take_job(job));
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

    /// Fills a chunk.
    pub(super) fn fill(&mut self, chunk: &Chunk, most: usize) -> bool {
        let filled = !self.waiting.is_empty();
        // A share of the half leaves something for workers that are faster.
        let parts = self.parallelism.saturating_mul(2);
        chunk.fill(self.next_together(most, parts));
        filled
    }

    /// Takes work of one body: as much as takes some tens of microseconds, and no more than one of
    /// so many parts of all that waits.
    fn next_together(&mut self, most: usize, parts: usize) -> impl Iterator<Item = Work> {
        let first = self.pop();
        let (together, each) =
            first.as_ref().map_or((None, 1), |first| (first.together, first.expected.max(1)));
        let share = 1 + self.waiting.len() / parts;
        let more = share.min((CHUNK_NANOS / each) as usize).min(most).saturating_sub(1);
        let same = move |work: &Work| together.is_some() && work.together == together;
        let rest = std::iter::from_fn(move || {
            self.waiting.front().is_some_and(same).then(|| self.pop())?
        });
        first.into_iter().chain(rest.take(more))
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
            None => match self.claimed.remove_together(task) {
                // The worker may have others of this job.
                Some(job) => return self.leave_job(job),
                None => self.claimed.remove(task),
            },
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
            bodies: self.claimed.count(),
            tasks: self.claimed.tasks(),
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
