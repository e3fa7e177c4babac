//! The tutorial's e-commerce flow over a file of orders: validate, charge with retries, confirm.
//!
//! `cargo run --example order_processing [ORDERS.json] [--store ORDERS.db]`
//!
//! With a store the runs are durable: kill the program wherever you like and start it again, and no
//! order is charged twice. The payment service keeps a book of its own beside the store, and the
//! program compares the two.

use std::collections::{BTreeMap, HashMap};
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};

use nexus::prelude::*;
use nexus::{Shutdown, SqliteStore};
use serde::{Deserialize, Serialize};

#[derive(Debug, Serialize, Deserialize)]
struct Order {
    #[serde(rename = "order_id")]
    id: String,
    email: String,
    currency: String,
    items: Vec<Item>,
    total_cents: u64,
    card_token: String,
}

#[derive(Debug, Serialize, Deserialize)]
struct Item {
    sku: String,
    quantity: u32,
    unit_price_cents: u64,
}

/// Proof that a card was charged.
#[derive(Debug, Serialize, Deserialize)]
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
    /// Every charge by its idempotency key; with a file, it outlives the program.
    book: Mutex<(BTreeMap<String, String>, Option<File>)>,
}

impl Gateway {
    /// A service that keeps its book in this file, a line for each charge: the key and the order.
    fn with_book(path: &Path) -> std::io::Result<Self> {
        let file = OpenOptions::new().create(true).append(true).open(path)?;
        let text = std::fs::read_to_string(path)?;
        // The last line is half written if the program died there; then nothing was charged.
        let whole = text.split_inclusive('\n').filter_map(|line| line.strip_suffix('\n'));
        let charges = whole.filter_map(|line| line.split_once(' '));
        let charges = charges.map(|(key, order)| (key.to_owned(), order.to_owned())).collect();
        if !text.is_empty() && !text.ends_with('\n') {
            writeln!(&file)?;
        }
        Ok(Self { calls: Mutex::default(), book: Mutex::new((charges, Some(file))) })
    }

    fn charge(&self, order: &Order, key: &str) -> Result<Outcome<Receipt>, GatewayError> {
        let mut calls = self.calls.lock().unwrap_or_else(PoisonError::into_inner);
        let call = calls.entry(key.to_owned()).or_default();
        *call += 1;
        match order.card_token.as_str() {
            "tok_declined" => return Ok(Outcome::failure("the bank declined the card")),
            "tok_outage" => return Err(GatewayError),
            "tok_flaky_1" if *call <= 1 => return Err(GatewayError),
            "tok_flaky_2" if *call <= 2 => return Err(GatewayError),
            _ => {}
        }
        let mut book = self.book.lock().unwrap_or_else(PoisonError::into_inner);
        let (charges, file) = &mut *book;
        // A key that is in the book was charged already.
        if !charges.contains_key(key) {
            if let Some(file) = file {
                file.write_all(format!("{key} {}\n", order.id).as_bytes())
                    .map_err(|_| GatewayError)?;
            }
            charges.insert(key.to_owned(), order.id.clone());
        }
        let number = format!("R-{}", order.id);
        Ok(Outcome::success(Receipt { number, cents: order.total_cents }))
    }

    /// How often each order was charged.
    fn charges(&self) -> BTreeMap<String, u32> {
        let book = self.book.lock().unwrap_or_else(PoisonError::into_inner);
        let mut times = BTreeMap::new();
        for order in book.0.values() {
            *times.entry(order.clone()).or_default() += 1;
        }
        times
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
    gateway: State<Arc<Gateway>>,
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
#[pipeline(durable, flow = validate_order (
    0 |-> reject_order,
    1 -> process_payment (0 |-> ask_for_other_card, 1 |-> send_confirmation),
))]
struct OrderPipeline {
    order: Order,
}

fn main() -> ExitCode {
    let mut args: Vec<PathBuf> = std::env::args_os().skip(1).map(PathBuf::from).collect();
    let flag = args.iter().position(|arg| arg.as_os_str() == "--store");
    let store = flag.map(|at| args.drain(at..).nth(1));
    let default = || Path::new(env!("CARGO_MANIFEST_DIR")).join("data/orders.json");
    let orders = args.into_iter().next().unwrap_or_else(default);
    let processed = match store {
        Some(None) => Err("`--store` takes a file".into()),
        store => process(&orders, store.flatten().as_deref()),
    };
    match processed {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

/// What a shell says of a program that Ctrl-C ended.
const INTERRUPTED: u8 = 130;

fn process(path: &Path, store: Option<&Path>) -> Result<ExitCode, Box<dyn std::error::Error>> {
    let shown = path.display();
    let text = std::fs::read_to_string(path).map_err(|e| format!("cannot read {shown}: {e}"))?;
    let orders: Vec<Order> =
        serde_json::from_str(&text).map_err(|e| format!("{shown} is no list of orders: {e}"))?;

    let gateway = Arc::new(match store {
        Some(store) => Gateway::with_book(&store.with_extension("book"))?,
        None => Gateway::default(),
    });
    let builder = Engine::builder().state(Arc::clone(&gateway));
    let engine = match store {
        Some(store) => builder.store(SqliteStore::open(store)?).build()?,
        None => builder.build()?,
    };
    let interrupted = Arc::new(AtomicBool::new(false));
    let (flag, ending) = (Arc::clone(&interrupted), engine.clone());
    ctrlc::set_handler(move || {
        flag.store(true, Relaxed);
        ending.shutdown(Shutdown::cancel());
    })?;
    for order in orders {
        let id = order.id.clone();
        let prepared = engine.prepare(OrderPipeline { order })?;
        // The same key again is the same run, wherever the last process left it.
        let report = if store.is_some() { prepared.key(&*id).run() } else { prepared.run() };
        let is_done = report.as_ref().is_ok_and(|report| report.status() != Status::Cancelled);
        if interrupted.load(Relaxed) && !is_done {
            println!("interrupted: {id} and the orders after it are not done");
            return Ok(ExitCode::from(INTERRUPTED));
        }
        let report = report?;
        println!("{id}  {}", describe(&report)?);
        let paid = report.steps_of::<process_payment>().any(|step| step.is_success());
        let charged = gateway.charges().get(&id).copied().unwrap_or(0);
        if charged != u32::from(paid) {
            return Err(format!("{id} was charged {charged} times").into());
        }
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
