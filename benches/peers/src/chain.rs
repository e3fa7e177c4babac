//! 1,000 steps that pass a `u64`, all results kept.

use std::hint::black_box;

use async_dag::Graph;
use dag_exec::{DagBuilder, Executor, ExecutorConfig};
use dagx::{DagRunner, Task, task};
use futures::executor::block_on;
use nexus_bench::chain::{STEPS, fail, kept, nexus};
use nexus_bench::measure::{Comparison, Side, nanos_each};

fn async_dag<'a>() -> Side<'a> {
    let made = || {
        let mut graph = Graph::new();
        let mut last = graph.add_task(|| async { 1_u64 });
        for _ in 1..STEPS {
            let bump = |n: u64| async move { black_box(n) + 1 };
            last = graph.add_child_task(last, bump, 0).unwrap_or_else(|error| fail(&error.error));
        }
        (graph, last)
    };
    Box::new(move || {
        let (mut graph, last) = made();
        nanos_each(STEPS, || {
            block_on(graph.run());
            (graph.get_value::<u64>(last), graph)
        })
    })
}

fn dag_exec<'a>() -> Side<'a> {
    let mut builder = DagBuilder::<usize, u64, ()>::new();
    let mut added = builder.add_source(0, 1).map(drop);
    for step in 1..STEPS {
        let bump = |given: &[std::sync::Arc<u64>]| Ok(black_box(*given[0]) + 1);
        added = added.and_then(|()| builder.add_task(step, vec![step - 1], bump).map(drop));
    }
    let dag = added.and_then(|()| builder.build());
    let dag = dag.unwrap_or_else(|error| fail(&format!("{error:?}")));
    let executor = Executor::new(ExecutorConfig::default());
    Box::new(move || nanos_each(STEPS, || executor.run_sequential(&dag, [STEPS - 1]).ok()))
}

struct Start;

#[task]
impl Start {
    async fn run() -> u64 {
        1
    }
}

struct Bump;

#[task]
impl Bump {
    async fn run(n: &u64) -> u64 {
        black_box(*n) + 1
    }
}

fn dagx<'a>() -> Side<'a> {
    let runtime = crate::tokio();
    Box::new(move || {
        let dag = DagRunner::new();
        let mut last = dag.add_task(Start).into();
        for _ in 1..STEPS {
            last = dag.add_task(Bump).depends_on(last);
        }
        nanos_each(STEPS, || {
            let run = dag.run(|task| drop(tokio::spawn(task)));
            runtime.block_on(run).unwrap_or_else(|error| fail(&error));
            dag.get(last).ok()
        })
    })
}

pub(crate) fn compare() -> Comparison {
    let peers = vec![
        ("boxed_closures_dyn_any", kept(STEPS)),
        ("async_dag", async_dag()),
        ("dag_exec", dag_exec()),
        ("dagx", dagx()),
    ];
    Comparison::of("peers_chain", "ns/step", nexus(), peers)
}
