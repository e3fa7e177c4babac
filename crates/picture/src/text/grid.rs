//! A grid of terminal cells. Where lines meet in a cell, it shows the box character that joins
//! them.

use std::collections::HashMap;
use std::fmt::Write;

use nexus_pointy::ArrowKind;
use unicode_width::UnicodeWidthChar;

use crate::look::StepOutcome;

/// The direction of a line from the middle of a cell to one of its sides.
#[derive(Debug, Clone, Copy)]
pub(super) enum Direction {
    Up,
    Down,
    Left,
    Right,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Style {
    #[default]
    Plain,
    Dim,
    Outcome(StepOutcome),
}

impl Style {
    /// The parameters of its ANSI escape.
    const fn ansi(self) -> Option<&'static str> {
        match self {
            Self::Plain => None,
            Self::Dim | Self::Outcome(StepOutcome::NotRun) => Some("2"),
            Self::Outcome(StepOutcome::Success) => Some("32"),
            Self::Outcome(StepOutcome::Failure) => Some("33"),
            Self::Outcome(StepOutcome::Exception) => Some("1;31"),
            Self::Outcome(StepOutcome::Goto) => Some("35"),
            Self::Outcome(StepOutcome::Bypassed) => Some("34"),
        }
    }
}

#[derive(Debug, Clone, Copy, Default)]
struct Cell {
    glyph: Glyph,
    style: Style,
}

#[derive(Debug, Clone, Copy, Default)]
enum Glyph {
    #[default]
    Blank,
    Char(char),
    /// The right half of a wide character.
    WideRight,
    /// The line in each direction: 0 for none, 1 for a thin one, 2 for a double one.
    Lines([u8; 4]),
}

#[derive(Debug, Default)]
pub(super) struct Grid {
    rows: Vec<Vec<Cell>>,
    /// Characters without a width, by the row and the column of the cell that they belong to.
    marks: HashMap<usize, HashMap<usize, String>>,
}

impl Grid {
    fn cell(&mut self, x: i64, y: i64) -> Option<&mut Cell> {
        let (x, y) = (usize::try_from(x).ok()?, usize::try_from(y).ok()?);
        if self.rows.len() <= y {
            self.rows.resize_with(y + 1, Vec::new);
        }
        let row = self.rows.get_mut(y)?;
        if row.len() <= x {
            row.resize(x + 1, Cell::default());
        }
        row.get_mut(x)
    }

    pub(super) fn put(&mut self, x: i64, y: i64, c: char, style: Style) {
        if let Some(cell) = self.cell(x, y) {
            *cell = Cell { glyph: Glyph::Char(c), style };
        }
    }

    pub(super) fn text(&mut self, mut x: i64, y: i64, text: &str, style: Style) {
        for c in text.chars() {
            let width = c.width().unwrap_or(0);
            if width == 0 {
                if let (Ok(x), Ok(y)) = (usize::try_from(x - 1), usize::try_from(y)) {
                    self.marks.entry(y).or_default().entry(x).or_default().push(c);
                }
                continue;
            }
            self.put(x, y, c, style);
            x += 1;
            if width > 1 {
                if let Some(cell) = self.cell(x, y) {
                    cell.glyph = Glyph::WideRight;
                }
                x += 1;
            }
        }
    }

    /// Adds a line from the middle of a cell. A bar is not overwritten; the border of a frame is
    /// joined.
    pub(super) fn line(&mut self, x: i64, y: i64, to: Direction, kind: ArrowKind, style: Style) {
        let Some(cell) = self.cell(x, y) else { return };
        let mut lines = match cell.glyph {
            Glyph::Lines(lines) => lines,
            Glyph::Char('╌' | '.') => [0, 0, 1, 1],
            Glyph::Char(_) | Glyph::WideRight => return,
            Glyph::Blank => {
                cell.style = style;
                [0; 4]
            }
        };
        let strength = &mut lines[to as usize];
        *strength = (*strength).max(match kind {
            ArrowKind::Then => 1,
            ArrowKind::Pipe => 2,
        });
        cell.glyph = Glyph::Lines(lines);
        if cell.style == Style::Dim {
            cell.style = style;
        }
    }

    /// A line from one cell to another of the same row, both included.
    ///
    /// Many lines may share a row up to a common end; `to` must be that end. Drawing stops where
    /// the rest of the row has been drawn before, so that the time for all of them is linear in the
    /// row.
    pub(super) fn horizontal(&mut self, from: i64, to: i64, y: i64, kind: ArrowKind, style: Style) {
        let (ahead, back) = if from < to {
            (Direction::Right, Direction::Left)
        } else {
            (Direction::Left, Direction::Right)
        };
        let step = (to - from).signum();
        self.line(from, y, ahead, kind, style);
        let mut x = from + step;
        while x != to {
            if self.is_crossed_by(x, y, kind, style) {
                self.line(x, y, back, kind, style);
                return;
            }
            self.line(x, y, back, kind, style);
            self.line(x, y, ahead, kind, style);
            x += step;
        }
        self.line(to, y, back, kind, style);
    }

    /// Whether a horizontal line at least as strong already crosses the cell.
    fn is_crossed_by(&mut self, x: i64, y: i64, kind: ArrowKind, style: Style) -> bool {
        let least = if kind == ArrowKind::Pipe { 2 } else { 1 };
        self.cell(x, y).is_some_and(|cell| match cell.glyph {
            Glyph::Lines([_, _, left, right]) => {
                left >= least && right >= least && (cell.style != Style::Dim || style == Style::Dim)
            }
            _ => false,
        })
    }

    pub(super) fn write(&self, out: &mut String, ascii: bool, colored: bool) {
        for (y, row) in self.rows.iter().enumerate() {
            let blank = |cell: &&Cell| matches!(cell.glyph, Glyph::Blank | Glyph::Char(' '));
            let end = row.len() - row.iter().rev().take_while(blank).count();
            let mut style = Style::Plain;
            let marks = self.marks.get(&y);
            for (x, cell) in row[..end].iter().enumerate() {
                if colored && cell.style != style && !blank(&cell) {
                    style = cell.style;
                    let _ = write!(
                        out,
                        "\x1b[0{}m",
                        style.ansi().map(|it| format!(";{it}")).unwrap_or_default()
                    );
                }
                match cell.glyph {
                    Glyph::Blank => out.push(' '),
                    Glyph::Char(c) => out.push(c),
                    Glyph::WideRight => {}
                    Glyph::Lines(lines) if ascii => out.push(ascii_char(lines)),
                    Glyph::Lines(lines) => out.push(box_char(lines)),
                }
                if let Some(marks) = marks.and_then(|row| row.get(&x)) {
                    out.push_str(marks);
                }
            }
            if style != Style::Plain {
                out.push_str("\x1b[0m");
            }
            out.push('\n');
        }
    }
}

/// The box character; where a thin and a double line cross, there is one for each direction.
fn box_char([up, down, left, right]: [u8; 4]) -> char {
    let shapes = match (up > 0, down > 0, left > 0, right > 0) {
        (_, _, false, false) => ['│', '│', '║', '║'],
        (false, false, _, _) => ['─', '═', '─', '═'],
        (false, true, false, true) => ['┌', '╒', '╓', '╔'],
        (false, true, true, false) => ['┐', '╕', '╖', '╗'],
        (true, false, false, true) => ['└', '╘', '╙', '╚'],
        (true, false, true, false) => ['┘', '╛', '╜', '╝'],
        (true, true, false, true) => ['├', '╞', '╟', '╠'],
        (true, true, true, false) => ['┤', '╡', '╢', '╣'],
        (false, true, true, true) => ['┬', '╤', '╥', '╦'],
        (true, false, true, true) => ['┴', '╧', '╨', '╩'],
        (true, true, true, true) => ['┼', '╪', '╫', '╬'],
    };
    let double = |a: u8, b: u8| usize::from(a.max(b) > 1);
    shapes[2 * double(up, down) + double(left, right)]
}

fn ascii_char([up, down, left, right]: [u8; 4]) -> char {
    let (vertical, horizontal) = (up.max(down), left.max(right));
    match (vertical, horizontal) {
        (1, 0) => '|',
        (2, _) => '#',
        (0, 1) => '-',
        (0, 2) => '=',
        _ => '+',
    }
}
