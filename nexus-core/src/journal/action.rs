//! What people have done to runs, and who it was.

use std::borrow::Cow;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::timestamp::Timestamp;

/// Something that somebody has done to a run or a schedule, or tried to.
///
/// What happened to the run is in its records; this says who wanted it. A dashboard and a command line
/// [write it down](crate::Engine::note_action); what a program does by itself is nobody's action.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ActionTaken {
    /// When.
    pub at: Timestamp,
    /// Who, as far as whoever wrote it down knows: the owner of a token, the user of a command line.
    pub by: String,
    /// The key of the run, or the name of the schedule.
    pub key: Arc<str>,
    /// What was done: `cancel`, `retry`, `resolve`, `fail`, `adopt`, `restart` or `abandon` of a run,
    /// `pause`, `resume` or `fire` of a schedule.
    pub action: Cow<'static, str>,
    /// The step, if it was about one.
    pub step: Option<String>,
    /// Why it could not be done, if it could not.
    pub error: Option<String>,
}

impl ActionTaken {
    /// Somebody has done this to a run or a schedule.
    pub fn new(
        at: Timestamp,
        by: impl Into<String>,
        action: impl Into<Cow<'static, str>>,
        key: impl Into<Arc<str>>,
    ) -> Self {
        let (by, action, key) = (by.into(), action.into(), key.into());
        Self { at, by, key, action, step: None, error: None }
    }
}
