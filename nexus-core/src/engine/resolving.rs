//! Saying of a run under way how a task ended that is pending.

use std::fmt::Write as _;
use std::sync::Arc;
use std::sync::mpsc;

use super::active::ActiveRun;
use super::mailbox::{Delivery, Outbox};
use super::recorded::RunJournal;
use super::work::Notification;
use super::writer::RecordedRun;
use crate::address::StepAddress;
use crate::context::Names;
use crate::error::{Error, Result};
use crate::executor::while_blocked;
use crate::journal::{Answer, Body};
use crate::outcome::TaskOutcome;
use crate::plan::Plan;
use crate::run::{EndedBefore, Look, Reply, Run, Standing, Task};
use crate::wire::VALUE_LIMIT;

/// So many pending steps are listed in an error.
const LISTED: usize = 8;

/// The task of a run that an address names, if it can be resolved: it is pending, or under way, so
/// that it may still say so.
///
/// # Errors
///
/// If there is no such task, or it is neither.
pub(super) fn task_at(plan: &Plan, run: &Run, key: &str, address: &StepAddress) -> Result<Task> {
    let refuse = |why: &str| {
        let pending = pending_steps(plan, run);
        Err(refused(key, address, &format!("{why}; {pending}")))
    };
    let step = match step_at(plan, address.path()) {
        Ok(step) => step,
        Err(why) => return refuse(&why),
    };
    let item = address.item();
    match (plan.options_of(step).each, item) {
        (true, None) => {
            let example = StepAddress::new(address.path(), Some(0));
            return refuse(&format!("runs once for each item; name one, as in `{example}`"));
        }
        (false, Some(_)) => return refuse("has no items; name the step alone"),
        _ => {}
    }
    match run.standing(step, item) {
        Standing::Open(task) => Ok(task),
        // The world outside is faster than the disk, or than the body. Attempts count from 1.
        Standing::UnderWay => Ok(Task { step, attempt: 0, item }),
        Standing::NotBegun => refuse("is not pending: it has not begun"),
        Standing::Answered => refuse("is resolved already"),
        Standing::Ended => refuse("is not pending: it has ended"),
    }
}

fn refused(key: &str, address: &StepAddress, why: &str) -> Error {
    Error::Durable(format!("`{address}` of the run `{key}` {why}"))
}

/// The step of a plan with this path.
///
/// # Errors
///
/// If there is none: what to say of the path.
pub(crate) fn step_at(plan: &Plan, path: &str) -> Result<u32, String> {
    if let Some(step) = plan.step_paths().position(|known| known == path) {
        return Ok(step as u32);
    }
    let paths: Vec<String> = plan.step_paths().collect();
    let near = nexus_pointy::suggest::nearest(path, paths.iter().map(String::as_str));
    let hint = near.map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
    Err(format!("is no step of it{hint}"))
}

fn pending_steps(plan: &Plan, run: &Run) -> String {
    let mut open = run.open_tasks().peekable();
    if open.peek().is_none() {
        return "nothing of the run is pending".to_owned();
    }
    let mut text = "pending:".to_owned();
    for (nth, task) in open.by_ref().take(LISTED).enumerate() {
        let comma = if nth > 0 { "," } else { "" };
        let _ =
            write!(text, "{comma} `{}`", StepAddress::new(plan.step_path(task.step), task.item));
    }
    match open.count() {
        0 => text,
        more => format!("{text} and {more} more"),
    }
}

impl ActiveRun {
    /// Tells the run how a task ended that is pending.
    pub(super) fn apply_answer(
        self: &Arc<Self>,
        run: &mut Run,
        task: Task,
        outcome: TaskOutcome,
        reply: Option<Reply>,
    ) {
        let elapsed = self.elapsed(task);
        if let Some(journal) = &self.journal {
            journal.clear_open_timer(task);
        }
        let told = self.complete_open(run, task, outcome, elapsed);
        if let Some(journal) = &self.journal {
            journal.end_resolving((task.step, task.item));
        }
        if let Some(reply) = reply {
            reply(told);
        }
    }

    /// Has whoever holds the run call `look`, which is dropped instead if the run is over.
    pub(super) fn have_looked_at(self: &Arc<Self>, look: Look) {
        let mut told = vec![Notification::Look(look)];
        match self.mailbox.deliver(&mut told, None) {
            Delivery::Acquired(run) => {
                self.go_on(run, &mut told, None, &mut Outbox::default());
            }
            Delivery::Left(_) => {}
            Delivery::Late(_) => told.into_iter().for_each(Notification::discard),
        }
    }

    /// Says how a task ended that is pending, and waits until that is safe and the run was told.
    /// `None` if the run is over, or is being left.
    pub(super) fn resolve_task(
        self: &Arc<Self>,
        journal: &RunJournal,
        address: &StepAddress,
        answer: Answer<'_>,
    ) -> Option<Result<()>> {
        let (run, named) = (Arc::clone(self), address.clone());
        let look = move |core: &Run| {
            let journal = run.journal.as_ref()?;
            let task = match task_at(&run.plan, core, &journal.key, &named) {
                Ok(task) => task,
                Err(why) => return Some(Err(why)),
            };
            // Here nobody can tell the run meanwhile of another answer.
            let is_first = journal.begin_resolving((task.step, task.item));
            Some(
                is_first
                    .then_some(task)
                    .ok_or_else(|| refused(&journal.key, &named, "is resolved already")),
            )
        };
        let task = match ask(|look| self.have_looked_at(look), look)?? {
            Ok(task) => task,
            Err(why) => return Some(Err(why)),
        };
        let (key, place) = (&journal.key, (task.step, task.item));
        let outcome = match answer.outcome(&self.plan, task.step) {
            Ok(outcome) => outcome,
            Err(why) => {
                journal.end_resolving(place);
                return Some(Err(Error::Durable(why)));
            }
        };
        let (send, receive) = mpsc::channel();
        let reply = Box::new(move |told| _ = send.send(told));
        let notification = Notification::Resolved { task, outcome, reply: Some(reply) };
        let bounded = self.is_bounded(task).then(|| self.measured_elapsed(task));
        let body = Body::of(&self.plan, &notification, bounded.unwrap_or_default(), VALUE_LIMIT);
        let run: Arc<dyn RecordedRun> = Arc::<Self>::clone(self);
        let written = match body {
            Ok(body) => {
                let at = self.engine.timestamp();
                journal.record(run, at, body, notification, bounded).map_err(Error::Store)
            }
            Err(exception) => Err(Error::Durable(exception.to_string())),
        };
        if let Err(why) = written {
            journal.end_resolving(place);
            return Some(Err(why));
        }
        journal.writer.commit_now();
        match while_blocked(|| receive.recv()) {
            Ok(Ok(())) => Some(Ok(())),
            Ok(Err(EndedBefore)) => {
                Some(Err(refused(key, address, "is not pending: it has ended meanwhile")))
            }
            Err(mpsc::RecvError) => journal.failure().map(|why| Err(Error::Store(why))),
        }
    }
}

/// What `look` says of a run; `None` if it is over.
pub(super) fn ask<T: Send + 'static>(
    have_looked_at: impl FnOnce(Look),
    look: impl FnOnce(&Run) -> T + Send + 'static,
) -> Option<T> {
    let (send, receive) = mpsc::channel();
    have_looked_at(Box::new(move |run| _ = send.send(look(run))));
    while_blocked(|| receive.recv()).ok()
}
