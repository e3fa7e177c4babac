//! D7, D12: values that cannot be written, and a store that fails.

use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::SeqCst;

use nexus_core::journal::{Change, MemoryStore, RunQuery, RunState, Store, StoreError};
use nexus_core::testing::TestEngine;
use nexus_core::{
    Error, ExceptionKind, ExecutorInitializerConfig, Inputs, Outcome, RetryPolicy, Status,
    StepOutcome, ThreadPoolExecutor,
};

use crate::support::{Asking, Events, engine, run};

/// A store whose commits fail, or panic, after so many.
fn fails(inner: &Arc<MemoryStore>, commits: usize, panics: bool) -> Asking {
    let left = AtomicUsize::new(commits);
    Asking::new(inner, move |_| {
        if left.fetch_update(SeqCst, SeqCst, |n| n.checked_sub(1)).is_ok() {
            return Ok(());
        }
        assert!(!panics, "the store broke");
        Err(StoreError::io("the disk is full", std::io::Error::other("no space")))
    })
}

#[test]
fn a_store_that_fails_ends_the_run_with_its_error_and_the_run_can_be_resumed() {
    for panics in [false, true] {
        for commits in 0..6 {
            let mut events = Events::new();
            events.add("a", |_| Outcome::success(1_u32));
            let pool = ExecutorInitializerConfig::new().max_workers(2);
            events
                .add("p", |_| Outcome::success(2_u32))
                .executor::<ThreadPoolExecutor>()
                .executor_config(pool);
            let plan = events.plan("a -> p || p || a -> a");
            let inner = Arc::new(MemoryStore::new());
            let store = fails(&inner, commits, panics);
            let broken = TestEngine::new().store(store).build().unwrap();
            match run(&broken, &plan) {
                Err(Error::Store(why)) => {
                    let expected = if panics { "the store broke" } else { "no space" };
                    assert!(why.to_string().contains(expected), "{why}");
                }
                Ok(report) => assert!(report.is_success()),
                Err(other) => panic!("{other}"),
            }
            // Nothing is written any more.
            assert!(matches!(run(&broken, &plan), Err(Error::Store(_)) | Ok(_)));
            let mended = engine(&inner, &plan);
            assert!(run(&mended, &plan).unwrap().is_success());
        }
    }
}

#[test]
fn after_the_store_has_failed_no_step_of_any_run_starts() {
    let mut events = Events::new();
    events.add("a", |_| Outcome::success(1_u32));
    let plan = events.plan("a -> a -> a");
    // The start and the first step are safe, so that the second step starts.
    let store = fails(&Arc::new(MemoryStore::new()), 2, false);
    let engine = TestEngine::new().store(store).build().unwrap();
    for key in ["k", "k", "another"] {
        let prepared = engine.prepare_plan(&plan, Inputs::new()).unwrap();
        assert!(matches!(prepared.key(key).run(), Err(Error::Store(_))));
        assert_eq!(events.calls.total(), 2);
    }
}

#[test]
fn a_value_that_json_would_corrupt_is_an_exception_that_names_its_place_and_is_not_retried() {
    let mut events = Events::new();
    events
        .add("measure", |_| Outcome::success(vec![1.0, f64::NAN]))
        .retry_policy(RetryPolicy::default());
    events.add("mend", |_| Outcome::success(vec![0.0]));
    let plan = events.plan("measure (0 -> mend)");
    let store = Arc::new(MemoryStore::new());
    let report = run(&engine(&store, &plan), &plan).unwrap();
    assert_eq!((report.status(), events.calls.of("measure")), (Status::Succeeded, 1));
    let StepOutcome::Exception(exception) = report.step("measure").unwrap().outcome() else {
        panic!("{report}");
    };
    assert_eq!(exception.kind(), ExceptionKind::Serialization);
    let said = exception.message();
    assert!(said.contains("`measure`") && said.contains("[1]") && said.contains("NaN"), "{said}");
}

#[test]
fn a_record_that_cannot_be_read_is_damage_of_its_run_alone() {
    let mut events = Events::new();
    events.add("a", |_| Outcome::success(1_u32));
    let plan = events.plan("a -> a");
    let store = Arc::new(MemoryStore::new());
    run(&engine(&store, &plan), &plan).unwrap();
    let damaged = Arc::new(MemoryStore::new());
    let start = store.run("k").unwrap().unwrap().start;
    let mut record = store.records("k", 0, 1).unwrap().remove(0);
    record.body = record.body.replace("success", "succes");
    let key = Arc::clone(&start.key);
    damaged.commit(&[Change::Start(start), Change::Record { key, record }]).unwrap();
    let engine = engine(&damaged, &plan);
    let error = run(&engine, &plan).unwrap_err().to_string();
    assert!(error.contains("`k`") && error.contains("record 1"), "{error}");
    assert!(engine.resume().unwrap().is_empty());
    let listed = engine.runs(&RunQuery::all()).unwrap().remove(0);
    assert_eq!(listed.state, RunState::NeedsDecision);
    assert!(listed.reason.unwrap().contains("record 1"));
    let other = engine.prepare_plan(&plan, Inputs::new()).unwrap().key("other").run();
    assert!(other.unwrap().is_success());
}
