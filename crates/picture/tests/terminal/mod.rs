//! Checks that the lines of a terminal drawing are whole: where a character points to its
//! neighbour, the neighbour points back, or is what a line may end at.

use proptest::prelude::*;
use unicode_width::UnicodeWidthChar;

const UP: u8 = 1;
const DOWN: u8 = 2;
const LEFT: u8 = 4;
const RIGHT: u8 = 8;
/// A character of a name, a label or a note.
const TEXT: u8 = 16;
const HEAD: u8 = 32;
const BAR: u8 = 64;
const FRAME: u8 = 128;

const fn cell(c: char) -> u8 {
    match c {
        '│' | '║' => UP | DOWN,
        '─' | '═' => LEFT | RIGHT,
        '┌' | '╒' | '╓' | '╔' => DOWN | RIGHT,
        '┐' | '╕' | '╖' | '╗' => DOWN | LEFT,
        '└' | '╘' | '╙' | '╚' => UP | RIGHT,
        '┘' | '╛' | '╜' | '╝' => UP | LEFT,
        '├' | '╞' | '╟' | '╠' => UP | DOWN | RIGHT,
        '┤' | '╡' | '╢' | '╣' => UP | DOWN | LEFT,
        '┬' | '╤' | '╥' | '╦' => DOWN | LEFT | RIGHT,
        '┴' | '╧' | '╨' | '╩' => UP | LEFT | RIGHT,
        '┼' | '╪' | '╫' | '╬' => UP | DOWN | LEFT | RIGHT,
        '▼' => HEAD,
        '━' => BAR,
        '╭' | '╮' | '╯' | '╰' | '╌' | '╎' => FRAME,
        ' ' => 0,
        _ => TEXT,
    }
}

/// Whether a picture draws its lines, frames and arrows with it.
pub(crate) const fn is_drawn(c: char) -> bool {
    !matches!(cell(c), 0 | TEXT)
}

pub(crate) fn check(drawn: &str) -> Result<(), TestCaseError> {
    // One entry a column: a wide character has a blank after it.
    let wide = |c: char| std::iter::once(c).chain((c.width() == Some(2)).then_some(' '));
    let rows: Vec<Vec<u8>> = drawn
        .lines()
        .map(|line| {
            line.chars().filter(|c| c.width() != Some(0)).flat_map(wide).map(cell).collect()
        })
        .collect();
    let at = |y: usize, x: usize| rows.get(y).and_then(|row| row.get(x)).copied().unwrap_or(0);
    let has = |kind: u8| rows.iter().map(move |row| row.iter().any(|c| c & kind != 0));
    let (words, borders): (Vec<bool>, Vec<bool>) = (has(TEXT).collect(), has(FRAME).collect());
    // Between the words of a label, or of a frame's head, there are blanks.
    let labelled = |y: usize| words.get(y) == Some(&true);
    let framed = |y: usize| borders.get(y) == Some(&true);
    for (y, row) in rows.iter().enumerate() {
        for (x, c) in row.iter().enumerate() {
            let joins = |there: u8, kinds: u8| there & (kinds | TEXT) != 0;
            if *c == HEAD {
                let lands = joins(at(y + 1, x), LEFT | BAR | FRAME) || framed(y + 1);
                prop_assert!(lands, "an arrow at {y}:{x} ends nowhere\n{drawn}");
                let comes = joins(at(y - 1, x), DOWN) || labelled(y - 1);
                prop_assert!(comes, "an arrow at {y}:{x} comes from nowhere\n{drawn}");
            }
            let whole = c & RIGHT == 0 || joins(at(y, x + 1), LEFT | FRAME);
            prop_assert!(whole, "torn to the right of {y}:{x}\n{drawn}");
            let whole = c & LEFT == 0 || joins(at(y, x - 1), RIGHT | FRAME);
            prop_assert!(whole, "torn to the left of {y}:{x}\n{drawn}");
            let whole = c & DOWN == 0 || joins(at(y + 1, x), UP | HEAD | BAR) || labelled(y + 1);
            prop_assert!(whole, "torn below {y}:{x}\n{drawn}");
            let whole = c & UP == 0 || joins(at(y - 1, x), DOWN | BAR) || labelled(y - 1);
            prop_assert!(whole, "torn above {y}:{x}\n{drawn}");
        }
    }
    Ok(())
}
