//! Which expressions are cron expressions, what they mean, and what is said of the others.
#![allow(clippy::unwrap_used, reason = "a test says what it expects")]

use nexus_schedule::Cron;

/// Each with the minutes, in UTC, at which it fires first after a Monday's beginning.
#[cfg(feature = "calendar")]
#[test]
fn expressions_mean_what_crontab_says() {
    use nexus_schedule::Schedule;
    for (expression, next) in [
        ("* * * * *", "2026-06-01T00:01:00Z"),
        ("*/15 * * * *", "2026-06-01T00:15:00Z"),
        ("7/20 * * * *", "2026-06-01T00:07:00Z"),
        ("10-20/5 3 * * *", "2026-06-01T03:10:00Z"),
        ("5,3 4 * * *", "2026-06-01T04:03:00Z"),
        ("0 0 * * *", "2026-06-02T00:00:00Z"),
        ("0 0 * * 7", "2026-06-07T00:00:00Z"),
        ("0 0 * * SUN", "2026-06-07T00:00:00Z"),
        ("0 0 * * fri-sun", "2026-06-05T00:00:00Z"),
        ("0 0 * * 5-7", "2026-06-05T00:00:00Z"),
        ("0 0 13 * 5", "2026-06-05T00:00:00Z"), // either the 13th or a Friday
        ("0 0 */13 * 5", "2026-08-14T00:00:00Z"), // the 1st, 14th or 27th, and a Friday
        ("0 0 29 2 *", "2028-02-29T00:00:00Z"),
        ("0 0 1 jan,jul *", "2026-07-01T00:00:00Z"),
        ("@hourly", "2026-06-01T01:00:00Z"),
        (" @Weekly ", "2026-06-07T00:00:00Z"),
        ("@yearly", "2027-01-01T00:00:00Z"),
    ] {
        let schedule = Schedule::cron(expression).unwrap();
        let first = schedule.after("2026-06-01T00:00:00Z".parse().unwrap()).next().unwrap();
        assert_eq!(first.timestamp().to_string(), next, "{expression}");
    }
}

#[cfg(feature = "calendar")]
#[test]
fn what_is_rare_is_found_and_what_never_comes_is_refused() {
    use nexus_schedule::Schedule;
    use nexus_schedule::jiff::Timestamp;
    let sunday = Schedule::cron("0 0 29 2 */7").unwrap();
    let first = sunday.after("2088-03-01T00:00:00Z".parse().unwrap()).next().unwrap();
    // The century has no leap day in 2100.
    assert_eq!(first.timestamp().to_string(), "2128-02-29T00:00:00Z");
    let last = Schedule::every(std::time::Duration::from_secs(1)).unwrap();
    assert_eq!(last.after(Timestamp::MAX).next(), None);
    let once = Schedule::at("2026-12-24T18:00:00+01:00").unwrap();
    assert_eq!(once.after("2026-12-24T16:59:59Z".parse().unwrap()).count(), 1);
    assert_eq!(once.after("2026-12-24T17:00:00Z".parse().unwrap()).count(), 0);
}

#[test]
fn every_mistake_is_named_with_its_place() {
    for (expression, expected) in [
        (
            "",
            "0: there are five fields (minute, hour, day of the month, month, day of the week), and here are 0",
        ),
        (
            "* * * *",
            "7: there are five fields (minute, hour, day of the month, month, day of the week), and here are 4",
        ),
        (
            "* * * * * * *",
            "10: there are five fields (minute, hour, day of the month, month, day of the week), and here are 7",
        ),
        (
            "0 30 2 * * *",
            "0: there are five fields (minute, hour, day of the month, month, day of the week); seconds are not among them",
        ),
        (
            "60 24 0 13 8",
            "0: `60` is no minute; write 0 to 59 | 3: `24` is no hour; write 0 to 23 | 6: `0` is no day of the month; write 1 to 31 | 8: `13` is no month; write 1 to 12 | 11: `8` is no day of the week; write 0 to 7",
        ),
        ("5, * * * *", "2: a minute is missing; write 0 to 59, or `*` for all"),
        ("*/0 */24 * * *", "2: `0` is no step; write 1 to 60 | "),
        ("1-x * * * *", "2: `x` is no minute; write 0 to 59"),
        ("50-10 * * * *", "0: `50-10` goes down; write `50-59,0-10`"),
        ("0 0 * * sat-mon", "8: `sat-mon` goes down; write `6-6,0-1`"),
        ("0 0 L * *", "4: `L` is an extension that is not known; write 1 to 31"),
        ("0 0 * january *", "6: `january` is no month; write `jan`, or 1 to 12"),
        ("0 0 30 2 *", "4: no such month has that day, so this is never"),
        ("-5 * * * *", "0: a minute is missing; write 0 to 59, or `*` for all"),
        ("+5 * * * *", "0: `+5` is no minute; write 0 to 59"),
        (
            "@dayly",
            "0: `@dayly` is not known; there are @hourly, @daily, @midnight, @weekly, @monthly, @yearly, @annually",
        ),
    ] {
        let error = expression.parse::<Cron>().unwrap_err();
        let said: Vec<String> =
            error.mistakes().iter().map(|it| format!("{}: {}", it.at.start, it.message)).collect();
        let said = said.join(" | ");
        assert!(said.starts_with(expected.trim_end_matches(" | ")), "{expression}: {said}");
    }
}

#[test]
fn whatever_the_text_a_mistake_is_shown_with_a_caret_and_harmless() {
    for text in ["\u{1b}[2J * * * *", "ö ö ö ö ö", "9999999999999999 * * * *", "* *\n* * x", "@ü"]
    {
        let error = text.parse::<Cron>().unwrap_err().to_string();
        assert!(error.lines().nth(2).is_some_and(|carets| carets.contains('^')), "{error}");
        assert!(error.lines().all(|line| !line.contains(char::is_control)), "{error}");
    }
}
