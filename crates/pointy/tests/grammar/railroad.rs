//! Draws productions as railroad diagrams.
//!
//! A piece is drawn from left to right on a line; `up` and `down` say how far it reaches
//! above and below it. The colours are readable on light and on dark ground.

use std::fmt::Write;

use crate::ebnf::Expr;

const CHAR: usize = 9;
const BOX: usize = 26;
const GAP: usize = 12;
const RADIUS: usize = 9;

/// What is drawn.
enum Piece {
    /// A token or a production.
    Box {
        text: String,
        round: bool,
    },
    Row(Vec<Piece>),
    /// One of these; the first is on the line.
    Stack(Vec<Piece>),
    /// The piece, or nothing: a line above goes round it.
    Maybe(Box<Piece>),
    /// The piece, and then perhaps back below through the other, if any.
    Loop(Box<Piece>, Option<Box<Piece>>),
}

/// A diagram as an SVG file.
pub(crate) fn svg(name: &str, expr: &Expr) -> String {
    let piece = piece(expr);
    let (margin, ends) = (8, 22);
    let width = piece.width() + 2 * (margin + ends);
    let height = piece.up() + piece.down() + 2 * margin;
    let y = margin + piece.up();
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" \
         viewBox=\"0 0 {width} {height}\" role=\"img\" aria-label=\"Railroad diagram of {name}\">\n\
         <style>path{{fill:none;stroke:#7a828e;stroke-width:2}}\
         rect{{fill:#dfe7f5;stroke:#5f7396;stroke-width:1.5}}\
         .t{{fill:#d9efdc;stroke:#4f8460}}\
         text{{font:15px ui-monospace,Menlo,Consolas,'DejaVu Sans Mono',monospace;fill:#17202b;text-anchor:middle}}\
         </style>\n"
    );
    let right = width - margin;
    path(&mut out, &format!("M{margin} {}v12m0 -6h{ends}", y - 6));
    piece.draw(&mut out, margin + ends, y);
    path(&mut out, &format!("M{} {y}h{ends}m0 -6v12", right - ends));
    out.push_str("</svg>\n");
    out
}

fn piece(expr: &Expr) -> Piece {
    match expr {
        Expr::Text(text) => Piece::Box { text: text.clone(), round: true },
        Expr::Name(text) | Expr::Special(text) => Piece::Box { text: text.clone(), round: false },
        Expr::Choice(options) => Piece::Stack(options.iter().map(piece).collect()),
        Expr::Optional(inner) => Piece::Maybe(Box::new(piece(inner))),
        Expr::Repeat(inner) => Piece::Maybe(Box::new(Piece::Loop(Box::new(piece(inner)), None))),
        Expr::Sequence(parts) => Piece::Row(row(parts)),
    }
}

/// `a { "," a }` is drawn as a loop round `a` that goes back through the comma.
fn row(parts: &[Expr]) -> Vec<Piece> {
    let mut row: Vec<Piece> = Vec::new();
    let mut parts = parts.iter().peekable();
    while let Some(part) = parts.next() {
        if let Some(Expr::Repeat(inner)) = parts.peek()
            && let Expr::Sequence(again) = &**inner
            && let Some((last, between)) = again.split_last()
            && last == part
            && let [between] = between
        {
            row.push(Piece::Loop(Box::new(piece(part)), Some(Box::new(piece(between)))));
            parts.next();
        } else {
            row.push(piece(part));
        }
    }
    row
}

impl Piece {
    fn width(&self) -> usize {
        match self {
            Self::Box { text, .. } => text.chars().count() * CHAR + 20,
            Self::Row(pieces) => {
                pieces.iter().map(Self::width).sum::<usize>() + GAP * (pieces.len() - 1)
            }
            Self::Stack(pieces) => widest(pieces) + 4 * RADIUS,
            Self::Maybe(piece) => piece.width() + 4 * RADIUS,
            Self::Loop(piece, back) => {
                piece.width().max(back.as_ref().map_or(0, |back| back.width())) + 4 * RADIUS
            }
        }
    }

    fn up(&self) -> usize {
        match self {
            Self::Box { .. } => BOX / 2,
            Self::Row(pieces) => pieces.iter().map(Self::up).max().unwrap_or_default(),
            Self::Stack(pieces) => pieces[0].up(),
            Self::Maybe(piece) => piece.up().max(RADIUS) + GAP,
            Self::Loop(piece, _) => piece.up(),
        }
    }

    fn down(&self) -> usize {
        match self {
            Self::Box { .. } => BOX / 2,
            Self::Row(pieces) => pieces.iter().map(Self::down).max().unwrap_or_default(),
            Self::Stack(pieces) => {
                let below = pieces[1..].iter().map(|it| it.up() + it.down() + GAP);
                pieces[0].down() + below.sum::<usize>()
            }
            Self::Maybe(piece) => piece.down(),
            Self::Loop(piece, back) => piece.down() + loop_depth(back.as_deref()),
        }
    }

    fn draw(&self, out: &mut String, x: usize, y: usize) {
        let width = self.width();
        match self {
            Self::Box { text, round } => draw_box(out, x, y, width, text, *round),
            Self::Row(pieces) => {
                let mut at = x;
                for (index, piece) in pieces.iter().enumerate() {
                    if index > 0 {
                        path(out, &format!("M{} {y}h{GAP}", at - GAP));
                    }
                    piece.draw(out, at, y);
                    at += piece.width() + GAP;
                }
            }
            Self::Stack(pieces) => draw_stack(out, pieces, x, y, width),
            Self::Maybe(piece) => {
                let high = self.up() - 1;
                centred(out, piece, x, y, width);
                let (r, rise, across) = (RADIUS, high - 2 * RADIUS, width - 4 * RADIUS);
                path(
                    out,
                    &format!(
                        "M{x} {y}a{r} {r} 0 0 0 {r} -{r}v-{rise}a{r} {r} 0 0 1 {r} -{r}h{across}a{r} {r} 0 0 1 {r} {r}v{rise}a{r} {r} 0 0 0 {r} {r}"
                    ),
                );
            }
            Self::Loop(piece, back) => {
                centred(out, piece, x, y, width);
                let low = piece.down() + loop_depth(back.as_deref())
                    - back.as_ref().map_or(1, |back| back.down());
                let (r, fall, across) = (RADIUS, low - 2 * RADIUS, width - 4 * RADIUS);
                let (left, right) = (x + 2 * r, x + width - 2 * r);
                path(
                    out,
                    &format!(
                        "M{right} {y}a{r} {r} 0 0 1 {r} {r}v{fall}a{r} {r} 0 0 1 -{r} {r}m-{across} 0a{r} {r} 0 0 1 -{r} -{r}v-{fall}a{r} {r} 0 0 1 {r} -{r}"
                    ),
                );
                match back {
                    Some(back) => {
                        let start = left + (across - back.width()) / 2;
                        back.draw(out, start, y + low);
                        let end = start + back.width();
                        path(
                            out,
                            &format!("M{left} {}H{start}M{end} {}H{right}", y + low, y + low),
                        );
                    }
                    None => path(out, &format!("M{left} {}h{across}", y + low)),
                }
            }
        }
    }
}

fn widest(pieces: &[Piece]) -> usize {
    pieces.iter().map(Piece::width).max().unwrap_or_default()
}

fn loop_depth(back: Option<&Piece>) -> usize {
    back.map_or(GAP, |back| back.up() + back.down() + GAP / 2)
}

/// Draws a piece in the middle of a wider room, with lines to both sides.
fn centred(out: &mut String, piece: &Piece, x: usize, y: usize, width: usize) {
    let before = (width - piece.width()) / 2;
    let after = width - piece.width() - before;
    path(out, &format!("M{x} {y}h{before}m{} 0h{after}", piece.width()));
    piece.draw(out, x + before, y);
}

fn draw_stack(out: &mut String, pieces: &[Piece], x: usize, y: usize, width: usize) {
    let r = RADIUS;
    let inner = width - 4 * r;
    let mut low = 0;
    for (index, piece) in pieces.iter().enumerate() {
        if index == 0 {
            path(out, &format!("M{x} {y}h{0}m{inner} 0h{0}", 2 * r));
        } else {
            low += piece.up() + GAP;
            let fall = low - 2 * r;
            path(
                out,
                &format!(
                    "M{x} {y}a{r} {r} 0 0 1 {r} {r}v{fall}a{r} {r} 0 0 0 {r} {r}m{inner} 0a{r} {r} 0 0 0 {r} -{r}v-{fall}a{r} {r} 0 0 1 {r} -{r}"
                ),
            );
        }
        let after = inner - piece.width();
        piece.draw(out, x + 2 * r, y + low);
        path(out, &format!("M{} {}h{after}", x + 2 * r + piece.width(), y + low));
        low += piece.down();
    }
}

fn draw_box(out: &mut String, x: usize, y: usize, width: usize, text: &str, round: bool) {
    let (corner, class) = if round { (BOX / 2, " class=\"t\"") } else { (3, "") };
    let text = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    let _ = writeln!(
        out,
        "<rect{class} x=\"{x}\" y=\"{}\" width=\"{width}\" height=\"{BOX}\" rx=\"{corner}\"/>\
         <text x=\"{}\" y=\"{}\">{text}</text>",
        y - BOX / 2,
        x + width / 2,
        y + 5
    );
}

fn path(out: &mut String, path: &str) {
    let _ = writeln!(out, "<path d=\"{path}\"/>");
}
