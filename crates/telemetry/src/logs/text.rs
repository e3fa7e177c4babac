//! Fields as text.

use std::fmt::{self, Debug, Write};

use nexus_pointy::visible;
use tracing::field::{Field, Visit};

/// A line has so many bytes at most, of what was logged: what comes after them is left out.
const LONGEST: usize = 4096;

/// The name of a span with its fields, or the message of an event with its fields.
#[derive(Debug, Default)]
pub(super) struct Text(String);

/// Nothing more is taken.
const FULL: fmt::Error = fmt::Error;

impl Text {
    pub(super) fn new(begin: &str) -> Self {
        Self(begin.to_owned())
    }

    /// Adds what can be, and says with `…` where something is left out.
    pub(super) fn push(&mut self, text: fmt::Arguments<'_>) {
        if !self.is_full() {
            // The rest was left out, or a `Debug` of the user has failed.
            _ = self.write_fmt(text);
        }
    }

    fn is_full(&self) -> bool {
        self.0.len() > LONGEST
    }

    /// As it is shown: nothing in it can do anything to a terminal, or look like another line of the log.
    pub(super) fn shown(&self) -> String {
        visible(&self.0).indented(4).to_string()
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}

impl Write for Text {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let room = LONGEST.saturating_sub(self.0.len());
        if text.len() <= room {
            self.0.push_str(text);
            return Ok(());
        }
        self.0.push_str(&text[..text.floor_char_boundary(room)]);
        self.0.push('…');
        // At least one byte more than there may be, so that it counts as full.
        while !self.is_full() {
            self.0.push('…');
        }
        Err(FULL)
    }
}

impl Visit for Text {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        match field.name() {
            "message" => {
                // It comes first, whatever fields were written before it.
                let mut message = Self::default();
                message.push(format_args!("{value:?}"));
                let fields = std::mem::replace(self, message);
                self.push(format_args!("{}", fields.0));
            }
            name => self.push(format_args!(" {name}={value:?}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A value of gigabytes that somebody logs must not be kept, and not be written out either.
    #[test]
    fn a_text_that_is_too_long_is_cut_at_a_character() {
        let mut text = Text::new("");
        text.push(format_args!("{}", "ä".repeat(LONGEST)));
        text.push(format_args!(" more"));
        assert!(text.as_str().len() <= LONGEST + 8, "{}", text.as_str().len());
        assert!(text.as_str().ends_with("ä…"));
    }
}
