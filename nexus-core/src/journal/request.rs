//! What other processes ask of the one that owns a store.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::timestamp::Timestamp;

/// What another process asks of the one that owns a store.
///
/// ```
/// use nexus_core::journal::Request;
/// assert_eq!(&**Request::Cancel { key: "order-7".into() }.key(), "order-7");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Request {
    /// Cancel the run with this key.
    Cancel {
        /// The run.
        key: Arc<str>,
    },
    /// Go on with the run with this key by the flow of today.
    Adopt {
        /// The run.
        key: Arc<str>,
    },
    /// Begin the run with this key again.
    Restart {
        /// The run.
        key: Arc<str>,
    },
    /// End the run with this key, which needs a decision.
    Abandon {
        /// The run.
        key: Arc<str>,
    },
    /// Say what a step yields that is pending.
    Resolve {
        /// The run.
        key: Arc<str>,
        /// The step, as a [`StepAddress`](crate::StepAddress) is written.
        step: String,
        /// The value, as JSON.
        value: String,
    },
    /// Go on with the run with this key, which is over, from what failed.
    Retry {
        /// The run.
        key: Arc<str>,
        /// The path of a step: that, and all that comes after it in the flow, is done again instead.
        #[serde(default)]
        from: Option<String>,
    },
    /// Say that what a step waits for has failed.
    Fail {
        /// The run.
        key: Arc<str>,
        /// The step, as a [`StepAddress`](crate::StepAddress) is written.
        step: String,
        /// Why.
        message: String,
    },
    /// Fire a schedule no more. Unlike others, this stands until the schedule is resumed.
    PauseSchedule {
        /// The schedule's name.
        key: Arc<str>,
    },
    /// Fire a schedule again that was paused, at its times after this one.
    ResumeSchedule {
        /// The schedule's name.
        key: Arc<str>,
        /// The time.
        after: Timestamp,
    },
    /// Fire a schedule at its times after this one only, for those before have had their turn. This
    /// stands, too: one scheduler leaves it for the next.
    FollowSchedule {
        /// The schedule's name.
        key: Arc<str>,
        /// The time.
        after: Timestamp,
    },
    /// Fire a schedule once, outside its times.
    FireSchedule {
        /// The schedule's name.
        key: Arc<str>,
        /// When that was asked for; the run's key has it.
        at: Timestamp,
    },
}

impl Request {
    /// The key of the run that it is about, or the name of the schedule.
    pub fn key(&self) -> &Arc<str> {
        match self {
            Self::Cancel { key, .. }
            | Self::Adopt { key, .. }
            | Self::Restart { key, .. }
            | Self::Abandon { key, .. }
            | Self::Resolve { key, .. }
            | Self::Retry { key, .. }
            | Self::Fail { key, .. }
            | Self::PauseSchedule { key, .. }
            | Self::ResumeSchedule { key, .. }
            | Self::FollowSchedule { key, .. }
            | Self::FireSchedule { key, .. } => key,
        }
    }

    /// Whether it is about a schedule, and so for what fires that, not for the engine.
    pub fn is_for_schedule(&self) -> bool {
        matches!(
            self,
            Self::PauseSchedule { .. }
                | Self::ResumeSchedule { .. }
                | Self::FollowSchedule { .. }
                | Self::FireSchedule { .. }
        )
    }

    /// What is asked for, in a word.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Cancel { .. } => "cancel",
            Self::Adopt { .. } => "adopt",
            Self::Restart { .. } => "restart",
            Self::Abandon { .. } => "abandon",
            Self::Resolve { .. } => "resolve",
            Self::Retry { .. } => "retry",
            Self::Fail { .. } => "fail",
            Self::PauseSchedule { .. } => "pause",
            Self::ResumeSchedule { .. } => "resume",
            Self::FollowSchedule { .. } => "follow",
            Self::FireSchedule { .. } => "fire",
        }
    }
}
