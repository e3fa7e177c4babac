//! Which firings are due.

use std::collections::VecDeque;

use jiff::{SignedDuration, Timestamp};

use crate::Schedule;

/// How far back firings are looked for, one after the other: where very many were missed, only the
/// last ones count, and those before are not gone through.
const WINDOWS: [SignedDuration; 5] = [
    SignedDuration::from_mins(1),
    SignedDuration::from_hours(1),
    SignedDuration::from_hours(24),
    SignedDuration::from_hours(30 * 24),
    SignedDuration::from_hours(366 * 24),
];

/// The last firings after one time and up to another, in order, and at most so many.
pub(super) fn due(
    schedule: &Schedule,
    after: Timestamp,
    until: Timestamp,
    most: usize,
) -> VecDeque<Timestamp> {
    let mut last = VecDeque::new();
    let windows = WINDOWS.iter().filter_map(|window| until.checked_sub(*window).ok());
    for from in windows.chain([after]) {
        let from = from.max(after);
        last.clear();
        for time in schedule.after(from).map(|time| time.timestamp()) {
            if time > until {
                break;
            }
            if last.len() == most {
                last.pop_front();
            }
            last.push_back(time);
        }
        if last.len() == most || from == after {
            break;
        }
    }
    last
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_firings_are_found_however_many_were_missed() {
        let often = Schedule::every(std::time::Duration::from_secs(1));
        let until: Timestamp = "2026-01-01T00:00:00Z".parse().unwrap_or_default();
        let last = often.map(|often| due(&often, Timestamp::UNIX_EPOCH, until, 3));
        let seconds =
            last.map(|last| last.iter().map(|it| it.duration_until(until).as_secs()).collect());
        assert_eq!(seconds, Ok(vec![2, 1, 0]));
        let yearly = Schedule::cron("0 0 1 1 *");
        let last = yearly.map(|yearly| {
            due(&yearly, "2020-06-01T00:00:00Z".parse().unwrap_or_default(), until, 9)
        });
        assert_eq!(last.map(|last| last.len()), Ok(6));
    }
}
