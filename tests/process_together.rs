//! Short tasks that a worker process gets several of at once: a crash, a slow one and a limit cost
//! no more than if each had gone alone.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panic")]

mod common;

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::id;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use common::within;
use nexus::prelude::*;
use nexus::testing::assume_short_tasks;
use nexus::{ExceptionKind, Observer, StepEvent, StepOutcome};

nexus::test_workers!();

const ITEMS: u64 = 100;
/// The one that is not as the others. A worker gets it together with some before and after it.
const ODD: u64 = 37;

#[event]
fn numbers() -> Outcome<Vec<u64>> {
    Outcome::success((0..ITEMS).collect())
}

/// A folder for what tasks leave behind.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("nexus-together-{name}-{}", id()));
        std::fs::create_dir_all(&folder).unwrap();
        Self(folder)
    }

    /// How often each number began, and in which process.
    fn began(&self) -> BTreeMap<u64, Vec<u32>> {
        let mut began: BTreeMap<u64, Vec<u32>> = BTreeMap::new();
        for line in std::fs::read_to_string(self.0.join("began")).unwrap().lines() {
            let (number, pid) = line.split_once(' ').unwrap();
            began.entry(number.parse().unwrap()).or_default().push(pid.parse().unwrap());
        }
        began
    }

    /// Forgets what was noted, and lets the odd task be odd from now on.
    fn be_odd(&self) {
        std::fs::write(self.0.join("began"), "").unwrap();
        File::create(self.0.join("odd")).unwrap();
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Notes that a task begins, at the cost of one write.
fn note(folder: &Path, number: u64) {
    static FILE: OnceLock<File> = OnceLock::new();
    let open = || OpenOptions::new().append(true).create(true).open(folder.join("began")).unwrap();
    FILE.get_or_init(open).write_all(format!("{number} {}\n", id()).as_bytes()).unwrap();
}

fn is_odd(folder: &Path, number: u64) -> bool {
    number == ODD && folder.join("odd").exists()
}

fn plan(event: &str) -> Arc<nexus::Plan> {
    common::plan(&format!("numbers |-> {event}[each]"), &Fields::new().with::<PathBuf>("folder"))
}

/// Runs the plan until there are workers, then once with many short tasks, of which one is odd.
fn run_odd(engine: &Engine, plan: &Arc<nexus::Plan>, folder: &Folder) -> Report {
    let run = || engine.run_plan(plan, Inputs::new().with("folder", folder.0.clone())).unwrap();
    let report = run();
    assert!(report.is_success(), "{report}");
    folder.be_odd();
    assume_short_tasks(plan);
    run()
}

mod crash {
    use super::*;

    #[event(
        executor = ProcessPoolExecutor,
        executor_config = { max_workers: 2 },
        execution_evaluation_state = SuccessForPartialSuccess,
    )]
    fn dies(#[piped] number: u64, folder: &PathBuf) -> Outcome<u64> {
        note(folder, number);
        if is_odd(folder, number) {
            std::process::abort();
        }
        Outcome::success(number * 2)
    }

    #[test]
    fn a_task_that_kills_its_worker_is_poisoned_and_its_neighbours_are_blamed_for_nothing() {
        let folder = Folder::new("dies");
        let (report, folder) = within(move || {
            let report = run_odd(&Engine::new(), &plan("dies"), &folder);
            (report, folder)
        });
        let step = report.step("dies").unwrap();
        let StepOutcome::Each { total, failures, .. } = step.outcome() else { panic!("{report}") };
        let [(ODD, failure)] = failures.as_slice() else { panic!("{failures:?}") };
        assert_eq!(failure.exception().unwrap().kind(), ExceptionKind::Poisoned);
        let expected: Vec<u64> = (0..ITEMS).filter(|n| *n != ODD).map(|n| n * 2).collect();
        assert_eq!(report.get_each::<dies>().unwrap(), &expected);
        assert_eq!((total, u64::from(step.attempts())), (ITEMS, ITEMS));
        let began = folder.began();
        assert_eq!(began[&ODD].len(), 3);
        for (number, pids) in &began {
            // What a worker had not begun when it died begins once. What had just ended there, and
            // whose reply was lost with it, may begin again.
            let (_, earlier) = pids.split_last().unwrap();
            let died = |pid| began[&ODD].contains(pid);
            assert!(earlier.iter().all(died), "{number} began in {pids:?}");
        }
    }
}

mod slow {
    use super::*;

    /// Notes when all tasks but one have ended, which is what that one waits for.
    struct AllOthers(AtomicU64, PathBuf);

    impl Observer for AllOthers {
        fn event_execution_end(&self, event: &StepEvent<'_>, _: nexus::Ended<'_>) {
            if event.event() == "waits" && self.1.join("odd").exists() {
                let ended = self.0.fetch_add(1, Ordering::SeqCst) + 1;
                if ended == ITEMS - 1 {
                    File::create(self.1.join("ended")).unwrap();
                }
            }
        }
    }

    #[event(executor = ProcessPoolExecutor, executor_config = { max_workers: 2 })]
    fn waits(#[piped] number: u64, folder: &PathBuf) -> Outcome<u64> {
        note(folder, number);
        while is_odd(folder, number) && !folder.join("ended").exists() {
            std::thread::yield_now();
        }
        Outcome::success(number * 2)
    }

    #[test]
    fn nothing_waits_for_a_slow_task_neither_what_was_to_run_after_it_nor_what_had_ended() {
        let folder = Folder::new("waits");
        let (report, folder) = within(move || {
            let observer = AllOthers(AtomicU64::new(0), folder.0.clone());
            let engine = Engine::builder().observer(observer).build().unwrap();
            let report = run_odd(&engine, &plan("waits"), &folder);
            (report, folder)
        });
        let expected: Vec<u64> = (0..ITEMS).map(|n| n * 2).collect();
        assert_eq!(report.get_each::<waits>().unwrap(), &expected);
        let began = folder.began();
        assert!(began.values().all(|pids| pids.len() == 1), "{began:?}");
    }

    #[event(executor = ProcessPoolExecutor, executor_config = { max_workers: 2 })]
    fn hangs(#[piped] number: u64, folder: &PathBuf) -> Outcome<u64> {
        note(folder, number);
        while is_odd(folder, number) {
            std::thread::park();
        }
        Outcome::success(number)
    }

    #[test]
    fn a_run_that_is_cancelled_kills_the_worker_that_hangs_and_the_pool_is_as_good_as_before() {
        let folder = Folder::new("hangs");
        within(move || {
            let (engine, plan) = (Engine::new(), plan("hangs"));
            let inputs = || Inputs::new().with("folder", folder.0.clone());
            assert!(engine.run_plan(&plan, inputs()).unwrap().is_success());
            folder.be_odd();
            assume_short_tasks(&plan);
            let handle = engine.prepare_plan(&plan, inputs()).unwrap().start().unwrap();
            common::wait_until(|| folder.began().contains_key(&ODD));
            let pid = folder.began()[&ODD][0];
            handle.cancel();
            assert_eq!(handle.wait().unwrap().status(), Status::Cancelled);
            common::wait_until(|| !Path::new(&format!("/proc/{pid}")).exists());
            std::fs::remove_file(folder.0.join("odd")).unwrap();
            assert!(engine.run_plan(&plan, inputs()).unwrap().is_success());
        });
    }
}

mod limit {
    use super::*;

    #[event(
        executor = ProcessPoolExecutor,
        executor_config = { max_workers: 2, max_tasks_per_child: 50 },
    )]
    fn own_pid(#[piped] _number: u64) -> Outcome<u32> {
        Outcome::success(id())
    }

    #[test]
    fn a_worker_runs_as_many_tasks_as_it_may_and_not_one_more() {
        let plan = common::plan("numbers |-> own_pid[each]", &Fields::new());
        let tasks = within(move || {
            let engine = Engine::new();
            let mut tasks: BTreeMap<u32, u32> = BTreeMap::new();
            for _ in 0..5 {
                assume_short_tasks(&plan);
                let report = engine.run_plan(&plan, Inputs::new()).unwrap();
                let pids = report.get_each::<own_pid>().unwrap();
                for pid in pids {
                    *tasks.entry(*pid).or_default() += 1;
                }
            }
            tasks
        });
        assert_eq!(tasks.values().sum::<u32>(), 5 * ITEMS as u32);
        // The last two may have had no more to do.
        assert!(tasks.values().all(|tasks| *tasks <= 50), "{tasks:?}");
        assert!(tasks.values().filter(|tasks| **tasks < 50).count() <= 2, "{tasks:?}");
    }
}
