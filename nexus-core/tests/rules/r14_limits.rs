//! R14: any text, any depth, any width; and what is wrong is said clearly.

use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use super::support::*;

/// Plans and runs a flow of a million steps on a small stack.
fn million(separator: &str) -> bool {
    let separator = separator.to_owned();
    let work = move || {
        let script = vec!["S"; 1_000_000].join(&separator);
        let plan = plan(&registry(), &script);
        let report = Engine::new().run_plan(&plan, Inputs::new()).unwrap();
        report.is_success()
            && report.steps().len() == 1_000_000
            && report.steps().all(|step| step.ran())
    };
    std::thread::Builder::new().stack_size(2 << 20).spawn(work).unwrap().join().unwrap()
}

#[test]
fn a_chain_of_a_million_steps_plans_runs_and_drops_on_a_small_stack() {
    assert!(million(" -> "));
}

#[test]
fn a_group_of_a_million_members_plans_runs_and_drops_on_a_small_stack() {
    assert!(million("||"));
}

#[test]
fn a_million_values_go_along_a_million_arrows() {
    let mut registry = registry();
    registry.event("INC", |ctx: &Context| {
        let before = ctx.previous().first().map_or(0, |seen| *seen.value::<u32>().unwrap());
        Outcome::success(before + 1)
    });
    let plan = plan(&registry, &vec!["INC"; 100_000].join(" |-> "));
    let report = Engine::new().run_plan(&plan, Inputs::new()).unwrap();
    assert_eq!(report.output::<u32>().unwrap(), &100_000);
}

#[test]
fn nesting_works_up_to_256_and_beyond_is_an_error_with_a_place() {
    let registry = registry();
    for (open, close) in [("{", "}"), ("(", ")"), ("S (1 -> ", ")")] {
        let nest = |depth: usize| format!("{}S{}", open.repeat(depth), close.repeat(depth));
        let report = run(&registry, &nest(256));
        assert!(report.is_success(), "{open}");
        assert!(!report.steps().last().unwrap().path().is_empty());
        for depth in [257, 100_000] {
            let error = complaint(Flow::parse(nest(depth)));
            assert!(error.contains("256"), "{error}");
            assert!(error.contains("flow:1:"), "{error}");
        }
    }
}

fn complaint<T>(result: Result<T>) -> String {
    match result {
        Ok(_) => panic!("it is taken"),
        Err(error) => error.to_string(),
    }
}

/// A file that is gone when the test is.
struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str, bytes: &[u8]) -> Self {
        let path = std::env::temp_dir().join(format!("nexus-{}-{name}", std::process::id()));
        std::fs::write(&path, bytes).unwrap();
        Self(path)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

#[test]
fn a_bad_file_is_one_clear_error_that_names_it() {
    let missing = complaint(Flow::from_file("no/such/order.pty"));
    assert!(missing.starts_with("cannot read the flow `no/such/order.pty`: "), "{missing}");
    let bytes = Scratch::new("bytes.pty", b"A -> \xff\xfe");
    let error = complaint(Flow::from_file(&bytes.0));
    assert!(error.contains("bytes.pty") && error.contains("utf-8"), "{error}");
    let folder = complaint(Flow::from_file(std::env::temp_dir()));
    assert!(folder.starts_with("cannot read the flow"), "{folder}");
    let cut = Scratch::new("cut.pty", b"S -> F (0 -> S, 1 -");
    let error = complaint(Flow::from_file(&cut.0));
    assert!(error.contains("cut.pty:1:"), "{error}");
}

#[test]
fn a_file_with_windows_line_ends_or_a_byte_order_mark_is_read_or_clearly_refused() {
    let crlf = Scratch::new("crlf.pty", b"# order\r\nS\r\n  -> F (0 -> S)\r\n");
    let plan = Flow::from_file(&crlf.0).unwrap().plan(&registry(), &Fields::new()).unwrap();
    assert_eq!(plan.script(), "S -> F (0 -> S)");
    assert!(plan.name().ends_with("crlf"), "{}", plan.name());
    let marked = Scratch::new("bom.pty", "\u{feff}S -> S".as_bytes());
    match Flow::from_file(&marked.0) {
        Ok(flow) => assert_eq!(flow.to_string(), "S -> S"),
        Err(error) => panic!("{error}"),
    }
}

#[test]
fn a_script_with_a_hidden_or_foreign_character_is_an_error_at_its_place() {
    for script in [
        "S -> \0",
        "S\0",
        "S -> \u{202e}S",
        "S -> \u{200b}S",
        "S => S",
        "S - > S",
        "S ; S",
        "",
        "   ",
        "# only",
    ] {
        let Err(Error::Flow(errors)) = Flow::parse(script) else { panic!("{script:?} is taken") };
        assert!(!errors.is_empty());
        let first = errors.iter().next().unwrap();
        assert!(first.line == 1 && !first.message.is_empty(), "{script:?}");
        let text = errors.to_string();
        assert!(!text.contains(['\0', '\u{202e}']), "{script:?} is printed as it is: {text}");
        assert!(text.lines().count() < 30, "{text}");
    }
}

#[test]
fn a_script_of_ten_megabytes_of_rubbish_is_a_short_error() {
    for piece in ["(", "{", "[", "A ", "-> ", "|| ", "\"", "A (", "A[", "9"] {
        // One of them in full, which takes a debug build seconds.
        let size = if piece == "A (" { 10_000_000 } else { 500_000 };
        let script = piece.repeat(size / piece.len());
        let error = complaint(Flow::parse(&script));
        assert!(error.len() < 200_000, "{piece}: an error of {} bytes", error.len());
    }
    let error = refusal(&registry(), &"é".repeat(1_000_000));
    assert!(error.len() < 200_000, "one long name: an error of {} bytes", error.len());
}

#[test]
fn every_mistake_of_a_flow_is_told_at_once_with_its_place() {
    let Err(Error::Flow(errors)) =
        try_plan(&registry(), "S ->\n  SUMM -> T[foo = 1] ->\n  F[executor = Thread]")
    else {
        panic!()
    };
    let places: Vec<(usize, usize)> =
        errors.iter().map(|mistake| (mistake.line, mistake.column)).collect();
    assert_eq!(places, [(2, 3), (2, 11), (2, 13), (3, 16)], "{errors}");
    assert!(errors.to_string().contains("did you mean `SUM`?"));
}

#[test]
fn an_unknown_setting_of_an_event_and_an_ambiguous_name_are_refused() {
    let mut registry = registry();
    assert!(refusal(&registry, "S[stop_on_eror]").contains("did you mean `stop_on_error`?"));
    assert!(refusal(&registry, "{S}[stop_on_eror]").contains("did you mean `stop_on_error`?"));
    registry.event("S", |_: &Context| Outcome::success(()));
    let text = refusal(&registry, "S");
    assert!(text.contains("`S` is the name of 2 events") && text.contains("support.rs:"), "{text}");
}

#[test]
fn wrong_inputs_are_told_all_at_once_by_field() {
    let fields = Fields::new().with::<u32>("limit").with::<String>("city");
    let plan = Flow::parse("S").unwrap().plan(&registry(), &fields).unwrap();
    let engine = TestEngine::new().build().unwrap();
    let good = || Inputs::new().with("limit", 1_u32).with("city", String::from("Porto"));
    assert!(engine.run_plan(&plan, good()).is_ok());
    for (inputs, says) in [
        (Inputs::new(), &["`limit: u32` is missing", "`city: String` is missing"][..]),
        (good().with("city", String::new()), &["`city` is given twice"]),
        (good().with("town", 1_u8), &["there is no input `town`"]),
        (
            Inputs::new().with("limit", 1_u64).with("city", String::new()),
            &["`limit` takes a `u32`, and was given a `u64`"],
        ),
        (
            Inputs::new().with("limt", 1_u32).with("city", String::new()),
            &["`limit: u32` is missing", "did you mean `limit`?"],
        ),
    ] {
        let error = complaint(engine.run_plan(&plan, inputs));
        for part in says {
            assert!(error.contains(part), "{error}");
        }
    }
}

#[test]
fn a_default_that_panics_is_told_by_field_and_one_that_is_not_asked_for_is_not_made() {
    let made = || -> u32 { panic!("{ON_PURPOSE}") };
    let fields = Fields::new().with_default("limit", made);
    let plan = Flow::parse("S").unwrap().plan(&registry(), &fields).unwrap();
    let engine = TestEngine::new().build().unwrap();
    let error = complaint(engine.run_plan(&plan, Inputs::new()));
    assert!(error.starts_with("the default of `limit`: "), "{error}");
    assert!(engine.run_plan(&plan, Inputs::new().with("limit", 1_u32)).is_ok());
}

#[test]
fn a_missing_state_is_told_before_anything_runs() {
    let registry = typed_registry();
    let plan = plan(&registry, "S -> NeedsPool");
    let error = complaint(TestEngine::new().build().unwrap().run_plan(&plan, Inputs::new()));
    assert!(
        error.contains("`State<Connections>`") && error.contains("Engine::builder().state("),
        "{error}"
    );
    let engine = TestEngine::new().state(Connections("ten".into())).build().unwrap();
    assert_eq!(run_on(&engine, &registry, "NeedsPool").output::<String>().unwrap(), "ten");
    let twice = Engine::builder().state(1_u8).state(2_u8).build();
    assert!(complaint(twice).contains("two resources of type `u8`"));
}

#[test]
fn a_thousand_tasks_on_workers_that_are_replaced_are_all_done() {
    let mut registry = registry();
    let threads: Arc<Mutex<HashSet<std::thread::ThreadId>>> = Arc::default();
    let seen = Arc::clone(&threads);
    registry
        .event("Task", move |_: &Context| {
            seen.lock().unwrap().insert(std::thread::current().id());
            Outcome::success(())
        })
        .executor::<ThreadPoolExecutor>()
        .executor_config(ExecutorInitializerConfig::new().max_workers(4).max_tasks_per_child(50));
    for separator in ["||", "->"] {
        let report = run(&registry, &vec!["Task"; 1000].join(separator));
        assert!(report.is_success());
        assert!(report.steps().all(|step| step.attempts() == 1));
    }
    assert!(threads.lock().unwrap().len() >= 40, "{} threads", threads.lock().unwrap().len());
}
