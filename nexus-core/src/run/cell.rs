//! What a run knows of a step.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use crate::outcome::{Exception, Failure, Goto};
use crate::piped::EachResult;
use crate::time::nanos;
use crate::value::Value;

/// A step's state; when the run is over, its result.
#[derive(Debug, Clone)]
pub(crate) struct Cell {
    pub(crate) ending: Ending,
    /// Attempts made, over all items.
    pub(crate) attempts: u32,
    /// The time that bodies ran, over all attempts and items, in nanoseconds; zero where nobody
    /// measured.
    busy: u64,
    /// Boxed, since nearly no step has any.
    waits: Option<Box<Waits>>,
}

/// The waits before a step's retries: the first few in place, so that they take one allocation.
#[derive(Debug, Clone, Default)]
struct Waits {
    first: [Duration; 4],
    /// How many there are in place.
    count: usize,
    /// All of them, once they are more.
    all: Vec<Duration>,
}

impl Waits {
    fn push(&mut self, wait: Duration) {
        if let Some(place) = self.first.get_mut(self.count) {
            *place = wait;
            self.count += 1;
        } else {
            if self.all.is_empty() {
                self.all.extend(self.first);
            }
            self.all.push(wait);
        }
    }

    fn as_slice(&self) -> &[Duration] {
        if self.all.is_empty() { &self.first[..self.count] } else { &self.all }
    }
}

/// How a step ended, or that it has not.
#[derive(Debug, Clone, Default)]
pub(crate) enum Ending {
    #[default]
    NotRun,
    Pending,
    Success(Value),
    Failure(Failure),
    Exception(Exception),
    Goto(Box<(Goto, Value)>),
    /// The value passed forward, and why.
    Bypassed(Box<(Option<Value>, Cow<'static, str>)>),
    Each(Arc<EachResult>),
    Cancelled(Failure),
}

impl Cell {
    /// A step that has not begun. It is copied as it lies here: made by `default()`, each cell of a run is
    /// put together in the stack first, and the processor waits for that.
    pub(super) const UNTOUCHED: Self =
        Self { ending: Ending::NotRun, attempts: 0, busy: 0, waits: None };

    pub(crate) fn is_pending(&self) -> bool {
        matches!(self.ending, Ending::Pending)
    }

    #[cfg(feature = "durable")]
    /// Whether the step has begun and is over.
    pub(crate) fn has_ended(&self) -> bool {
        !matches!(self.ending, Ending::NotRun | Ending::Pending)
    }

    /// The time that bodies ran.
    pub(crate) fn busy(&self) -> Duration {
        Duration::from_nanos(self.busy)
    }

    /// Bodies ran for so much longer.
    #[inline]
    pub(super) fn add_busy(&mut self, time: Duration) {
        self.busy = self.busy.saturating_add(nanos(time));
    }

    /// An attempt has succeeded, in so many nanoseconds.
    #[inline]
    pub(super) fn succeed(&mut self, value: Value, busy: u64) {
        self.attempts += 1;
        self.busy = self.busy.saturating_add(busy);
        self.set_ending(Ending::Success(value));
    }

    /// The step is put under way.
    #[inline]
    pub(super) fn begin(&mut self) {
        self.set_ending(Ending::Pending);
    }

    #[inline]
    fn set_ending(&mut self, ending: Ending) {
        match std::mem::replace(&mut self.ending, ending) {
            // Nothing to drop in what nearly every step was before; saying so saves a call.
            old @ (Ending::NotRun | Ending::Pending) => std::mem::forget(old),
            old => drop(old),
        }
    }

    pub(super) fn note_wait(&mut self, wait: Duration) {
        self.waits.get_or_insert_default().push(wait);
    }

    /// The waits before retries, in order.
    pub(crate) fn waits(&self) -> &[Duration] {
        self.waits.as_deref().map_or(&[], Waits::as_slice)
    }
}

impl Ending {
    /// Whether the step has ended, however that was.
    #[cfg(feature = "durable")]
    pub(crate) fn has_ended(&self) -> bool {
        !matches!(self, Self::NotRun | Self::Pending)
    }

    pub(crate) fn is_success(&self) -> bool {
        match self {
            Self::Success(_) | Self::Bypassed(_) => true,
            Self::Goto(goto) => !goto.0.failed,
            Self::Each(each) => each.verdict.is_none(),
            Self::NotRun
            | Self::Pending
            | Self::Failure(_)
            | Self::Exception(_)
            | Self::Cancelled(_) => false,
        }
    }

    /// Whether the event broke, rather than said no.
    pub(crate) fn is_exception(&self) -> bool {
        match self {
            Self::Exception(_) => true,
            Self::Each(each) => {
                each.verdict.is_some()
                    && each.failures.iter().any(|(_, failure)| failure.exception().is_some())
            }
            _ => false,
        }
    }

    /// The value that the step yielded.
    pub(crate) fn value(&self) -> Option<&Value> {
        match self {
            Self::Success(value) => Some(value),
            Self::Goto(goto) => Some(&goto.1),
            Self::Bypassed(bypass) => bypass.0.as_ref(),
            Self::Each(each) => Some(&each.values),
            _ => None,
        }
    }

    /// Why it did not succeed.
    pub(crate) fn failure(&self) -> Option<Failure> {
        match self {
            Self::Failure(failure) | Self::Cancelled(failure) => Some(failure.clone()),
            Self::Exception(exception) => Some(Failure::of_exception(exception)),
            Self::Goto(goto) if goto.0.failed => Some(goto_reason(goto)),
            Self::Each(each) => each.verdict.clone(),
            _ => None,
        }
    }
}

/// Why a step went to a branch, with the value that it hands on: what `0 |->` gives.
pub(super) fn goto_reason((goto, value): &(Goto, Value)) -> Failure {
    Failure::carrying(goto.reason.clone(), value.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A report would lose waits, or tell them in another order, once a step had many retries.
    #[test]
    fn all_waits_are_kept_in_order() {
        let mut cell = Cell::UNTOUCHED;
        let waits: Vec<_> = (1..=9).map(Duration::from_secs).collect();
        for (so_far, wait) in waits.iter().enumerate() {
            assert_eq!(cell.waits(), &waits[..so_far]);
            cell.note_wait(*wait);
        }
        assert_eq!(cell.waits(), waits);
    }
}
