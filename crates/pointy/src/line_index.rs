//! From byte offsets to lines and columns, and back.

/// The starts of a text's lines, for many questions about one text.
///
/// A line ends with `\n`; a leading byte order mark is no column. Offsets past the end answer for
/// the end, offsets inside a character for the start of it.
///
/// People count from 1 and in characters, as rustc and most editors show it; the language server
/// protocol counts from 0 and in UTF-16 code units.
///
/// ```
/// use nexus_pointy::LineIndex;
/// let index = LineIndex::new("A ->\n🦀el -> B");
/// let arrow = "A ->\n🦀el ".len();
/// assert_eq!(index.line_column(arrow), (2, 5));
/// assert_eq!(index.utf16_position(arrow), (1, 5));
/// assert_eq!(index.offset_of_utf16(1, 5), arrow);
/// ```
#[derive(Debug, Clone)]
pub struct LineIndex<'a> {
    source: &'a str,
    starts: Vec<usize>,
}

impl<'a> LineIndex<'a> {
    /// Finds the lines of a text.
    #[must_use]
    pub fn new(source: &'a str) -> Self {
        let first = if source.starts_with('\u{feff}') { 3 } else { 0 };
        let breaks =
            source.bytes().enumerate().filter(|(_, byte)| *byte == b'\n').map(|(at, _)| at + 1);
        Self { source, starts: std::iter::once(first).chain(breaks).collect() }
    }

    /// The text.
    #[must_use]
    pub fn source(&self) -> &'a str {
        self.source
    }

    /// The line and column of a byte offset, both from 1, columns in characters.
    #[must_use]
    pub fn line_column(&self, offset: usize) -> (usize, usize) {
        let (line, before) = self.line_and_text_before(offset);
        (line + 1, before.chars().count() + 1)
    }

    /// The line and column of a byte offset, both from 0, columns in UTF-16 code units.
    #[must_use]
    pub fn utf16_position(&self, offset: usize) -> (usize, usize) {
        let (line, before) = self.line_and_text_before(offset);
        (line, before.chars().map(char::len_utf16).sum())
    }

    /// The byte offset of a position as [`utf16_position`](Self::utf16_position) counts it. A column
    /// past the end of its line is that end, a line past the last the end of the text, and a column
    /// inside a character the start of it.
    #[must_use]
    pub fn offset_of_utf16(&self, line: usize, column: usize) -> usize {
        let (start, end) = (self.start_of(line), self.start_of(line.saturating_add(1)));
        let text = self.source.get(start..end).unwrap_or_default();
        let text =
            text.strip_suffix('\n').map_or(text, |text| text.strip_suffix('\r').unwrap_or(text));
        let mut units = 0;
        for (at, c) in text.char_indices() {
            units += c.len_utf16();
            if units > column {
                return start + at;
            }
        }
        start + text.len()
    }

    /// The index of the line of an offset.
    pub(crate) fn line_of(&self, offset: usize) -> usize {
        self.starts.partition_point(|start| *start <= offset).saturating_sub(1)
    }

    /// The offset at which a line starts; past the last line, the end of the text.
    pub(crate) fn start_of(&self, line: usize) -> usize {
        self.starts.get(line).copied().unwrap_or(self.source.len())
    }

    fn line_and_text_before(&self, offset: usize) -> (usize, &'a str) {
        let offset = floor(self.source, offset);
        let line = self.line_of(offset);
        (line, self.source.get(self.start_of(line)..offset).unwrap_or_default())
    }
}

/// The line and column of a byte offset, both counted from 1, columns in characters: as
/// [`LineIndex::line_column`], for one question.
///
/// ```
/// use nexus_pointy::line_column;
/// assert_eq!(line_column("A ->\nübel -> B", 11), (2, 6));
/// ```
#[must_use]
pub fn line_column(source: &str, offset: usize) -> (usize, usize) {
    LineIndex::new(source.get(..floor(source, offset)).unwrap_or_default()).line_column(offset)
}

/// The nearest character boundary at or before `offset`.
pub(crate) fn floor(source: &str, offset: usize) -> usize {
    let mut offset = offset.min(source.len());
    while !source.is_char_boundary(offset) {
        offset -= 1;
    }
    offset
}

#[cfg(test)]
mod tests {
    use super::{LineIndex, line_column};

    #[test]
    fn every_offset_goes_there_and_back() {
        for source in ["", "A", "\u{feff}A\r\n\n🦀ü -> B\n", "\n\n", "a\r\n🦀🦀\r\nb"] {
            let index = LineIndex::new(source);
            for (at, c) in source.char_indices().chain([(source.len(), '\0')]) {
                assert_eq!(index.line_column(at), line_column(source, at), "{source:?} {at}");
                // A position inside a line end is that line's end, and a byte order mark has none.
                let is_counted = c != '\u{feff}' && (c != '\n' || !source[..at].ends_with('\r'));
                let (line, column) = index.utf16_position(at);
                if is_counted {
                    assert_eq!(index.offset_of_utf16(line, column), at, "{source:?} {at}");
                }
            }
        }
    }

    #[test]
    fn positions_that_are_not_there() {
        let index = LineIndex::new("ü🦀\nB");
        assert_eq!(index.offset_of_utf16(0, 2), 2, "inside of the crab");
        assert_eq!(index.offset_of_utf16(0, 99), 6, "the end of the line");
        assert_eq!(index.offset_of_utf16(9, 9), 8, "the end of the text");
        assert_eq!(index.offset_of_utf16(usize::MAX, usize::MAX), 8);
        assert_eq!(index.line_column(4), (1, 2), "inside of the crab");
        assert_eq!(index.line_column(usize::MAX), (2, 2));
    }
}
