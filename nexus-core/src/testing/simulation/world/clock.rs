//! The clock of a simulated process.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::World;
use crate::time::{Clock, Wait};

/// It began when its process did. The simulation moves it; whoever waits has to be called.
pub(super) struct SimulatedClock {
    world: Arc<World>,
    began: Duration,
}

impl SimulatedClock {
    pub(super) fn new(world: Arc<World>) -> Self {
        let began = world.now();
        Self { world, began }
    }
}

impl Clock for SimulatedClock {
    fn now(&self) -> Duration {
        self.world.now().saturating_sub(self.began)
    }

    fn wall_time(&self) -> Duration {
        self.world.wall_time()
    }

    fn wait_until(&self, at: Duration, _idle: bool) -> Wait {
        match at.checked_sub(self.now()) {
            None | Some(Duration::ZERO) => Wait::Over,
            Some(left) => Wait::AtMost(left),
        }
    }
}

impl fmt::Debug for SimulatedClock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SimulatedClock").field("began", &self.began).finish_non_exhaustive()
    }
}
