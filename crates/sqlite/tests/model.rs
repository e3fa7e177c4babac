//! The store against the one in memory: after whatever was committed, removed, asked for and
//! reopened, both give the same answers. If they did not, a test with the store in memory would
//! prove nothing about a run on disk.

#![allow(clippy::unwrap_used, reason = "a test says what it expects")]

mod support;

use std::sync::Arc;

use nexus_core::Status;
use nexus_core::journal::{
    Change, FlowRecord, FlowStep, MemoryStore, Record, RecordKind, Request, RunQuery, RunStart,
    RunState, Store, StoreError, Timestamp,
};
use nexus_sqlite::SqliteStore;
use proptest::prelude::*;
use support::{Folder, taken};

#[derive(Debug, Clone)]
enum Step {
    /// Changes that fit, made of numbers.
    Commit(Vec<[u8; 4]>),
    /// The same, and then one that does not fit.
    Refused(Vec<[u8; 4]>, u8),
    Remove(Vec<u8>),
    Request(u8),
    TakeRequests,
    Reopen,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let change = any::<[u8; 4]>();
    let changes = || prop::collection::vec(change, 0..12);
    let step = prop_oneof![
        8 => changes().prop_map(Step::Commit),
        1 => (changes(), any::<u8>()).prop_map(|(changes, what)| Step::Refused(changes, what)),
        1 => prop::collection::vec(any::<u8>(), 0..4).prop_map(Step::Remove),
        1 => any::<u8>().prop_map(Step::Request),
        1 => Just(Step::TakeRequests),
        1 => Just(Step::Reopen),
    ];
    prop::collection::vec(step, 1..24)
}

const KEYS: u8 = 7;

fn key(n: u8) -> Arc<str> {
    Arc::from(
        ["a", "b", "order-1", "order-2", "", "ß \u{1f980}", "it's\nlong"][usize::from(n % KEYS)],
    )
}

fn flow(n: u8) -> Arc<FlowRecord> {
    let steps = (0..n % 3).map(|step| FlowStep {
        path: format!("a/{step}"),
        event: String::from("a"),
        version: u32::from(n) * 10_000_000,
        output: format!("Receipt{n}"),
    });
    Arc::new(FlowRecord { script: format!("a{}", n % 4), steps: steps.collect() })
}

/// A change that fits what the model and the changes before it have.
fn change(model: &MemoryStore, before: &[Change], [what, who, a, b]: [u8; 4]) -> Change {
    let key = key(who);
    let begun = before.iter().any(|change| matches!(change, Change::Start(s) if s.key == key));
    if !begun && model.run(&key).unwrap().is_none() {
        let at =
            Timestamp([0, 5, 1_000_000, u64::from(a), i64::MAX.unsigned_abs()][usize::from(b % 5)]);
        let inputs = format!("{{\"a\":{a}}}");
        let mut start = RunStart::new(key, format!("P{}", b % 2), flow(a), inputs, at);
        start.deadline = (a % 3 == 0).then_some(Timestamp(u64::from(b)));
        start.parent = (b % 3 == 0).then(|| Arc::from("parent"));
        return Change::Start(start);
    }
    let last = {
        let is_record = |change: &&Change| {
            *change.key() == key && matches!(change, Change::Record { .. } | Change::Revise { .. })
        };
        let last = model.run(&key).unwrap().map_or(0, |run| run.records);
        last + before.iter().filter(is_record).count() as u64
    };
    match what % 9 {
        8 => {
            let (kind, flow) = match a % 2 {
                0 => (RecordKind::Adopted, flow(b)),
                _ => (RecordKind::Restarted, flow(a)),
            };
            let body = format!("{{\"flow\":\"{:032x}\"}}", flow.digest());
            let at = Timestamp(u64::from(a) * 1_000);
            let record =
                Record { seq: last + 1, at, kind, step: None, attempt: 0, item: None, body };
            Change::Revise { key, record, flow }
        }
        0 => Change::End { key, at: Timestamp(u64::from(a)), status: status(b) },
        1 => Change::Decision { key, reason: (a % 2 == 0).then(|| format!("because {b}")) },
        _ => {
            let record = Record {
                seq: last + 1,
                at: Timestamp(u64::from(a) * 1_000),
                kind: RecordKind::ALL[usize::from(b) % RecordKind::ALL.len()],
                step: (a % 4 != 0).then_some(u32::from(a)),
                attempt: if b == 255 { u32::MAX } else { u32::from(b) },
                item: (b % 2 == 0).then_some(u64::from(a) << 40),
                body: "\u{0}{\"x\":\"ü\"}".repeat(usize::from(a % 5) * 30),
            };
            Change::Record { key, record }
        }
    }
}

fn status(n: u8) -> Status {
    const ALL: [Status; 5] =
        [Status::Succeeded, Status::Failed, Status::Stopped, Status::Cancelled, Status::TimedOut];
    ALL[usize::from(n) % ALL.len()]
}

fn changes(model: &MemoryStore, numbers: &[[u8; 4]]) -> Vec<Change> {
    let mut changes = Vec::new();
    for numbers in numbers {
        changes.push(change(model, &changes, *numbers));
    }
    changes
}

fn misfit(model: &MemoryStore, n: u8) -> Change {
    match model.runs(&RunQuery::all()).unwrap().first() {
        Some(run) if n.is_multiple_of(2) => Change::Start(run.start.clone()),
        _ => Change::Decision { key: "nobody".into(), reason: None },
    }
}

/// Lists and counts of all kinds.
fn assert_same_lists(store: &SqliteStore, model: &MemoryStore) {
    let all = model.runs(&RunQuery::all()).unwrap();
    let queries = [
        RunQuery::all(),
        RunQuery::all().pipeline("P1").limit(2),
        RunQuery { until: Some(Timestamp(7)), ..RunQuery::all() }.limit(1),
        RunQuery { since: Some(Timestamp(6)), ..RunQuery::all() },
        RunQuery { ended_before: Some(Timestamp(100)), ..RunQuery::all() },
        RunQuery { key_prefix: Some("order-".into()), ..RunQuery::all() },
        RunQuery { key_prefix: Some("ß \u{1f980}".into()), ..RunQuery::all() },
        RunQuery { key_prefix: Some(String::new()), ..RunQuery::all() },
        RunQuery::all().parent("parent"),
        RunQuery::all().parent("nobody"),
    ];
    let (failed, stopped) = (RunState::Ended(Status::Failed), RunState::Ended(Status::Stopped));
    let states: [&[RunState]; 7] = [
        &[],
        &[RunState::Unfinished],
        &[RunState::NeedsDecision],
        &[failed],
        &[RunState::NeedsDecision, stopped, failed],
        &[RunState::NeedsDecision, RunState::Unfinished],
        &[RunState::Damaged, failed],
    ];
    for query in queries {
        for states in states {
            let query = RunQuery { states: states.to_vec(), ..query.clone() };
            let listed = model.runs(&query).unwrap();
            assert_eq!(store.runs(&query).unwrap(), listed, "{query:?}");
            assert_eq!(store.counts(&query).unwrap(), model.counts(&query).unwrap(), "{query:?}");
        }
    }
    // Page by page it is the same list.
    let (mut paged, mut page) = (Vec::new(), RunQuery::all().limit(2));
    while let Some(last) = {
        let found = store.runs(&page).unwrap();
        paged.extend(found.iter().cloned());
        found.last().cloned()
    } {
        page = page.after(last.cursor());
    }
    assert_eq!(paged, all);
    assert_eq!(store.counts(&RunQuery::all()).unwrap().total(), all.len() as u64);
}

fn assert_same(store: &SqliteStore, model: &MemoryStore) {
    assert_eq!(store.runs(&RunQuery::all()).unwrap(), model.runs(&RunQuery::all()).unwrap());
    for n in 0..KEYS {
        let key = key(n);
        let run = model.run(&key).unwrap();
        assert_eq!(store.run(&key).unwrap(), run);
        if run.is_none() {
            assert!(matches!(store.records(&key, 0, 1), Err(StoreError::Refused(_))));
            continue;
        }
        for (after, most) in
            [(0, usize::MAX), (0, 0), (0, 3), (2, 2), (5, 1), (1_000, 7), (u64::MAX, 1)]
        {
            let expected = model.records(&key, after, most).unwrap();
            assert_eq!(store.records(&key, after, most).unwrap(), expected, "{after} {most}");
        }
    }
}

fn is_refused<T>(answer: &Result<T, StoreError>) -> bool {
    matches!(answer, Err(StoreError::Refused(_)))
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 64,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn the_store_answers_as_the_one_in_memory(steps in steps()) {
        let folder = Folder::fast();
        let path = folder.file("runs.db");
        let model = MemoryStore::new();
        let mut store = SqliteStore::open(&path).unwrap();
        for step in steps {
            match step {
                Step::Commit(numbers) => {
                    let changes = changes(&model, &numbers);
                    store.commit(&changes).unwrap();
                    model.commit(&changes).unwrap();
                }
                Step::Refused(numbers, what) => {
                    let mut changes = changes(&model, &numbers);
                    changes.push(misfit(&model, what));
                    prop_assert!(is_refused(&store.commit(&changes)));
                    prop_assert!(is_refused(&model.commit(&changes)));
                }
                Step::Remove(keys) => {
                    let keys: Vec<_> = keys.into_iter().map(key).collect();
                    let (ours, theirs) = (store.remove(&keys), model.remove(&keys));
                    prop_assert_eq!(is_refused(&ours), is_refused(&theirs));
                    prop_assert_eq!(ours.ok(), theirs.ok());
                }
                Step::Request(n) => {
                    let key = key(n);
                    let request = match n % 4 {
                        0 => Request::Cancel { key },
                        1 => Request::Adopt { key },
                        2 => Request::Restart { key },
                        _ => Request::Abandon { key },
                    };
                    store.request(&request).unwrap();
                    model.request(&request).unwrap();
                }
                Step::TakeRequests => {
                    prop_assert_eq!(taken(&store), taken(&model));
                }
                Step::Reopen => {
                    drop(store);
                    store = SqliteStore::open(&path).unwrap();
                }
            }
            assert_same(&store, &model);
        }
        assert_same_lists(&store, &model);
    }
}
