//! What crosses between a program and its worker processes: values of every form, failures and
//! gotos.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test says what it expects")]
#![allow(clippy::large_stack_arrays, reason = "one asks for a large stack")]

mod common;

use std::fmt;
use std::process::id;

use common::{exception, run};
use nexus::prelude::*;
use nexus::{ExceptionKind, StepOutcome};
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
            Err(serde::ser::Error::custom("not for others"))
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
            ("odd", "`odd`, a `Odd`,", "between processes: not for others"),
            ("dynamic", "`dynamic`, a `serde_json::Value`,", "`serde_json::Value`"),
            ("hidden", "`hidden`, a `Name`,", "expected a borrowed string"),
        ] {
            let exception = exception(&run(script));
            assert_eq!(exception.kind(), ExceptionKind::Serialization);
            let said = exception.message();
            assert!(said.contains(name) && said.contains(why), "{said}");
        }
    }
}

mod twins {
    use super::*;

    /// Events of one name at one place, as a `macro_rules!` makes them.
    macro_rules! twins {
        ($($module:ident: $said:literal;)+) => {$(
            mod $module {
                use super::*;

                #[event(executor = ProcessPoolExecutor)]
                fn twin() -> Outcome<u32> {
                    Outcome::success($said)
                }
                #[derive(Pipeline)]
                #[pipeline(flow = twin)]
                pub(super) struct Twin {}
            }
        )+};
    }
    twins! {
        first: 1;
        second: 2;
    }

    #[test]
    fn a_worker_runs_the_very_event_that_the_flow_names() -> nexus::Result<()> {
        assert_eq!(first::Twin {}.run()?.output::<u32>()?, &1);
        assert_eq!(second::Twin {}.run()?.output::<u32>()?, &2);
        Ok(())
    }
}

mod pending {
    use nexus::journal::MemoryStore;

    use super::*;

    /// Tells the world outside whom to answer, and waits.
    #[event(executor = ProcessPoolExecutor)]
    fn approve(folder: &std::path::PathBuf, ctx: &Context) -> Outcome<Order> {
        let whom = format!("{} {}", ctx.run_key().unwrap_or("nobody"), ctx.step_address());
        std::fs::write(folder.join("asked"), whom).unwrap();
        Outcome::pending()
    }
    #[event]
    async fn deliver(#[piped] order: Order) -> Outcome<u64> {
        std::future::ready(()).await;
        if order.id > 9 { Outcome::success(order.id) } else { Outcome::pending() }
    }
    #[derive(Pipeline)]
    #[pipeline(durable, flow = approve |-> deliver)]
    struct Sale {
        folder: std::path::PathBuf,
    }

    #[test]
    fn a_worker_and_an_async_event_may_wait_for_the_world_outside() -> nexus::Result<()> {
        let folder = std::env::temp_dir().join(format!("nexus-pending-{}", id()));
        std::fs::create_dir_all(&folder).unwrap();
        let engine = Engine::builder().store(MemoryStore::new()).build()?;
        let run = engine.prepare(Sale { folder: folder.clone() })?.key("S-1").start()?;
        for (step, answer) in [("approve", r#"{"id":7,"lines":[]}"#), ("deliver", "8")] {
            while engine.pending("S-1")?.is_empty() {
                std::thread::yield_now();
            }
            engine.resolve_json("S-1", step, answer)?;
        }
        assert_eq!(run.wait()?.output::<u64>()?, &8);
        assert_eq!(std::fs::read_to_string(folder.join("asked")).unwrap(), "S-1 approve");
        std::fs::remove_dir_all(&folder).unwrap();
        Ok(())
    }
}

mod secrets {
    use nexus::Secret;
    use nexus::journal::{MemoryStore, RunQuery, Store};

    use super::*;

    const CANARY: &str = "yellow-feathers";

    #[derive(Debug, Clone, Serialize, Deserialize)]
    struct Login {
        user: String,
        password: Secret<String>,
    }

    #[derive(Debug, thiserror::Error)]
    #[error("{0:?} may not enter")]
    struct Refused(Login);

    /// Yields its secret, and says something about it.
    #[event(executor = ProcessPoolExecutor)]
    fn knock(login: &Login, ctx: &Context) -> Outcome<Login> {
        assert_eq!(login.password.expose(), CANARY, "a worker process has the value itself");
        eprintln!("{}: {login:?}", ctx.event());
        Outcome::success(login.clone())
    }
    #[event(executor = ProcessPoolExecutor)]
    fn enter(#[piped] login: Login) -> Result<u32, Refused> {
        assert_eq!(login.password.expose(), CANARY, "so has what comes along `|->`");
        Err(Refused(login))
    }
    #[derive(Pipeline)]
    #[pipeline(flow = knock |-> enter)]
    struct Visit {
        login: Login,
    }
    #[event]
    fn token() -> Outcome<Secret<String>> {
        Outcome::success(CANARY.to_owned().into())
    }
    #[derive(Pipeline)]
    #[pipeline(durable, flow = token)]
    struct Tokens {}
    #[derive(Pipeline)]
    #[pipeline(durable, flow = knock)]
    struct Kept {
        login: Login,
    }

    fn login() -> Login {
        Login { user: "ada".into(), password: CANARY.to_owned().into() }
    }

    /// All that a report says, to people and to programs.
    fn all_of(report: &Report) -> String {
        let json = serde_json::to_string(report).unwrap();
        let chain = report.steps().map(|step| format!("{:?}", step.error_chain()));
        format!("{report} {report:?} {json} {}", chain.collect::<String>())
    }

    #[test]
    fn a_worker_process_has_a_secret_and_no_report_shows_it() -> nexus::Result<()> {
        let report = Visit { login: login() }.run()?;
        assert_eq!(report.status(), Status::Failed);
        let said = all_of(&report);
        assert!(!said.contains(CANARY), "{said}");
        assert!(said.contains(r#"user: "ada", password: *** } may not enter"#), "{said}");
        assert!(said.contains(r#""password":"***""#), "{said}");
        Ok(())
    }

    #[test]
    fn no_store_keeps_a_secret() -> nexus::Result<()> {
        let store = std::sync::Arc::new(MemoryStore::new());
        let engine = Engine::builder().store(std::sync::Arc::clone(&store)).build()?;
        let error = engine.prepare(Kept { login: login() })?.key("K-1").run().unwrap_err();
        let said = error.to_string();
        assert!(said.contains("login.password: a `Secret` is not recorded"), "{said}");
        assert!(store.runs(&RunQuery::all()).unwrap().is_empty());
        let report = engine.prepare(Tokens {})?.key("K-2").run()?;
        let said = all_of(&report);
        assert!(said.contains("a `Secret` is not recorded; give it to the engine"), "{said}");
        let kept = format!("{:?}", store.records("K-2", 0, usize::MAX).unwrap());
        assert!(!kept.contains(CANARY) && !said.contains(CANARY), "{kept} {said}");
        Ok(())
    }
}
