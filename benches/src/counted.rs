//! The workloads whose instructions are counted: those that run on one thread, and so are the same
//! each time.

use std::sync::Arc;

use nexus::Plan;
use nexus::prelude::*;

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
}

/// The workloads, each made anew.
pub fn counted() -> Vec<Counted> {
    let of = |name, parts, plan| Counted { name, parts, plan, inputs: Inputs::new };
    vec![
        Counted {
            name: "chain",
            parts: chain::STEPS,
            plan: chain::plan(),
            inputs: || Inputs::new().with("seed", 1_u64),
        },
        of("tree", tree::NODES, tree::inline_plan()),
        of("each", fanout::TASKS, fanout::each_inline_plan()),
        of("three_steps", 1, runs::three_steps_plan()),
        of("two_retries", 1, runs::two_retries_plan()),
    ]
}
