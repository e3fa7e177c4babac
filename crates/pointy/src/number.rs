//! Reads numbers as scripts and Rust tokens write them.

/// Why a number cannot be read, and what to do.
#[derive(Debug, PartialEq)]
pub(crate) struct BadNumber {
    pub(crate) message: &'static str,
    pub(crate) help: Option<String>,
}

fn bad(message: &'static str, help: Option<&str>) -> BadNumber {
    BadNumber { message, help: help.map(Into::into) }
}

/// What is wrong with a number that only has too many digits.
pub(crate) const TOO_LARGE: &str = "is too large";

/// Reads a whole number with an optional sign.
pub(crate) fn int(text: &str) -> Result<i128, BadNumber> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(rest) => (true, rest.trim_start()),
        None => (false, text),
    };
    let mut value: i128 = 0;
    for (at, c) in digits.char_indices() {
        match c.to_digit(10) {
            Some(digit) => value = value.saturating_mul(10).saturating_add(i128::from(digit)),
            None if c == '_' && at > 0 => {}
            None => return Err(suffix(digits, at)),
        }
        if value > i128::from(u64::MAX) {
            let help = format!("the largest is {}", u64::MAX);
            return Err(BadNumber { message: TOO_LARGE, help: Some(help) });
        }
    }
    if digits.is_empty() {
        return Err(bad("has no digits", None));
    }
    Ok(if negative { -value } else { value })
}

fn suffix(digits: &str, at: usize) -> BadNumber {
    let (number, tail) = digits.split_at(at);
    match tail {
        "ms" | "s" | "m" | "h" | "d" => {
            BadNumber { message: "is a duration without quotes", help: Some(in_quotes(digits)) }
        }
        _ if number == "0" && tail.starts_with(['x', 'X', 'b', 'B', 'o', 'O']) => {
            bad("is not decimal", Some("write the number in decimal"))
        }
        _ if is_type(tail) => {
            BadNumber { message: "has a type suffix", help: Some(format!("write `{number}`")) }
        }
        _ => bad("is neither a number nor a name", Some("names start with a letter or `_`")),
    }
}

fn in_quotes(duration: &str) -> String {
    let number = duration.trim_end_matches(char::is_alphabetic);
    format!("write `\"{duration}\"`, or `{number}` where the setting is a number of seconds")
}

fn is_type(tail: &str) -> bool {
    let width = tail.strip_prefix(['u', 'i', 'f']);
    width.is_some_and(|width| matches!(width, "8" | "16" | "32" | "64" | "128" | "size"))
}

/// Reads a number with a fraction or an exponent.
pub(crate) fn float(text: &str) -> Result<f64, BadNumber> {
    let (sign, digits) = match text.strip_prefix('-') {
        Some(rest) => ("-", rest.trim_start()),
        None => ("", text),
    };
    let plain: String = sign.chars().chain(digits.chars().filter(|c| *c != '_')).collect();
    let numeric = |c: char| c.is_ascii_digit() || matches!(c, '.' | 'e' | 'E' | '+' | '-');
    match plain.parse::<f64>() {
        Ok(value) if value.is_finite() && plain.chars().all(numeric) => Ok(value),
        Ok(value) if value.is_infinite() && plain.chars().all(numeric) => {
            Err(bad("is too large", Some("the largest is about 1.8e308")))
        }
        _ if digits.ends_with('s') || digits.ends_with(['m', 'h']) => Err(BadNumber {
            message: "is a duration without quotes",
            help: Some(in_quotes(digits)),
        }),
        _ if digits.contains('f') => Err(bad("has a type suffix", Some("leave the suffix out"))),
        _ => Err(bad("is not a number", Some("write it like `0.5` or `1e-3`"))),
    }
}

#[cfg(test)]
mod tests {
    use super::{float, int};

    #[test]
    fn whole_numbers() {
        for (text, value) in [
            ("0", 0),
            ("1_000", 1000),
            ("-1", -1),
            ("- 7", -7),
            ("18446744073709551615", u64::MAX.into()),
        ] {
            assert_eq!(int(text).ok(), Some(value), "{text}");
        }
        for (text, message) in [
            ("18446744073709551616", "is too large"),
            ("0x10", "is not decimal"),
            ("3u32", "has a type suffix"),
            ("30s", "is a duration without quotes"),
            ("3rd", "is neither a number nor a name"),
            ("-", "has no digits"),
        ] {
            assert_eq!(int(text).err().map(|e| e.message), Some(message), "{text}");
        }
        assert!(int(&"9".repeat(1_000_000)).is_err());
    }

    #[test]
    fn fractions() {
        for (text, value) in [("0.5", 0.5), ("-1e3", -1000.0), ("1.", 1.0), ("1_0.5", 10.5)] {
            assert_eq!(float(text).ok(), Some(value), "{text}");
        }
        for text in ["1e999", "0.5s", "1.0f64", "1e", "1.5x", "inf", "nan"] {
            assert!(float(text).is_err(), "{text}");
        }
    }
}
