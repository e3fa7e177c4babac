//! Events in worker processes: they run all, their workers are replaced and reaped, and what they
//! print, take and yield does not get in the way.
#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test says what it expects")]

use std::collections::HashSet;
use std::process::id;

use nexus::prelude::*;

nexus::test_workers!();

#[event]
fn numbers(count: u32) -> Outcome<Vec<u32>> {
    Outcome::success((0..count).collect())
}

#[event(executor = ProcessPoolExecutor, executor_config = { max_workers: 4, max_tasks_per_child: 50 })]
fn square(#[piped] number: u32) -> Outcome<(u32, u64)> {
    Outcome::success((id(), u64::from(number) * u64::from(number)))
}

#[derive(Pipeline)]
#[pipeline(flow = numbers |-> square[each])]
struct Squares {
    count: u32,
}

#[test]
fn a_thousand_tasks_end_though_workers_are_replaced_after_fifty() -> nexus::Result<()> {
    let report = Engine::new().run(Squares { count: 1000 })?;
    let squares = report.get_each::<square>()?;
    let expected: Vec<u64> = (0..1000).map(|n| n * n).collect();
    assert_eq!(squares.iter().map(|(_, square)| *square).collect::<Vec<_>>(), expected);
    let pids: HashSet<u32> = squares.iter().map(|(pid, _)| *pid).collect();
    assert!(pids.len() >= 20, "{} workers", pids.len());
    assert!(!pids.contains(&id()));
    Ok(())
}
