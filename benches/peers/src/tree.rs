//! A binary tree of 1,023 tasks: 512 leaves, and 511 that add up the two below them.

use std::hint::black_box;
use std::sync::Arc;

use async_dag::{Graph, NodeIndex};
use dag_exec::{BuildError, Dag, DagBuilder, Executor, ExecutorConfig};
use dagx::{DagRunner, Task, TaskHandle, task};
use futures::executor::block_on;
use nexus_bench::chain::fail;
use nexus_bench::measure::{Comparison, Side, nanos_each};
use nexus_bench::tree::{DEPTH, NODES, baselines, nexus_inline, nexus_pool};

async fn sum(left: u64, right: u64) -> u64 {
    left + right
}

fn add_below(graph: &mut Graph<'_>, parent: NodeIndex, depth: usize) {
    for index in [0, 1] {
        if depth == 1 {
            let leaf = graph.add_parent_task(|| async { black_box(1_u64) }, parent, index);
            leaf.unwrap_or_else(|error| fail(&error.error));
        } else {
            let node = graph.add_parent_task(sum, parent, index);
            let node = node.unwrap_or_else(|error| fail(&error.error));
            add_below(graph, node, depth - 1);
        }
    }
}

fn async_dag<'a>() -> Side<'a> {
    Box::new(|| {
        let mut graph = Graph::new();
        let root = graph.add_task(sum);
        add_below(&mut graph, root, DEPTH);
        nanos_each(NODES, || {
            block_on(graph.run());
            (graph.get_value::<u64>(root), graph)
        })
    })
}

/// The nodes are numbered as those of a heap: below `node` are `2 * node` and the next.
fn dag_exec_tree() -> Result<Dag<usize, u64, ()>, BuildError<usize>> {
    let mut builder = DagBuilder::new();
    for node in (1..=NODES).rev() {
        if node > NODES / 2 {
            builder.add_task(node, Vec::new(), |_: &[Arc<u64>]| Ok(black_box(1)))?;
        } else {
            let below = vec![2 * node, 2 * node + 1];
            builder.add_task(node, below, |below: &[Arc<u64>]| Ok(*below[0] + *below[1]))?;
        }
    }
    builder.build()
}

fn dag_exec<'a>(parallel: bool) -> Side<'a> {
    let dag = dag_exec_tree().unwrap_or_else(|error| fail(&format!("{error:?}")));
    let executor = Executor::new(ExecutorConfig { max_workers: 2, ..ExecutorConfig::default() });
    Box::new(move || {
        nanos_each(NODES, || {
            let run = if parallel {
                executor.run_parallel(&dag, [1])
            } else {
                executor.run_sequential(&dag, [1])
            };
            run.unwrap_or_else(|error| fail(&format!("{error:?}")))
        })
    })
}

struct Leaf;

#[task]
impl Leaf {
    async fn run() -> u64 {
        black_box(1)
    }
}

struct Sum;

#[task]
impl Sum {
    async fn run(left: &u64, right: &u64) -> u64 {
        left + right
    }
}

fn dagx_node(dag: &DagRunner, depth: usize) -> TaskHandle<u64> {
    if depth == 0 {
        return dag.add_task(Leaf).into();
    }
    let (left, right) = (dagx_node(dag, depth - 1), dagx_node(dag, depth - 1));
    dag.add_task(Sum).depends_on((&left, &right))
}

fn dagx<'a>() -> Side<'a> {
    let runtime = crate::tokio();
    Box::new(move || {
        let dag = DagRunner::new();
        let root = dagx_node(&dag, DEPTH);
        nanos_each(NODES, || {
            let run = dag.run(|task| drop(tokio::spawn(task)));
            runtime.block_on(run).unwrap_or_else(|error| fail(&error));
            dag.get(root).ok()
        })
    })
}

/// On one thread.
pub(crate) fn inline() -> Comparison {
    let mut peers = baselines();
    peers.extend([("async_dag", async_dag()), ("dag_exec", dag_exec(false))]);
    Comparison::of("peers_tree_inline", "ns/node", nexus_inline(), peers)
}

/// On threads.
pub(crate) fn pool() -> Comparison {
    let mut peers = baselines();
    peers.extend([("dag_exec", dag_exec(true)), ("dagx", dagx())]);
    Comparison::of("peers_tree_pool", "ns/node", nexus_pool(), peers)
}
