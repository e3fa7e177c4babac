//! The records of a run.
//!
//! Records are appended to one table in the order in which they were committed, whatever run they
//! belong to, so that a commit writes to few pages however many runs it is about. The table `extent`
//! says where the records of a run are: from its record `seq` on, they are among the [`EXTENT`] rows
//! that begin with `first`. See `docs/decisions/0024`.

use nexus_core::journal::{Record, RecordKind, Timestamp};
use rusqlite::{Connection, OptionalExtension, Row, params};

use crate::checksum::RecordRow;
use crate::columns::Columns;
use crate::error::{ReadError, is_corrupt};
use crate::number::stored;

/// How many rows an extent spans.
pub(crate) const EXTENT: i64 = 1_024;

/// The `seq` of a run's last record, or zero; and where its last extent ends.
pub(crate) fn last_record(connection: &Connection, run: i64) -> rusqlite::Result<(u64, i64)> {
    let first: Option<i64> = connection
        .prepare_cached("select first from extent where run = ?1 order by seq desc limit 1")?
        .query_row([run], |row| row.get(0))
        .optional()?;
    let Some(first) = first else { return Ok((0, 0)) };
    let end = first.saturating_add(EXTENT);
    let last: Option<i64> = connection
        .prepare_cached("select max(seq) from record where id >= ?1 and id < ?2 and run = ?3")?
        .query_row([first, end, run], |row| row.get(0))?;
    Ok((last.and_then(|last| u64::try_from(last).ok()).unwrap_or(0), end))
}

/// The records of a run after that one, and at most so many, each looked at.
pub(crate) fn read(
    connection: &Connection,
    run: i64,
    after: u64,
    most: usize,
) -> Result<Vec<Record>, ReadError> {
    let mut found = Vec::new();
    let outcome = scan(connection, run, after, most, &mut |record| found.push(record));
    match outcome {
        Ok(()) => Ok(found),
        // The pages of other runs may be sound.
        Err(ReadError::Sqlite(error)) if is_corrupt(&error) => {
            let next = after.saturating_add(found.len() as u64 + 1);
            Err(ReadError::Damaged(format!("record {next} or one after it: {error}")))
        }
        Err(error) => Err(error),
    }
}

fn scan(
    connection: &Connection,
    run: i64,
    after: u64,
    most: usize,
    each: &mut dyn FnMut(Record),
) -> Result<(), ReadError> {
    let mut next = after.saturating_add(1);
    let past = next.saturating_add(most as u64);
    let mut extents = connection.prepare_cached(
        "select first from extent where run = ?1 and seq >= coalesce( \
         (select max(seq) from extent where run = ?1 and seq <= ?2), 0) order by seq",
    )?;
    let mut select = connection.prepare_cached(
        "select seq, at, kind, step, attempt, item, body, checksum from record \
         where id >= ?1 and id < ?2 and run = ?3 and seq > ?4 order by id",
    )?;
    let mut extents = extents.query(params![run, stored(next)])?;
    while let Some(extent) = extents.next()? {
        let first: i64 = extent.get(0)?;
        let mut rows =
            select.query(params![first, first.saturating_add(EXTENT), run, stored(after)])?;
        while let Some(row) = rows.next()? {
            if next == past {
                return Ok(());
            }
            each(record(row, run, next)?);
            next += 1;
        }
    }
    Ok(())
}

/// The record in this row, which is to be that one of the run.
fn record(row: &Row<'_>, run: i64, next: u64) -> Result<Record, ReadError> {
    let mut columns = Columns::of(row);
    let (seq, at, kind) = (columns.number(0), columns.number(1), columns.text(2));
    let (step, attempt) = (columns.optional_small(3), columns.small(4));
    let (item, body) = (columns.optional_number(5), columns.text(6));
    let row = RecordRow {
        run,
        seq,
        at,
        kind: &kind,
        step: step.map(i64::from),
        attempt: attempt.into(),
        item,
        body: &body,
    };
    if columns.number(7) != row.checksum() {
        columns.damaged(|| String::from("its checksum does not fit it"));
    }
    let kind = RecordKind::from_name(&kind);
    match (columns.damage(), kind) {
        (None, Some(kind)) if seq == stored(next) => Ok(Record {
            seq: next,
            at: Timestamp(at.unsigned_abs()),
            kind,
            step,
            attempt,
            item: item.map(i64::unsigned_abs),
            body,
        }),
        (Some(damage), _) => Err(ReadError::Damaged(format!("record {next}: {damage}"))),
        (None, None) => Err(ReadError::Damaged(format!("record {next}: it is of an unknown kind"))),
        (None, Some(_)) => Err(ReadError::Damaged(format!("record {next} is missing"))),
    }
}
