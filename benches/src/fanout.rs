//! 1,000 tasks that do nothing, on two workers, joined.

use std::hint::black_box;

use crossbeam_channel::{Receiver, Sender, unbounded};
use nexus::prelude::*;

use crate::chain::fail;
use crate::measure::{Comparison, Side, nanos_each};

pub(crate) const TASKS: usize = 1_000;

/// Does nothing, on a pool.
#[event(executor = ThreadPoolExecutor, executor_config = { max_workers: 2 })]
fn nothing() -> Outcome<()> {
    black_box(Outcome::success(()))
}

pub(crate) fn pool() -> Comparison {
    let mut registry = Registry::new();
    registry.add::<nothing>();
    let script = vec!["nothing"; TASKS].join(" || ");
    let plan = Flow::parse(script).and_then(|flow| flow.plan(&registry, &Fields::new()));
    let plan = plan.unwrap_or_else(|error| fail(&error));
    let engine = Engine::builder().step_timings(false).build().unwrap_or_else(|error| fail(&error));
    let rayon = rayon::ThreadPoolBuilder::new().num_threads(2).build().ok();
    let tokio = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().ok();

    let nexus: Side<'_> = Box::new(|| {
        nanos_each(TASKS, || engine.run_plan(&plan, Inputs::new()).unwrap_or_else(|e| fail(&e)))
    });
    let mut baselines: Vec<(&str, Side<'_>)> = Vec::new();
    if let Some(pool) = &rayon {
        let scope = || {
            pool.scope(|scope| (0..TASKS).for_each(|_| scope.spawn(|_| black_box(()))));
        };
        baselines.push(("rayon_scope", Box::new(move || nanos_each(TASKS, scope))));
    }
    if let Some(runtime) = &tokio {
        let join = async || {
            let tasks: Vec<_> = (0..TASKS).map(|_| tokio::spawn(async { black_box(()) })).collect();
            for task in tasks {
                let _ = task.await;
            }
        };
        baselines.push((
            "tokio_spawn",
            Box::new(move || nanos_each(TASKS, || runtime.block_on(join()))),
        ));
    }
    let channels = Channels::new();
    let run_all = move || nanos_each(TASKS, || channels.run_all());
    baselines.push(("crossbeam_channel", Box::new(run_all)));
    Comparison::of("fanout_pool", "ns/task", nexus, baselines)
}

type Job = Box<dyn FnOnce() + Send>;

/// The hand-written pool: jobs go to two threads over a channel, results come back over another.
struct Channels {
    jobs: Sender<Job>,
    results: Receiver<()>,
}

impl Channels {
    fn new() -> Self {
        let (jobs, waiting) = unbounded::<Job>();
        let (done, results) = unbounded();
        for _ in 0..2 {
            let (waiting, done) = (waiting.clone(), done.clone());
            std::thread::spawn(move || {
                for job in waiting {
                    job();
                    if done.send(()).is_err() {
                        return;
                    }
                }
            });
        }
        Self { jobs, results }
    }

    fn run_all(&self) {
        for _ in 0..TASKS {
            let _ = self.jobs.send(Box::new(|| black_box(())));
        }
        self.results.iter().take(TASKS).for_each(drop);
    }
}
