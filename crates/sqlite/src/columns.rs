//! Columns of a row that may be damaged.

use rusqlite::Row;
use rusqlite::types::ValueRef;

/// Reads the columns of a row, and remembers the first that is not of its type. Such a one reads as
/// what is left of it: of a damaged run, as much is shown as there is.
#[derive(Debug)]
pub(crate) struct Columns<'r> {
    row: &'r Row<'r>,
    damage: Option<String>,
}

impl<'r> Columns<'r> {
    pub(crate) fn of(row: &'r Row<'r>) -> Self {
        Self { row, damage: None }
    }

    /// What is damaged, if something is.
    pub(crate) fn damage(self) -> Option<String> {
        self.damage
    }

    /// Remembers a damage, unless there was one.
    pub(crate) fn damaged(&mut self, what: impl FnOnce() -> String) {
        self.damage.get_or_insert_with(what);
    }

    fn wrong(&mut self, column: usize) {
        let name = self.row.as_ref().column_name(column).unwrap_or("?");
        self.damage.get_or_insert_with(|| format!("its column `{name}`"));
    }

    pub(crate) fn optional_text(&mut self, column: usize) -> Option<String> {
        match self.row.get_ref(column) {
            Ok(ValueRef::Null) => None,
            Ok(ValueRef::Text(text)) => {
                if str::from_utf8(text).is_err() {
                    self.wrong(column);
                }
                Some(String::from_utf8_lossy(text).into_owned())
            }
            _ => {
                self.wrong(column);
                None
            }
        }
    }

    pub(crate) fn text(&mut self, column: usize) -> String {
        self.optional_text(column).unwrap_or_else(|| {
            self.wrong(column);
            String::new()
        })
    }

    pub(crate) fn optional_number(&mut self, column: usize) -> Option<i64> {
        match self.row.get_ref(column) {
            Ok(ValueRef::Null) => None,
            Ok(ValueRef::Integer(number)) if number >= 0 => Some(number),
            _ => {
                self.wrong(column);
                None
            }
        }
    }

    pub(crate) fn number(&mut self, column: usize) -> i64 {
        self.optional_number(column).unwrap_or_else(|| {
            self.wrong(column);
            0
        })
    }

    /// A number that was a `u32`.
    pub(crate) fn optional_small(&mut self, column: usize) -> Option<u32> {
        let number = self.optional_number(column)?;
        let small = u32::try_from(number).ok();
        if small.is_none() {
            self.wrong(column);
        }
        small
    }

    pub(crate) fn small(&mut self, column: usize) -> u32 {
        self.optional_small(column).unwrap_or_else(|| {
            self.wrong(column);
            0
        })
    }
}
