//! Which runs to list.

use std::sync::Arc;

use super::state::RunState;
use super::timestamp::Timestamp;

/// Which runs to list: those to which all of it applies.
///
/// ```
/// use nexus_core::journal::{RunQuery, RunState};
/// let stuck = RunQuery::all().state(RunState::NeedsDecision).pipeline("Orders").limit(20);
/// # let _ = stuck;
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[must_use = "a query does nothing by itself"]
pub struct RunQuery {
    /// Those in one of these states; in any, where there is none.
    pub states: Vec<RunState>,
    /// Those of this pipeline.
    pub pipeline: Option<String>,
    /// Those whose keys begin with this.
    pub key_prefix: Option<String>,
    /// Those that events of the run with this key have begun.
    pub parent: Option<Arc<str>>,
    /// Those that began at this time or later.
    pub since: Option<Timestamp>,
    /// Those that began before this time.
    pub until: Option<Timestamp>,
    /// Those that ended before this time.
    pub ended_before: Option<Timestamp>,
    /// Those that a list has after this one, for the next page: see
    /// [`StoredRun::cursor`](super::StoredRun::cursor).
    pub after: Option<Cursor>,
    /// At most so many; all where it is `None`.
    pub limit: Option<usize>,
}

/// A run's place in a list: those that began last are first, and those of one time are in the order
/// of their keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cursor {
    /// When the run began.
    pub at: Timestamp,
    /// Its key.
    pub key: Arc<str>,
}

impl RunQuery {
    /// All runs.
    pub fn all() -> Self {
        Self::default()
    }

    /// The runs that are not over, those that need a decision not among them.
    pub fn unfinished() -> Self {
        Self::all().state(RunState::Unfinished)
    }

    /// Also those in this state; without one, those in any.
    pub fn state(mut self, state: RunState) -> Self {
        self.states.push(state);
        self
    }

    /// Only those of this pipeline.
    pub fn pipeline(mut self, name: impl Into<String>) -> Self {
        self.pipeline = Some(name.into());
        self
    }

    /// Only those that events of the run with this key have begun.
    pub fn parent(mut self, key: impl Into<Arc<str>>) -> Self {
        self.parent = Some(key.into());
        self
    }

    /// Only those after this place in the list, such as that of the last run of a page.
    pub fn after(mut self, place: Cursor) -> Self {
        self.after = Some(place);
        self
    }

    /// At most so many.
    pub fn limit(mut self, most: usize) -> Self {
        self.limit = Some(most);
        self
    }
}
