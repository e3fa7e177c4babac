//! What other processes ask of the engine that owns their store.

use std::time::Duration;

use super::engine::{Engine, WeakEngine};
use crate::error::Result;
use crate::journal::{RecordKind, Request};

/// How often the requests of other processes are looked at.
const LOOK_EVERY: Duration = Duration::from_millis(250);

impl Engine {
    /// Has the engine look at what other processes ask of it, four times a second, for as long as
    /// it lives.
    pub(super) fn watch_requests(&self) {
        if let Some(durable) = &self.shared_state().durable {
            let engine = self.downgrade();
            durable.requests.start(LOOK_EVERY, move || look(&engine));
        }
    }

    /// Does what another process asks for.
    fn handle(&self, request: Request) -> Result<()> {
        match request {
            Request::Cancel { key } => self.cancel(&key).map(drop),
            Request::Adopt { key } => self.decide(&key, RecordKind::Adopted),
            Request::Restart { key } => self.decide(&key, RecordKind::Restarted),
            Request::Abandon { key } => self.abandon(&key),
            Request::Resolve { key, step, value } => self.resolve_json(&key, &step, &value),
            Request::Fail { key, step, message } => self.fail(&key, &step, &message),
        }
    }
}

/// Looks for requests, and does what they ask for.
fn look(engine: &WeakEngine) {
    // While it only looks it is no handle, so that the engine ends where its last handle goes.
    let Some(shared) = engine.shared() else { return };
    let Some(durable) = &shared.durable else { return };
    // What cannot be read now can be later.
    let requests = durable.store().take_requests().unwrap_or_default();
    if requests.is_empty() {
        return;
    }
    match engine.upgrade() {
        Some(engine) => requests.into_iter().for_each(|request| _ = engine.handle(request)),
        // The engine ends: they are for whoever owns the store next.
        None => requests.iter().for_each(|request| _ = durable.store().request(request)),
    }
}
