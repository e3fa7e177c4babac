//! The program that is killed: twenty-one durable runs at once, of all kinds. Every body says in a line
//! on stdout that it is invoked: the run's key, the step, the item and the attempt.

use std::io::Write;
use std::path::Path;
use std::process::ExitCode;
use std::sync::mpsc;
use std::time::Duration;

use nexus::{RunHandle, SqliteStore, prelude::*};

/// Says that a body is invoked. One `write`, so that lines of several processes do not mix.
fn note(run: &str, ctx: &Context) {
    let item = ctx.item().map_or_else(|| "-".to_owned(), |item| item.to_string());
    let line = format!("{run} {} {item} {}\n", ctx.step_path(), ctx.attempt());
    let _ = std::io::stdout().lock().write_all(line.as_bytes());
}

#[event]
fn start(run: &str, ctx: &Context) -> Outcome<u64> {
    note(run, ctx);
    Outcome::success(1)
}

#[event]
fn add(run: &str, #[piped] number: &u64, ctx: &Context) -> Outcome<u64> {
    note(run, ctx);
    Outcome::success(number + 1)
}

/// Pure and cheap, so it is computed again instead of being recorded.
#[event(checkpoint = false)]
fn double(#[piped] number: &u64) -> Outcome<u64> {
    Outcome::success(number * 2)
}

#[event(executor = ThreadPoolExecutor, executor_config = { max_workers: 3 })]
fn side(run: &str, ctx: &Context) -> Outcome<u64> {
    note(run, ctx);
    Outcome::success(10)
}

#[event]
fn sum(run: &str, #[piped] numbers: Vec<u64>, ctx: &Context) -> Outcome<u64> {
    note(run, ctx);
    Outcome::success(numbers.iter().sum())
}

#[event]
fn numbers(run: &str, ctx: &Context) -> Outcome<Vec<u64>> {
    note(run, ctx);
    Outcome::success((1..=12).collect())
}

#[event(executor = ThreadPoolExecutor, executor_config = { max_workers: 3 })]
fn square(run: &str, #[piped] number: u64, ctx: &Context) -> Outcome<u64> {
    note(run, ctx);
    Outcome::success(number * number)
}

#[event(executor = ProcessPoolExecutor, executor_config = { max_workers: 2 })]
fn cube(run: &str, #[piped] number: u64, ctx: &Context) -> Outcome<u64> {
    note(run, ctx);
    Outcome::success(number * number * number)
}

/// Breaks twice.
#[event(retry_policy = { max_attempts: 3, backoff_factor: 0.004 })]
fn flaky(run: &str, ctx: &Context) -> Result<u64, std::io::Error> {
    note(run, ctx);
    match ctx.attempt() {
        3 => Ok(5),
        _ => Err(std::io::Error::other("busy")),
    }
}

/// Waits for the world outside.
#[event]
fn ask(run: &str, ctx: &Context) -> Outcome<u64> {
    note(run, ctx);
    Outcome::pending()
}

/// The odd ones wait for the world outside.
#[event(executor = ThreadPoolExecutor, executor_config = { max_workers: 3 })]
fn ask_some(run: &str, #[piped] number: u64, ctx: &Context) -> Outcome<u64> {
    note(run, ctx);
    if number % 2 == 1 { Outcome::pending() } else { Outcome::success(number) }
}

#[derive(Pipeline)]
#[pipeline(durable, flow = start |-> add |-> double |-> add |-> add |-> add)]
struct Chain {
    run: String,
}

#[derive(Pipeline)]
#[pipeline(durable, flow = start -> side || side || start || side |-> sum)]
struct Group {
    run: String,
}

#[derive(Pipeline)]
#[pipeline(durable, flow = numbers |-> square[each, max_concurrency = 4] |-> sum)]
struct Items {
    run: String,
}

#[derive(Pipeline)]
#[pipeline(durable, flow = numbers |-> cube[each] |-> sum)]
struct Elsewhere {
    run: String,
}

#[derive(Pipeline)]
#[pipeline(durable, flow = {flaky |-> add} || flaky |-> sum)]
struct Retried {
    run: String,
}

#[derive(Pipeline)]
#[pipeline(durable, flow = {start -> ask |-> add} || ask |-> sum)]
struct Asked {
    run: String,
}

#[derive(Pipeline)]
#[pipeline(durable, flow = numbers |-> ask_some[each, max_concurrency = 4] |-> sum)]
struct AskedItems {
    run: String,
}

/// The runs of a round: their keys, and what they end with.
pub(crate) fn keys(round: u32) -> impl Iterator<Item = (String, u64)> {
    let kinds = [
        ("chain", 7),
        ("group", 31),
        ("items", 650),
        ("elsewhere", 6084),
        ("retried", 11),
        ("asked", 41),
        ("askeditems", 642),
    ];
    (0..3).flat_map(move |nth| kinds.map(move |(kind, end)| (format!("{round}-{kind}-{nth}"), end)))
}

fn begin(engine: &Engine, key: &str) -> nexus::Result<RunHandle> {
    let run = key.to_owned();
    let prepared = match key.split('-').nth(1) {
        Some("chain") => engine.prepare(Chain { run })?,
        Some("group") => engine.prepare(Group { run })?,
        Some("items") => engine.prepare(Items { run })?,
        Some("elsewhere") => engine.prepare(Elsewhere { run })?,
        Some("asked") => engine.prepare(Asked { run })?,
        Some("askeditems") => engine.prepare(AskedItems { run })?,
        _ => engine.prepare(Retried { run })?,
    };
    prepared.key(key).start()
}

/// Answers all that is pending, of runs under way and of others.
fn answer(engine: &Engine, round: u32) {
    for (key, _) in keys(round).filter(|(key, _)| key.contains("asked")) {
        for pending in engine.pending(&key).unwrap_or_default() {
            let value = if pending.event == "ask" { 20_u64 } else { 100 };
            // It may have ended meanwhile, with its run.
            let _ = engine.resolve(&key, &pending.step.to_string(), value);
        }
    }
}

/// Begins the runs of a round, or goes on with them, and waits for their ends.
pub(crate) fn main(store: &Path, round: u32, resume: bool) -> ExitCode {
    match run(store, round, resume) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn run(store: &Path, round: u32, resume: bool) -> nexus::Result<()> {
    let engine = Engine::builder().store(SqliteStore::open(store)?).build()?;
    if resume {
        // The world outside does not wait until somebody drives the runs.
        answer(&engine, round);
    }
    let (over, is_over) = mpsc::channel::<()>();
    let outside = {
        let engine = engine.clone();
        std::thread::spawn(move || {
            let pause = Duration::from_millis(2);
            while is_over.recv_timeout(pause) == Err(mpsc::RecvTimeoutError::Timeout) {
                answer(&engine, round);
            }
        })
    };
    // What is resumed is attached to below.
    let resumed = if resume { engine.resume()? } else { Vec::new() };
    let mut handles = Vec::new();
    for (key, end) in keys(round) {
        let active = resumed.iter().any(|run| run.key() == Some(&key));
        if !active {
            handles.push((key.clone(), end, begin(&engine, &key)?));
        }
    }
    let resumed = resumed.into_iter().filter_map(|run| {
        let key = run.key()?.to_owned();
        let (_, end) = keys(round).find(|(known, _)| *known == key)?;
        Some((key, end, run))
    });
    handles.extend(resumed);
    for (key, end, handle) in handles {
        let report = handle.wait()?.ok()?;
        let found = *report.output::<u64>()?;
        if found != end {
            return Err(nexus::Error::Run(format!("{key} ended with {found}, not with {end}")));
        }
    }
    drop(over);
    let _ = outside.join();
    Ok(())
}
