//! What people see of a store with a SQL client, and what they can rely on.

use std::fmt::Write as _;

use nexus_core::Status;
use nexus_core::journal::{ActionTaken, Change, Record, RecordKind, Store, Timestamp};
use nexus_sqlite::SqliteStore;
use rusqlite::Connection;
use rusqlite::types::ValueRef;

use crate::support::{BEGIN, Folder, adopt, end, record, start, start_of};

/// What stores of the first version have.
const FIRST: &str = include_str!("schema-1.sql");
/// What those of the second version have.
const SECOND: &str = include_str!("schema-2.sql");
const PINNED: &str = include_str!("schema-3.sql");
const DOCUMENTED: &str = include_str!("../../src/schema.md");

/// A change of the schema breaks the stores that people have, unless the version changes too, and
/// there is code that brings the old ones up to date.
#[test]
fn version_3_of_the_schema_stays_as_it_is() {
    let folder = Folder::new();
    let path = folder.file("orders.db");
    drop(SqliteStore::open(&path).unwrap());
    let sql = Connection::open(&path).unwrap();
    let made = schema_of(&sql);
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(
            concat!(env!("CARGO_MANIFEST_DIR"), "/tests/sqlite/schema-3.sql"),
            made.trim(),
        )
        .unwrap();
        return;
    }
    assert_eq!(made.trim(), PINNED.trim());
    let pragma = |name| sql.pragma_query_value(None, name, |row| row.get::<_, i64>(0)).unwrap();
    assert_eq!((pragma("application_id"), pragma("user_version")), (0x6e78_7573, 3));
}

fn schema_of(sql: &Connection) -> String {
    let mut select = sql.prepare("select sql from sqlite_schema where sql is not null").unwrap();
    let made = select.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap);
    let mut all = String::new();
    for sql in made.filter(|sql: &String| !sql.contains("sqlite_sequence")) {
        let _ = writeln!(all, "{sql};\n");
    }
    all
}

/// Otherwise those who have stores would lose them with the next nexus.
#[test]
fn a_store_of_version_1_is_brought_up_to_date_by_its_owner_alone() {
    let folder = Folder::new();
    let path = folder.file("orders.db");
    let sql = Connection::open(&path).unwrap();
    sql.execute_batch(FIRST).unwrap();
    sql.pragma_update(None, "application_id", 0x6e78_7573).unwrap();
    sql.pragma_update(None, "user_version", 1).unwrap();
    let cancelled = ActionTaken::new(Timestamp(BEGIN), "Ada", "cancel", "A1001");
    // Whoever only reads it leaves it as it is.
    let beside = SqliteStore::read_only(&path).unwrap();
    beside.note(&cancelled).unwrap();
    assert_eq!(beside.actions(None, 10).unwrap(), []);
    assert_eq!(schema_of(&sql).trim(), FIRST.trim());
    let owner = SqliteStore::open(&path).unwrap();
    assert_eq!(schema_of(&sql).trim(), PINNED.trim());
    beside.note(&cancelled).unwrap();
    assert_eq!(owner.actions(Some("A1001"), 10).unwrap(), [cancelled]);
}

/// Otherwise those who have stores would lose their runs with the next nexus.
#[test]
fn the_runs_of_a_store_of_version_2_go_on() {
    let folder = Folder::new();
    let path = folder.file("orders.db");
    let store = SqliteStore::open(&path).unwrap();
    store.commit(&[start("A1001"), start("A1002"), record("A1002", 1, "1")]).unwrap();
    let records = |seqs: std::ops::RangeInclusive<u64>| {
        seqs.map(|seq| record("A1001", seq, "1")).collect::<Vec<_>>()
    };
    store.commit(&records(1..=3_000)).unwrap();
    drop(store);
    let sql = Connection::open(&path).unwrap();
    sql.execute_batch("drop view runs; drop view attempts; drop view steps").unwrap();
    sql.execute_batch("alter table extent drop column span").unwrap();
    let views = SECOND.split_inclusive(";\n").filter(|sql| sql.trim().starts_with("CREATE VIEW"));
    let views = views.filter(|sql| !sql.contains("CREATE VIEW actions")).collect::<String>();
    sql.execute_batch(&views).unwrap();
    sql.pragma_update(None, "user_version", 2).unwrap();

    let beside = SqliteStore::read_only(&path).unwrap();
    let is_whole = |store: &SqliteStore, count| {
        let records = store.records("A1001", 0, usize::MAX).unwrap();
        let run = store.run("A1001").unwrap().unwrap();
        (records.len(), run.records, run.reason) == (count as usize, count, None)
    };
    assert!(is_whole(&beside, 3_000));
    let owner = SqliteStore::open(&path).unwrap();
    assert_eq!(schema_of(&sql).trim(), PINNED.trim());
    owner.commit(&records(3_001..=6_000)).unwrap();
    assert!(is_whole(&beside, 6_000) && is_whole(&owner, 6_000));
    let of_runs = shown(&sql, "select key, records from runs order by key");
    assert_eq!(of_runs, ["A1001|6000", "A1002|1"]);
}

/// Otherwise nobody would know who has cancelled a run, once the program that did it has ended.
#[test]
fn who_has_done_what_to_a_run_goes_with_the_run() {
    let folder = Folder::new();
    let path = folder.file("orders.db");
    let store = SqliteStore::open(&path).unwrap();
    store.commit(&[start("A1001"), end("A1001"), start("A1002"), end("A1002")]).unwrap();
    let mut resolved = ActionTaken::new(Timestamp(BEGIN), "Ada", "resolve", "A1001");
    (resolved.step, resolved.error) = (Some("approve".into()), Some("it has ended".into()));
    let cancelled = ActionTaken::new(Timestamp(BEGIN + 1), "Grace", "cancel", "A1002");
    store.note(&resolved).unwrap();
    SqliteStore::read_only(&path).unwrap().note(&cancelled).unwrap();
    drop(store);
    let store = SqliteStore::open(&path).unwrap();
    assert_eq!(store.actions(None, 10).unwrap(), [cancelled.clone(), resolved.clone()]);
    assert_eq!(store.actions(None, 1).unwrap(), std::slice::from_ref(&cancelled));
    assert_eq!(store.actions(Some("A1001"), 10).unwrap(), [resolved]);
    let sql = Connection::open(&path).unwrap();
    assert_eq!(
        shown(&sql, "select * from actions where key = 'A1001'"),
        ["A1001|resolve|approve|Ada|2026-01-02 03:04:05.000|it has ended"]
    );
    store.remove(&["A1001".into()]).unwrap();
    assert_eq!(store.actions(None, 10).unwrap(), [cancelled]);
}

#[test]
fn every_table_view_and_column_is_documented() {
    let folder = Folder::new();
    let path = folder.file("orders.db");
    drop(SqliteStore::open(&path).unwrap());
    let sql = Connection::open(&path).unwrap();
    let mut select = sql
        .prepare(
            "select t.name, c.name from pragma_table_list t join pragma_table_info(t.name) c \
             where t.schema = 'main' and t.name not like 'sqlite_%'",
        )
        .unwrap();
    let columns: Vec<(String, String)> = select
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))
        .unwrap()
        .map(Result::unwrap)
        .collect();
    assert!(columns.len() > 50);
    for (table, column) in columns {
        let row = DOCUMENTED.lines().find(|line| line.starts_with(&format!("| `{table}` |")));
        let row = row.unwrap_or_else(|| panic!("schema.md has no row for `{table}`"));
        assert!(row.contains(&format!("`{column}`")), "`{table}` has a column `{column}`");
    }
}

/// As the program sqlite3 shows it.
fn shown(sql: &Connection, select: &str) -> Vec<String> {
    let mut select = sql.prepare(select).unwrap();
    let columns = select.column_count();
    let text = |value: ValueRef<'_>| match value {
        ValueRef::Null => String::new(),
        ValueRef::Integer(number) => number.to_string(),
        ValueRef::Real(number) => number.to_string(),
        ValueRef::Text(text) | ValueRef::Blob(text) => String::from_utf8(text.to_vec()).unwrap(),
    };
    let rows = select.query_map([], |row| {
        let values: Vec<String> = (0..columns).map(|n| text(row.get_ref_unwrap(n))).collect();
        Ok(values.join("|"))
    });
    rows.unwrap().map(Result::unwrap).collect()
}

#[test]
fn the_views_show_what_a_person_wants_to_know() {
    let folder = Folder::new();
    let path = folder.file("orders.db");
    let store = SqliteStore::open(&path).unwrap();
    let of_attempt = |seq, kind, step, attempt, item, body: &str| {
        let at = Timestamp(BEGIN + seq * 1_000);
        let body = String::from(body);
        let record = Record { seq, at, kind, step: Some(step), attempt, item, body };
        Change::Record { key: "A1001".into(), record }
    };
    let (ended, woken) = (RecordKind::Completed, RecordKind::Woken);
    store
        .commit(&[
            start("A1001"),
            of_attempt(1, ended, 0, 1, None, "{\"outcome\":{\"success\":1900},\"busy\":7}"),
            of_attempt(
                2,
                ended,
                1,
                1,
                Some(0),
                "{\"outcome\":{\"exception\":{\"message\":\"no\"}},\"busy\":7}",
            ),
            of_attempt(3, woken, 1, 1, Some(0), ""),
            of_attempt(4, ended, 1, 2, Some(0), "{\"outcome\":{\"success\":1900},\"busy\":7}"),
            end("A1001"),
            Change::Start(start_of("A1002", BEGIN + 10)),
            Change::Decision { key: "A1002".into(), reason: Some(String::from("no `charge`")) },
            Change::Start(start_of("A1003", BEGIN + 20)),
            record("A1003", 1, "no JSON"),
            Change::Start(start_of("A1004", BEGIN + 30)),
            Change::End { key: "A1004".into(), at: Timestamp(BEGIN + 40), status: Status::Failed },
        ])
        .unwrap();
    let sql = Connection::open(&path).unwrap();
    assert_eq!(
        shown(&sql, "select * from runs"),
        [
            "A1004|Orders|failed|2026-01-02 03:04:05.000|2026-01-02 03:04:05.000|0|0|",
            "A1003|Orders|unfinished|2026-01-02 03:04:05.000|||1|",
            "A1002|Orders|needs_decision|2026-01-02 03:04:05.000|||0|no `charge`",
            "A1001|Orders|succeeded|2026-01-02 03:04:05.000|2026-01-02 03:04:06.500|1.5|4|",
        ]
    );
    assert_eq!(
        shown(&sql, "select * from steps"),
        [
            "A1001|validate|validate|success|1|2026-01-02 03:04:05.001|2026-01-02 03:04:05.001",
            "A1001|validate/1/charge|charge|success|2|2026-01-02 03:04:05.002|2026-01-02 03:04:05.004",
            "A1003|validate|validate|completed|1|2026-01-02 03:04:05.001|2026-01-02 03:04:05.001",
        ]
    );
    assert_eq!(
        shown(&sql, "select * from attempts where run = 'A1001'"),
        [
            "A1001|validate|1||success|2026-01-02 03:04:05.001|{\"outcome\":{\"success\":1900},\"busy\":7}",
            "A1001|validate/1/charge|1|0|exception|2026-01-02 03:04:05.002|{\"outcome\":{\"exception\":{\"message\":\"no\"}},\"busy\":7}",
            "A1001|validate/1/charge|2|0|success|2026-01-02 03:04:05.004|{\"outcome\":{\"success\":1900},\"busy\":7}",
        ]
    );
    let who = shown(&sql, "select pid from owner");
    assert_eq!(who, [std::process::id().to_string()]);
    drop(store);
    assert_eq!(shown(&sql, "select pid from owner"), [""; 0]);
}

/// The numbers of steps are those of the flow that a run went by at that time.
#[test]
fn the_views_show_the_steps_of_a_run_whose_flow_has_changed() {
    let folder = Folder::new();
    let path = folder.file("orders.db");
    let store = SqliteStore::open(&path).unwrap();
    let of = |seq, body: &str| match record("A1001", seq, body) {
        Change::Record { key, record } => Change::Record {
            key,
            // The first step, before and after.
            record: Record { step: Some(0), ..record },
        },
        other => other,
    };
    let success = "{\"outcome\":{\"success\":1},\"busy\":7}";
    store.commit(&[start("A1001"), of(1, success), adopt("A1001", 2), of(3, success)]).unwrap();
    let sql = Connection::open(&path).unwrap();
    assert_eq!(
        shown(&sql, "select run, step, event, outcome from steps order by step"),
        ["A1001|ship|ship|success", "A1001|validate|validate|success"]
    );
    assert_eq!(
        shown(&sql, "select step, attempt, outcome from attempts"),
        ["validate|1|success", "ship|1|success"]
    );
}

/// Otherwise nobody would see in the file that somebody has to answer.
#[test]
fn the_views_show_what_is_pending_and_how_it_was_resolved() {
    let folder = Folder::new();
    let path = folder.file("orders.db");
    let store = SqliteStore::open(&path).unwrap();
    let of = |key: &str, seq, kind, attempt, body: &str| {
        let (at, body) = (Timestamp(BEGIN + seq * 1_000), String::from(body));
        let record = Record { seq, at, kind, step: Some(0), attempt, item: None, body };
        Change::Record { key: key.into(), record }
    };
    let pending = "{\"outcome\":{\"pending\":null},\"busy\":7}";
    let answer = "{\"outcome\":{\"success\":true},\"busy\":0}";
    let (completed, resolved) = (RecordKind::Completed, RecordKind::Resolved);
    store
        .commit(&[
            start("waits"),
            of("waits", 1, completed, 1, pending),
            start("answered"),
            of("answered", 1, completed, 1, pending),
            of("answered", 2, resolved, 1, answer),
            // The answer was there before the event had said that it waits for it.
            start("early"),
            of("early", 1, resolved, 0, answer),
            of("early", 2, completed, 1, pending),
        ])
        .unwrap();
    let sql = Connection::open(&path).unwrap();
    assert_eq!(
        shown(&sql, "select run, step, outcome, attempts from steps order by run"),
        ["answered|validate|success|1", "early|validate|success|1", "waits|validate|pending|1"]
    );
    assert_eq!(
        shown(&sql, "select attempt, outcome from attempts where run = 'answered'"),
        ["1|pending", "1|success"]
    );
}
