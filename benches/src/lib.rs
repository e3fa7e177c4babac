//! Benchmarks of nexus beside hand-written baselines, measured in turn in the same process, so
//! that their ratios hold on a shared and noisy machine.
//!
//! `cargo run --release -p nexus-bench` prints a table, `-- --json` one JSON line a workload:
//! `{"work", "unit", "nexus", "baselines": {name: value}, "ratio": {name: value}, "runs"}`. All
//! values are medians over `runs`; a ratio is the median of nexus / baseline, pair by pair. With
//! `--growth` it measures growth tables instead, whose lines have a `"size"` as well; with `--rounds N`
//! it takes N rounds at most.
//!
//! Crates that are compared and would weigh on this workspace are in `benches/peers`.

pub mod chain;
pub mod fanout;
pub mod measure;
pub mod runs;
pub mod tree;

mod asynchronous;
mod command;
mod counted;
mod durable;
mod growth;
mod plan;
mod process;
mod python;
mod store;

pub use command::command;
pub use counted::{Counted, counted};
pub use growth::{GROWTH, Growth};
use measure::Comparison;

/// What the child of the hand-written ping-pong does, and the argument that makes this program one.
pub use process::{ECHO, echo};

/// A workload's name, and what measures it.
pub type Workload = (&'static str, fn() -> Comparison);

/// All workloads, in the order in which they are measured.
pub const WORKLOADS: &[Workload] = &[
    ("chain_inline", chain::inline),
    ("chain_inline_timed", chain::inline_timed),
    ("tree_inline", tree::inline),
    ("tree_pool", tree::pool),
    ("fanout_group", fanout::group_of_nothing),
    ("fanout_each", fanout::each_of_nothing),
    ("fanout_group_1us", fanout::group_of_one_micro),
    ("fanout_each_1us", fanout::each_of_one_micro),
    ("fanout_group_10us", fanout::group_of_ten_micros),
    ("fanout_each_10us", fanout::each_of_ten_micros),
    ("each_inline", fanout::each_inline),
    ("run_three_steps", runs::three_steps),
    ("run_two_retries", runs::two_retries),
    ("process_roundtrip", process::roundtrip),
    ("process_pipelined", process::pipelined),
    ("async_chain", asynchronous::chain),
    ("async_fanout", asynchronous::fanout),
    ("plan_build", plan::build),
    ("durable_one_run", durable::one_run),
    ("durable_one_run_pure", durable::one_run_of_pure_steps),
    ("durable_64_runs", durable::many_runs),
    ("durable_64_long_runs", durable::many_long_runs),
    ("durable_replay", durable::replay),
    ("durable_replay_64_runs", durable::replay_of_many_runs),
    ("store_one_by_one", store::one_by_one),
    ("store_batches", store::batches),
    ("store_batches_64_runs", store::batches_of_many_runs),
];
