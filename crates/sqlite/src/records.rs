//! The records of a run.
//!
//! Records are appended to one table in the order in which they were committed, whatever run they
//! belong to, so that a commit writes to few pages however many runs it is about. The table `extent`
//! says where the records of a run are: from its record `seq` on, they are among the `span` rows that
//! begin with `first`; and just where, if they are few, so that to read one of many runs is not to read
//! them all. See `docs/decisions/0024`.

use nexus_core::journal::{Record, RecordKind, Timestamp};
use rusqlite::types::ValueRef;
use rusqlite::{Connection, OptionalExtension, Row, params};

use crate::checksum::RecordRow;
use crate::columns::Columns;
use crate::error::{ReadError, is_corrupt};
use crate::file::{WITH_SPANS, version};
use crate::number::stored;

/// How many rows the first extent of a run spans.
const FIRST_SPAN: i64 = 2_048;

/// How many rows an extent spans at most: to find the last record of a run that goes on, one walks
/// through its last extent.
const LONGEST_SPAN: i64 = 8_192;

/// How many rows the extents of a store span that was made before they differed.
const FORMER_SPAN: &str = "2048";

/// The records of a run are few in an extent if they are no more than one of so many rows. To go to
/// each of them takes as long as to read ten or twenty rows that lie together.
const FEW: usize = 16;

/// The last record of a run among some rows.
const LAST: &str =
    "select seq from record where id >= ?1 and id < ?2 and run = ?3 order by id desc limit 1";

/// The records of a run among some rows.
const AMONG_ALL: &str = "select seq, at, kind, step, attempt, item, body, checksum, id from record \
     where id >= ?1 and id < ?2 and run = ?3 and seq > ?4 order by id";

/// The extent of a run in which its next record may be.
#[derive(Debug, Clone, Default)]
pub(crate) struct Extent {
    first: i64,
    /// How many rows it spans: none if the run has no extent yet.
    span: i64,
    /// Where the run's records are within it, as long as they are few: how many rows after its first.
    places: Vec<u16>,
}

impl Extent {
    pub(crate) fn contains(&self, place: i64) -> bool {
        place < self.first.saturating_add(self.span)
    }

    /// A record is at this place, which is in it.
    pub(crate) fn add(&mut self, place: i64) {
        // One more than few says that they are many.
        if let Ok(place) = u16::try_from(place.saturating_sub(self.first))
            && self.places.len() <= self.few()
        {
            self.places.push(place);
        }
    }

    /// The extent that begins at this place, after this one. Each of many runs writes its extents to
    /// a page of its own, so where the records of one are few, its next extent is longer.
    pub(crate) fn following(&self, first: i64) -> Self {
        let span = if self.is_sparse() { self.span.saturating_mul(2) } else { self.span };
        Self { first, span: span.clamp(FIRST_SPAN, LONGEST_SPAN), places: Vec::new() }
    }

    pub(crate) fn first(&self) -> i64 {
        self.first
    }

    pub(crate) fn span(&self) -> i64 {
        self.span
    }

    /// What comes after the last extent of a run that is over, so that nobody has to walk far through
    /// that one: it spans nothing, and begins with the run's last record.
    pub(crate) fn end(&self) -> Option<Self> {
        let last = self.places.last().copied().map(i64::from);
        let far = last.filter(|last| *last >= FIRST_SPAN && self.is_sparse())?;
        Some(Self { first: self.first.saturating_add(far), ..Self::default() })
    }

    /// Where the records are, as a list of numbers; nothing where there are none, or many.
    pub(crate) fn places(&self) -> Option<String> {
        if self.is_sparse() { serde_json::to_string(&self.places).ok() } else { None }
    }

    fn few(&self) -> usize {
        usize::try_from(self.span).unwrap_or(0) / FEW
    }

    /// Whether there are records of the run, but few.
    fn is_sparse(&self) -> bool {
        !self.places.is_empty() && self.places.len() <= self.few()
    }
}

/// How many rows an extent spans, as SQL: a column, or the same for all of an older store, which only
/// its owner brings up to date.
fn span(connection: &Connection) -> rusqlite::Result<&'static str> {
    Ok(if version(connection)? >= WITH_SPANS { "extent.span" } else { FORMER_SPAN })
}

/// The `seq` of a run's last record, or zero; and its last extent.
pub(crate) fn last_extent(connection: &Connection, run: i64) -> rusqlite::Result<(u64, Extent)> {
    let found = connection
        .prepare_cached("select first, span from extent where run = ?1 order by seq desc limit 1")?
        .query_row([run], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    let Some((first, span)) = found else { return Ok((0, Extent::default())) };
    let mut extent = Extent { first, span, places: Vec::new() };
    let mut select = connection.prepare_cached(
        "select id from record where id >= ?1 and id < ?2 and run = ?3 order by id",
    )?;
    let mut rows = select.query(params![first, first.saturating_add(span), run])?;
    while let Some(row) = rows.next()? {
        extent.add(row.get(0)?);
    }
    Ok((last_record(connection, run)?, extent))
}

/// The `seq` of a run's last record, or zero.
pub(crate) fn last_record(connection: &Connection, run: i64) -> rusqlite::Result<u64> {
    let span = span(connection)?;
    let sql = format!("select first, {span} from extent where run = ?1 order by seq desc limit 1");
    let found = connection
        .prepare_cached(&sql)?
        .query_row([run], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    let Some::<(i64, i64)>((first, span)) = found else { return Ok(0) };
    // One that spans nothing begins with the last record.
    let end = first.saturating_add(span.max(1));
    let last: Option<i64> = connection
        .prepare_cached(LAST)?
        .query_row(params![first, end, run], |row| row.get(0))
        .optional()?;
    Ok(last.and_then(|last| u64::try_from(last).ok()).unwrap_or(0))
}

/// A record, and a row that is its own or one before.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place {
    pub(crate) seq: u64,
    row: i64,
}

impl Place {
    /// That of a record that may be in any row.
    pub(crate) fn anywhere(seq: u64) -> Self {
        Self { seq, row: 0 }
    }
}

/// The records of a run after that one, and at most so many, each looked at. `after` is the last one then, so
/// that whoever goes on from there does not walk again through what comes before.
pub(crate) fn read(
    connection: &Connection,
    run: i64,
    after: &mut Place,
    most: usize,
) -> Result<Vec<Record>, ReadError> {
    let (mut found, from) = (Vec::new(), *after);
    let outcome = scan(connection, run, from, most, &mut |row, record| {
        *after = Place { seq: record.seq, row };
        found.push(record);
    });
    match outcome {
        Ok(()) => Ok(found),
        // The pages of other runs may be sound.
        Err(ReadError::Sqlite(error)) if is_corrupt(&error) => {
            let next = from.seq.saturating_add(found.len() as u64 + 1);
            Err(ReadError::Damaged(format!("record {next} or one after it: {error}")))
        }
        Err(error) => Err(error),
    }
}

fn scan(
    connection: &Connection,
    run: i64,
    after: Place,
    most: usize,
    each: &mut dyn FnMut(i64, Record),
) -> Result<(), ReadError> {
    let mut next = after.seq.saturating_add(1);
    let past = next.saturating_add(most as u64);
    let sql = format!(
        "select extent.first, {}, following.seq, following.places_before \
         from extent left join extent as following on following.run = ?1 and following.seq = \
         (select min(seq) from extent as later where later.run = ?1 and later.seq > extent.seq) \
         where extent.run = ?1 and extent.seq >= coalesce( \
         (select max(seq) from extent where run = ?1 and seq <= ?2), 0) order by extent.seq",
        span(connection)?
    );
    let mut extents = connection.prepare_cached(&sql)?;
    let mut at_places = connection.prepare_cached(
        "select record.seq, at, kind, step, attempt, item, body, checksum, record.id \
         from json_each(?1) as place cross join record on record.id = ?2 + place.value \
         where place.value > ?5 - ?2 and run = ?3 and record.seq > ?4",
    )?;
    let mut among_all = connection.prepare_cached(AMONG_ALL)?;
    let mut extents = extents.query(params![run, stored(next)])?;
    while let Some(extent) = extents.next()? {
        let (first, span): (i64, i64) = (extent.get(0)?, extent.get(1)?);
        let (following, places): (Option<i64>, Option<String>) = (extent.get(2)?, extent.get(3)?);
        if let Some(places) = places.filter(|places| is_list(places)) {
            let values = params![places, first, run, stored(next - 1), after.row];
            let mut rows = at_places.query(values)?;
            // What is not where it should be may be beside it.
            while let Some(row) = rows.next()?
                && row.get_ref(0)? == ValueRef::Integer(stored(next))
            {
                if next == past {
                    return Ok(());
                }
                each(row.get(8)?, record(row, run, next)?);
                next += 1;
            }
            if following == Some(stored(next)) {
                continue;
            }
        }
        let (begin, end) = (first.max(after.row), first.saturating_add(span));
        let mut rows = among_all.query(params![begin, end, run, stored(next - 1)])?;
        while let Some(row) = rows.next()? {
            if next == past {
                return Ok(());
            }
            each(row.get(8)?, record(row, run, next)?);
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test says what it expects")]

    use nexus_core::journal::{Change, FlowRecord, RunStart, Store};
    use rusqlite::StatementStatus;

    use super::*;
    use crate::SqliteStore;
    use crate::file::StoreFile;

    /// To plan a statement takes longer than to run it: a list of 50 runs must not do it for each of them.
    #[test]
    fn what_is_asked_of_each_run_is_planned_once() {
        let path = std::env::temp_dir().join(format!("nexus-planned-{}", std::process::id()));
        let file = StoreFile::find(&path).unwrap();
        file.create().unwrap();
        let connection = file.reader().unwrap();
        for run in 1..=50 {
            connection.prepare_cached(LAST).unwrap().exists(params![run, run + 9, run]).unwrap();
        }
        let planned = connection.prepare_cached(LAST).unwrap();
        assert_eq!(planned.get_status(StatementStatus::RePrepare), 0);
        assert!(planned.get_status(StatementStatus::VmStep) > 0);
        drop(planned);
        drop(connection);
        std::fs::remove_file(&path).unwrap();
    }

    /// Whoever watches a run in a busy store would else walk, each time, through what other runs have recorded
    /// since long ago.
    #[test]
    fn who_goes_on_from_a_record_does_not_walk_through_what_is_before_it() {
        let path = std::env::temp_dir().join(format!("nexus-walked-{}", std::process::id()));
        let store = SqliteStore::open(&path).unwrap();
        let flow = std::sync::Arc::new(FlowRecord { script: "a".into(), steps: Vec::new() });
        let start = RunStart::new("run", "P", flow, "{}".into(), Timestamp(1));
        let record = |seq| Record {
            seq,
            at: Timestamp(seq),
            kind: RecordKind::Completed,
            step: Some(0),
            attempt: 1,
            item: None,
            body: "{}".to_owned(),
        };
        let append = |seq| Change::Record { key: "run".into(), record: record(seq) };
        store.commit(&[Change::Start(start)]).unwrap();
        store.commit(&(1..=1_000).map(append).collect::<Vec<_>>()).unwrap();
        let connection = StoreFile::find(&path).unwrap().reader().unwrap();
        let walked = || {
            let select = connection.prepare_cached(AMONG_ALL).unwrap();
            select.reset_status(StatementStatus::VmStep)
        };
        let mut place = Place::anywhere(0);
        assert_eq!(read(&connection, 1, &mut place, usize::MAX).unwrap().len(), 1_000);
        assert!(walked() > 1_000);
        store.commit(&[append(1_001), append(1_002)]).unwrap();
        let next = read(&connection, 1, &mut place, usize::MAX).unwrap();
        assert_eq!(next.iter().map(|it| it.seq).collect::<Vec<_>>(), [1_001, 1_002]);
        assert!(walked() < 100);
        assert_eq!(place.seq, 1_002);
        drop(connection);
        drop(store);
        for suffix in ["", "-owner"] {
            std::fs::remove_file(format!("{}{suffix}", path.display())).unwrap();
        }
    }
}
