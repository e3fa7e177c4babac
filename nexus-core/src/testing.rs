//! For tests of flows: a virtual clock, mocks, and what a run did as plain lists.
//!
//! ```
//! use std::time::Duration;
//! use nexus_core::testing::{TestEngine, waits};
//! use nexus_core::{Context, Fields, Flow, Inputs, Registry, RetryPolicy};
//!
//! let mut registry = Registry::new();
//! registry
//!     .event("fetch", |ctx: &Context| match ctx.attempt() {
//!         1 | 2 => Err(std::io::Error::other("busy")),
//!         attempt => Ok(attempt),
//!     })
//!     .retry_policy(RetryPolicy::builder().backoff_factor(3600.0).max_backoff(86400.0).build());
//! let plan = Flow::parse("fetch")?.plan(&registry, &Fields::new())?;
//! let report = TestEngine::new().build()?.run_plan(&plan, Inputs::new())?;
//! // Three hours of waits, in no time.
//! let hours = |n: u64| Duration::from_secs(n * 3600);
//! assert_eq!(waits(&report, "fetch"), [hours(1), hours(2)]);
//! assert_eq!(report.elapsed(), hours(3));
//! # Ok::<(), nexus_core::Error>(())
//! ```

#[cfg(feature = "durable")]
mod simulation;

#[cfg(feature = "durable")]
pub use simulation::{SimulatedRun, Simulation, SimulationError, SimulationSummary, Trace};

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Waker;
use std::time::Duration;

use crate::context::Context;
use crate::engine::{Engine, EngineBuilder, Mock};
use crate::error::Result;
use crate::event::{Closure, IntoOutcome};
use crate::observe::Observer;
use crate::report::{Report, StepReport};
use crate::time::{Clock, Wait};
use crate::value::TypeInfo;

/// A clock that moves only when it is told to, or when every run on it has nothing left to do but
/// wait: then it jumps to the end of the wait.
///
/// ```
/// use std::time::Duration;
/// use nexus_core::{Clock, testing::VirtualClock};
/// let clock = VirtualClock::new();
/// clock.advance(Duration::from_secs(60));
/// assert_eq!(clock.now(), Duration::from_secs(60));
/// ```
#[derive(Clone, Default)]
pub struct VirtualClock(Arc<Mutex<Time>>);

#[derive(Default)]
struct Time {
    now: Duration,
    wakers: Vec<Waker>,
}

impl VirtualClock {
    /// A clock at zero.
    pub fn new() -> Self {
        Self::default()
    }

    fn time(&self) -> MutexGuard<'_, Time> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Moves the clock; from within a mock, this is how long the event takes.
    pub fn advance(&self, by: Duration) {
        let mut time = self.time();
        time.now = time.now.saturating_add(by);
        let wakers = std::mem::take(&mut time.wakers);
        drop(time);
        for waker in &wakers {
            waker.wake_by_ref();
        }
        self.time().wakers.extend(wakers);
    }
}

impl Clock for VirtualClock {
    fn now(&self) -> Duration {
        self.time().now
    }

    /// It began with the year 2000.
    fn wall_time(&self) -> Duration {
        const YEAR_2000: Duration = Duration::from_hours(262_968);
        YEAR_2000 + self.now()
    }

    fn wait_until(&self, at: Duration, idle: bool) -> Wait {
        let mut time = self.time();
        if time.now >= at {
            return Wait::Over;
        }
        if !idle {
            return Wait::ForNews;
        }
        time.now = at;
        Wait::Over
    }

    fn on_jump(&self, waker: Waker) {
        self.time().wakers.push(waker);
    }
}

impl fmt::Debug for VirtualClock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("VirtualClock").field(&self.now()).finish()
    }
}

/// Sets up an engine for a test: on a [`VirtualClock`], with a fixed seed, with mocks in place of
/// events.
#[derive(Debug)]
#[must_use = "a builder does nothing until `build`"]
pub struct TestEngine {
    builder: EngineBuilder,
    clock: VirtualClock,
}

impl Default for TestEngine {
    fn default() -> Self {
        Self::new()
    }
}

impl TestEngine {
    /// A test engine without mocks.
    pub fn new() -> Self {
        let clock = VirtualClock::new();
        let builder = Engine::builder().clock(clock.clone()).seed(0);
        Self { builder, clock }
    }

    /// The clock, for mocks that take time.
    pub fn clock(&self) -> VirtualClock {
        self.clock.clone()
    }

    /// Runs `body` wherever a flow has the event of this name. It must yield the event's type, and
    /// it keeps the event's settings: executor, retries, stop conditions, bypass check.
    ///
    /// ```
    /// use nexus_core::{Context, Outcome, testing::TestEngine};
    /// let engine = TestEngine::new().mock("charge", |_: &Context| Outcome::success("R-1")).build()?;
    /// # Ok::<(), nexus_core::Error>(())
    /// ```
    pub fn mock<F, R, Form>(mut self, event: impl Into<String>, body: F) -> Self
    where
        F: Fn(&Context) -> R + Send + Sync + 'static,
        R: IntoOutcome<Form> + 'static,
        Form: 'static,
    {
        let mock = Mock { body: Closure::body(body), output: TypeInfo::of::<R::Output>() };
        self.builder = self.builder.mock(event.into(), mock);
        self
    }

    /// Gives the engine a resource, as [`EngineBuilder::state`] does.
    pub fn state<T: Send + Sync + 'static>(mut self, resource: T) -> Self {
        self.builder = self.builder.state(resource);
        self
    }

    /// Adds an observer.
    pub fn observer(mut self, observer: impl Observer) -> Self {
        self.builder = self.builder.observer(observer);
        self
    }

    /// Another seed than 0, for run ids and jitter.
    pub fn seed(mut self, seed: u64) -> Self {
        self.builder = self.builder.seed(seed);
        self
    }

    /// Keeps the records of durable runs, as [`EngineBuilder::store`] does: in a
    /// [`MemoryStore`](crate::journal::MemoryStore), say.
    #[cfg(feature = "durable")]
    pub fn store(mut self, store: impl crate::journal::Store) -> Self {
        self.builder = self.builder.store(store);
        self
    }

    /// The flow that runs of a plan made at run time are resumed with, as
    /// [`EngineBuilder::resumable`] says it.
    #[cfg(feature = "durable")]
    pub fn resumable(mut self, plan: &Arc<crate::plan::Plan>) -> Self {
        self.builder = self.builder.resumable(plan);
        self
    }

    /// The engine.
    ///
    /// # Errors
    ///
    /// As [`EngineBuilder::build`].
    pub fn build(self) -> Result<Engine> {
        self.builder.build()
    }
}

/// The paths of the steps that ran, in script order.
pub fn ran(report: &Report) -> Vec<String> {
    report.steps().filter(StepReport::ran).map(|step| step.path()).collect()
}

/// The waits before the retries of the step with this path; none if there is no such step.
pub fn waits(report: &Report, path: &str) -> Vec<Duration> {
    report.step(path).map(|step| step.waits().to_vec()).unwrap_or_default()
}

/// Lets all tasks of a plan count as so short that many of them go together, until they are
/// measured. In a build without optimisation none may be short enough.
#[doc(hidden)]
pub fn assume_short_tasks(plan: &crate::Plan) {
    assume_pace(plan, 100);
}

/// Lets all tasks of a plan count as so many nanoseconds long, until they are measured.
#[doc(hidden)]
pub fn assume_pace(plan: &crate::Plan, nanos: u32) {
    plan.paces.iter().for_each(|pace| pace.assume(nanos));
}
