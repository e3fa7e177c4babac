//! Worker processes: errors and what retries need to know of them, the ends of workers that crash,
//! resources that workers build, what a flow is told when it is planned, and runs inside of runs.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test says what it expects")]

mod common;

use std::fmt;
use std::process::id;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use common::{exception, plan, run};
use nexus::prelude::*;
use nexus::{ExceptionKind, RetryAfter, WorkerExit};

nexus::test_workers!();

mod errors {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("the gateway is down")]
    struct Gateway(#[source] Socket);
    #[derive(Debug, thiserror::Error)]
    #[error("socket {0}")]
    struct Socket(u32, #[source] std::io::Error);

    fn down() -> Gateway {
        Gateway(Socket(4, std::io::Error::other("no route")))
    }

    /// Fails twice, in whatever worker it runs.
    fn twice<E>(ctx: &Context, error: E) -> Result<u32, E> {
        if ctx.attempt() < 3 { Err(error) } else { Ok(ctx.attempt()) }
    }

    macro_rules! retried {
        ($($name:ident { $($policy:tt)* } $error:expr;)+) => {$(
            #[event(executor = ProcessPoolExecutor, retry_policy = { backoff_factor: 0.0, $($policy)* })]
            fn $name(ctx: &Context) -> Result<u32, Gateway> {
                twice(ctx, $error)
            }
        )+};
    }
    retried! {
        on_any {} down();
        on_outer { retry_on_exceptions: [Gateway] } down();
        on_inner { retry_on_exceptions: [Socket] } down();
        on_other { retry_on_exceptions: [fmt::Error] } down();
        on_if { retry_if: |socket: &Socket| socket.0 == 4 } down();
        on_if_not { retry_if: |socket: &Socket| socket.0 == 5 } down();
    }

    #[test]
    fn retries_know_the_types_of_errors_that_stayed_in_the_worker() {
        for (script, attempts) in [
            ("on_any", 3),
            ("on_outer", 3),
            ("on_inner", 3),
            ("on_other", 1),
            ("on_if", 3),
            ("on_if_not", 1),
        ] {
            let report = run(script);
            assert_eq!(report.steps().next().unwrap().attempts(), attempts, "{script}");
            assert_eq!(report.is_success(), attempts == 3, "{script}");
        }
    }

    #[derive(Pipeline)]
    #[pipeline(flow = on_other[retry_policy = { retry_on_exceptions: [std::io::Error], backoff_factor: 0.0 }])]
    struct Listed {}

    #[test]
    fn a_type_that_only_a_flow_lists_is_known_to_workers_too() -> nexus::Result<()> {
        assert_eq!(Listed {}.run()?.output::<u32>()?, &3);
        Ok(())
    }

    #[event(executor = ProcessPoolExecutor)]
    fn broken() -> Result<u32, Gateway> {
        Err(down())
    }

    #[test]
    fn an_error_crosses_with_the_texts_of_its_chain() {
        let report = run("broken");
        let exception = exception(&report);
        assert_eq!(exception.kind(), ExceptionKind::Error);
        let chain: Vec<String> = exception.chain().map(ToString::to_string).collect();
        assert_eq!(chain, ["the gateway is down", "socket 4", "no route"]);
        let step = report.steps().next().unwrap();
        assert_eq!(step.error_chain(), ["the gateway is down", "socket 4", "no route"]);
    }

    #[event(executor = ProcessPoolExecutor, retry_policy = { max_attempts: 2, backoff_factor: 0.0 })]
    fn later(ctx: &Context) -> Result<u32, RetryAfter> {
        match ctx.attempt() {
            1 => Err(RetryAfter::new(down(), Duration::from_millis(70))),
            attempt => Ok(attempt),
        }
    }

    #[test]
    fn an_error_says_when_to_come_back() {
        let report = run("later");
        assert_eq!(report.steps().next().unwrap().waits(), [Duration::from_millis(70)]);
        assert!(report.is_success());
    }

    #[event(executor = ProcessPoolExecutor)]
    fn panics() -> Outcome<u32> {
        panic!("no {}", "way")
    }

    #[test]
    fn a_panic_crosses_with_message_and_place() {
        let exception = exception(&run("panics"));
        assert_eq!((exception.kind(), exception.message()), (ExceptionKind::Panic, "no way"));
        assert!(exception.location().unwrap().contains("process_errors.rs:"));
    }
}

mod crashes {
    use super::*;

    #[event(executor = ProcessPoolExecutor)]
    fn aborts() -> Outcome<u32> {
        std::process::abort()
    }
    #[event(executor = ProcessPoolExecutor)]
    fn exits() -> Outcome<u32> {
        std::process::exit(7)
    }
    #[event(executor = ProcessPoolExecutor)]
    fn overflows() -> Outcome<u64> {
        #[expect(unconditional_recursion, reason = "that is the point")]
        fn deeper(n: u64) -> u64 {
            std::hint::black_box(deeper(n + 1)) + n
        }
        Outcome::success(deeper(0))
    }
    #[event(executor = ProcessPoolExecutor)]
    fn lives() -> Outcome<u32> {
        Outcome::success(id())
    }

    #[test]
    fn a_worker_that_ends_costs_its_task_alone_and_says_how_it_ended() -> nexus::Result<()> {
        for (script, signal, code, said) in [
            ("aborts", Some(6), None, "killed by signal 6 (SIGABRT)"),
            ("overflows", Some(6), None, "killed by signal 6 (SIGABRT)"),
            ("exits", None, Some(7), "exited with code 7"),
        ] {
            let exception = exception(&run(script));
            let exit = exception.find::<WorkerExit>().unwrap();
            assert_eq!((exit.signal(), exit.code()), (signal, code), "{script}");
            assert_eq!(exit.to_string(), said);
            assert!(exception.message().contains(said), "{}", exception.message());
            // The pool goes on.
            assert_ne!(run("lives").output::<u32>()?, &id());
        }
        Ok(())
    }
}

mod states {
    use super::*;

    static BUILT: AtomicU32 = AtomicU32::new(0);

    struct Model(u32);
    impl StateFactory for Model {
        type Error = fmt::Error;
        fn build() -> Result<Self, Self::Error> {
            Ok(Self(BUILT.fetch_add(1, Ordering::Relaxed) + 1))
        }
    }
    struct Broken;
    impl StateFactory for Broken {
        type Error = std::io::Error;
        fn build() -> Result<Self, Self::Error> {
            Err(std::io::Error::other("no model file"))
        }
    }

    #[event]
    fn many() -> Outcome<Vec<u32>> {
        Outcome::success((0..20).collect())
    }
    #[event(executor = ProcessPoolExecutor, executor_config = { max_workers: 1, thread_name_prefix: "model-" })]
    fn ask(#[piped] n: u32, model: State<Model>, ctx: &Context) -> Outcome<(u32, u32, u32)> {
        Outcome::success((n, model.0, ctx.state::<Model>().unwrap().0))
    }
    #[derive(Pipeline)]
    #[pipeline(flow = many |-> ask[each])]
    struct Asks {}
    #[event(executor = ProcessPoolExecutor)]
    fn cannot(_model: State<Broken>) -> Outcome<u32> {
        Outcome::success(1)
    }

    #[test]
    fn a_worker_builds_a_state_once_and_the_engine_needs_none() -> nexus::Result<()> {
        let report = Asks {}.run()?;
        let expected: Vec<(u32, u32, u32)> = (0..20).map(|n| (n, 1, 1)).collect();
        assert_eq!(report.get_each::<ask>()?, &expected);
        assert_eq!(BUILT.load(Ordering::Relaxed), 0);
        Ok(())
    }

    #[test]
    fn a_state_that_cannot_be_built_is_an_exception_of_the_event() {
        let exception = exception(&run("cannot"));
        assert_eq!(exception.message(), "no model file");
    }

    #[test]
    fn the_same_step_on_threads_needs_the_engines_state() {
        let plan = plan("cannot[executor = ThreadPoolExecutor]", &Fields::new());
        let error = Engine::shared().run_plan(&plan, Inputs::new()).unwrap_err();
        assert!(matches!(error, nexus::Error::MissingState { .. }), "{error}");
    }
}

mod planning {
    use super::*;

    #[derive(Debug, Clone)]
    struct Local;
    #[event]
    fn local() -> Outcome<Local> {
        Outcome::success(Local)
    }
    #[event]
    fn takes(#[piped] local: &Local) -> Outcome<u32> {
        let _ = local;
        Outcome::success(1)
    }
    #[event]
    fn asks(_shared: State<Local>) -> Outcome<u32> {
        Outcome::success(1)
    }

    #[test]
    fn a_flow_that_arrives_as_text_is_told_what_cannot_cross() {
        let mut registry = Registry::linked();
        registry.event("closure", |_: &Context| Outcome::success(1_u32));
        let script =
            "local[executor = ProcessPoolExecutor] |-> takes[executor = ProcessPoolExecutor]
            -> {asks -> closure}[executor = ProcessPoolExecutor]";
        let planned = Flow::parse(script).unwrap().plan(&registry, &Fields::new());
        let Err(nexus::Error::Flow(errors)) = planned else { panic!("{planned:?}") };
        let said: Vec<String> = errors
            .iter()
            .map(|m| format!("{}:{} {}; {}", m.line, m.column, m.message, m.help.unwrap_or("")))
            .collect();
        let derive =
            "derive `serde::Serialize` and `serde::Deserialize` for it, or name another executor";
        let expected = [
            format!("1:18 `local` runs on ProcessPoolExecutor, but its output, a `Local`, cannot cross to another process; {derive}"),
            format!("1:60 `takes` runs on ProcessPoolExecutor, but `local: &Local` cannot cross to another process; {derive}"),
            "2:45 `asks` runs on ProcessPoolExecutor, but `_shared: State<Local>` cannot cross to another process; implement `nexus::StateFactory` for it, by which a worker process builds its own, or name another executor".to_owned(),
            "2:45 `closure` runs on ProcessPoolExecutor, but is made from a closure, which other processes do not have; make it an annotated event: a function with `#[event]`".to_owned(),
        ];
        assert_eq!(said, expected);
    }
}

mod nesting {
    use super::*;

    /// The depth of the tree of runs, each in a worker process of the one before.
    #[event(executor = ProcessPoolExecutor, executor_config = { max_workers: 1, thread_name_prefix: "nested-" })]
    fn deeper(depth: u32) -> Result<Vec<u32>, nexus::Error> {
        let mut pids = vec![id()];
        if depth > 0 {
            let report = Nested { depth: depth - 1 }.run()?.ok()?;
            pids.extend(report.output::<Vec<u32>>()?);
        }
        Ok(pids)
    }
    #[derive(Pipeline)]
    #[pipeline(flow = deeper)]
    struct Nested {
        depth: u32,
    }

    #[test]
    fn a_worker_may_run_pipelines_that_need_workers() -> nexus::Result<()> {
        let report = Nested { depth: 3 }.run()?.ok()?;
        let mut pids = report.output::<Vec<u32>>()?.clone();
        pids.dedup();
        assert_eq!(pids.len(), 4);
        assert!(!pids.contains(&id()));
        Ok(())
    }
}
