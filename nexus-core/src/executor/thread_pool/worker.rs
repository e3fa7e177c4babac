//! A worker's life: take jobs, sleep, be replaced, end.

use std::rc::Rc;
use std::sync::Arc;

use crossbeam::deque::{Injector, Steal, Stealer, Worker};

use super::{CURRENT, Current, Job, Shared, Slot, State};
use crate::sync::{Mutex, lock, thread, wait};

/// How many short tasks of one run a worker runs before it looks after other runs.
const AT_A_STRETCH: usize = 512;

/// How often a worker looks again before it sleeps, which makes some microseconds: as long as it
/// takes to be woken.
const SEARCHES: usize = if cfg!(shuttle) { 1 } else { 64 };

impl Shared {
    /// Starts a thread in `slot`; gives the slot back if the system has none.
    pub(super) fn start_worker(
        self: &Arc<Self>,
        state: &mut State,
        slot: Slot,
    ) -> Result<(), Slot> {
        let mut builder = thread::Builder::new().name(format!("{}{}", self.prefix, state.started));
        if let Some(bytes) = self.stack_size {
            builder = builder.stack_size(bytes);
        }
        // The slot is shared with the closure, so that it comes back when no thread could be started.
        let shared_slot = Arc::new(Mutex::new(Some(slot)));
        let (shared, taken) = (Arc::clone(self), Arc::clone(&shared_slot));
        let started = builder.spawn(move || {
            let slot = lock(&taken).take();
            if let Some(slot) = slot {
                shared.work(slot);
            }
        });
        match started {
            Ok(_) => {
                state.live += 1;
                state.started += 1;
                Ok(())
            }
            Err(_) => match lock(&shared_slot).take() {
                Some(slot) => Err(slot),
                None => Ok(()),
            },
        }
    }

    /// Runs jobs until the pool closes or this worker has done its share.
    fn work(self: &Arc<Self>, slot: Slot) {
        let deque = Rc::new(slot.0);
        let current = Current { pool: Arc::downgrade(self), deque: Some(Rc::clone(&deque)) };
        CURRENT.with(|slot| slot.replace(Some(current)));
        let mut tasks = 0;
        let mut replaced = false;
        let mut own = None;
        while !replaced && let Some(job) = own.take().or_else(|| self.next_job(&deque)) {
            let (ran, rest) = job.run_some((self.max_tasks - tasks).min(AT_A_STRETCH));
            tasks += ran;
            replaced = tasks >= self.max_tasks;
            match rest {
                // It looks there next, or is replaced by one that does.
                Some(job) if replaced || self.has_work() => self.injector.push(job),
                // No other one waits, so there is no reason to have somebody else go on with it.
                rest => own = rest,
            }
        }
        CURRENT.with(|slot| slot.replace(None));
        if let Ok(deque) = Rc::try_unwrap(deque) {
            self.leave(Slot(deque), replaced);
        }
    }

    /// Gives the slot up: to a new thread if this one was to be replaced and there is work.
    fn leave(self: &Arc<Self>, slot: Slot, replaced: bool) {
        let mut state = lock(&self.state);
        let mut slot = Some(slot);
        if replaced
            && self.has_work()
            && let Some(taken) = slot.take()
        {
            slot = self.start_worker(&mut state, taken).err();
            if let Some(kept) = slot.take() {
                // No thread to be had: this one goes on rather than leave the work undone.
                drop(state);
                return self.work(kept);
            }
        }
        state.vacant.extend(slot);
        state.live -= 1;
        self.ended.notify_all();
    }

    /// The worker on this thread is about to wait inside user code.
    pub(super) fn block(self: &Arc<Self>) {
        let mut state = lock(&self.state);
        state.blocked += 1;
        if state.visitors > 0 {
            // It may be a visitor, whose place is free now.
            if self.has_work() {
                self.wake_worker(state);
            }
            return;
        }
        let is_covered = state.searching > 0 || state.sleeping > state.signals;
        if self.has_work() && !is_covered && state.vacant.is_empty() {
            self.start_spare(&mut state);
        }
    }

    /// Starts a thread in place of a worker that waits, if there is one without. Should there be
    /// no thread to be had, the jobs wait for a worker.
    pub(super) fn start_spare(self: &Arc<Self>, state: &mut State) {
        if state.spares >= state.blocked {
            return;
        }
        let mut builder = thread::Builder::new().name(format!("{}{}", self.prefix, state.started));
        if let Some(bytes) = self.stack_size {
            builder = builder.stack_size(bytes);
        }
        let shared = Arc::clone(self);
        if builder.spawn(move || shared.run_spare()).is_ok() {
            state.spares += 1;
            state.started += 1;
        }
    }

    /// A spare's life: it ends as soon as there is nothing to do.
    fn run_spare(self: &Arc<Self>) {
        CURRENT
            .with(|slot| slot.replace(Some(Current { pool: Arc::downgrade(self), deque: None })));
        loop {
            while let Some(job) = self.steal(Injector::steal, Stealer::steal) {
                let (_, rest) = job.run_some(AT_A_STRETCH);
                if let Some(job) = rest {
                    self.injector.push(job);
                }
                let state = lock(&self.state);
                if state.spares > state.blocked {
                    break;
                }
            }
            let mut state = lock(&self.state);
            if self.has_work() && state.spares <= state.blocked {
                continue;
            }
            state.spares -= 1;
            self.ended.notify_all();
            if self.has_work() {
                // What is left of its last job; the workers may all have gone to sleep meanwhile.
                self.wake_worker(state);
            }
            return;
        }
    }

    /// The next job, after sleep if need be; `None` when the pool closes and nothing is left.
    fn next_job(self: &Arc<Self>, deque: &Worker<Job>) -> Option<Job> {
        loop {
            if let Some(job) = self.find_job(deque).or_else(|| self.search(deque)) {
                // Whoever submitted the others may have left them to a worker that searched, and
                // that one may have looked for them while they were on their way to this deque.
                if self.has_work() {
                    self.wake_worker(lock(&self.state));
                }
                return Some(job);
            }
            let mut state = lock(&self.state);
            if self.has_work() && !self.is_crowded(&state) {
                continue;
            }
            if state.closing {
                return None;
            }
            state.sleeping += 1;
            while state.signals == 0 && !state.closing {
                state = wait(&self.work, state);
            }
            state.sleeping -= 1;
            state.signals = state.signals.saturating_sub(1);
        }
    }

    /// Looks for a job for a moment, and lets other threads have the processor meanwhile.
    fn search(&self, deque: &Worker<Job>) -> Option<Job> {
        lock(&self.state).searching += 1;
        let job = (0..SEARCHES).find_map(|_| {
            thread::yield_now();
            self.find_job(deque)
        });
        let mut state = lock(&self.state);
        state.searching -= 1;
        if job.is_some() && self.is_crowded(&state) {
            // A visitor has its place, and wakes somebody when it goes.
            self.put_back(job, deque);
            return None;
        }
        job
    }

    /// Leaves jobs to others.
    fn put_back(&self, job: Option<Job>, deque: &Worker<Job>) {
        for job in job.into_iter().chain(std::iter::from_fn(|| deque.pop())) {
            self.injector.push(job);
        }
    }

    fn find_job(&self, deque: &Worker<Job>) -> Option<Job> {
        deque.pop().or_else(|| {
            self.steal(
                |injector| injector.steal_batch_and_pop(deque),
                |other| other.steal_batch_and_pop(deque),
            )
        })
    }

    /// Takes a job from the injector or, failing that, from a worker.
    fn steal(
        &self,
        from_injector: impl Fn(&Injector<Job>) -> Steal<Job>,
        from_worker: impl Fn(&Stealer<Job>) -> Steal<Job>,
    ) -> Option<Job> {
        loop {
            let mut again = false;
            let attempts = std::iter::once_with(|| from_injector(&self.injector))
                .chain(self.stealers.iter().map(&from_worker));
            for attempt in attempts {
                match attempt {
                    Steal::Success(job) => return Some(job),
                    Steal::Retry => again = true,
                    Steal::Empty => {}
                }
            }
            if !again {
                return None;
            }
        }
    }
}
