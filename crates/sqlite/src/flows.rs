//! Flows in the store: each once, however many runs began with it.

use std::sync::Arc;

use nexus_core::journal::{FlowRecord, FlowStep};
use rusqlite::{Connection, OptionalExtension, params};

use crate::columns::Columns;
use crate::error::ReadError;
use crate::number::stored;

/// How many flows are remembered.
const REMEMBERED: usize = 64;

/// The flows that were saved or loaded last, with their ids.
#[derive(Debug, Default)]
pub(crate) struct FlowCache(Vec<Known>);

#[derive(Debug)]
struct Known {
    id: i64,
    digest: String,
    flow: Arc<FlowRecord>,
}

impl FlowCache {
    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }

    fn remember(&mut self, id: i64, digest: String, flow: &Arc<FlowRecord>) {
        if self.0.len() == REMEMBERED {
            self.0.remove(0);
        }
        self.0.push(Known { id, digest, flow: Arc::clone(flow) });
    }

    pub(crate) fn get(&self, id: i64) -> Option<Arc<FlowRecord>> {
        self.0.iter().find(|known| known.id == id).map(|known| Arc::clone(&known.flow))
    }

    /// The id of a flow, which is saved if the store does not have it.
    ///
    /// The runs of a plan share one, so that it is hashed for the first of them only.
    pub(crate) fn save(
        &mut self,
        connection: &Connection,
        flow: &Arc<FlowRecord>,
    ) -> rusqlite::Result<i64> {
        if let Some(known) = self.0.iter().find(|known| Arc::ptr_eq(&known.flow, flow)) {
            return Ok(known.id);
        }
        let digest = digest(flow);
        if let Some(known) = self.0.iter().find(|known| known.digest == digest) {
            return Ok(known.id);
        }
        let saved = connection
            .prepare_cached("select id from flow where hash = ?1")?
            .query_row([&digest], |row| row.get(0))
            .optional()?;
        let id = match saved {
            Some(id) => id,
            None => insert(connection, flow, &digest)?,
        };
        self.remember(id, digest, flow);
        Ok(id)
    }

    /// Remembers a flow that was loaded.
    pub(crate) fn loaded(&mut self, id: i64, flow: &Arc<FlowRecord>) {
        self.remember(id, digest(flow), flow);
    }
}

fn digest(flow: &FlowRecord) -> String {
    format!("{:032x}", flow.digest())
}

fn insert(connection: &Connection, flow: &FlowRecord, digest: &str) -> rusqlite::Result<i64> {
    connection
        .prepare_cached("insert into flow (hash, script) values (?1, ?2)")?
        .execute(params![digest, flow.script])?;
    let id = connection.last_insert_rowid();
    let mut insert = connection.prepare_cached(
        "insert into flow_step (flow, step, path, event, version, output) \
         values (?1, ?2, ?3, ?4, ?5, ?6)",
    )?;
    for (step, FlowStep { path, event, version, output }) in flow.steps.iter().enumerate() {
        insert.execute(params![id, stored(step as u64), path, event, version, output])?;
    }
    Ok(id)
}

/// Loads a flow, and sees whether it is what was saved.
pub(crate) fn load(connection: &Connection, id: i64) -> Result<Arc<FlowRecord>, ReadError> {
    let damaged = || ReadError::Damaged(format!("its flow {id}"));
    let mut select = connection.prepare_cached("select hash, script from flow where id = ?1")?;
    let mut rows = select.query([id])?;
    let row = rows.next()?.ok_or_else(damaged)?;
    let mut columns = Columns::of(row);
    let (saved, script) = (columns.text(0), columns.text(1));
    let mut select = connection.prepare_cached(
        "select path, event, version, output from flow_step where flow = ?1 order by step",
    )?;
    let mut rows = select.query([id])?;
    let mut steps = Vec::new();
    while let Some(row) = rows.next()? {
        let mut columns = Columns::of(row);
        let (path, event, output) = (columns.text(0), columns.text(1), columns.text(3));
        steps.push(FlowStep { path, event, version: columns.small(2), output });
    }
    let flow = FlowRecord { script, steps };
    if digest(&flow) == saved { Ok(Arc::new(flow)) } else { Err(damaged()) }
}
