//! A run's work for one pool, and who does it.

#![cfg_attr(
    not(feature = "wire"),
    allow(dead_code, reason = "no executor of this build runs bodies elsewhere")
)]

use std::collections::VecDeque;
use std::sync::Arc;

use super::chunk::{Chunk, Moves, Rest};
use super::work::{CHUNK_NANOS, Notification, Work};
use crate::run::Task;

/// What waits for a pool, and what the pool is doing for this run.
pub(super) struct PoolQueue {
    waiting: VecDeque<Work>,
    amount: Amount,
    /// Work that nobody wants any more: its drop is user code, and has to wait.
    unwanted: Vec<Work>,
    /// How many jobs the executor has use for, and how many of short tasks.
    parallelism: usize,
    processors: usize,
    /// The jobs that it has, those whose work is running included.
    jobs: usize,
    /// How many of its places the thread has that drives the run.
    pub(super) visitors: usize,
    claimed: ClaimedTasks,
    /// What the threads of the pool have taken.
    chunks: Vec<Arc<Chunk>>,
    /// Counts what was taken.
    moves: Moves,
    /// Nothing was taken between two looks, although something waits.
    stalled: bool,
}

/// How much work waits.
#[derive(Clone, Copy, Default)]
struct Amount {
    tasks: usize,
    /// How long the short tasks will take in all.
    nanos: u64,
    /// How many tasks take as long as a chunk, or nobody knows how long.
    long: usize,
}

impl Amount {
    fn add(&mut self, work: &Work) {
        let tasks = work.count();
        self.tasks += tasks;
        if work.expected < CHUNK_NANOS {
            self.nanos += u64::from(work.expected) * tasks as u64;
        } else {
            self.long += tasks;
        }
    }

    fn remove(&mut self, work: &Work) {
        let tasks = work.count();
        self.tasks -= tasks;
        if work.expected < CHUNK_NANOS {
            self.nanos -= u64::from(work.expected) * tasks as u64;
        } else {
            self.long -= tasks;
        }
    }
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

/// More threads than processors get no more done of tasks that do not wait.
#[cfg(not(shuttle))]
pub(super) fn processors() -> usize {
    static PROCESSORS: std::sync::LazyLock<usize> =
        std::sync::LazyLock::new(|| std::thread::available_parallelism().map_or(1, usize::from));
    *PROCESSORS
}

/// The model checker needs the same answer on each machine.
#[cfg(shuttle)]
pub(super) fn processors() -> usize {
    usize::MAX
}

/// For less work than this, in nanoseconds, another worker is not woken: that takes longer.
pub(super) const WORTH_WAKING: u64 = CHUNK_NANOS as u64 / 3;

/// How much work goes to another process in one message, in nanoseconds. Each message costs some ten
/// microseconds at both ends, so it is more than a thread takes at once.
const MESSAGE_NANOS: u32 = 100_000;

/// So many short tasks are not halved among messages, nor is less work than two messages cost.
const FEW_TOGETHER: usize = 32;
const WORTH_SENDING: u32 = 20_000;

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
        if self.tasks.front() == Some(&task) {
            return self.tasks.pop_front().is_some();
        }
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
    pub(super) fn new(parallelism: usize, processors: usize) -> Self {
        Self {
            waiting: VecDeque::new(),
            amount: Amount::default(),
            unwanted: Vec::new(),
            parallelism: parallelism.max(1),
            processors: parallelism.clamp(1, processors),
            jobs: 0,
            visitors: 0,
            claimed: ClaimedTasks::new(parallelism <= TRACKED_WORKERS),
            chunks: Vec::new(),
            moves: Moves::default(),
            stalled: false,
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// How many tasks wait.
    pub(super) fn len(&self) -> usize {
        self.amount.tasks
    }

    /// How many processors the pool's own threads can have.
    fn processors_left(&self) -> usize {
        self.processors.saturating_sub(self.visitors).max(1)
    }

    /// Takes back half of what waits, the last of it, for the thread that drives the run. What it
    /// could not do stays, and all that came before.
    pub(super) fn take_half(&mut self, may_do: impl Fn(&Work) -> bool) -> Vec<Work> {
        let mut half = self.len().div_ceil(2);
        let mut taken = Vec::new();
        while half > 0
            && let Some(mut work) = self.waiting.pop_back_if(|work| may_do(work))
        {
            if work.count() > half {
                let first = work.split(work.count() - half);
                self.waiting.push_back(first);
            }
            half -= work.count();
            self.amount.remove(&work);
            self.moves.add();
            taken.push(work);
        }
        taken.reverse();
        taken
    }

    /// Takes what waits.
    #[cfg(feature = "durable")]
    pub(super) fn withdraw(&mut self) -> VecDeque<Work> {
        self.amount = Amount::default();
        std::mem::take(&mut self.waiting)
    }

    /// Puts work behind what waits.
    pub(super) fn append(&mut self, work: &mut VecDeque<Work>) {
        for work in work.iter() {
            self.amount.add(work);
        }
        if self.waiting.is_empty() {
            std::mem::swap(&mut self.waiting, work);
        } else {
            self.waiting.append(work);
        }
    }

    fn pop(&mut self) -> Option<Work> {
        self.take_some(1)
    }

    /// Takes the first piece of work, or as many tasks of it.
    fn take_some(&mut self, most: usize) -> Option<Work> {
        let work = match self.waiting.front_mut()? {
            range if range.count() > most => range.split(most),
            _ => self.waiting.pop_front()?,
        };
        self.amount.remove(&work);
        self.moves.add();
        Some(work)
    }

    /// How many more jobs the pool is to get, so that nothing waits that could run. They count as
    /// given.
    pub(super) fn new_jobs(&mut self) -> usize {
        let Amount { tasks: waiting, nanos, long } = self.amount;
        if waiting == 0 {
            return 0;
        }
        let shares = usize::try_from(nanos.div_ceil(WORTH_WAKING)).unwrap_or(waiting);
        let wanted = long + shares.min(self.processors_left());
        let wanted = if self.stalled { waiting } else { wanted.min(waiting) };
        // Workers that are about to ask for more will take of it.
        let ready = self.chunks.iter().filter(|chunk| chunk.is_done()).count();
        let busy = self.claimed.jobs() + self.chunks.len() - ready;
        let places = self.parallelism.saturating_sub(self.visitors).max(1);
        let useful = places.min(busy + wanted.max(ready));
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

    /// More tasks of the same job, unless that has ended. None if few wait and the run has not heard
    /// what has ended of the job's: that may lead to more.
    pub(super) fn claim_more(&mut self, job: u32, most: usize) -> Vec<Work> {
        let mut claimed = Vec::new();
        let Some(own) = self.claimed.job(job) else { return claimed };
        let are_short = self.amount.long == 0 && self.amount.nanos < u64::from(WORTH_SENDING);
        if are_short && self.amount.tasks < FEW_TOGETHER && !own.tasks.is_empty() {
            return claimed;
        }
        while claimed.is_empty() && !self.waiting.is_empty() {
            let mut unwanted = Vec::new();
            let work = self.next_together(most);
            claimed.reserve_exact(work.size_hint().1.unwrap_or(0));
            for work in work {
                if work.start() { &mut claimed } else { &mut unwanted }.push(work);
            }
            self.unwanted.append(&mut unwanted);
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
            self.amount.add(&work);
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

    /// Takes work of one body, for a message: an equal share of what waits, but neither much nor
    /// little of short tasks.
    fn next_together(&mut self, most: usize) -> impl Iterator<Item = Work> {
        let first = self.pop();
        let (together, each) =
            first.as_ref().map_or((None, 1), |first| (first.together, first.expected.max(1)));
        let share = 1 + self.len() / self.parallelism;
        let (least, limit) = match each {
            CHUNK_NANOS.. => (1, 1),
            each => ((WORTH_SENDING / each) as usize, (MESSAGE_NANOS / each) as usize),
        };
        let least = least.min(FEW_TOGETHER);
        let more = share.max(least).min(limit).min(most).saturating_sub(1);
        let same = move |work: &Work| together.is_some() && work.together == together;
        let more = more.min(self.len());
        let rest = (0..more)
            .map_while(move |_| self.waiting.front().is_some_and(same).then(|| self.pop())?);
        first.into_iter().chain(rest)
    }

    /// Makes a claimed task the first of a chunk, and adds others of its body if they are short.
    pub(super) fn chunk_of(&mut self, work: Work, most: usize) -> Arc<Chunk> {
        let chunk = Arc::new(Chunk::of_futures());
        self.claimed.remove(work.task);
        self.chunks.push(Arc::clone(&chunk));
        let (body, is_short) = (work.together, work.expected < CHUNK_NANOS);
        chunk.push(work);
        if is_short && self.waiting.front().is_some_and(|next| next.together == body) {
            self.fill(&chunk, most.saturating_sub(1));
        }
        chunk
    }

    /// A task of a chunk goes on as a claimed one, and the chunk is no more: its work goes to the
    /// front of the queue, and outcomes to `done`.
    pub(super) fn go_apart(&mut self, chunk: &Chunk, task: Task, done: &mut Vec<Notification>) {
        let (rest, _) = chunk.close();
        self.leave_chunk(chunk);
        self.claimed.add(task);
        self.unwanted.extend(rest.unwanted);
        self.put_back(rest.waiting);
        done.extend(rest.done);
    }

    fn put_back(&mut self, mut work: VecDeque<Work>) {
        while let Some(work) = work.pop_back() {
            self.amount.add(&work);
            self.waiting.push_front(work);
        }
    }

    /// Fills a chunk with work of one body: as much as takes some tens of microseconds, and no more
    /// than leaves something for the other workers, if all that waits is worth more than one.
    pub(super) fn fill(&mut self, chunk: &Chunk, most: usize) -> bool {
        let Some(first) = self.waiting.front() else { return false };
        if chunk.only_together && first.together.is_none() {
            return false;
        }
        let (together, each) = (first.together, first.expected.max(1));
        let share = match self.len() {
            all if self.amount.long == 0 && self.amount.nanos <= WORTH_WAKING => all,
            all => 1 + (all - 1) / self.processors_left().saturating_mul(2),
        };
        let most = share.min((CHUNK_NANOS / each) as usize).min(most).max(1);
        chunk.fill(|filled| {
            let mut count = 0;
            while count < most
                && let Some(next) = self.waiting.front()
                && (count == 0 || (together.is_some() && next.together == together))
                && let Some(work) = self.take_some(most - count)
            {
                count += work.count();
                filled.push_back(work);
            }
            count
        });
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
        let lost = if self.jobs == 0 { self.len() } else { 1 };
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
            let Rest { waiting, done: mut outcomes, .. } = self.chunks[at].take_stalled();
            done.append(&mut outcomes);
            self.put_back(waiting);
        }
        self.stalled = self.moves.have_stopped() && !self.waiting.is_empty();
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
