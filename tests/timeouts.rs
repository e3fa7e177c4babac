//! Timeouts, from the attributes to the plan.

use std::time::Duration;

use nexus::prelude::*;

const LIMIT: Duration = Duration::from_mins(2);

fn thread() -> Outcome<String> {
    Outcome::success(std::thread::current().name().unwrap_or_default().to_owned())
}

#[event]
fn free() -> Outcome<String> {
    thread()
}

#[event(timeout = "1m30s")]
fn literal() -> Outcome<String> {
    thread()
}

#[event(timeout = LIMIT)]
fn constant() -> Outcome<String> {
    thread()
}

#[derive(Event)]
#[event(timeout = LIMIT / 2)]
struct Own {
    #[field(default = true)]
    really: bool,
}

#[event]
impl Own {
    fn process(&self) -> Outcome<String> {
        if self.really { thread() } else { Outcome::failure("no") }
    }
}

#[derive(Pipeline)]
#[pipeline(flow = free -> literal -> constant -> Own -> free[timeout = "1h"])]
struct Limited;

/// A run can only go on without a body that another thread runs.
#[test]
fn every_way_to_give_an_event_a_timeout_takes_it_off_the_driving_thread() -> nexus::Result<()> {
    let report = Limited.run()?;
    let away = |name: &String| name.starts_with("nexus-shared-");
    let away: nexus::Result<Vec<bool>> =
        report.steps().map(|step| step.value::<String>().map(away)).collect();
    assert_eq!(away?, [false, true, true, true, true]);
    Ok(())
}

#[test]
fn a_pipeline_s_own_timeout_is_a_literal_an_expression_or_none() {
    #[derive(Pipeline)]
    #[pipeline(flow = free, timeout = "5m")]
    struct Literal;
    #[derive(Pipeline)]
    #[pipeline(timeout = LIMIT * 2, flow = free -> literal)]
    struct Expression;
    assert_eq!(Literal::timeout(), Some(Duration::from_mins(5)));
    assert_eq!(Expression::timeout(), Some(Duration::from_mins(4)));
    assert_eq!(Limited::timeout(), None);
}

/// Only the program knows what an expression gives.
#[test]
fn a_timeout_of_nothing_is_an_error_of_the_plan() {
    #[event(timeout = Duration::ZERO)]
    fn never() -> Outcome<()> {
        Outcome::success(())
    }
    #[derive(Pipeline)]
    #[pipeline(flow = never)]
    struct Never;
    let error = Never.run().err().map(|error| error.to_string()).unwrap_or_default();
    assert!(error.contains("the timeout of `never` is zero"), "{error}");
}
