//! R13: cancelling a run, watching it, and ending an engine in order.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::time::Duration;

use crate::support::*;

fn start(engine: &Engine, registry: &Registry, flow: &str) -> RunHandle {
    engine.prepare_plan(&plan(registry, flow), Inputs::new()).unwrap().start().unwrap()
}

/// `hang` runs until the test lets it go, and says so in `runs`.
fn hanging(gate: &Gate, runs: &Arc<AtomicBool>) -> Registry {
    let mut registry = registry();
    let (gate, runs) = (gate.clone(), Arc::clone(runs));
    registry
        .event("hang", move |_: &Context| {
            runs.store(true, SeqCst);
            gate.wait();
            Outcome::success(())
        })
        .executor::<ThreadPoolExecutor>()
        .executor_config(ExecutorInitializerConfig::new().max_workers(1));
    registry
}

#[test]
fn a_cancelled_run_ends_without_waiting_for_a_thread() {
    let (gate, runs) = (Gate::default(), Arc::default());
    let registry = hanging(&gate, &runs);
    let engine = Engine::new();
    let handle = start(&engine, &registry, "hang -> S");
    wait_until(|| runs.load(SeqCst));
    handle.cancel();
    let report = within(move || handle.wait().unwrap());
    assert_eq!(report.status(), Status::Cancelled);
    assert_eq!(ran(&report), Vec::<String>::new());
    assert!(report.to_string().contains("cancelled: the run was cancelled"), "{report}");
    // The pool's only worker hangs; another run has a stand-in.
    let pool = "executor = ThreadPoolExecutor, executor_config = {max_workers: 1}";
    assert!(run_on(&engine, &registry, &format!("S[{pool}]")).is_success());
    within(move || drop(engine));
    gate.open();
}

#[test]
fn a_chain_on_the_runs_own_thread_ends_between_two_steps() {
    let mut registry = registry();
    let steps = Arc::new(AtomicUsize::new(0));
    let canceller = Arc::new(std::sync::Mutex::new(None::<Canceller>));
    let (count, cancel) = (Arc::clone(&steps), Arc::clone(&canceller));
    registry.event("step", move |ctx: &Context| {
        if count.fetch_add(1, SeqCst) == 2 {
            wait_until(|| cancel.lock().unwrap().is_some());
            cancel.lock().unwrap().as_ref().unwrap().cancel();
            assert!(ctx.is_cancelled());
        }
        Outcome::success(())
    });
    let engine = Engine::new();
    let handle = start(&engine, &registry, "step -> step -> step -> step -> step");
    *canceller.lock().unwrap() = Some(handle.canceller());
    let report = within(move || handle.wait().unwrap());
    assert_eq!((report.status(), steps.load(SeqCst)), (Status::Cancelled, 3), "{report}");
}

#[test]
fn a_run_that_is_over_cannot_be_cancelled() {
    let engine = Engine::new();
    let handle = start(&engine, &registry(), "S");
    wait_until(|| handle.is_finished());
    handle.cancel();
    assert!(handle.wait().unwrap().is_success());
}

#[test]
fn dropping_the_handle_leaves_the_run_alone() {
    let (gate, runs) = (Gate::default(), Arc::default());
    let mut registry = hanging(&gate, &runs);
    let ended = Arc::new(AtomicBool::new(false));
    let end = Arc::clone(&ended);
    registry.event("end", move |_: &Context| {
        end.store(true, SeqCst);
        Outcome::success(())
    });
    // Nor does it need a handle of the engine.
    drop(start(&Engine::new(), &registry, "hang -> end"));
    gate.open();
    wait_until(|| ended.load(SeqCst));
}

#[test]
fn a_handle_says_how_far_the_run_is() {
    let (gate, reported) = (Gate::default(), Arc::new(AtomicBool::new(false)));
    let mut registry = registry();
    let (inner, done) = (gate.clone(), Arc::clone(&reported));
    registry
        .event("count", move |ctx: &Context| {
            ctx.progress(3, 10);
            done.store(true, SeqCst);
            inner.wait();
            Outcome::success(())
        })
        .executor::<ThreadPoolExecutor>();
    let engine = Engine::new();
    let handle = start(&engine, &registry, "S -> S (1 -> count)");
    wait_until(|| reported.load(SeqCst));
    let progress = handle.progress();
    assert_eq!((progress.steps, progress.ended), (3, 2));
    let [task] = progress.running.as_slice() else { panic!("{progress:?}") };
    assert_eq!((task.path.as_str(), task.attempt, task.item), ("S#2/1/count", 1, None));
    assert_eq!(task.parts, Some((3, 10)));
    gate.open();
    let report = within(move || handle.wait().unwrap());
    assert!(report.is_success(), "{report}");
}

#[test]
fn observers_hear_of_progress() {
    #[derive(Default, Clone)]
    struct Parts(Arc<std::sync::Mutex<Vec<(String, u64, u64)>>>);
    impl Observer for Parts {
        fn event_execution_progress(&self, step: &StepEvent<'_>, done: u64, total: u64) {
            self.0.lock().unwrap().push((step.event().to_owned(), done, total));
        }
    }
    let mut registry = registry();
    registry.event("count", |ctx: &Context| {
        ctx.progress(1, 2);
        ctx.progress(2, 2);
        Outcome::success(())
    });
    let parts = Parts::default();
    let engine = Engine::builder().observer(parts.clone()).build().unwrap();
    run_on(&engine, &registry, "count");
    let heard = parts.0.lock().unwrap().clone();
    assert_eq!(heard, [("count".to_owned(), 1, 2), ("count".to_owned(), 2, 2)]);
}

#[test]
fn a_run_with_many_tasks_does_not_keep_another_waiting() {
    let order = Arc::new(std::sync::Mutex::new(Vec::new()));
    let gate = Gate::default();
    let mut registry = registry();
    for name in ["many", "few"] {
        let (order, gate) = (Arc::clone(&order), gate.clone());
        registry
            .event(name, move |_: &Context| {
                gate.wait();
                order.lock().unwrap().push(name);
                Outcome::success(())
            })
            .executor::<ThreadPoolExecutor>()
            .executor_config(ExecutorInitializerConfig::new().max_workers(1));
    }
    // It has its turn on the driving thread after the pool was given the other member.
    registry
        .event("open", move |_: &Context| {
            gate.open();
            Outcome::success(())
        })
        .executor::<DefaultExecutor>();
    let engine = Engine::new();
    let wide = vec!["many"; 2_000].join(" || ");
    let first = start(&engine, &registry, &wide);
    wait_until(|| first.progress().running.len() == 1);
    let second = start(&engine, &registry, "few || open");
    within(move || (first.wait().unwrap(), second.wait().unwrap()));
    let place = order.lock().unwrap().iter().position(|name| *name == "few").unwrap();
    assert!(place <= 64, "it waited for {place} tasks of the other run");
}

#[test]
fn shutdown_waits_for_runs_and_starts_no_more() {
    let (gate, runs) = (Gate::default(), Arc::default());
    let registry = hanging(&gate, &runs);
    let engine = Engine::new();
    let handle = start(&engine, &registry, "hang -> S");
    wait_until(|| runs.load(SeqCst));
    let other = engine.clone();
    let ending = std::thread::spawn(move || other.shutdown(Shutdown::drain()));
    let plan = plan(&registry, "S");
    wait_until(|| engine.run_plan(&plan, Inputs::new()).is_err());
    let refused = engine.run_plan(&plan, Inputs::new()).unwrap_err();
    assert_eq!(refused.to_string(), "the engine is shut down; it starts no runs");
    gate.open();
    let left = within(move || ending.join().unwrap());
    assert!(left.is_clean(), "{left}");
    assert!(within(move || handle.wait().unwrap()).is_success());
}

/// What is said of an engine that is shut down while a body hangs: in any case its run, if not the step.
fn shut_down_while_it_hangs() -> ShutdownReport {
    let (gate, runs) = (Gate::default(), Arc::default());
    let registry = hanging(&gate, &runs);
    let engine = Engine::new();
    let handle = start(&engine, &registry, "hang");
    wait_until(|| runs.load(SeqCst));
    let other = engine.clone();
    let left = within(move || other.shutdown(Shutdown::drain().within(Duration::from_millis(50))));
    assert!(left.still_running.iter().any(|it| it.starts_with("flow")), "{left}");
    assert_eq!(left.to_string(), format!("still running: {}", left.still_running.join(", ")));
    assert_eq!(within(move || handle.wait().unwrap()).status(), Status::Cancelled);
    gate.open();
    left
}

#[test]
fn shutdown_names_what_still_runs_after_its_deadline() {
    // Where the machine stands still, the run and its pool have no time to end, and are named too.
    let mut lefts = std::iter::repeat_with(shut_down_while_it_hangs).take(20);
    assert!(lefts.any(|left| left.still_running == ["flow: hang"]));
}

#[test]
fn shutdown_can_cancel() {
    let mut registry = registry();
    let runs = Arc::new(AtomicBool::new(false));
    let started = Arc::clone(&runs);
    registry
        .event("polite", move |ctx: &Context| {
            started.store(true, SeqCst);
            wait_until(|| ctx.is_cancelled());
            Outcome::success(())
        })
        .executor::<ThreadPoolExecutor>();
    let engine = Engine::new();
    let handle = start(&engine, &registry, "polite -> S");
    wait_until(|| runs.load(SeqCst));
    let other = engine.clone();
    within(move || other.shutdown(Shutdown::cancel()));
    assert_eq!(within(move || handle.wait().unwrap()).status(), Status::Cancelled);
}
