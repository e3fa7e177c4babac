//! Numbers as SQLite keeps them, which has none above `i64::MAX`.

use std::time::{SystemTime, UNIX_EPOCH};

use nexus_core::journal::Timestamp;

/// A number as it is stored. What is too large for SQLite, such as a deadline that never comes,
/// becomes the largest that it has.
pub(crate) fn stored(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// The wall clock, as it is stored.
pub(crate) fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    stored(Timestamp::since_epoch(since).0)
}
