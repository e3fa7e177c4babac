//! A program whose pipelines are run from the command line: `nexus::cli` in one line of `main`.
//!
//! `cargo run --example cli -- run OrderPipeline --input examples/data/shop.json`, from this repository's root;
//! `cargo run --example cli -- help` tells of the rest. With `--store shop.db` the runs are durable.

use std::collections::HashSet;
use std::process::ExitCode;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use nexus::prelude::*;
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Order {
    id: String,
    email: String,
    /// In cents.
    total: u64,
    card: String,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Receipt {
    order: String,
    cents: u64,
}

/// The payment service did not answer; trying again may help.
#[derive(Debug, thiserror::Error)]
#[error("the payment gateway timed out")]
struct GatewayError;

/// A payment service that behaves as the card's token says, as the sandboxes of real ones do.
#[derive(Default)]
struct Gateway {
    asked: Mutex<HashSet<String>>,
}

impl Gateway {
    fn charge(&self, order: &Order) -> Result<Outcome<Receipt>, GatewayError> {
        let is_first = {
            let mut asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
            asked.insert(order.id.clone())
        };
        match order.card.as_str() {
            "tok_declined" => return Ok(Outcome::failure("the bank declined the card")),
            "tok_flaky" if is_first => return Err(GatewayError),
            "tok_slow" => std::thread::sleep(Duration::from_millis(400)),
            _ => {}
        }
        Ok(Outcome::success(Receipt { order: order.id.clone(), cents: order.total }))
    }
}

/// Lets through what can be charged.
#[event]
fn validate(orders: &[Order]) -> Outcome<Vec<Order>> {
    match orders.iter().find(|order| order.total == 0) {
        Some(order) => Outcome::failure(format!("{} costs nothing", order.id)),
        None => Outcome::success(orders.to_vec()),
    }
}

/// Charges a card, trying three times when the gateway does not answer.
#[event(
    executor = ThreadPoolExecutor,
    executor_config = { max_workers: 4, thread_name_prefix: "payment-" },
    retry_policy = { max_attempts: 3, backoff_factor: 0.2, retry_on_exceptions: [GatewayError] },
    timeout = "30s",
)]
fn charge(
    #[piped] order: &Order,
    gateway: State<Gateway>,
) -> Result<Outcome<Receipt>, GatewayError> {
    gateway.charge(order)
}

/// Says what was taken in all.
#[event]
fn add_up(#[piped] receipts: &[Receipt], currency: &str) -> Outcome<String> {
    let cents: u64 = receipts.iter().map(|receipt| receipt.cents).sum();
    let count = receipts.len();
    Outcome::success(format!("{count} orders, {}.{:02} {currency}", cents / 100, cents % 100))
}

/// Charges all of the orders.
#[derive(Pipeline)]
#[pipeline(durable, flow = validate |-> charge[each, max_concurrency = 2] |-> add_up)]
struct OrderPipeline {
    /// What customers ordered.
    orders: Vec<Order>,
    /// In which the totals are.
    #[field(default = "EUR")]
    currency: String,
}

/// Asks the bank day after day; a day lasts 100 ms here.
#[event(executor = ThreadPoolExecutor)]
fn await_bank(days: &u32, ctx: &Context) -> Outcome<()> {
    for day in 0..*days {
        ctx.progress(u64::from(day), u64::from(*days));
        std::thread::sleep(Duration::from_millis(100));
        if ctx.is_cancelled() {
            return Outcome::failure("nobody waits any longer");
        }
    }
    Outcome::success(())
}

/// Gives the money back.
#[event(stop_on_error)]
fn refund(order: &str, cents: &u64) -> Outcome<String> {
    if *cents > 100_000 {
        return Outcome::failure("more than 1000.00 needs a signature");
    }
    Outcome::success(format!("{cents} cents of {order} are on their way back"))
}

/// Gives a customer money back, when the bank agrees.
#[derive(Pipeline)]
#[pipeline(durable, flow = await_bank -> refund)]
struct RefundPipeline {
    /// The order's id.
    order: String,
    cents: u64,
    /// How long the bank takes to agree.
    #[field(default = 2)]
    days: u32,
}

pub(crate) fn main() -> ExitCode {
    nexus::init();
    nexus::cli::App::new("shop")
        .about("Charges orders, and gives money back")
        .pipeline::<OrderPipeline>()
        .pipeline::<RefundPipeline>()
        .state(Gateway::default())
        .main()
}
