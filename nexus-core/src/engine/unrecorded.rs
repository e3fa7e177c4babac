//! What stands in for recorded runs in a build without them.

#![allow(
    clippy::unnecessary_wraps,
    clippy::unused_async,
    clippy::unused_self,
    reason = "as in a build with recorded runs"
)]

use std::sync::Arc;
use std::time::Duration;

use super::active::ActiveRun;
use super::lease::{Lease, WorkerNext};
use super::mailbox::Contents;
use super::shared::Shared;
use super::work::Notification;
use crate::context::RunId;
use crate::error::Result;
use crate::plan::Plan;
use crate::report::Report;
use crate::run::{CancelCause, Halt, Run, Task};
use crate::sync::MutexGuard;
use crate::value::Value;

/// There is none.
pub(super) enum RunJournal {}

impl RunJournal {
    pub(super) fn key(&self) -> &str {
        match *self {}
    }

    pub(super) fn set_open_timer(&self, _: Task, _: Duration, _: impl FnOnce() + Send + 'static) {
        match *self {}
    }

    pub(super) fn clear_open_timer(&self, _: Task) {
        match *self {}
    }

    pub(super) fn is_in_flight(&self) -> bool {
        match *self {}
    }

    pub(super) fn is_released(&self) -> bool {
        match *self {}
    }

    pub(super) fn elapsed(&self, _: &Shared) -> Duration {
        match *self {}
    }

    pub(super) fn take_resumed(&self) -> Option<Box<Run>> {
        match *self {}
    }

    pub(super) fn take_elapsed(&self, _: Task) -> Option<Duration> {
        match *self {}
    }
}

impl ActiveRun {
    pub(super) fn record(
        self: &Arc<Self>,
        journal: &RunJournal,
        _: impl IntoIterator<Item = Notification>,
        _: Option<Lease<'_>>,
    ) -> WorkerNext {
        match *journal {}
    }

    pub(super) fn tell_inline(self: &Arc<Self>, notification: Notification) {
        self.tell(notification);
    }

    pub(super) fn seal<'a>(
        self: &'a Arc<Self>,
        run: Box<Run>,
        contents: MutexGuard<'a, Contents>,
    ) -> std::result::Result<(Box<Run>, MutexGuard<'a, Contents>), MutexGuard<'a, Contents>> {
        Ok((run, contents))
    }

    pub(super) fn let_go(self: &Arc<Self>) {
        self.halt(Halt::Cancelled(CancelCause::Requested));
    }

    pub(super) fn leave_recorded(&self) {}

    pub(super) fn cancel_recorded_children(&self) {}

    pub(super) fn is_draining(&self) -> bool {
        false
    }

    pub(super) fn start_no_more(&self) {}

    pub(super) fn let_go_at_rest(self: &Arc<Self>) {}

    pub(super) fn commit_now(&self) -> bool {
        false
    }
}

/// There is none.
pub(super) enum Recording {}

/// There is none.
pub(super) enum Beginner {}

/// What is known of a run before it begins.
#[expect(dead_code, reason = "read in a build with recorded runs")]
pub(super) struct Recorded<'a> {
    pub(super) plan: &'a Arc<Plan>,
    pub(super) fields: &'a [Value],
    pub(super) timeout: Option<Duration>,
    pub(super) awaited: bool,
}

impl Recording {
    pub(super) fn begin(&self, _: &Arc<Shared>, _: &Recorded<'_>) -> Result<Beginner> {
        match *self {}
    }

    pub(super) async fn begin_async(&self, _: &Arc<Shared>, _: &Recorded<'_>) -> Result<Beginner> {
        match *self {}
    }
}

impl Beginner {
    pub(super) fn id(&self) -> RunId {
        match *self {}
    }

    pub(super) fn key(&self) -> Arc<str> {
        match *self {}
    }

    pub(super) fn journal(&self, _: &Shared) -> Option<Box<RunJournal>> {
        match *self {}
    }

    pub(super) fn deadline(&self, _: &Shared) -> Option<Duration> {
        match *self {}
    }
}

/// A run that has begun, for whichever driver.
pub(super) struct Begun {
    pub(super) active: Arc<ActiveRun>,
}

impl Begun {
    pub(super) fn new(active: Arc<ActiveRun>, _: Option<Beginner>) -> Result<Self> {
        Ok(Self { active })
    }

    pub(super) fn init(&mut self) {
        self.active.signal_run_init(None);
    }

    pub(super) fn announce(&self) {}

    pub(super) fn write_start(&mut self) -> Result<()> {
        Ok(())
    }

    pub(super) async fn write_start_async(&mut self) -> Result<()> {
        Ok(())
    }

    pub(super) fn drive(self) -> Result<Report> {
        Ok(self.active.drive())
    }

    pub(super) fn report_of_the_past(&self) -> Option<Report> {
        None
    }

    pub(super) async fn end_async(self, report: Report) -> Result<Report> {
        Ok(report)
    }
}

impl Drop for Begun {
    fn drop(&mut self) {
        self.active.signal_run_gone();
        self.active.engine.runs.remove(&*self.active);
    }
}
