//! Who holds the run.
//!
//! A run is advanced by whoever has news of it: the thread that drives it, or a worker that has
//! finished one of its tasks. Only one of them can hold the run at a time. The others leave their
//! news in the inbox and go on with other work; the holder reads the inbox before it puts the run
//! back. The lock is held for a few instructions, never while user code runs.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::time::Duration;

use crate::outcome::{Bypass, Exception, TaskOutcome};
use crate::run::{Run, Task};
use crate::sync::{Condvar, Mutex, lock};
use crate::value::Value;

/// Something that happened to a run.
pub(super) enum News {
    Completed { task: Task, outcome: TaskOutcome, busy: Duration, at: Duration },
    Checked { step: u32, answer: Result<Bypass<Value>, Exception> },
    Woken(Task),
}

/// A piece of work: for the thread that drives the run, or for a pool.
#[derive(Debug, Clone, Copy)]
pub(super) enum Turn {
    Check(u32),
    Task(Task),
}

impl Turn {
    pub(super) fn task(self) -> Task {
        match self {
            Self::Check(step) => Task { step, attempt: 1, item: None },
            Self::Task(task) => task,
        }
    }
}

/// A wait before a retry, until a time of the engine's clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Timer {
    pub(super) at: Duration,
    /// Tells timers of the same instant apart, in the order in which they were set.
    pub(super) order: u64,
    task: TaskKey,
}

impl Timer {
    pub(super) fn task(self) -> Task {
        let (step, attempt, item) = self.task;
        Task { step, attempt, item }
    }
}

/// A task in a form that has an order.
type TaskKey = (u32, u32, Option<u64>);

pub(super) struct Slot {
    /// The run, unless somebody holds it.
    pub(super) run: Option<Box<Run>>,
    news: Vec<News>,
    pub(super) turns: VecDeque<Turn>,
    pub(super) timers: BinaryHeap<Reverse<Timer>>,
    timers_set: u64,
    /// The driving thread runs a body, and does not watch the timers.
    pub(super) away: bool,
    /// The run is over: whatever still comes is discarded.
    closed: bool,
}

/// What a holder found to be done outside of the run.
#[derive(Default)]
pub(super) struct Outbox {
    pub(super) turns: Vec<Turn>,
    pub(super) timers: Vec<(Duration, Task)>,
}

pub(super) struct Inbox {
    slot: Mutex<Slot>,
    /// The driving thread waits here.
    pub(super) changed: Condvar,
}

impl Inbox {
    /// An inbox whose run is held by the caller.
    pub(super) fn new() -> Self {
        Self {
            slot: Mutex::new(Slot {
                run: None,
                news: Vec::new(),
                turns: VecDeque::new(),
                timers: BinaryHeap::new(),
                timers_set: 0,
                away: false,
                closed: false,
            }),
            changed: Condvar::new(),
        }
    }

    pub(super) fn lock(&self) -> crate::sync::MutexGuard<'_, Slot> {
        lock(&self.slot)
    }

    /// Brings news. Whoever gets the run back must advance it; for `None` its holder will.
    pub(super) fn bring(&self, news: News) -> Option<(Box<Run>, News)> {
        let mut slot = self.lock();
        if slot.closed {
            drop(slot);
            // A result that came too late; its Drop is user code.
            crate::panic::drop_quietly(news);
            return None;
        }
        if let Some(run) = slot.run.take() {
            return Some((run, news));
        }
        slot.news.push(news);
        None
    }

    /// Puts the run back, unless there is news for it: then the caller still holds it.
    pub(super) fn put_back(
        &self,
        run: Box<Run>,
        outbox: &mut Outbox,
    ) -> Option<(Box<Run>, Vec<News>)> {
        let mut slot = self.lock();
        slot.turns.extend(outbox.turns.drain(..));
        for (at, task) in outbox.timers.drain(..) {
            slot.timers_set += 1;
            let order = slot.timers_set;
            let task = (task.step, task.attempt, task.item);
            slot.timers.push(Reverse(Timer { at, order, task }));
        }
        if !slot.news.is_empty() {
            return Some((run, std::mem::take(&mut slot.news)));
        }
        let waiting = run.is_idle() || !slot.turns.is_empty() || !slot.timers.is_empty();
        slot.run = Some(run);
        if waiting {
            self.changed.notify_one();
        }
        None
    }

    /// Ends the exchange; what is in the inbox, or still comes, is discarded.
    pub(super) fn close(mut slot: crate::sync::MutexGuard<'_, Slot>) {
        slot.closed = true;
        let late = std::mem::take(&mut slot.news);
        drop(slot);
        late.into_iter().for_each(crate::panic::drop_quietly);
    }
}
