//! A recorded run in the background, among the engine's drivers.

use std::sync::Arc;

use super::durable::Begun;
use super::engine::Engine;
use super::future::{self, Bodies};
use super::handle::{Ended, RunHandle};
use super::progress::ProgressTracker;
use crate::error::{Error, Result};

impl Engine {
    /// Has a recorded run driven in the background until it is over.
    pub(super) fn drive_in_background(
        self,
        begun: Begun,
        tracker: Arc<ProgressTracker>,
    ) -> Result<RunHandle> {
        let active = Arc::clone(&begun.active);
        let drivers = match &self.shared_state().durable {
            Some(durable) => Arc::clone(&durable.drivers),
            None => return Err(Error::Engine("the engine has no store".to_owned())),
        };
        let ended = Arc::new(Ended::default());
        let ending = EndWithTask { ended: Arc::clone(&ended), tracker: Arc::clone(&tracker) };
        let bodies = Bodies::Here(Arc::clone(&drivers));
        drivers.drive(async move {
            let result = if let Some(report) = begun.report_of_the_past() {
                drop(begun);
                Ok(report)
            } else {
                let report = future::drive(&begun.active, &bodies).await;
                begun.end_async(report).await
            };
            // The last handle may go here, and waits for the pools.
            drop(self);
            ending.end(result);
        })?;
        Ok(RunHandle::of_task(active, tracker, ended))
    }
}

/// Sees to it that whoever waits for the run learns of its end, whatever ends its task.
struct EndWithTask {
    ended: Arc<Ended>,
    tracker: Arc<ProgressTracker>,
}

impl EndWithTask {
    fn end(&self, result: Result<crate::report::Report>) {
        self.ended.set(result);
        self.tracker.finish();
    }
}

impl Drop for EndWithTask {
    fn drop(&mut self) {
        if !self.tracker.is_finished() {
            self.end(Err(Error::Engine("the thread that drove the run has panicked".to_owned())));
        }
    }
}
