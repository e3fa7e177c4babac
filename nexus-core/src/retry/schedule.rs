//! The waits of a policy, without jitter: `min(factor * 2^(k-1), max)` before retry `k` (R7).
//!
//! With the feature `backoff` the crate of that name computes them; this is the only file that
//! names it. Without the feature the built-in code does; a property test holds the two equal.

use std::time::Duration;

/// The wait before retry `retry` (1, 2, ...).
pub(super) fn wait(factor: Duration, max: Duration, retry: u32) -> Duration {
    // Zero stays zero for ever, and `backoff` would multiply it for ever.
    if factor.is_zero() || max.is_zero() {
        return Duration::ZERO;
    }
    #[cfg(feature = "backoff")]
    return crate_wait(factor, max, retry);
    #[cfg(not(feature = "backoff"))]
    return built_in_wait(factor, max, retry);
}

#[cfg(any(test, not(feature = "backoff")))]
fn built_in_wait(factor: Duration, max: Duration, retry: u32) -> Duration {
    // 2^127 nanoseconds are far beyond any `max`, so a larger exponent changes nothing.
    let doublings = retry.saturating_sub(1).min(127);
    let nanos = factor.as_nanos().saturating_mul(1 << doublings);
    let nanos = nanos.min(max.as_nanos());
    Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
}

#[cfg(feature = "backoff")]
fn crate_wait(factor: Duration, max: Duration, retry: u32) -> Duration {
    use backoff::backoff::Backoff as _;
    let mut backoff = backoff::ExponentialBackoffBuilder::new()
        .with_initial_interval(factor.min(max))
        .with_max_interval(max)
        .with_multiplier(2.0)
        .with_randomization_factor(0.0)
        .with_max_elapsed_time(None)
        .build();
    for _ in 1..retry {
        if backoff.current_interval >= max {
            break;
        }
        // The returned interval has a random fraction of a nanosecond added even at factor 0,
        // which may round up; the field has not.
        let _ = backoff.next_backoff();
    }
    backoff.current_interval
}

#[cfg(all(test, feature = "backoff"))]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// `default-features = false` must not change when anyone's retries happen.
        #[test]
        fn the_built_in_schedule_equals_the_crate(
            factor in 0_u64..100_000_000_000,
            max in 0_u64..1_000_000_000_000,
            retry in 1_u32..80,
        ) {
            let (factor, max) = (Duration::from_nanos(factor), Duration::from_nanos(max));
            let built_in = built_in_wait(factor, max, retry);
            prop_assert_eq!(wait(factor, max, retry), built_in);
        }
    }
}
