//! Runs as the store has them, with what is damaged of them.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use nexus_core::Status;
use nexus_core::journal::{
    FlowRecord, Record, Revision, RunQuery, RunStart, RunState, StoreError, StoredRun, Timestamp,
};
use rusqlite::{Connection, OptionalExtension, Row, params_from_iter};

use crate::checksum::{StartColumns, StateColumns};
use crate::columns::Columns;
use crate::error::ReadError;
use crate::flows::{self, FlowCache};
use crate::lock;
use crate::number::stored;
use crate::query::Selection;
use crate::records::{self, Place};

/// How many records of a run listings look at, so that a list does not take as long as its longest
/// run; the others are looked at when they are read.
const LOOKED_AT: usize = 1_000;

/// How many runs are remembered to have been looked at.
const REMEMBERED: usize = 65_536;

const COLUMNS: &str = "id, key, pipeline, flow, inputs, started_at, deadline, parent, \
     start_checksum, status, ended_at, reason, records, state_checksum";

/// Reads runs, and remembers what it has looked at.
#[derive(Debug)]
pub(crate) struct Runs {
    /// The runs after this one were begun by this process.
    last_before: i64,
    flows: Mutex<FlowCache>,
    seen: Mutex<HashMap<i64, Seen>>,
}

/// What was seen of a run's records.
#[derive(Debug, Clone, Default)]
struct Seen {
    sound: u64,
    damage: Option<String>,
    /// The record that was read last: who watches a run goes on from there.
    last: Option<Place>,
}

impl Runs {
    /// Those of a store that this process owns; this one was the last when it was opened.
    pub(crate) fn written_after(last_before: i64) -> Self {
        Self { last_before, flows: Mutex::default(), seen: Mutex::default() }
    }

    /// Those of a store that others write.
    pub(crate) fn of_others() -> Self {
        Self::written_after(i64::MAX)
    }

    pub(crate) fn get(
        &self,
        connection: &Connection,
        key: &str,
    ) -> rusqlite::Result<Option<StoredRun>> {
        let mut select =
            connection.prepare_cached(&format!("select {COLUMNS} from run where key = ?1"))?;
        let mut rows = select.query([key])?;
        rows.next()?.map(|row| self.run(connection, row)).transpose()
    }

    pub(crate) fn list(
        &self,
        connection: &Connection,
        query: &RunQuery,
    ) -> rusqlite::Result<Vec<StoredRun>> {
        let Selection { wheres, values } = Selection::of(query);
        let sql = format!("select {COLUMNS} from run{wheres} order by started_at desc, key");
        let limit = query.limit.unwrap_or(usize::MAX);
        let mut select = connection.prepare_cached(&sql)?;
        let mut rows = select.query(params_from_iter(values))?;
        let mut found = Vec::new();
        while found.len() < limit {
            let Some(row) = rows.next()? else { break };
            let run = self.run(connection, row)?;
            // Whether it is damaged shows only now.
            if query.states.is_empty() || query.states.contains(&run.state) {
                found.push(run);
            }
        }
        Ok(found)
    }

    /// The records of a run; what is damaged is remembered.
    pub(crate) fn records(
        &self,
        connection: &Connection,
        key: &str,
        after: u64,
        most: usize,
    ) -> rusqlite::Result<Result<Vec<Record>, StoreError>> {
        let found = connection
            .prepare_cached("select id, records from run where key = ?1")?
            .query_row([key], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, Option<i64>>(1)?)))
            .optional()?;
        let Some((id, promised)) = found else {
            return Ok(Err(StoreError::Refused(format!("the store has no run `{key}`"))));
        };
        let known = lock(&self.seen).get(&id).and_then(|seen| seen.last);
        let mut place = known.filter(|it| it.seq == after).unwrap_or(Place::anywhere(after));
        let read = records::read(connection, id, &mut place, most).and_then(|records| {
            let last = after.saturating_add(records.len() as u64);
            match promised {
                Some(promised) if records.len() < most && stored(last) < promised => {
                    Err(ReadError::Damaged(format!("record {} is missing", last + 1)))
                }
                _ => Ok(records),
            }
        });
        match read {
            Ok(records) => {
                self.remember(id, |seen| seen.last = Some(place));
                Ok(Ok(records))
            }
            Err(ReadError::Damaged(what)) => {
                self.remember(id, |seen| seen.damage = Some(what.clone()));
                Ok(Err(StoreError::Damaged { key: key.into(), what }))
            }
            Err(ReadError::Sqlite(error)) => Err(error),
        }
    }

    fn run(&self, connection: &Connection, row: &Row<'_>) -> rusqlite::Result<StoredRun> {
        let mut columns = Columns::of(row);
        let id = columns.number(0);
        let (key, pipeline) = (columns.text(1), columns.text(2));
        let (flow, inputs) = (columns.number(3), columns.text(4));
        let (started_at, deadline) = (columns.number(5), columns.optional_number(6));
        let parent = columns.optional_text(7);
        let start = StartColumns {
            key: &key,
            pipeline: &pipeline,
            flow,
            inputs: &inputs,
            started_at,
            deadline,
            parent: parent.as_deref(),
        };
        if columns.number(8) != start.checksum() {
            columns.damaged(|| String::from("how it began: the checksum does not fit it"));
        }
        let (status, ended_at) = (columns.optional_text(9), columns.optional_number(10));
        let (reason, promised) = (columns.optional_text(11), columns.optional_number(12));
        let state = StateColumns {
            key: &key,
            status: status.as_deref(),
            ended_at,
            reason: reason.as_deref(),
            records: promised,
        };
        if columns.number(13) != state.checksum() {
            columns.damaged(|| String::from("how far it is: the checksum does not fit it"));
        }
        let known = status.as_deref().map(Status::from_name);
        if known == Some(None) {
            columns.damaged(|| String::from("it ended in an unknown way"));
        }
        let flow = match self.flow(connection, flow) {
            Ok(flow) => flow,
            Err(ReadError::Damaged(what)) => {
                columns.damaged(|| what);
                Arc::new(FlowRecord { script: String::new(), steps: Vec::new() })
            }
            Err(ReadError::Sqlite(error)) => return Err(error),
        };
        let revisions = match self.revisions(connection, id) {
            Ok(revisions) => revisions,
            Err(ReadError::Damaged(what)) => {
                columns.damaged(|| what);
                Vec::new()
            }
            Err(ReadError::Sqlite(error)) => return Err(error),
        };
        let (records, damage) = self.look(connection, id, promised)?;
        if let Some(damage) = damage {
            columns.damaged(|| damage);
        }
        let mut start =
            RunStart::new(key, pipeline, flow, inputs, Timestamp(started_at.unsigned_abs()));
        start.deadline = deadline.map(|at| Timestamp(at.unsigned_abs()));
        start.parent = parent.map(Arc::from);
        let mut run = StoredRun::new(start);
        run.ended_at = ended_at.map(|at| Timestamp(at.unsigned_abs()));
        (run.records, run.revisions) = (records, revisions);
        let damage = columns.damage();
        run.state = match (&damage, known.flatten()) {
            (Some(_), _) => RunState::Damaged,
            (None, Some(status)) => RunState::Ended(status),
            (None, None) if reason.is_some() => RunState::NeedsDecision,
            (None, None) => RunState::Unfinished,
        };
        run.reason = damage.or(reason);
        Ok(run)
    }

    fn flow(&self, connection: &Connection, id: i64) -> Result<Arc<FlowRecord>, ReadError> {
        if let Some(flow) = lock(&self.flows).get(id) {
            return Ok(flow);
        }
        let flow = flows::load(connection, id)?;
        lock(&self.flows).loaded(id, &flow);
        Ok(flow)
    }

    /// Where the run went on with other flows.
    fn revisions(&self, connection: &Connection, run: i64) -> Result<Vec<Revision>, ReadError> {
        let mut select = connection
            .prepare_cached("select seq, flow from revision where run = ?1 order by seq")?;
        let mut rows = select.query([run])?;
        let mut revisions = Vec::new();
        while let Some(row) = rows.next()? {
            let (seq, flow): (i64, i64) = (row.get(0)?, row.get(1)?);
            let damaged = || ReadError::Damaged(format!("what was decided of it by record {seq}"));
            let seq = u64::try_from(seq).ok().filter(|seq| *seq > 0).ok_or_else(damaged)?;
            let before = &mut Place::anywhere(seq - 1);
            let record = records::read(connection, run, before, 1)?.pop().ok_or_else(damaged)?;
            let flow = self.flow(connection, flow)?;
            if !record.body.contains(&format!("\"{:032x}\"", flow.digest())) {
                return Err(damaged());
            }
            revisions.push(Revision { seq, at: record.at, kind: record.kind, flow });
        }
        Ok(revisions)
    }

    /// How many records a run has, and what is damaged of those that were looked at.
    fn look(
        &self,
        connection: &Connection,
        id: i64,
        promised: Option<i64>,
    ) -> rusqlite::Result<(u64, Option<String>)> {
        let seen = lock(&self.seen).get(&id).cloned().unwrap_or_default();
        let last = records::last_record(connection, id)?;
        if seen.damage.is_some() {
            return Ok((last, seen.damage));
        }
        // What this process itself has just written would come from memory, not from the disk; and whoever
        // lists runs while they go on would read each of their records.
        let is_older = id <= self.last_before;
        let most = if is_older { LOOKED_AT.saturating_sub(seen.sound as usize) } else { 0 };
        let sound = &mut Place::anywhere(seen.sound);
        let read =
            if most > 0 { records::read(connection, id, sound, most) } else { Ok(Vec::new()) };
        let damage = match read {
            Ok(records) => {
                let sound = seen.sound.saturating_add(records.len() as u64);
                self.remember(id, |seen| seen.sound = seen.sound.max(sound));
                let promised = promised.map_or(0, i64::unsigned_abs);
                if last < promised {
                    Some(format!("{last} of its {promised} records are left"))
                } else {
                    (last < sound).then(|| format!("record {} is beyond its last one", last + 1))
                }
            }
            Err(ReadError::Damaged(what)) => Some(what),
            Err(ReadError::Sqlite(error)) => return Err(error),
        };
        if damage.is_some() {
            self.remember(id, |seen| seen.damage.clone_from(&damage));
        }
        Ok((last, damage))
    }

    fn remember(&self, id: i64, change: impl FnOnce(&mut Seen)) {
        let mut seen = lock(&self.seen);
        if seen.len() >= REMEMBERED && !seen.contains_key(&id) {
            seen.clear();
        }
        change(seen.entry(id).or_default());
    }
}
