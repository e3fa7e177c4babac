//! What other processes ask of the owner.

use std::sync::Mutex;

use nexus_core::journal::{Request, StoreError};
use rusqlite::{Connection, params};

use crate::error::WriteError;
use crate::file::StoreFile;
use crate::number::now;
use crate::reader::Reader;
use crate::writer::Writer;
use crate::{Durability, lock};

pub(crate) fn leave(connection: &Connection, request: &Request) -> Result<(), WriteError> {
    let body = serde_json::to_string(request)
        .map_err(|error| WriteError::Refused(format!("the request cannot be written: {error}")))?;
    connection
        .prepare_cached("insert into request (body, at) values (?1, ?2)")?
        .execute(params![body, now()])?;
    Ok(())
}

/// Leaves a request in a store that another process may own.
pub(crate) fn leave_beside(file: &StoreFile, request: &Request) -> Result<(), StoreError> {
    let connection = file.writer(Durability::PowerLoss)?;
    leave(&connection, request).map_err(|error| match error {
        WriteError::Refused(why) => StoreError::Refused(why),
        WriteError::Sqlite(error) => file.cannot("leave a request in", error),
    })
}

/// Takes the requests out of the store. Those that this version does not know stay, for an owner
/// that does. The owner asks four times a second, so it writes only where there is one.
pub(crate) fn take(reader: &Reader, writer: &Mutex<Writer>) -> Result<Vec<Request>, StoreError> {
    if reader.read(|connection, _| Ok(waiting(connection)?.is_empty()))? {
        return Ok(Vec::new());
    }
    lock(writer).transaction(|connection, _| {
        let waiting = waiting(connection)?;
        let mut delete = connection.prepare_cached("delete from request where id = ?1")?;
        for (id, _) in &waiting {
            delete.execute([id])?;
        }
        Ok(waiting.into_iter().map(|(_, request)| request).collect())
    })
}

/// The requests that the owner has not taken yet.
pub(crate) fn left(reader: &Reader) -> Result<Vec<Request>, StoreError> {
    reader.read(|connection, _| {
        Ok(waiting(connection)?.into_iter().map(|(_, request)| request).collect())
    })
}

fn waiting(connection: &Connection) -> rusqlite::Result<Vec<(i64, Request)>> {
    let mut select = connection.prepare_cached("select id, body from request order by id")?;
    let mut rows = select.query([])?;
    let mut waiting = Vec::new();
    while let Some(row) = rows.next()? {
        let request =
            row.get_ref(1)?.as_str().ok().and_then(|body| serde_json::from_str(body).ok());
        if let Some(request) = request {
            waiting.push((row.get(0)?, request));
        }
    }
    Ok(waiting)
}
