//! Smoke.
use nexus_core::testing::*;
use nexus_core::*;
use std::time::Duration;

fn text(report: &Report, path: &str) -> String { report.step(path).unwrap().sentence() }

#[test]
fn smoke() {
    let mut r = Registry::new();
    r.event("A", |_: &Context| Outcome::success(1_u32));
    r.event("F", |_: &Context| Outcome::<u32>::failure("no"));
    r.event("P", |_: &Context| -> Result<u32, Failure> { panic!("boom") });
    r.event("G", |_: &Context| Outcome::goto(101, 5_u32).reason("premium"));
    r.event("S", |ctx: &Context| Outcome::success(ctx.previous().iter().map(|p| p.as_ref().map_or(100, |v| *v.get::<u32>().unwrap())).sum::<u32>()));
    let run = |flow: &str| {
        let plan = Flow::parse(flow).unwrap().plan(&r, &Fields::new()).map_err(|e| panic!("{e}")).unwrap();
        let report = TestEngine::new().build().unwrap().run_plan(&plan, Inputs::new()).unwrap();
        println!("{report}\n{}", serde_json::to_string(&report).unwrap());
        report
    };
    assert_eq!(run("A |-> S").output::<u32>().unwrap(), &1);
    assert_eq!(run("A || A || A |-> S").output::<u32>().unwrap(), &3);
    assert_eq!(run("A || F |-> S").status(), Status::Failed);
    assert_eq!(run("F (0 |-> S) -> A").status(), Status::Succeeded);
    assert_eq!(run("P -> A").status(), Status::Failed);
    assert_eq!(run("G (101 |-> S) -> A").status(), Status::Succeeded);
    let x = run("G -> A");
    assert!(x.broken_at().is_some());
    assert_eq!(run("{F || A} (0 |-> S)").status(), Status::Succeeded);
    assert_eq!(run("{F || A}[execution_evaluation_state = SuccessForPartialSuccess] -> A").status(), Status::Succeeded);
    assert_eq!(run("{F[stop_on_error] -> A} || {A -> A -> A} -> A").status(), Status::Stopped);
    let x = run("{P * 5}[retry_policy = {backoff_factor: 0.5}]");
    assert_eq!(waits(&x, "P"), [0.5, 1.0, 2.0, 4.0].map(Duration::from_secs_f64));
    println!("{}", text(&x, "P"));
    let e = Flow::parse("A -> Bx[foo] (0 -> Z").unwrap_err();
    println!("{e}");
    let e = Flow::parse("A -> Sx [foo] -> A[max_attempts = 3, foo=1] |-> A").unwrap().plan(&r, &Fields::new()).unwrap_err();
    println!("{e}");
}

#[test]
fn million() {
    let t = std::thread::Builder::new().stack_size(2 << 20).spawn(|| {
        let mut r = Registry::new();
        r.event("A", |_: &Context| Outcome::success(()));
        for sep in [" -> ", " || "] {
            let n = 1_000_000;
            let mut s = String::new();
            for i in 0..n { if i > 0 { s.push_str(sep); } s.push('A'); }
            let t = std::time::Instant::now();
            let plan = Flow::parse(&s).unwrap().plan(&r, &Fields::new()).unwrap();
            println!("plan {:?}", t.elapsed());
            let t = std::time::Instant::now();
            let report = Engine::new().run_plan(&plan, Inputs::new()).unwrap();
            println!("run {:?}", t.elapsed());
            assert!(report.is_success());
            assert!(report.steps().all(|s| s.ran()));
            let t = std::time::Instant::now();
            drop(report); drop(plan);
            println!("drop {:?}", t.elapsed());
        }
    }).unwrap();
    t.join().unwrap();
}
