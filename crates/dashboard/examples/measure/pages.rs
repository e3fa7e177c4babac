//! What a dashboard with four open pages costs 64 runs at full speed, against no dashboard.
//!
//! Other programs disturb a shared machine more than pages do. So both are measured in short rounds, one right
//! after the other, many times; what is told is what came of the pairs, and how sure that is.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use nexus::SqliteStore;
use nexus_core::{Context, Engine, Fields, Flow, Inputs, Outcome, Plan, Registry};
use nexus_dashboard::{Dashboard, Server};

use crate::open_pages;
use crate::pairs::{More, mean};
use crate::{Result, remove_store};

/// So many runs are under way, each of so many steps, and so many one after the other. A round takes some five
/// seconds: in a shorter one pages, which are told of news once a second, would not have read most of what there
/// is.
const AT_ONCE: u32 = 64;
const STEPS: u32 = 2000;
const IN_TURN: u32 = 4;
/// So long it is measured, which is some twenty pairs of rounds on a machine with nothing else to do.
const LONG: Duration = Duration::from_mins(4);
/// Pages are to cost runs no more time than this, in percent.
const LIMIT: f64 = 2.0;
/// Fewer pairs say nothing, however long they take.
const FEWEST: usize = 8;

/// A flow of so many steps that do nothing: all that it costs is the engine's.
pub(crate) fn plan(steps: u32) -> Result<Arc<Plan>> {
    let mut registry = Registry::new();
    registry.event("work", |_: &Context| Outcome::success(1_u32)).output_json();
    let flow = Flow::parse(vec!["work"; steps as usize].join(" -> "))?;
    Ok(flow.plan(&registry, &Fields::new())?)
}

pub(crate) fn measure(folder: &Path) -> Result<()> {
    let (plan, path) = (plan(STEPS)?, folder.join("runs.db"));
    // What is measured first is not warm.
    for is_open in [false, true] {
        round(&path, &plan, is_open)?;
    }
    let begun = Instant::now();
    let (mut without, mut with) = (Vec::new(), Vec::new());
    while begun.elapsed() < LONG || with.len() < FEWEST {
        // Each is first as often as the other: what changes with time is the same for both.
        let is_even = with.len().is_multiple_of(2);
        for is_open in [is_even, !is_even] {
            let cost = round(&path, &plan, is_open)?;
            if is_open { with.push(cost) } else { without.push(cost) }
        }
    }
    let mean =
        |costs: &[Cost], of: fn(&Cost) -> f64| mean(&costs.iter().map(of).collect::<Vec<_>>());
    let more = |of: fn(&Cost) -> f64| More::of(with.iter().map(of).zip(without.iter().map(of)));
    println!(
        "\n{AT_ONCE} runs of {STEPS} steps at a time at full speed, {IN_TURN} times: {} rounds with a dashboard and four open pages, each beside one without a dashboard. In brackets: where the true figure is, with 95 % certainty.",
        with.len()
    );
    println!(
        "a step took {:.2} µs with the pages, {:.2} µs without. With the pages there is more of:",
        mean(&with, |it| it.time) * 1e6,
        mean(&without, |it| it.time) * 1e6
    );
    let time = more(|it| it.time);
    println!("  time, by the clock: {time}; {}", time.against(LIMIT));
    println!("  processor time of the runs' and the store's threads: {}", more(|it| it.engine));
    println!(
        "  processor time of these and of the dashboard's threads: {}",
        more(|it| it.engine + it.dashboard)
    );
    println!(
        "the dashboard's threads took {:.1} % of one processor, and the pages, which are another process, {:.1} %",
        mean(&with, |it| it.dashboard / it.time) * 100.0,
        mean(&with, |it| it.pages / it.time) * 100.0
    );
    Ok(())
}

/// What a step costs, in seconds.
struct Cost {
    time: f64,
    /// Processor time of the threads that do the runs and write the store.
    engine: f64,
    /// Processor time of the threads that serve pages.
    dashboard: f64,
    /// Processor time of the pages' own process.
    pages: f64,
}

/// Does the runs with a new store, so that no round has more in it than another.
fn round(path: &Path, plan: &Arc<Plan>, is_open: bool) -> Result<Cost> {
    let engine = Engine::builder().store(SqliteStore::open(path)?);
    let (engine, shown) = if is_open {
        let dashboard = Dashboard::new();
        let engine = engine.observer(dashboard.observer()).build()?;
        let shown = Shown::new(&engine, dashboard)?;
        (engine, Some(shown))
    } else {
        (engine.build()?, None)
    };
    let of_pages = || shown.as_ref().map_or(Ok(0.0), Shown::processor_time);
    let (before, pages_before, begun) = (ProcessorTime::now()?, of_pages()?, Instant::now());
    let ended: Vec<Result<f64, String>> = std::thread::scope(|scope| {
        let place = |place: u32| {
            let engine = &engine;
            scope.spawn(move || {
                for number in 0..IN_TURN {
                    let run = engine.prepare_plan(plan, Inputs::new());
                    let run = run.and_then(|it| it.key(format!("{place}-{number}")).run());
                    run.map_err(|error| error.to_string())?;
                }
                // It is gone when the others are counted.
                processor_time(Path::new("/proc/thread-self")).map_err(|error| error.to_string())
            })
        };
        let places: Vec<_> = (0..AT_ONCE).map(place).collect();
        places.into_iter().flat_map(std::thread::ScopedJoinHandle::join).collect()
    });
    let (time, after, pages) = (begun.elapsed(), ProcessorTime::now()?, of_pages()? - pages_before);
    if ended.len() < AT_ONCE as usize {
        return Err("a thread has panicked".into());
    }
    let of_places: f64 = ended.into_iter().sum::<Result<f64, String>>()?;
    drop((shown, engine));
    remove_store(path)?;
    let steps = f64::from(AT_ONCE * IN_TURN * STEPS);
    Ok(Cost {
        time: time.as_secs_f64() / steps,
        engine: (of_places + after.others - before.others) / steps,
        dashboard: (after.dashboard - before.dashboard) / steps,
        pages: pages / steps,
    })
}

/// The processor time, in seconds, of the threads that there are.
struct ProcessorTime {
    dashboard: f64,
    others: f64,
}

impl ProcessorTime {
    fn now() -> Result<Self> {
        let mut times = Self { dashboard: 0.0, others: 0.0 };
        for thread in threads(Path::new("/proc/self"))? {
            // It may be gone already.
            let Ok(name) = std::fs::read_to_string(thread.join("comm")) else { continue };
            let of = if name.trim_end() == "nexus-dashboard" {
                &mut times.dashboard
            } else {
                &mut times.others
            };
            *of += processor_time(&thread).unwrap_or(0.0);
        }
        Ok(times)
    }
}

/// Where the system tells of the threads of a process.
fn threads(process: &Path) -> Result<Vec<PathBuf>> {
    let entries = std::fs::read_dir(process.join("task"))?;
    Ok(entries.map(|entry| Ok(entry?.path())).collect::<std::io::Result<_>>()?)
}

/// The processor time of a thread in seconds.
pub(crate) fn processor_time(thread: &Path) -> Result<f64> {
    let text = std::fs::read_to_string(thread.join("schedstat"))?;
    let nanoseconds = text.split(' ').next().ok_or("that is no `schedstat`")?;
    Ok(nanoseconds.parse::<f64>()? / 1e9)
}

/// A dashboard that is served, and the process of its pages.
struct Shown {
    pages: Child,
    _server: Server,
}

impl Shown {
    fn new(engine: &Engine, dashboard: Dashboard) -> Result<Self> {
        let server = dashboard.serve(engine, "127.0.0.1:0".parse()?)?;
        let mut command = Command::new(std::env::current_exe()?);
        let command = command.args([open_pages::ROLE, &server.address().to_string()]);
        let pages = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let mut shown = Self { pages, _server: server };
        let mut line = String::new();
        let said = shown.pages.stdout.take();
        said.map(BufReader::new).ok_or("no pipe")?.read_line(&mut line)?;
        if line.is_empty() {
            return Err("the pages did not open".into());
        }
        Ok(shown)
    }

    fn processor_time(&self) -> Result<f64> {
        let process = format!("/proc/{}", self.pages.id());
        threads(Path::new(&process))?.iter().map(|thread| processor_time(thread)).sum()
    }
}

impl Drop for Shown {
    fn drop(&mut self) {
        drop(self.pages.stdin.take());
        let _ = self.pages.wait();
    }
}
