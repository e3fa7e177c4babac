#![allow(clippy::unwrap_used, reason = "a test says what it expects")]

use nexus_core::journal::MemoryStore;
use nexus_core::{Context, Fields, Flow, Inputs, Outcome, Registry};

use super::*;

fn told(live: &Live, version: u64) -> (Vec<String>, u64) {
    let (news, next) = live.since(version);
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
    assert!(live.since(first).0.more);
    let (news, _) = live.since(second);
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
    let clock = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    clock.block_on(live.round(&engine, 0));
    let told = lock(&live.runs).told.unwrap();
    assert!(told >= before);
    let begun = |at| {
        let mut rounds = Rounds::default();
        rounds.round(0, at);
        *lock(&live.rounds) = rounds;
    };
    // The round is over.
    begun(told.checked_sub(Duration::from_hours(1)).unwrap());
    assert_eq!((live.told_at("run"), live.all_told_at()), (None, None));
    // The machine may have stood still meanwhile.
    begun(told + Duration::from_hours(1));
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
    lock(&live.runs).happened = Some(told + Duration::from_millis(1));
    assert_eq!(live.all_told_at(), Some(told + Duration::from_millis(1)));
    // Where no run is under way the engine is not asked, and pages are not told that another process does one.
    *lock(&live.rounds) = Rounds::default();
    clock.block_on(live.round(&engine, 0));
    assert_eq!(live.all_told_at(), None);
}

/// Pages ask for much whenever they are told: else runs would pay the more for them the more there are.
#[test]
fn pages_are_told_the_less_often_the_more_they_ask_for_and_the_first_thing_at_once() {
    let live = Live::default();
    let engine = Engine::builder().store(MemoryStore::new()).build().unwrap();
    let mut clock = tokio::runtime::Builder::new_current_thread();
    clock.enable_time().start_paused(true).build().unwrap().block_on(async {
        let (start, patience) = (Instant::now(), Duration::from_mins(1));
        let (mut one, mut other) = (live.heard_nothing(), live.heard_nothing());
        // What happens, how long the pages were answered before, and when each page is told.
        for (happens, worked, told) in [("a", 0, 0), ("b", 5, 500), ("c", 0, 750), ("d", 99, 1_750)]
        {
            lock(&live.rounds).work(Duration::from_millis(worked));
            live.touch(happens);
            for page in [&mut one, &mut other] {
                let news = live.changed(&engine, page, patience).await.unwrap();
                assert_eq!(news.runs, [happens]);
                assert_eq!(start.elapsed().as_millis(), told, "{happens}");
            }
        }
        // Nothing happens.
        assert!(live.changed(&engine, &mut one, patience).await.is_none());
    });
}
