//! What other processes ask of the owner.

use nexus_core::journal::{Request, StoreError};
use rusqlite::{Connection, params};

use crate::Durability;
use crate::error::WriteError;
use crate::file::StoreFile;
use crate::number::now;
use crate::reader::Reader;

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

/// A request is done, or cannot be done.
pub(crate) fn remove(connection: &Connection, number: u64) -> Result<(), WriteError> {
    connection
        .prepare_cached("delete from request where id = ?1")?
        .execute([number.cast_signed()])?;
    Ok(())
}

/// The requests that the owner has not done yet. Those that this version does not know stay, for an
/// owner that does.
pub(crate) fn waiting(reader: &Reader) -> Result<Vec<(u64, Request)>, StoreError> {
    reader.read(|connection, _| {
        let mut select = connection.prepare_cached("select id, body from request order by id")?;
        let mut rows = select.query([])?;
        let mut waiting = Vec::new();
        while let Some(row) = rows.next()? {
            let request =
                row.get_ref(1)?.as_str().ok().and_then(|body| serde_json::from_str(body).ok());
            if let Some(request) = request {
                waiting.push((row.get::<_, i64>(0)?.cast_unsigned(), request));
            }
        }
        Ok(waiting)
    })
}
