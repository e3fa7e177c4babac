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
use crate::{Result, median, remove_store};

/// The first argument of a process that is an open page.
pub(crate) const ROLE: &str = "page";

/// What the pages show: two the table, and two a run.
const VIEWS: [&str; 4] = ["table", "run", "table", "run"];

/// So many runs are under way at a time, each of so many steps.
const AT_ONCE: u32 = 64;
const STEPS: u32 = 50;
/// So many runs follow each other in each of the places: a round takes about a second.
const RUNS: u32 = 25;
/// A round with pages and one without, so often.
const PAIRS: usize = 12;

pub(crate) fn measure(folder: &Path) -> Result<()> {
    let mut registry = Registry::new();
    registry.event("work", |_: &Context| Outcome::success(1_u32)).output_json();
    let plan =
        Flow::parse(vec!["work"; STEPS as usize].join(" -> "))?.plan(&registry, &Fields::new())?;
    let path = folder.join("runs.db");
    // What is measured first is not warm.
    round(&path, &plan, false)?;
    let (mut without, mut with) = (Vec::new(), Vec::new());
    for pair in 0..PAIRS {
        // Each is first as often as the other, so that what changes with time is the same for both.
        for is_open in [pair % 2 == 0, pair % 2 != 0] {
            let cost = round(&path, &plan, is_open)?;
            if is_open { with.push(cost) } else { without.push(cost) }
        }
    }
    println!(
        "\n{AT_ONCE} runs at a time, without a dashboard and with {} pages open; medians of {PAIRS} pairs of rounds:",
        VIEWS.len()
    );
    say("time a step", &without, &with, |cost| cost.time);
    say("processor time a step", &without, &with, |cost| cost.processor);
    Ok(())
}

/// What a step costs, in seconds.
struct Cost {
    time: f64,
    /// Of the engine's process, the dashboard's server with it, and not of the pages'.
    processor: f64,
}

fn say(what: &str, without: &[Cost], with: &[Cost], of: impl Fn(&Cost) -> f64) {
    let middle = |costs: &[Cost]| median(costs.iter().map(&of).collect()) * 1e6;
    let mut more: Vec<f64> = without
        .iter()
        .zip(with)
        .map(|(without, with)| of(with) / of(without) * 100.0 - 100.0)
        .collect();
    more.sort_by(f64::total_cmp);
    println!(
        "{what}: {:.2} µs without, {:.2} µs with: {:+.1} % (half of the pairs: {:+.1} to {:+.1} %)",
        middle(without),
        middle(with),
        more[PAIRS / 2],
        more[PAIRS / 4],
        more[PAIRS * 3 / 4]
    );
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
    let (begun, used) = (Instant::now(), processor_time()?);
    let ended: Vec<nexus_core::Result<()>> = std::thread::scope(|scope| {
        let place = |place: u32| {
            let engine = &engine;
            scope.spawn(move || {
                (0..RUNS).try_for_each(|run| {
                    let key = format!("{place}-{run}");
                    engine.prepare_plan(plan, Inputs::new())?.key(key).run().map(drop)
                })
            })
        };
        let places: Vec<_> = (0..AT_ONCE).map(place).collect();
        places.into_iter().flat_map(std::thread::ScopedJoinHandle::join).collect()
    });
    let (time, processor) = (begun.elapsed(), processor_time()? - used);
    if ended.len() < AT_ONCE as usize {
        return Err("a thread has panicked".into());
    }
    ended.into_iter().collect::<nexus_core::Result<()>>()?;
    drop((shown, engine));
    remove_store(path)?;
    let steps = f64::from(AT_ONCE * RUNS * STEPS);
    Ok(Cost { time: time.as_secs_f64() / steps, processor: processor / steps })
}

/// The time in seconds that processors have worked for this process, all of its threads together.
fn processor_time() -> Result<f64> {
    let stat = std::fs::read_to_string("/proc/self/stat")?;
    // The name of the program, in parentheses, may have spaces.
    let (_, rest) = stat.rsplit_once(')').ok_or("that is no `stat`")?;
    let ticks = rest.split(' ').skip(12).take(2).map(str::parse::<f64>);
    Ok(ticks.sum::<std::result::Result<f64, _>>()? / 100.0)
}

/// A dashboard that is served, and its pages.
struct Shown {
    pages: Vec<Child>,
    server: Server,
}

impl Shown {
    fn new(engine: &Engine, dashboard: Dashboard) -> Result<Self> {
        let server = dashboard.serve(engine, "127.0.0.1:0".parse()?)?;
        let mut shown = Self { pages: Vec::new(), server };
        for view in VIEWS {
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
