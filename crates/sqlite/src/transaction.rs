//! Transactions whose statements are kept by their connection: to make them anew each time takes as long
//! as to insert a row or two.

use rusqlite::Connection;

/// A transaction. What is not committed of it is rolled back.
pub(crate) struct Transaction<'c>(&'c Connection);

impl<'c> Transaction<'c> {
    /// One that nobody else writes beside.
    pub(crate) fn to_write(connection: &'c Connection) -> rusqlite::Result<Self> {
        Self::begin(connection, "begin immediate")
    }

    /// One in which all that is read is of one moment.
    pub(crate) fn to_read(connection: &'c Connection) -> rusqlite::Result<Self> {
        Self::begin(connection, "begin")
    }

    fn begin(connection: &'c Connection, sql: &str) -> rusqlite::Result<Self> {
        connection.prepare_cached(sql)?.execute([])?;
        Ok(Self(connection))
    }

    pub(crate) fn commit(self) -> rusqlite::Result<()> {
        self.0.prepare_cached("commit")?.execute([])?;
        Ok(())
    }
}

impl Drop for Transaction<'_> {
    fn drop(&mut self) {
        if !self.0.is_autocommit() {
            let _ = self.0.execute_batch("rollback");
        }
    }
}
