//! Pipelines on real servers, with workers that are killed: `ci/cluster.sh test`.
//!
//! The tests are run one after the other; those are run whose names contain the argument.
#![cfg_attr(not(unix), allow(unused, reason = "there are no such signals"))]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panic")]

mod program;
mod support;

use std::process::ExitCode;

mod flows;
mod kills;
mod measure;
mod pending;
mod rules;
mod three;
mod trouble;

/// The tests; one node is enough for them.
const ONE: &[(&str, fn())] = &[
    ("an_event_that_no_worker_offers_is_said", trouble::an_event_that_no_worker_offers_is_said),
    ("every_kind_of_step_runs_on_the_cluster", flows::every_kind_of_step_runs_on_the_cluster),
    (
        "a_key_is_one_run_and_other_inputs_are_refused",
        flows::a_key_is_one_run_and_other_inputs_are_refused,
    ),
    ("a_report_can_be_had_later", flows::a_report_can_be_had_later),
    ("an_event_knows_the_trace", flows::an_event_knows_the_trace),
    ("a_run_is_cancelled_and_listed", flows::a_run_is_cancelled_and_listed),
    ("a_run_and_an_event_have_their_time", flows::a_run_and_an_event_have_their_time),
    ("a_step_waits_for_the_world_outside", pending::a_step_waits_for_the_world_outside),
    (
        "an_answer_may_come_before_its_step_is_pending",
        pending::an_answer_may_come_before_its_step_is_pending,
    ),
    ("what_a_step_waits_for_may_fail", pending::what_a_step_waits_for_may_fail),
    ("a_run_without_its_worker_waits_for_one", trouble::a_run_without_its_worker_waits_for_one),
    ("what_is_wrong_is_said", trouble::what_is_wrong_is_said),
    (
        "a_message_may_have_16_mebibytes_and_a_run_32",
        trouble::a_message_may_have_16_mebibytes_and_a_run_32,
    ),
    ("the_rules_hold_on_every_engine", rules::the_rules_hold_on_every_engine),
    ("an_event_of_another_version_is_said", trouble::an_event_of_another_version_is_said),
    ("pipelines_have_their_own_keys", trouble::pipelines_have_their_own_keys),
    (
        "a_worker_that_is_told_to_end_repeats_nothing",
        trouble::a_worker_that_is_told_to_end_repeats_nothing,
    ),
    ("a_killed_worker_loses_nothing", kills::a_killed_worker_loses_nothing),
];
/// Those after which no server is there any more.
const RESTARTED: &[(&str, fn())] = &[(
    "a_client_waits_while_the_server_begins_again",
    trouble::a_client_waits_while_the_server_begins_again,
)];

/// Those that need a balancer as well.
const BALANCED: &[(&str, fn())] =
    &[("a_run_goes_on_at_another_worker", kills::a_run_goes_on_at_another_worker)];

/// Those that need three nodes.
const THREE: &[(&str, fn())] =
    &[("a_killed_leader_loses_nothing", three::a_killed_leader_loses_nothing)];

fn main() -> ExitCode {
    let print = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        if info.payload_as_str() != Some(rules::ON_PURPOSE) {
            print(info);
        }
    }));
    let args: Vec<String> = std::env::args().skip(1).collect();
    if args.first().is_some_and(|arg| arg == program::WORK) {
        return program::work(&args[1..]);
    }
    let mut args = args.iter().map(String::as_str).filter(|arg| !arg.starts_with('-'));
    let (which, wanted) = (args.next(), args.next().unwrap_or_default());
    let tests = match which {
        Some("one") => ONE,
        Some("restarted") => RESTARTED,
        Some("balanced") => BALANCED,
        Some("three") => THREE,
        Some("measure") => {
            measure::measure(wanted);
            return ExitCode::SUCCESS;
        }
        // `repeat SHAPE bare|nexus TIMES BESIDE`
        Some("repeat") => {
            let whose = args.next().unwrap_or("nexus");
            let [times, beside] =
                [(); 2].map(|()| args.next().map_or(1, |number| number.parse().unwrap()));
            measure::repeat(wanted, whose, times, beside);
            return ExitCode::SUCCESS;
        }
        _ => panic!(
            "say `one`, `restarted`, `balanced`, `three`, `measure` or `repeat`; see ci/cluster.sh"
        ),
    };
    for (name, test) in tests.iter().filter(|(name, _)| name.contains(wanted)) {
        let begin = std::time::Instant::now();
        test();
        println!("test {name} ... ok, {:.1} s", begin.elapsed().as_secs_f64());
    }
    ExitCode::SUCCESS
}
