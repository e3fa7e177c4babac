//! What was logged while attempts ran: the dashboard asks for it, and keeps none of it.

use std::sync::Arc;

use nexus_core::journal::Timestamp;
use serde::{Deserialize, Serialize};

pub(crate) type LogSource = Arc<dyn Fn(&LogsOf) -> Vec<LogLine> + Send + Sync>;

/// Which lines the page asks for.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct LogsOf {
    /// The run's key.
    #[serde(default)]
    pub key: String,
    /// The step's path.
    pub path: String,
    /// The item of an `each` step; without one, those of all.
    #[serde(default)]
    pub item: Option<u64>,
    /// The attempt, from 1; without one, those of all.
    #[serde(default)]
    pub attempt: Option<u32>,
}

/// A line of a log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LogLine {
    at: Timestamp,
    level: String,
    text: String,
}

impl LogLine {
    /// What was logged at this time, at a level such as `INFO`.
    pub fn new(at: Timestamp, level: impl Into<String>, text: impl Into<String>) -> Self {
        Self { at, level: level.into(), text: text.into() }
    }
}
