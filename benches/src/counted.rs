//! The workloads whose instructions are counted: those that run on one thread, and so are the same
//! each time.

use std::hint::black_box;
use std::sync::Arc;
use std::time::Duration;

use nexus::prelude::*;
use nexus::{Clock, Plan, SystemClock, Wait};

use crate::chain::fail;
use crate::{chain, fanout, runs, tree};

/// A workload whose instructions are counted.
#[derive(Debug)]
pub struct Counted {
    /// Its name.
    pub name: &'static str,
    /// How many steps, nodes or items a run has, or one run is counted as such.
    pub parts: usize,
    /// What is run.
    pub plan: Arc<Plan>,
    /// What the plan is given.
    pub inputs: fn() -> Inputs,
    /// Whether its steps are a pool's, and so short that the driving thread does them.
    pub is_pooled: bool,
}

impl Counted {
    /// The engine that runs it.
    pub fn engine(&self) -> Engine {
        if !self.is_pooled {
            return Engine::new();
        }
        // Under callgrind nothing is short by the system's clock.
        let clock = Standing(SystemClock::new());
        Engine::builder().clock(clock).build().unwrap_or_else(|error| fail(&error))
    }
}

/// A clock that stands still, and costs what the system's does.
#[derive(Debug)]
struct Standing(SystemClock);

impl Clock for Standing {
    fn now(&self) -> Duration {
        Duration::ZERO
    }

    fn timestamp(&self) -> Duration {
        black_box(self.0.timestamp());
        Duration::ZERO
    }

    fn timestamp_nanos(&self) -> u64 {
        black_box(self.0.timestamp_nanos());
        0
    }

    fn wait_until(&self, _: Duration, _: bool) -> Wait {
        Wait::ForNews
    }
}

/// The workloads, each made anew.
pub fn counted() -> Vec<Counted> {
    let made = |is_pooled| {
        move |name, parts, plan| Counted { name, parts, plan, inputs: Inputs::new, is_pooled }
    };
    let (of, pooled) = (made(false), made(true));
    vec![
        Counted {
            name: "chain",
            parts: chain::STEPS,
            plan: chain::plan(),
            inputs: || Inputs::new().with("seed", 1_u64),
            is_pooled: false,
        },
        of("tree", tree::NODES, tree::inline_plan()),
        of("each", fanout::TASKS, fanout::each_inline_plan()),
        of("three_steps", 1, runs::three_steps_plan()),
        of("two_retries", 1, runs::two_retries_plan()),
        pooled("pooled_tree", tree::NODES, tree::pooled_plan()),
        pooled("pooled_group", fanout::TASKS, fanout::group_plan()),
        pooled("pooled_each", fanout::TASKS, fanout::each_plan()),
    ]
}
