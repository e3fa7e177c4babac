//! Payments whose errors travel inside `anyhow::Error`. What broke is still known by its type: a
//! gateway that times out is asked again, on a thread and in a worker process.
//!
//! `cargo run --example checkout [ITEM=CENTS]..`

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, ensure};
use nexus::prelude::*;
use serde::{Deserialize, Serialize};

#[derive(Debug, Serialize, Deserialize)]
struct Item {
    name: String,
    cents: u64,
}

#[derive(Debug, Serialize, Deserialize)]
struct Receipt {
    what: String,
    cents: u64,
}

#[derive(Debug, thiserror::Error)]
#[error("the gateway timed out")]
struct GatewayTimeout;

/// A gateway that answers the third call.
fn charge(cents: u64, attempt: u32) -> Result<u64, GatewayTimeout> {
    if attempt < 3 { Err(GatewayTimeout) } else { Ok(cents) }
}

/// Stops the run where there is nothing to pay.
#[event(stop_on_error)]
fn check_order(items: &[Item]) -> anyhow::Result<()> {
    ensure!(!items.is_empty(), "there is nothing to pay");
    Ok(())
}

/// Charges the items.
#[event(
    executor = ThreadPoolExecutor,
    retry_policy = { max_attempts: 4, backoff_factor: 0.01, retry_on_exceptions: [GatewayTimeout] },
)]
fn charge_items(items: &[Item], coupon: Option<&str>, ctx: &Context) -> anyhow::Result<Receipt> {
    let full: u64 = items.iter().map(|item| item.cents).sum();
    let cents = if coupon == Some("HALF") { full / 2 } else { full };
    let cents = charge(cents, ctx.attempt()).with_context(|| format!("cannot charge {cents}"))?;
    Ok(Receipt { what: format!("{} items", items.len()), cents })
}

/// Charges the parcel, in a worker process.
#[event(
    executor = ProcessPoolExecutor,
    retry_policy = { max_attempts: 4, backoff_factor: 0.01, retry_on_exceptions: [GatewayTimeout] },
)]
fn charge_parcel(items: &[Item], address: &str, ctx: &Context) -> anyhow::Result<Receipt> {
    let cents = charge(450 + 100 * items.len() as u64, ctx.attempt())?;
    Ok(Receipt { what: format!("a parcel to {address}"), cents })
}

/// Writes what was paid into a file.
#[event]
fn write_invoice(#[piped] receipts: Vec<&Receipt>, folder: &Path) -> anyhow::Result<PathBuf> {
    let lines: Vec<String> =
        receipts.iter().map(|receipt| format!("{:>6} {}", receipt.cents, receipt.what)).collect();
    let path = folder.join("invoice.txt");
    std::fs::write(&path, lines.join("\n") + "\n")
        .with_context(|| format!("cannot write {}", path.display()))?;
    Ok(path)
}

/// From a cart to an invoice.
#[derive(Pipeline)]
#[pipeline(flow = check_order -> charge_items || charge_parcel |-> write_invoice)]
struct Checkout {
    items: Vec<Item>,
    coupon: Option<String>,
    address: String,
    folder: PathBuf,
}

fn read_item(text: &str) -> anyhow::Result<Item> {
    let (name, cents) = text.split_once('=').with_context(|| format!("`{text}` has no price"))?;
    let cents = cents.parse().with_context(|| format!("`{cents}` is no price"))?;
    Ok(Item { name: name.to_owned(), cents })
}

fn pay() -> anyhow::Result<()> {
    let items: Vec<Item> =
        std::env::args().skip(1).map(|text| read_item(&text)).collect::<anyhow::Result<_>>()?;
    let folder = std::env::temp_dir();
    let checkout = Checkout { items, coupon: Some("HALF".into()), address: "Porto".into(), folder };
    let report = checkout.run()?;
    println!("{report}");
    let report = report.ok()?;
    print!("{}", std::fs::read_to_string(report.output::<PathBuf>()?)?);
    Ok(())
}

fn main() -> ExitCode {
    nexus::init();
    match pay() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error:#}");
            ExitCode::FAILURE
        }
    }
}
