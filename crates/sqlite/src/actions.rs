//! Who has done what to runs and schedules.

use std::borrow::Cow;

use nexus_core::journal::{ActionTaken, StoreError, Timestamp};
use rusqlite::{Connection, Row, params};

use crate::Durability;
use crate::file::{StoreFile, WITH_ACTIONS, version};
use crate::reader::Reader;

pub(crate) fn note(connection: &Connection, action: &ActionTaken) -> rusqlite::Result<()> {
    let ActionTaken { at, by, key, action: what, step, error, .. } = action;
    connection
        .prepare_cached(
            "insert into action (at, actor, action, key, step, error) \
             values (?1, ?2, ?3, ?4, ?5, ?6)",
        )?
        .execute(params![at.0.cast_signed(), by, what, key, step, error])?;
    Ok(())
}

/// Notes something in a store that another process may own. The owner may be a program that is older
/// than these tables; then there is no place for it.
pub(crate) fn note_beside(file: &StoreFile, action: &ActionTaken) -> Result<(), StoreError> {
    let connection = file.writer(Durability::PowerLoss)?;
    let noted = has_actions(&connection)
        .and_then(|has| if has { note(&connection, action) } else { Ok(()) });
    noted.map_err(|error| file.cannot("write to", error))
}

fn has_actions(connection: &Connection) -> rusqlite::Result<bool> {
    Ok(version(connection)? >= WITH_ACTIONS)
}

/// The last ones first.
pub(crate) fn read(
    reader: &Reader,
    key: Option<&str>,
    most: usize,
) -> Result<Vec<ActionTaken>, StoreError> {
    let most = i64::try_from(most).unwrap_or(i64::MAX);
    reader.read(|connection, _| {
        if !has_actions(connection)? {
            return Ok(Vec::new());
        }
        let select = "select at, actor, action, key, step, error from action";
        match key {
            Some(key) => connection
                .prepare_cached(&format!("{select} where key = ?1 order by id desc limit ?2"))?
                .query_map(params![key, most], action)?
                .collect(),
            None => connection
                .prepare_cached(&format!("{select} order by id desc limit ?1"))?
                .query_map([most], action)?
                .collect(),
        }
    })
}

fn action(row: &Row<'_>) -> rusqlite::Result<ActionTaken> {
    let at = Timestamp(row.get::<_, i64>(0)?.cast_unsigned());
    let what: Cow<'static, str> = row.get::<_, String>(2)?.into();
    let key: String = row.get(3)?;
    let mut action = ActionTaken::new(at, row.get::<_, String>(1)?, what, key);
    (action.step, action.error) = (row.get(4)?, row.get(5)?);
    Ok(action)
}
