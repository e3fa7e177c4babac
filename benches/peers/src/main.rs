//! Benchmarks of nexus beside crates that do similar things, with the workloads and in the form of
//! `nexus-bench`. Every crate has its default settings; what runs on threads has two of them.
//!
//! A graph that can run only once is made anew for each round, outside of what is measured: the plan
//! of nexus is made before as well.

#![expect(clippy::unused_async, reason = "the tasks of `dagx` are async, and these never wait")]

use std::process::ExitCode;

use nexus_bench::{Workload, command};

mod chain;
mod fanout;
mod retries;
mod tree;

const WORKLOADS: &[Workload] = &[
    ("peers_chain", chain::compare),
    ("peers_tree_inline", tree::inline),
    ("peers_tree_pool", tree::pool),
    ("peers_fanout", fanout::of_nothing),
    ("peers_fanout_1us", fanout::of_one_micro),
    ("peers_fanout_10us", fanout::of_ten_micros),
    ("peers_two_retries", retries::compare),
];

fn main() -> ExitCode {
    command("nexus-peers", WORKLOADS, &[])
}

/// A tokio runtime with two workers.
fn tokio() -> tokio::runtime::Runtime {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build();
    runtime.unwrap_or_else(|error| nexus_bench::chain::fail(&error))
}
