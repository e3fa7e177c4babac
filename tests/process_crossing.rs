//! What crosses between a program and its worker processes: values of every form, failures, gotos,
//! errors with what retries need to know of them, and the ends of workers that crash.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test says what it expects")]
#![allow(clippy::large_stack_arrays, reason = "one asks for a large stack")]

use std::fmt;
use std::process::id;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use nexus::prelude::*;
use nexus::{ExceptionKind, RetryAfter, StepOutcome, WorkerExit};
use serde::{Deserialize, Serialize};

nexus::test_workers!();

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Order {
    id: u64,
    lines: Vec<String>,
}

fn order() -> Order {
    Order { id: 7, lines: vec!["tea".into(), "milk".into()] }
}

/// The exception of the one step of a report.
fn exception(report: &Report) -> Exception {
    match report.steps().next().unwrap().outcome() {
        StepOutcome::Exception(exception) => exception,
        other => panic!("{other:?}"),
    }
}

fn plan(script: &str, fields: &Fields) -> std::sync::Arc<nexus::Plan> {
    Flow::parse(script).unwrap().plan(&Registry::linked(), fields).unwrap()
}

fn run(script: &str) -> Report {
    Engine::shared().run_plan(&plan(script, &Fields::new()), Inputs::new()).unwrap()
}

mod values {
    use super::*;

    #[event(executor = ProcessPoolExecutor)]
    fn total(order: &Order, #[piped] count: Result<u32, Failure>) -> Outcome<(u32, String, u32)> {
        let count = count.unwrap_or_else(|failure| failure.reason().len() as u32);
        Outcome::success((id(), order.lines.join("+"), count))
    }
    #[event]
    fn seven() -> Outcome<u32> {
        Outcome::success(7)
    }
    #[event]
    fn refuses() -> Outcome<u32> {
        Outcome::failure("four")
    }
    #[derive(Pipeline)]
    #[pipeline(flow = seven |-> total)]
    struct Seven {
        order: Order,
    }
    #[derive(Pipeline)]
    #[pipeline(flow = refuses |-> total)]
    struct Refused {
        order: Order,
    }

    #[test]
    fn fields_and_piped_values_cross_and_so_do_failures_in_their_place() -> nexus::Result<()> {
        for (report, count) in
            [(Seven { order: order() }.run()?, 7), (Refused { order: order() }.run()?, 4)]
        {
            let (pid, lines, counted) = report.get::<total>()?;
            assert_ne!(*pid, id());
            assert_eq!((lines.as_str(), *counted), ("tea+milk", count));
        }
        Ok(())
    }

    #[event]
    fn texts() -> Outcome<Vec<String>> {
        Outcome::success(vec!["a".into(), "bb".into(), "ccc".into()])
    }
    #[event(executor = ProcessPoolExecutor)]
    fn length(#[piped] text: &String) -> Outcome<u32> {
        if text == "bb" { Outcome::failure("two") } else { Outcome::success(text.len() as u32) }
    }
    #[event(executor = ProcessPoolExecutor)]
    fn sum(#[piped] each: Vec<Result<u32, Failure>>) -> Outcome<Vec<Result<u32, String>>> {
        Outcome::success(each.into_iter().map(|one| one.map_err(|f| f.to_string())).collect())
    }
    #[event(executor = ProcessPoolExecutor)]
    fn all(#[piped] each: Result<&Vec<u32>, Failure>) -> Outcome<String> {
        Outcome::success(each.map_or_else(|failure| failure.to_string(), |all| format!("{all:?}")))
    }
    #[derive(Pipeline)]
    #[pipeline(flow = texts |-> length[each] |-> sum || all)]
    struct Lengths {}

    #[test]
    fn items_cross_one_by_one_and_their_results_together() -> nexus::Result<()> {
        let report = Lengths {}.run()?;
        assert_eq!(report.get::<sum>()?, &[Ok(1), Err("two".to_owned()), Ok(3)]);
        assert_eq!(report.get::<all>()?, "1 of 3 items did not succeed; item 1: two");
        Ok(())
    }

    #[event(executor = ProcessPoolExecutor)]
    fn pack(
        #[piped] group: (&String, u32, Result<std::sync::Arc<Order>, Failure>),
    ) -> Outcome<String> {
        let (text, number, order) = group;
        Outcome::success(format!("{text} {number} {:?}", order.map(|order| order.id)))
    }
    #[event(executor = ProcessPoolExecutor)]
    fn list(#[piped] group: Vec<u32>) -> Outcome<u32> {
        Outcome::success(group.iter().sum())
    }
    #[event]
    fn text() -> Outcome<String> {
        Outcome::success("text".into())
    }
    #[event(executor = ProcessPoolExecutor)]
    fn make_order() -> Outcome<Order> {
        Outcome::success(order())
    }
    #[derive(Pipeline)]
    #[pipeline(flow = text || seven || make_order |-> pack)]
    struct Packed {}
    #[derive(Pipeline)]
    #[pipeline(flow = seven || seven || seven |-> list)]
    struct Listed {}

    #[test]
    fn a_groups_values_cross_as_a_tuple_or_a_list() -> nexus::Result<()> {
        assert_eq!(Packed {}.run()?.output::<String>()?, "text 7 Ok(7)");
        assert_eq!(Listed {}.run()?.output::<u32>()?, &21);
        Ok(())
    }

    #[event(executor = ProcessPoolExecutor)]
    fn check(order: &Order, ctx: &Context) -> Outcome<u32> {
        match ctx.field::<Order>("order").unwrap().id {
            1 => Outcome::failure("plain"),
            2 => Outcome::failure_with("text", String::from("a text")),
            3 => Outcome::failure_with("number", 3_u32),
            4 => Outcome::failure_with("flag", true),
            5 => Outcome::failure_with("lost", order.clone()),
            _ => Outcome::success(0),
        }
    }
    #[event(executor = ProcessPoolExecutor)]
    fn why(#[piped] failure: &Failure) -> Outcome<String> {
        let text = failure.value::<String>().cloned();
        let (number, flag) = (failure.value::<u32>(), failure.value::<bool>());
        Outcome::success(format!("{}: {text:?} {number:?} {flag:?}", failure.reason()))
    }
    #[derive(Pipeline)]
    #[pipeline(flow = check (0 |-> why))]
    struct Checked {
        order: Order,
    }

    #[test]
    fn a_failure_crosses_twice_with_what_it_carries() -> nexus::Result<()> {
        for (id, said) in [
            (1, "plain: None None None"),
            (2, "text: Some(\"a text\") None None"),
            (3, "number: None Some(3) None"),
            (4, "flag: None None Some(true)"),
            (
                5,
                "lost (the value that it carried could not cross between processes): None None None",
            ),
        ] {
            let report = Checked { order: Order { id, lines: vec![] } }.run()?;
            assert_eq!(report.get::<why>()?, said);
        }
        Ok(())
    }

    #[derive(Debug, Serialize, Deserialize, nexus::Descriptor)]
    enum Class {
        Low,
        High,
    }
    #[event(executor = ProcessPoolExecutor)]
    fn classify(order: &Order) -> Outcome<Class> {
        Outcome::success(if order.id < 5 { Class::Low } else { Class::High })
    }
    #[event(executor = ProcessPoolExecutor)]
    fn jump(order: &Order) -> Outcome<String> {
        Outcome::goto(101, format!("order {}", order.id)).reason("premium").failed()
    }
    #[event]
    fn keep(#[piped] text: &String) -> Outcome<String> {
        Outcome::success(text.clone())
    }
    #[event]
    fn other() -> Outcome<()> {
        Outcome::success(())
    }
    #[derive(Pipeline)]
    #[pipeline(flow = classify (low -> other, high -> jump (101 |-> keep)))]
    struct Jumps {
        order: Order,
    }

    #[test]
    fn a_goto_crosses_with_branch_value_and_reason() -> nexus::Result<()> {
        let report = Jumps { order: order() }.run()?;
        assert_eq!(report.get::<keep>()?, "order 7");
        let outcome = report.steps_of::<jump>().next().unwrap().outcome();
        assert!(
            matches!(&outcome, StepOutcome::Goto { reason, failed: true, .. } if reason == "premium"),
            "{outcome:?}"
        );
        Ok(())
    }

    #[event(executor = ProcessPoolExecutor)]
    fn echo(text: std::sync::Arc<String>) -> Outcome<std::sync::Arc<String>> {
        Outcome::success(text)
    }
    #[derive(Pipeline)]
    #[pipeline(flow = echo)]
    struct Echo {
        text: String,
    }

    #[test]
    fn a_hundred_mebibytes_cross_both_ways() -> nexus::Result<()> {
        let text = "nexus ".repeat((100 << 20) / 6);
        let report = Echo { text: text.clone() }.run()?;
        assert!(**report.output::<std::sync::Arc<String>>()? == text);
        Ok(())
    }

    #[event(executor = ProcessPoolExecutor, executor_config = { thread_name_prefix: "body-", stack_size: 33_554_432 })]
    fn prints(ctx: &Context) -> Outcome<Vec<String>> {
        use std::io::{Read, Write};
        println!("an event may print");
        std::io::stdout().write_all(&[5; 4096]).unwrap();
        eprintln!("wherever it likes");
        let mut input = String::new();
        std::io::stdin().read_to_string(&mut input).unwrap();
        let thread = std::thread::current().name().unwrap_or_default().to_owned();
        let large = std::hint::black_box([1_u8; 8 << 20]);
        let text = |text: &dyn fmt::Display| text.to_string();
        Outcome::success(vec![
            input,
            thread,
            text(&large.len()),
            ctx.step_path(),
            ctx.event().to_owned(),
            ctx.pipeline().to_owned(),
            ctx.idempotency_key(),
            text(&ctx.run_id()),
        ])
    }
    #[event]
    fn here(ctx: &Context) -> Outcome<String> {
        Outcome::success(ctx.run_id().to_string())
    }
    #[derive(Pipeline)]
    #[pipeline(flow = here -> prints)]
    struct Prints {}

    #[test]
    fn a_body_may_print_and_read_and_knows_its_place_in_the_run() -> nexus::Result<()> {
        let report = Prints {}.run()?;
        let said = report.get::<prints>()?;
        let key = &said[6];
        let run = report.get::<here>()?;
        let expected =
            ["", "body-0", "8388608", "prints", "prints", "Prints", key.as_str(), run.as_str()];
        assert_eq!(said, &expected);
        assert_eq!(key.len(), 32);
        Ok(())
    }

    #[derive(Event)]
    #[event(executor = ProcessPoolExecutor)]
    struct Scale {
        factor: f64,
        #[field(default = "x")]
        unit: String,
        #[field(default)]
        steps: Vec<i64>,
    }
    #[event]
    impl Scale {
        fn process(&self, #[piped] number: u32) -> Outcome<String> {
            let scaled = f64::from(number) * self.factor;
            Outcome::success(format!("{} {scaled}{} {:?}", id() == 0, self.unit, self.steps))
        }
    }
    #[derive(Pipeline)]
    #[pipeline(flow = seven |-> Scale[factor = -0.5] || Scale[factor = 2.0, unit = "a \"b]\" €", steps = [1, -2]])]
    struct Scaled {}

    #[test]
    fn a_struct_event_has_the_fields_that_the_flow_sets() -> nexus::Result<()> {
        let report = Scaled {}.run()?;
        let values: Vec<_> = report
            .steps_of::<Scale>()
            .map(|step| step.value::<String>().unwrap().clone())
            .collect();
        assert_eq!(values, ["false -3.5x []", "false 14a \"b]\" € [1, -2]"]);
        Ok(())
    }

    #[derive(Debug, Clone)]
    struct Odd;
    impl Serialize for Odd {
        fn serialize<S: serde::Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
            Err(serde::ser::Error::custom("no"))
        }
    }
    impl<'de> Deserialize<'de> for Odd {
        fn deserialize<D: serde::Deserializer<'de>>(_: D) -> Result<Self, D::Error> {
            panic!("not this one")
        }
    }
    #[event(executor = ProcessPoolExecutor)]
    fn odd() -> Outcome<Odd> {
        Outcome::success(Odd)
    }
    #[event(executor = ProcessPoolExecutor)]
    fn dynamic() -> Outcome<serde_json::Value> {
        Outcome::success(serde_json::json!({ "a": 1 }))
    }

    type Name = &'static str;
    #[event(executor = ProcessPoolExecutor)]
    fn hidden() -> Outcome<Name> {
        Outcome::success("borrowed")
    }

    #[test]
    fn a_value_that_does_not_cross_after_all_is_an_exception_that_says_so() {
        for (script, name, why) in [
            ("odd", "`odd`, a `Odd`,", "returned an error"),
            ("dynamic", "`dynamic`, a `serde_json::Value`,", "`serde_json::Value`"),
            ("hidden", "`hidden`, a `Name`,", "expected a borrowed string"),
        ] {
            let exception = exception(&run(script));
            assert_eq!(exception.kind(), ExceptionKind::Crossing);
            let said = exception.message();
            assert!(said.contains(name) && said.contains(why), "{said}");
        }
    }
}

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
        assert!(exception.location().unwrap().contains("process_crossing.rs:"));
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
