//! What was logged while attempts ran: the dashboard asks for it, and keeps none of it.

use std::sync::Arc;

use nexus_core::journal::Timestamp;
use serde::{Deserialize, Serialize};

pub(crate) type LogSource = Arc<dyn Fn(&LogsOf) -> Vec<LogLine> + Send + Sync>;

/// The lines that telemetry keeps.
#[cfg(feature = "logs")]
pub(crate) fn kept(
    logs: nexus_telemetry::AttemptLogs,
) -> impl Fn(&LogsOf) -> Vec<LogLine> + Send + Sync + 'static {
    move |of| {
        let is_asked_for = |line: &nexus_telemetry::AttemptLine| {
            of.attempt.is_none_or(|attempt| attempt == line.attempt)
                && of.item.is_none_or(|item| Some(item) == line.item)
        };
        let lines = logs.lines(&of.key, &of.path).into_iter().filter(is_asked_for);
        let shown = |line: nexus_telemetry::AttemptLine| {
            LogLine::new(line.at, line.level.as_str(), line.text)
                .of_attempt(line.attempt, line.item)
        };
        lines.map(shown).collect()
    }
}

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
    attempt: Option<u32>,
    item: Option<u64>,
}

impl LogLine {
    /// What was logged at this time, at a level such as `INFO`.
    pub fn new(at: Timestamp, level: impl Into<String>, text: impl Into<String>) -> Self {
        Self { at, level: level.into(), text: text.into(), attempt: None, item: None }
    }

    /// The attempt that it belongs to, and the item of an `each` step: so it stands beside that attempt.
    #[must_use]
    pub fn of_attempt(self, attempt: u32, item: Option<u64>) -> Self {
        Self { attempt: Some(attempt), item, ..self }
    }
}
