//! Errors as people write them: `anyhow`, `eyre`, boxes and texts, beside error types (R3, R7).
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test says what it expects")]

mod common;

use std::error::Error;
use std::fmt;

use anyhow::Context as _;
use common::{exception, run};
use nexus::prelude::*;

nexus::test_workers!();

#[derive(Debug, thiserror::Error)]
#[error("the gateway is down")]
struct GatewayDown(#[source] fmt::Error);

/// What `anyhow` and `eyre` do, of the user's own: as a box it hides what it carries.
struct Report(Box<dyn Error + Send + Sync>);
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Hidden(String);
impl<E: Error + Send + Sync + 'static> From<E> for Report {
    fn from(error: E) -> Self {
        Self(Box::new(error))
    }
}
impl From<Report> for Box<dyn Error + Send + Sync> {
    fn from(report: Report) -> Self {
        Box::new(Hidden(report.0.to_string()))
    }
}
impl AsRef<dyn Error + Send + Sync> for Report {
    fn as_ref(&self) -> &(dyn Error + Send + Sync + 'static) {
        &*self.0
    }
}

fn charge(ctx: &Context) -> Result<u32, GatewayDown> {
    if ctx.attempt() < 3 { Err(GatewayDown(fmt::Error)) } else { Ok(ctx.attempt()) }
}

/// Events that fail twice and say so by `?`, retried on the type of the error inside.
macro_rules! events {
    ($($name:ident $(($asynchronous:ident))? [$($executor:tt)*]: $returns:ty = $body:expr;)+) => {$(
        #[event(
            $($executor)*
            retry_policy = { backoff_factor: 0.0, retry_on_exceptions: [GatewayDown] },
        )]
        $($asynchronous)? fn $name(ctx: &Context) -> $returns {
            let body: fn(&Context) -> $returns = $body;
            body(ctx)
        }
    )+};
}
events! {
    anyhow_inline []: anyhow::Result<u32> = |ctx| Ok(charge(ctx)?);
    anyhow_thread [executor = ThreadPoolExecutor,]: anyhow::Result<u32> = |ctx| Ok(charge(ctx)?);
    anyhow_async (async) []: anyhow::Result<u32> = |ctx| Ok(charge(ctx)?);
    anyhow_process [executor = ProcessPoolExecutor,]: anyhow::Result<u32> = |ctx| Ok(charge(ctx)?);
    anyhow_context [executor = ProcessPoolExecutor,]: anyhow::Result<u32> =
        |ctx| charge(ctx).context("order 7").context("shop 3");
    anyhow_outcome [executor = ProcessPoolExecutor,]: anyhow::Result<Outcome<u32>> =
        |ctx| Ok(Outcome::success(charge(ctx)?));
    eyre_thread [executor = ThreadPoolExecutor,]: eyre::Result<u32> = |ctx| Ok(charge(ctx)?);
    eyre_process [executor = ProcessPoolExecutor,]: eyre::Result<u32> = |ctx| Ok(charge(ctx)?);
    own_thread [executor = ThreadPoolExecutor,]: Result<u32, Report> = |ctx| Ok(charge(ctx)?);
    own_process [executor = ProcessPoolExecutor,]: Result<u32, Report> = |ctx| Ok(charge(ctx)?);
    boxed_thread [executor = ThreadPoolExecutor,]: Result<u32, Box<dyn Error + Send + Sync>> =
        |ctx| Ok(charge(ctx)?);
    boxed_process [executor = ProcessPoolExecutor,]: Result<u32, Box<dyn Error + Send + Sync>> =
        |ctx| Ok(charge(ctx)?);
}

#[test]
fn a_policy_sees_the_error_that_travels_in_another() {
    for script in [
        "anyhow_inline",
        "anyhow_thread",
        "anyhow_async",
        "anyhow_process",
        "anyhow_context",
        "anyhow_outcome",
        "eyre_thread",
        "eyre_process",
        "own_thread",
        "own_process",
        "boxed_thread",
        "boxed_process",
    ] {
        let report = run(script);
        assert!(report.is_success(), "{script}: {report}");
        assert_eq!(report.output::<u32>().unwrap(), &3, "{script}");
    }
}

#[event(
    executor = ProcessPoolExecutor,
    retry_policy = { backoff_factor: 0.0, retry_if: |error: &GatewayDown| error.0 == fmt::Error },
)]
fn agreed(ctx: &Context) -> anyhow::Result<u32> {
    Ok(charge(ctx)?)
}

#[event(executor = ProcessPoolExecutor, retry_policy = { backoff_factor: 0.0, retry_on_exceptions: [std::io::Error] })]
fn not_listed(ctx: &Context) -> anyhow::Result<u32> {
    Ok(charge(ctx)?)
}

#[test]
fn a_predicate_sees_it_as_well_and_what_is_not_listed_is_not_retried() {
    assert!(run("agreed").is_success());
    let report = run("not_listed");
    assert!(!report.is_success());
    assert_eq!(report.steps().next().unwrap().attempts(), 1);
}

#[event]
fn in_context() -> anyhow::Result<u32> {
    Err(GatewayDown(fmt::Error)).context("order 7")
}

#[event(executor = ProcessPoolExecutor)]
fn in_context_elsewhere() -> anyhow::Result<u32> {
    in_context()
}

#[test]
fn the_chain_reads_as_anyhow_writes_it() {
    for script in ["in_context", "in_context_elsewhere"] {
        let chain: Vec<String> = exception(&run(script)).chain().map(ToString::to_string).collect();
        let expected: Vec<String> =
            in_context().unwrap_err().chain().map(ToString::to_string).collect();
        assert_eq!(chain, expected, "{script}");
    }
    assert!(exception(&run("in_context")).find::<GatewayDown>().is_some());
}

/// An error that shows another one, as a report does.
#[derive(Debug, thiserror::Error)]
#[error("order 7")]
struct Order(#[source] Box<dyn Error + Send + Sync>);
impl AsRef<dyn Error + Send + Sync> for Order {
    fn as_ref(&self) -> &(dyn Error + Send + Sync + 'static) {
        &*self.0
    }
}

#[event]
fn shows_another() -> Result<u32, Order> {
    Err(Order(GatewayDown(fmt::Error).into()))
}

#[test]
fn an_error_type_is_found_itself_even_if_it_shows_another() {
    let exception = exception(&run("shows_another"));
    assert_eq!(exception.message(), "order 7");
    assert!(exception.find::<Order>().is_some() && exception.find::<GatewayDown>().is_some());
}

#[event]
fn text() -> Result<u32, String> {
    Err("no order".to_owned())?
}
#[event(executor = ProcessPoolExecutor)]
fn literal() -> Result<u32, &'static str> {
    Err("no order")
}
#[event]
fn ad_hoc() -> anyhow::Result<u32> {
    anyhow::bail!("no order")
}
#[derive(Event)]
struct Charge {
    #[field(default = 7)]
    order: u32,
}
#[event]
impl Charge {
    fn process(&self) -> anyhow::Result<u32> {
        find(self.order).map_err(anyhow::Error::msg)
    }
    fn can_bypass_current_event(&self) -> anyhow::Result<Bypass<u32>> {
        anyhow::ensure!(self.order > 0, "order 0 is none");
        Ok(Bypass::no())
    }
}
fn find(order: u32) -> Result<u32, String> {
    if order == 7 { Err("no order".to_owned()) } else { Ok(order) }
}
fn unclear(_: &Context) -> Result<Bypass<u32>, String> {
    Err("no order".to_owned())
}
#[event(bypass = unclear)]
fn unclear_whether() -> Outcome<u32> {
    Outcome::success(1)
}

#[test]
fn a_text_is_an_error_too() {
    for script in ["text", "literal", "ad_hoc", "Charge", "unclear_whether"] {
        let exception = exception(&run(script));
        assert_eq!(exception.message(), "no order", "{script}");
        assert_eq!(exception.kind(), nexus::ExceptionKind::Error, "{script}");
    }
    assert_eq!(exception(&run("Charge[order = 0]")).message(), "order 0 is none");
}
