//! A durable run of many items: how much memory and how much of the disk it takes, and how soon it
//! goes on after a `kill -9` in the middle. The argument says how many items; a million without it.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode};
use std::time::{Duration, Instant};

use nexus::{Context, Engine, Fields, Flow, Inputs, Outcome, Plan, Registry, SqliteStore};

type Fallible<T> = Result<T, Box<dyn std::error::Error>>;

const KEY: &str = "items";

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let done = match args.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["run", items, store] => items.parse().map_err(Into::into).and_then(|n| run(n, store)),
        [] => measure(1_000_000),
        [items] => items.parse().map_err(Into::into).and_then(measure),
        _ => Err("usage: million_items [ITEMS]".into()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Runs of few and of many items, and one of many that is killed.
fn measure(items: usize) -> Fallible<()> {
    let folder = std::env::temp_dir().join(format!("nexus-items-{}", std::process::id()));
    std::fs::create_dir_all(&folder)?;
    let (few, many, killed) =
        (folder.join("few.db"), folder.join("many.db"), folder.join("killed.db"));
    for (items, store) in [(items / 100, &few), (items, &many)] {
        start(items, store)?.wait()?;
        let size = std::fs::metadata(store)?.len();
        println!("  {size} bytes in the store, {} for each item", size / items as u64);
    }
    let half = std::fs::metadata(&many)?.len() / 2;
    let mut child = start(items, &killed)?;
    while std::fs::metadata(&killed).map_or(0, |file| file.len()) < half {
        if child.try_wait()?.is_some() {
            return Err("the run ended before it could be killed".into());
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    child.kill()?;
    child.wait()?;
    println!("killed with half of the items in the store");
    start(items, &killed)?.wait()?;
    std::fs::remove_dir_all(&folder)?;
    Ok(())
}

fn start(items: usize, store: &Path) -> Fallible<Child> {
    let program: PathBuf = std::env::current_exe()?;
    let mut command = Command::new(program);
    Ok(command.arg("run").arg(items.to_string()).arg(store).spawn()?)
}

fn plan(items: usize, started: Instant) -> nexus::Result<std::sync::Arc<Plan>> {
    let first = std::sync::Once::new();
    let mut registry = Registry::new();
    let list = move |_: &Context| Outcome::success((0..items as u64).collect::<Vec<u64>>());
    registry.event("list", list).output_json();
    let double = move |ctx: &Context| {
        first.call_once(|| {
            let (item, elapsed) = (ctx.item().unwrap_or_default(), started.elapsed());
            println!("  the first item begun is {item}, after {elapsed:.2?}");
        });
        let number = ctx.previous().first().and_then(|list| list.value::<u64>());
        Outcome::success(number.map_or(0, |number| number * 2))
    };
    registry.event("double", double).each_of::<u64>().output_json();
    Flow::parse("list |-> double[each]")?.plan(&registry, &Fields::new())
}

fn run(items: usize, store: &str) -> Fallible<()> {
    let started = Instant::now();
    println!("{items} items");
    let plan = plan(items, started)?;
    let engine = Engine::builder().store(SqliteStore::open(store)?).resumable(&plan).build()?;
    let report = engine.prepare_plan(&plan, Inputs::new())?.key(KEY).run()?;
    let doubled = report.output::<Vec<u64>>()?;
    let is_right = doubled.iter().enumerate().all(|(index, it)| *it == 2 * index as u64);
    if !is_right || doubled.len() != items {
        return Err("the items are not what they should be".into());
    }
    let elapsed = started.elapsed();
    println!(
        "  {elapsed:.2?}, {:.2?} for each item; {} MB of memory at most",
        elapsed / u32::try_from(items)?,
        peak_memory()? / 1024
    );
    Ok(())
}

/// The most memory that this process had, in kB.
fn peak_memory() -> Fallible<u64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let number = line.and_then(|line| line.split_whitespace().next());
    Ok(number.ok_or("the system does not say how much memory was used")?.parse()?)
}
