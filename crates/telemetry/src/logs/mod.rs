//! What was logged while attempts ran, kept for whoever looks at them.

mod kept;
mod layer;
mod text;

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use nexus_core::journal::Timestamp;
use tracing::Level;

use kept::{Kept, Limits};

/// So many lines of an attempt are kept, unless [`with_limits`](AttemptLogs::with_limits) says otherwise.
const LINES: usize = 500;

/// So much memory all lines take together.
const BYTES: usize = 16 * 1024 * 1024;

/// Keeps the last lines that the bodies of durable runs have logged, for a page that shows them beside
/// each attempt.
///
/// It is a layer for `tracing_subscriber`, and its clones keep the same lines. What a body logs is found
/// by the span of its attempt, so the engine needs the observer [`Spans`](crate::Spans), and whatever
/// filters this layer must let the spans of the target `nexus` through, which have the level `INFO`. What
/// bodies say in worker processes is there too.
///
/// Nothing of it is written to a disk: a program that begins again begins without lines. Each attempt has
/// its last 500 lines, of at most 4 KiB each, and all of them together take 16 MiB at most; where it is more,
/// the attempts go that began to log first.
///
/// ```
/// use nexus_core::Engine;
/// use nexus_telemetry::{AttemptLogs, Spans};
/// use tracing_subscriber::layer::SubscriberExt;
///
/// let logs = AttemptLogs::new();
/// let subscriber = tracing_subscriber::registry().with(logs.clone());
/// let engine = Engine::builder().observer(Spans::new()).build()?;
/// // .. and after a run with the key `order-7`, with the subscriber set:
/// assert!(logs.lines("order-7", "charge").is_empty());
/// # drop((subscriber, engine));
/// # Ok::<(), nexus_core::Error>(())
/// ```
#[derive(Clone)]
pub struct AttemptLogs {
    kept: Arc<Mutex<Kept>>,
    limits: Limits,
}

/// A line that the body of an attempt has logged.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct AttemptLine {
    /// When.
    pub at: Timestamp,
    /// How serious it is.
    pub level: Level,
    /// The message and its fields, behind the spans of the body that it stands in. It has no characters
    /// that a terminal would take for more than text; lines after the first are indented.
    pub text: String,
    /// The attempt, from 1.
    pub attempt: u32,
    /// The item of an `each` step.
    pub item: Option<u64>,
}

impl AttemptLogs {
    /// One that keeps no lines yet.
    pub fn new() -> Self {
        Self::with_limits(LINES, BYTES)
    }

    /// One that keeps so many lines of each attempt, and about so many bytes in all.
    pub fn with_limits(lines_of_attempt: usize, bytes_in_all: usize) -> Self {
        let limits = Limits { lines: lines_of_attempt.max(1), bytes: bytes_in_all };
        Self { kept: Arc::default(), limits }
    }

    /// The lines of a step of the run with this key, those of all its attempts and items, by time. Where
    /// the first ones of an attempt are not kept any more, a line says so.
    pub fn lines(&self, key: &str, path: &str) -> Vec<AttemptLine> {
        self.kept().of_step(key, path)
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for AttemptLogs {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for AttemptLogs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kept = self.kept();
        f.debug_struct("AttemptLogs")
            .field("attempts", &kept.attempts())
            .field("bytes", &kept.bytes())
            .finish_non_exhaustive()
    }
}
