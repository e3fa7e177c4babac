//! How far runs are, and how many there are of each state.

use crate::report::Status;

/// How far a run is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RunState {
    /// It is not over: it runs, or can be resumed.
    Unfinished,
    /// It is not over, and cannot go on before somebody decides.
    NeedsDecision,
    /// It is over.
    Ended(Status),
    /// What is written of it is damaged.
    Damaged,
}

impl RunState {
    /// The state in a word, as a store and the command line write it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Unfinished => "unfinished",
            Self::NeedsDecision => "needs_decision",
            Self::Ended(status) => status.name(),
            Self::Damaged => "damaged",
        }
    }
}

/// How many runs there are of each state.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RunCounts(Vec<(RunState, u64)>);

impl RunCounts {
    /// The states in the order in which they are shown.
    pub const STATES: [RunState; 8] = [
        RunState::Unfinished,
        RunState::NeedsDecision,
        RunState::Damaged,
        RunState::Ended(Status::Succeeded),
        RunState::Ended(Status::Failed),
        RunState::Ended(Status::Stopped),
        RunState::Ended(Status::Cancelled),
        RunState::Ended(Status::TimedOut),
    ];

    /// So many more runs in this state.
    pub fn add(&mut self, state: RunState, count: u64) {
        match self.0.iter_mut().find(|(known, _)| *known == state) {
            Some((_, known)) => *known += count,
            None if count > 0 => {
                self.0.push((state, count));
                let place = |state| Self::STATES.iter().position(|known| *known == state);
                self.0.sort_by_key(|(state, _)| place(*state));
            }
            None => {}
        }
    }

    /// How many there are in this state.
    pub fn of(&self, state: RunState) -> u64 {
        self.0.iter().find(|(known, _)| *known == state).map_or(0, |(_, count)| *count)
    }

    /// How many there are.
    pub fn total(&self) -> u64 {
        self.0.iter().map(|(_, count)| count).sum()
    }

    /// The states of which there are runs, and how many, in the order of [`STATES`](Self::STATES).
    pub fn iter(&self) -> impl Iterator<Item = (RunState, u64)> + '_ {
        self.0.iter().copied()
    }
}
