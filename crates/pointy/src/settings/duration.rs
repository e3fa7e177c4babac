use std::time::Duration;

use crate::diagnostic::quote;

const HELP: &str = "write it like \"200ms\", \"30s\", \"5m\", \"1h\" or \"1h30m\"";

/// Reads a duration: numbers with a unit each, `ns`, `us`, `ms`, `s`, `m`, `h` or `d`.
///
/// # Errors
/// A sentence about what is wrong and how a duration is written, if the text is no
/// duration, zero, or more than a `Duration` holds.
///
/// ```
/// use std::time::Duration;
/// use nexus_pointy::settings::parse_duration;
/// assert_eq!(parse_duration("200ms"), Ok(Duration::from_millis(200)));
/// assert_eq!(parse_duration("1h30m"), Ok(Duration::from_secs(5400)));
/// assert_eq!(parse_duration("1.5s"), Ok(Duration::from_millis(1500)));
/// assert!(parse_duration("30").unwrap_err().contains("\"30s\""));
/// assert!(parse_duration("0s").is_err());
/// ```
pub fn parse_duration(text: &str) -> Result<Duration, String> {
    let fail = |what: &str| Err(format!("the duration {} {what}; {HELP}", quote(text)));
    let mut rest = text.trim();
    if rest.is_empty() {
        return fail("is empty");
    }
    let mut total = Duration::ZERO;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
        let (number, tail) = rest.split_at(digits);
        let tail = tail.trim_start();
        let length = tail.find(|c: char| !c.is_alphabetic()).unwrap_or(tail.len());
        let (unit, tail) = tail.split_at(length);
        if number.is_empty() {
            return fail(if rest.starts_with('-') {
                "is negative"
            } else {
                "does not start with a number"
            });
        }
        let Some(nanos) = nanos(unit) else {
            return if unit.is_empty() {
                Err(format!(
                    "the duration {} has no unit; write \"{}s\" for seconds",
                    quote(text),
                    quote_number(number)
                ))
            } else {
                fail(&format!("has the unknown unit {}", quote(unit)))
            };
        };
        let Some(part) = scale(number, nanos) else {
            return fail("is not a number with a unit, or too long");
        };
        let Some(sum) = total.checked_add(part) else { return fail("is too long") };
        total = sum;
        rest = tail.trim_start();
    }
    if total.is_zero() { fail("is zero") } else { Ok(total) }
}

fn quote_number(number: &str) -> &str {
    number.get(..number.len().min(20)).unwrap_or(number)
}

fn nanos(unit: &str) -> Option<u64> {
    Some(match unit {
        "ns" => 1,
        "us" | "µs" | "μs" => 1_000,
        "ms" => 1_000_000,
        "s" | "sec" => 1_000_000_000,
        "m" | "min" => 60_000_000_000,
        "h" => 3_600_000_000_000,
        "d" => 86_400_000_000_000,
        _ => return None,
    })
}

fn scale(number: &str, nanos: u64) -> Option<Duration> {
    if let Ok(whole) = number.parse::<u64>() {
        let total = u128::from(whole).checked_mul(nanos.into())?;
        let seconds = u64::try_from(total / 1_000_000_000).ok()?;
        let rest = u32::try_from(total % 1_000_000_000).ok()?;
        return Some(Duration::new(seconds, rest));
    }
    let value: f64 = number.parse().ok()?;
    Duration::try_from_secs_f64(value * Duration::from_nanos(nanos).as_secs_f64()).ok()
}
