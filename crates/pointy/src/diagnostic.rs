use std::fmt;

use crate::span::Span;
use crate::visible::visible;

/// How bad a mistake is. So far every [`Diagnostic`] is an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Severity {
    /// The script cannot be used.
    Error,
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Error => "error",
        })
    }
}

/// A mistake in a script: what it is, where, and what to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// The kind of mistake, one of the constants of [`code`].
    pub code: &'static str,
    /// What was expected and what was found.
    pub message: String,
    /// The span of the mistake.
    pub span: Span,
    /// Other places that have to do with it, each with a note.
    pub labels: Vec<(Span, String)>,
    /// What to do.
    pub help: Option<String>,
    /// What to write where, if it is clear what was meant: the text that takes the place of a span,
    /// or is put in where the span is empty. [`fix`](crate::fix()) writes it.
    pub fix: Option<(Span, Box<str>)>,
}

impl Diagnostic {
    /// A diagnostic without labels, help and fix.
    ///
    /// ```
    /// use nexus_pointy::{code, Diagnostic, Span};
    /// let it = Diagnostic::new(code::EMPTY_SCRIPT, "the script has no event", Span::new(0, 0));
    /// assert_eq!(it.to_string(), "error[P0001]: the script has no event");
    /// ```
    #[must_use]
    pub fn new(code: &'static str, message: impl Into<String>, span: Span) -> Self {
        Self { code, message: message.into(), span, labels: Vec::new(), help: None, fix: None }
    }

    /// How bad it is, which depends on the code alone.
    #[must_use]
    pub const fn severity(&self) -> Severity {
        Severity::Error
    }

    /// Adds a note at another place.
    #[must_use]
    pub fn label(mut self, span: Span, text: impl Into<String>) -> Self {
        self.labels.push((span, text.into()));
        self
    }

    /// Adds what to do about it.
    #[must_use]
    pub fn help(mut self, text: impl Into<String>) -> Self {
        self.help = Some(text.into());
        self
    }

    /// Adds the text that a program may write in place of a span.
    #[must_use]
    pub fn fix(mut self, span: Span, text: impl Into<Box<str>>) -> Self {
        self.fix = Some((span, text.into()));
        self
    }
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}[{}]: {}", self.severity(), self.code, visible(&self.message))?;
        match &self.help {
            Some(help) => write!(f, " ({})", visible(help)),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Diagnostic {}

macro_rules! codes {
    ($(#[$about:meta])* $module:ident: $($(#[$doc:meta])* $name:ident = $text:literal;)*) => {
        $(#[$about])*
        pub mod $module {
            $($(#[$doc])* pub const $name: &str = $text;)*
            /// Every code.
            pub const ALL: &[&str] = &[$($text),*];
        }
    };
}

codes! {
    /// The codes of [`Diagnostic`]s, one for each mistake. They never change their meaning.
    code:
    /// The script has no event.
    EMPTY_SCRIPT = "P0001";
    /// The script is longer than `u32::MAX` bytes.
    TOO_LONG = "P0002";
    /// Brackets are nested deeper than 256.
    TOO_DEEP = "P0003";
    /// More mistakes than are listed.
    MORE = "P0004";
    /// A character or operator that the language does not have.
    UNKNOWN_TOKEN = "P0005";
    /// A character that cannot be seen: NUL, a bidirectional control, a zero-width space.
    HIDDEN_CHARACTER = "P0006";
    /// A string that does not end on its line.
    UNTERMINATED_STRING = "P0007";
    /// A wrong escape sequence in a string.
    BAD_ESCAPE = "P0008";
    /// A string in single or typographic quotes.
    SINGLE_QUOTES = "P0009";
    /// An event is missing.
    MISSING_EVENT = "P0010";
    /// Two events without an arrow between.
    MISSING_ARROW = "P0011";
    /// Two branches, attributes or values without a comma between.
    MISSING_COMMA = "P0012";
    /// A token that cannot stand here.
    UNEXPECTED = "P0013";
    /// A bracket that is never closed.
    UNCLOSED = "P0014";
    /// A closing bracket of another kind than the opening one, or without one.
    MISMATCHED = "P0015";
    /// A group, branch list or attribute list with nothing in it.
    EMPTY_BRACKETS = "P0016";
    /// A wrong number of attempts.
    BAD_ATTEMPTS = "P0017";
    /// Attempts, attributes or branches given twice to one unit.
    GIVEN_TWICE = "P0018";
    /// A descriptor that is neither a `u32` nor a name.
    BAD_DESCRIPTOR = "P0019";
    /// The same descriptor twice in a branch list.
    DUPLICATE_DESCRIPTOR = "P0020";
    /// A branch list that does not follow an event directly.
    MISPLACED_BRANCHES = "P0021";
    /// Attributes before the event they are for.
    MISPLACED_ATTRIBUTES = "P0022";
    /// A name that is not `ident { "::" ident }`.
    BAD_NAME = "P0023";
    /// A number that cannot be read.
    BAD_NUMBER = "P0024";
    /// An attribute's name is missing or not a name.
    BAD_KEY = "P0025";
    /// An attribute's value is missing or not a value.
    BAD_VALUE = "P0026";
    /// `:` where `=` belongs, or the reverse.
    WRONG_SEPARATOR = "P0027";
    /// The same key twice.
    DUPLICATE_KEY = "P0028";
    /// A key that no setting has.
    UNKNOWN_KEY = "P0029";
    /// A value of the wrong type for its setting.
    WRONG_TYPE = "P0030";
    /// A value out of its setting's range.
    OUT_OF_RANGE = "P0031";
    /// A setting that cannot be given in a flow.
    NOT_IN_FLOW = "P0032";
}

codes! {
    /// The codes of mistakes that need both a flow and its events; the runtime and the macros find
    /// them. They never change their meaning.
    binding_code:
    /// No event has this name.
    UNKNOWN_EVENT = "N0001";
    /// Two events have the same name.
    AMBIGUOUS_EVENT = "N0002";
    /// A parameter finds no field of its name and type.
    UNBOUND = "N0003";
    /// What comes along an arrow is not what the event takes.
    PIPE = "N0004";
    /// A branch that the event may go to is missing.
    UNCOVERED = "N0005";
    /// A key that is neither a setting nor a field of the event.
    UNKNOWN_SETTING = "N0006";
    /// A struct event's field is not set, or has the wrong value.
    OWN_FIELD = "N0007";
    /// The executor cannot be used like this.
    BAD_EXECUTOR = "N0008";
    /// The retry policy cannot be used.
    BAD_RETRY_POLICY = "N0009";
    /// A timeout is zero.
    BAD_TIMEOUT = "N0010";
    /// A version is zero.
    BAD_VERSION = "N0011";
    /// A durable run could not keep a value in its store.
    UNRECORDABLE = "N0012";
    /// A field cannot be read from JSON.
    UNREADABLE = "N0013";
    /// An event cannot take or return values of this type.
    BAD_SIGNATURE = "N0014";
    /// The future of an async event cannot go from thread to thread.
    NOT_SEND = "N0015";
}

/// As many mistakes are listed; the rest is counted.
pub(crate) const MAX_DIAGNOSTICS: usize = 100;

/// Collects diagnostics up to a bound, so that garbage of any size stays cheap.
#[derive(Debug, Default)]
pub(crate) struct Sink {
    list: Vec<Diagnostic>,
    dropped: usize,
    first_dropped: Span,
}

impl Sink {
    pub(crate) fn push(&mut self, span: Span, make: impl FnOnce() -> Diagnostic) {
        if self.list.len() < MAX_DIAGNOSTICS {
            self.list.push(make());
        } else {
            if self.dropped == 0 {
                self.first_dropped = span;
            }
            self.dropped += 1;
        }
    }

    /// The diagnostics in script order.
    pub(crate) fn finish(mut self) -> Vec<Diagnostic> {
        self.list.sort_by_key(|diagnostic| diagnostic.span.start);
        if self.dropped > 0 {
            let message = format!("and {} more mistakes from here on", self.dropped);
            self.list.push(
                Diagnostic::new(code::MORE, message, self.first_dropped)
                    .help(format!("correct the first {MAX_DIAGNOSTICS} and check again")),
            );
        }
        self.list
    }
}

/// Text of the user's for a message: in backticks, cut, and with nothing invisible in it.
pub(crate) fn quote(text: &str) -> String {
    const MAX_CHARS: usize = 40;
    let mut out = String::from("`");
    for (count, c) in text.chars().enumerate() {
        if count == MAX_CHARS {
            out.push_str("..");
            break;
        }
        if crate::ident::is_hidden(c) {
            out.extend(c.escape_unicode());
        } else {
            out.push(c);
        }
    }
    out.push('`');
    out
}
