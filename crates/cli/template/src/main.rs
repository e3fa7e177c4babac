//! Orders: one pipeline of three events. Its flow is in `flows/order.pty`.

use std::io;

use nexus::prelude::*;

#[cfg(test)]
mod tests;

/// Says no to an order of nothing.
#[event]
fn check_order(items: &[String]) -> Outcome<()> {
    if items.is_empty() {
        return Outcome::failure("the order has no items");
    }
    Outcome::success(())
}

/// Appends the order to the book of orders. If that breaks, it is tried three times.
#[event(retry_policy = { max_attempts: 3, backoff_factor: 0.5 })]
fn place_order(items: &[String], book: &str) -> Result<String, io::Error> {
    use io::Write;
    let mut book = std::fs::OpenOptions::new()
        .create(true)
        .append(true)
        .open(book)?;
    writeln!(book, "{}", items.join(", "))?;
    Ok(format!("ordered: {}", items.join(", ")))
}

/// Is handed the failure of `check_order` along `0 |->`.
#[event]
fn explain_refusal(#[piped] why: &Failure) -> Outcome<String> {
    Outcome::success(format!("not ordered: {why}"))
}

/// The fields are the input: parameters of the events take them by name.
#[derive(Pipeline)]
#[pipeline(file = "flows/order.pty")]
struct OrderPipeline {
    items: Vec<String>,
    book: String,
}

fn main() -> nexus::Result<()> {
    let items = std::env::args().skip(1).collect();
    let report = OrderPipeline {
        items,
        book: "orders.txt".into(),
    }
    .run()?;
    println!("{report}");
    // A run that did not succeed is an error here, with the step and the cause.
    let report = report.ok()?;
    println!("{}", report.output::<String>()?);
    Ok(())
}
