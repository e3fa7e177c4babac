#![allow(clippy::unwrap_used, clippy::panic, reason = "a test says what it expects")]

use std::sync::Arc;

use nexus_core::journal::MemoryStore;
use nexus_core::{Context, Engine, Fields, Flow, Inputs, Outcome, Registry, RetryPolicy};

use super::*;
use crate::clock::now;

const SECOND: Duration = Duration::from_secs(1);

/// What is recorded of a run of one step.
fn history(script: &str, body: fn(&Context) -> Outcome<String>) -> History {
    let mut registry = Registry::new();
    registry.event("step", body).output_json();
    for attempts in [9, 10] {
        let policy = RetryPolicy::builder().max_attempts(attempts).backoff_factor(0.0).build();
        registry
            .event(format!("breaks_{attempts}"), |_: &Context| {
                Err::<String, _>(std::io::Error::other("down"))
            })
            .retry_policy(policy)
            .output_json();
    }
    let plan = Flow::parse(script).unwrap().plan(&registry, &Fields::new()).unwrap();
    let store = Arc::new(MemoryStore::new());
    let engine = Engine::builder().store(Arc::clone(&store)).build().unwrap();
    let run = engine.prepare_plan(&plan, Inputs::new()).unwrap().key("run").start().unwrap();
    let read = || History::read(&*store, "run").unwrap().unwrap();
    while read().run.records < 1 {
        std::thread::yield_now();
    }
    if !has_pending(&read()) {
        drop(run.wait().unwrap());
    }
    read()
}

fn kinds(hints: &[Hint]) -> Vec<&'static str> {
    hints.iter().map(|hint| hint.kind).collect()
}

fn of(history: &History, now: Timestamp) -> Vec<Hint> {
    let (activity, queued, abandoned) = (&[][..], &[][..], &[][..]);
    of_run(Facts { history, is_observed: false, activity, queued, abandoned, now })
}

#[test]
fn a_run_in_which_all_is_well_has_no_hints() {
    assert_eq!(of(&history("step", |_| Outcome::success(String::new())), now()), []);
}

#[test]
fn a_step_that_is_tried_in_vain_again_and_again_is_a_storm() {
    let tries = |event| kinds(&of(&history(event, |_| Outcome::pending()), now()));
    assert_eq!(tries("breaks_9"), [""; 0]);
    assert_eq!(tries("breaks_10"), ["retries"]);
}

#[test]
fn a_value_of_more_than_a_megabyte_is_large() {
    assert_eq!(
        kinds(&of(&history("step", |_| Outcome::success("x".repeat(LARGE))), now())),
        ["large"]
    );
    // The quotes count, too.
    assert_eq!(of(&history("step", |_| Outcome::success("x".repeat(LARGE - 2))), now()), []);
}

#[test]
fn a_step_that_waits_for_somebody_for_more_than_a_day_is_forgotten() {
    let waiting = history("step", |_| Outcome::pending());
    assert_eq!(of(&waiting, now()), []);
    let [hint] = &*of(&waiting, now().plus(FORGOTTEN + SECOND)) else { panic!("no hint") };
    assert_eq!((hint.kind, hint.step.as_deref()), ("forgotten", Some("step")));
}

#[test]
fn attempts_that_wait_for_a_worker_name_the_pool_that_has_too_few() {
    let queued = |pool: &str| Queued {
        path: "load".to_owned(),
        pool: pool.to_owned(),
        workers: 2,
        attempts: 7,
        since: Timestamp(0),
    };
    let threads = queued("ThreadPoolExecutor(max_workers: 2)");
    assert_eq!(starved(&threads, Timestamp(0).plus(STARVED / 2)), None);
    let hint = starved(&threads, Timestamp(0).plus(STARVED * 4)).unwrap();
    assert_eq!(hint.kind, "starved");
    assert_eq!(
        hint.text,
        "7 attempts wait for 40 s for a worker of `ThreadPoolExecutor(max_workers: 2)`, which has 2: raise it, or give the event a pool of its own"
    );
    let hint = starved(&queued("AsyncExecutor(max_concurrency: 2)"), Timestamp(0).plus(STARVED));
    let hint = hint.unwrap();
    assert_eq!(hint.kind, "blocked");
    assert!(hint.text.contains("the 2 places that `max_concurrency` gives"), "{}", hint.text);
}

#[test]
fn a_body_that_does_not_look_at_its_cancellation_is_deaf() {
    let (path, since) = ("load".to_owned(), Timestamp(0));
    let body = Abandoned { path, item: None, attempt: 1, since };
    assert_eq!(deaf(&body, Timestamp(0).plus(DEAF / 2)), None);
    assert_eq!(deaf(&body, Timestamp(0).plus(DEAF)).unwrap().kind, "deaf");
}

#[test]
fn an_attempt_that_runs_for_long_may_hang_and_one_that_waits_does_not() {
    let task = |until| Activity {
        index: 0,
        path: "load".to_owned(),
        item: None,
        attempt: 1,
        since: Timestamp(0),
        until,
        done: None,
        total: None,
    };
    let later = Timestamp(0).plus(LONG + SECOND);
    assert_eq!(long(&task(None), Timestamp(0).plus(LONG)), None);
    assert!(long(&task(None), later).unwrap().text.starts_with("an attempt runs for 10 minutes;"));
    assert_eq!(long(&task(Some(later)), later), None);
}

#[test]
fn a_pool_says_that_it_is_starved_that_bodies_keep_its_threads_and_that_workers_die() {
    let load = Load { workers: 1, ..Load::default() };
    let later = Timestamp(0).plus(STARVED);
    assert_eq!(of_pool("p", &load, later), []);
    let waits = Load { queued: 3, queued_since: Some(Timestamp(0)), ..load.clone() };
    assert_eq!(kinds(&of_pool("p", &waits, later)), ["starved"]);
    assert_eq!(kinds(&of_pool("p", &waits, Timestamp(0))), [""; 0]);
    let troubled = Load { abandoned: 1, lost: STORM, ..load };
    assert_eq!(kinds(&of_pool("p", &troubled, later)), ["deaf", "lost"]);
}

#[test]
fn a_schedule_that_should_have_fired_is_overdue_unless_it_is_paused() {
    let mut line = ScheduleLine::new("nightly");
    assert_eq!(of_schedule(&line, now()), []);
    line.due = Some(Timestamp(0));
    assert_eq!(of_schedule(&line, Timestamp(0).plus(OVERDUE / 2)), []);
    assert_eq!(kinds(&of_schedule(&line, Timestamp(0).plus(OVERDUE))), ["overdue"]);
    line.paused = true;
    assert_eq!(of_schedule(&line, Timestamp(0).plus(OVERDUE)), []);
}
