//! The flow, without writing an order and without waiting for a retry.

use std::io;
use std::time::Duration;

use nexus::prelude::*;
use nexus::testing::{TestEngine, ran, waits};

use super::*;

fn order(items: &[&str]) -> OrderPipeline {
    let items = items.iter().map(|item| (*item).to_owned()).collect();
    OrderPipeline {
        items,
        book: "/no/such/folder/orders.txt".into(),
    }
}

#[test]
fn an_event_is_a_function() {
    assert_eq!(
        check_order(&[]).failure_reason(),
        Some("the order has no items")
    );
}

#[test]
fn an_order_is_placed_at_the_third_attempt() -> nexus::Result<()> {
    // The mock stands in for the body; the retry policy stays that of the event.
    let engine = TestEngine::new()
        .mock("place_order", |ctx: &Context| match ctx.attempt() {
            3 => Ok("ordered".to_owned()),
            attempt => Err(io::Error::other(format!(
                "attempt {attempt}: the book is locked"
            ))),
        })
        .build()?;
    let report = engine.run(order(&["mug"]))?;
    assert_eq!(report.status(), Status::Succeeded);
    assert_eq!(ran(&report), ["check_order", "check_order/1/place_order"]);
    // The clock is virtual: nobody waited for this.
    let expected = [500, 1000].map(Duration::from_millis);
    assert_eq!(waits(&report, "check_order/1/place_order"), expected);
    Ok(())
}

#[test]
fn an_order_of_nothing_is_not_placed() -> nexus::Result<()> {
    let report = TestEngine::new().build()?.run(order(&[]))?;
    assert_eq!(
        ran(&report),
        ["check_order", "check_order/0/explain_refusal"]
    );
    assert_eq!(
        report.get::<explain_refusal>()?,
        "not ordered: the order has no items"
    );
    Ok(())
}
