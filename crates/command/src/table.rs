//! Tables for people, which fit the terminal that shows them.

use std::fmt::Write;

use nexus_pointy::visible;
use nexus_terminal::cut;
use unicode_width::UnicodeWidthStr;

/// What shows the standard output.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Screen {
    /// Its columns; `None` for a file or a pipe, in which lines have any length.
    pub(crate) width: Option<usize>,
    pub(crate) is_colored: bool,
}

impl Screen {
    pub(crate) fn of_stdout() -> Self {
        Self {
            width: nexus_terminal::columns(),
            is_colored: nexus_terminal::is_colored(&std::io::stdout()),
        }
    }

    /// The text in this colour.
    pub(crate) fn paint(self, color: Option<Color>, text: &str) -> String {
        match color.filter(|_| self.is_colored) {
            Some(color) => format!("\x1b[{}m{text}\x1b[0m", color as u8),
            None => text.to_owned(),
        }
    }
}

/// A colour of the terminal, by its number in an escape.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Color {
    Bold = 1,
    Red = 31,
    Green = 32,
    Yellow = 33,
    Grey = 90,
}

/// A column of a table.
pub(crate) struct Column {
    heading: &'static str,
    is_number: bool,
    /// It is cut where the table is too wide.
    gives_way: bool,
}

impl Column {
    pub(crate) const fn text(heading: &'static str) -> Self {
        Self { heading, is_number: false, gives_way: false }
    }

    pub(crate) const fn number(heading: &'static str) -> Self {
        Self { heading, is_number: true, gives_way: false }
    }

    /// A column with texts of users, which may be long.
    pub(crate) const fn long(heading: &'static str) -> Self {
        Self { heading, is_number: false, gives_way: true }
    }
}

/// What stands in a column of a row.
pub(crate) struct Cell {
    text: String,
    color: Option<Color>,
}

impl Cell {
    pub(crate) fn new(text: impl std::fmt::Display) -> Self {
        Self { text: visible(text).on_one_line().to_string(), color: None }
    }

    pub(crate) fn colored(mut self, color: Option<Color>) -> Self {
        self.color = color;
        self
    }
}

/// Columns under their headings.
pub(crate) struct Table {
    columns: Vec<Column>,
    rows: Vec<Vec<Cell>>,
}

/// Between two columns.
const GAP: usize = 2;
/// What a column keeps at least when it gives way.
const LEAST_WIDTH: usize = 8;

impl Table {
    pub(crate) fn new(columns: impl Into<Vec<Column>>) -> Self {
        Self { columns: columns.into(), rows: Vec::new() }
    }

    pub(crate) fn add(&mut self, row: impl Into<Vec<Cell>>) {
        self.rows.push(row.into());
    }

    /// The table, each row in a line.
    pub(crate) fn draw(&self, screen: Screen) -> String {
        let widths = self.widths(screen.width);
        let mut out = String::new();
        let headings = self
            .columns
            .iter()
            .map(|column| Cell { text: column.heading.to_owned(), color: Some(Color::Bold) });
        self.draw_row(&headings.collect::<Vec<_>>(), &widths, screen, &mut out);
        for row in &self.rows {
            self.draw_row(row, &widths, screen, &mut out);
        }
        out
    }

    fn draw_row(&self, row: &[Cell], widths: &[usize], screen: Screen, out: &mut String) {
        let last = row.iter().rposition(|cell| !cell.text.is_empty()).unwrap_or(0);
        for (place, ((cell, column), width)) in
            row.iter().zip(&self.columns).zip(widths).enumerate().take(last + 1)
        {
            let text = cut(&cell.text, *width);
            let padding = " ".repeat(width - text.width());
            let painted = screen.paint(cell.color, &text);
            let _ = match (column.is_number, place == last) {
                (true, _) => write!(out, "{padding}{painted}"),
                (false, true) => write!(out, "{painted}"),
                (false, false) => write!(out, "{painted}{padding}"),
            };
            if place < last {
                out.push_str("  ");
            }
        }
        out.push('\n');
    }

    /// How wide each column is, so that all of them fit if they can.
    fn widths(&self, most: Option<usize>) -> Vec<usize> {
        let width_of = |place: usize| {
            let cells = self.rows.iter().filter_map(|row| row.get(place));
            let heading = self.columns.get(place).map_or(0, |column| column.heading.width());
            cells.map(|cell| cell.text.width()).max().unwrap_or(0).max(heading)
        };
        let mut widths: Vec<usize> = (0..self.columns.len()).map(width_of).collect();
        let gaps = GAP * self.columns.len().saturating_sub(1);
        let mut excess =
            most.map_or(0, |most| (widths.iter().sum::<usize>() + gaps).saturating_sub(most));
        while excess > 0 {
            let giving = widths.iter_mut().zip(&self.columns).filter(|(_, it)| it.gives_way);
            let Some((widest, _)) = giving.max_by_key(|(width, _)| **width) else { break };
            if *widest <= LEAST_WIDTH {
                break;
            }
            *widest -= 1;
            excess -= 1;
        }
        widths
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(key: &str) -> Table {
        let mut table =
            Table::new([Column::long("KEY"), Column::text("STATUS"), Column::number("RECORDS")]);
        table.add([Cell::new(key), Cell::new("failed").colored(Some(Color::Red)), Cell::new(12)]);
        table
    }

    const PLAIN: Screen = Screen { width: None, is_colored: false };

    #[test]
    fn a_file_gets_whole_texts_without_colours() {
        let drawn = table("order-4711-of-a-customer").draw(PLAIN);
        let expected = "KEY                       STATUS  RECORDS\norder-4711-of-a-customer  failed       12\n";
        assert_eq!(drawn, expected);
    }

    #[test]
    fn a_terminal_gets_lines_that_fit() {
        let drawn = table("order-4711-of-a-customer").draw(Screen { width: Some(30), ..PLAIN });
        assert_eq!(drawn, "KEY            STATUS  RECORDS\norder-4711-o…  failed       12\n");
        let drawn = table("注文番号四七一一番の注文").draw(Screen { width: Some(30), ..PLAIN });
        assert_eq!(drawn, "KEY            STATUS  RECORDS\n注文番号四七…  failed       12\n");
        let narrow = table("order-4711").draw(Screen { width: Some(5), ..PLAIN });
        assert!(
            narrow.contains("order-4…  failed"),
            "a narrow one gets what can be read: {narrow}"
        );
    }

    #[test]
    fn colours_take_no_room() {
        let drawn = table("A-1").draw(Screen { width: None, is_colored: true });
        let expected = "\x1b[1mKEY\x1b[0m  \x1b[1mSTATUS\x1b[0m  \x1b[1mRECORDS\x1b[0m\nA-1  \x1b[31mfailed\x1b[0m       12\n";
        assert_eq!(drawn, expected);
    }

    #[test]
    fn a_text_of_a_user_stays_in_its_line() {
        let drawn = table("a\nb\x1b[2J").draw(PLAIN);
        assert_eq!(drawn.lines().count(), 2, "{drawn}");
        assert!(!drawn.contains('\x1b'), "{drawn}");
    }
}
