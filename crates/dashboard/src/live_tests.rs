#![allow(clippy::unwrap_used, reason = "a test says what it expects")]

use nexus_core::journal::MemoryStore;
use nexus_core::{Context, Fields, Flow, Inputs, Outcome, Registry};

use super::*;

fn told(live: &Live, version: u64) -> (Vec<String>, u64) {
    let (news, next) = live.known_since(version);
    assert!(!news.more);
    (news.runs, next)
}

/// A page that misses a change shows a run as it was, for as long as nothing else happens to it.
#[test]
fn each_change_is_told_once_to_each_page_whenever_it_looks() {
    let live = Live::default();
    let first = live.new_version();
    live.touch("a");
    let (runs, second) = told(&live, first);
    assert_eq!(runs, ["a"]);
    // Another page looks, which changes nothing for this one.
    assert_eq!(told(&live, first).0, ["a"]);
    assert_eq!(told(&live, second).0, [""; 0]);
    live.touch("b");
    assert_eq!(told(&live, second).0, ["b"]);
    assert_eq!(told(&live, first).0, ["b", "a"]);
}

#[test]
fn a_page_that_was_away_for_too_long_is_told_that_nobody_knows_what_it_missed() {
    let live = Live::default();
    let first = live.new_version();
    live.touch("a");
    let second = live.new_version();
    for number in 0..MOST_ENDED {
        live.touch(&number.to_string());
    }
    assert!(live.known_since(first).0.more);
    let (news, _) = live.known_since(second);
    assert_eq!((news.runs.len(), news.more), (MOST_NAMED, true));
}

/// Pages share what is read of a run only as long as they will be told of whatever it does next: else the
/// last thing that it has done would not be shown.
#[test]
fn what_is_read_of_a_run_is_shared_only_while_pages_are_told_of_it() {
    let live = Arc::new(Live::default());
    let mut registry = Registry::new();
    registry.event("wait", |_: &Context| Outcome::<u32>::pending()).output_json();
    let plan = Flow::parse("wait").unwrap().plan(&registry, &Fields::new()).unwrap();
    let engine = Engine::builder().store(MemoryStore::new());
    let engine = engine.observer(LiveObserver::new(Arc::clone(&live))).build().unwrap();
    let run = engine.prepare_plan(&plan, Inputs::new()).unwrap().key("run").start().unwrap();
    while engine.pending("run").unwrap().is_empty() {
        std::thread::yield_now();
    }
    // Nobody has asked what it does.
    assert_eq!(live.told_at("run"), None);
    let before = Instant::now();
    live.since(&engine, 0);
    let told = lock(&live.runs).told.unwrap();
    assert!(told >= before);
    // Nobody has asked for long.
    lock(&live.runs).told = Some(told.checked_sub(BETWEEN).unwrap());
    assert_eq!((live.told_at("run"), live.all_told_at()), (None, None));
    // The machine may have stood still meanwhile.
    let told = told + Duration::from_hours(1);
    lock(&live.runs).told = Some(told);
    assert_eq!((live.told_at("run"), live.told_at("other")), (Some(told), None));
    assert!(lock(&live.runs).happened.take().is_some());
    assert_eq!(live.all_told_at(), Some(told));
    run.cancel();
    run.wait().unwrap();
    assert_eq!(live.told_at("run"), None);
    // What happens to a run is told at once, and not when the engine is asked again.
    let happened = || lock(&live.runs).happened.take();
    assert!(happened().is_some());
    live.touch("run");
    assert!(happened().is_some());
    lock(&live.runs).happened = Some(told + BETWEEN);
    assert_eq!(live.all_told_at(), Some(told + BETWEEN));
}
