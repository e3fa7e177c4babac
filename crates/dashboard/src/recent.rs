//! Answers that took long, and are given again for a while.

use std::collections::VecDeque;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use crate::error::ApiError;

/// So many are kept.
const KEPT: usize = 16;
/// What takes longer is given again.
const QUICK: Duration = Duration::from_millis(10);
/// So long. Pages ask no more often, and so all of them together cost as much as one.
const FRESH: Duration = Duration::from_secs(1);

/// Answers that took long.
#[derive(Debug)]
pub(crate) struct Recent<T> {
    kept: Mutex<VecDeque<(String, Instant, T)>>,
    quick: Duration,
    fresh: Duration,
}

impl<T> Default for Recent<T> {
    fn default() -> Self {
        Self { kept: Mutex::default(), quick: QUICK, fresh: FRESH }
    }
}

impl<T: Clone> Recent<T> {
    /// What was answered to this question a moment ago, if that took long; else what `ask` answers.
    pub(crate) fn get(
        &self,
        question: &str,
        ask: impl FnOnce() -> Result<T, ApiError>,
    ) -> Result<T, ApiError> {
        let kept = || crate::lock(&self.kept);
        let begun = Instant::now();
        let is_fresh = |at: &Instant| begun.duration_since(*at) < self.fresh;
        if let Some((.., answer)) = kept().iter().find(|(of, at, _)| of == question && is_fresh(at))
        {
            return Ok(answer.clone());
        }
        let answer = ask()?;
        if begun.elapsed() >= self.quick {
            let mut kept = kept();
            kept.retain(|(of, at, _)| of != question && is_fresh(at));
            kept.truncate(KEPT - 1);
            kept.push_front((question.to_owned(), Instant::now(), answer.clone()));
        }
        Ok(answer)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test says what it expects")]

    use std::cell::Cell;

    use super::*;

    /// How often three askers of one question, and one of another, have it computed.
    fn computed(quick: Duration) -> u32 {
        let (fresh, count) = (Duration::MAX, Cell::new(0));
        let recent = Recent { quick, fresh, ..Recent::default() };
        let ask = || {
            count.set(count.get() + 1);
            Ok(count.get())
        };
        for question in ["failed", "failed", "all", "failed"] {
            recent.get(question, ask).unwrap();
        }
        count.get()
    }

    /// Many pages over a store with many runs must not count them all the time; over a small one each sees
    /// what is there now.
    #[test]
    fn what_took_long_is_asked_once_for_all_and_the_rest_each_time() {
        assert_eq!(computed(Duration::ZERO), 2);
        assert_eq!(computed(Duration::MAX), 4);
    }

    #[test]
    fn an_error_is_not_kept() {
        let recent = Recent { quick: Duration::ZERO, ..Recent::default() };
        recent.get("all", || Err(ApiError::bad_request("the disk is gone"))).unwrap_err();
        assert_eq!(recent.get("all", || Ok(1)).unwrap(), 1);
    }
}
