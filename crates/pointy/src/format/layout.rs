//! Decides which breaks become line ends.
//!
//! A group is laid out flat if all of it, with the text up to the next break behind it,
//! fits on the rest of the line; else each of its own breaks ends the line, and the groups
//! in it are asked one by one. One pass backwards measures all groups, one pass forwards
//! prints.

/// The width of a line in characters.
const WIDTH: usize = 100;
/// The width of a level of indentation.
const INDENT: usize = 4;
/// Deeper levels are not indented further, so that a line is never mostly blanks.
const MAX_INDENT_DEPTH: usize = 16;

/// The kind of a group, which decides how its lines are indented when it is broken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum GroupKind {
    /// Its lines are indented like its first.
    Plain,
    /// Its lines are indented one level deeper than those around it.
    Indented,
    /// The contents of the brackets are indented one level deeper than the line of the opening one.
    Bracket,
}

/// A piece of the stream that is to be laid out.
#[derive(Debug, Clone, Copy)]
pub(super) enum Item<'a> {
    /// Text without a line end.
    Text(&'a str),
    /// A line end, one level deeper, if a group around it is broken; else a blank, or nothing.
    Break { flat: &'static str, blank_line: bool },
    /// As `Break`, before a closing bracket.
    Close { flat: &'static str },
    /// A comma where the group is broken.
    LastComma,
    /// The start of a group. Without breaks of its own it has no layout of its own.
    Begin { kind: GroupKind, breaks: bool, width: Option<u32> },
    /// The end of a group.
    End,
    /// A comment behind what was printed last. What follows starts a line.
    Behind(&'a str),
    /// A comment on its own line. What follows starts a line.
    Above { text: &'a str, blank_line: bool, hanging: bool },
    /// A line end where the layout has none, because of a comment.
    Hang,
}

/// Lays a stream out.
pub(super) fn lay_out(mut items: Vec<Item<'_>>) -> String {
    let bytes = measure(&mut items);
    let mut printer = Printer::new(bytes);
    for item in items {
        printer.print(item);
    }
    printer.out.push('\n');
    printer.out
}

/// Notes at the start of each group how much room it needs to be flat; `None` if it cannot
/// be. Returns about how many bytes the text will have.
fn measure(items: &mut [Item<'_>]) -> usize {
    let (mut width, mut hard, mut tail, mut bytes) = (0_usize, 0_usize, 0_usize, 0_usize);
    let mut ends = Vec::new();
    for item in items.iter_mut().rev() {
        match item {
            Item::Text(text) => {
                let chars = text.chars().count();
                bytes += text.len();
                width += chars;
                tail += chars;
            }
            Item::Break { flat, .. } | Item::Close { flat } => {
                width += flat.len();
                bytes += 1;
                tail = 0;
            }
            Item::LastComma => tail += 1,
            Item::End => ends.push((width, hard, tail)),
            Item::Begin { width: needed, .. } => {
                let Some((after, hard_after, tail)) = ends.pop() else { continue };
                let room = width - after + tail;
                *needed = if hard == hard_after { u32::try_from(room).ok() } else { None };
            }
            Item::Behind(text) | Item::Above { text, .. } => {
                bytes += text.len() + 2;
                hard += 1;
                tail = 0;
            }
            Item::Hang => {
                hard += 1;
                tail = 0;
            }
        }
    }
    bytes + 1
}

/// A group that is open.
#[derive(Debug, Clone, Copy)]
struct Frame {
    broken: bool,
    level: usize,
}

struct Printer {
    out: String,
    /// The width of the line so far.
    column: usize,
    /// The level of indentation of the line.
    line_level: usize,
    open: Vec<Frame>,
}

impl Printer {
    fn new(bytes: usize) -> Self {
        let script = Frame { broken: true, level: 0 };
        Self { out: String::with_capacity(bytes), column: 0, line_level: 0, open: vec![script] }
    }

    fn frame(&self) -> Frame {
        self.open.last().copied().unwrap_or(Frame { broken: true, level: 0 })
    }

    fn print(&mut self, item: Item<'_>) {
        let frame = self.frame();
        match item {
            Item::Text(text) => self.text(text),
            Item::Break { blank_line, .. } if frame.broken => {
                self.line(frame.level, blank_line);
            }
            Item::Close { .. } if frame.broken => {
                self.line(frame.level.saturating_sub(1), false);
            }
            Item::Break { flat, .. } | Item::Close { flat } => self.text(flat),
            Item::LastComma if frame.broken => self.text(","),
            Item::LastComma => {}
            Item::Begin { kind, breaks, width } => self.begin(frame, kind, breaks, width),
            Item::End => {
                self.open.pop();
            }
            Item::Behind(text) => {
                self.text(" ");
                self.text(text);
            }
            Item::Above { text, blank_line, hanging } => {
                self.line(frame.level + usize::from(hanging), blank_line);
                self.text(text);
            }
            Item::Hang => self.line(frame.level + 1, false),
        }
    }

    fn begin(&mut self, around: Frame, kind: GroupKind, breaks: bool, width: Option<u32>) {
        let room = WIDTH.saturating_sub(self.column);
        let flat = !around.broken || width.is_some_and(|width| width as usize <= room);
        let level = match kind {
            _ if flat || !breaks => around.level,
            GroupKind::Plain => around.level,
            GroupKind::Indented => around.level + 1,
            GroupKind::Bracket => around.level.max(self.line_level) + 1,
        };
        self.open.push(Frame { broken: !flat, level });
    }

    fn text(&mut self, text: &str) {
        self.out.push_str(text);
        self.column += text.chars().count();
    }

    /// Ends the line. At the start of the script there is none to end.
    fn line(&mut self, level: usize, blank_line: bool) {
        if !self.out.is_empty() {
            self.out.push('\n');
            if blank_line {
                self.out.push('\n');
            }
        }
        self.line_level = level;
        self.column = level.min(MAX_INDENT_DEPTH) * INDENT;
        self.out.extend(std::iter::repeat_n(' ', self.column));
    }
}
