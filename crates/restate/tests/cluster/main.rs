//! Pipelines on real servers, with workers that are killed: `ci/cluster.sh test`.
//!
//! The tests are run one after the other; those are run whose names contain the argument.
#![cfg_attr(not(unix), allow(unused, reason = "there are no such signals"))]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panic")]

mod program;
mod support;

use std::process::ExitCode;

mod flows;
mod trouble;

/// The tests that one node is enough for.
const ONE: &[(&str, fn())] = &[
    ("every_kind_of_step_runs_on_the_cluster", flows::every_kind_of_step_runs_on_the_cluster),
    (
        "a_key_is_one_run_and_other_inputs_are_refused",
        flows::a_key_is_one_run_and_other_inputs_are_refused,
    ),
    ("a_report_can_be_had_later", flows::a_report_can_be_had_later),
    ("a_run_is_cancelled_and_listed", flows::a_run_is_cancelled_and_listed),
    ("a_run_and_an_event_have_their_time", flows::a_run_and_an_event_have_their_time),
    ("a_run_without_its_worker_waits_for_one", trouble::a_run_without_its_worker_waits_for_one),
    ("what_is_wrong_is_said", trouble::what_is_wrong_is_said),
    ("a_killed_worker_loses_nothing", trouble::a_killed_worker_loses_nothing),
];

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    if args.first().is_some_and(|arg| arg == program::WORK) {
        return program::work(&args[1..]);
    }
    let wanted = args.iter().find(|arg| !arg.starts_with('-') && *arg != "one").cloned();
    let wanted = wanted.unwrap_or_default();
    for (name, test) in ONE.iter().filter(|(name, _)| name.contains(&wanted)) {
        let begin = std::time::Instant::now();
        test();
        println!("test {name} ... ok, {:.1} s", begin.elapsed().as_secs_f64());
    }
    ExitCode::SUCCESS
}
