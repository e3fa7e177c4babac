//! What the disk changed is noticed, and costs the run that it belongs to, no other.

use std::fs;
use std::path::{Path, PathBuf};

use nexus_core::journal::{RunQuery, RunState, Store, StoreError};
use nexus_sqlite::SqliteStore;
use rusqlite::Connection;

use crate::support::{Folder, adopt, contents, end, record, said, start};

/// A store with the ended runs `first` and `last`, and the open run `middle`.
fn three_runs(folder: &Folder) -> PathBuf {
    let path = folder.file("orders.db");
    let store = SqliteStore::open(&path).unwrap();
    for key in ["first", "middle", "last"] {
        store.commit(&[start(key)]).unwrap();
        for seq in 1..=4 {
            store.commit(&[record(key, seq, &format!("{{\"outcome\":\"{key} {seq}\"}}"))]).unwrap();
        }
    }
    store.commit(&[end("first"), end("last")]).unwrap();
    path
}

/// Changes one bit of the file, at the only place where these bytes are.
fn flip(path: &Path, at: &str) {
    let mut bytes = fs::read(path).unwrap();
    let places: Vec<usize> =
        (0..bytes.len()).filter(|&n| bytes[n..].starts_with(at.as_bytes())).collect();
    assert_eq!(places.len(), 1, "`{at}` is there {} times", places.len());
    bytes[places[0] + at.len() / 2] ^= 0x10;
    fs::write(path, bytes).unwrap();
}

fn sql(path: &Path, sql: &str) {
    Connection::open(path).unwrap().execute_batch(sql).unwrap();
}

/// `middle` is listed as damaged for this reason, the others as they were, and it can be removed.
fn middle_is_damaged(path: &Path, reason: &str) {
    let store = SqliteStore::open(path).unwrap();
    let runs = store.runs(&RunQuery::all()).unwrap();
    let states: Vec<_> = runs.iter().map(|run| (&*run.start.key, run.state.name())).collect();
    assert_eq!(states, [("first", "succeeded"), ("last", "succeeded"), ("middle", "damaged")]);
    let said_reason = runs[2].reason.clone().unwrap();
    assert!(said_reason.contains(reason), "{said_reason}");

    assert_eq!(store.runs(&RunQuery::unfinished()).unwrap(), []);
    let damaged = RunQuery::all().state(RunState::Damaged);
    assert_eq!(store.runs(&damaged).unwrap(), [runs[2].clone()]);
    assert_eq!(store.run("middle").unwrap(), Some(runs[2].clone()));
    for key in ["first", "last"] {
        assert_eq!(store.records(key, 0, usize::MAX).unwrap().len(), 4);
    }
    assert_eq!(store.remove(&["middle".into()]).unwrap(), 1);
    assert_eq!(store.runs(&RunQuery::all()).unwrap(), runs[..2]);
}

#[test]
fn a_flipped_bit_in_a_records_body() {
    let folder = Folder::new();
    let path = three_runs(&folder);
    flip(&path, "middle 3");
    let store = SqliteStore::open(&path).unwrap();
    assert_eq!(store.records("middle", 0, 2).unwrap().len(), 2);
    let error = store.records("middle", 2, 9).unwrap_err();
    assert!(matches!(&error, StoreError::Damaged { key, .. } if &**key == "middle"));
    let said = said(&error);
    assert!(said.contains("`middle`") && said.contains("record 3: its checksum"), "{said}");
    drop(store);
    middle_is_damaged(&path, "record 3: its checksum does not fit it");
}

#[test]
fn a_flipped_bit_in_a_text_that_is_no_utf_8_any_more() {
    let folder = Folder::new();
    let path = three_runs(&folder);
    let mut bytes = fs::read(&path).unwrap();
    let at = bytes.windows(8).position(|bytes| bytes == b"middle 2").unwrap();
    bytes[at] ^= 0x80;
    fs::write(&path, bytes).unwrap();
    middle_is_damaged(&path, "record 2: its column `body`");
}

#[test]
fn records_that_are_missing() {
    for (which, reason) in [("seq = 2", "record 2 is missing"), ("seq < 4", "record 1 is missing")]
    {
        let folder = Folder::new();
        let path = three_runs(&folder);
        let run = "(select id from run where key = 'middle')";
        sql(&path, &format!("delete from record where {which} and run = {run}"));
        middle_is_damaged(&path, reason);
    }
}

#[test]
fn the_last_records_of_a_run_that_was_over() {
    let folder = Folder::new();
    let path = three_runs(&folder);
    sql(
        &path,
        "delete from record where seq > 2 and run = (select id from run where key = 'last')",
    );
    let store = SqliteStore::open(&path).unwrap();
    let run = store.run("last").unwrap().unwrap();
    assert_eq!(run.state, RunState::Damaged);
    assert_eq!(run.reason.unwrap(), "2 of its 4 records are left");
    let error = said(&store.records("last", 0, 9).unwrap_err());
    assert!(error.contains("record 3 is missing"), "{error}");
}

#[test]
fn how_a_run_began_and_how_far_it_is() {
    for (change, reason) in [
        ("inputs = '{\"order\":2}'", "how it began: the checksum"),
        ("started_at = started_at - 1", "how it began: the checksum"),
        ("reason = 'nobody said so'", "how far it is: the checksum"),
        ("records = 3", "how far it is: the checksum"),
    ] {
        let folder = Folder::new();
        let path = three_runs(&folder);
        sql(&path, &format!("update run set {change} where key = 'middle'"));
        middle_is_damaged(&path, reason);
    }
}

#[test]
fn a_flow_that_runs_began_with() {
    let folder = Folder::new();
    let path = three_runs(&folder);
    sql(&path, "update flow_step set event = 'refund' where step = 1");
    let store = SqliteStore::open(&path).unwrap();
    for run in store.runs(&RunQuery::all()).unwrap() {
        assert_eq!(run.state, RunState::Damaged);
        assert_eq!(run.reason.unwrap(), "its flow 1");
    }
}

#[test]
fn what_was_decided_of_a_run() {
    let of = |folder: &Folder| {
        let path = three_runs(folder);
        let store = SqliteStore::open(&path).unwrap();
        store.commit(&[adopt("middle", 5)]).unwrap();
        path
    };
    for (change, reason) in [
        ("update revision set flow = 1", "what was decided of it by record 5"),
        ("update revision set seq = 4", "what was decided of it by record 4"),
        ("update flow_step set event = 'refund' where flow = 2 and step = 1", "its flow 2"),
    ] {
        let folder = Folder::new();
        let path = of(&folder);
        sql(&path, change);
        middle_is_damaged(&path, reason);
    }
}

#[test]
fn a_record_far_back_in_a_long_run_is_noticed_when_it_is_read() {
    let folder = Folder::fast();
    let path = folder.file("orders.db");
    let store = SqliteStore::open(&path).unwrap();
    let mut changes = vec![start("long")];
    changes.extend((1..=3_000).map(|seq| record("long", seq, &format!("body {seq}"))));
    store.commit(&changes).unwrap();
    drop(store);
    flip(&path, "body 2500");

    let store = SqliteStore::open(&path).unwrap();
    let states = || store.runs(&RunQuery::all()).unwrap()[0].state;
    assert_eq!(states(), RunState::Unfinished, "the first 1,000 are sound");
    assert!(matches!(store.records("long", 2_000, 1_000), Err(StoreError::Damaged { .. })));
    assert_eq!(states(), RunState::Damaged);
}

/// To list runs while they are written must not take as long as to write them, so what this process has
/// written is not looked at; the damage is noticed by whoever reads the run, or opens the store.
#[test]
fn a_run_that_was_begun_since_the_store_was_opened_is_noticed_when_it_is_read() {
    let folder = Folder::new();
    let path = folder.file("orders.db");
    let store = SqliteStore::open(&path).unwrap();
    store.commit(&[start("run"), record("run", 1, "body 1"), end("run")]).unwrap();
    sql(&path, "update record set body = 'body 2'");
    let state = |store: &SqliteStore| store.runs(&RunQuery::all()).unwrap()[0].state;
    assert_ne!(state(&store), RunState::Damaged);
    assert_eq!(state(&SqliteStore::read_only(&path).unwrap()), RunState::Damaged);
    assert!(matches!(store.records("run", 0, 9), Err(StoreError::Damaged { .. })));
    assert_eq!(state(&store), RunState::Damaged);
    drop(store);
    assert_eq!(state(&SqliteStore::open(&path).unwrap()), RunState::Damaged);
}

/// Bits all over the file, of its indexes and of what holds SQLite's pages together too. Whatever
/// is read is what was written, or there is an error, or the run is called damaged. The one thing
/// that is not noticed is that the last records of an open run are not found; it is rare.
#[test]
fn no_flipped_bit_is_read_as_something_that_was_not_written() {
    let folder = Folder::fast();
    let path = three_runs(&folder);
    let whole = fs::read(&path).unwrap();
    let before = contents(&SqliteStore::open(&path).unwrap());
    let (mut noticed, mut shorter) = (0, 0);
    let places = 2_000;
    for n in 0..places {
        let (at, bit) = (n * (whole.len() / places) + n % 13, n % 8);
        let mut bytes = whole.clone();
        bytes[at] ^= 1 << bit;
        fs::write(&path, bytes).unwrap();
        let Ok(store) = SqliteStore::open(&path) else {
            noticed += 1;
            continue;
        };
        for (run, records) in &before {
            let key = &run.start.key;
            let found = match store.run(key) {
                Ok(Some(found)) if found.state != RunState::Damaged => found,
                _ => {
                    noticed += 1;
                    continue;
                }
            };
            if found.state == RunState::Unfinished && found.records < run.records {
                shorter += 1;
            } else {
                assert_eq!(found, *run, "bit {bit} of byte {at}");
            }
            if let Ok(read) = store.records(key, 0, usize::MAX) {
                let expected = &records[..found.records as usize];
                assert_eq!(read, *expected, "bit {bit} of byte {at}");
            }
        }
    }
    assert!(noticed > 20 && shorter <= 2, "{noticed} were noticed, {shorter} were not");
}
