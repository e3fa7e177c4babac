//! R15: runs, steps and tasks have names that stay.

use std::sync::{Arc, Mutex};

use super::support::*;

#[test]
fn a_step_s_path_says_where_it_stands() {
    let registry = registry();
    for (flow, paths) in [
        ("S -> F", "S F"),
        ("S -> S -> S", "S S#2 S#3"),
        ("S (0 -> F, 1 -> P) -> F", "S S/0/F S/1/P F#2"),
        ("S (1 -> F (premium -> S))", "S S/1/F S/1/F/premium/S#2"),
        ("{S -> F} (0 -> P)", "S F {S}/0/P"),
        ("{{F || S} -> P} (0 -> {S} (1 -> P))", "F S P {F}/0/S#2 {F}/0/{S#2}/1/P#2"),
        ("S || {F || S}", "S F S#2"),
    ] {
        let plan = plan(&registry, flow);
        assert_eq!(plan.step_paths().collect::<Vec<_>>().join(" "), paths, "{flow}");
        let report = run(&registry, flow);
        for path in paths.split(' ') {
            assert_eq!(report.step(path).map(|step| step.path()).as_deref(), Some(path), "{flow}");
        }
    }
}

/// An event that reports its idempotency key, fails twice, and its registry.
fn keys() -> (Registry, Log) {
    let (mut registry, log) = (registry(), Log::default());
    let keys = log.clone();
    registry.event("K", move |ctx: &Context| {
        keys.add(ctx.idempotency_key());
        if ctx.attempt() < 3 { Err(Broke) } else { Ok(()) }
    });
    (registry, log)
}

#[test]
fn an_idempotency_key_is_the_same_over_retries_and_differs_over_steps_and_runs() {
    let (registry, log) = keys();
    let engine = TestEngine::new().build().unwrap();
    run_on(&engine, &registry, "K * 3 -> K * 3");
    let keys = log.lines();
    assert_eq!(keys.len(), 6);
    assert!(keys[0] == keys[1] && keys[1] == keys[2]);
    assert!(keys[3] == keys[4] && keys[4] == keys[5]);
    assert_ne!(keys[0], keys[3]);
    run_on(&engine, &registry, "K * 3");
    assert_ne!(log.lines()[6], keys[0], "another run of the same engine");
    // The same seed is the same run, as a resumed one is.
    let (registry, log) = self::keys();
    run_on(&TestEngine::new().build().unwrap(), &registry, "K * 3 -> K * 3");
    assert_eq!(log.lines(), keys);
}

#[test]
fn each_item_has_a_key_of_its_own() {
    static SEEN: Mutex<Vec<String>> = Mutex::new(Vec::new());
    typed!(Keyed, ByRef<u32> => (), &[PIPED], |inputs| {
        SEEN.lock().unwrap().push(inputs.context().idempotency_key());
        outcome(Outcome::success(()))
    });
    let mut registry = registry();
    registry.add::<Keyed>();
    registry.event("Feed", |_: &Context| Outcome::success(vec![1_u32; 20]));
    run(&registry, "Feed |-> Keyed[each]");
    let mut seen = SEEN.lock().unwrap().clone();
    seen.sort();
    seen.dedup();
    assert_eq!(seen.len(), 20);
}

#[test]
fn run_ids_differ_and_a_seed_makes_them_repeat() {
    let registry = registry();
    let ids = |engine: &Engine| {
        [run_on(engine, &registry, "S").run_id(), run_on(engine, &registry, "S").run_id()]
    };
    let (a, b) = (ids(&Engine::new()), ids(&Engine::new()));
    assert!(a[0] != a[1] && a[0] != b[0] && b[0] != b[1]);
    let seeded = |seed| ids(&TestEngine::new().seed(seed).build().unwrap());
    assert_eq!(seeded(1), seeded(1));
    assert_ne!(seeded(1), seeded(2));
    assert_eq!(a[0].to_string().len(), 32);
}

#[test]
fn an_event_knows_its_run_its_pipeline_and_its_step() {
    let mut registry = registry();
    registry.event("WHO", |ctx: &Context| {
        Outcome::success(format!(
            "{} {} {} {} {}",
            ctx.run_id(),
            ctx.pipeline(),
            ctx.event(),
            ctx.step_path(),
            ctx.attempt()
        ))
    });
    for flow in ["S (1 -> WHO)", "S (1 -> WHO[executor = ThreadPoolExecutor])"] {
        let report = run(&registry, flow);
        assert_eq!(
            report.output::<String>().unwrap(),
            &format!("{} flow WHO S/1/WHO 1", report.run_id())
        );
    }
}

#[test]
fn a_plan_is_written_down_and_made_again() {
    let fields = Fields::new().with::<u32>("limit");
    let flow = "S[retry_policy = { max_attempts: 2, backoff_factor: 0.5 }] || {F} * 3 (0 |-> SUM, premium -> S) -> P";
    let plan = Flow::parse(flow).unwrap().plan(&registry(), &fields).unwrap();
    let text = serde_json::to_string(&*plan).unwrap();
    let spec: PlanSpec = serde_json::from_str(&text).unwrap();
    assert_eq!(spec, PlanSpec::of(&plan));
    assert_eq!(spec.fields, [("limit".to_owned(), "u32".to_owned())]);
    let again = Flow::parse(&spec.flow).unwrap().plan(&registry(), &fields).unwrap();
    assert_eq!(again.structural_hash(), plan.structural_hash());
    assert_eq!(format!("{:032x}", again.structural_hash()), spec.hash);
    assert!(again.step_paths().eq(plan.step_paths()));
}

#[test]
fn the_hash_of_a_plan_tells_flows_and_fields_apart_but_not_spellings() {
    let registry = registry();
    let hash = |flow: &str, fields: &Fields| {
        Flow::parse(flow).unwrap().plan(&registry, fields).unwrap().structural_hash()
    };
    let none = Fields::new();
    assert_eq!(hash("S -> (F || P)", &none), hash("S\n-># x\n{F||P}", &none));
    let mut all = vec![
        hash("S -> F", &none),
        hash("S |-> SUM", &none),
        hash("S || F", &none),
        hash("S -> F * 2", &none),
        hash("S -> F[stop_on_error]", &none),
        hash("S -> F", &Fields::new().with::<u32>("a")),
        hash("S -> F", &Fields::new().with::<u64>("a")),
        hash("S -> F", &Fields::new().with::<u32>("b")),
    ];
    all.sort_unstable();
    all.dedup();
    assert_eq!(all.len(), 8);
}

#[test]
fn retries_on_the_driving_thread_come_in_the_same_order_every_time() {
    let order = || {
        let seen = Arc::new(Mutex::new(Vec::new()));
        let mut registry = Registry::new();
        for name in ["A", "B", "C", "D", "After"] {
            let seen = Arc::clone(&seen);
            registry
                .event(name, move |ctx: &Context| {
                    seen.lock().unwrap().push((name, ctx.attempt()));
                    if ctx.attempt() < 6 && name != "After" { Err(Broke) } else { Ok(()) }
                })
                .executor::<DefaultExecutor>();
        }
        let flow = "{{A -> After} || {B -> After} || {C -> After} || D}\
            [retry_policy = {max_attempts: 6, backoff_factor: 1, max_backoff: 1}]";
        assert!(run(&registry, flow).is_success());
        seen.lock().unwrap().clone()
    };
    let first = order();
    for _ in 0..300 {
        assert_eq!(order(), first);
    }
}
