//! Events that are `async fn`, from the attribute to the report.

#![allow(clippy::unwrap_used, reason = "a test says what it expects")]

mod common;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use common::within;
use nexus::prelude::*;
use nexus::testing::TestEngine;
use tokio::sync::{Barrier, Notify};
use tokio::task::yield_now;

#[derive(Debug, Clone, PartialEq)]
struct Order {
    total: u32,
}

#[event]
async fn fetch(order: &Order) -> Outcome<u32> {
    yield_now().await;
    Outcome::success(order.total)
}

/// A plain event between async ones.
#[event]
fn twice(#[piped] n: u32) -> Outcome<u32> {
    Outcome::success(n * 2)
}

#[event]
async fn store(#[piped] n: &u32, ctx: &Context) -> Result<String, std::io::Error> {
    tokio::time::sleep(Duration::from_millis(1)).await;
    Ok(format!("{n} by {}", ctx.event()))
}

#[test]
fn a_chain_of_async_and_plain_events_runs_as_drawn() {
    #[derive(Pipeline)]
    #[pipeline(flow = fetch |-> twice |-> store)]
    struct P {
        order: Order,
    }
    let report = within(|| P { order: Order { total: 4 } }.run().unwrap());
    assert_eq!(report.output::<String>().unwrap(), "8 by store");
}

#[test]
fn an_async_event_can_still_be_called_as_the_function_it_is() {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let outcome = runtime.block_on(fetch(&Order { total: 3 }));
    assert_eq!(outcome.value(), Some(&3));
}

/// Every form in which a parameter takes its value, held over an await.
mod forms {
    use super::*;

    #[event]
    async fn fields(
        by_ref: &Order,
        by_value: Order,
        shared: Arc<Order>,
        base: State<u32>,
        ctx: &Context,
    ) -> Outcome<u32> {
        yield_now().await;
        Outcome::success(by_ref.total + by_value.total + shared.total + *base + ctx.attempt())
    }
    #[event]
    async fn by_ref(#[piped] n: &u32) -> Outcome<u32> {
        yield_now().await;
        Outcome::success(*n)
    }
    #[event]
    async fn by_arc(#[piped] n: Arc<u32>) -> (bool, u32) {
        yield_now().await;
        (true, *n)
    }
    #[event]
    async fn either(#[piped] n: Result<&u32, Failure>) -> Result<Outcome<u32>, std::fmt::Error> {
        yield_now().await;
        Ok(Outcome::success(n.map_or_else(|failure| failure.reason().len() as u32, |n| *n)))
    }
    #[event]
    async fn refuse() -> Outcome<u32> {
        yield_now().await;
        Outcome::failure("four")
    }
    #[event]
    async fn pair(#[piped] both: (&u32, Result<u32, Failure>)) -> Outcome<Vec<u32>> {
        yield_now().await;
        Outcome::success(vec![*both.0, both.1.unwrap_or(0)])
    }
    #[event]
    async fn add(#[piped] all: Vec<&u32>) -> Outcome<u32> {
        yield_now().await;
        Outcome::success(all.into_iter().sum())
    }
    #[event]
    async fn whole(#[piped] all: &Vec<u32>) -> Outcome<u32> {
        yield_now().await;
        Outcome::success(all.iter().sum())
    }
    #[event]
    async fn why(#[piped] why: &Failure) -> Outcome<String> {
        yield_now().await;
        Outcome::success(why.to_string())
    }

    #[derive(Pipeline)]
    #[pipeline(flow = fields |-> by_ref || by_arc || either |-> add |-> by_ref || either |-> pair |-> whole)]
    struct P {
        by_ref: Order,
        by_value: Order,
        shared: Order,
    }
    #[derive(Pipeline)]
    #[pipeline(flow = refuse |-> either)]
    struct Refused;
    #[derive(Pipeline)]
    #[pipeline(flow = refuse (0 |-> why))]
    struct Branched;

    #[test]
    fn every_form_of_parameter_and_answer_crosses_awaits() {
        let engine = Engine::builder().state(1000_u32).build().unwrap();
        let order = |total| Order { total };
        let pipeline = P { by_ref: order(1), by_value: order(10), shared: order(100) };
        let report = within(move || engine.run(pipeline).unwrap());
        // 1112 three times, added; then both of it, added.
        assert_eq!(report.output::<u32>().unwrap(), &(1112 * 3 * 2), "{report}");
        let report = within(|| Branched.run().unwrap());
        assert_eq!(report.get::<why>().unwrap(), "four");
        let report = within(|| Refused.run().unwrap());
        assert_eq!(report.output::<u32>().unwrap(), &4);
    }
}

#[test]
fn a_struct_event_s_process_may_be_async_and_bypassed() {
    #[derive(Event)]
    #[event(executor_config = { max_concurrency: 4 })]
    struct Scale {
        factor: u32,
    }
    #[event]
    impl Scale {
        async fn process(&self, #[piped] n: u32) -> Outcome<u32> {
            yield_now().await;
            Outcome::success(n * self.factor)
        }
        fn can_bypass_current_event(&self) -> Bypass<u32> {
            if self.factor == 1 { Bypass::skip_with("the same", 7) } else { Bypass::no() }
        }
    }
    #[derive(Pipeline)]
    #[pipeline(flow = fetch |-> Scale[factor = 3] |-> Scale[factor = 1] |-> Scale[factor = 2])]
    struct P {
        order: Order,
    }
    let report = within(|| P { order: Order { total: 5 } }.run().unwrap());
    assert_eq!(report.step("Scale").unwrap().value::<u32>().unwrap(), &15);
    assert_eq!(report.output::<u32>().unwrap(), &14);
}

#[test]
fn members_of_a_group_are_under_way_together() {
    #[event]
    async fn meet(barrier: State<Barrier>) -> Outcome<()> {
        barrier.wait().await;
        Outcome::success(())
    }
    #[derive(Pipeline)]
    #[pipeline(flow = meet || meet || meet)]
    struct P;
    let engine = Engine::builder().state(Barrier::new(3)).build().unwrap();
    assert!(within(move || engine.run(P).unwrap()).is_success());
}

/// How many tasks are under way, and the most there ever were.
#[derive(Default)]
struct Gauge(AtomicUsize, AtomicUsize);

impl Gauge {
    async fn pass(&self) {
        let now = self.0.fetch_add(1, Ordering::SeqCst) + 1;
        self.1.fetch_max(now, Ordering::SeqCst);
        for _ in 0..20 {
            yield_now().await;
        }
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

#[event]
fn numbers() -> Outcome<Vec<u32>> {
    Outcome::success((0..300).collect())
}

#[test]
fn max_concurrency_of_the_step_and_of_the_executor_bound_how_many_are_under_way() {
    #[event]
    async fn free(#[piped] n: u32, gauge: State<Gauge>) -> Outcome<u32> {
        gauge.pass().await;
        Outcome::success(n)
    }
    #[event(executor = AsyncExecutor, executor_config = { max_concurrency: 2, thread_name_prefix: "narrow-" })]
    async fn narrow(#[piped] n: u32, gauge: State<Gauge>) -> Outcome<u32> {
        gauge.pass().await;
        Outcome::success(n)
    }
    #[derive(Pipeline)]
    #[pipeline(flow = numbers |-> free[each, max_concurrency = 3])]
    struct Window;
    #[derive(Pipeline)]
    #[pipeline(flow = numbers |-> narrow[each])]
    struct Narrow;

    #[event]
    fn look(gauge: State<Gauge>) -> Outcome<usize> {
        Outcome::success(gauge.1.load(Ordering::SeqCst))
    }
    #[derive(Pipeline)]
    #[pipeline(flow = look)]
    struct Look;

    fn most<P: Pipeline + Send>(pipeline: P) -> usize {
        let engine = Engine::builder().state(Gauge::default()).build().unwrap();
        within(move || {
            let report = engine.run(pipeline).unwrap();
            assert_eq!(report.output::<Vec<u32>>().unwrap(), &(0..300).collect::<Vec<u32>>());
            *engine.run(Look).unwrap().output::<usize>().unwrap()
        })
    }
    assert!((2..=3).contains(&most(Window)));
    assert!((1..=2).contains(&most(Narrow)));
}

/// How the first item of a list waits for the second one.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Waits {
    Not,
    /// Where it awaits it.
    Awaiting,
    /// Its thread is blocked.
    Blocking,
}

#[event]
fn forty() -> Outcome<Vec<u32>> {
    Outcome::success((0..40).collect())
}

#[event(executor = AsyncExecutor, executor_config = { max_workers: 2 })]
async fn first_waits_for_second(
    #[piped] n: u32,
    waits: Waits,
    second: State<Second>,
) -> Outcome<u32> {
    match (n, waits) {
        (0, Waits::Awaiting) => second.awaited.notified().await,
        (1, Waits::Awaiting) => second.awaited.notify_one(),
        (0 | 1, Waits::Blocking) => drop(second.met.wait()),
        _ => {}
    }
    Outcome::success(n)
}

/// By what the second item tells the first one that it has come.
struct Second {
    awaited: Notify,
    met: std::sync::Barrier,
}

#[test]
fn short_async_tasks_do_not_stay_behind_one_that_waits() {
    let second = Second { awaited: Notify::new(), met: std::sync::Barrier::new(2) };
    let engine = Engine::builder().state(second).build().unwrap();
    let fields = Fields::new().with::<Waits>("waits");
    let plan = common::plan("forty |-> first_waits_for_second[each]", &fields);
    let run = move |waits| {
        let (engine, plan) = (engine.clone(), Arc::clone(&plan));
        let inputs = Inputs::new().with("waits", waits);
        let report = within(move || engine.run_plan(&plan, inputs).unwrap());
        assert_eq!(report.output::<Vec<u32>>().unwrap().len(), 40, "{waits:?}: {report}");
    };
    // How long they take is known afterwards, so that many of them are taken together.
    (0..20).for_each(|_| run(Waits::Not));
    run(Waits::Awaiting);
    (0..20).for_each(|_| run(Waits::Not));
    run(Waits::Blocking);
}

#[test]
fn async_tasks_that_wait_are_dropped_with_their_run() {
    /// Counts the bodies that are under way.
    struct UnderWay(Arc<AtomicUsize>);
    impl Drop for UnderWay {
        fn drop(&mut self) {
            self.0.fetch_sub(1, Ordering::SeqCst);
        }
    }
    #[event]
    async fn endless(#[piped] _n: u32, count: State<Arc<AtomicUsize>>) -> Outcome<()> {
        count.fetch_add(1, Ordering::SeqCst);
        let _under_way = UnderWay(Arc::clone(&count));
        std::future::pending::<()>().await;
        Outcome::success(())
    }
    let count = Arc::new(AtomicUsize::new(0));
    let engine = Engine::builder().state(Arc::clone(&count)).build().unwrap();
    let plan = common::plan("forty |-> endless[each]", &Fields::new());
    let handle = engine.prepare_plan(&plan, Inputs::new()).unwrap().start().unwrap();
    common::wait_until(|| count.load(Ordering::SeqCst) == 40);
    handle.cancel();
    assert_eq!(within(move || handle.wait().unwrap().status()), Status::Cancelled);
    common::wait_until(|| count.load(Ordering::SeqCst) == 0);
}

#[test]
fn an_async_event_that_breaks_is_retried() {
    #[event(retry_policy = { max_attempts: 3, backoff_factor: 3600.0, max_backoff: 7200.0 })]
    async fn flaky(ctx: &Context) -> Result<u32, std::io::Error> {
        yield_now().await;
        if ctx.attempt() < 3 { Err(std::io::Error::other("busy")) } else { Ok(ctx.attempt()) }
    }
    #[derive(Pipeline)]
    #[pipeline(flow = flaky)]
    struct P;
    let engine = TestEngine::new().build().unwrap();
    let report = within(move || engine.run(P).unwrap());
    assert_eq!(report.output::<u32>().unwrap(), &3);
    assert_eq!(report.elapsed(), Duration::from_hours(3));
}

#[test]
fn a_panic_before_or_after_an_await_is_an_exception_of_that_task_alone() {
    #[event]
    async fn careless(#[piped] n: u32) -> Outcome<u32> {
        assert!(n % 3 != 1, "on purpose");
        yield_now().await;
        assert!(n % 3 != 2, "on purpose");
        Outcome::success(n)
    }
    #[derive(Pipeline)]
    #[pipeline(flow = numbers |-> careless[each])]
    struct P;
    let report = within(|| P.run().unwrap());
    let step = report.step("careless").unwrap();
    assert!(step.sentence().contains("200 of 300 items did not succeed"), "{}", step.sentence());
    assert!(step.sentence().contains("async_events.rs:"), "{}", step.sentence());
}

mod nested {
    use super::*;

    #[event]
    async fn leaf() -> Outcome<u32> {
        yield_now().await;
        Outcome::success(1)
    }
    #[derive(Pipeline)]
    #[pipeline(flow = leaf)]
    struct Leaf;

    /// One thread and one task at a time, and each waits for the next inner run.
    #[event(executor_config = { max_workers: 1, max_concurrency: 1, thread_name_prefix: "one-" })]
    async fn branch(depth: u32) -> Result<u32, nexus::Error> {
        yield_now().await;
        if depth == 0 {
            return Leaf.run()?.output::<u32>().copied();
        }
        let report = Tree { depth: depth - 1 }.run()?;
        report.steps().map(|step| step.value::<u32>().copied()).sum()
    }
    #[derive(Pipeline)]
    #[pipeline(flow = branch || branch)]
    struct Tree {
        depth: u32,
    }

    /// The same, waiting on a thread for blocking code.
    #[event(executor_config = { max_workers: 1, max_concurrency: 1, thread_name_prefix: "two-" })]
    async fn aside(depth: u32) -> Result<u32, nexus::Error> {
        if depth == 0 {
            return Ok(1);
        }
        tokio::task::spawn_blocking(move || {
            let report = Aside { depth: depth - 1 }.run()?;
            report.steps().map(|step| step.value::<u32>().copied()).sum()
        })
        .await
        .unwrap()
    }
    #[derive(Pipeline)]
    #[pipeline(flow = aside || aside)]
    struct Aside {
        depth: u32,
    }

    #[test]
    fn runs_inside_of_async_events_do_not_exhaust_one_thread_and_one_place() {
        let report = within(|| Tree { depth: 4 }.run().unwrap());
        assert!(report.steps().all(|step| step.value::<u32>().unwrap() == &16), "{report}");
        let report = within(|| Aside { depth: 4 }.run().unwrap());
        assert!(report.steps().all(|step| step.value::<u32>().unwrap() == &16), "{report}");
    }
}

#[derive(Pipeline)]
#[pipeline(flow = fetch |-> store)]
struct Small {
    order: Order,
}

#[test]
fn run_works_inside_of_any_runtime_and_ends_its_engine_there() {
    let small = || Small { order: Order { total: 1 } };
    let own = move || {
        let engine = Engine::new();
        engine.run(small()).unwrap()
    };
    within(move || {
        let one = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let many = tokio::runtime::Builder::new_multi_thread().worker_threads(1).build().unwrap();
        for runtime in [one, many] {
            let reports = runtime.block_on(async {
                let spawned = tokio::spawn(async move { own() }).await.unwrap();
                [small().run().unwrap(), own(), spawned]
            });
            for report in reports {
                assert_eq!(report.output::<String>().unwrap(), "1 by store");
            }
        }
    });
}

type Handle = std::sync::Mutex<Option<Engine>>;

#[test]
fn the_last_handle_of_an_engine_may_go_on_a_thread_of_its_own_runtime() {
    #[event]
    async fn keep(engine: State<Handle>, go: State<(Notify, Notify)>) -> Outcome<()> {
        yield_now().await;
        let engine = engine.lock().unwrap().take();
        tokio::spawn(async move {
            go.0.notified().await;
            drop(engine);
            go.1.notify_one();
        });
        Outcome::success(())
    }
    #[event]
    fn notify(go: State<(Notify, Notify)>) -> Outcome<State<(Notify, Notify)>> {
        Outcome::success(go)
    }
    #[event]
    fn give(engine: State<Handle>, mine: &Engine) -> Outcome<()> {
        *engine.lock().unwrap() = Some(mine.clone());
        Outcome::success(())
    }
    #[derive(Pipeline)]
    #[pipeline(flow = give)]
    struct Give {
        mine: Engine,
    }
    #[derive(Pipeline)]
    #[pipeline(flow = keep -> notify)]
    struct P;
    within(|| {
        let engine = Engine::builder()
            .state(Handle::default())
            .state((Notify::new(), Notify::new()))
            .build()
            .unwrap();
        assert!(engine.run(Give { mine: engine.clone() }).unwrap().is_success());
        let report = engine.run(P).unwrap();
        let go = report.output::<State<(Notify, Notify)>>().unwrap().clone();
        drop((report, engine));
        go.0.notify_one();
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(go.1.notified());
    });
}

#[test]
fn a_chain_of_thousands_of_async_steps_is_no_recursion() {
    #[event]
    async fn next(start: &u32) -> Outcome<u32> {
        std::future::ready(()).await;
        Outcome::success(*start)
    }
    let mut registry = Registry::new();
    registry.add::<next>();
    let script = vec!["next"; 20_000].join(" -> ");
    let plan =
        Flow::parse(&script).unwrap().plan(&registry, &Fields::new().with::<u32>("start")).unwrap();
    let inputs = Inputs::new().with("start", 1_u32);
    let report = within(move || Engine::new().run_plan(&plan, inputs).unwrap());
    assert!(report.is_success());
}

#[test]
fn a_mock_stands_in_for_an_async_event() {
    let engine = TestEngine::new().mock("fetch", |_: &Context| Outcome::success(9_u32)).build();
    let report = within(move || engine.unwrap().run(Small { order: Order { total: 1 } }).unwrap());
    assert_eq!(report.output::<String>().unwrap(), "9 by store");
}

#[test]
fn a_flow_that_arrives_as_text_names_the_right_executor_or_is_refused_at_it() {
    let mut registry = Registry::new();
    registry.add::<fetch>().add::<twice>();
    registry.event("closure", |_: &Context| Outcome::success(1_u32)).executor::<AsyncExecutor>();
    let fields = Fields::new().with::<Order>("order");
    let complaint = |script: &str| match Flow::parse(script).unwrap().plan(&registry, &fields) {
        Ok(_) => String::new(),
        Err(nexus::Error::Flow(errors)) => errors
            .iter()
            .map(|m| format!("{}:{} {}: {}", m.line, m.column, m.message, m.help.unwrap_or("")))
            .collect::<Vec<_>>()
            .join("\n"),
        Err(other) => other.to_string(),
    };
    for script in [
        "fetch",
        "fetch[executor = AsyncExecutor, executor_config = {max_concurrency: 2}]",
        "fetch[executor_config = {max_workers: 2}] -> closure[executor = ThreadPoolExecutor]",
        "{fetch[executor = AsyncExecutor] |-> twice}[executor = ThreadPoolExecutor]",
    ] {
        assert_eq!(complaint(script), "", "{script}");
    }
    let is_async = |executor: &str| {
        format!(
            "`fetch` is async, and `{executor}` runs plain functions: leave the executor out, which makes it `AsyncExecutor`"
        )
    };
    let is_plain = |event: &str| {
        format!(
            "`{event}` is a plain function, which would block the threads of `AsyncExecutor`: make it an `async fn`, or name `ThreadPoolExecutor`"
        )
    };
    for (script, place, expected) in [
        ("fetch[executor = ThreadPoolExecutor]", "1:18", is_async("ThreadPoolExecutor")),
        ("fetch[executor = DefaultExecutor]", "1:18", is_async("DefaultExecutor")),
        ("{fetch}[executor = ThreadPoolExecutor]", "1:20", is_async("ThreadPoolExecutor")),
        ("fetch |-> twice[executor = AsyncExecutor]", "1:28", is_plain("twice")),
        ("closure", "1:1", is_plain("closure")),
    ] {
        assert_eq!(complaint(script), format!("{place} {expected}"), "{script}");
    }
    let text = complaint("fetch[executor_config = {max_tasks_per_child: 2}]");
    assert!(text.contains("replaces no threads"), "{text}");
}
