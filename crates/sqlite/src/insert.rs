//! Records on their way into their table, several with one statement, since to begin and end a statement
//! costs as much as to insert a row.

use nexus_core::journal::Record;
use rusqlite::{CachedStatement, Connection};

use crate::checksum::RecordRow;
use crate::error::WriteError;
use crate::number::stored;

/// How many rows a statement inserts; smaller ones take what is left.
const SIZES: [usize; 3] = [16, 4, 1];

/// A row with its place in the table.
struct Placed<'a> {
    id: i64,
    row: RecordRow<'a>,
    checksum: i64,
}

/// Rows of one transaction that are not in the table yet.
pub(crate) struct Inserts<'c, 'a> {
    connection: &'c Connection,
    /// The statements of those sizes.
    statements: [Option<CachedStatement<'c>>; SIZES.len()],
    waiting: Vec<Placed<'a>>,
}

impl<'c, 'a> Inserts<'c, 'a> {
    pub(crate) fn new(connection: &'c Connection) -> Self {
        let waiting = Vec::with_capacity(SIZES[0]);
        Self { connection, statements: [const { None }; SIZES.len()], waiting }
    }

    /// Puts the record of a run at this place, the next one of the table, now or with the ones after it.
    pub(crate) fn add(&mut self, id: i64, run: i64, record: &'a Record) -> Result<(), WriteError> {
        let row = RecordRow {
            run,
            seq: stored(record.seq),
            at: stored(record.at.0),
            kind: record.kind.name(),
            step: record.step.map(i64::from),
            attempt: i64::from(record.attempt),
            item: record.item.map(stored),
            body: &record.body,
        };
        let checksum = row.checksum();
        self.waiting.push(Placed { id, row, checksum });
        if self.waiting.len() == SIZES[0] { self.flush() } else { Ok(()) }
    }

    /// Inserts what waits.
    ///
    /// # Errors
    ///
    /// If SQLite, which numbers the rows, has put them elsewhere: then nothing of the transaction counts.
    pub(crate) fn flush(&mut self) -> Result<(), WriteError> {
        let mut rest = self.waiting.as_slice();
        for (size, place) in SIZES.into_iter().zip(&mut self.statements) {
            while rest.len() >= size {
                let statement = match place {
                    Some(statement) => statement,
                    None => place.insert(self.connection.prepare_cached(&sql(size))?),
                };
                let (rows, others) = rest.split_at(size);
                bind(statement, rows)?;
                statement.raw_execute()?;
                let expected = rows.last().map(|row| row.id);
                if expected != Some(self.connection.last_insert_rowid()) {
                    let why = "SQLite has put the records at other places than they were to have";
                    return Err(WriteError::Refused(String::from(why)));
                }
                rest = others;
            }
        }
        self.waiting.clear();
        Ok(())
    }
}

fn sql(rows: usize) -> String {
    let values = vec!["(?, ?, ?, ?, ?, ?, ?, ?, ?)"; rows].join(", ");
    format!(
        "insert into record (run, seq, at, kind, step, attempt, item, body, checksum) \
         values {values}"
    )
}

fn bind(statement: &mut CachedStatement<'_>, rows: &[Placed<'_>]) -> rusqlite::Result<()> {
    let mut first = 1;
    for Placed { row, checksum, .. } in rows {
        statement.raw_bind_parameter(first, row.run)?;
        statement.raw_bind_parameter(first + 1, row.seq)?;
        statement.raw_bind_parameter(first + 2, row.at)?;
        statement.raw_bind_parameter(first + 3, row.kind)?;
        statement.raw_bind_parameter(first + 4, row.step)?;
        statement.raw_bind_parameter(first + 5, row.attempt)?;
        statement.raw_bind_parameter(first + 6, row.item)?;
        statement.raw_bind_parameter(first + 7, row.body)?;
        statement.raw_bind_parameter(first + 8, checksum)?;
        first += 9;
    }
    Ok(())
}
