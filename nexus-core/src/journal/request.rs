//! What other processes ask of the one that owns a store.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

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
}

impl Request {
    /// The run that it is about.
    pub fn key(&self) -> &Arc<str> {
        match self {
            Self::Cancel { key, .. }
            | Self::Adopt { key, .. }
            | Self::Restart { key, .. }
            | Self::Abandon { key, .. }
            | Self::Resolve { key, .. }
            | Self::Retry { key, .. }
            | Self::Fail { key, .. } => key,
        }
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
        }
    }
}
