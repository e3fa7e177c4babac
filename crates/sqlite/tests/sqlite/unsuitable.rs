//! Files that are no store, or not one for this version: one clear error, and not a byte changed.

use std::fs;
use std::path::Path;

use nexus_core::journal::{RunQuery, Store, StoreError};
use nexus_sqlite::SqliteStore;
use rusqlite::Connection;

use crate::support::{Folder, contents, end, record, said, start};

/// What is in a folder, byte by byte.
fn all_of(folder: &Folder) -> Vec<(String, Vec<u8>)> {
    let mut files: Vec<_> = fs::read_dir(folder.path())
        .unwrap()
        .map(|entry| {
            let path = entry.unwrap().path();
            (path.display().to_string(), fs::read(&path).unwrap())
        })
        .collect();
    files.sort();
    files
}

/// Neither way of opening the file changes it or makes another; both say this.
fn refused_untouched(folder: &Folder, path: &Path, expected: &str) {
    let before = all_of(folder);
    for opened in [SqliteStore::open(path), SqliteStore::read_only(path)] {
        let error = opened.unwrap_err();
        assert!(matches!(error, StoreError::Unsuitable(_)), "{error:?}");
        let said = said(&error);
        assert!(said.contains(expected) && said.contains("orders.db"), "{said}");
    }
    assert!(all_of(folder) == before, "something in the folder changed");
}

#[test]
fn a_file_that_is_no_database() {
    let folder = Folder::new();
    let path = folder.file("orders.db");
    for content in ["a", "order,price\nA1001,19\n", &"no database ".repeat(1_000)] {
        fs::write(&path, content).unwrap();
        refused_untouched(&folder, &path, "is no SQLite database");
    }
}

#[test]
fn a_database_of_something_else() {
    for mode in ["delete", "wal"] {
        let folder = Folder::new();
        let path = folder.file("orders.db");
        let connection = Connection::open(&path).unwrap();
        connection.pragma_update(None, "journal_mode", mode).unwrap();
        connection
            .execute_batch("create table run (id integer); insert into run values (1)")
            .unwrap();
        drop(connection);
        refused_untouched(&folder, &path, "is a database of something else");
    }
}

#[test]
fn a_store_of_a_newer_version() {
    let folder = Folder::new();
    let path = folder.file("orders.db");
    drop(SqliteStore::open(&path).unwrap());
    let connection = Connection::open(&path).unwrap();
    connection.pragma_update(None, "user_version", 4).unwrap();
    drop(connection);
    refused_untouched(&folder, &path, "has format 4, and this program knows format 3");
}

#[test]
fn a_store_of_a_newer_version_whose_process_was_killed() {
    let folder = Folder::new();
    let (path, copy) = (folder.file("store.db"), folder.file("orders.db"));
    drop(SqliteStore::open(&path).unwrap());
    let connection = Connection::open(&path).unwrap();
    connection.pragma_update(None, "user_version", 4).unwrap();
    for suffix in ["", "-wal"] {
        fs::copy(
            folder.file(&format!("store.db{suffix}")),
            folder.file(&format!("orders.db{suffix}")),
        )
        .unwrap();
    }
    let wal = fs::read(folder.file("orders.db-wal")).unwrap();
    let error = said(&SqliteStore::open(&copy).unwrap_err());
    assert!(error.contains("has format 4, and this program knows format 3"), "{error}");
    drop(connection);
    assert!(!wal.is_empty(), "nothing was in the log, so the test has shown nothing");
}

#[test]
fn a_folder() {
    let folder = Folder::new();
    let path = folder.file("orders.db");
    fs::create_dir(&path).unwrap();
    let error = said(&SqliteStore::open(&path).unwrap_err());
    assert!(error.contains("is a folder; name a file in it"), "{error}");
}

#[test]
fn a_folder_that_is_not_there() {
    let folder = Folder::new();
    let path = folder.file("missing/orders.db");
    let error = said(&SqliteStore::open(&path).unwrap_err());
    assert!(
        error.contains("cannot find the store") && error.contains("missing/orders.db"),
        "{error}"
    );
}

#[test]
fn a_store_to_read_that_is_not_there() {
    let folder = Folder::new();
    let path = folder.file("orders.db");
    refused_untouched_by_reading(&folder, &path);
    fs::write(&path, "").unwrap();
    refused_untouched_by_reading(&folder, &path);
}

fn refused_untouched_by_reading(folder: &Folder, path: &Path) {
    let before = all_of(folder);
    let error = said(&SqliteStore::read_only(path).unwrap_err());
    assert!(error.contains("is not there, or is empty"), "{error}");
    assert_eq!(all_of(folder), before);
}

#[test]
fn an_empty_file_becomes_a_store() {
    let folder = Folder::new();
    let path = folder.file("orders.db");
    fs::write(&path, "").unwrap();
    let store = SqliteStore::open(&path).unwrap();
    store.commit(&[start("a")]).unwrap();
}

#[test]
fn what_a_killed_process_left_of_making_a_store_is_cleared_away() {
    let folder = Folder::new();
    let path = folder.file("orders.db");
    fs::write(folder.file("orders.db-new"), "half a database").unwrap();
    fs::write(folder.file("orders.db-new-journal"), "its journal").unwrap();
    drop(SqliteStore::open(&path).unwrap());
    assert!(!folder.file("orders.db-new").exists());
    assert!(!folder.file("orders.db-new-journal").exists());
}

#[test]
fn a_log_without_its_database_is_not_taken_for_that_of_a_new_one() {
    let folder = Folder::new();
    let path = folder.file("orders.db");
    fs::write(folder.file("orders.db-wal"), "records that were committed").unwrap();
    refused_untouched(&folder, &path, "a part of it is left in");
}

#[test]
fn a_store_that_was_emptied_is_not_taken_for_a_new_one() {
    let folder = Folder::new();
    let path = folder.file("orders.db");
    drop(SqliteStore::open(&path).unwrap());
    fs::write(&path, "").unwrap();
    refused_untouched(&folder, &path, "go back to a backup, or remove both");
}

#[test]
fn a_truncated_store() {
    let folder = Folder::new();
    let path = folder.file("orders.db");
    let store = SqliteStore::open(&path).unwrap();
    for n in 0..200 {
        let key = format!("order-{n}");
        store.commit(&[start(&key), record(&key, 1, &"x".repeat(500)), end(&key)]).unwrap();
    }
    drop(store);
    let whole = fs::read(&path).unwrap();
    for length in [1, 50, 100, 4_095, 4_096, 10_000, whole.len() / 2, whole.len() - 4_096] {
        fs::write(&path, &whole[..length]).unwrap();
        for opened in [SqliteStore::open(&path), SqliteStore::read_only(&path)] {
            let error = said(&opened.map(|store| contents(&store)).unwrap_err());
            assert!(
                error.contains("orders.db") && error.contains("go back to a backup"),
                "{length}: {error}"
            );
        }
        assert_eq!(fs::read(&path).unwrap().len(), length, "it was written to");
    }
    fs::write(&path, &whole).unwrap();
    let store = SqliteStore::open(&path).unwrap();
    assert_eq!(store.runs(&RunQuery::all()).unwrap().len(), 200);
}
