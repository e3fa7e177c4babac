//! Random numbers from a seed, the same on every machine.

use std::time::Duration;

use crate::hash::mix;

/// Where each draw is the next one of the seed.
#[derive(Debug)]
pub(super) struct Random(u64);

impl Random {
    pub(super) fn new(seed: u64) -> Self {
        Self(mix(seed))
    }

    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mix(self.0)
    }

    /// A number below `end`, which is not zero.
    pub(super) fn below(&mut self, end: usize) -> usize {
        (self.next() % end.max(1) as u64) as usize
    }

    #[expect(clippy::cast_precision_loss, reason = "53 bits fit an f64 exactly")]
    pub(super) fn chance(&mut self, probability: f64) -> bool {
        ((self.next() >> 11) as f64 / (1_u64 << 53) as f64) < probability
    }

    /// How long something takes, less than `limit`: often nothing, and often as long as something else.
    pub(super) fn duration(&mut self, limit: Duration) -> Duration {
        let millis = match self.below(4) {
            0 => 0,
            1 => 1 + self.below(4),
            2 => 5 * self.below(20),
            _ => self.below(100),
        };
        let drawn = Duration::from_millis(millis as u64);
        if drawn < limit { drawn } else { limit / 2 }
    }
}
