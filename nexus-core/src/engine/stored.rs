//! Runs in the store that nobody drives: the right to do something with them, and cancelling them.

use std::sync::Arc;

use super::keys::{CancelAsked, Durable};
use super::restore::{RunAtRest, Unrecorded};
use super::shared::Shared;
use super::writer::{Entry, Then};
use crate::cancel::Gone;
use crate::error::Result;
use crate::journal::{Body, Change, Record, RunQuery, RunState, StoredRun};
use crate::report::Status;
use crate::run::{CancelCause, Halt};

/// The right to run under a key, which only one run has at a time. Clones hold it together.
#[derive(Clone)]
pub(super) struct KeyGuard(Arc<Held>);

struct Held {
    engine: Arc<Shared>,
    key: Arc<str>,
}

impl KeyGuard {
    /// Takes the key, if no run has it.
    pub(super) fn try_take(engine: &Arc<Shared>, key: &Arc<str>) -> Option<Self> {
        let taken = engine.durable.as_ref()?.try_take(key);
        taken.then(|| Self::taken(engine, key))
    }

    /// The key was taken just now.
    pub(super) fn taken(engine: &Arc<Shared>, key: &Arc<str>) -> Self {
        Self(Arc::new(Held { engine: Arc::clone(engine), key: Arc::clone(key) }))
    }

    pub(super) fn key(&self) -> &Arc<str> {
        &self.0.key
    }

    pub(super) fn engine(&self) -> &Arc<Shared> {
        &self.0.engine
    }
}

impl Drop for Held {
    /// The key is free when what the run has written is safe: whoever has it next reads that.
    fn drop(&mut self) {
        let (engine, key) = (Arc::clone(&self.engine), Arc::clone(&self.key));
        let Some(durable) = &self.engine.durable else { return };
        durable.writer.after_all(move |_| {
            let Some(durable) = &engine.durable else { return };
            if let Some(cause) = durable.free(&key) {
                // This may be the thread that commits, which cannot wait for the user's code.
                let _ = cancel_stored(&engine, durable, &key, cause, Unrecorded::Refuse);
            }
        });
    }
}

/// Writes that a run is cancelled which nobody drives, and cancels those that its events have begun.
/// Says whether there is such a run, that is not over.
pub(super) fn cancel_stored(
    engine: &Arc<Shared>,
    durable: &Durable,
    key: &Arc<str>,
    cause: CancelCause,
    unrecorded: Unrecorded,
) -> Result<bool> {
    if !write_cancelled(engine, durable, key, cause, unrecorded)? {
        return Ok(false);
    }
    cancel_children(engine, durable, key, unrecorded)?;
    Ok(true)
}

/// Cancels what is not over of the runs that events of this one have begun, and of those that
/// events of these have begun.
pub(super) fn cancel_children(
    engine: &Arc<Shared>,
    durable: &Durable,
    key: &Arc<str>,
    unrecorded: Unrecorded,
) -> Result<()> {
    let mut parents = vec![Arc::clone(key)];
    while let Some(parent) = parents.pop() {
        for child in open_children(durable, &parent)? {
            let key = &child.start.key;
            match durable.ask_cancel(key, CancelCause::Parent) {
                CancelAsked::Run(run) => run.go_with_parent(Gone::Cancelled),
                CancelAsked::Noted => {}
                CancelAsked::Free => {
                    if write_cancelled(engine, durable, key, CancelCause::Parent, unrecorded)? {
                        parents.push(Arc::clone(key));
                    }
                }
            }
        }
    }
    Ok(())
}

/// The runs that events of this one have begun, and that are not over.
pub(super) fn open_children(durable: &Durable, parent: &Arc<str>) -> Result<Vec<StoredRun>> {
    let query = RunQuery::all().parent(Arc::clone(parent));
    let query = query.state(RunState::Unfinished).state(RunState::NeedsDecision);
    Ok(durable.store().runs(&query)?)
}

/// Writes that a run is cancelled which nobody drives. One that has come to its end by its records,
/// without a record of that, ends as it did.
fn write_cancelled(
    engine: &Arc<Shared>,
    durable: &Durable,
    key: &Arc<str>,
    cause: CancelCause,
    unrecorded: Unrecorded,
) -> Result<bool> {
    let Some(_guard) = KeyGuard::try_take(engine, key) else { return Ok(false) };
    let stored = durable.store().run(key)?.filter(StoredRun::is_open);
    let Some(stored) = stored else { return Ok(false) };
    let at = engine.timestamp();
    // What cannot be brought back can be cancelled for all that.
    let rest = RunAtRest::new(engine, durable, &stored, unrecorded).ok();
    let halt = match &rest {
        Some(rest) if rest.is_over() => None,
        _ => Some(Halt::Cancelled(cause)),
    };
    if halt.is_some() {
        let body = Body::of_cancel(cause);
        let record = Record {
            seq: stored.records + 1,
            at,
            kind: body.kind,
            step: None,
            attempt: 0,
            item: None,
            body: body.json,
        };
        let record = Change::Record { key: Arc::clone(key), record };
        durable.writer.append(|| Some(Entry::new(record, Then::Nothing)))?;
    }
    let status = rest.map_or(Status::Cancelled, |rest| rest.ended_by(halt));
    durable.writer.write(Change::End { key: Arc::clone(key), at, status })?;
    Ok(true)
}
