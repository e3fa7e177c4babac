//! What somebody who knows nexus would say of a run at first sight.

use nexus_core::journal::{AttemptEnd, History, RunState};
use serde::Serialize;

use crate::live::{Activity, now};

/// So many attempts of one step in vain are a retry storm.
const STORM: u64 = 10;
/// An input or a value that is longer than this, in bytes, is better kept elsewhere.
const LARGE: usize = 1024 * 1024;
/// Whoever is to resolve a step may have forgotten it after so many seconds.
const FORGOTTEN: u64 = 24 * 60 * 60;
/// Attempts that run for so many seconds are worth a look.
const LONG: u64 = 10 * 60;
const MOST: usize = 20;

/// Something to look at.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(super) struct Hint {
    /// Which kind of thing it is, for programs.
    kind: &'static str,
    step: Option<String>,
    text: String,
}

pub(super) fn hints(history: &History, activity: &[Activity], is_observed: bool) -> Vec<Hint> {
    let run = &history.run;
    let mut hints = Vec::new();
    let mut add = |kind, step: Option<&str>, text: String| {
        hints.push(Hint { kind, step: step.map(str::to_owned), text });
    };
    let is_open = matches!(run.state, RunState::Unfinished);
    if is_open && is_observed && activity.is_empty() && pending(history) == 0 {
        add("idle", None, "nothing of this run is under way in this process: it waits for a place in a pool, or nobody goes on with it; `resume` does".to_owned());
    }
    if run.state == RunState::NeedsDecision {
        add("decision", None, "it cannot go on before somebody decides: adopt goes on with the flow of today, restart begins again, abandon ends it".to_owned());
    }
    if run.start.inputs.len() > LARGE {
        let size = run.start.inputs.len() / LARGE;
        add(
            "large",
            None,
            format!(
                "its inputs take {size} MiB in the store; keep a name of what is large, and the thing itself elsewhere"
            ),
        );
    }
    for step in &history.steps {
        let failed = step
            .attempts
            .iter()
            .filter(|it| {
                !it.ended.is_success() && it.ended != AttemptEnd::Pending && it.item.is_none()
            })
            .count() as u64;
        if failed >= STORM {
            add(
                "retries",
                Some(&step.path),
                format!(
                    "{failed} attempts in vain: its retry policy may be too patient, or what it calls is down"
                ),
            );
        }
        let open = step.attempts.iter().find(|it| it.ended == AttemptEnd::Pending && is_open);
        if let Some(open) = open
            && now().since(open.span.to).as_secs() > FORGOTTEN
        {
            add("forgotten", Some(&step.path), "it has waited for the world outside for more than a day, and has no timeout that would end it before".to_owned());
        }
        if step.value.as_ref().is_some_and(|value| is_large(value, LARGE)) {
            add("large", Some(&step.path), "what it yielded takes more than 1 MiB in the store; keep a name of it, and the thing itself elsewhere".to_owned());
        }
    }
    for task in activity {
        let seconds = now().since(task.since).as_secs();
        if task.until.is_none() && seconds > LONG {
            add(
                "long",
                Some(&task.path),
                format!(
                    "an attempt runs for {} minutes; if it hangs, a `timeout` would end it",
                    seconds / 60
                ),
            );
        }
    }
    hints.truncate(MOST);
    hints
}

fn pending(history: &History) -> usize {
    let attempts = history.steps.iter().flat_map(|step| &step.attempts);
    attempts.filter(|it| it.ended == AttemptEnd::Pending).count()
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
