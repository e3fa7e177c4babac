//! Changes as they are written, in one transaction.

use std::collections::HashMap;
use std::sync::Arc;

use foldhash::fast::RandomState;
use nexus_core::Status;
use nexus_core::journal::{Change, FlowRecord, Record, RunStart, Timestamp};
use rusqlite::{Connection, OptionalExtension, params};

use crate::checksum::{StartColumns, StateColumns};
use crate::error::WriteError;
use crate::flows::FlowCache;
use crate::insert::Inserts;
use crate::number::stored;
use crate::records::{Extent, last_extent};

/// How many runs are remembered, at about 200 bytes each.
const REMEMBERED: usize = 65_536;

/// What the writer remembers of the store, so that it does not have to ask.
#[derive(Debug, Default)]
pub(crate) struct Caches {
    runs: HashMap<Arc<str>, OpenRun, RandomState>,
    flows: FlowCache,
    /// The place of the next record in its table.
    next: Option<i64>,
}

impl Caches {
    pub(crate) fn clear(&mut self) {
        self.runs.clear();
        self.flows.clear();
        self.next = None;
    }

    /// Records may have been removed, so that the next one has another place.
    pub(crate) fn forget_place(&mut self) {
        self.next = None;
    }

    fn remember(&mut self, key: &Arc<str>, run: OpenRun) {
        self.make_room(key);
        self.runs.insert(Arc::clone(key), run);
    }

    fn make_room(&mut self, key: &Arc<str>) {
        if self.runs.len() >= REMEMBERED && !self.runs.contains_key(key) {
            self.runs.clear();
        }
    }
}

/// A run that is written about.
#[derive(Debug, Clone)]
struct OpenRun {
    id: i64,
    /// The `seq` of its last record.
    last: u64,
    /// Its last extent.
    extent: Extent,
    reason: Option<String>,
}

/// Changes that become true together.
pub(crate) struct Batch<'c, 'a> {
    connection: &'c Connection,
    caches: &'c mut Caches,
    inserts: Inserts<'c, 'a>,
}

impl<'c, 'a> Batch<'c, 'a> {
    /// Writes these changes.
    pub(crate) fn write(
        connection: &'c Connection,
        caches: &'c mut Caches,
        changes: &'a [Change],
    ) -> Result<(), WriteError> {
        let mut batch = Self { connection, caches, inserts: Inserts::new(connection) };
        changes.iter().try_for_each(|change| batch.apply(change))?;
        batch.inserts.flush()
    }

    /// What is known of a run.
    fn know(&mut self, key: &Arc<str>) -> Result<&mut OpenRun, WriteError> {
        self.make_known(key)?;
        self.caches.runs.get_mut(key).ok_or_else(|| unknown(key))
    }

    /// Asks the store for a run that is not remembered.
    fn make_known(&mut self, key: &Arc<str>) -> Result<(), WriteError> {
        if !self.caches.runs.contains_key(key) {
            // Of its records some may wait.
            self.inserts.flush()?;
            let run = load(self.connection, key)?;
            self.caches.remember(key, run);
        }
        Ok(())
    }

    fn apply(&mut self, change: &'a Change) -> Result<(), WriteError> {
        match change {
            Change::Start(start) => self.start(start),
            Change::Record { key, record } => self.record(key, record),
            Change::Revise { key, record, flow } => self.revise(key, record, flow),
            Change::End { key, at, status } => self.end(key, *at, *status),
            Change::Decision { key, reason } => self.decision(key, reason.as_deref()),
            other => Err(WriteError::Refused(format!("this store cannot keep {other:?}"))),
        }
    }

    fn start(&mut self, start: &RunStart) -> Result<(), WriteError> {
        let flow = self.caches.flows.save(self.connection, &start.flow)?;
        let columns = StartColumns {
            key: &start.key,
            pipeline: &start.pipeline,
            flow,
            inputs: &start.inputs,
            started_at: stored(start.at.0),
            deadline: start.deadline.map(|at| stored(at.0)),
            parent: start.parent.as_deref(),
        };
        let state = StateColumns {
            key: &start.key,
            status: None,
            ended_at: None,
            reason: None,
            records: None,
        };
        let mut insert = self.connection.prepare_cached(
            "insert into run (key, pipeline, flow, inputs, started_at, deadline, parent, \
             start_checksum, state_checksum) values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9) \
             on conflict (key) do nothing",
        )?;
        let inserted = insert.execute(params![
            columns.key,
            columns.pipeline,
            columns.flow,
            columns.inputs,
            columns.started_at,
            columns.deadline,
            columns.parent,
            columns.checksum(),
            state.checksum(),
        ])?;
        if inserted == 0 {
            return Err(WriteError::Refused(format!("there is a run `{}` already", start.key)));
        }
        let id = self.connection.last_insert_rowid();
        let run = OpenRun { id, last: 0, extent: Extent::default(), reason: None };
        self.caches.remember(&start.key, run);
        Ok(())
    }

    fn record(&mut self, key: &Arc<str>, record: &'a Record) -> Result<(), WriteError> {
        if !self.record_of_remembered(key, record)? {
            self.make_known(key)?;
            self.record_of_remembered(key, record)?;
        }
        Ok(())
    }

    /// `false` if the run is not remembered.
    fn record_of_remembered(&mut self, key: &str, record: &'a Record) -> Result<bool, WriteError> {
        let Self { connection, caches, inserts } = self;
        let Caches { runs, next, .. } = &mut **caches;
        let Some(run) = runs.get_mut(key) else { return Ok(false) };
        if record.seq != run.last + 1 {
            return Err(WriteError::Refused(format!(
                "the run `{key}` has {} records, and what follows is record {}",
                run.last, record.seq
            )));
        }
        let place = next.map_or_else(|| first_free(connection), Ok)?;
        *next = Some(place.saturating_add(1));
        inserts.add(place, run.id, record)?;
        run.last = record.seq;
        if !run.extent.contains(place) {
            let following = run.extent.following(place);
            let places_before = run.extent.places();
            add_extent(connection, run.id, record.seq, &following, places_before.as_deref())?;
            run.extent = following;
        }
        run.extent.add(place);
        Ok(true)
    }

    /// The run goes on with another flow, or begins again: it is open, and needs no decision.
    fn revise(
        &mut self,
        key: &Arc<str>,
        record: &'a Record,
        flow: &Arc<FlowRecord>,
    ) -> Result<(), WriteError> {
        self.record(key, record)?;
        let flow = self.caches.flows.save(self.connection, flow)?;
        let run = self.know(key)?.id;
        self.connection
            .prepare_cached("insert into revision (run, seq, flow) values (?1, ?2, ?3)")?
            .execute(params![run, stored(record.seq), flow])?;
        self.decision(key, None)
    }

    fn end(&mut self, key: &Arc<str>, at: Timestamp, status: Status) -> Result<(), WriteError> {
        let run = self.know(key)?.clone();
        let columns = StateColumns {
            key,
            status: Some(status.name()),
            ended_at: Some(stored(at.0)),
            reason: run.reason.as_deref(),
            records: Some(stored(run.last)),
        };
        self.state(&run, &columns)?;
        if let Some(end) = run.extent.end() {
            let places = run.extent.places();
            add_extent(self.connection, run.id, run.last + 1, &end, places.as_deref())?;
        }
        self.caches.runs.remove(key);
        Ok(())
    }

    /// A run that had ended is open again, too.
    fn decision(&mut self, key: &Arc<str>, reason: Option<&str>) -> Result<(), WriteError> {
        let mut run = self.know(key)?.clone();
        let columns = StateColumns { key, status: None, ended_at: None, reason, records: None };
        self.state(&run, &columns)?;
        run.reason = reason.map(String::from);
        self.caches.remember(key, run);
        Ok(())
    }

    fn state(&self, run: &OpenRun, columns: &StateColumns<'_>) -> Result<(), WriteError> {
        let StateColumns { key: _, status, ended_at, reason, records } = columns;
        self.connection
            .prepare_cached(
                "update run set status = ?2, ended_at = ?3, reason = ?4, records = ?5, \
                 state_checksum = ?6 where id = ?1",
            )?
            .execute(params![run.id, status, ended_at, reason, records, columns.checksum()])?;
        Ok(())
    }
}

/// A run's records are in this extent from its record `seq` on, and in the extent before at these places.
fn add_extent(
    connection: &Connection,
    run: i64,
    seq: u64,
    extent: &Extent,
    places_before: Option<&str>,
) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "insert into extent (run, seq, first, places_before, span) values (?1, ?2, ?3, ?4, ?5)",
        )?
        .execute(params![run, stored(seq), extent.first(), places_before, extent.span()])?;
    Ok(())
}

/// The place after the last record.
fn first_free(connection: &Connection) -> rusqlite::Result<i64> {
    let mut select = connection.prepare_cached("select coalesce(max(id), 0) + 1 from record")?;
    select.query_row([], |row| row.get(0))
}

fn unknown(key: &str) -> WriteError {
    WriteError::Refused(format!("the store has no run `{key}`"))
}

fn load(connection: &Connection, key: &str) -> Result<OpenRun, WriteError> {
    let found = connection
        .prepare_cached("select id, reason from run where key = ?1")?
        .query_row([key], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    let (id, reason) = found.ok_or_else(|| unknown(key))?;
    // A run that was over goes on where it was.
    connection.prepare_cached("delete from extent where run = ?1 and span = 0")?.execute([id])?;
    let (last, extent) = last_extent(connection, id)?;
    Ok(OpenRun { id, last, extent, reason })
}
