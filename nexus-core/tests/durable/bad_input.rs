//! Bad input and trouble: each has one clear error that says what to do, nothing is lost, and other
//! runs are not harmed. Broken stores are in `trouble.rs` and in the tests of `nexus-sqlite`.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering::SeqCst};
use std::time::Duration;

use nexus_core::__private::inventory;
use nexus_core::journal::{LinkedPipeline, MemoryStore, RunState, Store};
use nexus_core::testing::VirtualClock;
use nexus_core::{
    Clock, Context, Engine, ExceptionKind, Fields, Flow, Inputs, Outcome, Plan, Registry,
    RetryPolicy, Status, StepOutcome, Wait,
};

use crate::support::{Events, engine, left_at, prepare, records, run, state};

/// A virtual clock whose wall clock somebody has set to another time.
#[derive(Debug, Clone)]
struct Set {
    clock: VirtualClock,
    /// By so many seconds.
    by: Arc<AtomicI64>,
}

impl Clock for Set {
    fn now(&self) -> Duration {
        self.clock.now()
    }
    fn wall_time(&self) -> Duration {
        let by = Duration::from_secs(self.by.load(SeqCst).unsigned_abs());
        let time = self.clock.wall_time() + Duration::from_hours(24);
        if self.by.load(SeqCst) < 0 { time.saturating_sub(by) } else { time + by }
    }
    fn wait_until(&self, at: Duration, idle: bool) -> Wait {
        self.clock.wait_until(at, idle)
    }
}

/// An event that is tried again after a minute, and sets the wall clock meanwhile.
fn busy(by: i64, set: &Arc<AtomicI64>) -> Arc<Plan> {
    let (mut events, set) = (Events::new(), Arc::clone(set));
    let policy = RetryPolicy::builder().max_attempts(2).backoff_factor(60.0).build();
    events
        .add("busy", move |ctx: &Context| match ctx.attempt() {
            1 => {
                set.store(by, SeqCst);
                Err(std::io::Error::other("busy"))
            }
            attempt => Ok(attempt),
        })
        .retry_policy(policy);
    events.plan("busy")
}

#[test]
fn a_wall_clock_that_is_set_while_a_retry_waits_makes_the_wait_no_longer() {
    const HOUR: i64 = 3600;
    for (by, left) in [(-HOUR, 60), (0, 60), (HOUR, 0)] {
        let store = Arc::new(MemoryStore::new());
        let set = Set { clock: VirtualClock::new(), by: Arc::default() };
        let plan = busy(by, &set.by);
        let live = Engine::builder().clock(set.clone()).store(Arc::clone(&store)).build().unwrap();
        let before = set.now();
        assert!(run(&live, &plan).unwrap().is_success());
        assert_eq!(set.now().checked_sub(before), Some(Duration::from_mins(1)), "live, {by}");
        // The first attempt has ended by the old time; its process dies.
        let first = Set { clock: VirtualClock::new(), by: Arc::default() };
        let store = Arc::new(MemoryStore::new());
        let plan = busy(0, &first.by);
        run(&Engine::builder().clock(first).store(Arc::clone(&store)).build().unwrap(), &plan)
            .unwrap();
        let set = Set { clock: VirtualClock::new(), by: Arc::new(AtomicI64::new(by)) };
        let builder = Engine::builder().clock(set.clone()).store(left_at(&store, 1));
        let engine = builder.resumable(&plan).build().unwrap();
        let before = set.now();
        assert!(engine.resume().unwrap().remove(0).wait().unwrap().is_success());
        let waited = set.now().checked_sub(before);
        assert_eq!(waited, Some(Duration::from_secs(left)), "resumed, {by}");
    }
}

/// A flow with a name of its own, which only one from a file has.
fn named(name: &str, script: &str) -> nexus_core::Result<Flow> {
    let folder = std::env::temp_dir().join(format!("nexus-durable-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let path = folder.join(format!("{name}.pty"));
    std::fs::write(&path, script).unwrap();
    Flow::from_file(path)
}

/// Whether the program has the event `refund` today.
static HAS_REFUND: AtomicBool = AtomicBool::new(true);

fn refunds(script: Option<&str>) -> nexus_core::Result<Arc<Plan>> {
    let mut registry = Registry::new();
    let names = if HAS_REFUND.load(SeqCst) { &["pack", "refund"][..] } else { &["pack"] };
    for name in names {
        registry.event(*name, |_: &Context| Outcome::success(1_u32)).output_json();
    }
    let today = if HAS_REFUND.load(SeqCst) { "pack -> refund" } else { "pack" };
    named("Refunds", script.unwrap_or(today))?.plan(&registry, &Fields::new())
}

inventory::submit! {
    LinkedPipeline { name: "Refunds", plan: refunds }
}

#[test]
fn an_event_that_vanished_from_the_program_is_named_and_the_run_can_be_adopted() {
    let store = Arc::new(MemoryStore::new());
    let plan = refunds(None).unwrap();
    run(&engine(&store, &plan), &plan).unwrap();
    let left = left_at(&store, 1);
    HAS_REFUND.store(false, SeqCst);
    let engine = Engine::builder().store(Arc::clone(&left)).build().unwrap();
    assert!(engine.resume().unwrap().is_empty());
    assert_eq!(state(&left), RunState::NeedsDecision);
    let reason = left.run("k").unwrap().unwrap().reason.unwrap();
    for said in ["the old one cannot be planned any more", "`refund`", "gone: refund"] {
        assert!(reason.contains(said), "{said}: {reason}");
    }
    let report = engine.adopt("k").unwrap().wait().unwrap();
    assert_eq!((report.status(), records(&left).len()), (Status::Succeeded, 2));
}

/// A run of a pipeline that this program does not have, as if another program shared the store.
#[test]
fn a_pipeline_that_vanished_from_the_program_leaves_its_runs_as_they_are() {
    let mut events = Events::new();
    events.add("a", |_| Outcome::success(1_u32));
    let plan = named("Gone", "a -> a").unwrap();
    let plan = plan.plan(&events.registry, &Fields::new()).unwrap();
    let store = Arc::new(MemoryStore::new());
    run(&engine(&store, &plan), &plan).unwrap();
    let left = left_at(&store, 1);
    let engine = Engine::builder().store(Arc::clone(&left)).build().unwrap();
    assert!(engine.resume().unwrap().is_empty());
    assert_eq!(state(&left), RunState::Unfinished);
    let said = engine.adopt("k").map(drop).unwrap_err().to_string();
    assert!(said.contains("`Gone`, which this program does not have"), "{said}");
    assert!(engine.cancel("k").unwrap());
}

#[test]
fn an_input_that_json_would_corrupt_is_refused_before_anything_is_invoked() {
    let mut events = Events::new();
    events.add("a", |_| Outcome::success(1_u32));
    let fields = Fields::new().with_serde::<Vec<f64>>("weights");
    let plan = Flow::parse("a").unwrap().plan(&events.registry, &fields).unwrap();
    let store = Arc::new(MemoryStore::new());
    let engine = engine(&store, &plan);
    let given = |weights: Vec<f64>| {
        let inputs = Inputs::new().with("weights", weights);
        engine.prepare_plan(&plan, inputs).unwrap().key("k").run()
    };
    let said = given(vec![1.0, f64::NAN]).unwrap_err().to_string();
    assert!(said.contains("weights[1]: NaN"), "{said}");
    assert_eq!((store.run("k").unwrap(), events.calls.total()), (None, 0));
    assert!(given(vec![1.0, 2.0]).unwrap().is_success());
}

#[test]
fn a_value_over_the_limit_is_an_exception_that_says_so_and_is_not_retried() {
    let mut events = Events::new();
    events
        .add("read", |_| Outcome::success("x".repeat(65 << 20)))
        .retry_policy(RetryPolicy::default());
    events.add("mend", |_| Outcome::success(String::new()));
    let plan = events.plan("read (0 -> mend)");
    let store = Arc::new(MemoryStore::new());
    let report = prepare(&engine(&store, &plan), &plan).run().unwrap();
    assert_eq!((report.status(), events.calls.of("read")), (Status::Succeeded, 1));
    let StepOutcome::Exception(exception) = report.step("read").unwrap().outcome() else {
        panic!("{report}");
    };
    assert_eq!(exception.kind(), ExceptionKind::Serialization);
    let said = exception.message();
    assert!(said.contains("`read`") && said.contains("64 MiB"), "{said}");
}
