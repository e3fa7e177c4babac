//! A loss of power in the middle of a run: wherever it comes, the run goes on from what is on the
//! disk, invokes nothing again that is recorded, and ends as it would have ended.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use nexus_core::journal::{
    Change, Record, RecordKind, Request, RunCounts, RunQuery, RunState, Store, StoreError,
    StoredRun,
};
use nexus_core::testing::TestEngine;
use nexus_core::{
    Context, DefaultExecutor, Engine, Fields, Flow, Inputs, Outcome, Plan, Registry, RetryPolicy,
    Status,
};
use nexus_sqlite::SqliteStore;
use rusqlite::Connection;

use crate::power::{Disk, Numbers, torn};
use crate::support::Folder;

/// So many cuts are made of each change of a file; `ci/kill.sh` makes five times as many.
const CUTS: usize = 6;

/// An attempt: the step's path, the item, and which attempt.
type Attempt = (String, Option<u64>, u32);

/// The attempts that were made.
type Invoked = Arc<Mutex<Vec<Attempt>>>;

/// A store that copies its files before the first commit and after each, and after checkpoints that
/// it has made now and then.
#[derive(Debug)]
struct Copying {
    inner: SqliteStore,
    copies: Arc<Mutex<Copies>>,
}

#[derive(Debug, Default)]
struct Copies {
    /// The files, and how many records had been confirmed by then.
    disks: Vec<(Disk, usize)>,
    commits: usize,
}

impl Store for Copying {
    fn commit(&self, changes: &[Change]) -> Result<(), StoreError> {
        let mut copies = self.copies.lock().unwrap();
        let path = self.inner.path();
        if copies.disks.is_empty() {
            copies.disks.push((Disk::read(path), 0));
        }
        self.inner.commit(changes)?;
        let is_record = |change: &&Change| matches!(change, Change::Record { .. });
        let before = copies.disks.last().map_or(0, |(_, records)| *records);
        let records = before + changes.iter().filter(is_record).count();
        copies.disks.push((Disk::read(path), records));
        copies.commits += 1;
        if copies.commits.is_multiple_of(12) {
            let beside = Connection::open(path).unwrap();
            beside.query_row("pragma wal_checkpoint(passive)", [], |_| Ok(())).unwrap();
            copies.disks.push((Disk::read(path), records));
        }
        Ok(())
    }
    fn run(&self, key: &str) -> Result<Option<StoredRun>, StoreError> {
        self.inner.run(key)
    }
    fn records(&self, key: &str, after: u64, most: usize) -> Result<Vec<Record>, StoreError> {
        self.inner.records(key, after, most)
    }
    fn runs(&self, query: &RunQuery) -> Result<Vec<StoredRun>, StoreError> {
        self.inner.runs(query)
    }
    fn request(&self, request: &Request) -> Result<(), StoreError> {
        self.inner.request(request)
    }
    fn counts(&self, query: &RunQuery) -> Result<RunCounts, StoreError> {
        self.inner.counts(query)
    }
    fn requests(&self) -> Result<Vec<(u64, Request)>, StoreError> {
        self.inner.requests()
    }
    fn remove_request(&self, number: u64) -> Result<(), StoreError> {
        self.inner.remove_request(number)
    }
    fn remove(&self, keys: &[Arc<str>]) -> Result<usize, StoreError> {
        self.inner.remove(keys)
    }
}

/// A chain, items, a group and retries.
fn plan(invoked: &Invoked) -> Arc<Plan> {
    let mut registry = Registry::new();
    let note = |invoked: &Invoked| {
        let invoked = Arc::clone(invoked);
        move |ctx: &Context| {
            let attempt = (ctx.step_path(), ctx.item(), ctx.attempt());
            invoked.lock().unwrap().push(attempt);
        }
    };
    let noted = note(invoked);
    registry
        .event("list", move |ctx: &Context| {
            noted(ctx);
            Outcome::success((1..=20).collect::<Vec<u64>>())
        })
        .output_json();
    let noted = note(invoked);
    registry
        .event("double", move |ctx: &Context| {
            noted(ctx);
            Outcome::success(ctx.previous()[0].value::<u64>().map_or(0, |number| number * 2))
        })
        .each_of::<u64>()
        .executor::<DefaultExecutor>()
        .output_json();
    let noted = note(invoked);
    registry
        .event("sum", move |ctx: &Context| {
            noted(ctx);
            let numbers = ctx.previous()[0].value::<Vec<u64>>();
            Outcome::success(numbers.map_or(0, |numbers| numbers.iter().sum::<u64>()))
        })
        .output_json();
    let noted = note(invoked);
    registry
        .event("busy", move |ctx: &Context| {
            noted(ctx);
            if ctx.attempt() < 4 {
                return Err(std::io::Error::other("busy"));
            }
            Ok(ctx.previous()[0].value::<u64>().copied().unwrap_or_default())
        })
        .retry_policy(RetryPolicy::builder().max_attempts(4).backoff_factor(60.0).build())
        .output_json();
    let noted = note(invoked);
    registry
        .event("mail", move |ctx: &Context| {
            noted(ctx);
            Outcome::success(ctx.previous()[0].value::<u64>().copied().unwrap_or_default())
        })
        .output_json();
    let noted = note(invoked);
    registry
        .event("total", move |ctx: &Context| {
            noted(ctx);
            let numbers = ctx.previous().iter().filter_map(|mail| mail.value::<u64>());
            Outcome::success(numbers.sum::<u64>())
        })
        .output_json();
    let flow = Flow::parse(
        "list |-> double[each, max_concurrency = 1] |-> sum |-> busy |-> mail || mail || mail |-> total",
    );
    flow.unwrap().plan(&registry, &Fields::new()).unwrap()
}

fn engine(store: impl Store) -> Engine {
    TestEngine::new().store(store).build().unwrap()
}

/// Goes on with what is on the disk, to the end. Gives how many records were there.
fn goes_on(disk: &Disk, folder: &Folder, cut: usize) -> usize {
    let path = folder.file(&format!("{cut}.db"));
    disk.write(&path);
    let store = SqliteStore::open(&path).unwrap();
    let stored = store.run("k").unwrap();
    let records = stored.as_ref().map_or_else(Vec::new, |_| store.records("k", 0, 1_000).unwrap());
    let ends = records.iter().filter(|record| record.kind == RecordKind::Completed);
    let recorded: BTreeSet<Attempt> = ends
        .map(|end| {
            let step = end.step.unwrap() as usize;
            let path = stored.as_ref().unwrap().start.flow.steps[step].path.clone();
            (path, end.item, end.attempt)
        })
        .collect();
    let invoked = Invoked::default();
    let plan = plan(&invoked);
    let engine = engine(store);
    let report = engine.prepare_plan(&plan, Inputs::new()).unwrap().key("k").run().unwrap();
    assert!(report.is_success(), "{report}");
    assert_eq!(report.output::<u64>().unwrap(), &(3 * 420));
    for attempt in invoked.lock().unwrap().iter() {
        assert!(!recorded.contains(attempt), "{attempt:?} is recorded and was made again");
    }
    let runs = engine.runs(&RunQuery::all()).unwrap();
    assert_eq!(runs.len(), 1);
    assert_eq!(runs[0].state, RunState::Ended(Status::Succeeded));
    drop(engine);
    for suffix in ["", "-wal", "-shm", "-owner"] {
        let _ = std::fs::remove_file(folder.file(&format!("{cut}.db{suffix}")));
    }
    records.len()
}

#[test]
fn a_run_goes_on_from_wherever_the_power_was_cut() {
    let folder = Folder::fast();
    let store = SqliteStore::open(folder.file("whole.db")).unwrap();
    let copies = Arc::new(Mutex::new(Copies::default()));
    let whole = engine(Copying { inner: store, copies: Arc::clone(&copies) });
    let plan = plan(&Invoked::default());
    whole.prepare_plan(&plan, Inputs::new()).unwrap().key("k").run().unwrap();
    let disks = std::mem::take(&mut copies.lock().unwrap().disks);
    let per_change = std::env::var("NEXUS_POWER_CUTS").map_or(CUTS, |cuts| cuts.parse().unwrap());
    let mut numbers = Numbers(0x9e37_79b9_7f4a_7c15);
    let (mut cuts, mut torn_off, mut checkpoints) = (0, 0, 0);
    for pair in disks.windows(2) {
        let ((before, confirmed), (after, next)) = (&pair[0], &pair[1]);
        for _ in 0..per_change {
            let disk = if before.log == after.log {
                checkpoints += 1;
                let database = torn(&before.database, &after.database, &mut numbers);
                Disk { database, log: after.log.clone() }
            } else {
                let log = torn(&before.log, &after.log, &mut numbers);
                Disk { database: before.database.clone(), log }
            };
            let found = goes_on(&disk, &folder, cuts);
            assert!(found == *confirmed || found == *next, "{found} of {confirmed} records");
            torn_off += usize::from(found < *next);
            cuts += 1;
        }
    }
    assert!(
        cuts >= 30 * per_change && torn_off >= 3 * per_change && checkpoints >= 1,
        "{cuts} {torn_off} {checkpoints}"
    );
    println!("{cuts} cuts, of which {torn_off} had lost a record");
}
