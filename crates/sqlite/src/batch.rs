//! Changes as they are written, in one transaction.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;

use nexus_core::Status;
use nexus_core::journal::{Change, FlowRecord, Record, RunStart, Timestamp};
use rusqlite::{CachedStatement, Connection, OptionalExtension, params};

use crate::checksum::{RecordRow, StartColumns, StateColumns};
use crate::error::WriteError;
use crate::flows::FlowCache;
use crate::number::stored;
use crate::records::{EXTENT, Places, last_extent};

/// How many runs are remembered, at about 200 bytes each.
const REMEMBERED: usize = 65_536;

/// What the writer remembers of the store, so that it does not have to ask.
#[derive(Debug, Default)]
pub(crate) struct Caches {
    runs: HashMap<Arc<str>, OpenRun>,
    flows: FlowCache,
}

impl Caches {
    pub(crate) fn clear(&mut self) {
        self.runs.clear();
        self.flows.clear();
    }

    fn remember(&mut self, key: &Arc<str>, run: OpenRun) {
        self.make_room(key);
        self.runs.insert(Arc::clone(key), run);
    }

    /// What is known of a run, which is asked for where it is not remembered.
    fn know(
        &mut self,
        connection: &Connection,
        key: &Arc<str>,
    ) -> Result<&mut OpenRun, WriteError> {
        self.make_room(key);
        Ok(match self.runs.entry(Arc::clone(key)) {
            Entry::Occupied(run) => run.into_mut(),
            Entry::Vacant(place) => place.insert(load(connection, key)?),
        })
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
    /// Where its last extent ends.
    end: i64,
    /// Where its records are in that extent.
    places: Places,
    reason: Option<String>,
}

/// Changes that become true together.
pub(crate) struct Batch<'c> {
    connection: &'c Connection,
    caches: &'c mut Caches,
    insert_record: CachedStatement<'c>,
}

impl<'c> Batch<'c> {
    pub(crate) fn new(
        connection: &'c Connection,
        caches: &'c mut Caches,
    ) -> Result<Self, WriteError> {
        let insert_record = connection.prepare_cached(
            "insert into record (run, seq, at, kind, step, attempt, item, body, checksum) \
             values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
        )?;
        Ok(Self { connection, caches, insert_record })
    }

    pub(crate) fn apply(&mut self, change: &Change) -> Result<(), WriteError> {
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
        let run = OpenRun { id, last: 0, end: 0, places: Places::default(), reason: None };
        self.caches.remember(&start.key, run);
        Ok(())
    }

    fn record(&mut self, key: &Arc<str>, record: &Record) -> Result<(), WriteError> {
        let run = self.caches.know(self.connection, key)?;
        if record.seq != run.last + 1 {
            return Err(WriteError::Refused(format!(
                "the run `{key}` has {} records, and what follows is record {}",
                run.last, record.seq
            )));
        }
        let row = RecordRow {
            run: run.id,
            seq: stored(record.seq),
            at: stored(record.at.0),
            kind: record.kind.name(),
            step: record.step.map(i64::from),
            attempt: i64::from(record.attempt),
            item: record.item.map(stored),
            body: &record.body,
        };
        self.insert_record.execute(params![
            row.run,
            row.seq,
            row.at,
            row.kind,
            row.step,
            row.attempt,
            row.item,
            row.body,
            row.checksum(),
        ])?;
        run.last = record.seq;
        let place = self.connection.last_insert_rowid();
        if place >= run.end {
            let before = std::mem::take(&mut run.places).json();
            self.connection
                .prepare_cached(
                    "insert into extent (run, seq, first, places_before) values (?1, ?2, ?3, ?4)",
                )?
                .execute(params![run.id, row.seq, place, before])?;
            run.end = place.saturating_add(EXTENT);
        }
        run.places.add(place + EXTENT - run.end);
        Ok(())
    }

    /// The run goes on with another flow, or begins again: it is open, and needs no decision.
    fn revise(
        &mut self,
        key: &Arc<str>,
        record: &Record,
        flow: &Arc<FlowRecord>,
    ) -> Result<(), WriteError> {
        self.record(key, record)?;
        let flow = self.caches.flows.save(self.connection, flow)?;
        let run = self.caches.know(self.connection, key)?.id;
        self.connection
            .prepare_cached("insert into revision (run, seq, flow) values (?1, ?2, ?3)")?
            .execute(params![run, stored(record.seq), flow])?;
        self.decision(key, None)
    }

    fn end(&mut self, key: &Arc<str>, at: Timestamp, status: Status) -> Result<(), WriteError> {
        let run = self.caches.know(self.connection, key)?.clone();
        let columns = StateColumns {
            key,
            status: Some(status.name()),
            ended_at: Some(stored(at.0)),
            reason: run.reason.as_deref(),
            records: Some(stored(run.last)),
        };
        self.state(&run, &columns)?;
        self.caches.runs.remove(key);
        Ok(())
    }

    /// A run that had ended is open again, too.
    fn decision(&mut self, key: &Arc<str>, reason: Option<&str>) -> Result<(), WriteError> {
        let mut run = self.caches.know(self.connection, key)?.clone();
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

fn unknown(key: &str) -> WriteError {
    WriteError::Refused(format!("the store has no run `{key}`"))
}

fn load(connection: &Connection, key: &str) -> Result<OpenRun, WriteError> {
    let found = connection
        .prepare_cached("select id, reason from run where key = ?1")?
        .query_row([key], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    let (id, reason) = found.ok_or_else(|| unknown(key))?;
    let (last, end, places) = last_extent(connection, id)?;
    Ok(OpenRun { id, last, end, places, reason })
}
