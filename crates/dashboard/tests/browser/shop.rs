//! A program with runs that go on, fail, wait for another attempt, and are pending.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};

use nexus::RunHandle;
use nexus::journal::MemoryStore;
use nexus::prelude::*;
use nexus::telemetry::{AttemptLogs, Spans};
use nexus_dashboard::{Dashboard, ScheduleLine, Server};
use serde::{Deserialize, Serialize};
use tracing_subscriber::layer::SubscriberExt;

/// What a user's text may look like.
pub(crate) const EVIL: &str = "<img src=x onerror=\"document.title='owned'\"> says the bank";

/// Where a body waits until the test lets it go on.
#[derive(Clone, Default)]
pub(crate) struct Gate(Arc<(Mutex<bool>, Condvar)>);

impl Gate {
    pub(crate) fn wait(&self) {
        let is_open = self.0.0.lock().unwrap_or_else(PoisonError::into_inner);
        drop(self.0.1.wait_while(is_open, |is_open| !*is_open));
    }

    pub(crate) fn open(&self) {
        *self.0.0.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.0.1.notify_all();
    }
}

/// Whether the bank takes money.
#[derive(Clone, Default)]
pub(crate) struct Bank(Arc<AtomicBool>);

impl Bank {
    pub(crate) fn open(&self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

#[derive(Debug, thiserror::Error)]
#[error("the partner cannot be reached")]
struct PartnerDown(#[source] std::io::Error);

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Order {
    customer: String,
    items: Vec<String>,
    cents: u64,
}

/// Rejects an order that cannot be charged.
#[event]
fn validate(order: &Order) -> Outcome<()> {
    if order.items.is_empty() { Outcome::failure("no items") } else { Outcome::success(()) }
}

#[event]
fn reject(#[piped] why: &Failure) -> Outcome<String> {
    Outcome::success(format!("rejected: {why}"))
}

#[event]
fn reserve(order: &Order) -> Outcome<u32> {
    Outcome::success(order.items.len() as u32)
}

#[event(executor = ThreadPoolExecutor, executor_config = { max_workers: 4, thread_name_prefix: "payment-" })]
fn charge(order: &Order, bank: State<Bank>) -> Outcome<String> {
    if order.cents > 100_000 && !bank.0.load(Ordering::SeqCst) {
        return Outcome::failure(EVIL);
    }
    Outcome::success(format!("receipt for {}", order.cents))
}

/// Waits for somebody who says yes.
#[event(version = 2)]
fn approve(order: &Order) -> Outcome<String> {
    if order.cents > 50_000 { Outcome::pending() } else { Outcome::success("small".to_owned()) }
}

#[event]
fn ship(#[piped] approval: &str) -> Outcome<String> {
    Outcome::success(format!("shipped: {approval}"))
}

#[derive(Pipeline)]
#[pipeline(durable, flow = validate (0 |-> reject, 1 -> reserve -> charge (1 -> approve |-> ship)))]
pub(crate) struct Checkout {
    order: Order,
}

impl Checkout {
    pub(crate) fn of(customer: &str, cents: u64) -> Self {
        let items = if cents == 0 { Vec::new() } else { vec!["mug".to_owned(), "lamp".to_owned()] };
        Self { order: Order { customer: customer.to_owned(), items, cents } }
    }
}

#[event]
fn observations(rows: &u32) -> Outcome<Vec<u32>> {
    Outcome::success((0..*rows).collect())
}

#[event(execution_evaluation_state = SuccessForPartialSuccess)]
fn clean(#[piped] row: &u32) -> Outcome<u32> {
    if row.is_multiple_of(997) {
        Outcome::failure(format!("row {row}: wind_speed is 1048.36"))
    } else {
        Outcome::success(row * 2)
    }
}

#[event(executor = ThreadPoolExecutor, executor_config = { max_workers: 1, thread_name_prefix: "load-" })]
fn load(ctx: &Context, gate: State<Gate>) -> Outcome<u32> {
    ctx.progress(7, 20);
    gate.wait();
    Outcome::success(20)
}

#[event(retry_policy = { max_attempts: 5, backoff_factor: 60.0 })]
fn publish() -> Result<u32, PartnerDown> {
    tracing::info!(partner = "met.example", "sends 9,989 observations");
    tracing::warn!("no answer, and no other address of the partner is known");
    Err(PartnerDown(std::io::Error::other("connection refused")))
}

#[derive(Pipeline)]
#[pipeline(durable, flow = observations |-> clean[each] -> load || publish)]
pub(crate) struct Weather {
    pub(crate) rows: u32,
}

/// Knocks in vain, and at once again.
#[event(retry_policy = { max_attempts: 10, backoff_factor: 0.0 })]
fn knock(ctx: &Context) -> Result<u32, PartnerDown> {
    tracing::warn!(knock = ctx.attempt(), "{EVIL}");
    Err(PartnerDown(std::io::Error::other("nobody is there")))
}

#[derive(Pipeline)]
#[pipeline(durable, flow = knock)]
pub(crate) struct Knock {}

/// The schedules, one of which has not fired for long.
fn schedules() -> Vec<ScheduleLine> {
    let mut nightly = ScheduleLine::new("nightly");
    nightly.next = ["2026-11-28", "2026-11-29", "2026-11-30", "2026-12-01", "2026-12-02"]
        .map(|day| format!("{day} 02:30:00+01:00 Europe/Oslo"))
        .to_vec();
    (nightly.misfires, nightly.last_misfire) = (1, Some(format!("{EVIL}: it was missed")));
    let mut hourly = ScheduleLine::new("hourly");
    hourly.due = Some(nexus::journal::Timestamp(1));
    hourly.next = vec!["2026-11-28 01:00:00+00:00 UTC".to_owned()];
    let mut paused = ScheduleLine::new("weekly");
    paused.paused = true;
    vec![nightly, hourly, paused]
}

/// The program with its dashboard.
pub(crate) struct Shop {
    pub(crate) engine: Engine,
    pub(crate) server: Server,
    pub(crate) gate: Gate,
    pub(crate) bank: Bank,
}

impl Shop {
    pub(crate) fn new() -> Self {
        let (gate, bank, logs) = (Gate::default(), Bank::default(), AttemptLogs::new());
        let subscriber = tracing_subscriber::registry().with(logs.clone());
        tracing::subscriber::set_global_default(subscriber).unwrap();
        let dashboard = Dashboard::new().allow_actions(true).attempt_logs(&logs);
        let dashboard = dashboard.schedules(|| Ok(schedules()));
        let engine = Engine::builder()
            .store(MemoryStore::new())
            .observer(dashboard.observer())
            .observer(Spans::new())
            .state(gate.clone())
            .state(bank.clone())
            .build()
            .unwrap();
        let server = dashboard.serve(&engine, "127.0.0.1:0".parse().unwrap()).unwrap();
        Self { engine, server, gate, bank }
    }

    pub(crate) fn start<P: Pipeline>(&self, key: &str, pipeline: P) -> RunHandle {
        self.engine.prepare(pipeline).unwrap().key(key).start().unwrap()
    }

    /// Runs to the end, whatever that is.
    pub(crate) fn run<P: Pipeline>(&self, key: &str, pipeline: P) {
        drop(self.start(key, pipeline).wait().unwrap());
    }
}
