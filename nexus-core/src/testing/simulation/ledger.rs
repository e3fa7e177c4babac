//! What has happened to a run, as its store and its bodies saw it; and whether that is allowed.
//!
//! It knows the plan and the arithmetic of retry policies, and nothing of the run core.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use super::order::{self, Progress};
use crate::context::{Names, RunId};
use crate::failure::{Exception, ExceptionKind};
use crate::hash::Fnv128;
use crate::journal::{Change, Record, RecordKind, Timestamp, Told};
use crate::outcome::{BypassKind, TaskOutcome};
use crate::plan::Plan;
use crate::report::Status;
use crate::run::{Notification, Task};

/// A wait may be so much longer than it was meant to be, for the driver may be in a body.
const SLACK: Duration = Duration::from_secs(1);

/// So many workers may be lost of a task.
const MOST_LOST: u32 = 3;

/// What is known of a run.
pub(super) struct Ledger {
    plan: Arc<Plan>,
    id: RunId,
    /// Whether waits can be checked by the wall clock.
    pub(super) clock_is_steady: bool,
    is_started: bool,
    pub(super) ended: Option<Status>,
    records: u64,
    attempts: HashMap<Task, Attempt>,
    /// Steps that are over, by what is safe.
    done: BTreeSet<u32>,
    /// The same by what this process has seen, of steps whose outcomes are not recorded.
    done_here: BTreeSet<u32>,
    /// What has begun and has no safe end.
    open: BTreeSet<Task>,
    /// What the world outside has said before the task was pending: the wait before a retry.
    early: HashMap<(u32, Option<u64>), Option<Duration>>,
    /// The attempts that are pending.
    pending: HashMap<(u32, Option<u64>), u32>,
    newly_pending: Option<Task>,
    /// Attempts that a fault was injected into.
    faulty: HashSet<Task>,
    /// If somebody has tried the run again that was over: the first attempts of what is done again.
    again: Option<HashMap<(u32, Option<u64>), u32>>,
    /// When this process began.
    resumed_at: Timestamp,
    /// A fault was left unhandled, or somebody has ended the run.
    pub(super) is_disturbed: bool,
    pub(super) cancel: Cancel,
}

/// Who wants the run to be cancelled.
#[derive(Default)]
pub(super) struct Cancel {
    /// The engine was told, in this process.
    pub(super) is_asked: bool,
    /// When another process has left a request.
    pub(super) requested: Option<Timestamp>,
    /// The engine has taken that request.
    pub(super) is_taken: bool,
    /// A body has begun although the run was to end.
    ignored: bool,
}

#[derive(Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
struct Attempt {
    end: Option<End>,
    completed: bool,
    /// It waits for the world outside.
    pending: bool,
    timed_out: bool,
    woken: bool,
    lost: u32,
    /// Whether the bypass check has said that the body is to run.
    answer: Option<bool>,
}

/// The first end of an attempt, which counts.
struct End {
    at: Timestamp,
    /// When it was safe.
    safe: Timestamp,
    /// The wait before the next attempt, if there is to be one.
    retry: Option<Duration>,
}

impl Ledger {
    pub(super) fn new(plan: Arc<Plan>, id: RunId, at: Timestamp) -> Self {
        Self {
            plan,
            id,
            clock_is_steady: true,
            is_started: false,
            ended: None,
            records: 0,
            attempts: HashMap::new(),
            done: BTreeSet::new(),
            done_here: BTreeSet::new(),
            open: BTreeSet::new(),
            early: HashMap::new(),
            pending: HashMap::new(),
            newly_pending: None,
            faulty: HashSet::new(),
            again: None,
            resumed_at: at,
            is_disturbed: false,
            cancel: Cancel::default(),
        }
    }

    pub(super) fn is_started(&self) -> bool {
        self.is_started
    }

    /// The process is dead, and another one goes on.
    pub(super) fn process_died(&mut self) {
        self.open.clear();
        self.done_here.clear();
        // Nobody was promised that what was only asked for happens.
        (self.cancel.is_asked, self.cancel.ignored) = (false, false);
        if self.cancel.is_taken {
            self.cancel.requested = None;
        }
    }

    pub(super) fn process_began(&mut self, at: Timestamp) {
        self.resumed_at = at;
    }

    /// A fault is to strike this attempt.
    pub(super) fn fault(&mut self, task: Task) {
        self.faulty.insert(task);
    }

    /// How many workers were lost of the task so far.
    pub(super) fn lost(&self, task: Task) -> u32 {
        let of = |attempt| self.attempts.get(&Task { attempt, ..task }).map_or(0, |it| it.lost);
        (self.before(task) + 1..=task.attempt).map(of).sum()
    }

    /// How many attempts there were before the run was tried again, which its policy does not count.
    fn before(&self, task: Task) -> u32 {
        let first = self.again.as_ref().and_then(|first| first.get(&(task.step, task.item)));
        first.map_or(0, |first| first.saturating_sub(1))
    }

    /// Which attempt it is as its policy counts.
    pub(super) fn number(&self, task: Task) -> u32 {
        task.attempt.saturating_sub(self.before(task))
    }

    /// Somebody tries the run again: what has ended stays so, until it is done again.
    fn goes_on_again(&mut self) {
        self.attempts.retain(|_, attempt| attempt.end.is_some());
        self.open.clear();
        self.early.clear();
        self.pending.clear();
        self.faulty.clear();
        (self.ended, self.is_disturbed, self.cancel) = (None, true, Cancel::default());
        self.again = Some(HashMap::new());
    }

    /// A task is begun; of a run that is tried again, perhaps for the first time since.
    fn enters(&mut self, task: Task) {
        if let Some(first) = &mut self.again {
            first.entry((task.step, task.item)).or_insert_with(|| {
                self.done.remove(&task.step);
                task.attempt
            });
        }
    }

    fn name(&self, task: Task) -> String {
        let path = self.plan.step_path(task.step);
        let item = task.item.map(|item| format!(", item {item}")).unwrap_or_default();
        format!("attempt {} of `{path}`{item}", task.attempt)
    }

    /// A task that is pending since the last record.
    pub(super) fn take_pending(&mut self) -> Option<Task> {
        self.newly_pending.take()
    }

    pub(super) fn is_pending(&self, task: Task) -> bool {
        self.attempts.get(&task).is_some_and(|attempt| attempt.pending && attempt.end.is_none())
    }

    /// A bypass check is about to be asked.
    pub(super) fn asks(&mut self, task: Task) -> Result<(), String> {
        let name = self.name(task);
        if self.attempts.get(&task).is_some_and(|attempt| attempt.answer.is_some()) {
            return Err(format!(
                "the bypass check of {name} is asked again after its answer was safe"
            ));
        }
        self.enters(task);
        self.may_begin(task, &name)
    }

    /// A body is about to be called.
    pub(super) fn begins(&mut self, task: Task, now: Timestamp) -> Result<(), String> {
        let name = self.name(task);
        self.enters(task);
        self.may_begin(task, &name)?;
        self.faulty.remove(&task);
        let attempt = self.attempts.entry(task).or_default();
        if attempt.end.is_some() || attempt.pending {
            return Err(format!("{name} is made again after its outcome was safe"));
        }
        let answer = attempt.answer;
        if !self.open.insert(task) {
            return Err(format!("{name} begins while it is under way"));
        }
        let options = self.plan.options_of(task.step);
        if let Some(policy) = &options.retry
            && self.number(task) > policy.max_attempts()
        {
            return Err(format!("{name} begins, but there are {} at most", policy.max_attempts()));
        }
        let under_way = self.open.iter().filter(|open| open.step == task.step).count();
        if options.each && under_way > options.window.max(1) {
            return Err(format!("{under_way} items run at once with {name}"));
        }
        if self.number(task) > 1 {
            self.check_wait(task, &name, now)?;
        } else if self.plan.event_of(task.step).def.can_bypass && answer != Some(true) {
            return Err(format!("{name} begins before its bypass check has agreed"));
        }
        let requested = self.cancel.requested.map(|at| at.max(self.resumed_at));
        let is_late = requested.is_some_and(|at| now.since(at) > SLACK);
        self.cancel.ignored |= self.cancel.is_asked || is_late;
        Ok(())
    }

    fn may_begin(&self, task: Task, name: &str) -> Result<(), String> {
        if !self.is_started {
            return Err(format!("{name} begins before it is safe that the run does"));
        }
        if let Some(status) = self.ended {
            return Err(format!("{name} begins after the run has ended as {}", status.name()));
        }
        match order::waits_for(&self.plan, task.step, self) {
            None => Ok(()),
            Some(before) => {
                let before = self.plan.step_path(before);
                Err(format!("{name} begins before it is safe how `{before}` ended"))
            }
        }
    }

    /// A retry begins: the attempt before it has ended, and its wait is over.
    fn check_wait(&self, task: Task, name: &str, now: Timestamp) -> Result<(), String> {
        let before = Task { attempt: task.attempt - 1, ..task };
        let Some(end) = self.attempts.get(&before).and_then(|it| it.end.as_ref()) else {
            return Err(format!("{name} begins before it is safe how the one before it ended"));
        };
        let Some(wait) = end.retry else {
            return Err(format!("{name} begins, but nothing is to be tried again"));
        };
        if !wait.is_zero() && !self.attempts.get(&task).is_some_and(|attempt| attempt.woken) {
            return Err(format!("{name} begins before it is safe that its wait is over"));
        }
        if self.clock_is_steady && now.since(end.at) + Duration::from_micros(1) < wait {
            let waited = now.since(end.at);
            return Err(format!("{name} begins after a wait of {waited:?} instead of {wait:?}"));
        }
        Ok(())
    }

    /// A body has ended.
    pub(super) fn body_ended(&mut self, task: Task, outcome: &TaskOutcome) {
        let options = self.plan.options_of(task.step);
        if matches!(outcome, TaskOutcome::Success(_)) && !options.checkpoint {
            self.open.remove(&task);
            self.done_here.insert(task.step);
        }
    }

    /// A change is safe.
    pub(super) fn safe(&mut self, change: &Change, now: Timestamp) -> Result<(), String> {
        match change {
            Change::Start(_) if self.is_started => Err("the run's start is recorded twice".into()),
            Change::Start(_) => {
                self.is_started = true;
                Ok(())
            }
            Change::Record { record, .. } => self.safe_record(record, now),
            Change::Revise { record, .. } => {
                self.is_next(record)?;
                self.goes_on_again();
                Ok(())
            }
            Change::End { status, .. } => match self.ended.replace(*status) {
                Some(_) => Err("the run's end is recorded twice".into()),
                None => Ok(()),
            },
            _ => Ok(()),
        }
    }

    fn is_next(&mut self, record: &Record) -> Result<(), String> {
        self.records += 1;
        if record.seq == self.records {
            return Ok(());
        }
        Err(format!("record {} comes where {} was to come", record.seq, self.records))
    }

    fn safe_record(&mut self, record: &Record, now: Timestamp) -> Result<(), String> {
        if self.ended.is_some() {
            return Err(format!("record {} comes after the run's end", record.seq));
        }
        self.is_next(record)?;
        if record.kind == RecordKind::Halted {
            self.is_disturbed = true;
            return Ok(());
        }
        let task = record.task(&self.plan)?;
        let name = self.name(task);
        let twice = |what| Err(format!("{what} of {name} is recorded twice"));
        if record.kind == RecordKind::Computed {
            let attempt = self.attempts.entry(task).or_default();
            if std::mem::replace(&mut attempt.completed, true) {
                return twice("the end");
            }
            attempt.end.get_or_insert(End { at: record.at, safe: now, retry: None });
            self.open.remove(&task);
            self.done.insert(task.step);
            return Ok(());
        }
        let told =
            record.told(&self.plan).map_err(|why| format!("record {}: {why}", record.seq))?;
        self.safe_notification(task, told, record.at, now)
    }

    fn safe_notification(
        &mut self,
        task: Task,
        told: Told,
        at: Timestamp,
        now: Timestamp,
    ) -> Result<(), String> {
        let name = self.name(task);
        let twice = |what| Err(format!("{what} of {name} is recorded twice"));
        let attempt = self.attempts.entry(task).or_default();
        match told.notification {
            Notification::Completed { outcome: TaskOutcome::Exception(exception), .. }
                if exception.kind() == ExceptionKind::WorkerLost =>
            {
                // One that comes too late counts for nothing.
                if attempt.end.is_none() {
                    attempt.lost += 1;
                    self.open.remove(&task);
                    if self.lost(task) >= MOST_LOST {
                        self.is_disturbed = true;
                        self.ends(task, at, now, None);
                    }
                }
            }
            Notification::Completed { outcome: TaskOutcome::Pending, .. } => {
                if std::mem::replace(&mut attempt.pending, true) {
                    return twice("that it is pending");
                }
                // One that comes too late waits for nothing.
                if attempt.end.is_none() {
                    self.waits(task, at, now);
                }
            }
            Notification::Completed { outcome, .. } => {
                if std::mem::replace(&mut attempt.completed, true) {
                    return twice("the outcome");
                }
                let retry = match &outcome {
                    TaskOutcome::Exception(why) => self.retry(task, why, told.elapsed),
                    _ => None,
                };
                self.ends(task, at, now, retry);
            }
            Notification::Resolved { outcome, .. } => {
                self.is_answered(task, &outcome, told.elapsed, at, now);
            }
            Notification::TimedOut(_) => {
                if std::mem::replace(&mut attempt.timed_out, true) {
                    return twice("the timeout");
                }
                let limit = self.plan.options_of(task.step).timeout.unwrap_or_default();
                let retry = self.retry(task, &Exception::timeout(limit), told.elapsed);
                // Bodies are in time, unless they are made not to be; but the world outside is not.
                self.is_disturbed |= retry.is_none();
                self.ends(task, at, now, retry);
            }
            Notification::Checked { answer, .. } => {
                let runs = matches!(answer, Ok(ref bypass) if matches!(bypass.0, BypassKind::No));
                if attempt.answer.replace(runs).is_some() {
                    return twice("the answer of the bypass check");
                }
                if !runs {
                    self.done.insert(task.step);
                }
            }
            Notification::Woken(_) => {
                if std::mem::replace(&mut attempt.woken, true) {
                    return twice("the end of the wait");
                }
                self.check_woken(task, &name, at)?;
            }
            Notification::Halted(_) | Notification::Waits(..) | Notification::Look(_) => {}
        }
        Ok(())
    }

    /// An attempt waits for the world outside, which may have answered before.
    fn waits(&mut self, task: Task, at: Timestamp, now: Timestamp) {
        self.open.remove(&task);
        let place = (task.step, task.item);
        if let Some(retry) = self.early.remove(&place) {
            self.ends(task, at, now, retry);
        } else {
            self.pending.insert(place, task.attempt);
            self.newly_pending = Some(task);
        }
    }

    /// The world outside answers for whichever attempt is pending, or will be.
    fn is_answered(
        &mut self,
        task: Task,
        outcome: &TaskOutcome,
        elapsed: Duration,
        at: Timestamp,
        now: Timestamp,
    ) {
        let place = (task.step, task.item);
        let open = self.pending.get(&place).map(|attempt| Task { attempt: *attempt, ..task });
        let retry = match outcome {
            TaskOutcome::Exception(why) => self.retry(open.unwrap_or(task), why, elapsed),
            _ => None,
        };
        match open {
            Some(open) => self.ends(open, at, now, retry),
            None => _ = self.early.insert(place, retry),
        }
    }

    /// An attempt has ended, unless it had before.
    fn ends(&mut self, task: Task, at: Timestamp, safe: Timestamp, retry: Option<Duration>) {
        self.open.remove(&task);
        let attempt = self.attempts.entry(task).or_default();
        if attempt.end.is_some() {
            return;
        }
        attempt.end = Some(End { at, safe, retry });
        self.pending.remove(&(task.step, task.item));
        if retry.is_none() {
            self.is_disturbed |= self.faulty.contains(&task);
            self.done.insert(task.step);
            self.early.remove(&(task.step, task.item));
        }
    }

    /// A wait was neither shorter nor longer than it was to be.
    fn check_woken(&self, task: Task, name: &str, at: Timestamp) -> Result<(), String> {
        let before = Task { attempt: task.attempt.saturating_sub(1), ..task };
        let end = self.attempts.get(&before).and_then(|attempt| attempt.end.as_ref());
        let Some((end, wait)) = end.and_then(|end| Some((end, end.retry?))) else {
            return Err(format!("a wait before {name} is over, but there was none"));
        };
        let waited = at.since(end.at);
        // Told when it was safe, or brought back later: then only what is left of the wait goes on.
        let began = if end.safe < self.resumed_at { end.at } else { end.safe };
        let latest = began.plus(wait).max(self.resumed_at);
        if self.clock_is_steady
            && (waited + Duration::from_micros(1) < wait || at.since(latest) > SLACK)
        {
            return Err(format!("the wait before {name} took {waited:?} instead of {wait:?}"));
        }
        Ok(())
    }

    /// The wait before the next attempt, if there is to be one (R7, D1).
    fn retry(&self, task: Task, exception: &Exception, elapsed: Duration) -> Option<Duration> {
        if matches!(exception.kind(), ExceptionKind::Edge | ExceptionKind::Poisoned) {
            return None;
        }
        let policy = self.plan.options_of(task.step).retry.as_ref()?;
        policy.next_wait(exception, self.number(task), elapsed, || {
            let mut seed = Fnv128::new();
            seed.write(&(self.id.0 as u64).to_be_bytes());
            seed.write(&task.step.to_be_bytes());
            seed.write(&task.item.unwrap_or(u64::MAX).to_be_bytes());
            seed.write(&task.attempt.to_be_bytes());
            seed.0 as u64
        })
    }

    /// The run's handle says that it is over; it may have ended early before somebody cancelled it.
    pub(super) fn over(&self, status: Status, ended_early: bool) -> Result<(), String> {
        match self.ended {
            None => return Err("the run is over before that is safe".into()),
            Some(ended) if ended != status => {
                let (said, safe) = (status.name(), ended.name());
                return Err(format!("the run ended as {said}, and is recorded as {safe}"));
            }
            Some(_) => {}
        }
        let is_told = matches!(status, Status::Cancelled | Status::TimedOut) || ended_early;
        if self.cancel.ignored && !is_told {
            return Err(format!("the run was cancelled, went on, and ended as {}", status.name()));
        }
        Ok(())
    }
}

impl Progress for Ledger {
    fn is_done(&self, step: u32) -> bool {
        self.done.contains(&step) || self.done_here.contains(&step)
    }

    fn open(&self, steps: Range<u32>) -> Option<u32> {
        let from = |step| Task { step, attempt: 0, item: None };
        self.open.range(from(steps.start)..from(steps.end)).next().map(|task| task.step)
    }
}
