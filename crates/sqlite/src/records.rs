//! The records of a run.
//!
//! Records are appended to one table in the order in which they were committed, whatever run they
//! belong to, so that a commit writes to few pages however many runs it is about. The table `extent`
//! says where the records of a run are: from its record `seq` on, they are among the [`EXTENT`] rows
//! that begin with `first`; and just where, if they are few, so that to read one of many runs is not
//! to read them all. See `docs/decisions/0024`.

use nexus_core::journal::{Record, RecordKind, Timestamp};
use rusqlite::types::ValueRef;
use rusqlite::{Connection, OptionalExtension, Row, params};

use crate::checksum::RecordRow;
use crate::columns::Columns;
use crate::error::{ReadError, is_corrupt};
use crate::number::stored;

/// How many rows an extent spans.
pub(crate) const EXTENT: i64 = 2_048;

/// So many records of a run are few in an extent. To go to each of them takes as long as to read ten
/// or twenty rows that lie together.
const FEW: usize = 128;

/// Where the records of a run are within an extent, as long as they are few: how many rows after its
/// first.
#[derive(Debug, Clone, Default)]
pub(crate) struct Places(Vec<i64>);

impl Places {
    pub(crate) fn add(&mut self, place: i64) {
        // One more than few says that they are many.
        if self.0.len() <= FEW {
            self.0.push(place);
        }
    }

    /// A list of numbers; nothing where there are none, or many.
    pub(crate) fn json(self) -> Option<String> {
        let few = !self.0.is_empty() && self.0.len() <= FEW;
        if few { serde_json::to_string(&self.0).ok() } else { None }
    }
}

/// The `seq` of a run's last record, or zero; where its last extent ends, and its records there.
pub(crate) fn last_extent(
    connection: &Connection,
    run: i64,
) -> rusqlite::Result<(u64, i64, Places)> {
    let (last, end) = last_record(connection, run)?;
    let first = end.saturating_sub(EXTENT);
    let mut places = Places::default();
    let mut select = connection.prepare_cached(
        "select id from record where id >= ?1 and id < ?2 and run = ?3 order by id",
    )?;
    let mut rows = select.query(params![first, end, run])?;
    while let Some(row) = rows.next()? {
        places.add(row.get::<_, i64>(0)? - first);
    }
    Ok((last, end, places))
}

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
        "select extent.first, following.seq, following.places_before from extent \
         left join extent as following on following.run = ?1 and following.seq = \
         (select min(seq) from extent as later where later.run = ?1 and later.seq > extent.seq) \
         where extent.run = ?1 and extent.seq >= coalesce( \
         (select max(seq) from extent where run = ?1 and seq <= ?2), 0) order by extent.seq",
    )?;
    let mut at_places = connection.prepare_cached(
        "select record.seq, at, kind, step, attempt, item, body, checksum \
         from json_each(?1) as place cross join record on record.id = ?2 + place.value \
         where run = ?3 and record.seq > ?4",
    )?;
    let mut among_all = connection.prepare_cached(
        "select seq, at, kind, step, attempt, item, body, checksum from record \
         where id >= ?1 and id < ?2 and run = ?3 and seq > ?4 order by id",
    )?;
    let mut extents = extents.query(params![run, stored(next)])?;
    while let Some(extent) = extents.next()? {
        let first: i64 = extent.get(0)?;
        let (following, places): (Option<i64>, Option<String>) = (extent.get(1)?, extent.get(2)?);
        if let Some(places) = places.filter(|places| is_list(places)) {
            let mut rows = at_places.query(params![places, first, run, stored(next - 1)])?;
            // What is not where it should be may be beside it.
            while let Some(row) = rows.next()?
                && row.get_ref(0)? == ValueRef::Integer(stored(next))
            {
                if next == past {
                    return Ok(());
                }
                each(record(row, run, next)?);
                next += 1;
            }
            if following == Some(stored(next)) {
                continue;
            }
        }
        let end = first.saturating_add(EXTENT);
        let mut rows = among_all.query(params![first, end, run, stored(next - 1)])?;
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

/// Whether a text is a list of places.
fn is_list(places: &str) -> bool {
    serde_json::from_str::<Vec<i64>>(places).is_ok()
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
