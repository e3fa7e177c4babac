//! What a recorded run has beside others.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use super::shared::Shared;
use super::writer::{RecordedRun, Then, Writer};
use crate::error::StoreError;
use crate::journal::{Body, Change, Record, RecordKind, Timestamp};
use crate::run::{Notification, Run, Task};
use crate::sync::{Mutex, lock};

/// How long a recorded value may be, in bytes of JSON.
pub(super) const VALUE_LIMIT: usize = 64 << 20;

/// The part of a run that writes it down.
pub(super) struct RunJournal {
    pub(super) writer: Arc<Writer>,
    pub(super) key: Arc<str>,
    /// The number of the last record. It changes under the lock of the writer's queue alone.
    last: AtomicU64,
    /// Records that the run was not told yet.
    in_flight: AtomicU64,
    /// For tasks whose policy bounds the time of all attempts: the time that was recorded.
    elapsed: Mutex<HashMap<Task, Duration>>,
    /// The run is left for somebody to resume, and nothing more is written of it.
    released: AtomicBool,
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
        key: Arc<str>,
        began_at: Timestamp,
        ended_at: Option<Timestamp>,
    ) -> Self {
        Self {
            writer,
            key,
            last: AtomicU64::new(0),
            in_flight: AtomicU64::new(0),
            elapsed: Mutex::default(),
            released: AtomicBool::new(false),
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

    /// Puts a record into the writer's queue; the run is told of it when it is safe.
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
        elapsed: Duration,
    ) -> Result<(), StoreError> {
        let task = notification.task();
        if let Some(task) = task.filter(|_| !elapsed.is_zero()) {
            lock(&self.elapsed).insert(task, elapsed);
        }
        self.writer.append(|| {
            self.in_flight.fetch_add(1, Ordering::AcqRel);
            (self.next(at, body, task), Then::Tell(run, notification))
        })
    }

    /// The same of a task whose outcome is not recorded: if nothing before it is on its way, the
    /// run is told at once, and the record goes along with the next one that somebody waits for.
    pub(super) fn record_computed(
        &self,
        run: Arc<dyn RecordedRun>,
        at: Timestamp,
        task: Task,
        notification: Notification,
    ) -> Result<(), StoreError> {
        let body = Body { kind: RecordKind::Computed, json: String::new() };
        self.writer.append(|| {
            let change = self.next(at, body, Some(task));
            if self.in_flight.fetch_add(1, Ordering::AcqRel) > 0 {
                return (change, Then::Tell(run, notification));
            }
            run.post(notification);
            (change, Then::Nothing)
        })
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
        lock(&self.elapsed).remove(&task)
    }

    /// Leaves the run as it is recorded. Says whether it was not left before.
    pub(super) fn release(&self) -> bool {
        !self.released.swap(true, Ordering::AcqRel)
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
