//! One process owns a store, and the second is told which one.

use std::process::Command;

use nexus_core::journal::{Request, RunQuery, Store, StoreError};
use nexus_sqlite::SqliteStore;

use crate::child::{Part, run};
use crate::support::{Folder, record, said, start, taken};

#[test]
fn a_second_process_is_told_who_owns_the_store() {
    let folder = Folder::new();
    let path = folder.file("orders.db");
    let mut owner = run(Part::Own, &path);
    assert_eq!(owner.says().unwrap(), "owns it");

    let error = SqliteStore::open(&path).unwrap_err();
    assert!(matches!(error, StoreError::Owned { .. }));
    let said = said(&error);
    assert!(said.contains(&format!("process {} on `", owner.id())), "{said}");
    assert!(said.contains(" UTC (`") && said.contains("orders.db"), "{said}");
    assert!(said.contains("SqliteStore::read_only"), "{said}");

    owner.end_input();
    owner.wait();
    SqliteStore::open(&path).unwrap();
}

#[test]
fn a_second_engine_of_the_same_process_is_refused_too_and_harms_nothing() {
    let folder = Folder::new();
    let path = folder.file("orders.db");
    let store = SqliteStore::open(&path).unwrap();
    let error = said(&SqliteStore::open(&path).unwrap_err());
    assert!(error.contains(&format!("process {} on", std::process::id())), "{error}");
    // The second attempt has not freed the lock of the first.
    let mut other = run(Part::Open, &path);
    assert!(other.says().unwrap().contains("owned by another process"));
    store.commit(&[start("a")]).unwrap();
}

#[test]
fn a_link_to_the_store_leads_to_the_same_lock() {
    let folder = Folder::new();
    let path = folder.file("orders.db");
    let link = folder.file("link.db");
    let _store = SqliteStore::open(&path).unwrap();
    std::os::unix::fs::symlink(&path, &link).unwrap();
    assert!(matches!(SqliteStore::open(&link), Err(StoreError::Owned { .. })));
}

#[test]
fn a_killed_owner_leaves_the_store_free() {
    let folder = Folder::new();
    let path = folder.file("orders.db");
    let mut owner = run(Part::Own, &path);
    owner.says().unwrap();
    owner.kill();
    SqliteStore::open(&path).unwrap();
}

#[test]
fn a_process_that_the_owner_started_does_not_keep_the_lock() {
    let folder = Folder::new();
    let path = folder.file("orders.db");
    let mut owner = run(Part::OwnAndStart, &path);
    let started = owner.says().unwrap();
    owner.kill();
    let opened = SqliteStore::open(&path).map(drop);
    // `kill` fails if the process is gone, and then the test has shown nothing.
    assert!(Command::new("kill").arg(&started).status().unwrap().success());
    opened.unwrap();
}

#[test]
fn another_process_reads_and_leaves_requests_beside_the_owner() {
    let folder = Folder::new();
    let path = folder.file("orders.db");
    let owner = SqliteStore::open(&path).unwrap();
    owner.commit(&[start("a"), record("a", 1, "1")]).unwrap();
    let mut reading = run(Part::Read, &path);
    assert_eq!(reading.says().unwrap(), "1");

    let beside = SqliteStore::read_only(&path).unwrap();
    let first = Request::Cancel { key: "a".into() };
    let second = Request::Cancel { key: "b".into() };
    beside.request(&first).unwrap();
    beside.request(&second).unwrap();
    assert_eq!(taken(&owner), [first, second]);
    assert_eq!(taken(&owner), []);
    owner.commit(&[start("b")]).unwrap();
    assert_eq!(beside.runs(&RunQuery::all()).unwrap().len(), 2);
}

#[test]
fn a_request_of_a_newer_version_stays_for_who_knows_it() {
    let folder = Folder::new();
    let path = folder.file("orders.db");
    let owner = SqliteStore::open(&path).unwrap();
    let sql = rusqlite::Connection::open(&path).unwrap();
    sql.execute("insert into request (body, at) values ('{\"levitate\":{}}', 1)", []).unwrap();
    let known = Request::Cancel { key: "a".into() };
    owner.request(&known).unwrap();
    assert_eq!(taken(&owner), [known]);
    let left: i64 = sql.query_row("select count(*) from request", [], |row| row.get(0)).unwrap();
    assert_eq!(left, 1);
}

#[test]
fn what_was_opened_to_be_read_refuses_to_write_and_says_how() {
    let folder = Folder::new();
    let path = folder.file("orders.db");
    drop(SqliteStore::open(&path).unwrap());
    let beside = SqliteStore::read_only(&path).unwrap();
    for error in [
        beside.commit(&[start("a")]).unwrap_err(),
        beside.remove(&["a".into()]).unwrap_err(),
        beside.remove_request(1).unwrap_err(),
        beside.compact().unwrap_err(),
    ] {
        assert!(matches!(error, StoreError::Refused(_)));
        assert!(said(&error).contains("`SqliteStore::read_only`; to "), "{error}");
    }
    // It left a request of its own without an owner, which the next one takes.
    beside.request(&Request::Cancel { key: "a".into() }).unwrap();
    drop(beside);
    assert_eq!(taken(&SqliteStore::open(&path).unwrap()).len(), 1);
}
