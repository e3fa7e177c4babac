//! Randomness for waits: seeded, so that the same run waits the same.

use std::time::Duration;

use crate::hash::mix;

/// How a wait is spread, so that many clients do not come back at the same instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Jitter {
    /// Not at all: the schedule exactly.
    #[default]
    None,
    /// Anywhere between zero and the scheduled wait.
    Full,
    /// Between half of the scheduled wait and the whole.
    Equal,
}

impl Jitter {
    /// Spreads `wait` by the random number that `seed` gives. Never above `wait`, so a wait that
    /// was clamped stays clamped.
    pub(super) fn spread(self, wait: Duration, seed: impl FnOnce() -> u64) -> Duration {
        match self {
            Self::None => wait,
            Self::Full => wait.mul_f64(unit_interval(seed())).min(wait),
            Self::Equal => wait.mul_f64(unit_interval(seed()).mul_add(0.5, 0.5)).min(wait),
        }
    }
}

/// A number in `[0, 1)` from a seed.
#[expect(clippy::cast_precision_loss, reason = "53 bits fit an f64 exactly")]
fn unit_interval(seed: u64) -> f64 {
    (mix(seed) >> 11) as f64 / (1_u64 << 53) as f64
}
