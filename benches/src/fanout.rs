//! 1,000 tasks on two workers, joined: of no work, of 1 and of 10 microseconds, as members of a
//! group and as the items of a list.

use std::hint::black_box;
use std::sync::{Arc, LazyLock};
use std::time::Instant;

use crossbeam_channel::{Receiver, Sender, unbounded};
use nexus::Plan;
use nexus::prelude::*;
use rayon::iter::{IntoParallelIterator, ParallelIterator};

use crate::chain::fail;
use crate::measure::{Comparison, Side, nanos_each};

/// How many tasks there are.
pub const TASKS: usize = 1_000;

/// How much a task has to do.
#[derive(Debug, Clone, Copy)]
pub enum Work {
    /// Nothing.
    Nothing,
    /// A microsecond of work.
    OneMicro,
    /// Ten microseconds of work.
    TenMicros,
}

/// Multiplications, one after the other, that take a microsecond here.
static ONE_MICRO: LazyLock<u64> = LazyLock::new(|| {
    const MANY: u64 = 4_000_000;
    let once = || {
        let start = Instant::now();
        multiply(MANY);
        start.elapsed().as_nanos() as u64
    };
    let nanos = (0..5).map(|_| once()).min().unwrap_or(1);
    MANY * 1_000 / nanos.max(1)
});

fn multiply(times: u64) {
    let mut x = black_box(3_u64);
    for _ in 0..times {
        x = x.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    }
    black_box(x);
}

impl Work {
    /// Does it.
    pub fn carry_out(self) {
        match self {
            Self::Nothing => black_box(()),
            Self::OneMicro => multiply(*ONE_MICRO),
            Self::TenMicros => multiply(*ONE_MICRO * 10),
        }
    }

    fn event(self, each: bool) -> &'static str {
        match (self, each) {
            (Self::Nothing, false) => "nothing",
            (Self::OneMicro, false) => "one_micro",
            (Self::TenMicros, false) => "ten_micros",
            (Self::Nothing, true) => "nothing_each",
            (Self::OneMicro, true) => "one_micro_each",
            (Self::TenMicros, true) => "ten_micros_each",
        }
    }
}

/// Does nothing, on a pool.
#[event(executor = ThreadPoolExecutor, executor_config = { max_workers: 2 })]
pub(crate) fn nothing() -> Outcome<()> {
    Work::Nothing.carry_out();
    Outcome::success(())
}

/// Works for a microsecond.
#[event(executor = ThreadPoolExecutor, executor_config = { max_workers: 2 })]
fn one_micro() -> Outcome<()> {
    Work::OneMicro.carry_out();
    Outcome::success(())
}

/// Works for ten microseconds.
#[event(executor = ThreadPoolExecutor, executor_config = { max_workers: 2 })]
fn ten_micros() -> Outcome<()> {
    Work::TenMicros.carry_out();
    Outcome::success(())
}

/// Does nothing for an item.
#[event(executor = ThreadPoolExecutor, executor_config = { max_workers: 2 })]
pub(crate) fn nothing_each(#[piped] n: &u64) -> Outcome<u64> {
    Work::Nothing.carry_out();
    Outcome::success(*n)
}

/// Works for a microsecond for an item.
#[event(executor = ThreadPoolExecutor, executor_config = { max_workers: 2 })]
pub(crate) fn one_micro_each(#[piped] n: &u64) -> Outcome<u64> {
    Work::OneMicro.carry_out();
    Outcome::success(*n)
}

/// Works for ten microseconds for an item.
#[event(executor = ThreadPoolExecutor, executor_config = { max_workers: 2 })]
fn ten_micros_each(#[piped] n: &u64) -> Outcome<u64> {
    Work::TenMicros.carry_out();
    Outcome::success(*n)
}

/// Does nothing for an item, on the run's own thread.
#[event(executor = DefaultExecutor)]
fn nothing_inline(#[piped] n: &u64) -> Outcome<u64> {
    Work::Nothing.carry_out();
    Outcome::success(*n)
}

/// The items.
#[event]
fn numbers() -> Outcome<Vec<u64>> {
    Outcome::success((0..TASKS as u64).collect())
}

fn plan(script: &str) -> Arc<Plan> {
    let mut registry = Registry::new();
    registry.add::<nothing>().add::<one_micro>().add::<ten_micros>().add::<numbers>();
    registry.add::<nothing_each>().add::<one_micro_each>().add::<ten_micros_each>();
    registry.add::<nothing_inline>();
    let plan = Flow::parse(script).and_then(|flow| flow.plan(&registry, &Fields::new()));
    plan.unwrap_or_else(|error| fail(&error))
}

const EACH_INLINE: &str = "numbers |-> nothing_inline[each]";

/// The items on the run's own thread.
pub(crate) fn each_inline_plan() -> Arc<Plan> {
    plan(EACH_INLINE)
}

/// The members of a group that do nothing, on two workers.
pub(crate) fn group_plan() -> Arc<Plan> {
    plan(&group(Work::Nothing))
}

/// The items of a list, for each of which nothing is done, on two workers.
pub(crate) fn each_plan() -> Arc<Plan> {
    plan(&each(Work::Nothing))
}

fn nexus<'a>(engine: Engine, script: &str) -> Side<'a> {
    let plan = plan(script);
    let run = move || engine.run_plan(&plan, Inputs::new()).unwrap_or_else(|error| fail(&error));
    Box::new(move || nanos_each(TASKS, &run))
}

/// The members of a group, on two workers, with default settings.
pub fn nexus_group<'a>(work: Work) -> Side<'a> {
    LazyLock::force(&ONE_MICRO);
    nexus(Engine::new(), &group(work))
}

fn group(work: Work) -> String {
    vec![work.event(false); TASKS].join(" || ")
}

fn each(work: Work) -> String {
    format!("numbers |-> {}[each]", work.event(true))
}

fn untimed() -> Engine {
    Engine::builder().step_timings(false).build().unwrap_or_else(|error| fail(&error))
}

fn of(name: &'static str, work: Work, script: &str) -> Comparison {
    let mut baselines = baselines(work, TASKS);
    baselines.push(("nexus_without_timings", nexus(untimed(), script)));
    Comparison::of(name, "ns/task", nexus(Engine::new(), script), baselines)
}

pub(crate) fn group_of_nothing() -> Comparison {
    of("fanout_group", Work::Nothing, &group(Work::Nothing))
}

pub(crate) fn each_of_nothing() -> Comparison {
    of("fanout_each", Work::Nothing, &each(Work::Nothing))
}

pub(crate) fn group_of_one_micro() -> Comparison {
    of("fanout_group_1us", Work::OneMicro, &group(Work::OneMicro))
}

pub(crate) fn each_of_one_micro() -> Comparison {
    of("fanout_each_1us", Work::OneMicro, &each(Work::OneMicro))
}

pub(crate) fn group_of_ten_micros() -> Comparison {
    of("fanout_group_10us", Work::TenMicros, &group(Work::TenMicros))
}

pub(crate) fn each_of_ten_micros() -> Comparison {
    of("fanout_each_10us", Work::TenMicros, &each(Work::TenMicros))
}

/// The items on the run's own thread.
pub(crate) fn each_inline() -> Comparison {
    let boxed = || {
        nanos_each(TASKS, || {
            let boxes = (0..TASKS as u64).map(|n| black_box(Box::new(n) as Box<dyn Send>));
            boxes.collect::<Vec<_>>()
        })
    };
    let baselines: Vec<(&str, Side<'_>)> = vec![
        ("boxes_collected", Box::new(boxed)),
        ("nexus_without_timings", nexus(untimed(), EACH_INLINE)),
    ];
    Comparison::of("each_inline", "ns/item", nexus(Engine::new(), EACH_INLINE), baselines)
}

/// What shares out so many tasks by hand, with rayon, tokio and a channel.
pub fn baselines<'a>(work: Work, tasks: usize) -> Vec<(&'static str, Side<'a>)> {
    LazyLock::force(&ONE_MICRO);
    let mut baselines: Vec<(&str, Side<'_>)> = Vec::new();
    if let Ok(pool) = rayon::ThreadPoolBuilder::new().num_threads(2).build() {
        let pool = std::rc::Rc::new(pool);
        let halves = std::rc::Rc::clone(&pool);
        let split = move || {
            let half = || (0..tasks / 2).for_each(|_| work.carry_out());
            halves.join(half, half);
        };
        let spawn = move |pool: &rayon::ThreadPool| {
            pool.scope(|scope| (0..tasks).for_each(|_| scope.spawn(move |_| work.carry_out())));
        };
        let items = std::rc::Rc::clone(&pool);
        let iterate = move || {
            items.install(|| (0..tasks).into_par_iter().for_each(|_| work.carry_out()));
        };
        baselines.push(("split_in_two", Box::new(move || nanos_each(tasks, &split))));
        baselines.push(("rayon_scope", Box::new(move || nanos_each(tasks, || spawn(&pool)))));
        baselines.push(("rayon_par_iter", Box::new(move || nanos_each(tasks, &iterate))));
    }
    if let Ok(runtime) = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build() {
        let join = async move || {
            let tasks: Vec<_> =
                (0..tasks).map(|_| tokio::spawn(async move { work.carry_out() })).collect();
            for task in tasks {
                let _ = task.await;
            }
        };
        let side = move || nanos_each(tasks, || runtime.block_on(join()));
        baselines.push(("tokio_spawn", Box::new(side)));
    }
    let channels = Channels::new();
    let side = move || nanos_each(tasks, || channels.run_all(work, tasks));
    baselines.push(("crossbeam_channel", Box::new(side)));
    baselines
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

    fn run_all(&self, work: Work, tasks: usize) {
        for _ in 0..tasks {
            let _ = self.jobs.send(Box::new(move || work.carry_out()));
        }
        self.results.iter().take(tasks).for_each(drop);
    }
}
