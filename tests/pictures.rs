//! The pictures of the guide, made from runs with a virtual clock, and the recipe that puts a
//! pipeline's picture into its documentation.

#![allow(missing_docs, reason = "a test")]
#![allow(clippy::unwrap_used, reason = "a test says what it expects")]

use std::time::Duration;

use nexus::Picture;
use nexus::prelude::*;
use nexus::testing::TestEngine;

#[derive(Debug, thiserror::Error)]
#[error("the gateway timed out")]
struct GatewayError;

#[event]
fn validate_order(items: &u32) -> Outcome<()> {
    if *items == 0 { Outcome::failure("Order has no items") } else { Outcome::success(()) }
}

#[event]
fn reject_order() -> Outcome<()> {
    Outcome::success(())
}

#[event(retry_policy = { max_attempts: 3, backoff_factor: 0.5, retry_on_exceptions: [GatewayError] })]
fn process_payment(items: &u32) -> Result<u32, GatewayError> {
    if *items > 1000 { Err(GatewayError) } else { Ok(7) }
}

#[event]
fn send_confirmation(#[piped] receipt: &u32) -> Outcome<u32> {
    Outcome::success(*receipt)
}

/// From cart to confirmation.
#[doc = include_str!("../docs/src/pictures/order.svg")]
#[derive(Pipeline)]
#[pipeline(flow = validate_order (0 -> reject_order, 1 -> process_payment |-> send_confirmation))]
struct OrderPipeline {
    items: u32,
}

fn kept(picture: &Picture, name: &str) {
    picture.keep_in(format!("docs/src/pictures/{name}")).unwrap();
}

#[test]
fn the_order_pipeline() {
    let picture = OrderPipeline::plan().unwrap().picture();
    for name in ["order.svg", "order.mmd", "order.dot", "order.txt"] {
        kept(&picture, name);
    }
}

#[test]
fn the_order_pipeline_after_a_run_that_failed() {
    let engine = TestEngine::new();
    let (valid, paid) = (engine.clock(), engine.clock());
    let engine = engine
        .mock("validate_order", move |_: &Context| {
            valid.advance(Duration::from_micros(1250));
            Outcome::success(())
        })
        .mock("process_payment", move |_: &Context| -> Result<u32, GatewayError> {
            paid.advance(Duration::from_millis(400));
            Err(GatewayError)
        });
    let report = engine.build().unwrap().run(OrderPipeline { items: 2 }).unwrap();
    assert_eq!(report.status(), Status::Failed);
    kept(&report.picture(), "order_failed.svg");
    kept(&report.picture(), "order_failed.txt");
}

macro_rules! succeeding {
    ($($name:ident)*) => {$(
        #[event]
        fn $name() -> Outcome<()> {
            Outcome::success(())
        }
    )*};
}

succeeding!(refund tell_support ship_standard ship_express);
succeeding!(send_mail update_ledger archive);

#[event]
fn fetch_orders() -> Outcome<Vec<u32>> {
    Outcome::success(vec![1, 2, 3])
}

#[event]
fn price_order(#[piped] order: &u32) -> Outcome<u32> {
    Outcome::success(order * 100)
}

#[event]
fn reserve_stock(#[piped] prices: &Vec<u32>) -> Outcome<usize> {
    Outcome::success(prices.len())
}

#[event]
fn screen_fraud(#[piped] prices: &Vec<u32>) -> (bool, ()) {
    (prices.iter().sum::<u32>() < 1_000_000, ())
}

/// Answers the second time.
#[event(retry_policy = { backoff_factor: 0 })]
fn charge_card(ctx: &Context, #[piped] _prices: &Vec<u32>) -> Result<(), GatewayError> {
    if ctx.attempt() < 2 { Err(GatewayError) } else { Ok(()) }
}

#[event]
fn choose_carrier() -> Outcome<()> {
    Outcome::goto("express", ()).reason("premium customer")
}

/// What happens to the orders of a day.
#[derive(Pipeline)]
#[pipeline(flow = fetch_orders
    |-> price_order[each, max_concurrency = 8]
    |-> {reserve_stock || charge_card * 3 || screen_fraud}[executor = ThreadPoolExecutor] (
        0 -> refund -> tell_support,
        1 -> choose_carrier (1 -> ship_standard, express -> ship_express),
    )
    -> send_mail || update_ledger
    -> archive
)]
struct Shop;

#[test]
fn a_flow_as_large_as_those_of_the_tutorial() {
    for name in ["shop.svg", "shop.mmd", "shop.dot", "shop.txt"] {
        kept(&Shop::plan().unwrap().picture(), name);
    }
    let engine = Engine::builder().step_timings(false).build().unwrap();
    let report = engine.run(Shop).unwrap();
    kept(&report.picture().titled("Shop succeeded"), "shop_run.svg");
}

#[test]
fn a_picture_can_stand_in_documentation_as_it_is() {
    let svg = OrderPipeline::plan().unwrap().picture().svg();
    // A comment may end a paragraph; what is raw HTML then begins with a tag alone on its line, and
    // ends with a blank line.
    let lines: Vec<&str> = svg.lines().collect();
    assert!(lines[0].starts_with("<!--") && lines[0].ends_with("-->"));
    assert!(lines[1].starts_with("<svg ") && lines[1].ends_with('>'));
    assert!(lines.iter().all(|line| !line.trim().is_empty()));
}
