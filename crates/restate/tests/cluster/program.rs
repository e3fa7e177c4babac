//! The program that runs on the cluster: its events, its pipelines, and its role as a worker.

use std::fs::OpenOptions;
use std::io::Write;
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use nexus::prelude::*;
use nexus_restate::Worker;

/// The argument that makes the process a worker.
pub(crate) const WORK: &str = "work";

/// Where the invocations of bodies are written down.
pub(crate) const LOG: &str = "NEXUS_CLUSTER_LOG";

/// `work ADDRESS ADMIN REACHED_AT [EVENT ..]`
pub(crate) fn work(args: &[String]) -> ExitCode {
    let [address, admin, reached_at, events @ ..] = args else { return ExitCode::from(2) };
    // As `Worker::new()`, with names for what flows at run time may say.
    let mut worker = Worker::of(crate::rules::registry())
        .pipelines([
            "OrderPipeline",
            "SlowPipeline",
            "HurriedPipeline",
            "ApprovalPipeline",
            "TracedPipeline",
            "HeavyPipeline",
        ])
        .listen(address)
        .register(admin, format!("http://{reached_at}"));
    if !events.is_empty() {
        worker = worker.events(events);
    }
    worker = worker.plan(&crate::rules::plan("s"));
    match worker.state(Gateway("gateway".to_owned())).run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

/// Notes that a body is invoked.
fn note(ctx: &Context) {
    let Some(log) = std::env::var_os(LOG) else { return };
    let mut log = OpenOptions::new().append(true).create(true).open(Path::new(&log)).unwrap();
    let item = ctx.item().map(|item| format!("[{item}]")).unwrap_or_default();
    let line = format!("{} {}{item} {}\n", ctx.run_id(), ctx.step_path(), ctx.attempt());
    log.write_all(line.as_bytes()).unwrap();
}

/// A resource that only a worker has.
pub(crate) struct Gateway(String);

#[derive(Debug, thiserror::Error)]
#[error("the gateway is busy")]
pub(crate) struct Busy;

#[event]
pub(crate) fn lines(order: &Order, ctx: &Context) -> Outcome<Vec<u32>> {
    note(ctx);
    Outcome::success((1..=order.lines).collect())
}

/// Breaks at its first attempt.
#[event(retry_policy = { max_attempts: 3, backoff_factor: 0.2, retry_on_exceptions: [Busy] })]
pub(crate) fn price(#[piped] line: &u32, ctx: &Context) -> Result<u32, Busy> {
    note(ctx);
    if ctx.attempt() == 1 && *line == 2 { Err(Busy) } else { Ok(10 * line) }
}

#[event]
pub(crate) fn total(#[piped] prices: &[u32], ctx: &Context) -> Outcome<u32> {
    note(ctx);
    Outcome::success(prices.iter().sum())
}

fn is_free(ctx: &Context) -> Bypass<String> {
    match ctx.field::<Order>("order") {
        Some(order) if order.lines == 0 => Bypass::skip_with("nothing to pay", "free".to_owned()),
        _ => Bypass::no(),
    }
}

#[event(bypass = is_free)]
pub(crate) fn charge(order: &Order, gateway: State<Gateway>, ctx: &Context) -> Outcome<String> {
    note(ctx);
    Outcome::success(format!("{} charged by the {}", order.id, gateway.0))
}

/// Runs inside of the run's own handler.
#[event(executor = DefaultExecutor)]
pub(crate) fn stamp(order: &Order, ctx: &Context) -> Outcome<String> {
    note(ctx);
    Outcome::success(format!("stamp of {}", order.id))
}

#[event]
pub(crate) async fn mail(
    #[piped] (receipt, stamp): (&String, &String),
    ctx: &Context,
) -> Outcome<String> {
    note(ctx);
    tokio::time::sleep(Duration::from_millis(1)).await;
    Outcome::success(format!("{receipt}, {stamp}"))
}

#[event]
pub(crate) fn judge(#[piped] mail: &String, order: &Order, ctx: &Context) -> Outcome<String> {
    note(ctx);
    if order.lines > 5 {
        return Outcome::failure(format!("too many lines: {mail}"));
    }
    Outcome::success(mail.clone())
}

#[event]
pub(crate) fn excuse(#[piped] why: &Failure, ctx: &Context) -> Outcome<String> {
    note(ctx);
    Outcome::success(format!("sorry: {why}"))
}

#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
pub(crate) struct Order {
    pub(crate) id: String,
    pub(crate) lines: u32,
}

/// A chain, `each` with retries, a group with an inline member, a bypass, a branch.
#[derive(Pipeline)]
#[pipeline(durable, flow = lines |-> price[each] |-> total -> charge || stamp |-> mail |-> judge (0 |-> excuse))]
pub(crate) struct OrderPipeline {
    pub(crate) order: Order,
}

/// Takes its time.
#[event(executor = ThreadPoolExecutor)]
pub(crate) fn slow(millis: u64, ctx: &Context) -> Outcome<u64> {
    note(ctx);
    std::thread::sleep(Duration::from_millis(millis));
    Outcome::success(millis)
}

#[event(executor = DefaultExecutor)]
pub(crate) fn quick(ctx: &Context) -> Outcome<String> {
    note(ctx);
    Outcome::success(ctx.run_id().to_string())
}

/// Ten steps, every other one inside of the handler.
#[derive(Pipeline)]
#[pipeline(durable, flow = slow -> quick -> slow -> quick -> slow -> quick -> slow -> quick -> slow -> quick)]
pub(crate) struct SlowPipeline {
    pub(crate) millis: u64,
}

#[derive(Pipeline)]
#[pipeline(durable, flow = slow[timeout = "200ms"] (0 -> quick))]
pub(crate) struct HurriedPipeline {
    pub(crate) millis: u64,
}

/// Is pending, after a while.
#[event(retry_policy = { max_attempts: 2, backoff_factor: 0 })]
pub(crate) fn approve(millis: u64, ctx: &Context) -> Outcome<String> {
    note(ctx);
    std::thread::sleep(Duration::from_millis(millis));
    Outcome::pending()
}

#[event]
pub(crate) fn announce(#[piped] approval: &String) -> Outcome<String> {
    Outcome::success(format!("announced: {approval}"))
}

#[derive(Pipeline)]
#[pipeline(durable, flow = approve[timeout = "10m"] |-> announce)]
pub(crate) struct ApprovalPipeline {
    pub(crate) millis: u64,
}

/// What a service outside would be called with.
#[event]
pub(crate) fn place_in_trace(ctx: &Context) -> Outcome<Option<String>> {
    Outcome::success(ctx.traceparent())
}

/// Once in a call, and once inside of the run's own handler.
#[derive(Pipeline)]
#[pipeline(durable, flow = place_in_trace -> place_in_trace[executor = DefaultExecutor])]
pub(crate) struct TracedPipeline {}

#[event]
pub(crate) fn weigh(text: &String) -> Outcome<usize> {
    Outcome::success(text.len())
}

#[event]
pub(crate) fn heavy(called: usize) -> Outcome<String> {
    Outcome::success("x".repeat(called))
}

#[event(executor = DefaultExecutor)]
pub(crate) fn heavy_here(here: usize) -> Outcome<String> {
    Outcome::success("x".repeat(here))
}

/// Takes and yields what is long.
#[derive(Pipeline)]
#[pipeline(durable, flow = weigh -> heavy || heavy_here)]
pub(crate) struct HeavyPipeline {
    pub(crate) text: String,
    /// How long what a call yields is, and what the run's handler yields.
    pub(crate) called: usize,
    pub(crate) here: usize,
}
