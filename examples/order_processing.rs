//! The tutorial's e-commerce flow over a file of orders: validate, charge with retries, confirm.
//!
//! `cargo run --example order_processing [ORDERS.json]`

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex};

use nexus::Shutdown;
use nexus::prelude::*;
use serde::{Deserialize, Serialize};

#[derive(Debug, Deserialize)]
struct Order {
    #[serde(rename = "order_id")]
    id: String,
    email: String,
    currency: String,
    items: Vec<Item>,
    total_cents: u64,
    card_token: String,
}

#[derive(Debug, Deserialize)]
struct Item {
    sku: String,
    quantity: u32,
    unit_price_cents: u64,
}

/// Proof that a card was charged.
#[derive(Debug, Serialize)]
struct Receipt {
    number: String,
    cents: u64,
}

/// The payment service did not answer; trying again may help.
#[derive(Debug, thiserror::Error)]
#[error("the payment gateway timed out")]
struct GatewayError;

/// A payment service that behaves as the card's token says, as the sandboxes of real ones do.
#[derive(Default)]
struct Gateway {
    calls: Mutex<HashMap<String, u32>>,
}

impl Gateway {
    fn charge(&self, order: &Order, key: &str) -> Result<Outcome<Receipt>, GatewayError> {
        let mut calls = self.calls.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let call = calls.entry(key.to_owned()).or_default();
        *call += 1;
        match order.card_token.as_str() {
            "tok_declined" => Ok(Outcome::failure("the bank declined the card")),
            "tok_outage" => Err(GatewayError),
            "tok_flaky_1" if *call <= 1 => Err(GatewayError),
            "tok_flaky_2" if *call <= 2 => Err(GatewayError),
            _ => Ok(Outcome::success(Receipt {
                number: format!("R-{}", order.id),
                cents: order.total_cents,
            })),
        }
    }
}

/// Rejects an order that cannot be charged.
#[event]
fn validate_order(order: &Order) -> Outcome<()> {
    let sum: u64 = order.items.iter().map(|i| u64::from(i.quantity) * i.unit_price_cents).sum();
    if order.items.is_empty() {
        Outcome::failure("Order has no items")
    } else if let Some(item) = order.items.iter().find(|item| item.quantity == 0) {
        Outcome::failure(format!("Order has none of {}", item.sku))
    } else if sum != order.total_cents {
        Outcome::failure(format!("Items add up to {sum} cents, not {}", order.total_cents))
    } else {
        Outcome::success(())
    }
}

/// Charges the card, trying three times when the gateway does not answer.
#[event(
    executor = ThreadPoolExecutor,
    executor_config = { max_workers: 4, max_tasks_per_child: 50, thread_name_prefix: "payment-" },
    retry_policy = { max_attempts: 3, backoff_factor: 0.2, retry_on_exceptions: [GatewayError] },
)]
fn process_payment(
    order: &Order,
    gateway: State<Gateway>,
    ctx: &Context,
) -> Result<Outcome<Receipt>, GatewayError> {
    // The same key for every attempt, so that no retry can charge twice.
    gateway.charge(order, &ctx.idempotency_key())
}

/// Tells the customer that the order is on its way.
#[event]
fn send_confirmation(order: &Order, #[piped] receipt: &Receipt) -> Outcome<String> {
    let amount = format!("{}.{:02} {}", receipt.cents / 100, receipt.cents % 100, order.currency);
    Outcome::success(format!("{amount} paid ({}), confirmed to {}", receipt.number, order.email))
}

/// Tells the customer why there will be no order.
#[event]
fn reject_order(order: &Order, #[piped] why: &Failure) -> Outcome<String> {
    Outcome::success(format!("rejected, told {}: {why}", order.email))
}

/// Tells the customer that the card was not charged.
#[event]
fn ask_for_other_card(order: &Order, #[piped] why: &Failure) -> Outcome<String> {
    Outcome::success(format!("not charged, asked {} for another card: {why}", order.email))
}

/// From cart to confirmation.
#[derive(Pipeline)]
#[pipeline(flow = validate_order (
    0 |-> reject_order,
    1 -> process_payment (0 |-> ask_for_other_card, 1 |-> send_confirmation),
))]
struct OrderPipeline {
    order: Order,
}

fn main() -> ExitCode {
    let default = Path::new(env!("CARGO_MANIFEST_DIR")).join("data/orders.json");
    let path = std::env::args_os().nth(1).map_or(default, PathBuf::from);
    match process(&path) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

/// What a shell says of a program that Ctrl-C ended.
const INTERRUPTED: u8 = 130;

fn process(path: &Path) -> Result<ExitCode, Box<dyn std::error::Error>> {
    let shown = path.display();
    let text = std::fs::read_to_string(path).map_err(|e| format!("cannot read {shown}: {e}"))?;
    let orders: Vec<Order> =
        serde_json::from_str(&text).map_err(|e| format!("{shown} is no list of orders: {e}"))?;

    let engine = Engine::builder().state(Gateway::default()).build()?;
    let interrupted = Arc::new(AtomicBool::new(false));
    let (flag, ending) = (Arc::clone(&interrupted), engine.clone());
    ctrlc::set_handler(move || {
        flag.store(true, Relaxed);
        ending.shutdown(Shutdown::cancel());
    })?;
    for order in orders {
        let id = order.id.clone();
        let report = engine.run(OrderPipeline { order });
        let is_done = report.as_ref().is_ok_and(|report| report.status() != Status::Cancelled);
        if interrupted.load(Relaxed) && !is_done {
            println!("interrupted: {id} and the orders after it are not done");
            return Ok(ExitCode::from(INTERRUPTED));
        }
        println!("{id}  {}", describe(&report?)?);
    }
    Ok(ExitCode::SUCCESS)
}

/// How the order ended and why, and what that took.
fn describe(report: &Report) -> nexus::Result<String> {
    let end = report.output::<String>()?;
    let retried = report.steps_of::<process_payment>().find(|step| step.attempts() > 1);
    Ok(retried.map_or_else(
        || end.clone(),
        |step| {
            let waits: Vec<String> = step.waits().iter().map(|wait| format!("{wait:?}")).collect();
            format!("{end} [{} attempts, waited {}]", step.attempts(), waits.join(" and "))
        },
    ))
}
