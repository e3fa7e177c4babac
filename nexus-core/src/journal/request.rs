//! What other processes ask of the one that owns a store.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// What another process asks of the one that owns a store.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Request {
    /// Cancel the run with this key.
    Cancel {
        /// The run.
        key: Arc<str>,
    },
}
