//! Keeping a store: removing what is over, backups, reading while it is written to.

use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use nexus_core::journal::{Change, RunQuery, Store, StoreError};
use nexus_sqlite::SqliteStore;
use rusqlite::Connection;

use crate::child::{batch, begin_runs, whole_batches};
use crate::support::{Folder, adopt, contents, end, record, said, start};

fn count(path: &std::path::Path, table: &str) -> i64 {
    let sql = Connection::open(path).unwrap();
    sql.query_row(&format!("select count(*) from {table}"), [], |row| row.get(0)).unwrap()
}

/// What a run has changed its flow to goes with the last run that has it.
#[test]
fn removed_runs_leave_no_decisions_behind() {
    let folder = Folder::fast();
    let path = folder.file("orders.db");
    let store = SqliteStore::open(&path).unwrap();
    store.commit(&[start("a"), start("b"), adopt("a", 1), adopt("b", 1), end("a")]).unwrap();
    assert_eq!(store.remove(&["a".into()]).unwrap(), 1);
    let counts = || ["revision", "flow", "record"].map(|table| count(&path, table));
    assert_eq!(counts(), [1, 2, 1]);
    assert_eq!(store.run("b").unwrap().unwrap().flow().script, "validate (1 -> charge) -> ship");
    store.commit(&[end("b")]).unwrap();
    assert_eq!(store.remove(&["b".into()]).unwrap(), 1);
    assert_eq!(counts(), [0, 0, 0]);
}

#[test]
fn removed_runs_leave_nothing_behind_and_the_others_whole() {
    let folder = Folder::fast();
    let path = folder.file("orders.db");
    let store = SqliteStore::open(&path).unwrap();
    let mut changes = vec![start("long"), start("open"), start("short")];
    for seq in 1..=6_000 {
        changes.push(record("long", seq, "1"));
        if seq % 100 == 0 {
            changes.push(record("open", seq / 100, "2"));
        }
    }
    changes.extend([record("short", 1, "3"), end("long"), end("short")]);
    store.commit(&changes).unwrap();
    let open = |store: &SqliteStore| store.records("open", 0, usize::MAX).unwrap();
    let before = open(&store);

    let all: Vec<Arc<str>> = ["long", "short", "nobody", "open"].map(Arc::from).to_vec();
    let error = store.remove(&all).unwrap_err();
    assert!(matches!(&error, StoreError::Refused(why) if why.contains("`open` is not over")));
    assert_eq!(store.runs(&RunQuery::all()).unwrap().len(), 3, "one was removed all the same");

    assert_eq!(store.remove(&all[..3]).unwrap(), 2);
    assert_eq!(open(&store), before);
    assert_eq!((count(&path, "run"), count(&path, "record")), (1, 60));
    assert_eq!(store.runs(&RunQuery::all()).unwrap().len(), 1);
    // The key is free again, and the flow of both stays.
    store.commit(&[start("long"), record("long", 1, "4")]).unwrap();
    assert_eq!(store.records("long", 0, 9).unwrap().len(), 1);
    assert_eq!(count(&path, "flow"), 1);

    store.commit(&[end("long"), end("open")]).unwrap();
    assert_eq!(store.remove(&["open".into(), "long".into()]).unwrap(), 2);
    for table in ["run", "record", "extent", "flow", "flow_step"] {
        assert_eq!(count(&path, table), 0, "{table}");
    }
}

/// A run could not go on, or would not find its records again.
#[test]
fn runs_go_on_where_the_last_records_of_the_store_were_removed() {
    let folder = Folder::fast();
    let store = SqliteStore::open(folder.file("orders.db")).unwrap();
    store.commit(&[start("open"), record("open", 1, "1"), start("over")]).unwrap();
    let records = (1..=50).map(|seq| record("over", seq, "2"));
    store.commit(&records.chain([end("over")]).collect::<Vec<_>>()).unwrap();
    assert_eq!(store.remove(&["over".into()]).unwrap(), 1);
    store.commit(&[record("open", 2, "3"), record("open", 3, "4")]).unwrap();
    let bodies = store.records("open", 0, usize::MAX).unwrap().into_iter().map(|it| it.body);
    assert_eq!(bodies.collect::<Vec<_>>(), ["1", "3", "4"]);
}

/// Records would be lost, or in another order.
#[test]
fn of_commits_of_any_size_every_record_is_there_in_its_order() {
    let folder = Folder::fast();
    let store = SqliteStore::open(folder.file("orders.db")).unwrap();
    store.commit(&[start("a"), start("b")]).unwrap();
    let mut last = 0;
    for size in 1..=40 {
        let both = |seq: u64| [record("a", seq, &seq.to_string()), record("b", seq, "1")];
        let changes: Vec<Change> = (last + 1..=last + size).flat_map(both).collect();
        store.commit(&changes[..changes.len() - 1]).unwrap();
        store.commit(&changes[changes.len() - 1..]).unwrap();
        last += size;
    }
    let records = store.records("a", 0, usize::MAX).unwrap();
    let bodies: Vec<String> = records.into_iter().map(|record| record.body).collect();
    assert_eq!(bodies, (1..=last).map(|seq| seq.to_string()).collect::<Vec<_>>());
    assert_eq!(store.records("b", 0, usize::MAX).unwrap().len() as u64, last);
}

/// The records of a run that is one of many are far apart: they would be lost, or others be written at
/// their places, once the run has ended and goes on again.
#[test]
fn the_records_of_one_of_many_runs_are_found_again() {
    let folder = Folder::fast();
    let path = folder.file("orders.db");
    let store = SqliteStore::open(&path).unwrap();
    store.commit(&[start("one"), start("others")]).unwrap();
    for seq in 1..=500 {
        let others = (seq * 39 - 38..=seq * 39).map(|seq| record("others", seq, "2"));
        let changes = std::iter::once(record("one", seq, &seq.to_string())).chain(others);
        store.commit(&changes.collect::<Vec<_>>()).unwrap();
    }
    let bodies = |after, most| {
        let records = store.records("one", after, most).unwrap().into_iter();
        records.map(|record| record.body).collect::<Vec<_>>()
    };
    let texts = |seqs: std::ops::RangeInclusive<u64>| seqs.map(|seq| seq.to_string()).collect();
    let spans = || {
        let sql = Connection::open(&path).unwrap();
        let mut select = sql.prepare("select span from extent where run = 1 order by seq").unwrap();
        let spans = select.query_map([], |row| row.get(0)).unwrap();
        spans.map(Result::unwrap).collect::<Vec<i64>>()
    };
    let all: Vec<String> = texts(1..=500);
    assert_eq!(bodies(0, usize::MAX), all);
    assert_eq!(spans(), [2_048, 4_096, 8_192, 8_192]);
    store.commit(&[end("one")]).unwrap();
    assert_eq!(spans(), [2_048, 4_096, 8_192, 8_192, 0]);
    assert_eq!(bodies(0, usize::MAX), all);
    assert_eq!(bodies(499, 5), ["500"]);
    assert_eq!(bodies(359, 3), ["360", "361", "362"]);
    let run = store.run("one").unwrap().unwrap();
    assert_eq!((run.records, run.reason), (500, None));
    store.commit(&[adopt("one", 501), record("one", 502, "502"), end("one")]).unwrap();
    assert_eq!(spans(), [2_048, 4_096, 8_192, 8_192, 0]);
    let again = bodies(0, usize::MAX);
    assert_eq!((&again[..500], &*again[501]), (&all[..], "502"));
    assert_eq!(store.run("one").unwrap().unwrap().records, 502);
    store.commit(&[end("others")]).unwrap();
    store.remove(&["one".into(), "others".into()]).unwrap();
    assert_eq!((count(&path, "record"), count(&path, "extent")), (0, 0));
}

#[test]
fn a_removal_that_was_interrupted_is_finished_by_the_next_one() {
    let folder = Folder::fast();
    let path = folder.file("orders.db");
    let store = SqliteStore::open(&path).unwrap();
    store.commit(&[start("a"), record("a", 1, "1"), end("a")]).unwrap();
    // What the first transaction of a removal does.
    Connection::open(&path).unwrap().execute("update run set key = null", []).unwrap();
    assert_eq!(store.runs(&RunQuery::all()).unwrap(), []);
    assert_eq!(store.remove(&[]).unwrap(), 0);
    assert_eq!((count(&path, "run"), count(&path, "record")), (0, 0));
}

#[test]
fn compacting_gives_space_back() {
    let folder = Folder::fast();
    let path = folder.file("orders.db");
    let store = SqliteStore::open(&path).unwrap();
    let body = "x".repeat(1_000);
    let mut changes = vec![start("big"), start("small"), record("small", 1, "1")];
    changes.extend((1..=1_000).map(|seq| record("big", seq, &body)));
    changes.push(end("big"));
    store.commit(&changes).unwrap();
    store.remove(&["big".into()]).unwrap();
    let before = contents(&store);
    store.compact().unwrap();
    assert!(fs::metadata(&path).unwrap().len() < 200_000);
    assert_eq!(contents(&store), before);
    store.commit(&[record("small", 2, "2")]).unwrap();
}

#[test]
fn a_backup_of_a_store_in_use_is_a_store() {
    let folder = Folder::new();
    let (path, copy) = (folder.file("orders.db"), folder.file("backup.db"));
    let store = SqliteStore::open(&path).unwrap();
    store.commit(&[start("a"), record("a", 1, "1")]).unwrap();
    let before = contents(&store);
    SqliteStore::read_only(&path).unwrap().backup(&copy).unwrap();
    store.commit(&[record("a", 2, "2")]).unwrap();

    let error = said(&store.backup(&copy).unwrap_err());
    assert!(error.contains("there is a file") && error.contains("name another one"), "{error}");
    let restored = SqliteStore::open(&copy).unwrap();
    assert_eq!(contents(&restored), before);
    restored.commit(&[record("a", 2, "another 2")]).unwrap();
    assert!(!folder.file("backup.db-partial").exists());
    let error = said(&store.backup(folder.file("missing/backup.db")).unwrap_err());
    assert!(error.contains("missing/backup.db"), "{error}");
}

#[test]
fn threads_read_whole_batches_while_the_owner_commits() {
    let folder = Folder::fast();
    let store = SqliteStore::open(folder.file("orders.db")).unwrap();
    begin_runs(&store).unwrap();
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let readers: Vec<_> = (0..3)
            .map(|_| {
                scope.spawn(|| {
                    let mut last = 0;
                    while !done.load(Ordering::Relaxed) {
                        let run = store.run("c").unwrap().unwrap();
                        assert!(run.records >= last, "what was committed is gone");
                        last = run.records;
                        let records = store.records("c", 0, usize::MAX).unwrap();
                        assert!(records.len() as u64 >= last);
                    }
                    last
                })
            })
            .collect();
        for number in 1..=150 {
            store.commit(&batch(number)).unwrap();
        }
        done.store(true, Ordering::Relaxed);
        assert!(readers.into_iter().all(|reader| reader.join().unwrap() <= 150));
    });
    assert_eq!(whole_batches(&store), 150);
}

#[test]
fn a_commit_that_does_not_fit_changes_nothing_and_stops_nothing() {
    let folder = Folder::fast();
    let store = SqliteStore::open(folder.file("orders.db")).unwrap();
    store.commit(&[start("a"), record("a", 1, "1")]).unwrap();
    let before = contents(&store);
    let refused: [(&[Change], &str); 4] = [
        (&[start("b"), start("a")], "there is a run `a` already"),
        (&[record("a", 2, "2"), record("b", 1, "1")], "the store has no run `b`"),
        (
            &[record("a", 2, "2"), record("a", 2, "2")],
            "has 2 records, and what follows is record 2",
        ),
        (&[record("a", 3, "3")], "has 1 records, and what follows is record 3"),
    ];
    for (changes, why) in refused {
        let error = store.commit(changes).unwrap_err();
        assert!(matches!(&error, StoreError::Refused(said) if said.contains(why)), "{error}");
        assert_eq!(contents(&store), before);
    }
    store.commit(&[start("b"), record("a", 2, "2")]).unwrap();
}
