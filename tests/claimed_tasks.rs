//! What an executor that runs several tasks elsewhere may rely on, with one that a test drives by
//! hand: nothing runs twice that need not, and nobody is blamed for a neighbour.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panic")]

mod common;

use std::sync::{Arc, Mutex, MutexGuard};

use common::{wait_until, within};
use nexus::prelude::*;
use nexus::{
    ClaimedTasks, ConfigError, ExceptionKind, Job, Plan, StepOutcome, TaskHost, WorkerExit,
};
use serde_json::Value as Json;

/// The jobs that the executor was given.
static JOBS: Mutex<Vec<Job>> = Mutex::new(Vec::new());
/// The tests take turns, since there is one executor.
static TURN: Mutex<()> = Mutex::new(());

#[derive(Debug)]
struct ByHand;

impl Executor for ByHand {
    const RUNS: nexus::BodyKind = nexus::BodyKind::Remote;

    fn from_config(config: &ExecutorInitializerConfig) -> Result<Self, ConfigError> {
        config.check().map(|()| Self)
    }
    fn submit(&self, job: Job) {
        JOBS.lock().unwrap().push(job);
    }
    fn parallelism(&self) -> usize {
        2
    }
}

nexus::register_executor!(ByHand);

const ITEMS: u64 = 100;

#[event]
fn numbers() -> Outcome<Vec<u64>> {
    Outcome::success((0..ITEMS).collect())
}

#[event(executor = ByHand, execution_evaluation_state = SuccessForPartialSuccess)]
fn double(#[piped] number: u64) -> Outcome<u64> {
    Outcome::success(number * 2)
}

/// Tasks of the next job that has any.
fn next_tasks() -> ClaimedTasks {
    let mut tasks = None;
    wait_until(|| {
        let job = JOBS.lock().unwrap().pop();
        tasks = job.and_then(|job| job.claim_together(1000));
        tasks.is_some()
    });
    tasks.unwrap()
}

/// Drops the jobs of runs that are over.
fn forget_jobs() {
    let jobs = std::mem::take(&mut *JOBS.lock().unwrap());
    drop(jobs);
}

/// The requests of all tasks.
fn requests(tasks: &mut ClaimedTasks) -> Vec<Json> {
    let indices = 0..tasks.len();
    let write = |index| tasks.write_request(index, serde_json::value::Serializer).unwrap();
    indices.map(write).collect()
}

/// The item and the attempt that a request is for.
fn header(request: &Json) -> (u64, u64) {
    (request[1]["item"].as_u64().unwrap(), request[1]["attempt"].as_u64().unwrap())
}

/// Runs the first task, in no time.
fn run_first(host: &mut TaskHost, tasks: &mut ClaimedTasks, request: Json) {
    let mut reply = host.run(request).write(serde_json::value::Serializer).unwrap();
    reply[0] = 100.into();
    assert!(tasks.start());
    tasks.complete(reply);
}

fn run_all(host: &mut TaskHost, mut tasks: ClaimedTasks) {
    for request in requests(&mut tasks) {
        run_first(host, &mut tasks, request);
    }
    tasks.deliver();
}

struct Fixture {
    engine: Engine,
    plan: Arc<Plan>,
    host: TaskHost,
    _turn: MutexGuard<'static, ()>,
}

impl Fixture {
    /// An engine and a plan, of whose tasks it is known that they are short.
    fn new() -> Self {
        let turn = TURN.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        forget_jobs();
        let plan = common::plan("numbers |-> double[each]", &Fields::new());
        let host = TaskHost::linked(|_, _| {});
        let mut fixture = Self { engine: Engine::new(), plan, host, _turn: turn };
        let handle = fixture.start();
        let report = fixture.finish(handle);
        assert!(report.is_success(), "{report}");
        fixture
    }

    fn start(&self) -> nexus::RunHandle {
        self.engine.prepare_plan(&self.plan, Inputs::new()).unwrap().start().unwrap()
    }

    /// Runs what there is until the run is over.
    fn finish(&mut self, handle: nexus::RunHandle) -> Report {
        while !handle.is_finished() {
            let job = JOBS.lock().unwrap().pop();
            if let Some(tasks) = job.and_then(|job| job.claim_together(1000)) {
                run_all(&mut self.host, tasks);
            }
        }
        handle.wait().unwrap()
    }
}

#[test]
fn short_tasks_are_claimed_together_and_those_of_nobody_knows_one_by_one() {
    within(|| {
        let turn = TURN.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        forget_jobs();
        let plan = common::plan("numbers |-> double[each]", &Fields::new());
        let engine = Engine::new();
        let handle = engine.prepare_plan(&plan, Inputs::new()).unwrap().start().unwrap();
        let first = next_tasks();
        assert_eq!(first.len(), 1);
        handle.cancel();
        drop(first);
        handle.wait().unwrap();
        drop(turn);

        let mut fixture = Fixture::new();
        let handle = fixture.start();
        let mut tasks = next_tasks();
        let claimed = tasks.len() as u64;
        assert!(claimed > 8, "{claimed}");
        let (headers, more): (Vec<_>, _) =
            (requests(&mut tasks).iter().map(header).collect(), tasks.claim_more(3).unwrap());
        assert_eq!(headers, (0..claimed).map(|item| (item, 1)).collect::<Vec<_>>());
        assert_eq!(more.len(), 3);
        // Fewer than are worth a message wait; what has ended may lead to others.
        assert!(tasks.claim_more(1000).is_none());
        // What they have in common is said once.
        assert!(requests(&mut tasks).iter().skip(1).all(|request| request[0].is_null()));
        run_all(&mut fixture.host, tasks);
        run_all(&mut fixture.host, more);
        let report = fixture.finish(handle);
        assert_eq!(
            report.get_each::<double>().unwrap(),
            &(0..ITEMS).map(|n| n * 2).collect::<Vec<_>>()
        );
    });
}

/// What the supervisor of a worker does that has died in task `culprit`.
fn die(tasks: &mut ClaimedTasks, culprit: usize) {
    tasks.give_back(culprit + 1);
    tasks.fail(culprit, Exception::worker_lost(WorkerExit::new(Some(9), None)));
    tasks.give_back(0);
    tasks.deliver();
}

#[test]
fn a_worker_that_dies_three_times_of_one_task_poisons_that_and_costs_no_other_anything() {
    within(|| {
        let mut fixture = Fixture::new();
        let handle = fixture.start();
        for death in 0..3 {
            // Somewhere in what was claimed together; the culprit is always item 4.
            let mut tasks = loop {
                let mut tasks = next_tasks();
                let items: Vec<_> = requests(&mut tasks).iter().map(header).collect();
                assert!(items.iter().all(|(_, attempt)| *attempt == 1));
                match items.iter().position(|(item, _)| *item == 4) {
                    Some(at) => {
                        assert!(death > 0 || (at == 4 && items.len() > 8));
                        for request in requests(&mut tasks).into_iter().take(at.min(2)) {
                            run_first(&mut fixture.host, &mut tasks, request);
                        }
                        die(&mut tasks, at - at.min(2));
                        break tasks;
                    }
                    None => run_all(&mut fixture.host, tasks),
                }
            };
            assert!(tasks.is_empty());
            tasks.deliver();
        }
        let report = fixture.finish(handle);
        let StepOutcome::Each { total, failures, .. } = report.step("double").unwrap().outcome()
        else {
            panic!("{report}")
        };
        let [(4, failure)] = failures.as_slice() else { panic!("{failures:?}") };
        assert_eq!(failure.exception().unwrap().kind(), ExceptionKind::Poisoned);
        assert_eq!(total, ITEMS);
        // A lost worker is no attempt, and neither is being handed out again.
        assert_eq!(u64::from(report.step("double").unwrap().attempts()), ITEMS);
    });
}

#[test]
fn what_was_given_back_when_the_run_was_cancelled_meanwhile_is_done_by_nobody() {
    within(|| {
        let mut fixture = Fixture::new();
        let handle = fixture.start();
        let mut tasks = next_tasks();
        assert!(!tasks.is_cancelled(1) && tasks.start());
        handle.cancel();
        wait_until(|| tasks.is_cancelled(0));
        tasks.give_back(1);
        assert_eq!(tasks.len(), 1);
        drop(tasks);
        assert_eq!(handle.wait().unwrap().status(), Status::Cancelled);
        // And the engine is as good as before.
        forget_jobs();
        let handle = fixture.start();
        assert!(fixture.finish(handle).is_success());
    });
}
