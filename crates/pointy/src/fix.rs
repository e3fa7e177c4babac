//! Mistakes that a program can correct.

use crate::check::check;
use crate::diagnostic::{Diagnostic, MAX_DIAGNOSTICS};

/// Corrections may uncover mistakes with corrections of their own. As often is looked again.
const MAX_ROUNDS: usize = 50;

/// A script after [`fix`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fixed {
    /// The corrected text.
    pub text: String,
    /// How many corrections it has.
    pub count: usize,
}

/// Corrects what a script's diagnostics have a [fix](Diagnostic::fix) for: wrong arrows, quotes and
/// separators, missing commas, misspelt settings. What is unclear stays as it is, and so does
/// everything else, comments and layout included.
///
/// ```
/// use nexus_pointy::{check, fix};
/// let fixed = fix("check => pay[max_atempts = 3, timeout : 30] -> ");
/// assert_eq!(fixed.text, r#"check -> pay[max_atempts = 3, timeout = "30s"] -> "#);
/// assert_eq!(fixed.count, 3);
/// // Which event is missing nobody can tell, nor whether `pay` has a field of that name.
/// assert_eq!(check(&fixed.text).diagnostics.len(), 1);
/// ```
#[must_use]
pub fn fix(script: &str) -> Fixed {
    let mut fixed = Fixed { text: script.to_owned(), count: 0 };
    let mut mistakes = check(script).diagnostics;
    for _ in 0..MAX_ROUNDS {
        let (text, count) = apply(&fixed.text, &mistakes);
        if count == 0 {
            break;
        }
        let left = check(&text).diagnostics;
        // A correction in the middle of other mistakes may make things worse.
        let is_better = left.len() < mistakes.len() || mistakes.len() > MAX_DIAGNOSTICS;
        if !is_better {
            break;
        }
        fixed = Fixed { text, count: fixed.count + count };
        mistakes = left;
    }
    fixed
}

/// The text with the fixes of these diagnostics, and their number. Of fixes that overlap, the first
/// one counts.
fn apply(source: &str, diagnostics: &[Diagnostic]) -> (String, usize) {
    let mut fixes: Vec<_> = diagnostics.iter().filter_map(|it| it.fix.as_ref()).collect();
    fixes.sort_by_key(|(span, _)| *span);
    let (mut out, mut at, mut count) = (String::new(), 0, 0);
    for (span, text) in fixes {
        let (start, end) = (span.start as usize, span.end as usize);
        let overlaps = count > 0 && start <= at;
        let Some(between) = source.get(at..start).filter(|_| !overlaps) else { continue };
        out.push_str(between);
        out.push_str(text);
        (at, count) = (end, count + 1);
    }
    out.push_str(source.get(at..).unwrap_or_default());
    (out, count)
}

#[cfg(test)]
mod tests {
    use super::fix;
    use crate::check;

    #[test]
    fn what_is_meant_is_written() {
        for (script, right) in [
            ("A → B", "A -> B"),
            ("A |> B", "A |-> B"),
            ("A - > B", "A -> B"),
            ("A && B", "A || B"),
            ("a.b.c -> D", "a::b::c -> D"),
            ("A -> ::B", "A -> B"),
            ("A\u{200b} -> B", "A -> B"),
            ("A # \u{202e}note\n-> B", "A # note\n-> B"),
            ("A (0: B, 1 = C)", "A (0-> B, 1 -> C)"),
            ("A[retry_policy = { max_atempts = 3 }]", "A[retry_policy = { max_attempts : 3 }]"),
            (
                "A[retry_policy = { retries: 3 backoff: 1 }]",
                "A[retry_policy = { max_attempts: 3, backoff_factor: 1 }]",
            ),
            ("A[timeout '30s']", "A[timeout = \"30s\"]"),
            ("A[executor = 'ThreadPoolExecutor']", "A[executor = ThreadPoolExecutor]"),
            ("{A -> B}[stop_on_eror]", "{A -> B}[stop_on_error]"),
            ("A[max_attempts = \"3\"]", "A[max_attempts = 3]"),
            ("A[each = treu]", "A[each = true]"),
        ] {
            assert_eq!(fix(script).text, right);
            assert_eq!(check(right).diagnostics, [], "{right}");
        }
    }

    #[test]
    fn what_is_unclear_stays() {
        for script in [
            "A ->",
            "A B",
            "A, B",
            "{A",
            "A)",
            "A[x = 'a\"b']",
            "A[own = 1]",
            "A * 1",
            "",
            "A (",
            "A[max_attempts = 0]",
        ] {
            let fixed = fix(script);
            assert_eq!((fixed.text.as_str(), fixed.count), (script, 0));
        }
    }

    #[test]
    fn a_long_list_is_corrected_to_its_end() {
        let script = "A".to_owned() + &" => B".repeat(1000);
        let fixed = fix(&script);
        assert_eq!((fixed.count, check(&fixed.text).diagnostics.len()), (1000, 0));
    }
}
