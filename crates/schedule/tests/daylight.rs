//! What fires in the nights in which clocks change, in five zones, in 2025 and 2026.
//!
//! The changes are those of the IANA time zone database. Lord Howe's are of half an hour, Santiago's are
//! at midnight, and Casablanca goes back for Ramadan.
#![cfg(feature = "calendar")]
#![allow(clippy::unwrap_used, reason = "a test says what it expects")]

use nexus_schedule::Schedule;
use nexus_schedule::jiff::civil::{Date, DateTime};
use nexus_schedule::jiff::tz::TimeZone;
use nexus_schedule::jiff::{SignedDuration, Timestamp, ToSpan};
use proptest::collection::vec;
use proptest::{prop_assert_eq, proptest};

/// Times of the day that do not exist, or come twice; lists of them; and three intervals.
const EXPRESSIONS: [&str; 5] =
    ["30 2 * * *", "15 0,1,2 * * *", "*/30 * * * *", "0 */2 * * *", "*/20 2 * * *"];

/// Zone, date, and what each of the expressions fires.
const NIGHTS: [(&str, &str, [&str; 5]); 20] = [
    (
        "Europe/Oslo",
        "2025-03-30",
        [
            "03:00+02",
            "00:15+01 01:15+01 03:00+02",
            "23:00+01 23:30+01 00:00+01 00:30+01 01:00+01 01:30+01 03:00+02 03:30+02",
            "00:00+01",
            "",
        ],
    ),
    (
        "Europe/Oslo",
        "2025-10-26",
        [
            "02:30+02",
            "00:15+02 01:15+02 02:15+02",
            "23:00+02 23:30+02 00:00+02 00:30+02 01:00+02 01:30+02 02:00+02 02:30+02 02:00+01 02:30+01 03:00+01 03:30+01",
            "00:00+02 02:00+02 02:00+01",
            "02:00+02 02:20+02 02:40+02 02:00+01 02:20+01 02:40+01",
        ],
    ),
    (
        "Europe/Oslo",
        "2026-03-29",
        [
            "03:00+02",
            "00:15+01 01:15+01 03:00+02",
            "23:00+01 23:30+01 00:00+01 00:30+01 01:00+01 01:30+01 03:00+02 03:30+02",
            "00:00+01",
            "",
        ],
    ),
    (
        "Europe/Oslo",
        "2026-10-25",
        [
            "02:30+02",
            "00:15+02 01:15+02 02:15+02",
            "23:00+02 23:30+02 00:00+02 00:30+02 01:00+02 01:30+02 02:00+02 02:30+02 02:00+01 02:30+01 03:00+01 03:30+01",
            "00:00+02 02:00+02 02:00+01",
            "02:00+02 02:20+02 02:40+02 02:00+01 02:20+01 02:40+01",
        ],
    ),
    (
        "America/New_York",
        "2025-03-09",
        [
            "03:00-04",
            "00:15-05 01:15-05 03:00-04",
            "23:00-05 23:30-05 00:00-05 00:30-05 01:00-05 01:30-05 03:00-04 03:30-04",
            "00:00-05",
            "",
        ],
    ),
    (
        "America/New_York",
        "2025-11-02",
        [
            "02:30-05",
            "00:15-04 01:15-04 02:15-05",
            "23:00-04 23:30-04 00:00-04 00:30-04 01:00-04 01:30-04 01:00-05 01:30-05 02:00-05 02:30-05 03:00-05 03:30-05",
            "00:00-04 02:00-05",
            "02:00-05 02:20-05 02:40-05",
        ],
    ),
    (
        "America/New_York",
        "2026-03-08",
        [
            "03:00-04",
            "00:15-05 01:15-05 03:00-04",
            "23:00-05 23:30-05 00:00-05 00:30-05 01:00-05 01:30-05 03:00-04 03:30-04",
            "00:00-05",
            "",
        ],
    ),
    (
        "America/New_York",
        "2026-11-01",
        [
            "02:30-05",
            "00:15-04 01:15-04 02:15-05",
            "23:00-04 23:30-04 00:00-04 00:30-04 01:00-04 01:30-04 01:00-05 01:30-05 02:00-05 02:30-05 03:00-05 03:30-05",
            "00:00-04 02:00-05",
            "02:00-05 02:20-05 02:40-05",
        ],
    ),
    (
        "Australia/Lord_Howe",
        "2025-10-05",
        [
            "02:30+11",
            "00:15+10:30 01:15+10:30 02:30+11",
            "23:00+10:30 23:30+10:30 00:00+10:30 00:30+10:30 01:00+10:30 01:30+10:30 02:30+11 03:00+11 03:30+11",
            "00:00+10:30",
            "02:40+11",
        ],
    ),
    (
        "Australia/Lord_Howe",
        "2025-04-06",
        [
            "02:30+10:30",
            "00:15+11 01:15+11 02:15+10:30",
            "23:00+11 23:30+11 00:00+11 00:30+11 01:00+11 01:30+11 01:30+10:30 02:00+10:30 02:30+10:30 03:00+10:30 03:30+10:30",
            "00:00+11 02:00+10:30",
            "02:00+10:30 02:20+10:30 02:40+10:30",
        ],
    ),
    (
        "Australia/Lord_Howe",
        "2026-10-04",
        [
            "02:30+11",
            "00:15+10:30 01:15+10:30 02:30+11",
            "23:00+10:30 23:30+10:30 00:00+10:30 00:30+10:30 01:00+10:30 01:30+10:30 02:30+11 03:00+11 03:30+11",
            "00:00+10:30",
            "02:40+11",
        ],
    ),
    (
        "Australia/Lord_Howe",
        "2026-04-05",
        [
            "02:30+10:30",
            "00:15+11 01:15+11 02:15+10:30",
            "23:00+11 23:30+11 00:00+11 00:30+11 01:00+11 01:30+11 01:30+10:30 02:00+10:30 02:30+10:30 03:00+10:30 03:30+10:30",
            "00:00+11 02:00+10:30",
            "02:00+10:30 02:20+10:30 02:40+10:30",
        ],
    ),
    (
        "America/Santiago",
        "2025-09-07",
        [
            "02:30-03",
            "01:00-03 01:15-03 02:15-03",
            "23:00-04 23:30-04 01:00-03 01:30-03 02:00-03 02:30-03 03:00-03 03:30-03",
            "02:00-03",
            "02:00-03 02:20-03 02:40-03",
        ],
    ),
    (
        "America/Santiago",
        "2025-04-06",
        [
            "02:30-04",
            "00:15-04 01:15-04 02:15-04",
            "23:00-03 23:30-03 23:00-04 23:30-04 00:00-04 00:30-04 01:00-04 01:30-04 02:00-04 02:30-04 03:00-04 03:30-04",
            "00:00-04 02:00-04",
            "02:00-04 02:20-04 02:40-04",
        ],
    ),
    (
        "America/Santiago",
        "2026-09-06",
        [
            "02:30-03",
            "01:00-03 01:15-03 02:15-03",
            "23:00-04 23:30-04 01:00-03 01:30-03 02:00-03 02:30-03 03:00-03 03:30-03",
            "02:00-03",
            "02:00-03 02:20-03 02:40-03",
        ],
    ),
    (
        "America/Santiago",
        "2026-04-05",
        [
            "02:30-04",
            "00:15-04 01:15-04 02:15-04",
            "23:00-03 23:30-03 23:00-04 23:30-04 00:00-04 00:30-04 01:00-04 01:30-04 02:00-04 02:30-04 03:00-04 03:30-04",
            "00:00-04 02:00-04",
            "02:00-04 02:20-04 02:40-04",
        ],
    ),
    (
        "Africa/Casablanca",
        "2025-04-06",
        [
            "03:00+01",
            "00:15+00 01:15+00 03:00+01",
            "23:00+00 23:30+00 00:00+00 00:30+00 01:00+00 01:30+00 03:00+01 03:30+01",
            "00:00+00",
            "",
        ],
    ),
    (
        "Africa/Casablanca",
        "2025-02-23",
        [
            "02:30+01",
            "00:15+01 01:15+01 02:15+01",
            "23:00+01 23:30+01 00:00+01 00:30+01 01:00+01 01:30+01 02:00+01 02:30+01 02:00+00 02:30+00 03:00+00 03:30+00",
            "00:00+01 02:00+01 02:00+00",
            "02:00+01 02:20+01 02:40+01 02:00+00 02:20+00 02:40+00",
        ],
    ),
    (
        "Africa/Casablanca",
        "2026-03-22",
        [
            "03:00+01",
            "00:15+00 01:15+00 03:00+01",
            "23:00+00 23:30+00 00:00+00 00:30+00 01:00+00 01:30+00 03:00+01 03:30+01",
            "00:00+00",
            "",
        ],
    ),
    (
        "Africa/Casablanca",
        "2026-02-15",
        [
            "02:30+01",
            "00:15+01 01:15+01 02:15+01",
            "23:00+01 23:30+01 00:00+01 00:30+01 01:00+01 01:30+01 02:00+01 02:30+01 02:00+00 02:30+00 03:00+00 03:30+00",
            "00:00+01 02:00+01 02:00+00",
            "02:00+01 02:20+01 02:40+01 02:00+00 02:20+00 02:40+00",
        ],
    ),
];

/// What fires between 23:00 of the day before and 04:00, as the clock shows it, with the offset.
fn firings(expression: &str, zone: &str, date: &str) -> String {
    let tz = TimeZone::get(zone).unwrap();
    let date: Date = date.parse().unwrap();
    let from = date.yesterday().unwrap().at(22, 59, 59, 0).to_zoned_datetime(tz.clone()).unwrap();
    let until = date.at(4, 0, 0, 0).to_zoned_datetime(tz).unwrap().timestamp();
    let schedule = Schedule::cron(expression).unwrap().zone(zone).unwrap();
    let times = schedule.after(from.timestamp()).take_while(|time| time.timestamp() < until);
    let shown: Vec<String> = times.map(|time| time.strftime("%H:%M%:::z").to_string()).collect();
    shown.join(" ")
}

#[test]
fn in_the_nights_in_which_clocks_change_everything_fires_as_in_vixie_cron() {
    for (zone, date, expected) in NIGHTS {
        for (expression, expected) in EXPRESSIONS.iter().zip(expected) {
            assert_eq!(
                firings(expression, zone, date),
                expected,
                "{expression} in {zone} on {date}"
            );
        }
    }
}

/// The fields of an expression of plain numbers, as a clock shows them; the model has nothing else.
type Shown = (Vec<i8>, Vec<i8>);

/// What fires, found by looking at each minute that passes.
fn by_looking(shown: &Shown, is_fixed: bool, zone: &TimeZone, from: Timestamp) -> Vec<Timestamp> {
    let minute = SignedDuration::from_mins(1);
    let matches = |at: DateTime| shown.0.contains(&at.minute()) && shown.1.contains(&at.hour());
    let mut fired = Vec::new();
    let mut before = zone.to_datetime(from);
    // How late the clock has been.
    let mut latest = before;
    for at in (1..60 * 36).map(|minutes| from + minute * minutes) {
        let now = zone.to_datetime(at);
        let skipped = before.series(1.minutes()).skip(1).take_while(|time| *time < now);
        let is_due = if is_fixed {
            (now > latest && matches(now)) || skipped.into_iter().any(matches)
        } else {
            matches(now)
        };
        if is_due {
            fired.push(at);
        }
        (before, latest) = (now, latest.max(now));
    }
    fired
}

proptest! {
    #[test]
    fn the_calculation_finds_what_one_sees_by_looking_at_each_minute(
        minutes in vec(0_i8..60, 1..4),
        hours in vec(0_i8..5, 1..4),
        is_interval: bool,
        night in 0..NIGHTS.len(),
    ) {
        let (zone, date, _) = NIGHTS[night];
        let zone = TimeZone::get(zone).unwrap();
        let from = date.parse::<Date>().unwrap().yesterday().unwrap().at(11, 59, 0, 0);
        let from = from.to_zoned_datetime(zone.clone()).unwrap().timestamp();
        let list = |numbers: &[i8]| numbers.iter().map(i8::to_string).collect::<Vec<_>>().join(",");
        let shown = (minutes, if is_interval { (0..24).collect() } else { hours });
        let hours = if is_interval { "*".to_owned() } else { list(&shown.1) };
        let schedule = Schedule::cron(&format!("{} {hours} * * *", list(&shown.0))).unwrap();
        let schedule = schedule.zone(zone.iana_name().unwrap()).unwrap();
        let until = from + SignedDuration::from_hours(36);
        let fired = schedule.after(from).map(|time| time.timestamp()).take_while(|time| *time < until);
        prop_assert_eq!(fired.collect::<Vec<_>>(), by_looking(&shown, !is_interval, &zone, from));
    }
}
