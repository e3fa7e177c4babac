//! How often pages are told news, by what they cost.

use std::time::Duration;

use tokio::time::Instant;

/// A round of news is no shorter than this, and so long is a page told nothing that was told something.
pub(crate) const SHORTEST: Duration = Duration::from_millis(250);
/// A round is no longer than this, however much pages cost.
const LONGEST: Duration = Duration::from_secs(1);
/// A round takes so many times as long as the dashboard works for pages in it, where it may: answering then
/// takes one part of so many of one processor.
const REST: u32 = 100;

/// The rounds in which pages are told of news, each page once in each at most. Time is passed in.
#[derive(Debug, Default)]
pub(crate) struct Rounds {
    /// How many there were.
    round: u64,
    /// When the last one began.
    began: Option<Instant>,
    /// How long the dashboard has worked for pages since.
    worked: Duration,
}

/// In which round a page that listens is told of news.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Round {
    /// In this one, which begins with it.
    Begins(u64),
    /// In this one, which others have begun, and in which it was told nothing yet.
    Joins(u64),
    /// In none before this moment, when it asks again.
    Waits(Instant),
}

impl Rounds {
    /// In which round a page is told that was told last in the round `told`.
    pub(crate) fn round(&mut self, told: u64, now: Instant) -> Round {
        match self.over() {
            Some(over) if now < over && told < self.round => Round::Joins(self.round),
            Some(over) if now < over => Round::Waits(over),
            _ => {
                *self = Self { round: self.round + 1, began: Some(now), worked: Duration::ZERO };
                Round::Begins(self.round)
            }
        }
    }

    /// When the round is over, unless pages ask for more.
    pub(crate) fn over(&self) -> Option<Instant> {
        Some(self.began? + self.worked.saturating_mul(REST).clamp(SHORTEST, LONGEST))
    }

    /// The dashboard has worked so long for pages.
    pub(crate) fn work(&mut self, took: Duration) {
        self.worked = self.worked.saturating_add(took);
    }

    /// The round that goes on, or that was last.
    pub(crate) fn last(&self) -> u64 {
        self.round
    }
}

#[cfg(test)]
mod tests {
    use super::Round::{Begins, Joins, Waits};
    use super::*;

    /// Runs must not pay for pages, however many there are; whoever looks at an idle dashboard is to see at
    /// once what happens.
    #[test]
    fn pages_are_told_again_the_later_the_more_they_cost() {
        let start = Instant::now();
        let at = |millis| start + Duration::from_millis(millis);
        // For how long the dashboard works in microseconds, how long after the last round that is over.
        for (worked, over) in [
            (0, 250),
            (2_500, 250),
            (2_600, 260),
            (5_000, 500),
            (10_000, 1_000),
            (10_001, 1_000),
            (60_000_000, 1_000),
        ] {
            let mut rounds = Rounds::default();
            assert_eq!((rounds.over(), rounds.round(0, at(0))), (None, Begins(1)), "{worked}");
            // What several pages cost counts together.
            rounds.work(Duration::from_micros(worked / 2));
            rounds.work(Duration::from_micros(worked - worked / 2));
            assert_eq!(rounds.round(1, at(over - 1)), Waits(at(over)), "{worked}");
            assert_eq!(rounds.round(1, at(over)), Begins(2), "{worked}");
            // It counts once.
            assert_eq!(rounds.over(), Some(at(over + 250)), "{worked}");
        }
    }

    /// A page that is told again in the same round asks again, and what all of them cost would have no bound;
    /// one that is told in none has an old answer for ever.
    #[test]
    fn each_page_is_told_once_in_a_round_whenever_it_asks() {
        let start = Instant::now();
        let at = |millis| start + Duration::from_millis(millis);
        let mut rounds = Rounds::default();
        // When each of three pages asks, and in which round it is told.
        let mut told = [0; 3];
        for (millis, page, round) in [
            (0, 0, Begins(1)),
            (0, 1, Joins(1)),
            (1, 0, Waits(at(250))),
            (249, 2, Joins(1)),
            (249, 1, Waits(at(250))),
            (250, 1, Begins(2)),
            (300, 0, Joins(2)),
            (499, 0, Waits(at(500))),
            // While nobody asks there is no round, and who was away joins the next one.
            (5_000, 2, Begins(3)),
            (5_000, 2, Waits(at(5_250))),
            (5_100, 0, Joins(3)),
        ] {
            let found = rounds.round(told[page], at(millis));
            assert_eq!(found, round, "page {page} after {millis} ms");
            if let Begins(round) | Joins(round) = found {
                told[page] = round;
            }
        }
    }

    /// Work that nobody was told for, as that of programs that ask by themselves, is no debt.
    #[test]
    fn however_much_was_asked_news_are_told_each_second() {
        let start = Instant::now();
        let mut rounds = Rounds::default();
        assert_eq!(rounds.round(0, start), Begins(1));
        rounds.work(Duration::MAX);
        rounds.work(Duration::MAX);
        assert_eq!(rounds.round(1, start + LONGEST), Begins(2));
        assert_eq!(rounds.round(2, start + LONGEST + SHORTEST), Begins(3));
    }
}
