//! Worker processes that cannot answer any more, and what they cost.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panic")]

mod common;

use std::collections::BTreeSet;
use std::process::id;
use std::sync::Mutex;

use common::{exception, wait_until, within};
use nexus::prelude::*;
use nexus::{ConfigError, ExceptionKind, Job, StepOutcome, WorkerExit};
use nix::sys::socket::{MsgFlags, Shutdown, send, shutdown};
use rustix::process::{Pid, Signal, getpid, kill_process};

nexus::test_workers!();

/// The descriptors of this process that are sockets: a worker's connection to its parent.
fn connections() -> Vec<i32> {
    let is_socket = |fd: &i32| {
        let target = std::fs::read_link(format!("/proc/self/fd/{fd}")).unwrap_or_default();
        target.to_string_lossy().starts_with("socket:")
    };
    (0..1024).filter(is_socket).collect()
}

fn close_all() {
    for fd in 0..1024 {
        let _ = nix::unistd::close(fd);
    }
}

mod mute {
    use super::*;

    #[event]
    fn numbers() -> Outcome<Vec<u32>> {
        Outcome::success((0..20).collect())
    }
    /// What a library does that makes a daemon of its process.
    #[event(
        executor = ProcessPoolExecutor,
        executor_config = { max_workers: 2 },
        execution_evaluation_state = SuccessForPartialSuccess,
    )]
    fn daemonises(#[piped] number: u32) -> Outcome<u32> {
        if number == 7 {
            close_all();
        }
        Outcome::success(number)
    }
    #[derive(Pipeline)]
    #[pipeline(flow = numbers |-> daemonises[each])]
    struct Daemons {}

    #[test]
    fn an_input_whose_body_closes_all_descriptors_is_poisoned_and_the_others_are_done() {
        let report = within(|| Daemons {}.run().unwrap());
        let StepOutcome::Each { total, failures, .. } =
            report.step("daemonises").unwrap().outcome()
        else {
            panic!("{report}")
        };
        assert_eq!((total, failures.len(), failures[0].0), (20, 1, 7), "{report}");
        let exception = failures[0].1.exception().unwrap();
        assert_eq!(exception.kind(), ExceptionKind::Poisoned);
        assert_eq!(exception.find::<WorkerExit>().and_then(WorkerExit::signal), Some(9));
        assert_eq!(report.get_each::<daemonises>().unwrap().len(), 19);
    }

    #[event(executor = ProcessPoolExecutor, executor_config = { max_workers: 1 })]
    fn hangs_up() -> Outcome<()> {
        for fd in connections() {
            shutdown(fd, Shutdown::Write).unwrap();
        }
        std::thread::sleep(std::time::Duration::from_mins(10));
        Outcome::success(())
    }
    #[event(executor = ProcessPoolExecutor, executor_config = { max_workers: 1 })]
    fn stops_in_the_middle() -> Outcome<()> {
        // A frame says its kind and its length; three bytes of a hundred follow.
        let mut frame = vec![5];
        frame.extend_from_slice(&100_u64.to_le_bytes());
        frame.extend_from_slice(&[1, 2, 3]);
        send(connections()[0], &frame, MsgFlags::empty()).unwrap();
        std::process::abort()
    }
    #[event(executor = ProcessPoolExecutor, executor_config = { max_workers: 1 })]
    fn closes_and_goes_on() -> Outcome<()> {
        close_all();
        // The numbers of the closed descriptors are those of these files now.
        let files: Vec<_> = (0..16).map(|_| std::fs::File::open("/dev/null")).collect();
        assert!(files.iter().all(Result::is_ok));
        std::thread::sleep(std::time::Duration::from_mins(10));
        Outcome::success(())
    }

    #[test]
    fn a_connection_that_is_closed_by_half_or_in_the_middle_of_a_frame_is_a_lost_worker() {
        for script in ["hangs_up", "stops_in_the_middle", "closes_and_goes_on"] {
            let report = within(|| common::run(script));
            assert_eq!(exception(&report).kind(), ExceptionKind::Poisoned, "{script}: {report}");
        }
    }

    #[event(executor = ProcessPoolExecutor, timeout = "200ms")]
    fn is_stopped() -> Outcome<()> {
        kill_process(getpid(), Signal::STOP).unwrap();
        // The signal may stop another thread first; this one must not answer before it is stopped.
        std::thread::sleep(std::time::Duration::from_mins(10));
        Outcome::success(())
    }

    #[test]
    fn a_process_that_is_stopped_by_a_signal_ends_with_its_timeout() {
        let report = within(|| common::run("is_stopped"));
        assert_eq!(exception(&report).kind(), ExceptionKind::Timeout);
    }

    #[event(executor = ProcessPoolExecutor)]
    fn megabytes() -> Outcome<Vec<u8>> {
        Outcome::success((0..50_u32 << 20).map(|i| i as u8).collect())
    }
    #[event(executor = ProcessPoolExecutor)]
    fn sum(#[piped] bytes: &Vec<u8>) -> Outcome<u64> {
        Outcome::success(bytes.iter().map(|byte| u64::from(*byte)).sum())
    }

    #[test]
    fn many_bytes_cross_and_come_back_as_they_are() {
        let report = within(|| common::run("megabytes |-> sum"));
        assert_eq!(report.output::<u64>().unwrap(), &(255 * 256 / 2 * (50 << 20) / 256));
    }
}

mod pool {
    use super::*;

    /// The pools of [`Counted`] that this process has.
    static POOLS: Mutex<Vec<ProcessPoolExecutor>> = Mutex::new(Vec::new());

    /// A pool of processes that can be asked how many it has started: an executor of one's own on
    /// top of another.
    #[derive(Debug)]
    struct Counted(usize);

    impl Executor for Counted {
        const RUNS: nexus::BodyKind = nexus::BodyKind::Remote;

        fn from_config(config: &ExecutorInitializerConfig) -> Result<Self, ConfigError> {
            let mut pools = POOLS.lock().unwrap();
            pools.push(ProcessPoolExecutor::new(config)?);
            Ok(Self(pools.len() - 1))
        }
        fn submit(&self, job: Job) {
            POOLS.lock().unwrap()[self.0].submit(job);
        }
        fn parallelism(&self) -> usize {
            POOLS.lock().unwrap()[self.0].parallelism()
        }
        fn shutdown(&self) {
            POOLS.lock().unwrap()[self.0].shutdown();
        }
    }

    fn started() -> usize {
        POOLS.lock().unwrap().iter().map(ProcessPoolExecutor::processes_started).sum()
    }

    nexus::register_executor!(Counted);

    #[event(executor = Counted, executor_config = { max_workers: 4 })]
    fn pid() -> Outcome<u32> {
        Outcome::success(id())
    }

    /// The processes that ran `pid`.
    fn pids(engine: &Engine, script: &str) -> Vec<u32> {
        let plan = common::plan(script, &Fields::new());
        let report = engine.run_plan(&plan, Inputs::new()).unwrap().ok().unwrap();
        report.steps_of::<pid>().map(|step| *step.value::<u32>().unwrap()).collect()
    }

    #[test]
    fn one_idle_worker_serves_one_task_after_the_other_until_it_dies_and_then_another_does() {
        let engine = Engine::new();
        let chain = vec!["pid"; 20].join(" -> ");
        let first: BTreeSet<u32> = pids(&engine, &chain).into_iter().collect();
        assert_eq!(first.len(), 1, "{first:?}");
        assert_eq!(started(), 1);
        let pid = *first.first().unwrap();
        assert_ne!(pid, id());
        // It dies idle, which costs nobody anything.
        let raw = Pid::from_raw(i32::try_from(pid).unwrap()).unwrap();
        kill_process(raw, Signal::KILL).unwrap();
        wait_until(|| !std::path::Path::new(&format!("/proc/{pid}")).exists());
        let second: BTreeSet<u32> = pids(&engine, &chain).into_iter().collect();
        assert_eq!((second.len(), second.contains(&pid), started()), (1, false, 2));
        // Ending the engine ends its processes.
        drop(engine);
        let left = second.first().unwrap();
        wait_until(|| !std::path::Path::new(&format!("/proc/{left}")).exists());
    }
}
