//! R5: `A || B` really is parallel, and `DefaultExecutor` really is the driving thread.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::thread::ThreadId;

use super::support::*;

/// Events that succeed only if all of them are in their bodies at the same time: `A`, `B` without
/// executor, `T` and `U` on pools of their own, `D` on the driving thread.
fn meeting(members: usize) -> Registry {
    let mut registry = registry();
    let meeting = Meeting::of(members);
    for name in ["A", "B", "T", "U", "D"] {
        let meeting = meeting.clone();
        let event = registry.event(name, move |_: &Context| {
            if meeting.attend() {
                Outcome::success(())
            } else {
                Outcome::failure("the others did not come")
            }
        });
        let config = ExecutorInitializerConfig::new().max_workers(1).thread_name_prefix(name);
        match name {
            "T" | "U" => drop(event.executor::<ThreadPoolExecutor>().executor_config(config)),
            "D" => drop(event.executor::<DefaultExecutor>()),
            _ => {}
        }
    }
    registry
}

#[test]
fn members_are_in_their_bodies_at_the_same_time_wherever_the_group_stands() {
    for (members, flow) in [
        (2, "A || B"),
        (2, "A || A -> S"),
        (2, "S -> A || B"),
        (3, "A || B || B"),
        (2, "{A || B}"),
        (2, "A || {S -> B}"),
        (2, "{S -> A} || {S -> S -> B}"),
        (2, "S (1 -> A || B)"),
        (2, "T || U"),
        (2, "A || T"),
        (2, "A || D"),
        (2, "D || T"),
        (4, "A || T || U || D"),
        (2, "S || A || F || B"),
    ] {
        let report = run(&meeting(members), flow);
        assert!(
            report.steps().all(|step| step.sentence() != "the others did not come"),
            "{flow}:\n{report}"
        );
    }
}

#[test]
fn a_group_is_parallel_on_a_pool_with_enough_workers_and_not_with_one() {
    let flow = |workers| {
        format!(
            "{{T || T}}[executor = ThreadPoolExecutor, executor_config = {{max_workers: {workers}}}]"
        )
    };
    assert!(run(&meeting(2), &flow(2)).is_success());
    // One worker: the second member must not run before the first is done.
    let (registry, log) = logged(&["A", "B"]);
    run(&registry, "{A || B}[executor = ThreadPoolExecutor, executor_config = {max_workers: 1}]");
    assert_eq!(log.lines().len(), 4);
    assert_eq!(log.lines()[0].split(' ').next_back(), log.lines()[1].split(' ').next_back());
}

/// Events that log their begin and end.
fn logged(names: &[&'static str]) -> (Registry, Log) {
    let (mut registry, log) = (registry(), Log::default());
    for &name in names {
        let log = log.clone();
        registry.event(name, move |_: &Context| {
            log.add(format!("begin {name}"));
            log.add(format!("end {name}"));
            Outcome::success(())
        });
    }
    (registry, log)
}

#[test]
fn default_executor_members_run_one_after_the_other_on_the_driving_thread() {
    let (mut registry, log) = logged(&["A"]);
    let (send, receive) = mpsc::channel();
    for name in ["D", "E"] {
        let (send, log) = (send.clone(), log.clone());
        registry
            .event(name, move |_: &Context| {
                log.add(format!("begin {name}"));
                send.send(std::thread::current().id()).unwrap();
                log.add(format!("end {name}"));
                Outcome::success(())
            })
            .executor::<DefaultExecutor>();
    }
    let plan = plan(&registry, "S -> D || E -> D");
    let engine = TestEngine::new().build().unwrap();
    let driver = within(move || {
        assert!(engine.run_plan(&plan, Inputs::new()).unwrap().is_success());
        std::thread::current().id()
    });
    let threads: Vec<ThreadId> = receive.try_iter().collect();
    assert_eq!(threads, [driver; 3]);
    assert_eq!(log.lines(), ["begin D", "end D", "begin E", "end E", "begin D", "end D"]);
}

#[test]
fn a_step_alone_without_executor_runs_on_the_driving_thread_and_a_member_does_not() {
    let mut registry = registry();
    registry.event("WHERE", |_: &Context| Outcome::success(std::thread::current().id()));
    let plan = plan(&registry, "WHERE -> {WHERE || WHERE} -> WHERE");
    let engine = TestEngine::new().build().unwrap();
    let (driver, threads) = within(move || {
        let report = engine.run_plan(&plan, Inputs::new()).unwrap();
        let threads: Vec<ThreadId> = report.steps().map(|step| *step.value().unwrap()).collect();
        (std::thread::current().id(), threads)
    });
    assert_eq!(threads[0], driver);
    assert_eq!(threads[3], driver);
    assert!(threads[1] != driver && threads[2] != driver);
}

#[test]
fn values_are_in_script_order_even_if_the_last_member_is_first_to_end() {
    let mut registry = registry();
    let (send, receive) = mpsc::channel();
    let receive = Mutex::new(receive);
    registry.event("Slow", move |_: &Context| {
        receive.lock().unwrap().recv_timeout(PATIENCE).unwrap();
        Outcome::success("slow")
    });
    registry.event("Quick", move |_: &Context| {
        send.send(()).unwrap();
        Outcome::success("quick")
    });
    registry.event("JOIN", |ctx: &Context| {
        let seen = ctx.previous().iter().map(|seen| *seen.value::<&str>().unwrap());
        Outcome::success(seen.collect::<Vec<_>>().join(" "))
    });
    assert_eq!(run(&registry, "Slow || Quick |-> JOIN").output::<String>().unwrap(), "slow quick");
}

#[test]
fn a_group_is_done_only_when_the_last_retry_is() {
    let mut registry = registry();
    let log = Log::default();
    let (a, b) = (log.clone(), log.clone());
    registry.event("A", move |ctx: &Context| {
        a.add(format!("A{}", ctx.attempt()));
        if ctx.attempt() < 3 { Err(Broke) } else { Ok(()) }
    });
    registry.event("B", move |_: &Context| {
        b.add("B");
        Outcome::success(())
    });
    run(&registry, "{A * 3 || S} -> B");
    assert_eq!(log.lines(), ["A1", "A2", "A3", "B"]);
}

#[test]
fn a_bypass_check_beside_a_body_on_the_driving_thread_does_not_wait_for_it() {
    for flow in ["There || Here", "Here || There"] {
        let mut registry = registry();
        let met = Meeting::of(2);
        let other = met.clone();
        registry
            .event("Here", move |_: &Context| met.attend().then_some(()).ok_or(Broke))
            .executor::<DefaultExecutor>();
        registry
            .event("There", move |_: &Context| other.attend().then_some(()).ok_or(Broke))
            .bypass(|_| Bypass::<()>::no());
        let report = run(&registry, flow);
        assert!(report.is_success(), "{report}");
    }
}

#[test]
fn a_retry_beside_a_body_on_the_driving_thread_does_not_wait_for_it() {
    let (send, receive) = mpsc::channel();
    let receive = Mutex::new(receive);
    let mut registry = registry();
    registry.event("Again", move |ctx: &Context| {
        if ctx.attempt() == 1 {
            return Err(Broke);
        }
        send.send(()).map_err(|_| Broke)
    });
    registry
        .event("Here", move |_: &Context| {
            receive.lock().unwrap().recv_timeout(PATIENCE / 4).map_err(|_| Broke)
        })
        .executor::<DefaultExecutor>();
    let flow = "Again[retry_policy = {max_attempts: 2, backoff_factor: 0.001}] || Here";
    let report = run_on(&Engine::new(), &registry, flow);
    assert!(report.is_success(), "{report}");
}

/// How a run is driven.
#[derive(Clone, Copy)]
enum Driver {
    Thread,
    Future,
}

impl Driver {
    fn run(self, engine: &Engine, plan: &Arc<Plan>) -> Report {
        match self {
            Self::Thread => engine.run_plan(plan, Inputs::new()),
            Self::Future => block_on(engine.prepare_plan(plan, Inputs::new()).unwrap().run_async()),
        }
        .unwrap()
    }
}

/// Runs `flow`, in which `A` has a pool of two, again and again with bodies that end at once, so
/// that workers take several of their tasks together; then once with bodies that do what `last`
/// does.
fn after_short_ones(
    driver: Driver,
    flow: &str,
    last: impl Fn(&str) -> bool + Send + Sync + 'static,
) -> Report {
    let mut registry = registry();
    let (last, is_last) = (Arc::new(last), Arc::new(AtomicBool::new(false)));
    for name in ["A", "B"] {
        let (last, is_last) = (Arc::clone(&last), Arc::clone(&is_last));
        let event = registry.event(name, move |ctx: &Context| {
            let came = !is_last.load(Ordering::SeqCst) || last(&ctx.step_path());
            if came { Outcome::success(()) } else { Outcome::failure("it did not come") }
        });
        if name == "A" {
            let config = ExecutorInitializerConfig::new().max_workers(2);
            event.executor::<ThreadPoolExecutor>().executor_config(config);
        }
    }
    let (engine, plan) = (Engine::new(), plan(&registry, flow));
    within(move || {
        for _ in 0..20 {
            assert!(driver.run(&engine, &plan).is_success());
        }
        is_last.store(true, Ordering::SeqCst);
        driver.run(&engine, &plan)
    })
}

#[test]
fn tasks_that_a_worker_took_together_can_wait_for_each_other() {
    for driver in [Driver::Thread, Driver::Future] {
        // Each waits for another one, in pairs, whichever worker took them.
        let meeting = Mutex::new((0, Meeting::of(2)));
        let report = after_short_ones(driver, &vec!["A"; 16].join(" || "), move |_| {
            let meeting = {
                let mut open = meeting.lock().unwrap();
                open.0 += 1;
                let this = open.1.clone();
                if open.0 % 2 == 0 {
                    open.1 = Meeting::of(2);
                }
                this
            };
            meeting.attend()
        });
        assert!(report.is_success(), "{report}");
    }
}

#[test]
fn what_ended_is_not_kept_back_by_a_slow_task_that_was_taken_with_it() {
    for driver in [Driver::Thread, Driver::Future] {
        // `B` follows the first `A`; every later `A` waits for it.
        let meeting = Meeting::of(1);
        let flow = format!("{{A -> B}} || {}", vec!["A"; 16].join(" || "));
        let (came, waits) = (meeting.clone(), meeting);
        let report = after_short_ones(driver, &flow, move |path| match path {
            "A" => true,
            "B" => came.attend(),
            _ => waits.wait(),
        });
        assert!(report.is_success(), "{report}");
    }
}

#[test]
fn the_last_member_of_a_group_is_not_kept_back_by_what_its_worker_takes_next() {
    for driver in [Driver::Thread, Driver::Future] {
        // `B` follows the first four; the last two wait for it.
        let meeting = Meeting::of(1);
        let (came, waits) = (meeting.clone(), meeting);
        let report =
            after_short_ones(
                driver,
                "{{A || A || A || A} -> B} || A || A",
                move |path| match path {
                    "B" => came.attend(),
                    "A[5]" | "A[6]" => waits.wait(),
                    _ => true,
                },
            );
        assert!(report.is_success(), "{report}");
    }
}
