//! What worker processes do with bodies that hang, inputs that kill, and runs inside of runs.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panic")]

mod common;

use std::path::Path;
use std::process::id;
use std::thread::sleep;
use std::time::Duration;

use common::{wait_until, within};
use nexus::prelude::*;
use nexus::{ExceptionKind, StepOutcome, WorkerExit};

nexus::test_workers!();

fn kind_of(report: &Report, path: &str) -> ExceptionKind {
    match report.step(path).unwrap().outcome() {
        StepOutcome::Exception(exception) => exception.kind(),
        other => panic!("{other:?}"),
    }
}

fn read_pid(file: &Path) -> Option<u32> {
    std::fs::read_to_string(file).ok()?.trim().parse().ok()
}

fn is_alive(pid: u32) -> bool {
    Path::new(&format!("/proc/{pid}")).exists()
}

/// A file that goes with the test.
struct Note(std::path::PathBuf);

impl Note {
    fn new(name: &str) -> Self {
        Self(std::env::temp_dir().join(format!("nexus-{name}-{}", id())))
    }
}

impl Drop for Note {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

mod hangs {
    use super::*;

    #[event(executor = ProcessPoolExecutor, timeout = "200ms")]
    fn in_a_process(note: &std::path::PathBuf) -> Result<(), std::io::Error> {
        std::fs::write(note, id().to_string())?;
        sleep(Duration::from_mins(10));
        Ok(())
    }
    #[event(executor = ThreadPoolExecutor, timeout = "200ms")]
    fn on_a_thread() -> Outcome<()> {
        sleep(Duration::from_mins(10));
        Outcome::success(())
    }
    #[event(timeout = "200ms")]
    async fn async_event() -> Outcome<()> {
        tokio::time::sleep(Duration::from_mins(10)).await;
        Outcome::success(())
    }
    #[event]
    fn after() -> Outcome<u32> {
        Outcome::success(7)
    }

    #[derive(Pipeline)]
    #[pipeline(flow = in_a_process (0 -> after) -> on_a_thread (0 -> after) -> async_event (0 -> after))]
    struct Hang {
        note: std::path::PathBuf,
    }

    #[test]
    fn a_body_that_does_not_end_costs_its_timeout_and_no_more() {
        let note = Note::new("hang");
        let path = note.0.clone();
        let report = within(move || {
            // The engine goes, too, and does not wait for the thread.
            Engine::new().run(Hang { note: path }).unwrap()
        });
        for path in ["in_a_process", "on_a_thread", "async_event"] {
            assert_eq!(kind_of(&report, path), ExceptionKind::Timeout, "{report}");
        }
        assert!(report.is_success(), "{report}");
        // On a busy machine the time may be over before the body has begun.
        if let Some(pid) = read_pid(&note.0) {
            wait_until(|| !is_alive(pid));
        }
    }

    #[derive(Pipeline)]
    #[pipeline(flow = in_a_process[timeout = "1h"])]
    struct Cancelled {
        note: std::path::PathBuf,
    }

    #[test]
    fn cancelling_a_run_kills_the_process_that_works_for_it() {
        let note = Note::new("cancel");
        let engine = Engine::new();
        let handle = engine.prepare(Cancelled { note: note.0.clone() }).unwrap().start().unwrap();
        wait_until(|| read_pid(&note.0).is_some());
        handle.cancel();
        let report = within(move || handle.wait().unwrap());
        assert_eq!(report.status(), Status::Cancelled);
        let pid = read_pid(&note.0).unwrap();
        wait_until(|| !is_alive(pid));
    }
}

mod poison {
    use super::*;

    #[event]
    fn inputs() -> Outcome<Vec<u32>> {
        Outcome::success(vec![1, 2, 3, 4])
    }
    /// The process does not survive the number 3.
    #[event(
        executor = ProcessPoolExecutor,
        executor_config = { max_workers: 2 },
        retry_policy = { max_attempts: 5, backoff_factor: 0.0 },
        execution_evaluation_state = SuccessForPartialSuccess,
    )]
    fn fragile(#[piped] number: u32, note: &std::path::PathBuf) -> Result<u32, std::io::Error> {
        if number == 3 {
            let lives = std::fs::read_to_string(note).unwrap_or_default();
            std::fs::write(note, format!("{lives}x"))?;
            std::process::abort();
        }
        Ok(number * 10)
    }
    #[event]
    fn sum(#[piped] all: &Vec<u32>) -> Outcome<u32> {
        Outcome::success(all.iter().sum())
    }

    #[derive(Pipeline)]
    #[pipeline(flow = inputs |-> fragile[each] |-> sum)]
    struct Poison {
        note: std::path::PathBuf,
    }

    #[test]
    fn an_input_that_kills_three_workers_is_poisoned_and_nothing_else_suffers() {
        let note = Note::new("poison");
        let path = note.0.clone();
        let report = within(move || Engine::new().run(Poison { note: path }).unwrap());
        assert_eq!(report.output::<u32>().unwrap(), &70, "{report}");
        let StepOutcome::Each { failures, .. } = report.step("fragile").unwrap().outcome() else {
            panic!("{report}");
        };
        let [(2, failure)] = failures.as_slice() else { panic!("{failures:?}") };
        let exception = failure.exception().unwrap();
        assert_eq!(exception.kind(), ExceptionKind::Poisoned);
        assert_eq!(exception.find::<WorkerExit>().unwrap().signal(), Some(6));
        let said = "3 workers died of this input of `fragile`";
        assert!(exception.message().starts_with(said), "{exception}");
        // Three times in all: the event's own policy does not apply.
        assert_eq!(std::fs::read_to_string(&note.0).unwrap(), "xxx");
        assert_eq!(report.step("fragile").unwrap().attempts(), 4);
    }
}

mod nesting {
    use super::*;

    /// A run inside of each of two events, so many levels deep, in processes all the way down.
    #[event]
    fn both(#[piped] counts: (u64, u64)) -> Outcome<u64> {
        Outcome::success(counts.0 + counts.1)
    }
    #[event(executor = ProcessPoolExecutor)]
    fn inside(depth: u32, workers: u32) -> Result<u64, nexus::Error> {
        leaves(depth - 1, workers)
    }

    fn leaves(depth: u32, workers: u32) -> Result<u64, nexus::Error> {
        if depth == 0 {
            return Ok(1);
        }
        let config = format!("executor_config = {{max_workers: {workers}}}");
        let member = format!("inside[executor = ProcessPoolExecutor, {config}]");
        // Two members at the first two levels, one below: the tree of processes stays small.
        let script = if depth > 4 { format!("{member} || {member} |-> both") } else { member };
        let fields = Fields::new().with::<u32>("depth").with::<u32>("workers");
        let plan = Flow::parse(script)?.plan(&Registry::linked(), &fields)?;
        let inputs = Inputs::new().with("depth", depth).with("workers", workers);
        let report = Engine::shared().run_plan(&plan, inputs)?.ok()?;
        Ok(*report.output::<u64>()?)
    }

    #[test]
    fn processes_never_wait_for_each_other_in_a_circle() {
        for workers in 1..=4 {
            for depth in 1..=6 {
                let found = within(move || leaves(depth, workers).unwrap());
                let expected = 1 << depth.saturating_sub(4);
                assert_eq!(found, expected, "{workers} workers, depth {depth}");
            }
        }
    }
}
