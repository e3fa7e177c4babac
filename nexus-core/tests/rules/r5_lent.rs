//! R5: the thread that drives a run does short tasks of a pool itself, and lends the run meanwhile.
//! If one of them is slow for once, everything else goes on without that thread. Of longer ones it
//! leaves a share to the pool.

use std::sync::{Arc, Mutex, mpsc};

use nexus_core::testing::{assume_pace, assume_short_tasks};

use crate::support::*;

/// What slow bodies wait for.
struct Slow {
    meeting: Meeting,
    begun: Mutex<mpsc::Sender<()>>,
    cancelled: Mutex<mpsc::Receiver<String>>,
}

fn meet(inputs: &BodyInputs<'_>) -> bool {
    inputs.context().state::<Slow>().unwrap().meeting.attend()
}

fn came(there: bool) -> Ends {
    outcome(if there { Outcome::success(1_u32) } else { Outcome::failure("it was alone") })
}

typed!(Quick, Nothing => u32, &[], |_| came(true));
typed!(Meets, Nothing => u32, &[], |inputs| came(meet(inputs)));
typed!(Panics, Nothing => u32, &[], |inputs| {
    meet(inputs);
    panic!("{ON_PURPOSE}")
});
// More than are under way at once; the last two meet.
typed!(Many, Nothing => Vec<u32>, &[], |_| outcome(Outcome::success((0..70).collect::<Vec<u32>>())));
typed!(LastMeet, ByRef<u32> => u32, &[PIPED], |inputs| {
    came(*inputs.piped::<ByRef<u32>>()? < 68 || meet(inputs))
});
typed!(Thousand, Nothing => Vec<u32>, &[], |_| outcome(Outcome::success((0..1_000).collect::<Vec<u32>>())));
typed!(Same, ByRef<u32> => u32, &[PIPED], |inputs| {
    outcome(Outcome::success(*inputs.piped::<ByRef<u32>>()?))
});
typed!(Last, ByRef<Vec<u32>> => bool, &[PIPED], |inputs| {
    let items = inputs.piped::<ByRef<Vec<u32>>>()?;
    outcome(Outcome::success(items.iter().copied().eq(0..1_000)))
});
typed!(WaitsToBeCancelled, Nothing => u32, &[], |inputs| {
    let slow = inputs.context().state::<Slow>().unwrap();
    slow.begun.lock().unwrap().send(()).unwrap();
    let told = slow.cancelled.lock().unwrap().recv_timeout(PATIENCE / 4);
    came(told.is_ok())
});

/// An engine and a plan of `flow` on a pool of two, and where bodies say that they have begun.
fn lending(flow: &str) -> (Engine, Arc<Plan>, mpsc::Receiver<()>) {
    struct Tells(Mutex<mpsc::Sender<String>>);
    impl Observer for Tells {
        fn signals(&self) -> Signals {
            Signals::NONE
        }
        fn event_execution_cancelled(&self, step: &StepEvent<'_>, _: &Failure) {
            let _ = self.0.lock().unwrap().send(step.context().step_path());
        }
    }
    let ((begun, has_begun), (tell, cancelled)) = (mpsc::channel(), mpsc::channel());
    let (begun, cancelled) = (Mutex::new(begun), Mutex::new(cancelled));
    let slow = Slow { meeting: Meeting::of(2), begun, cancelled };
    let engine = TestEngine::new().state(slow).observer(Tells(Mutex::new(tell))).build().unwrap();
    let mut registry = registry();
    registry.add::<Quick>().add::<Meets>().add::<Panics>().add::<Many>().add::<LastMeet>();
    registry.add::<WaitsToBeCancelled>().add::<Thousand>().add::<Same>().add::<Last>();
    let pool = "executor = ThreadPoolExecutor, executor_config = {max_workers: 2}";
    let plan = plan(&registry, &format!("{{{flow}}}[{pool}]"));
    (engine, plan, has_begun)
}

fn run_lent(flow: &str) -> Report {
    let (engine, plan, _begun) = lending(flow);
    assume_short_tasks(&plan);
    within(move || engine.run_plan(&plan, Inputs::new()).unwrap())
}

#[test]
fn tasks_that_wait_for_each_other_do_not_wait_for_ever() {
    for flow in ["Meets || Meets -> Quick", "{Quick -> Meets} || Quick || Meets -> Quick"] {
        let report = run_lent(flow);
        assert!(report.is_success() && report.steps().all(|step| step.ran()), "{report}");
    }
}

#[test]
fn items_that_wait_for_each_other_do_not_wait_for_ever() {
    let report = run_lent("Many |-> LastMeet[each] -> Quick");
    assert!(report.is_success() && report.steps().all(|step| step.ran()), "{report}");
    assert_eq!(report.step("LastMeet").unwrap().value::<Vec<u32>>().unwrap().len(), 70);
}

/// How long tasks take, in nanoseconds, that are shared out: some before each look, or the fewest.
const SHARED: [u32; 2] = [1_000, 12_000];

fn run_shared(flow: &str, nanos: u32) -> Report {
    let (engine, plan, _begun) = lending(flow);
    assume_pace(&plan, nanos);
    within(move || engine.run_plan(&plan, Inputs::new()).unwrap())
}

/// A group of so many, in the middle of many short ones.
fn among_many(few: &str) -> String {
    let many = vec!["Quick"; 100].join(" || ");
    format!("{many} || {few} || {many}")
}

#[test]
fn tasks_that_are_shared_out_and_wait_for_each_other_do_not_wait_for_ever() {
    for nanos in SHARED {
        for few in ["Meets || Meets", "{Quick -> Meets} || Quick || Meets"] {
            let report = run_shared(&format!("{} -> Quick", among_many(few)), nanos);
            assert!(report.is_success() && report.steps().all(|step| step.ran()), "{report}");
        }
        let report = run_shared("Many |-> LastMeet[each] -> Quick", nanos);
        assert!(report.is_success() && report.steps().all(|step| step.ran()), "{report}");
        let items = report.step("LastMeet").unwrap();
        assert_eq!((items.value::<Vec<u32>>().unwrap().len(), items.attempts()), (70, 70));
    }
}

#[test]
fn each_task_that_is_shared_out_runs_once_and_what_follows_from_it_runs() {
    for nanos in SHARED.repeat(10) {
        let flow = among_many("{Quick -> Quick} || Panics (0 -> Quick) || Meets");
        let report = run_shared(&flow, nanos);
        assert!(report.steps().all(|step| step.ran() && step.attempts() == 1), "{report}");
        assert!(report.step("Panics").unwrap().sentence().contains(ON_PURPOSE), "{report}");
        let report = run_shared("Thousand |-> Same[each] |-> Last", nanos);
        assert_eq!(report.step("Same").unwrap().attempts(), 1_000, "{report}");
        assert_eq!(report.output::<bool>().unwrap(), &true, "the items are not in their order");
        let report = run_shared(&format!("Thousand |-> {}", ["Last"; 200].join(" || ")), nanos);
        let all = report.steps().filter(|step| step.event() == "Last");
        let got = all.filter(|step| step.value::<bool>().is_ok_and(|same| *same)).count();
        assert_eq!(got, 200, "not all members were given what came along");
    }
}

#[test]
fn what_a_slow_task_ends_with_counts() {
    let report = run_lent("Panics (0 -> Quick) || Meets");
    assert!(report.steps().all(|step| step.ran()), "{report}");
    assert_eq!(report.step("Panics").unwrap().attempts(), 1, "{report}");
    assert!(report.step("Panics").unwrap().sentence().contains(ON_PURPOSE), "{report}");
}

#[test]
fn a_run_is_cancelled_while_its_thread_is_in_a_slow_task() {
    let (engine, inner, begun) = lending("Quick -> WaitsToBeCancelled -> Quick");
    assume_short_tasks(&inner);
    let mut registry = registry();
    let same = engine.clone();
    registry.event("Outer", move |_: &Context| {
        let report = same.run_plan(&inner, Inputs::new()).unwrap();
        Outcome::success(report.status())
    });
    let outer = plan(&registry, "Outer");
    within(move || {
        let handle = engine.prepare_plan(&outer, Inputs::new()).unwrap().start().unwrap();
        begun.recv_timeout(PATIENCE / 4).unwrap();
        handle.cancel();
        let report = handle.wait().unwrap();
        assert_eq!(report.status(), Status::Cancelled, "{report}");
    });
}

#[test]
fn what_follows_while_a_large_group_is_left_to_its_pool_is_done() {
    // Nothing is known of the tasks, and the first of them have ended before the last are left.
    let flow = vec!["{Quick -> Quick}"; 400].join(" || ");
    for _ in 0..20 {
        let (engine, plan, _begun) = lending(&flow);
        let report = within(move || engine.run_plan(&plan, Inputs::new()).unwrap());
        assert!(report.is_success(), "{}", report.status());
    }
}
