//! 1,000 tasks on two threads, joined: of no work, of 1 and of 10 microseconds.

use std::sync::Arc;

use dag_exec::{BuildError, Dag, DagBuilder, Executor, ExecutorConfig};
use dagx::{DagRunner, Task, task};
use nexus_bench::chain::fail;
use nexus_bench::fanout::{TASKS, Work, baselines, nexus_group};
use nexus_bench::measure::{Comparison, Side, nanos_each};

/// The last task waits for all others.
fn dag_exec_group(work: Work) -> Result<Dag<usize, (), ()>, BuildError<usize>> {
    let mut builder = DagBuilder::new();
    for number in 0..TASKS {
        builder.add_task(number, Vec::new(), move |_: &[Arc<()>]| {
            work.carry_out();
            Ok(())
        })?;
    }
    builder.add_task(TASKS, (0..TASKS).collect(), |_: &[Arc<()>]| Ok(()))?;
    builder.build()
}

fn dag_exec<'a>(work: Work, parallel: bool) -> Side<'a> {
    let dag = dag_exec_group(work).unwrap_or_else(|error| fail(&format!("{error:?}")));
    let executor = Executor::new(ExecutorConfig { max_workers: 2, ..ExecutorConfig::default() });
    Box::new(move || {
        nanos_each(TASKS, || {
            let run = if parallel {
                executor.run_parallel(&dag, [TASKS])
            } else {
                executor.run_sequential(&dag, [TASKS])
            };
            run.unwrap_or_else(|error| fail(&format!("{error:?}")))
        })
    })
}

struct Member(Work);

#[task]
impl Member {
    async fn run(&self) -> () {
        self.0.carry_out();
    }
}

fn dagx<'a>(work: Work) -> Side<'a> {
    let runtime = crate::tokio();
    Box::new(move || {
        let dag = DagRunner::new();
        for _ in 0..TASKS {
            dag.add_task(Member(work));
        }
        nanos_each(TASKS, || {
            let run = dag.run(|task| drop(tokio::spawn(task)));
            runtime.block_on(run).unwrap_or_else(|error| fail(&error));
        })
    })
}

fn compare(name: &'static str, work: Work) -> Comparison {
    let mut peers = baselines(work, TASKS);
    peers.extend([
        ("dag_exec", dag_exec(work, true)),
        ("dag_exec_one_thread", dag_exec(work, false)),
        ("dagx", dagx(work)),
    ]);
    Comparison::of(name, "ns/task", nexus_group(work), peers)
}

pub(crate) fn of_nothing() -> Comparison {
    compare("peers_fanout", Work::Nothing)
}

pub(crate) fn of_one_micro() -> Comparison {
    compare("peers_fanout_1us", Work::OneMicro)
}

pub(crate) fn of_ten_micros() -> Comparison {
    compare("peers_fanout_10us", Work::TenMicros)
}
