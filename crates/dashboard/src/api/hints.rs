//! What somebody who knows nexus would say at first sight: of a run, of a pool, of a schedule. Each hint
//! is computed here, from what the API shows beside it.

use std::time::Duration;

use nexus_core::journal::{AttemptEnd, History, RunState, StepHistory, Timestamp};
use serde::Serialize;

use crate::activity::Activity;
use crate::live_pools::{Abandoned, Load, Queued};
use crate::schedules::ScheduleLine;

/// So many attempts of one step in vain are a retry storm.
const STORM: u64 = 10;
/// An input or a value that is longer than this, in bytes, is better kept elsewhere.
const LARGE: usize = 1024 * 1024;
/// Whoever is to resolve a step may have forgotten it after so long.
const FORGOTTEN: Duration = Duration::from_hours(24);
/// Attempts that run for so long are worth a look.
const LONG: Duration = Duration::from_mins(10);
/// Attempts that wait for a worker for so long are.
const STARVED: Duration = Duration::from_secs(10);
/// A body that runs for so long after nobody waits for it does not look whether anybody does.
const DEAF: Duration = Duration::from_secs(5);
/// A firing that is due for so long is overdue: a scheduler looks four times a second.
const OVERDUE: Duration = Duration::from_mins(1);
const MOST: usize = 20;

/// Something to look at.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(super) struct Hint {
    /// Which kind of thing it is, for programs.
    kind: &'static str,
    step: Option<String>,
    text: String,
}

impl Hint {
    fn new(kind: &'static str, text: impl Into<String>) -> Self {
        Self { kind, step: None, text: text.into() }
    }

    fn at(self, step: &str) -> Self {
        Self { step: Some(step.to_owned()), ..self }
    }
}

/// What is known of a run.
#[derive(Clone, Copy)]
pub(super) struct Facts<'a> {
    pub(super) history: &'a History,
    /// What this process knows, if it is told what happens.
    pub(super) is_observed: bool,
    pub(super) activity: &'a [Activity],
    pub(super) queued: &'a [Queued],
    pub(super) abandoned: &'a [Abandoned],
    pub(super) now: Timestamp,
}

/// What there is to say of a run.
pub(super) fn of_run(facts: Facts<'_>) -> Vec<Hint> {
    let Facts { history, now, .. } = facts;
    let mut hints = Vec::new();
    hints.extend(of_its_state(facts));
    hints.extend(facts.queued.iter().filter_map(|it| starved(it, now)));
    hints.extend(facts.abandoned.iter().filter_map(|it| deaf(it, now)));
    hints.extend(facts.activity.iter().filter_map(|it| long(it, now)));
    let is_open = history.run.state == RunState::Unfinished;
    for step in &history.steps {
        hints.extend(storm(step));
        hints.extend(forgotten(step, now).filter(|_| is_open));
        hints.extend(large_value(step));
    }
    hints.truncate(MOST);
    hints
}

fn of_its_state(facts: Facts<'_>) -> Vec<Hint> {
    let Facts { history, is_observed, activity, queued, .. } = facts;
    let (run, mut hints) = (&history.run, Vec::new());
    let is_at_rest = activity.is_empty() && queued.is_empty() && !has_pending(history);
    if run.state == RunState::Unfinished && is_observed && is_at_rest {
        hints.push(Hint::new("idle", "nothing of this run is under way in this process, and nobody goes on with it, or another process does; `resume` goes on with it"));
    }
    if run.state == RunState::NeedsDecision {
        hints.push(Hint::new("decision", "it cannot go on before somebody decides: adopt goes on with the flow of today, restart begins again, abandon ends it"));
    }
    if run.start.inputs.len() > LARGE {
        let size = run.start.inputs.len() / LARGE;
        hints.push(Hint::new("large", format!("its inputs take {size} MiB in the store; keep a name of what is large, and the thing itself elsewhere")));
    }
    hints
}

/// Attempts that wait for a worker.
fn starved(queued: &Queued, now: Timestamp) -> Option<Hint> {
    let waited = now.since(queued.since);
    let Queued { attempts, workers, pool, .. } = queued;
    // An executor without workers of its own is bound by this setting alone.
    let (kind, what) = if pool.contains("max_concurrency") {
        ("blocked", format!("the {workers} places that `max_concurrency` gives"))
    } else {
        ("starved", format!("a worker of `{pool}`, which has {workers}"))
    };
    let text = format!(
        "{} for {} for {what}: raise it, or give the event a pool of its own",
        waits(*attempts),
        long_time(waited)
    );
    (waited >= STARVED).then(|| Hint::new(kind, text).at(&queued.path))
}

/// A body that runs though nobody waits for it.
fn deaf(body: &Abandoned, now: Timestamp) -> Option<Hint> {
    let since = now.since(body.since);
    let text = format!(
        "a body still runs {} after its attempt was over, because it was cancelled or took longer than its timeout: it does not look at `Context::is_cancelled`, and keeps a thread",
        long_time(since)
    );
    (since >= DEAF).then(|| Hint::new("deaf", text).at(&body.path))
}

/// An attempt that runs for long.
fn long(task: &Activity, now: Timestamp) -> Option<Hint> {
    let ran = now.since(task.since);
    let text =
        format!("an attempt runs for {}; if it hangs, a `timeout` would end it", long_time(ran));
    (task.until.is_none() && ran > LONG).then(|| Hint::new("long", text).at(&task.path))
}

/// A step that is tried again and again.
fn storm(step: &StepHistory) -> Option<Hint> {
    let in_vain = step.attempts.iter().filter(|it| {
        !it.ended.is_success() && it.ended != AttemptEnd::Pending && it.item.is_none()
    });
    let failed = in_vain.count() as u64;
    let text = format!(
        "{failed} attempts in vain: its retry policy may be too patient, or what it calls is down"
    );
    (failed >= STORM).then(|| Hint::new("retries", text).at(&step.path))
}

/// A step that waits for somebody outside, who may not know.
fn forgotten(step: &StepHistory, now: Timestamp) -> Option<Hint> {
    let open = step.attempts.iter().find(|it| it.ended == AttemptEnd::Pending)?;
    let text = "it has waited for the world outside for more than a day, and has no timeout that would end it before";
    (now.since(open.span.to) > FORGOTTEN).then(|| Hint::new("forgotten", text).at(&step.path))
}

fn large_value(step: &StepHistory) -> Option<Hint> {
    let text = "what it yielded takes more than 1 MiB in the store; keep a name of it, and the thing itself elsewhere";
    let value = step.value.as_ref()?;
    is_large(value, LARGE).then(|| Hint::new("large", text).at(&step.path))
}

/// What there is to say of a pool.
pub(super) fn of_pool(name: &str, load: &Load, now: Timestamp) -> Vec<Hint> {
    let mut hints = Vec::new();
    let waited = load.queued_since.map(|since| now.since(since)).unwrap_or_default();
    if waited >= STARVED {
        let (count, time) = (waits(load.queued), long_time(waited));
        hints.push(Hint::new("starved", format!("{count} for a worker of `{name}`, and some have for {time}: raise its limit, or move what takes long to a pool of its own")));
    }
    if load.abandoned > 0 {
        let count = load.abandoned;
        hints.push(Hint::new("deaf", format!("bodies that nobody waits for any more keep {count} of its threads: they do not look at `Context::is_cancelled`")));
    }
    if load.lost >= STORM {
        let lost = load.lost;
        hints.push(Hint::new("lost", format!("{lost} workers have died under an attempt since the program began: an event may crash, or need more memory than there is")));
    }
    hints
}

/// What there is to say of a schedule.
pub(super) fn of_schedule(line: &ScheduleLine, now: Timestamp) -> Vec<Hint> {
    let late = line.due.filter(|_| !line.paused).map(|due| now.since(due));
    let text = |late| {
        format!(
            "a firing is due for {} and has not begun: no scheduler is running, or it waits for the run before it",
            long_time(late)
        )
    };
    late.filter(|late| *late >= OVERDUE)
        .map(|late| Hint::new("overdue", text(late)))
        .into_iter()
        .collect()
}

fn has_pending(history: &History) -> bool {
    let mut attempts = history.steps.iter().flat_map(|step| &step.attempts);
    attempts.any(|it| it.ended == AttemptEnd::Pending)
}

fn waits(attempts: usize) -> String {
    if attempts == 1 { "1 attempt waits".to_owned() } else { format!("{attempts} attempts wait") }
}

/// A time that nobody needs in more than one unit.
fn long_time(time: Duration) -> String {
    match time.as_secs() {
        seconds @ 0..120 => format!("{seconds} s"),
        seconds @ 120..7200 => format!("{} minutes", seconds / 60),
        seconds => format!("{} hours", seconds / 3600),
    }
}

/// Whether a value is longer than this as JSON; only as much of it is looked at as that takes.
fn is_large(value: &serde_json::Value, limit: usize) -> bool {
    struct Budget(usize);
    impl std::io::Write for Budget {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0 = self.0.checked_sub(bytes.len()).ok_or(std::io::ErrorKind::FileTooLarge)?;
            Ok(bytes.len())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    serde_json::to_writer(Budget(limit), value).is_err()
}

#[cfg(test)]
#[path = "hints_tests.rs"]
mod tests;
