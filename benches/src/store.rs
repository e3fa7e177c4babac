//! Records kept by `SqliteStore` beside rows that bare SQLite commits with the same settings: one at
//! a time, and in batches of 64, of one run and of 64 runs side by side.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use nexus::SqliteStore;
use nexus::journal::{
    Change, FlowRecord, Record, RecordKind, RunStart, Store, StoreError, Timestamp,
};
use rusqlite::{Connection, TransactionBehavior, params};

use crate::chain::fail;
use crate::measure::{Comparison, Side, nanos_each};

const BATCH: usize = 64;

/// What a step that succeeded leaves.
const BODY: &str = r#"{"outcome":{"success":{"order":"A1001","cents":1900}},"busy":41250}"#;

const AT: u64 = 1_767_323_045_000_000;

/// A folder that is removed at the end.
pub(crate) struct Folder(PathBuf);

impl Folder {
    pub(crate) fn new() -> Self {
        let folder = std::env::temp_dir().join(format!("nexus-bench-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap_or_else(|error| fail(&error));
        Self(folder)
    }

    /// The path of a file in it.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

struct Ours {
    store: SqliteStore,
    keys: Vec<Arc<str>>,
    seqs: Vec<u64>,
}

impl Ours {
    fn open(path: &Path, runs: usize) -> Self {
        let store = SqliteStore::open(path).unwrap_or_else(|error| fail(&error));
        let flow = Arc::new(FlowRecord { script: String::from("a"), steps: Vec::new() });
        let keys: Vec<Arc<str>> = (0..runs).map(|n| Arc::from(format!("order-{n}"))).collect();
        let start = |key: &Arc<str>| {
            let (key, flow) = (Arc::clone(key), Arc::clone(&flow));
            Change::Start(RunStart::new(key, "Orders", flow, String::from("{}"), Timestamp(AT)))
        };
        let starts: Vec<Change> = keys.iter().map(start).collect();
        store.commit(&starts).unwrap_or_else(|error| fail(&error));
        Self { store, keys, seqs: vec![0; runs] }
    }

    fn commit(&mut self, records: usize) -> Result<(), StoreError> {
        let runs = self.keys.len();
        let change = |n: usize| {
            let run = n % runs;
            self.seqs[run] += 1;
            let record = Record {
                seq: self.seqs[run],
                at: Timestamp(AT),
                kind: RecordKind::Completed,
                step: Some(3),
                attempt: 1,
                item: None,
                body: String::from(BODY),
            };
            Change::Record { key: Arc::clone(&self.keys[run]), record }
        };
        let changes: Vec<Change> = (0..records).map(change).collect();
        self.store.commit(&changes)
    }
}

/// The rows of the store, and nothing else: no checksum is made, no run is looked up, and nothing
/// finds them again.
pub(crate) struct Bare(Connection);

impl Bare {
    pub(crate) fn open(path: &Path) -> rusqlite::Result<Self> {
        let connection = Connection::open(path)?;
        connection.execute_batch(
            "pragma journal_mode = wal; pragma synchronous = full; pragma foreign_keys = on; \
             create table record (id integer primary key, run integer not null, \
             seq integer not null, at integer not null, kind text not null, step integer, \
             attempt integer not null, item integer, body text not null, \
             checksum integer not null) strict",
        )?;
        Ok(Self(connection))
    }

    pub(crate) fn commit(&mut self, rows: usize) -> rusqlite::Result<()> {
        let behavior = TransactionBehavior::Immediate;
        let transaction = self.0.transaction_with_behavior(behavior)?;
        {
            let mut insert = transaction.prepare_cached(
                "insert into record (run, seq, at, kind, step, attempt, item, body, checksum) \
                 values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
            )?;
            for row in 0..rows {
                let (at, checksum) = (AT.cast_signed(), 0x7654_3210_i64);
                let item = None::<i64>;
                insert.execute(params![
                    1,
                    i64::try_from(row).unwrap_or(i64::MAX),
                    at,
                    "completed",
                    3,
                    1,
                    item,
                    BODY,
                    checksum
                ])?;
            }
        }
        transaction.commit()
    }
}

/// The rows that the runs of a store leave, in its own tables with their indexes, as plain statements.
pub(crate) struct SameRows {
    connection: Connection,
    runs: i64,
    /// How many runs and records there are.
    begun: i64,
    records: i64,
}

/// How many records the first extent of a run spans, and the longest one.
const SPANS: (i64, i64) = (2_048, 8_192);

impl SameRows {
    /// So many runs side by side.
    pub(crate) fn open(path: &Path, runs: usize) -> rusqlite::Result<Self> {
        // It makes the tables.
        drop(SqliteStore::open(path).unwrap_or_else(|error| fail(&error)));
        let connection = Connection::open(path)?;
        connection.execute_batch(
            "pragma journal_mode = wal; pragma synchronous = full; pragma foreign_keys = on; \
             insert into flow (id, hash, script) values (1, 'f', 'step')",
        )?;
        let runs = i64::try_from(runs).unwrap_or(i64::MAX);
        Ok(Self { connection, runs, begun: 0, records: 0 })
    }

    /// The runs begin, bring so many records in each of so many commits, and end.
    pub(crate) fn round(&mut self, commits: usize, records: usize) -> rusqlite::Result<()> {
        let runs = self.begun + 1..=self.begun + self.runs;
        let begin = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        for run in runs.clone() {
            begin
                .prepare_cached(
                    "insert into run (id, key, pipeline, flow, inputs, started_at, \
                     start_checksum, state_checksum) values (?1, ?2, '', 1, '{}', ?3, ?4, ?4)",
                )?
                .execute(params![run, format!("run-{run}"), AT.cast_signed(), 0x7654_3210_i64])?;
        }
        begin.commit()?;
        let (mut seq, mut first, mut span) = (0, 0, 0);
        for _ in 0..commits {
            let step = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            if self.records >= first + span {
                let places = places(span, self.runs);
                span = (span * 2).clamp(SPANS.0, SPANS.1);
                first = self.records;
                for run in runs.clone() {
                    insert_extent(&step, run, seq + 1, (first + 1, span), places.as_deref())?;
                }
            }
            for _ in 0..records {
                seq += 1;
                for run in runs.clone() {
                    self.records += 1;
                    insert_record(&step, run, seq)?;
                }
            }
            step.commit()?;
        }
        let over = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        for run in runs {
            over.prepare_cached(
                "update run set status = 'succeeded', ended_at = ?2, records = ?3, \
                 state_checksum = ?4 where id = ?1",
            )?
            .execute(params![run, AT.cast_signed(), seq, 0x7654_3210_i64])?;
            if self.records - first > SPANS.0 {
                let places = places(self.records - first, self.runs);
                insert_extent(&over, run, seq + 1, (self.records, 0), places.as_deref())?;
            }
        }
        over.commit()?;
        self.begun += self.runs;
        Ok(())
    }
}

/// Where the records of one of so many runs are in so many rows, if they are few.
fn places(span: i64, runs: i64) -> Option<String> {
    let places = (0..span / runs).map(|n| (n * runs).to_string());
    let few = span > 0 && runs >= 16;
    few.then(|| format!("[{}]", places.collect::<Vec<_>>().join(",")))
}

fn insert_extent(
    connection: &Connection,
    run: i64,
    seq: i64,
    (first, span): (i64, i64),
    places: Option<&str>,
) -> rusqlite::Result<()> {
    let mut insert = connection.prepare_cached(
        "insert into extent (run, seq, first, places_before, span) values (?1, ?2, ?3, ?4, ?5)",
    )?;
    insert.execute(params![run, seq, first, places, span])?;
    Ok(())
}

fn insert_record(connection: &Connection, run: i64, seq: i64) -> rusqlite::Result<()> {
    let mut insert = connection.prepare_cached(
        "insert into record (run, seq, at, kind, step, attempt, item, body, checksum) \
         values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
    )?;
    let (at, checksum, item) = (AT.cast_signed(), 0x7654_3210_i64, None::<i64>);
    insert.execute(params![run, seq, at, "completed", 3, 1, item, BODY, checksum])?;
    Ok(())
}

fn compare(work: &'static str, commits: usize, records: usize, runs: usize) -> Comparison {
    let folder = Folder::new();
    let mut ours = Ours::open(&folder.0.join("ours.db"), runs);
    let mut bare = Bare::open(&folder.0.join("bare.db")).unwrap_or_else(|error| fail(&error));
    let mut commit = move || ours.commit(records).unwrap_or_else(|error| fail(&error));
    let mut bare = move || bare.commit(records).unwrap_or_else(|error| fail(&error));
    // A log that is written for the first time grows, which takes the file system longer; SQLite
    // begins it anew after 1,000 pages.
    (0..1_200).for_each(|_| {
        commit();
        bare();
    });
    let rows = commits * records;
    let nexus: Side<'_> =
        Box::new(move || nanos_each(rows, || (0..commits).for_each(|_| commit())));
    let sqlite: Side<'_> = Box::new(move || nanos_each(rows, || (0..commits).for_each(|_| bare())));
    Comparison::of(work, "ns/record", nexus, vec![("bare_sqlite", sqlite)])
}

pub(crate) fn one_by_one() -> Comparison {
    compare("store_one_by_one", 64, 1, 1)
}

pub(crate) fn batches() -> Comparison {
    compare("store_batches", 32, BATCH, 1)
}

pub(crate) fn batches_of_many_runs() -> Comparison {
    compare("store_batches_64_runs", 32, BATCH, BATCH)
}
