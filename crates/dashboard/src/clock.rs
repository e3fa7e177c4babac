//! The wall clock.

use std::time::{SystemTime, UNIX_EPOCH};

use nexus_core::journal::Timestamp;

/// The time by the wall clock.
pub(crate) fn now() -> Timestamp {
    Timestamp::since_epoch(SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default())
}
