//! Points in time and durations, as people and programs read them. All dates are in UTC.

use std::time::Duration;

use nexus_core::journal::Timestamp;

/// `2026-11-27 07:41:25`
pub(crate) fn date(at: Timestamp) -> String {
    let (date, second) = (Date::of(at), at.0 / 1_000_000 % 86_400);
    let Date { year, month, day } = date;
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}")
}

/// `2026-11-27T07:41:25.123456Z`, as RFC 3339 writes it.
pub(crate) fn rfc_3339(at: Timestamp) -> String {
    format!("{}.{:06}Z", date(at).replace(' ', "T"), at.0 % 1_000_000)
}

/// The time now.
pub(crate) fn now() -> Timestamp {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    Timestamp::since_epoch(since.unwrap_or_default())
}

struct Date {
    year: u64,
    month: u64,
    day: u64,
}

impl Date {
    /// The civil date, after Howard Hinnant's `civil_from_days`: years begin in March, so that the
    /// day that comes every four years is the last one.
    fn of(at: Timestamp) -> Self {
        const DAYS_FROM_YEAR_0_TO_1970: u64 = 719_468;
        const DAYS_IN_400_YEARS: u64 = 146_097;
        let days = at.0 / 86_400_000_000 + DAYS_FROM_YEAR_0_TO_1970;
        let (era, day_of_era) = (days / DAYS_IN_400_YEARS, days % DAYS_IN_400_YEARS);
        let leap_days = day_of_era / 1460 + day_of_era / 146_096;
        let year_of_era = (day_of_era - leap_days + day_of_era / 36_524) / 365;
        let before = 365 * year_of_era + year_of_era / 4 - year_of_era / 100;
        let day_of_year = day_of_era - before;
        let month_from_march = (5 * day_of_year + 2) / 153;
        let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
        let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
        let year = era * 400 + year_of_era + u64::from(month <= 2);
        Self { year, month, day }
    }
}

/// A duration in its two largest units: `3d 4h`, `2m 5s`, `1.2s`, `340ms`.
pub(crate) fn short(time: Duration) -> String {
    let (seconds, units) = (time.as_secs(), [(86_400, "d"), (3600, "h"), (60, "m"), (1, "s")]);
    for pair in units.windows(2) {
        if let [(large, large_unit), (small, small_unit)] = *pair
            && seconds >= large
        {
            let (whole, rest) = (seconds / large, seconds % large / small);
            return match rest {
                0 => format!("{whole}{large_unit}"),
                _ => format!("{whole}{large_unit} {rest}{small_unit}"),
            };
        }
    }
    format!("{time:.1?}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_those_of_the_calendar() {
        for (seconds, said) in [
            (0, "1970-01-01 00:00:00"),
            (951_782_399, "2000-02-28 23:59:59"),
            (951_782_400, "2000-02-29 00:00:00"),
            (951_868_800, "2000-03-01 00:00:00"),
            (1_735_689_599, "2024-12-31 23:59:59"),
            (4_107_542_400, "2100-03-01 00:00:00"),
        ] {
            assert_eq!(date(Timestamp(seconds * 1_000_000)), said);
        }
        assert_eq!(rfc_3339(Timestamp(1_000_042)), "1970-01-01T00:00:01.000042Z");
    }

    #[test]
    fn durations_are_said_in_their_two_largest_units() {
        for (millis, said) in [
            (0, "0.0ns"),
            (340, "340.0ms"),
            (1200, "1.2s"),
            (60_000, "1m"),
            (125_000, "2m 5s"),
            (3_600_000, "1h"),
            (274_000_000, "3d 4h"),
        ] {
            assert_eq!(short(Duration::from_millis(millis)), said);
        }
    }
}
