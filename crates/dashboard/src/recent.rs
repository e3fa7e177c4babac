//! Answers that are given again: those that took long for a while, and others to all pages that were told the
//! same news.

use std::collections::VecDeque;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use crate::error::ApiError;
use crate::turns::Turns;

/// So many are kept.
const KEPT: usize = 16;
/// What takes longer is given again.
const QUICK: Duration = Duration::from_millis(10);
/// So long. Pages ask no more often, and so all of them together cost as much as one.
const FRESH: Duration = Duration::from_secs(1);

/// The answers that were given last.
#[derive(Debug)]
pub(crate) struct Recent<T> {
    kept: Mutex<VecDeque<Kept<T>>>,
    /// Pages that were told at the same time ask at the same time.
    turns: Turns,
    quick: Duration,
    fresh: Duration,
}

#[derive(Debug)]
struct Kept<T> {
    question: String,
    asked_at: Instant,
    /// When it was known, if that took long.
    slow_at: Option<Instant>,
    answer: T,
}

impl<T> Default for Recent<T> {
    fn default() -> Self {
        Self { kept: Mutex::default(), turns: Turns::default(), quick: QUICK, fresh: FRESH }
    }
}

impl<T> Recent<T> {
    /// Of answers that are given again only to pages that were told the same news, however long they took.
    pub(crate) fn until_news() -> Self {
        Self { quick: Duration::MAX, ..Self::default() }
    }
}

impl<T: Clone> Recent<T> {
    /// What was answered to this question a moment ago, if that took long, or if it was asked after pages were
    /// told what happens (`told_at`); else what `ask` answers.
    pub(crate) fn get(
        &self,
        question: &str,
        told_at: Option<Instant>,
        ask: impl FnOnce() -> Result<T, ApiError>,
    ) -> Result<T, ApiError> {
        let kept = || crate::lock(&self.kept);
        let is_fresh = |it: &Kept<T>| {
            it.slow_at.is_some_and(|at| at.elapsed() < self.fresh)
                || told_at.is_some_and(|told_at| it.asked_at > told_at)
        };
        let known = || {
            let kept = kept();
            let it = kept.iter().find(|it| it.question == question && is_fresh(it))?;
            Some(it.answer.clone())
        };
        if let Some(answer) = known() {
            return Ok(answer);
        }
        let _turn = self.turns.take(question);
        // Somebody else may have asked it meanwhile.
        if let Some(answer) = known() {
            return Ok(answer);
        }
        let asked_at = Instant::now();
        let answer = ask()?;
        let slow_at = (asked_at.elapsed() >= self.quick).then(Instant::now);
        if slow_at.is_some() || told_at.is_some() {
            let mut kept = kept();
            kept.retain(|it| it.question != question && is_fresh(it));
            kept.truncate(KEPT - 1);
            let (question, answer) = (question.to_owned(), answer.clone());
            kept.push_front(Kept { question, asked_at, slow_at, answer });
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
            recent.get(question, None, ask).unwrap();
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
        recent.get("all", None, || Err(ApiError::bad_request("the disk is gone"))).unwrap_err();
        assert_eq!(recent.get("all", None, || Ok(1)).unwrap(), 1);
    }

    /// Pages that are told the same news ask the same; what happened before a page was told must be in its
    /// answer.
    #[test]
    fn an_answer_serves_whoever_was_told_before_it_was_asked_for() {
        let recent = Recent::until_news();
        let before = Instant::now().checked_sub(Duration::from_secs(1)).unwrap();
        assert_eq!(recent.get("all", Some(before), || Ok(1)).unwrap(), 1);
        assert_eq!(recent.get("all", Some(before), || Ok(2)).unwrap(), 1);
        assert_eq!(recent.get("failed", Some(before), || Ok(3)).unwrap(), 3);
        assert_eq!(recent.get("all", Some(Instant::now()), || Ok(4)).unwrap(), 4);
        assert_eq!(recent.get("all", None, || Ok(5)).unwrap(), 5);
    }

    /// Pages that are told the same news ask at the same time.
    #[test]
    fn a_question_that_is_being_answered_is_not_asked_again() {
        let recent = Recent::until_news();
        let before = Instant::now().checked_sub(Duration::from_secs(1));
        let turn = recent.turns.take("all");
        let answered = std::thread::scope(|scope| {
            let (begins, has_begun) = std::sync::mpsc::channel();
            let recent = &recent;
            let other = scope.spawn(move || {
                begins.send(()).unwrap();
                recent.get("all", before, || Ok("asked again")).unwrap()
            });
            has_begun.recv().unwrap();
            (0..100).for_each(|_| std::thread::yield_now());
            let (question, asked_at) = ("all".to_owned(), Instant::now());
            let kept = Kept { question, asked_at, slow_at: None, answer: "asked once" };
            crate::lock(&recent.kept).push_front(kept);
            drop(turn);
            other.join().unwrap()
        });
        assert_eq!(answered, "asked once");
    }
}
