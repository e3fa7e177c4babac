//! What a recorded run has beside others.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use super::open_timers::OpenTimers;
use super::shared::Shared;
use super::timer::Timer;
use super::writer::{Entry, RecordedRun, Then, Writer};
use crate::error::StoreError;
use crate::journal::{Body, Change, Record, RecordKind, Timestamp};
use crate::run::{Notification, Run, Task};
use crate::sync::{Mutex, lock};

/// The part of a run that writes it down.
pub(super) struct RunJournal {
    pub(super) writer: Arc<Writer>,
    pub(super) key: Arc<str>,
    /// The number of the last record. It changes under the lock of the writer's queue alone.
    last: AtomicU64,
    /// Records that the run was not told yet.
    in_flight: AtomicU64,
    /// Keeps what is appended and what is posted of the run in one order.
    order: Mutex<()>,
    /// For tasks whose policy bounds the time of all attempts: the times that were recorded, in the
    /// order of their records.
    elapsed: Mutex<HashMap<Task, VecDeque<Duration>>>,
    /// Nothing more is started of the run, which is to be left when nothing runs any more.
    draining: AtomicBool,
    open_timers: OpenTimers,
    /// The steps and items whose answers the run was not told yet.
    resolving: Mutex<BTreeSet<(u32, Option<u64>)>>,
    /// The run is left for somebody to resume.
    released: AtomicBool,
    /// Nothing more is written of the run. It changes under the lock of the writer's queue alone.
    sealed: AtomicBool,
    /// When the run began.
    began_at: Timestamp,
    /// When the run was over, if it was when it was brought back.
    ended_at: Option<Timestamp>,
    /// The run as its records left it, until its driver takes it.
    resumed: Mutex<Option<Box<Run>>>,
    failed: Mutex<Option<StoreError>>,
}

impl RunJournal {
    /// That of a run without records, or without those that it has: see
    /// [`go_on_after`](Self::go_on_after).
    pub(super) fn new(
        writer: Arc<Writer>,
        timer: &Arc<Timer>,
        key: Arc<str>,
        began_at: Timestamp,
        ended_at: Option<Timestamp>,
    ) -> Self {
        Self {
            writer,
            key,
            last: AtomicU64::new(0),
            in_flight: AtomicU64::new(0),
            order: Mutex::new(()),
            elapsed: Mutex::default(),
            draining: AtomicBool::new(false),
            open_timers: OpenTimers::new(timer),
            resolving: Mutex::default(),
            released: AtomicBool::new(false),
            sealed: AtomicBool::new(ended_at.is_some()),
            began_at,
            ended_at,
            resumed: Mutex::new(None),
            failed: Mutex::new(None),
        }
    }

    /// The run goes on after so many records, from where they left it.
    pub(super) fn go_on_after(&self, records: u64, run: Box<Run>) {
        self.last.store(records, Ordering::Relaxed);
        *lock(&self.resumed) = Some(run);
    }

    /// How many records the run has.
    pub(super) fn records(&self) -> u64 {
        self.last.load(Ordering::Relaxed)
    }

    /// The run's key.
    pub(super) fn key(&self) -> &str {
        &self.key
    }

    /// Has `call` called when the time of a task is over that is pending, unless it ends before.
    pub(super) fn set_open_timer(
        &self,
        task: Task,
        at: Duration,
        call: impl FnOnce() + Send + 'static,
    ) {
        self.open_timers.set(task, at, call);
    }

    /// The task has ended.
    pub(super) fn clear_open_timer(&self, task: Task) {
        self.open_timers.clear(task);
    }

    /// Somebody says how a step or an item ended. `false` if somebody does already.
    pub(super) fn begin_resolving(&self, place: (u32, Option<u64>)) -> bool {
        lock(&self.resolving).insert(place)
    }

    /// The run was told of it, or never will be.
    pub(super) fn end_resolving(&self, place: (u32, Option<u64>)) {
        lock(&self.resolving).remove(&place);
    }

    /// The run that goes on, if it is not new.
    pub(super) fn take_resumed(&self) -> Option<Box<Run>> {
        lock(&self.resumed).take()
    }

    /// Whether the run was over when it was brought back.
    pub(super) fn had_ended(&self) -> bool {
        self.ended_at.is_some()
    }

    /// How long the run took, if it is over now.
    pub(super) fn elapsed(&self, engine: &Shared) -> Duration {
        self.ended_at.unwrap_or_else(|| engine.timestamp()).since(self.began_at)
    }

    /// Whether something is recorded that the run is still to be told.
    pub(super) fn is_in_flight(&self) -> bool {
        self.in_flight.load(Ordering::Acquire) > 0 && !self.is_released()
    }

    /// The run is over, if it has been told of everything that was recorded: nothing more is
    /// written of it then.
    pub(super) fn seal_if_settled(&self) -> bool {
        self.writer.between_appends(|| {
            let settled = !self.is_in_flight();
            self.sealed.fetch_or(settled, Ordering::AcqRel);
            settled
        })
    }

    /// Puts a record into the writer's queue; the run is told of it when it is safe. Of a run that
    /// is over nothing is written.
    ///
    /// # Errors
    ///
    /// If the store has failed; then the notification is dropped.
    pub(super) fn record(
        &self,
        run: Arc<dyn RecordedRun>,
        at: Timestamp,
        body: Body,
        notification: Notification,
        elapsed: Option<Duration>,
    ) -> Result<(), StoreError> {
        let task = notification.task();
        // What is not taken is dropped outside of the lock: its Drop is user code.
        let mut notification = Some(notification);
        let _order = lock(&self.order);
        self.writer.append(|| {
            if self.is_sealed() {
                return None;
            }
            if let (Some(task), Some(elapsed)) = (task, elapsed) {
                lock(&self.elapsed).entry(task).or_default().push_back(elapsed);
            }
            self.in_flight.fetch_add(1, Ordering::AcqRel);
            let then = Then::Tell(run, notification.take()?);
            Some(Entry::new(self.next(at, body, task), then))
        })?;
        Ok(())
    }

    /// The same of a task whose outcome is not recorded: if nothing before it is on its way, the
    /// run is told at once, and the record goes along with the next one that somebody waits for.
    pub(super) fn record_computed(
        &self,
        run: &Arc<dyn RecordedRun>,
        at: Timestamp,
        task: Task,
        notification: Notification,
    ) -> Result<(), StoreError> {
        let body = Body { kind: RecordKind::Computed, json: String::new() };
        let mut notification = Some(notification);
        let _order = lock(&self.order);
        self.writer.append(|| {
            if self.is_sealed() {
                return None;
            }
            let is_first = self.in_flight.fetch_add(1, Ordering::AcqRel) == 0;
            let then = match notification.take_if(|_| !is_first) {
                Some(notification) => Then::Tell(Arc::clone(run), notification),
                None => Then::Nothing,
            };
            Some(Entry::new(self.next(at, body, Some(task)), then))
        })?;
        if !self.is_sealed()
            && let Some(notification) = notification
        {
            run.post(notification);
        }
        Ok(())
    }

    /// Puts the `traceparent` of the run into the writer's queue, before all other records.
    ///
    /// # Errors
    ///
    /// If the store has failed.
    pub(super) fn record_trace(
        &self,
        at: Timestamp,
        traceparent: String,
    ) -> Result<(), StoreError> {
        let body = Body { kind: RecordKind::Traced, json: traceparent };
        let entry = || Some(Entry::new(self.next(at, body, None), Then::Nothing));
        self.writer.append(entry).map(drop)
    }

    fn next(&self, at: Timestamp, body: Body, task: Option<Task>) -> Change {
        let record = Record {
            seq: self.last.fetch_add(1, Ordering::Relaxed) + 1,
            at,
            kind: body.kind,
            step: task.map(|task| task.step),
            attempt: task.map_or(0, |task| task.attempt),
            item: task.and_then(|task| task.item),
            body: body.json,
        };
        Change::Record { key: Arc::clone(&self.key), record }
    }

    /// A record is safe, and the run will be told before anything else.
    pub(super) fn posted(&self) {
        self.in_flight.fetch_sub(1, Ordering::AcqRel);
    }

    /// The time since the task's first attempt began, as it was recorded.
    pub(super) fn take_elapsed(&self, task: Task) -> Option<Duration> {
        let mut elapsed = lock(&self.elapsed);
        let times = elapsed.get_mut(&task)?;
        let first = times.pop_front();
        if times.is_empty() {
            elapsed.remove(&task);
        }
        first
    }

    /// Leaves the run as it is recorded. Says whether it was neither left nor over before.
    pub(super) fn release(&self) -> bool {
        let was_sealed = self.writer.between_appends(|| {
            let was_sealed = self.sealed.swap(true, Ordering::AcqRel);
            self.released.fetch_or(!was_sealed, Ordering::AcqRel);
            was_sealed
        });
        !was_sealed
    }

    /// Has nothing more started of the run.
    pub(super) fn drain(&self) {
        self.draining.store(true, Ordering::Release);
    }

    pub(super) fn is_draining(&self) -> bool {
        self.draining.load(Ordering::Acquire)
    }

    fn is_sealed(&self) -> bool {
        self.sealed.load(Ordering::Acquire)
    }

    pub(super) fn is_released(&self) -> bool {
        self.released.load(Ordering::Acquire)
    }

    /// The store has failed. Says whether that is news.
    pub(super) fn fail(&self, why: &StoreError) -> bool {
        lock(&self.failed).get_or_insert_with(|| why.clone());
        self.release()
    }

    /// Why the run could not be written any further.
    pub(super) fn failure(&self) -> Option<StoreError> {
        lock(&self.failed).clone()
    }
}

impl Shared {
    /// The time by the wall clock.
    pub(super) fn timestamp(&self) -> Timestamp {
        Timestamp::since_epoch(self.clock.wall_time())
    }
}
