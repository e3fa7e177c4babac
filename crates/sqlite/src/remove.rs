//! Removing runs that are over.
//!
//! First they lose their keys, all of them in one transaction: a run without a key is not there any
//! more. Then their records are deleted little by little, so that commits get their turn between;
//! what a crash leaves of that is done by the next removal.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use nexus_core::journal::{RunState, StoreError};
use rusqlite::{Connection, OptionalExtension, params};

use crate::error::WriteError;
use crate::lock;
use crate::reader::Reader;
use crate::writer::Writer;

/// How many rows are deleted in one transaction, or a few more: a matter of milliseconds.
const AT_ONCE: usize = 4_096;

/// Removes the runs with these keys.
pub(crate) fn remove(
    reader: &Reader,
    writer: &Mutex<Writer>,
    keys: &[Arc<str>],
) -> Result<usize, StoreError> {
    let keys: BTreeSet<&Arc<str>> = keys.iter().collect();
    let mut damaged = BTreeSet::new();
    for key in &keys {
        let open = reader.read(|connection, _| is_open(connection, key))?;
        if open && reader.run(key)?.is_some_and(|run| run.state == RunState::Damaged) {
            damaged.insert(*key);
        }
    }
    let removed = lock(writer).transaction(|connection, caches| {
        caches.clear();
        let mut forget = connection.prepare_cached("delete from action where key = ?1")?;
        let mut hide = connection.prepare_cached("update run set key = null where key = ?1")?;
        keys.iter().try_fold(0, |count, key| {
            if is_open(connection, key)? && !damaged.contains(key) {
                return Err(WriteError::Refused(format!("the run `{key}` is not over")));
            }
            forget.execute([key])?;
            Ok(count + hide.execute([key])?)
        })
    })?;
    while lock(writer).transaction(|connection, caches| {
        caches.forget_place();
        Ok(sweep(connection)?)
    })? {}
    Ok(removed)
}

fn is_open(connection: &Connection, key: &str) -> rusqlite::Result<bool> {
    let open = connection
        .prepare_cached("select status is null from run where key = ?1")?
        .query_row([key], |row| row.get(0))
        .optional()?;
    Ok(open.unwrap_or(false))
}

/// Deletes some of what belongs to runs without a key. Whether there may be more.
fn sweep(connection: &Connection) -> rusqlite::Result<bool> {
    let mut deleted = 0;
    let mut next_run = connection
        .prepare_cached("select id, flow from run where key is null order by id limit 1")?;
    let mut next_extent = connection.prepare_cached(
        "select seq, first, span from extent where run = ?1 order by seq limit 1",
    )?;
    let mut records =
        connection.prepare_cached("delete from record where id >= ?1 and id < ?2 and run = ?3")?;
    let mut extent = connection.prepare_cached("delete from extent where run = ?1 and seq = ?2")?;
    while deleted < AT_ONCE {
        let run = next_run.query_row([], |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
        let Some::<(i64, i64)>((run, flow)) = run else { return Ok(false) };
        let found = next_extent
            .query_row([run], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
            .optional()?;
        if let Some::<(i64, i64, i64)>((seq, first, span)) = found {
            deleted += records.execute(params![first, first.saturating_add(span), run])?;
            deleted += extent.execute([run, seq])?;
        } else {
            let mut flows = revised_flows(connection, run)?;
            flows.push(flow);
            for sql in ["delete from revision where run = ?1", "delete from run where id = ?1"] {
                deleted += connection.prepare_cached(sql)?.execute([run])?;
            }
            let mut delete = connection.prepare_cached(
                "delete from flow where id = ?1 and not exists (select 1 from run where flow = ?1) \
                 and not exists (select 1 from revision where flow = ?1)",
            )?;
            for flow in flows {
                deleted += delete.execute([flow])?;
            }
        }
    }
    Ok(true)
}

/// The flows that a run went on with.
fn revised_flows(connection: &Connection, run: i64) -> rusqlite::Result<Vec<i64>> {
    connection
        .prepare_cached("select flow from revision where run = ?1")?
        .query_map([run], |row| row.get(0))?
        .collect()
}
