//! Tasks that the driving thread shares out while it does some of them itself.
//!
//! Two threads get more done than one of tasks that take longer than handing them out. So the
//! visitor of a pool (`visit.rs`) leaves some of a run's tasks in the queue, never many at a time,
//! for a worker that takes them in chunks; and does the others. Every few tasks it looks: it tells
//! the run what has ended, and fills the queue again. Where it has none left, it takes back of what
//! still waits, so that both end at the same time.

use std::sync::Arc;

use super::active::ActiveRun;
use super::lending::Held;
use super::mailbox::{Contents, Outbox};
use super::queue::{WORTH_WAKING, processors};
use super::work::{Work, WorkKind};
use crate::plan::Place;
use crate::run::Task;
use crate::sync::thread;

/// Of tasks that take less than this, in nanoseconds, a thread does more alone than two that share
/// them out: handing one out costs as much.
const SHORT: u32 = if cfg!(shuttle) { 2 } else { 300 };

/// Of those that are not shared out, so many nanoseconds are done here.
const AT_ONCE: u64 = if cfg!(shuttle) { 0 } else { WORTH_WAKING };

/// Tasks that take as long as this, in nanoseconds, are left to the pool as a whole: to hand them out
/// is little of what they cost.
const LONG: u32 = if cfg!(shuttle) { u32::MAX } else { 20_000 };

/// How much work there is between two looks.
const LOOK_NANOS: u32 = if cfg!(shuttle) { 1 } else { 16_000 };

/// Few tasks are not worth a look.
const FEWEST: u32 = if cfg!(shuttle) { 1 } else { 8 };

/// For each of the others as many tasks wait as are done here between so many looks: a worker that
/// finds none before the next one goes to sleep.
const LOOKS_AHEAD: u32 = 4;

/// For less work than this, in nanoseconds, nobody else is asked.
const WORTH_SHARING: u64 = if cfg!(shuttle) { 0 } else { 2 * WORTH_WAKING };

/// How often the visitor looks again whether others have ended something, if it has nothing to do:
/// some microseconds.
const LOOKS: usize = if cfg!(shuttle) { 1 } else { 64 };

impl ActiveRun {
    /// Whether so many tasks like this one are done here, with others or without.
    pub(super) fn is_for_here(&self, pool: u32, task: Task, count: usize) -> bool {
        let body = self.plan.steps[task.step as usize].body;
        let each = self.plan.paces[body as usize].nanos();
        each.is_some_and(|each| {
            let is_short = each < SHORT || u64::from(each) * count as u64 <= AT_ONCE;
            is_short || self.is_shared(pool, each)
        })
    }

    /// Whether the driving thread does tasks that take so long together with others.
    fn is_shared(&self, pool: u32, each: u32) -> bool {
        (SHORT..LONG).contains(&each) && self.others(pool) > 0
    }

    /// How many threads of the pool can work beside this one.
    fn others(&self, pool: u32) -> usize {
        self.pools[pool as usize].parallelism().min(processors()).saturating_sub(1)
    }

    /// Sees what others have done of the run, and leaves them more to do, or takes some back. Says after
    /// how many tasks that is to be done again.
    pub(super) fn share(self: &Arc<Self>, pool: u32, held: &mut Held) -> u32 {
        let waiting = if held.shared { self.take_what_ended(pool, held) } else { 0 };
        let mut until_look = u32::MAX;
        if let Some(each) = self.pace_of_next(pool, &held.outbox) {
            until_look = (LOOK_NANOS / each).max(FEWEST);
            let all = waiting + held.outbox.short.len();
            let worth_it = all as u64 * u64::from(each) > WORTH_SHARING;
            let others = self.others(pool);
            let ahead = (LOOKS_AHEAD * until_look) as usize * others;
            let fair = (all * others / (others + 1)).min(ahead);
            if worth_it && waiting < fair {
                self.leave_some(pool, fair - waiting, held);
            }
        }
        if held.shared && held.outbox.short.is_empty() {
            self.take_some_back(pool, held);
        }
        until_look
    }

    /// How long the next task takes, if it is to be shared out.
    fn pace_of_next(&self, pool: u32, outbox: &Outbox) -> Option<u32> {
        let task = outbox.short.front()?;
        let body = self.plan.steps[task.step as usize].body;
        let each = self.plan.paces[body as usize].nanos()?;
        self.is_shared(pool, each).then_some(each)
    }

    /// Leaves so many tasks to others.
    fn leave_some(self: &Arc<Self>, pool: u32, count: usize, held: &mut Held) {
        let Held { run, outbox, shared, ended, .. } = held;
        for _ in 0..count {
            match outbox.short.front().copied() {
                Some(task) if self.place(task.step) == Place::Pool(pool) => {
                    outbox.short.pop_front();
                    let last = outbox.pooled.last_of(pool);
                    if run.is_wanted(task)
                        && !last.is_some_and(|last| last.extend(task, &self.plan))
                    {
                        outbox.pooled.push(pool, self.work(WorkKind::Body, task, run));
                    }
                }
                _ => break,
            }
        }
        *shared = true;
        self.hand_out(run, outbox, ended);
    }

    /// Tells the run what others have ended. Says how many tasks wait for them.
    fn take_what_ended(self: &Arc<Self>, pool: u32, held: &mut Held) -> usize {
        let Held { run, outbox, ended, .. } = held;
        let mut contents = self.mailbox.lock();
        std::mem::swap(&mut contents.notifications, ended);
        let waiting = contents.queues[pool as usize].len();
        drop(contents);
        self.apply_all(run, outbox, ended);
        if run.has_requests() {
            self.advance(run, outbox, None);
        }
        waiting
    }

    /// Nothing is left here: takes some of what waits, or what follows from what others end soon.
    fn take_some_back(self: &Arc<Self>, pool: u32, held: &mut Held) {
        let may_do = |work: &Work| {
            work.token.is_none() && self.plan.steps[work.task.step as usize].hints.visited
        };
        let back = self.mailbox.lock().take_half(pool, may_do);
        for work in back {
            work.tasks().for_each(|task| held.outbox.short.push_back(task));
            work.discard();
        }
        for _ in 0..LOOKS {
            if !held.outbox.short.is_empty() || !held.outbox.is_empty() || held.run.is_finished() {
                break;
            }
            thread::yield_now();
            self.take_what_ended(pool, held);
        }
    }
}

/// What the mailbox knows of a visit.
impl Contents {
    /// The driving thread is about to do tasks of a pool. Says whether the timer is to be set that
    /// looks whether they return.
    pub(super) fn begin_visit(&mut self, pool: u32) -> bool {
        self.queues[pool as usize].visitors = 1;
        (self.visiting, self.driver_busy) = (true, true);
        self.timer_watches() || cfg!(shuttle)
    }

    /// Somebody else goes on with the run, as one of those tasks does not return.
    pub(super) fn leave_visitor(&mut self) {
        self.visiting = false;
        self.queues.iter_mut().for_each(|queue| queue.visitors = 0);
    }

    /// The driving thread does nothing of that any more.
    pub(super) fn end_visit(&mut self) {
        self.leave_visitor();
        self.driver_busy = false;
    }

    fn take_half(&mut self, pool: u32, may_do: impl Fn(&Work) -> bool) -> Vec<Work> {
        self.queues[pool as usize].take_half(may_do)
    }
}
