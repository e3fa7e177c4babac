//! Section 6: executors, those of the user included.

use std::time::Duration;

use super::support::*;

#[test]
fn a_pool_without_workers_is_refused_before_anything_runs() {
    let mut registry = registry();
    registry
        .event("Zero", |_: &Context| Outcome::success(()))
        .executor::<ThreadPoolExecutor>()
        .executor_config(ExecutorInitializerConfig::new().max_workers(0));
    assert!(refusal(&registry, "Zero").contains("`max_workers` is 0"));
    for key in ["max_workers", "max_tasks_per_child", "stack_size"] {
        let text = refusal(
            &registry,
            &format!("S[executor = ThreadPoolExecutor, executor_config = {{{key}: 0}}]"),
        );
        assert!(text.contains(key), "{text}");
    }
}

#[test]
fn the_default_executor_takes_no_configuration_and_none_is_for_nobody() {
    let registry = registry();
    let text =
        refusal(&registry, "S[executor = DefaultExecutor, executor_config = {max_workers: 2}]");
    assert!(text.contains("`DefaultExecutor` takes no `executor_config`"), "{text}");
    let text = refusal(&registry, "S[executor_config = {max_workers: 2}]");
    assert!(text.contains("no executor"), "{text}");
    assert!(
        refusal(&registry, "S[executor = ThreadPoolExecutr]")
            .contains("did you mean `ThreadPoolExecutor`?")
    );
}

#[test]
fn another_executor_does_not_inherit_the_configuration_of_the_one_it_replaces() {
    let mut registry = registry();
    registry
        .event("Own", |_: &Context| Outcome::success(()))
        .executor::<ThreadPoolExecutor>()
        .executor_config(ExecutorInitializerConfig::new().max_workers(2));
    for flow in [
        "Own[executor = DefaultExecutor]",
        "{Own}[executor = DefaultExecutor]",
        "{S[executor = DefaultExecutor] || S}[executor = ThreadPoolExecutor, executor_config = {max_workers: 2}]",
    ] {
        assert!(run(&registry, flow).is_success(), "{flow}");
    }
}

/// The name of the thread that a step ran on.
fn threads() -> Registry {
    let mut registry = registry();
    registry.event("T", |_: &Context| {
        Outcome::success(std::thread::current().name().unwrap_or_default().to_owned())
    });
    registry
}

#[test]
fn steps_with_the_same_executor_and_set_up_share_a_pool_and_others_do_not() {
    let report = run(
        &threads(),
        "T[executor = ThreadPoolExecutor, executor_config = {max_workers: 1, thread_name_prefix: \"x\"}] \
         -> T[executor = ThreadPoolExecutor, executor_config = {max_workers: 1, thread_name_prefix: \"x\"}] \
         -> T[executor = ThreadPoolExecutor, executor_config = {max_workers: 1, thread_name_prefix: \"y\"}]",
    );
    let names: Vec<&String> = report.steps().map(|step| step.value::<String>().unwrap()).collect();
    assert_eq!(names, ["x0", "x0", "y0"]);
}

/// The run can only go on without a body that another thread runs.
#[test]
fn a_step_with_a_timeout_leaves_the_driving_thread_wherever_the_timeout_stands() {
    let mut registry = threads();
    registry
        .event("L", |_: &Context| {
            Outcome::success(std::thread::current().name().unwrap_or_default().to_owned())
        })
        .timeout(Duration::from_mins(1));
    let ran_on = |flow: &str| run(&registry, flow).output::<String>().unwrap().clone();
    for flow in
        ["L", "T[timeout = \"1m\"]", "{T}[timeout = \"1m\"]", "S (1 -> T[timeout = \"1m\"])"]
    {
        assert!(ran_on(flow).starts_with("nexus-shared-"), "{flow}");
    }
    for flow in ["T", "L[executor = DefaultExecutor]", "{S[timeout = \"1m\"]} -> T"] {
        assert!(!ran_on(flow).starts_with("nexus-shared-"), "{flow}");
    }
}

#[test]
fn a_timeout_of_nothing_is_refused_before_anything_runs() {
    let mut registry = registry();
    registry.event("Zero", |_: &Context| Outcome::success(())).timeout(Duration::ZERO);
    assert!(refusal(&registry, "S -> Zero").contains("the timeout of `Zero` is zero"));
    // What the flow says counts.
    assert!(run(&registry, "Zero[timeout = \"1m\"]").is_success());
    assert!(refusal(&registry, "S[timeout = \"0s\"]").contains("is zero"));
}

#[test]
fn a_pool_lives_over_runs_and_ends_with_its_engine() {
    let registry = threads();
    let engine = TestEngine::new().build().unwrap();
    let flow = "T[executor = ThreadPoolExecutor, executor_config = {max_workers: 1, thread_name_prefix: \"z\"}]";
    for _ in 0..3 {
        assert_eq!(run_on(&engine, &registry, flow).output::<String>().unwrap(), "z0");
    }
    assert_eq!(Ends::of(engine, &registry), 1);
}

/// An executor that counts its ends.
#[derive(Debug)]
struct Ends;

static ENDED: std::sync::atomic::AtomicUsize = std::sync::atomic::AtomicUsize::new(0);

impl Executor for Ends {
    fn from_config(_: &ExecutorInitializerConfig) -> std::result::Result<Self, ConfigError> {
        Ok(Self)
    }
    fn submit(&self, job: Job) {
        job.run();
    }
    fn shutdown(&self) {
        ENDED.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
    }
}

impl Ends {
    /// How often the executor was shut down when the engine is gone.
    fn of(engine: Engine, registry: &Registry) -> usize {
        let mut registry = registry.clone();
        registry.executor::<Self>("Ends");
        assert!(
            run_on(&engine, &registry, "S[executor = Ends] || S[executor = Ends]").is_success()
        );
        let clone = engine.clone();
        drop(engine);
        assert_eq!(ENDED.load(std::sync::atomic::Ordering::SeqCst), 0);
        drop(clone);
        ENDED.load(std::sync::atomic::Ordering::SeqCst)
    }
}

/// Loses a job, by its configuration: 1 drops it, 2 panics, 3 cannot be set up.
#[derive(Debug)]
struct Loses(usize);

impl Executor for Loses {
    fn from_config(config: &ExecutorInitializerConfig) -> std::result::Result<Self, ConfigError> {
        match config.workers() {
            Some(3) => Err(ConfigError::Other("no such luck".into())),
            how => Ok(Self(how.unwrap_or(1))),
        }
    }
    fn submit(&self, job: Job) {
        assert!(self.0 != 2, "{ON_PURPOSE}");
        drop(job);
    }
}

#[test]
fn a_task_that_an_executor_loses_is_an_exception_and_the_run_goes_on() {
    let mut registry = registry();
    registry.executor::<Loses>("Loses");
    for how in [1, 2] {
        let report = run(
            &registry,
            &format!(
                "S[executor = Loses, executor_config = {{max_workers: {how}}}] (0 -> S) || S -> S"
            ),
        );
        assert!(report.is_success(), "{report}");
        let StepOutcome::Exception(exception) = report.step("S").unwrap().outcome() else {
            panic!("{report}")
        };
        assert_eq!(exception.kind(), ExceptionKind::Lost);
        assert_eq!(ran(&report).len(), 4);
    }
    let plan = plan(&registry, "S[executor = Loses, executor_config = {max_workers: 3}]");
    let error =
        TestEngine::new().build().unwrap().run_plan(&plan, Inputs::new()).unwrap_err().to_string();
    assert!(error.contains("Loses") && error.contains("no such luck"), "{error}");
}

/// A thread for every task, all at once.
#[derive(Debug)]
struct ThreadEach;

impl Executor for ThreadEach {
    fn from_config(config: &ExecutorInitializerConfig) -> std::result::Result<Self, ConfigError> {
        config.check().map(|()| Self)
    }
    fn submit(&self, job: Job) {
        let _ = std::thread::Builder::new().spawn(move || job.run());
    }
}

#[test]
fn an_executor_of_the_user_s_runs_groups_retries_and_items() {
    let mut registry = typed_registry();
    registry.executor::<ThreadEach>("ThreadEach");
    registry.event("Feed", |_: &Context| Outcome::success((2..200_u32).collect::<Vec<_>>()));
    let report =
        run(&registry, "{S || P * 4 (0 -> S) || {Feed |-> Item[each]}}[executor = ThreadEach]");
    assert!(report.is_success(), "{report}");
    assert_eq!(report.step("P").unwrap().attempts(), 4);
    assert_eq!(report.get_each::<Item>().unwrap().len(), 198);
}

#[test]
fn many_runs_of_one_engine_at_the_same_time_do_not_mix() {
    let mut registry = registry();
    registry.event("ME", |ctx: &Context| Outcome::success(*ctx.field::<u32>("me").unwrap()));
    let flow = Flow::parse("ME || {ME -> ME} |-> SUM").unwrap();
    let plan = flow.plan(&registry, &Fields::new().with::<u32>("me")).unwrap();
    let engine = Engine::new();
    let runs: Vec<_> = (0..8_u32)
        .map(|thread| {
            let (engine, plan) = (engine.clone(), plan.clone());
            std::thread::spawn(move || {
                (0..50).all(|run| {
                    let me = thread * 1000 + run;
                    let report = engine.run_plan(&plan, Inputs::new().with("me", me)).unwrap();
                    *report.output::<u32>().unwrap() == me * 2
                })
            })
        })
        .collect();
    assert!(runs.into_iter().all(|run| run.join().unwrap()));
}
