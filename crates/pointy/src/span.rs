/// A half-open range of positions, `start..end`.
///
/// In text the positions are byte offsets. Where tokens come from elsewhere (a
/// procedural macro), they are whatever the maker of the tokens counts: usually token
/// indexes.
///
/// ```
/// use nexus_pointy::Span;
/// assert_eq!(Span::new(0, 1).to(Span::new(5, 6)), Span::new(0, 6));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Span {
    /// The first position.
    pub start: u32,
    /// The position after the last.
    pub end: u32,
}

impl Span {
    /// The span `start..end`.
    #[must_use]
    pub const fn new(start: u32, end: u32) -> Self {
        Self { start, end }
    }

    /// The smallest span that covers both.
    #[must_use]
    pub fn to(self, other: Self) -> Self {
        Self { start: self.start.min(other.start), end: self.end.max(other.end) }
    }

    /// The empty span where this one starts.
    #[must_use]
    pub const fn before(self) -> Self {
        Self { start: self.start, end: self.start }
    }
}

/// The line and column of a byte offset, both counted from 1, columns in characters.
///
/// A line ends with `\n`; a leading byte order mark is no column. Offsets past the end
/// answer for the end, offsets inside a character for the start of it.
///
/// ```
/// use nexus_pointy::line_column;
/// assert_eq!(line_column("A ->\nübel -> B", 11), (2, 6));
/// ```
#[must_use]
pub fn line_column(source: &str, offset: usize) -> (usize, usize) {
    let before = source.get(..floor(source, offset)).unwrap_or_default();
    let before = before.strip_prefix('\u{feff}').unwrap_or(before);
    let line = before.bytes().filter(|byte| *byte == b'\n').count() + 1;
    let last = before.rsplit('\n').next().unwrap_or_default();
    (line, last.chars().count() + 1)
}

/// The nearest character boundary at or before `offset`.
pub(crate) fn floor(source: &str, offset: usize) -> usize {
    let mut offset = offset.min(source.len());
    while !source.is_char_boundary(offset) {
        offset -= 1;
    }
    offset
}
