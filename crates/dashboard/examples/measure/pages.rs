//! What four open pages cost 64 runs at full speed.

use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use nexus::SqliteStore;
use nexus_core::{Context, Engine, Fields, Flow, Inputs, Outcome, Plan, Registry};
use nexus_dashboard::{Dashboard, Server};

use crate::client::{get, listen};
use crate::{Result, Spread, median, remove_store};

/// The first argument of a process that is an open page.
pub(crate) const ROLE: &str = "page";

/// What the pages show: two the table, and two a run.
const VIEWS: [&str; 4] = ["table", "run", "table", "run"];

/// So many runs are under way at a time, each of so many steps.
const AT_ONCE: u32 = 64;
pub(crate) const STEPS: u32 = 50;
/// So many runs follow each other in each of the places: a round takes about a second.
const RUNS: u32 = 25;
/// So many rounds of each kind.
const ROUNDS: usize = 16;

/// A flow of steps that do nothing: all that it costs is the engine's.
pub(crate) fn plan() -> Result<Arc<Plan>> {
    let mut registry = Registry::new();
    registry.event("work", |_: &Context| Outcome::success(1_u32)).output_json();
    let flow = Flow::parse(vec!["work"; STEPS as usize].join(" -> "))?;
    Ok(flow.plan(&registry, &Fields::new())?)
}

/// What there is beside the runs.
#[derive(Clone, Copy, PartialEq)]
enum Beside {
    Nothing,
    /// A dashboard that nobody looks at.
    Dashboard,
    /// A dashboard and its pages.
    Pages,
}

const ALL: [Beside; 3] = [Beside::Nothing, Beside::Dashboard, Beside::Pages];

pub(crate) fn measure(folder: &Path) -> Result<()> {
    let plan = plan()?;
    let path = folder.join("runs.db");
    // What is measured first is not warm.
    round(&path, &plan, Beside::Nothing)?;
    let mut costs: [Vec<Cost>; 3] = Default::default();
    for number in 0..ROUNDS {
        // Each is first as often as the others, so that what changes with time is the same for all.
        for place in 0..ALL.len() {
            let which = (number + place) % ALL.len();
            costs[which].push(round(&path, &plan, ALL[which])?);
        }
    }
    let [nothing, dashboard, pages] = &costs;
    println!(
        "\n{AT_ONCE} runs at a time; medians of {ROUNDS} rounds, half of which lie between the figures in brackets:"
    );
    for (beside, costs) in
        [("a dashboard that nobody looks at", dashboard), ("4 open pages", pages)]
    {
        println!("with {beside}:");
        say("time", nothing, costs, |cost| cost.time);
        say("processor time of the engine's threads", nothing, costs, |cost| cost.engine);
        let own = costs.iter().map(|cost| cost.dashboard / cost.time * 100.0).collect();
        println!("  the dashboard's own threads: {:.1} % of a processor", median(own));
    }
    Ok(())
}

/// What a step costs, in seconds.
struct Cost {
    time: f64,
    /// Processor time of the threads that do the runs and write the store.
    engine: f64,
    /// Processor time of the threads that serve pages. The pages themselves are other processes.
    dashboard: f64,
}

fn say(what: &str, without: &[Cost], with: &[Cost], of: impl Fn(&Cost) -> f64) {
    let [without, with] =
        [without, with].map(|costs| Spread::of(costs.iter().map(|it| of(it) * 1e6).collect()));
    let more = with.middle / without.middle * 100.0 - 100.0;
    println!("  {what} a step: {with} µs, without {without} µs: {more:+.1} %");
}

/// Does the runs with a new store, so that no round has more in it than another.
fn round(path: &Path, plan: &Arc<Plan>, beside: Beside) -> Result<Cost> {
    let engine = Engine::builder().store(SqliteStore::open(path)?);
    let (engine, shown) = if beside == Beside::Nothing {
        (engine.build()?, None)
    } else {
        let dashboard = Dashboard::new();
        let engine = engine.observer(dashboard.observer()).build()?;
        let views = if beside == Beside::Pages { &VIEWS[..] } else { &[] };
        let shown = Shown::new(&engine, dashboard, views)?;
        (engine, Some(shown))
    };
    let (begun, before) = (Instant::now(), ProcessorTime::now()?);
    let ended: Vec<Result<f64, String>> = std::thread::scope(|scope| {
        let place = |place: u32| {
            let engine = &engine;
            scope.spawn(move || {
                for run in 0..RUNS {
                    let key = format!("{place}-{run}");
                    let run = engine.prepare_plan(plan, Inputs::new()).map(|it| it.key(key).run());
                    run.and_then(|it| it).map_err(|error| error.to_string())?;
                }
                // It is gone when the others are counted.
                processor_time(Path::new("/proc/thread-self")).map_err(|error| error.to_string())
            })
        };
        let places: Vec<_> = (0..AT_ONCE).map(place).collect();
        places.into_iter().flat_map(std::thread::ScopedJoinHandle::join).collect()
    });
    let (time, after) = (begun.elapsed(), ProcessorTime::now()?);
    if ended.len() < AT_ONCE as usize {
        return Err("a thread has panicked".into());
    }
    let of_places: f64 = ended.into_iter().sum::<Result<f64, String>>()?;
    drop((shown, engine));
    remove_store(path)?;
    let steps = f64::from(AT_ONCE * RUNS * STEPS);
    Ok(Cost {
        time: time.as_secs_f64() / steps,
        engine: (of_places + after.others - before.others) / steps,
        dashboard: (after.dashboard - before.dashboard) / steps,
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
        for thread in std::fs::read_dir("/proc/self/task")? {
            let thread = thread?.path();
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

/// The processor time of a thread in seconds.
pub(crate) fn processor_time(thread: &Path) -> Result<f64> {
    let text = std::fs::read_to_string(thread.join("schedstat"))?;
    let nanoseconds = text.split(' ').next().ok_or("that is no `schedstat`")?;
    Ok(nanoseconds.parse::<f64>()? / 1e9)
}

/// A dashboard that is served, and its pages.
struct Shown {
    pages: Vec<Child>,
    server: Server,
}

impl Shown {
    fn new(engine: &Engine, dashboard: Dashboard, views: &[&str]) -> Result<Self> {
        let server = dashboard.serve(engine, "127.0.0.1:0".parse()?)?;
        let mut shown = Self { pages: Vec::new(), server };
        for view in views {
            let address = shown.server.address().to_string();
            let mut command = Command::new(std::env::current_exe()?);
            let command = command.args([ROLE, &address, view]);
            let mut page = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
            let said = page.stdout.take();
            shown.pages.push(page);
            let mut line = String::new();
            said.map(BufReader::new).ok_or("no pipe")?.read_line(&mut line)?;
            if line.is_empty() {
                return Err("a page did not open".into());
            }
        }
        Ok(shown)
    }
}

impl Drop for Shown {
    fn drop(&mut self) {
        for page in &mut self.pages {
            drop(page.stdin.take());
            let _ = page.wait();
        }
    }
}

/// Is a page until the standard input ends: hears the news, and asks again as often as the page does.
pub(crate) fn be(address: SocketAddr, view: &str) -> Result<()> {
    std::thread::spawn(|| {
        let _ = std::io::stdin().read(&mut [0]);
        std::process::exit(0);
    });
    let (paths, between): (&[&str], u64) = match view {
        "run" => (&["/runs/0-0", "/runs/0-0/steps", "/runs/0-0/picture"], 500),
        _ => (&["/runs", "/counts"], 1000),
    };
    let mut news = listen(address)?;
    let mut bytes = [0; 4096];
    let _ = news.read(&mut bytes)?;
    println!("open");
    while news.read(&mut bytes)? > 0 {
        for path in paths {
            // The first news may come before the run is in the store.
            let _ = get(address, path);
        }
        std::thread::sleep(Duration::from_millis(between));
    }
    Ok(())
}
