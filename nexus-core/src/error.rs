//! What can go wrong outside of the events themselves.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use nexus_pointy::{Diagnostic, visible};

use crate::executor::ConfigError;

/// The result of nexus's own functions.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why nexus could not do what it was asked to.
///
/// What happens to the events of a run is no such error: it is in the run's
/// [`Report`](crate::Report).
///
/// `Display` shows texts of users so that they do nothing to a terminal: control characters and the
/// like are written as `\u{1b}`.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A flow has mistakes. The text shows each with its line, a caret and the cure.
    #[error("{0}")]
    Flow(Arc<FlowErrors>),
    /// A flow's file cannot be read.
    #[error("cannot read the flow `{}`: {source}", visible(path.display()).on_one_line())]
    File {
        /// The file.
        path: PathBuf,
        /// Why not.
        #[source]
        source: Arc<std::io::Error>,
    },
    /// A step takes a `State` that the engine was not given.
    #[error(
        "a step takes `State<{ty}>`, but the engine has none; give it one with `Engine::builder().state(..)`"
    )]
    MissingState {
        /// The resource's type.
        ty: String,
    },
    /// The inputs given to a plan are not those that it takes.
    #[error("{}", visible(.0))]
    Input(String),
    /// An item of a batch's input cannot be read.
    #[error("item {item} of the input (the first is 0) cannot be read: {}", visible(source))]
    Item {
        /// The item, from 0. All items before it were run.
        item: u64,
        /// Why not.
        #[source]
        source: Arc<dyn std::error::Error + Send + Sync>,
    },
    /// An executor cannot be set up.
    #[error("executor `{executor}`: {}", visible(source))]
    Executor {
        /// The executor's type.
        executor: String,
        /// Why not.
        source: ConfigError,
    },
    /// The engine's set-up makes no sense.
    #[error("{}", visible(.0))]
    Engine(String),
    /// A report was asked for something that it does not have.
    #[error("{}", visible(.0))]
    Report(String),
    /// The run did not succeed.
    #[error("{}", visible(.0))]
    Run(String),
    /// The store of durable runs could not be read or written. What it has is as it was, and the
    /// run can be resumed from it.
    #[cfg(feature = "durable")]
    #[error("{}", visible(.0))]
    Store(#[from] StoreError),
    /// A durable run cannot begin or go on.
    #[cfg(feature = "durable")]
    #[error("{}", visible(.0))]
    Durable(String),
}

/// Why a store of durable runs could not do what it was asked to.
#[cfg(feature = "durable")]
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// What is written of a run is damaged.
    #[error("the records of the run `{key}` are damaged: {what}")]
    Damaged {
        /// The run.
        key: Arc<str>,
        /// What of it.
        what: String,
    },
    /// Another process owns the store.
    #[error("the store is owned by another process: {owner}")]
    Owned {
        /// Which one.
        owner: String,
    },
    /// It is no store, or one of a version that this program does not know.
    #[error("{0}")]
    Unsuitable(String),
    /// A run that the request is about is in another state than it has to be.
    #[error("{0}")]
    Refused(String),
    /// Reading or writing failed.
    #[error("{what}: {source}")]
    Io {
        /// What was tried.
        what: String,
        /// Why it failed.
        #[source]
        source: Arc<dyn std::error::Error + Send + Sync>,
    },
}

#[cfg(feature = "durable")]
impl StoreError {
    /// Reading or writing failed.
    pub fn io(
        what: impl Into<String>,
        source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        Self::Io { what: what.into(), source: Arc::from(source.into()) }
    }
}

/// The mistakes of a flow, which `Display` shows with their lines.
#[derive(Clone)]
pub struct FlowErrors {
    origin: String,
    source: Arc<str>,
    mistakes: Vec<Diagnostic>,
}

impl FlowErrors {
    pub(crate) fn new(origin: &str, source: Arc<str>, mistakes: Vec<Diagnostic>) -> Self {
        Self { origin: origin.to_owned(), source, mistakes }
    }

    /// How many mistakes there are.
    pub fn len(&self) -> usize {
        self.mistakes.len()
    }

    /// Whether there is none; never so in an error.
    pub fn is_empty(&self) -> bool {
        self.mistakes.is_empty()
    }

    /// The mistakes with their lines, as `Display` shows them; `colored` for a terminal.
    pub fn render(&self, colored: bool) -> String {
        let (origin, source) = (&self.origin, &self.source);
        let mut text = nexus_pointy::render::render(&self.mistakes, origin, source, colored);
        text.truncate(text.trim_end().len());
        text
    }

    /// Each mistake: its code, its place (lines and columns from 1), message and cure.
    pub fn iter(&self) -> impl Iterator<Item = Mistake<'_>> {
        self.mistakes.iter().map(|mistake| {
            let place = |at: u32| nexus_pointy::line_column(&self.source, at as usize);
            let (line, column) = place(mistake.span.start);
            let (end_line, end_column) = place(mistake.span.end);
            Mistake {
                code: mistake.code,
                line,
                column,
                end_line,
                end_column,
                message: &mistake.message,
                help: mistake.help.as_deref(),
            }
        })
    }
}

/// One mistake of a flow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Mistake<'a> {
    /// The kind of mistake; it keeps its meaning over releases.
    pub code: &'static str,
    /// The line, from 1.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
    /// The line in which what is wrong ends.
    pub end_line: usize,
    /// The column behind it.
    pub end_column: usize,
    /// What was expected and what was found.
    pub message: &'a str,
    /// What to do.
    pub help: Option<&'a str>,
}

impl fmt::Debug for FlowErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

impl fmt::Display for FlowErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.render(false))
    }
}

impl std::error::Error for FlowErrors {}
