//! Going on with a durable run that is over, from what failed or from a step.

use std::sync::Arc;

use super::durable::Resumed;
use super::engine::Engine;
use super::handle::RunHandle;
use super::pending::{Found, known};
use super::prepare::Prepared;
use super::resolving::step_at;
use super::restore::plan_of;
use crate::error::{Error, Result};

impl Engine {
    /// Goes on with a run that is over and did not succeed, in the background: what failed is tried
    /// again, and what succeeded stays as it is.
    ///
    /// Done again are the steps whose failures and exceptions nothing handled, those that were
    /// cancelled, and all that took what these gave, or stands in a branch that they decided. Of an
    /// `each` step, only the items that did not succeed. Attempt numbers go on where they were, and
    /// a retry policy counts from there; a run's timeout counts from now. Idempotency keys stay. Runs
    /// inside of the events that are done again, and that did not succeed, are tried again in the same
    /// way.
    ///
    /// ```
    /// use nexus_core::{Context, Engine, Fields, Flow, Inputs, Outcome, Registry, Status};
    /// use nexus_core::journal::MemoryStore;
    /// let mut registry = Registry::new();
    /// registry.event("reserve", |_: &Context| Outcome::success(1_u32)).output_json();
    /// registry
    ///     .event("charge", |ctx: &Context| match ctx.attempt() {
    ///         1 => Err(std::io::Error::other("the bank is closed")),
    ///         attempt => Ok(attempt),
    ///     })
    ///     .output_json();
    /// let plan = Flow::parse("reserve (1 -> charge)")?.plan(&registry, &Fields::new())?;
    /// let engine = Engine::builder().store(MemoryStore::new()).resumable(&plan).build()?;
    /// let report = engine.prepare_plan(&plan, Inputs::new())?.key("order-7").run()?;
    /// assert_eq!(report.status(), Status::Failed);
    /// // The next morning. `reserve` is not invoked again.
    /// let report = engine.retry("order-7")?.wait()?;
    /// assert_eq!(report.output::<u32>()?, &2);
    /// # Ok::<(), nexus_core::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// If there is no such run, it is not over, or nothing of it failed; or it cannot go on, since
    /// its flow or an event that it needs has changed.
    pub fn retry(&self, key: &str) -> Result<RunHandle> {
        self.prepare_again(key, None)?.start()
    }

    /// Goes on with a run that is over, in the background: the step with this path and all that
    /// comes after it in the flow are done again, whether or not they succeeded. See
    /// [`retry`](Self::retry).
    ///
    /// # Errors
    ///
    /// As [`retry`](Self::retry); or if the run's flow has no such step, or the run never came to
    /// it.
    pub fn retry_from(&self, key: &str, step: &str) -> Result<RunHandle> {
        self.prepare_again(key, Some(step))?.start()
    }

    /// The run as it goes on from what failed or from a step, to be driven.
    pub(crate) fn prepare_again(&self, key: &str, from: Option<&str>) -> Result<Prepared> {
        let (durable, key) = (self.durable()?, Arc::<str>::from(key));
        self.watch_requests();
        let refused = |why: String| {
            Err(Error::Durable(format!("the run `{key}` cannot be tried again: {why}")))
        };
        let guard = match self.found(durable, &key)? {
            Found::Stored(guard) => guard,
            Found::Active(_) => return refused("it is under way".to_owned()),
        };
        let stored = known(durable, &key)?;
        if stored.is_open() {
            return refused(format!("it is not over, but {}", stored.state.name()));
        }
        let Some(plan) = plan_of(durable, &stored)? else {
            let pipeline = &stored.start.pipeline;
            return refused(format!("this program has no durable pipeline `{pipeline}`"));
        };
        let step = match from.map(|path| step_at(&plan, path)).transpose() {
            Ok(step) => step,
            Err(why) => return refused(format!("`{}` {why}", from.unwrap_or_default())),
        };
        let again = Resumed::tried_again(guard, stored, step, self.shared_state().timestamp());
        self.resumed(&plan, again)
    }
}
