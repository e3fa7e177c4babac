//! Workers that are killed while they work: every result is right, every other task ran once, and
//! neither a zombie nor an orphan is left.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "a test says what it expects")]

use std::collections::HashMap;
use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use nexus::prelude::*;
use nexus::{Ended, StepEvent};
use rustix::process::{Pid, Signal, kill_process};

nexus::test_workers!();

/// The processes whose parent this one is, with their states.
fn children() -> Vec<(i32, char)> {
    let own = std::process::id().to_string();
    let stats = fs::read_dir("/proc").unwrap().filter_map(|entry| {
        let name = entry.ok()?.file_name().into_string().ok()?;
        let stat = fs::read_to_string(format!("/proc/{name}/stat")).ok()?;
        // The command's name is in brackets, and may hold anything.
        let mut fields = stat.rsplit_once(')')?.1.split_whitespace();
        let state = fields.next()?.chars().next()?;
        (fields.next()? == own).then_some(())?;
        Some((name.parse().ok()?, state))
    });
    stats.collect()
}

#[event]
fn numbers() -> Outcome<Vec<u64>> {
    Outcome::success((0..200).collect())
}

/// Notes that it began, then takes a while, as work does. It has no retry policy: a lost worker is
/// nothing that the event did.
#[event(executor = ProcessPoolExecutor, executor_config = { max_workers: 3 })]
fn slow_square(#[piped] number: u64, log: &PathBuf) -> Result<u64, std::io::Error> {
    OpenOptions::new().append(true).open(log)?.write_all(format!("{number}\n").as_bytes())?;
    thread::sleep(Duration::from_millis(12));
    Ok(number * number)
}

#[derive(Pipeline)]
#[pipeline(flow = numbers |-> slow_square[each])]
struct Squares {
    log: PathBuf,
}

/// How many workers have died of each item that is not done.
#[derive(Clone, Default)]
struct Deaths(Arc<Mutex<HashMap<u64, u32>>>);

impl Deaths {
    /// Whether one more death could be the third of an input, which would poison it.
    fn are_enough(&self) -> bool {
        self.0.lock().unwrap().values().any(|deaths| *deaths >= 2)
    }
}

impl Observer for Deaths {
    // Before the task is given to another worker.
    fn event_execution_retry(&self, step: &StepEvent<'_>, _: &Exception, _: Duration) {
        let item = step.context().item().unwrap();
        *self.0.lock().unwrap().entry(item).or_default() += 1;
    }

    fn event_execution_end(&self, step: &StepEvent<'_>, ended: Ended<'_>) {
        if let (Some(item), Ended::Success) = (step.context().item(), ended) {
            self.0.lock().unwrap().remove(&item);
        }
    }
}

#[test]
fn two_hundred_tasks_survive_a_kill_every_fifty_milliseconds() -> nexus::Result<()> {
    let log = std::env::temp_dir().join(format!("nexus-kill-{}", std::process::id()));
    File::create(&log).unwrap();
    let deaths = Deaths::default();
    let engine = Engine::builder().observer(deaths.clone()).build()?;
    let (over, kills) = (AtomicBool::new(false), AtomicUsize::new(0));
    let report = thread::scope(|scope| {
        scope.spawn(|| {
            let mut number = 0_usize;
            while !over.load(Relaxed) {
                thread::sleep(Duration::from_millis(50));
                let workers = children();
                // A fixed sequence that looks random.
                number = number.wrapping_mul(31).wrapping_add(17);
                let Some((pid, _)) = workers.get(number % workers.len().max(1)) else { continue };
                if deaths.are_enough() {
                    continue;
                }
                if kill_process(Pid::from_raw(*pid).unwrap(), Signal::KILL).is_ok() {
                    kills.fetch_add(1, Relaxed);
                }
            }
        });
        let report = engine.run(Squares { log: log.clone() });
        over.store(true, Relaxed);
        report
    })?;

    let expected: Vec<u64> = (0..200).map(|n| n * n).collect();
    assert_eq!(report.get_each::<slow_square>()?, &expected);

    let mut times: HashMap<u64, usize> = HashMap::new();
    for line in fs::read_to_string(&log).unwrap().lines() {
        *times.entry(line.parse().unwrap()).or_default() += 1;
    }
    assert_eq!(times.len(), 200);
    let again: usize = times.values().map(|times| times - 1).sum();
    let kills = kills.load(Relaxed);
    assert!(kills >= 5, "only {kills} kills");
    assert!(again <= kills, "{again} tasks began again after {kills} kills");

    // The pool is as good as before.
    let report = engine.run(Squares { log: log.clone() })?;
    assert_eq!(report.get_each::<slow_square>()?, &expected);
    assert!(children().iter().all(|(_, state)| *state != 'Z'), "{:?}", children());

    drop(engine);
    assert_eq!(children(), []);
    fs::remove_file(log).unwrap();
    Ok(())
}
