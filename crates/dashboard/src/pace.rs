//! How often pages are told news, by what they cost.

use std::time::Duration;

use tokio::time::Instant;

/// A page is told of news no sooner than this after it was told of some.
pub(crate) const LEAST: Duration = Duration::from_millis(250);
/// However much pages cost, they are told of news as often.
pub(crate) const MOST: Duration = Duration::from_secs(1);
/// Pages are told again after so many times as long as it took to answer what they asked since: so
/// answering takes one part of so many of a processor.
const REST: u32 = 100;

/// The rounds in which pages are told of news, each page once in each at most. Who listens asks for a turn;
/// time is passed in.
#[derive(Debug, Default)]
pub(crate) struct Pace {
    /// How many there were.
    round: u64,
    /// When the last one began.
    began: Option<Instant>,
    /// How long the dashboard has worked for pages since.
    worked: Duration,
}

/// What a page that wants to be told of news is to do.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Turn {
    /// A round begins with it.
    Begins(u64),
    /// It was not told yet in the round that others have begun.
    Joins(u64),
    /// It asks again at this moment.
    Waits(Instant),
}

impl Pace {
    /// What a page is to do that was told last in the round `told`.
    pub(crate) fn turn(&mut self, told: u64, now: Instant) -> Turn {
        match self.over() {
            Some(over) if now < over && told < self.round => Turn::Joins(self.round),
            Some(over) if now < over => Turn::Waits(over),
            _ => {
                *self = Self { round: self.round + 1, began: Some(now), worked: Duration::ZERO };
                Turn::Begins(self.round)
            }
        }
    }

    /// When the round is over, if no page asks for more.
    pub(crate) fn over(&self) -> Option<Instant> {
        Some(self.began? + self.worked.saturating_mul(REST).clamp(LEAST, MOST))
    }

    /// The dashboard has worked so long for pages.
    pub(crate) fn work(&mut self, took: Duration) {
        self.worked = self.worked.saturating_add(took);
    }

    /// The round that goes on, or that was last.
    pub(crate) fn round(&self) -> u64 {
        self.round
    }
}

#[cfg(test)]
mod tests {
    use super::Turn::{Begins, Joins, Waits};
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
            let mut pace = Pace::default();
            assert_eq!((pace.over(), pace.turn(0, at(0))), (None, Begins(1)), "{worked}");
            // What several pages cost counts together.
            pace.work(Duration::from_micros(worked / 2));
            pace.work(Duration::from_micros(worked - worked / 2));
            assert_eq!(pace.turn(1, at(over - 1)), Waits(at(over)), "{worked}");
            assert_eq!(pace.turn(1, at(over)), Begins(2), "{worked}");
            // It counts once.
            assert_eq!(pace.over(), Some(at(over + 250)), "{worked}");
        }
    }

    /// A page that is told again in the same round asks again, and what all of them cost would have no bound;
    /// one that is told in none has an old answer for ever.
    #[test]
    fn each_page_is_told_once_in_a_round_whenever_it_asks() {
        let start = Instant::now();
        let at = |millis| start + Duration::from_millis(millis);
        let mut pace = Pace::default();
        // When each of three pages asks, and what it is to do.
        let mut told = [0; 3];
        for (millis, page, turn) in [
            (0, 0, Begins(1)),
            (0, 1, Joins(1)),
            (1, 0, Waits(at(250))),
            (249, 2, Joins(1)),
            (249, 1, Waits(at(250))),
            (250, 1, Begins(2)),
            (300, 0, Joins(2)),
            (499, 0, Waits(at(500))),
            // One that nobody asked for is left out, and who was away joins the next.
            (5_000, 2, Begins(3)),
            (5_000, 2, Waits(at(5_250))),
            (5_100, 0, Joins(3)),
        ] {
            let found = pace.turn(told[page], at(millis));
            assert_eq!(found, turn, "page {page} after {millis} ms");
            if let Begins(round) | Joins(round) = found {
                told[page] = round;
            }
        }
    }

    /// Work that nobody was told for, as that of programs that ask by themselves, is no debt.
    #[test]
    fn however_much_was_asked_news_are_told_each_second() {
        let start = Instant::now();
        let mut pace = Pace::default();
        assert_eq!(pace.turn(0, start), Begins(1));
        pace.work(Duration::MAX);
        pace.work(Duration::MAX);
        assert_eq!(pace.turn(1, start + MOST), Begins(2));
        assert_eq!(pace.turn(2, start + MOST + LEAST), Begins(3));
    }
}
