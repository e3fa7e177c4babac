//! A pipeline that runs inside an event: users lose a whole program to a deadlock here elsewhere.

#![allow(clippy::unwrap_used, reason = "a test says what it expects")]

use std::sync::mpsc;
use std::time::Duration;

use nexus_core::{
    Context, Engine, ExecutorInitializerConfig, Fields, Flow, Inputs, Outcome, Registry,
    ThreadPoolExecutor,
};

/// A pipeline that runs itself inside its pooled events, so many levels deep; the number of leaves.
fn leaves(engine: &Engine, workers: usize, depth: u32) -> u64 {
    if depth == 0 {
        return 1;
    }
    let mut registry = Registry::new();
    let inner = engine.clone();
    registry
        .event("nest", move |_: &Context| Outcome::success(leaves(&inner, workers, depth - 1)))
        .executor::<ThreadPoolExecutor>()
        .executor_config(ExecutorInitializerConfig::new().max_workers(workers));
    let plan = Flow::parse("nest || nest").unwrap().plan(&registry, &Fields::new()).unwrap();
    let report = engine.run_plan(&plan, Inputs::new()).unwrap();
    report.steps().map(|step| step.value::<u64>().unwrap()).sum()
}

#[test]
fn nesting_never_exhausts_a_pool() {
    for workers in 1..=4 {
        for depth in 1..=6 {
            let (send, receive) = mpsc::channel();
            std::thread::spawn(move || {
                let engine = Engine::new();
                let _ = send.send(leaves(&engine, workers, depth));
            });
            let found = receive.recv_timeout(Duration::from_mins(1));
            assert_eq!(found, Ok(1 << depth), "{workers} workers, depth {depth}");
        }
    }
}
