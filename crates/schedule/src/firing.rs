//! The times at which a schedule fires.

use jiff::civil::{Date, DateTime};
use jiff::tz::{AmbiguousOffset, TimeZone};
use jiff::{SignedDuration, Timestamp, ZonedDateTime};

use crate::cron::Cron;
use crate::schedule::{Schedule, When};

/// After so many days without a match there is none: the rarest date, a Sunday that is the 29th of
/// February, comes every 28 years, and once every 40 where a century has no leap day.
const MOST_DAYS: i32 = 41 * 366;

/// The times at which a schedule fires, from the first one after a point in time; see
/// [`Schedule::after`].
#[derive(Debug, Clone)]
pub struct Firings<'a> {
    schedule: &'a Schedule,
    after: Timestamp,
}

impl Schedule {
    /// The times at which it fires, the first of them after this one.
    pub fn after(&self, time: Timestamp) -> Firings<'_> {
        Firings { schedule: self, after: time }
    }
}

impl Iterator for Firings<'_> {
    type Item = ZonedDateTime;

    fn next(&mut self) -> Option<ZonedDateTime> {
        let zone = &self.schedule.zone;
        let next = match &self.schedule.when {
            When::Cron(cron) => next_of(cron, self.after, zone),
            When::Every(interval) => next_multiple(*interval, self.after),
            When::At(time) => (*time > self.after).then_some(*time),
        }?;
        self.after = next;
        Some(next.to_zoned_datetime(zone.clone()))
    }
}

/// The first multiple of the interval, counted from the beginning of 1970, after a time.
fn next_multiple(interval: SignedDuration, after: Timestamp) -> Option<Timestamp> {
    let (step, after) = (interval.as_nanos(), after.as_nanosecond());
    let next = after.div_euclid(step).checked_add(1)?.checked_mul(step)?;
    Timestamp::from_nanosecond(next).ok()
}

fn next_of(cron: &Cron, after: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
    // What a gap or a fold moves comes from the day before at the earliest.
    let mut date = after.to_zoned_datetime(zone.clone()).date().yesterday().ok()?;
    for _ in 0..MOST_DAYS {
        if cron.allows_date(date.month(), date.day(), date.weekday().to_sunday_zero_offset()) {
            let times = times_of(cron, date).flat_map(|time| instants(cron, time, zone));
            if let Some(next) = times.filter(|time| *time > after).min() {
                return Some(next);
            }
        }
        date = date.tomorrow().ok()?;
    }
    None
}

/// What the clock shows at its times of a day.
fn times_of(cron: &Cron, date: Date) -> impl Iterator<Item = DateTime> {
    let hours = (0..24).filter(|hour| cron.hours.allows(*hour));
    hours.flat_map(move |hour| {
        let minutes = (0..60).filter(|minute| cron.minutes.allows(*minute));
        minutes.map(move |minute| date.at(hour, minute, 0, 0))
    })
}

/// When the clock shows this time and the expression fires.
fn instants(cron: &Cron, time: DateTime, zone: &TimeZone) -> impl Iterator<Item = Timestamp> {
    let at = |offset: jiff::tz::Offset| offset.to_timestamp(time).ok();
    let (first, second) = match zone.to_ambiguous_timestamp(time).offset() {
        AmbiguousOffset::Unambiguous { offset } => (at(offset), None),
        AmbiguousOffset::Fold { before, after } => {
            (at(before), if cron.is_fixed() { None } else { at(after) })
        }
        AmbiguousOffset::Gap { after, .. } => {
            // With the offset of after the gap, the time comes out as one before it.
            let earlier = at(after).filter(|_| cron.is_fixed());
            (earlier.and_then(|earlier| next_change(zone, earlier)), None)
        }
    };
    first.into_iter().chain(second)
}

/// When the zone's clocks are next changed.
fn next_change(zone: &TimeZone, after: Timestamp) -> Option<Timestamp> {
    zone.following(after).next().map(|change| change.timestamp())
}
