//! A file's lines, one at a time.

use std::fmt;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;
use std::sync::Arc;

/// The lines of a file of any size, read one at a time as they are asked for, without their line
/// ends (`\n` or `\r\n`). An error says the file and the line.
///
/// ```
/// use nexus_core::Lines;
/// let numbers = Lines::of("numbers", "1\n2\nthree\n".as_bytes()).parsed(|line| line.parse::<u8>());
/// let numbers: Vec<_> = numbers.collect();
/// assert_eq!(numbers[1].as_ref().ok(), Some(&2));
/// let error = numbers[2].as_ref().unwrap_err();
/// assert_eq!(error.to_string(), "numbers, line 3: invalid digit found in string");
/// ```
pub struct Lines<R> {
    name: Arc<str>,
    /// `None` once it has ended.
    reader: Option<R>,
    number: u64,
    longest: u64,
    line: Vec<u8>,
}

/// A line that cannot be read, or that means nothing.
#[derive(Debug, Clone)]
pub struct LineError {
    name: Arc<str>,
    line: u64,
    source: Arc<dyn std::error::Error + Send + Sync>,
}

/// How long a line may be, in bytes, if nothing else is said: 16 MiB.
const LONGEST: u64 = 16 << 20;

impl Lines<BufReader<File>> {
    /// The lines of a file.
    ///
    /// # Errors
    ///
    /// If the file cannot be opened.
    pub fn open(path: impl AsRef<Path>) -> io::Result<Self> {
        let path = path.as_ref();
        let named = |error: io::Error| {
            io::Error::new(error.kind(), format!("cannot open `{}`: {error}", path.display()))
        };
        let file = File::open(path).map_err(named)?;
        Ok(Self::of(path.display().to_string(), BufReader::new(file)))
    }
}

impl<R: BufRead> Lines<R> {
    /// The lines of a reader, which errors call `name`.
    pub fn of(name: impl Into<Arc<str>>, reader: R) -> Self {
        Self {
            name: name.into(),
            reader: Some(reader),
            number: 0,
            longest: LONGEST,
            line: Vec::new(),
        }
    }

    /// How long a line may be, in bytes; 16 MiB if nothing is said. A longer one is an error, and
    /// the last that is read: a file without line ends must not fill the memory.
    #[must_use = "it gives the lines back"]
    pub fn longest(self, bytes: u64) -> Self {
        Self { longest: bytes, ..self }
    }

    /// The lines, made into items. The line's number is added to an error.
    pub fn parsed<T, E, F>(self, parse: F) -> Parsed<R, F>
    where
        F: FnMut(&str) -> Result<T, E>,
        E: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        Parsed { lines: self, parse }
    }

    fn error(&self, source: Box<dyn std::error::Error + Send + Sync>) -> LineError {
        LineError { name: Arc::clone(&self.name), line: self.number, source: Arc::from(source) }
    }

    /// Reads the next line into `self.line`. `false` at the end.
    fn read(&mut self) -> Result<bool, LineError> {
        let Some(reader) = &mut self.reader else { return Ok(false) };
        self.line.clear();
        // A line that is just as long as it may be still has its line end behind it.
        let most = self.longest.saturating_add(2);
        let read = reader.take(most).read_until(b'\n', &mut self.line);
        self.number += 1;
        let end = [&b"\r\n"[..], b"\n"].into_iter().find(|end| self.line.ends_with(end));
        self.line.truncate(self.line.len() - end.map_or(0, <[u8]>::len));
        match read {
            Ok(0) => {
                self.reader = None;
                Ok(false)
            }
            Ok(_) if self.line.len() as u64 > self.longest => {
                self.reader = None;
                let longest = self.longest;
                Err(self.error(format!("the line is longer than {longest} bytes").into()))
            }
            Ok(_) => Ok(true),
            Err(error) => {
                self.reader = None;
                Err(self.error(error.into()))
            }
        }
    }

    fn next_line(&mut self) -> Option<Result<&str, LineError>> {
        match self.read() {
            Ok(false) => None,
            Ok(true) => Some(match std::str::from_utf8(&self.line) {
                Ok(line) => Ok(line),
                Err(error) => Err(self.error(error.into())),
            }),
            Err(error) => Some(Err(error)),
        }
    }
}

impl<R: BufRead> Iterator for Lines<R> {
    type Item = Result<String, LineError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.next_line().map(|line| line.map(str::to_owned))
    }
}

impl<R> fmt::Debug for Lines<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (name, line) = (&self.name, &self.number);
        f.debug_struct("Lines").field("name", name).field("line", line).finish_non_exhaustive()
    }
}

/// The lines of a file, made into items; see [`Lines::parsed`].
pub struct Parsed<R, F> {
    lines: Lines<R>,
    parse: F,
}

impl<R, T, E, F> Iterator for Parsed<R, F>
where
    R: BufRead,
    F: FnMut(&str) -> Result<T, E>,
    E: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    type Item = Result<T, LineError>;

    fn next(&mut self) -> Option<Self::Item> {
        let parsed = match self.lines.next_line()? {
            Ok(line) => (self.parse)(line),
            Err(error) => return Some(Err(error)),
        };
        Some(parsed.map_err(|error| self.lines.error(error.into())))
    }
}

impl<R, F> fmt::Debug for Parsed<R, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.lines.fmt(f)
    }
}

impl LineError {
    /// The line, from 1.
    pub fn line(&self) -> u64 {
        self.line
    }
}

impl fmt::Display for LineError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, line {}: {}", self.name, self.line, self.source)
    }
}

impl std::error::Error for LineError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.source()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test says what it expects")]

    use super::*;

    fn read(text: &[u8]) -> Vec<Result<String, String>> {
        // A tiny buffer: lines cross its borders.
        let lines = Lines::of("file", BufReader::with_capacity(3, text)).longest(8);
        lines.map(|line| line.map_err(|error| error.to_string())).collect()
    }

    #[test]
    fn lines_are_those_of_the_standard_library() {
        for text in ["", "\n", "a", "a\n", "a\nb", "a\r\n\r\nb\r", "\n\nabc\r\r\n", "12345678\r\n"]
        {
            let expected: Vec<_> = text.lines().map(|line| Ok(line.to_owned())).collect();
            assert_eq!(read(text.as_bytes()), expected, "{text:?}");
        }
    }

    #[test]
    fn a_line_that_is_no_text_is_named_and_the_next_is_read() {
        let lines = read(b"one\n\xff\nthree\n");
        assert_eq!(lines[0], Ok("one".to_owned()));
        let error = lines[1].as_ref().unwrap_err();
        assert!(error.starts_with("file, line 2: invalid utf-8"), "{error}");
        assert_eq!(lines[2], Ok("three".to_owned()));
    }

    #[test]
    fn a_line_that_is_too_long_is_the_last_and_is_not_kept() {
        let lines = read(b"12345678\n123456789\nmore\n");
        let expected = "file, line 2: the line is longer than 8 bytes";
        assert_eq!(lines, [Ok("12345678".to_owned()), Err(expected.to_owned())]);
        let mut endless = Lines::of("endless", BufReader::new(io::repeat(b'x'))).longest(100);
        assert!(endless.next().unwrap().is_err());
        assert!(endless.line.capacity() < 1000);
        assert!(endless.next().is_none());
    }

    struct Torn(&'static [u8]);

    impl Read for Torn {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let count = self.0.read(buffer)?;
            if count == 0 { Err(io::Error::other("disk on fire")) } else { Ok(count) }
        }
    }

    #[test]
    fn an_error_of_the_reader_names_the_line_and_ends_it() {
        let mut lines = Lines::of("file", BufReader::new(Torn(b"one\ntw")));
        assert_eq!(lines.next().unwrap().unwrap(), "one");
        let error = lines.next().unwrap().unwrap_err();
        assert_eq!(error.to_string(), "file, line 2: disk on fire");
        assert_eq!(error.line(), 2);
        assert!(lines.next().is_none());
        let missing = Lines::open("no/such/file").unwrap_err().to_string();
        assert!(missing.starts_with("cannot open `no/such/file`: "), "{missing}");
    }
}
