//! Randomness for waits: seeded, so that the same run waits the same.

use std::time::Duration;

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
    pub(super) fn spread(self, wait: Duration, seed: u64) -> Duration {
        let fraction = unit_interval(seed);
        match self {
            Self::None => wait,
            Self::Full => wait.mul_f64(fraction).min(wait),
            Self::Equal => wait.mul_f64(fraction.mul_add(0.5, 0.5)).min(wait),
        }
    }
}

/// A number in `[0, 1)` from a seed, by the finaliser of `SplitMix64` (Steele, Lea, Flood 2014).
#[expect(clippy::cast_precision_loss, reason = "53 bits fit an f64 exactly")]
fn unit_interval(seed: u64) -> f64 {
    let mut z = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^= z >> 31;
    (z >> 11) as f64 / (1_u64 << 53) as f64
}
