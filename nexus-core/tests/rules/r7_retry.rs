//! R7: retries: which, how often, and how long the waits are.

use std::sync::mpsc;

use super::support::*;

fn seconds(of: &[f64]) -> Vec<Duration> {
    of.iter().copied().map(Duration::from_secs_f64).collect()
}
use std::time::Duration;

#[test]
fn the_waits_are_those_of_the_policy_to_the_nanosecond() {
    let registry = registry();
    for (policy, expected) in [
        ("max_attempts: 5, backoff_factor: 0.5", &[0.5, 1.0, 2.0, 4.0][..]),
        ("max_attempts: 6, backoff_factor: 1.0, max_backoff: 5.0", &[1.0, 2.0, 4.0, 5.0, 5.0]),
        ("max_attempts: 5, backoff_factor: 1", &[1.0, 2.0, 4.0, 8.0]),
        ("max_attempts: 3, backoff_factor: 0", &[0.0, 0.0]),
        ("max_attempts: 3, backoff_factor: 8, max_backoff: 0.25", &[0.25, 0.25]),
        ("max_attempts: 1", &[]),
        ("", &[0.05, 0.1, 0.2, 0.4]),
    ] {
        let report = run(&registry, &format!("P[retry_policy = {{{policy}}}]"));
        assert_eq!(waits(&report, "P"), seconds(expected), "{policy}");
        assert_eq!(report.step("P").unwrap().attempts() as usize, expected.len() + 1, "{policy}");
        // The waits are really waited.
        assert_eq!(report.elapsed(), seconds(expected).iter().sum(), "{policy}");
    }
}

#[test]
fn a_count_in_the_flow_sets_the_attempts_of_that_step_alone() {
    let mut registry = registry();
    let policy = RetryPolicy::builder().max_attempts(2).backoff_factor(1.0);
    registry.event("Own", |_: &Context| Err::<(), _>(Broke)).retry_policy(policy.build());
    for (flow, attempts) in [
        ("P", vec![1]),
        ("P * 3 -> P", vec![3, 1]),
        ("3 * P", vec![3]),
        ("P[max_attempts = 4]", vec![4]),
        ("Own", vec![2]),
        ("Own * 3", vec![3]),
        ("{P -> Own} * 4", vec![4, 4]),
        ("{P * 2 -> Own} * 4", vec![2, 4]),
        ("{P[retry_policy = {max_attempts: 2}] -> Own[max_attempts = 1]} * 4", vec![2, 1]),
        ("{P -> P * 3}[retry_policy = {max_attempts: 2}]", vec![2, 3]),
        ("{P[retry_policy = {backoff_factor: 1}]} * 4", vec![4]),
    ] {
        let report = run(&registry, flow);
        let made: Vec<u32> = report.steps().map(|step| step.attempts()).collect();
        assert_eq!(made, attempts, "{flow}");
    }
    // The event's own factor stays; an event without policy gets the default one.
    assert_eq!(waits(&run(&registry, "Own * 3"), "Own"), seconds(&[1.0, 2.0]));
    assert_eq!(waits(&run(&registry, "P * 3"), "P"), seconds(&[0.05, 0.1]));
    for flow in ["P * 1", "P * 0", "0 * P"] {
        assert!(Flow::parse(flow).is_err(), "{flow}");
    }
}

#[test]
fn failures_gotos_and_successes_are_never_tried_again() {
    let mut registry = registry();
    registry.event("Tuple", |_: &Context| (false, "no"));
    registry.event("Goto", |_: &Context| Outcome::goto(7, ()).failed());
    for flow in ["S * 3", "F * 3", "Tuple * 3", "Goto * 3 (7 -> S)"] {
        let report = run(&registry, flow);
        assert_eq!(report.steps().next().unwrap().attempts(), 1, "{flow}");
    }
}

#[test]
fn a_panic_is_tried_again_as_an_error_is() {
    let mut registry = registry();
    registry.event("Boom", |ctx: &Context| match ctx.attempt() {
        1 => panic!("{ON_PURPOSE}"),
        attempt => Outcome::success(attempt),
    });
    assert_eq!(run(&registry, "Boom * 3").output::<u32>().unwrap(), &2);
}

#[test]
fn an_exception_is_tried_again_if_a_listed_type_is_anywhere_in_its_source_chain() {
    let mut registry = registry();
    registry.error::<Outer<Broke>>("Outer").error::<std::io::Error>("Io");
    registry.event("Wrapped", |_: &Context| Err::<(), _>(Outer(Outer(Broke))));
    for (flow, list, attempts) in [
        ("P", "Broke", 2),
        ("Wrapped", "Broke", 2),
        ("Wrapped", "Outer", 2),
        ("Wrapped", "Io, Broke", 2),
        ("Wrapped", "Io", 1),
        ("P", "Outer, Io", 1),
        ("P", "", 2),
    ] {
        let report = run(
            &registry,
            &format!("{flow}[retry_policy = {{max_attempts: 2, retry_on_exceptions: [{list}]}}]"),
        );
        assert_eq!(report.step(flow).unwrap().attempts(), attempts, "{flow} [{list}]");
    }
    assert!(
        refusal(&registry, "P[retry_policy = {retry_on_exceptions: [Brok]}]")
            .contains("did you mean `Broke`?")
    );
}

#[derive(Debug, thiserror::Error)]
#[error("status {0}")]
struct Http(u16);

#[test]
fn a_closures_dynamic_error_counts_as_the_error_inside_of_it() {
    let mut registry = registry();
    registry.event("Anyhow", |_: &Context| Err::<(), _>(anyhow::Error::new(Broke)));
    registry.event("Eyre", |_: &Context| Err::<(), _>(eyre::Report::new(Broke)));
    registry.event("Boxed", |_: &Context| {
        Err::<(), Box<dyn std::error::Error + Send + Sync>>(Box::new(Broke))
    });
    registry.error::<Broke>("Broke");
    for event in ["Anyhow", "Eyre", "Boxed"] {
        let flow = format!("{event}[retry_policy = {{retry_on_exceptions: [Broke]}}]");
        let report = run(&registry, &flow);
        assert_eq!(report.steps().next().unwrap().attempts(), 5, "{event}");
    }
}

#[test]
fn a_predicate_sees_the_error_and_decides() {
    let mut registry = registry();
    let policy =
        RetryPolicy::builder().max_attempts(4).retry_if(|error: &Http| error.0 >= 500).build();
    registry
        .event("Web", |ctx: &Context| Err::<(), _>(Http(if ctx.attempt() < 3 { 500 } else { 404 })))
        .retry_policy(policy.clone());
    registry
        .event("Wrap", |_: &Context| Err::<(), _>(Outer(Http(503))))
        .retry_policy(policy.clone());
    registry.event("Other", |_: &Context| Err::<(), _>(Broke)).retry_policy(policy);
    let report = run(&registry, "Web -> Wrap -> Other");
    assert_eq!(report.steps().map(|step| step.attempts()).collect::<Vec<_>>(), [3, 4, 1]);
}

#[test]
fn an_error_that_knows_when_to_come_back_is_believed() {
    let mut registry = registry();
    let after = |seconds| {
        move |_: &Context| Err::<(), _>(Outer(RetryAfter::new(Broke, Duration::from_secs(seconds))))
    };
    registry.event("Late", after(30));
    registry.event("Never", after(u64::MAX));
    let report = run(&registry, "Late * 3 -> Never * 2");
    assert_eq!(waits(&report, "Late"), seconds(&[30.0, 30.0]));
    assert_eq!(waits(&report, "Never"), [LONGEST_WAIT]);
}

#[test]
fn the_time_of_all_attempts_is_bounded_and_the_last_wait_trimmed() {
    let engine = TestEngine::new();
    let clock = engine.clock();
    let engine = engine.build().unwrap();
    let mut registry = registry();
    let policy = RetryPolicy::builder()
        .max_attempts(100)
        .backoff_factor(1.0)
        .max_elapsed(Duration::from_secs(10));
    registry
        .event("Slow", move |_: &Context| {
            clock.advance(Duration::from_secs(2));
            Err::<(), _>(Broke)
        })
        .retry_policy(policy.build());
    // 2 s of work, then 1, 2 s, 2, 2 s, and 1 s is left for the last wait of 4.
    let report = run_on(&engine, &registry, "Slow");
    assert_eq!(waits(&report, "Slow"), seconds(&[1.0, 2.0, 1.0]));
    assert_eq!(report.elapsed(), Duration::from_secs(12));
    // The same on a pool.
    let report = run_on(&engine, &registry, "Slow[executor = ThreadPoolExecutor]");
    assert_eq!(waits(&report, "Slow"), seconds(&[1.0, 2.0, 1.0]));
}

#[test]
fn jitter_stays_below_the_maximum_and_the_seed_decides_it() {
    let registry = registry();
    let flow = |jitter| {
        format!(
            "P[retry_policy = {{max_attempts: 40, backoff_factor: 1, max_backoff: 5, jitter: {jitter}}}]"
        )
    };
    let draw = |jitter, seed| {
        let engine = TestEngine::new().seed(seed).build().unwrap();
        waits(&run_on(&engine, &registry, &flow(jitter)), "P")
    };
    let plain = draw("none", 1);
    for (jitter, least) in [("full", 0.0), ("equal", 0.5)] {
        let drawn = draw(jitter, 1);
        assert_eq!(drawn, draw(jitter, 1));
        assert_ne!(drawn, draw(jitter, 2));
        assert_ne!(drawn, plain);
        for (wait, most) in drawn.iter().zip(&plain) {
            assert!(
                *wait <= *most && wait.as_secs_f64() >= most.as_secs_f64() * least - 1e-9,
                "{jitter}: {wait:?} of {most:?}"
            );
        }
    }
}

#[test]
fn a_wait_does_not_occupy_a_worker() {
    let mut registry = registry();
    let log = Log::default();
    for (name, fails) in [("A", 2), ("B", 0)] {
        let log = log.clone();
        registry.event(name, move |ctx: &Context| {
            log.add(format!("{name}{} at {:?}", ctx.attempt(), ctx.now()));
            if ctx.attempt() <= fails { Err(Broke) } else { Ok(()) }
        });
    }
    let flow = "{A[retry_policy = {backoff_factor: 3600, max_backoff: 86400}] || B -> B -> B}";
    let flow =
        format!("{flow}[executor = ThreadPoolExecutor, executor_config = {{max_workers: 1}}]")
            .replace("B -> B -> B", "{B -> B -> B}");
    assert!(run(&registry, &flow).is_success());
    let lines = log.lines();
    let later = lines.iter().position(|line| line.starts_with("A2")).unwrap();
    assert_eq!(
        lines[..later].iter().filter(|line| line.starts_with("B1 at 0ns")).count(),
        3,
        "{lines:?}"
    );
    assert_eq!(lines[later..], ["A2 at 3600s", "A3 at 10800s"]);
}

#[test]
fn a_wait_does_not_occupy_the_driving_thread_either() {
    let mut registry = registry();
    let log = Log::default();
    for (name, fails) in [("A", 1), ("B", 0)] {
        let log = log.clone();
        registry
            .event(name, move |ctx: &Context| {
                log.add(format!("{name}{}", ctx.attempt()));
                if ctx.attempt() <= fails { Err(Broke) } else { Ok(()) }
            })
            .executor::<DefaultExecutor>();
    }
    run(&registry, "A * 2 || {B -> B}");
    assert_eq!(log.lines(), ["A1", "B1", "B1", "A2"]);
}

#[test]
fn a_wait_on_the_real_clock_is_waited_and_no_longer() {
    let report = run_on(
        &Engine::new(),
        &registry(),
        "P[retry_policy = {max_attempts: 3, backoff_factor: 0.01}] || P",
    );
    assert!(report.elapsed() >= Duration::from_millis(30), "{report}");
    assert!(report.elapsed() < Duration::from_secs(10), "{report}");
}

#[test]
fn a_run_that_waits_wakes_when_the_clock_jumps_past_the_wait() {
    let engine = TestEngine::new();
    let clock = engine.clock();
    let engine = engine.build().unwrap();
    let mut registry = registry();
    let (again, came) = mpsc::channel();
    let (waits, waiting) = mpsc::channel();
    let came = std::sync::Mutex::new(came);
    registry.event("Again", move |ctx: &Context| {
        if ctx.attempt() == 1 {
            return Err(Broke);
        }
        again.send(()).map_err(|_| Broke)
    });
    // Holds the run busy, so that its clock does not jump by itself.
    registry.event("Busy", move |_: &Context| {
        waits.send(()).unwrap();
        came.lock().unwrap().recv_timeout(PATIENCE / 2).map_err(|_| Broke)
    });
    let plan =
        plan(&registry, "Again[retry_policy = {max_attempts: 2, backoff_factor: 60}] || Busy");
    let run = std::thread::spawn(move || engine.run_plan(&plan, Inputs::new()).unwrap());
    waiting.recv_timeout(PATIENCE).unwrap();
    let until = std::time::Instant::now() + PATIENCE;
    while !run.is_finished() && std::time::Instant::now() < until {
        clock.advance(Duration::from_secs(61));
        std::thread::yield_now();
    }
    let report = run.join().unwrap();
    assert!(report.is_success(), "{report}");
}

#[test]
fn numbers_that_make_no_sense_are_refused_and_never_a_hot_loop() {
    for bad in [f64::NAN, -1.0, f64::INFINITY, 1e300] {
        assert!(RetryPolicy::builder().backoff_factor(bad).build().is_err(), "{bad}");
        assert!(RetryPolicy::builder().max_backoff(bad).build().is_err(), "{bad}");
    }
    assert!(
        RetryPolicy::builder()
            .max_attempts(0)
            .build()
            .unwrap_err()
            .to_string()
            .contains("counts the first try")
    );
    let mut registry = registry();
    registry
        .event("Bad", |_: &Context| Outcome::success(()))
        .retry_policy(RetryPolicy::builder().max_attempts(0).build());
    assert!(refusal(&registry, "Bad").contains("`max_attempts` is 0"));
    for policy in [
        "max_attempts: 0",
        "backoff_factor: -1",
        "max_backoff: 1e300",
        "max_attempt: 3",
        "jitter: some",
    ] {
        try_plan(&registry, &format!("P[retry_policy = {{{policy}}}]")).expect_err(policy);
    }
}

#[test]
fn a_schedule_shows_the_waits_and_the_worst_case() {
    let policy = RetryPolicy::builder()
        .max_attempts(6)
        .backoff_factor(1.0)
        .max_backoff(5.0)
        .build()
        .unwrap();
    assert_eq!(policy.schedule().waits().collect::<Vec<_>>(), seconds(&[1.0, 2.0, 4.0, 5.0, 5.0]));
    assert_eq!(policy.schedule().total(), Duration::from_secs(17));
}
