//! Suggestions for misspelt words.

/// Longer words are not compared, to bound the time of a comparison.
const MAX_WORD: usize = 64;

/// The candidate nearest to `word`, if one is near enough to be a typing mistake.
///
/// A candidate that differs in case or underscores only wins. Otherwise the fewest edits
/// count, a swap of neighbours being one: about one edit for every three characters is
/// near enough. Of equals the first wins. Each comparison costs at most 64 * 64 steps.
///
/// ```
/// use nexus_pointy::suggest::nearest;
/// let keys = ["max_attempts", "max_backoff", "jitter"];
/// assert_eq!(nearest("max_atempts", keys), Some("max_attempts"));
/// assert_eq!(nearest("MaxBackoff", keys), Some("max_backoff"));
/// assert_eq!(nearest("timeout", keys), None);
/// ```
#[must_use]
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let word = folded(word)?;
    let threshold = (word.len() / 3).max(1);
    let mut best: Option<(usize, &str)> = None;
    for candidate in candidates {
        let Some(other) = folded(candidate) else { continue };
        if other.len().abs_diff(word.len()) > threshold {
            continue;
        }
        let distance = distance(&word, &other);
        // One edit of a one-letter word is another word.
        let near = distance <= threshold && distance < word.len().max(other.len());
        if near && best.is_none_or(|(least, _)| distance < least) {
            best = Some((distance, candidate));
        }
    }
    best.map(|(_, candidate)| candidate)
}

fn folded(word: &str) -> Option<Vec<char>> {
    if word.is_empty() || word.len() > MAX_WORD * 4 {
        return None;
    }
    let chars: Vec<char> =
        word.chars().filter(|c| !matches!(c, '_' | '-')).flat_map(char::to_lowercase).collect();
    (chars.len() <= MAX_WORD).then_some(chars)
}

/// Optimal string alignment: insertions, deletions, replacements and swaps of neighbours.
fn distance(left: &[char], right: &[char]) -> usize {
    let mut before: Vec<usize> = Vec::new();
    let mut above: Vec<usize> = (0..=right.len()).collect();
    let mut previous_left = None;
    for (row, &a) in left.iter().enumerate() {
        let mut line = vec![row + 1];
        let (mut diagonal, mut previous_right) = (row, None);
        let mut least = row + 1;
        for (column, (&b, &up)) in right.iter().zip(above.iter().skip(1)).enumerate() {
            least = (least + 1).min(up + 1).min(diagonal + usize::from(a != b));
            if previous_left == Some(b) && previous_right == Some(a) && column > 0 {
                least = least.min(before.get(column - 1).copied().unwrap_or(usize::MAX - 1) + 1);
            }
            line.push(least);
            diagonal = up;
            previous_right = Some(b);
        }
        previous_left = Some(a);
        before = std::mem::replace(&mut above, line);
    }
    above.last().copied().unwrap_or(left.len())
}

#[cfg(test)]
mod tests {
    use super::{distance, nearest};

    #[test]
    fn distances() {
        for (left, right, expected) in [
            ("", "abc", 3),
            ("abc", "", 3),
            ("abc", "abc", 0),
            ("abc", "acb", 1),
            ("ab", "ba", 1),
            ("kitten", "sitting", 3),
            ("abcd", "acbd", 1),
            ("ca", "abc", 3),
        ] {
            let chars = |text: &str| text.chars().collect::<Vec<_>>();
            assert_eq!(distance(&chars(left), &chars(right)), expected, "{left} {right}");
        }
    }

    #[test]
    fn words() {
        let names = ["clean", "clear", "validate_order", "Ü"];
        for (word, expected) in [
            ("claen", Some("clean")),
            ("CLEAR", Some("clear")),
            ("validateOrder", Some("validate_order")),
            ("valdate_ordr", Some("validate_order")),
            ("pay", None),
            ("x", None),
            ("ü", Some("Ü")),
            ("", None),
        ] {
            assert_eq!(nearest(word, names), expected, "{word}");
        }
        let long = "x".repeat(10_000_000);
        assert_eq!(nearest(&long, names), None);
        assert_eq!(nearest("clean", [long.as_str()]), None);
    }
}
