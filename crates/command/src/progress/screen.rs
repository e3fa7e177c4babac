//! The lines at the bottom of a terminal.
//!
//! Bodies print while the lines are there, and nobody knows where they leave the cursor. So the rows of
//! the lines are taken out of what the terminal scrolls: everything else scrolls above them, and the
//! cursor is only borrowed to draw them. A program that redraws from the cursor on, as progress bars
//! do, would erase what bodies print, or leave pieces of its own lines in it; see
//! `docs/decisions/0034-lines-below-what-scrolls.md`.

use std::fmt::Write as _;
use std::io::Write;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use super::view::View;

/// How often the screen is drawn at most.
pub(super) const FRAME: Duration = Duration::from_millis(100);
/// So many rows are left to everything else.
const LEFT_ROWS: usize = 4;
/// The size of a terminal that does not say its own.
const USUAL_SIZE: (usize, usize) = (80, 24);

/// Gives the terminal all of its rows back, and erases what was drawn on those that were taken.
const CLOSE: &str = "\x1b7\x1b[r\x1b8\x1b[J";

/// Whether rows are taken from this process's terminal. Held while something is drawn, so that the
/// thread that ends the process has the last word.
static STATE: Mutex<State> = Mutex::new(State::Whole);

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Whole,
    Taken,
    /// The process ends, and nothing is drawn any more.
    Ending,
}

/// The rows that are taken from the terminal behind the standard error.
pub(super) struct Screen {
    rows: Rows,
}

impl Screen {
    /// None yet.
    pub(super) fn new() -> Self {
        Self { rows: Rows::default() }
    }

    pub(super) fn show(&mut self, view: &View) {
        let (width, height) = nexus_terminal::size_of_stderr().unwrap_or(USUAL_SIZE);
        if height <= LEFT_ROWS {
            return self.close();
        }
        let drawn = self.rows.draw(&view.lines(width, height - LEFT_ROWS), (width, height));
        let mut state = STATE.lock().unwrap_or_else(PoisonError::into_inner);
        if *state != State::Ending {
            *state = State::Taken;
            write(&drawn);
        }
    }

    pub(super) fn close(&mut self) {
        self.rows = Rows::default();
        give_back(State::Whole);
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        self.close();
    }
}

/// Gives back what was taken, before the process ends at once.
pub(crate) fn restore() {
    give_back(State::Ending);
}

fn give_back(then: State) {
    let mut state = STATE.lock().unwrap_or_else(PoisonError::into_inner);
    if *state == State::Taken {
        write(CLOSE);
    }
    if *state != State::Ending {
        *state = then;
    }
}

/// Writes all of it in one piece, between which nothing else comes.
fn write(text: &str) {
    // A terminal that is gone is nothing to end for.
    let _ = std::io::stderr().write_all(text.as_bytes());
}

/// How many rows at the bottom are taken, and of a terminal of which size.
#[derive(Default)]
pub(super) struct Rows {
    taken: usize,
    size: (usize, usize),
}

impl Rows {
    /// What the terminal has to be sent, so that these lines are at its bottom.
    pub(super) fn draw(&mut self, lines: &[String], size: (usize, usize)) -> String {
        let mut out = String::new();
        if self.taken > 0 && self.size != size {
            out.push_str(CLOSE);
            self.taken = 0;
        }
        let (_, height) = size;
        self.size = size;
        let more = lines.len().saturating_sub(self.taken);
        if more > 0 {
            // What is above moves up if it has to, and the cursor with it, but stays in its column.
            out.push_str(&"\x1bD".repeat(more));
            self.taken = lines.len();
            let last = height.saturating_sub(self.taken).max(1);
            let _ = write!(out, "\x1b[{more}A\x1b7\x1b[1;{last}r\x1b8");
        }
        out.push_str("\x1b7\x1b[m");
        let first = height.saturating_sub(self.taken) + 1;
        let blank = self.taken - lines.len();
        let rows = std::iter::repeat_n("", blank).chain(lines.iter().map(String::as_str));
        for (row, line) in (first..).zip(rows) {
            let _ = write!(out, "\x1b[{row};1H\x1b[2K{line}");
        }
        out.push_str("\x1b8");
        out
    }
}

#[cfg(test)]
mod tests {
    use super::super::emulator::Emulator;
    use super::*;

    fn lines(count: usize) -> Vec<String> {
        (0..count).map(|line| format!("line {line} of {count}")).collect()
    }

    /// What bodies print while lines are shown is all there afterwards, and nothing else is.
    #[test]
    fn what_bodies_print_is_not_torn() {
        let size = (30, 10);
        for begin in [0, 3, 9, 20] {
            let mut terminal = Emulator::new(size);
            let mut printed: Vec<String> = Vec::new();
            let mut print = |terminal: &mut Emulator, text: &str| {
                terminal.write(text);
                let mut parts = text.split('\n');
                let first = parts.next().unwrap_or_default();
                match printed.last_mut() {
                    Some(line) => line.push_str(first),
                    None => printed.push(first.to_owned()),
                }
                printed.extend(parts.map(str::to_owned));
            };
            for line in 0..begin {
                print(&mut terminal, &format!("before {line}\n"));
            }
            let mut rows = Rows::default();
            for (round, count) in [1, 3, 2, 5, 5, 1, 6].into_iter().enumerate() {
                print(&mut terminal, &format!("a part {round}, "));
                terminal.write(&rows.draw(&lines(count), size));
                print(&mut terminal, "and its end\n");
                for line in 0..round {
                    print(&mut terminal, &format!("printed {round}.{line}\n"));
                }
                assert_eq!(terminal.last_rows(count), lines(count), "round {round}");
            }
            terminal.write(CLOSE);
            print(&mut terminal, "after\n");
            while printed.last().is_some_and(String::is_empty) {
                printed.pop();
            }
            assert_eq!(terminal.all(), printed, "{begin} lines before");
        }
    }

    #[test]
    fn a_terminal_of_another_size_gets_its_rows_anew() {
        let mut rows = Rows::default();
        let _ = rows.draw(&lines(3), (30, 10));
        let drawn = rows.draw(&lines(2), (40, 12));
        assert!(drawn.starts_with(CLOSE), "{drawn:?}");
        assert!(drawn.contains("\x1b[1;10r"), "{drawn:?}");
    }
}
