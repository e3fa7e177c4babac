//! The same flows as recorded runs on real threads (D2, D5), which the simulator does not have: what
//! the design says holds, and holds again when the process dies at any record, any number of times.

use std::collections::BTreeSet;

use nexus_core::journal::{Change, MemoryStore, RecordKind, Store};

use super::*;

/// A case on an engine that keeps its runs in a store.
fn recorded(
    script: &str,
    reference: &Reference<'_>,
    plays: &[Play],
    place: Where,
    store: &Arc<MemoryStore>,
) -> Case {
    let mut case = Case::new(script, reference, plays, place);
    case.engine = TestEngine::new().store(Arc::clone(store)).build().unwrap();
    case
}

/// Runs the flow under the key `k`, or goes on with it; a run that hangs fails.
fn run(case: &Case) -> Report {
    let (engine, plan) = (case.engine.clone(), Arc::clone(&case.plan));
    let (send, receive) = mpsc::channel();
    std::thread::spawn(move || {
        send.send(engine.prepare_plan(&plan, Inputs::new()).unwrap().key("k").run().unwrap())
    });
    receive.recv_timeout(Duration::from_mins(1)).expect("the run ends")
}

/// What is left of a run when the process dies, with `share` of 256 of its records safe.
fn left(store: &MemoryStore, share: u8) -> (Arc<MemoryStore>, BTreeSet<(u32, u32)>) {
    let records = store.records("k", 0, usize::MAX).unwrap();
    let safe = (records.len() + 1) * usize::from(share) / 256;
    let start = store.run("k").unwrap().unwrap().start;
    let key = Arc::clone(&start.key);
    let kept = records.into_iter().take(safe);
    let mut ended = BTreeSet::new();
    let mut changes = vec![Change::Start(start)];
    for record in kept {
        if let (RecordKind::Completed, Some(step)) = (record.kind, record.step) {
            ended.insert((step, record.attempt));
        }
        changes.push(Change::Record { key: Arc::clone(&key), record });
    }
    let left = MemoryStore::new();
    left.commit(&changes).unwrap();
    (Arc::new(left), ended)
}

fn check_recorded(script: &str, plays: &[Play], place: Where, deaths: &[u8]) -> TestCaseResult {
    let flow = nexus_pointy::parse(script).into_result().unwrap();
    let reference = Reference::of(&flow, plays, own);
    let mut store = Arc::new(MemoryStore::new());
    let case = recorded(script, &reference, plays, place, &store);
    let whole = run(&case);
    compare(&reference, &case, &whole)?;
    for share in deaths {
        let (left, ended) = left(&store, *share);
        let case = recorded(script, &reference, plays, place, &left);
        let report = run(&case);
        for attempt in &*case.stage.attempts.lock().unwrap() {
            let invoked = (attempt.step as u32, attempt.number);
            prop_assert!(!ended.contains(&invoked), "{:?} was invoked again", invoked);
        }
        if !reference.undetermined {
            compare_end(&reference, &report)?;
            compare_steps(&reference, &report)?;
        }
        store = left;
    }
    Ok(())
}

fn check(script: &str, plays: &[Play], place: Where, deaths: &[u8]) -> TestCaseResult {
    check_recorded(script, plays, place, deaths)
        .map_err(|error| TestCaseError::fail(format!("{error}\n{script}\n{deaths:?}")))
}

proptest! {
    #![proptest_config(config(200))]

    #[test]
    fn a_recorded_flow_on_pools_survives_any_deaths(
        script in script(),
        plays in vec(play(), 1..24),
        workers in 1..4_usize,
        deaths in vec(any::<u8>(), 1..4),
    ) {
        check(&script, &plays, Where::Pools(workers), &deaths)?;
    }
}
