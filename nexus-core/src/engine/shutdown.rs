//! Ending an engine in order.

use std::fmt;
use std::time::{Duration, Instant};

use super::engine::Engine;

/// How an engine is shut down: what happens to the runs that are under way, and for how long they
/// are waited for.
///
/// ```
/// use std::time::Duration;
/// use nexus_core::{Engine, Shutdown};
/// let engine = Engine::new();
/// let report = engine.shutdown(Shutdown::drain().within(Duration::from_secs(30)));
/// assert!(report.is_clean());
/// ```
#[derive(Debug, Clone, Copy)]
#[must_use = "give it to `Engine::shutdown`"]
pub struct Shutdown {
    runs: RunsUnderWay,
    within: Option<Duration>,
}

/// What becomes of the runs that are under way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum RunsUnderWay {
    Finish,
    Release,
    Cancel,
}

impl Shutdown {
    /// Waits for the runs that are under way.
    pub fn drain() -> Self {
        Self { runs: RunsUnderWay::Finish, within: None }
    }

    /// Leaves durable runs where they are, to be resumed, once their attempts that are under way
    /// have ended and are recorded; other runs are waited for. This is how a service ends that is
    /// started again.
    ///
    /// What an attempt has begun, such as a run inside of it, is a part of the attempt.
    pub fn release() -> Self {
        Self { runs: RunsUnderWay::Release, within: None }
    }

    /// Cancels the runs that are under way; durable ones are left where they are, to be resumed.
    pub fn cancel() -> Self {
        Self { runs: RunsUnderWay::Cancel, within: None }
    }

    /// Waits for so long at most, in real time; runs that are under way then are cancelled, or left
    /// if they are durable, and what still runs is named in the report.
    pub fn within(mut self, limit: Duration) -> Self {
        self.within = Some(limit);
        self
    }
}

/// What an engine's shutdown left running.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct ShutdownReport {
    /// The steps whose bodies still run, as `pipeline: step`, and executors that did not end.
    pub still_running: Vec<String>,
}

impl ShutdownReport {
    /// Whether everything has ended.
    pub fn is_clean(&self) -> bool {
        self.still_running.is_empty()
    }
}

impl fmt::Display for ShutdownReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.still_running.as_slice() {
            [] => f.write_str("everything has ended"),
            names => write!(f, "still running: {}", names.join(", ")),
        }
    }
}

/// How long a shutdown waits, after its deadline, for what it has told to end.
const GRACE: Duration = Duration::from_millis(200);

impl Engine {
    /// Ends the engine in order: no new runs, then the runs that are under way, then the pools.
    /// Other handles of the engine can start nothing afterwards.
    pub fn shutdown(&self, how: Shutdown) -> ShutdownReport {
        let engine = self.shared_state();
        let deadline = how.within.map(|limit| Instant::now() + limit);
        let released = how.runs == RunsUnderWay::Release && engine.runs.drain(deadline);
        engine.runs.close();
        let all_ended = match how.runs {
            RunsUnderWay::Finish => engine.runs.wait(deadline),
            RunsUnderWay::Release => released,
            RunsUnderWay::Cancel => false,
        };
        if !all_ended {
            engine.runs.cancel_all();
        }
        // What was just told to end may take a moment to do so.
        let deadline = deadline.map(|at| at.max(Instant::now() + GRACE));
        engine.runs.wait(deadline);
        let mut still_running = engine.runs.still_running();
        still_running.extend(engine.shut_pools_down(deadline));
        ShutdownReport { still_running }
    }
}
