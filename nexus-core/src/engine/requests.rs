//! What other processes ask of the engine that owns their store.

use std::time::Duration;

use super::engine::{Engine, WeakEngine};
use super::retention::prune;
use crate::error::Result;
use crate::journal::{RecordKind, Request};
use crate::observe::{Observer, Signals};

/// How often the requests of other processes are looked at.
const LOOK_EVERY: Duration = Duration::from_millis(250);

/// After so many looks, runs are removed that were over long ago.
const PRUNE_EVERY: u32 = 240;

impl Engine {
    /// Has the engine look at what other processes ask of it, four times a second, for as long as
    /// it lives.
    pub(super) fn watch_requests(&self) {
        if let Some(durable) = &self.shared_state().durable
            && self.shared_state().stepped.is_none()
        {
            let (engine, mut looks, mut done) = (self.downgrade(), 0_u32, Vec::new());
            durable.requests.start(LOOK_EVERY, move || {
                look(&engine, &mut done);
                if looks.is_multiple_of(PRUNE_EVERY) {
                    prune_finished(&engine);
                }
                looks = looks.wrapping_add(1);
            });
        }
    }

    /// Looks at what other processes ask of the engine, where it has no threads.
    pub(crate) fn look_at_requests(&self) {
        look(&self.downgrade(), &mut Vec::new());
    }

    /// Does what another process asks for, and says so.
    fn handle(&self, request: &Request) {
        let done = self.try_handle(request);
        let done = done.as_ref().copied();
        let tell = |observer: &dyn Observer| observer.request_handled(request, done);
        self.shared_state().observers.each_that_wants(Signals::NONE, tell);
    }

    fn try_handle(&self, request: &Request) -> Result<()> {
        match request {
            Request::Cancel { key } => self.cancel(key).map(drop),
            Request::Adopt { key } => self.decide(key, RecordKind::Adopted),
            Request::Restart { key } => self.decide(key, RecordKind::Restarted),
            Request::Abandon { key } => self.abandon(key),
            Request::Resolve { key, step, value } => self.resolve_json(key, step, value),
            Request::Retry { key, from } => match from {
                None => self.retry(key).map(drop),
                Some(step) => self.retry_from(key, step).map(drop),
            },
            Request::Fail { key, step, message } => self.fail(key, step, message),
            // Left to what fires the schedule.
            Request::PauseSchedule { .. }
            | Request::ResumeSchedule { .. }
            | Request::FollowSchedule { .. }
            | Request::FireSchedule { .. } => Ok(()),
        }
    }
}

/// Looks for requests, and does what they ask for. What is `done` is still to be removed.
fn look(engine: &WeakEngine, done: &mut Vec<u64>) {
    // While it only looks it is no handle, so that the engine ends where its last handle goes.
    let Some(shared) = engine.shared() else { return };
    let Some(durable) = &shared.durable else { return };
    // What is asked of an engine that ends is for whoever owns the store next.
    if !shared.runs.is_open() {
        return;
    }
    // What cannot be read or removed now can be later.
    done.retain(|number| durable.store().remove_request(*number).is_err());
    for (number, request) in durable.store().requests().unwrap_or_default() {
        if done.contains(&number) || request.is_for_schedule() {
            continue;
        }
        let Some(engine) = engine.upgrade().filter(|_| shared.runs.is_open()) else { return };
        engine.handle(&request);
        if durable.store().remove_request(number).is_err() {
            done.push(number);
        }
    }
}

/// Removes the runs that need not be kept any longer.
fn prune_finished(engine: &WeakEngine) {
    let Some(engine) = engine.shared() else { return };
    let Some(durable) = &engine.durable else { return };
    if let Some(time) = durable.keep_finished {
        // What cannot be removed now can be later.
        let _ = prune(&engine, durable, time);
    }
}
