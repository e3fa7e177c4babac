//! A run as a future: where bodies run, what dropping it does, and timeouts of async events.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panic")]

mod common;

use std::future::pending;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Condvar, Mutex};
use std::task::{Context as Polling, Poll, Waker};
use std::time::Duration;

use common::{wait_until, within};
use nexus::prelude::*;
use nexus::testing::TestEngine;
use nexus::{ExceptionKind, StepOutcome};
use tokio::task::yield_now;

fn block_on<T: Send + 'static>(future: impl Future<Output = T> + Send + 'static) -> T {
    within(|| {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(future)
    })
}

fn plan(registry: &Registry, flow: &str) -> Arc<nexus::Plan> {
    Flow::parse(flow).unwrap().plan(registry, &Fields::new()).unwrap()
}

/// What a body says of the thread it is on.
fn here() -> String {
    std::thread::current().name().unwrap_or("none").to_owned()
}

#[event]
async fn first() -> Outcome<u32> {
    yield_now().await;
    Outcome::success(1)
}

#[event]
async fn add(#[piped] n: &u32) -> Outcome<u32> {
    yield_now().await;
    Outcome::success(n + 1)
}

#[event]
fn plain(#[piped] n: &u32) -> Outcome<u32> {
    Outcome::success(n * 10)
}

#[event]
async fn sum(#[piped] parts: (u32, u32)) -> Outcome<u32> {
    yield_now().await;
    Outcome::success(parts.0 + parts.1)
}

fn linked() -> Registry {
    Registry::linked()
}

#[test]
fn a_flow_as_a_future_does_what_it_does_on_a_thread() {
    for flow in [
        "first |-> add |-> add |-> add",
        "first |-> plain |-> plain |-> add",
        "first |-> add || plain |-> sum |-> plain",
        "first (1 |-> add |-> plain) |-> add",
        "first |-> {add |-> plain |-> add}[max_attempts = 2] |-> add",
    ] {
        let plan = plan(&linked(), flow);
        let engine = Engine::new();
        let blocking = engine.run_plan(&plan, Inputs::new()).unwrap();
        let prepared = engine.prepare_plan(&plan, Inputs::new()).unwrap();
        let future = block_on(prepared.run_async()).unwrap();
        assert!(future.is_success(), "{flow}: {future}");
        assert_eq!(future.output::<u32>().unwrap(), blocking.output::<u32>().unwrap(), "{flow}");
    }
}

#[test]
fn a_pipeline_runs_as_a_future_too() {
    #[derive(Pipeline)]
    #[pipeline(flow = first |-> add)]
    struct P {}
    let report = block_on(async { P {}.run_async().await.unwrap() });
    assert_eq!(report.output::<u32>().unwrap(), &2);
}

#[test]
fn plain_bodies_never_run_on_the_runtimes_threads() {
    let mut registry = Registry::new();
    registry.event("where", |_: &Context| Outcome::success(here()));
    let plan = plan(&registry, "where -> where -> where || where[executor = DefaultExecutor]");
    let report = within(move || {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .thread_name("theirs")
            .build()
            .unwrap();
        let prepared = Engine::new().prepare_plan(&plan, Inputs::new()).unwrap();
        runtime.block_on(runtime.spawn(prepared.run_async())).unwrap().unwrap()
    });
    for step in report.steps() {
        let thread = step.value::<String>().unwrap();
        assert!(thread.starts_with("nexus-shared-"), "`{}` ran on `{thread}`", step.path());
    }
}

#[test]
fn an_async_event_that_runs_alone_is_polled_by_the_future_itself() {
    let mut registry = Registry::new();
    registry.async_event("where", |_: &Context| Box::pin(async { Outcome::success(here()) }));
    let plan = plan(&registry, "where -> where");
    let prepared = Engine::new().prepare_plan(&plan, Inputs::new()).unwrap();
    let report = within(move || {
        let thread = std::thread::Builder::new().name("theirs".to_owned());
        let run = move || block_on_here(prepared.run_async()).unwrap();
        thread.spawn(run).unwrap().join().unwrap()
    });
    assert!(report.steps().all(|step| step.value::<String>().unwrap() == "theirs"), "{report}");
}

/// A runtime that knows nothing of tokio.
fn block_on_here<T>(future: impl Future<Output = T>) -> T {
    struct Thread(Mutex<bool>, Condvar);
    impl std::task::Wake for Thread {
        fn wake(self: Arc<Self>) {
            *self.0.lock().unwrap() = true;
            self.1.notify_all();
        }
    }
    let thread = Arc::new(Thread(Mutex::new(false), Condvar::new()));
    let waker = Waker::from(Arc::clone(&thread));
    let mut future = Box::pin(future);
    loop {
        if let Poll::Ready(value) = future.as_mut().poll(&mut Polling::from_waker(&waker)) {
            return value;
        }
        let mut woken = thread.0.lock().unwrap();
        while !std::mem::take(&mut *woken) {
            woken = thread.1.wait(woken).unwrap();
        }
    }
}

#[test]
fn a_run_needs_no_tokio_around_it_though_its_events_do() {
    let mut registry = Registry::new();
    registry.async_event("sleep", |_: &Context| {
        Box::pin(async {
            tokio::time::sleep(Duration::from_millis(1)).await;
            Outcome::success(7_u32)
        })
    });
    let plan = plan(&registry, "sleep -> sleep || sleep -> sleep");
    let prepared = Engine::new().prepare_plan(&plan, Inputs::new()).unwrap();
    let report = within(move || block_on_here(prepared.run_async()).unwrap());
    assert!(report.is_success(), "{report}");
}

#[test]
fn waits_of_retries_are_waits_of_the_future() {
    let mut registry = Registry::new();
    registry
        .event("busy", |ctx: &Context| match ctx.attempt() {
            1..=3 => Err(std::io::Error::other("busy")),
            n => Ok(n),
        })
        .retry_policy(RetryPolicy::builder().backoff_factor(3600.0).max_backoff(1e5).build());
    let plan = plan(&registry, "busy || busy");
    let prepared = TestEngine::new().build().unwrap().prepare_plan(&plan, Inputs::new()).unwrap();
    let report = block_on(prepared.run_async()).unwrap();
    assert!(report.is_success(), "{report}");
    assert_eq!(report.elapsed(), Duration::from_hours(7));
    // And on the wall clock.
    registry
        .event("soon", |ctx: &Context| match ctx.attempt() {
            1 => Err(std::io::Error::other("busy")),
            n => Ok(n),
        })
        .retry_policy(RetryPolicy::builder().backoff_factor(0.001).build());
    let plan = self::plan(&registry, "soon");
    let prepared = Engine::new().prepare_plan(&plan, Inputs::new()).unwrap();
    assert!(block_on(prepared.run_async()).unwrap().is_success());
}

/// Says when it is dropped.
struct Dropped(Arc<AtomicUsize>);

impl Drop for Dropped {
    fn drop(&mut self) {
        self.0.fetch_add(1, SeqCst);
    }
}

/// `hang` never ends, and counts how often it was begun and dropped.
fn hanging(begun: &Arc<AtomicUsize>, dropped: &Arc<AtomicUsize>) -> Registry {
    let mut registry = Registry::new();
    let (begun, dropped) = (Arc::clone(begun), Arc::clone(dropped));
    registry.async_event("hang", move |_: &Context| {
        begun.fetch_add(1, SeqCst);
        let guard = Dropped(Arc::clone(&dropped));
        Box::pin(async move {
            pending::<()>().await;
            drop(guard);
            Outcome::success(())
        })
    });
    registry.event("after", |_: &Context| Outcome::success(()));
    registry
}

#[test]
fn dropping_the_future_drops_its_async_events_and_starts_nothing_more() {
    for flow in ["hang -> after", "hang || hang -> after"] {
        let (begun, dropped) = (Arc::default(), Arc::<AtomicUsize>::default());
        let plan = plan(&hanging(&begun, &dropped), flow);
        let engine = Engine::new();
        let prepared = engine.prepare_plan(&plan, Inputs::new()).unwrap();
        let mut run = Box::pin(prepared.run_async());
        let members = flow.matches("hang").count();
        wait_until(|| {
            let poll = run.as_mut().poll(&mut Polling::from_waker(Waker::noop()));
            assert!(poll.is_pending());
            begun.load(SeqCst) == members
        });
        drop(run);
        wait_until(|| dropped.load(SeqCst) == members);
        within(move || drop(engine));
    }
}

#[test]
fn dropping_the_future_tells_a_plain_body_and_does_not_wait_for_it() {
    let mut registry = Registry::new();
    let (begun, told) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
    let (inner, seen) = (Arc::clone(&begun), Arc::clone(&told));
    registry.event("long", move |ctx: &Context| {
        inner.store(true, SeqCst);
        wait_until(|| ctx.is_cancelled());
        seen.store(true, SeqCst);
        Outcome::success(())
    });
    let plan = plan(&registry, "long -> long");
    let engine = Engine::new();
    let mut run = Box::pin(engine.prepare_plan(&plan, Inputs::new()).unwrap().run_async());
    wait_until(|| {
        assert!(run.as_mut().poll(&mut Polling::from_waker(Waker::noop())).is_pending());
        begun.load(SeqCst)
    });
    drop(run);
    wait_until(|| told.load(SeqCst));
    within(move || drop(engine));
}

#[test]
fn a_future_that_was_never_polled_runs_nothing() {
    let (begun, dropped) = (Arc::<AtomicUsize>::default(), Arc::default());
    let plan = plan(&hanging(&begun, &dropped), "hang");
    drop(Engine::new().prepare_plan(&plan, Inputs::new()).unwrap().run_async());
    assert_eq!(begun.load(SeqCst), 0);
}

#[test]
fn an_async_event_that_takes_too_long_is_dropped_where_it_waits() {
    for as_future in [false, true] {
        let (begun, dropped) = (Arc::default(), Arc::<AtomicUsize>::default());
        let registry = hanging(&begun, &dropped);
        let plan = plan(&registry, "hang[timeout = \"20ms\"] (0 -> after)");
        let prepared = Engine::new().prepare_plan(&plan, Inputs::new()).unwrap();
        let report = if as_future {
            block_on(prepared.run_async()).unwrap()
        } else {
            within(move || prepared.run().unwrap())
        };
        let StepOutcome::Exception(exception) = report.step("hang").unwrap().outcome() else {
            panic!("{report}");
        };
        assert_eq!(exception.kind(), ExceptionKind::Timeout);
        assert!(report.is_success(), "{report}");
        wait_until(|| dropped.load(SeqCst) == 1);
    }
}

#[test]
fn a_runs_timeout_drops_its_async_events() {
    for as_future in [false, true] {
        let (begun, dropped) = (Arc::<AtomicUsize>::default(), Arc::<AtomicUsize>::default());
        let plan = plan(&hanging(&begun, &dropped), "hang -> after");
        let test = TestEngine::new();
        let clock = test.clock();
        let prepared = test.build().unwrap().prepare_plan(&plan, Inputs::new()).unwrap();
        let prepared = prepared.timeout(Duration::from_secs(20));
        // Else the time might be over before the event begins, and there would be nothing to drop.
        let time = std::thread::spawn(move || {
            wait_until(|| begun.load(SeqCst) == 1);
            clock.advance(Duration::from_secs(20));
        });
        let report = if as_future {
            block_on(prepared.run_async()).unwrap()
        } else {
            within(move || prepared.run().unwrap())
        };
        assert_eq!(report.status(), Status::TimedOut, "{report}");
        let hang = report.step("hang").unwrap().sentence();
        assert_eq!(hang, "cancelled: the run's timeout was over");
        wait_until(|| dropped.load(SeqCst) == 1);
        time.join().unwrap();
    }
}

#[test]
fn a_panic_in_a_poll_is_the_events_alone() {
    let mut registry = Registry::new();
    registry.async_event("breaks", |ctx: &Context| {
        Box::pin(async {
            yield_now().await;
            assert_eq!(ctx.attempt(), 0, "on purpose");
            Outcome::success(())
        })
    });
    registry.event("after", |_: &Context| Outcome::success(()));
    let plan = plan(&registry, "breaks (0 -> after) -> after");
    let prepared = Engine::new().prepare_plan(&plan, Inputs::new()).unwrap();
    let report = block_on(prepared.run_async()).unwrap();
    assert!(report.is_success(), "{report}");
    assert!(report.step("breaks").unwrap().sentence().contains("on purpose"), "{report}");
}

mod nested {
    use super::*;

    #[event(executor_config = { max_concurrency: 1 })]
    async fn deeper(depth: &u32) -> Result<u32, nexus::Error> {
        if *depth == 0 {
            return Ok(0);
        }
        let report = Nested { depth: depth - 1 }.run_async().await?.ok()?;
        Ok(report.output::<u32>()? + 1)
    }

    // Beside another step, so that it is a task of its executor.
    #[derive(Pipeline)]
    #[pipeline(flow = idle || idle -> deeper[timeout = "1h"])]
    struct Nested {
        depth: u32,
    }

    #[event]
    async fn idle() -> Outcome<()> {
        yield_now().await;
        Outcome::success(())
    }

    #[test]
    fn an_async_event_that_waits_for_a_run_gives_its_place_to_it() {
        let report = within(|| Nested { depth: 5 }.run().unwrap());
        assert_eq!(report.output::<u32>().unwrap(), &5, "{report}");
    }
}
