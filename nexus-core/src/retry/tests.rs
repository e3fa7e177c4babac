use std::error::Error as StdError;
use std::fmt;
use std::time::Duration;

use super::*;
use crate::outcome::RetryAfter;

#[derive(Debug)]
struct Outer(std::io::Error);

impl fmt::Display for Outer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("outer")
    }
}

impl StdError for Outer {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        Some(&self.0)
    }
}

fn broken() -> Exception {
    Exception::new(Outer(std::io::Error::other("inner")))
}

fn waits(builder: RetryPolicyBuilder) -> Vec<f64> {
    let policy = builder.build().unwrap();
    policy.schedule().waits().map(|wait| wait.as_secs_f64()).collect()
}

#[test]
fn the_schedule_doubles_up_to_the_maximum() {
    let policy = |attempts, factor, max| {
        waits(RetryPolicy::builder().max_attempts(attempts).backoff_factor(factor).max_backoff(max))
    };
    assert_eq!(policy(5, 0.5, 100.0), [0.5, 1.0, 2.0, 4.0]);
    assert_eq!(policy(6, 1.0, 5.0), [1.0, 2.0, 4.0, 5.0, 5.0]);
    assert_eq!(policy(3, 0.0, 5.0), [0.0, 0.0]);
    assert_eq!(policy(3, 9.0, 5.0), [5.0, 5.0]);
    assert!(policy(1, 1.0, 1.0).is_empty());
}

#[test]
fn the_total_of_a_billion_attempts_is_known_at_once() {
    let policy = RetryPolicy::builder()
        .max_attempts(1_000_000_001)
        .backoff_factor(1.0)
        .max_backoff(2.0)
        .build()
        .unwrap();
    assert_eq!(policy.schedule().total(), Duration::from_secs(1_999_999_999));
}

#[test]
fn numbers_that_make_no_sense_are_refused_by_name() {
    for bad in [f64::NAN, -1.0, f64::INFINITY, f64::NEG_INFINITY, 1e300] {
        let error = RetryPolicy::builder().backoff_factor(bad).build().unwrap_err();
        assert!(error.to_string().starts_with("`backoff_factor` is "), "{error}");
        let error = RetryPolicy::builder().max_backoff(bad).build().unwrap_err();
        assert!(error.to_string().starts_with("`max_backoff` is "), "{error}");
    }
    let error = RetryPolicy::builder().max_attempts(0).build().unwrap_err();
    assert_eq!(error, RetryPolicyError::NoAttempts);
}

#[test]
fn a_listed_type_is_found_anywhere_in_the_chain() {
    let retries = |builder: RetryPolicyBuilder| {
        let policy = builder.build().unwrap();
        policy.next_wait(&broken(), 1, Duration::ZERO, || 0).is_some()
    };
    assert!(retries(RetryPolicy::builder()));
    assert!(retries(RetryPolicy::builder().retry_on::<Outer>()));
    assert!(retries(RetryPolicy::builder().retry_on::<std::io::Error>()));
    assert!(!retries(RetryPolicy::builder().retry_on::<fmt::Error>()));
    assert!(retries(RetryPolicy::builder().retry_if(|_: &std::io::Error| true)));
    assert!(!retries(RetryPolicy::builder().retry_if(|_: &std::io::Error| false)));
}

#[test]
fn an_error_that_says_when_to_come_back_is_obeyed_within_max_elapsed() {
    let error =
        Exception::new(RetryAfter::new(std::io::Error::other("429"), Duration::from_secs(7)));
    let policy = RetryPolicy::builder().retry_on::<std::io::Error>();
    let wait = |policy: RetryPolicyBuilder, elapsed| {
        policy.build().unwrap().next_wait(&error, 1, Duration::from_secs(elapsed), || 0)
    };
    assert_eq!(wait(policy.clone(), 0), Some(Duration::from_secs(7)));
    let bounded = policy.max_elapsed(Duration::from_secs(10));
    assert_eq!(wait(bounded.clone(), 6), Some(Duration::from_secs(4)));
    assert_eq!(wait(bounded, 10), None);
}

#[test]
fn jitter_stays_within_its_bounds_and_repeats_with_its_seed() {
    for (jitter, low) in [(Jitter::Full, 0.0), (Jitter::Equal, 2.5)] {
        let policy = RetryPolicy::builder()
            .backoff_factor(5.0)
            .max_backoff(5.0)
            .jitter(jitter)
            .build()
            .unwrap();
        let wait =
            |seed| policy.next_wait(&broken(), 1, Duration::ZERO, || seed).unwrap().as_secs_f64();
        let drawn: Vec<f64> = (0..1000).map(wait).collect();
        assert!(drawn.iter().all(|wait| (low..=5.0).contains(wait)));
        assert!(drawn.iter().any(|wait| *wait > 4.5) && drawn.iter().any(|wait| *wait < low + 0.5));
        assert_eq!(drawn, (0..1000).map(wait).collect::<Vec<_>>());
    }
}
