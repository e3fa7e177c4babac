//! Suggestions for misspelt words.

/// Longer words are not compared, to bound the time of a comparison.
const MAX_WORD: usize = 64;

/// The candidate nearest to `word`, if one is near enough to be a typing mistake.
///
/// A candidate that differs in case or underscores only wins. Otherwise the fewest edits
/// count, a swap of neighbours being one: about one edit for every three letters is
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
    let word = Folded::new(word)?;
    let near = candidates.into_iter().filter_map(|it| Some((word.near(it)?, it)));
    // Of equals, this is the first.
    near.min_by_key(|(distance, _)| *distance).map(|(_, candidate)| candidate)
}

/// The same as [`nearest`], for constants: so messages of the compiler and those of a running program
/// suggest the same.
///
/// ```
/// use nexus_pointy::suggest::nearest_of;
/// const NEAR: Option<&str> = nearest_of("curency", &["order", "currency"]);
/// assert_eq!(NEAR, Some("currency"));
/// ```
#[must_use]
pub const fn nearest_of<'a>(word: &str, candidates: &[&'a str]) -> Option<&'a str> {
    let Some(word) = Folded::new(word) else { return None };
    let (mut least, mut best) = (usize::MAX, None);
    let mut i = 0;
    while i < candidates.len() {
        if let Some(distance) = word.near(candidates[i])
            && distance < least
        {
            (least, best) = (distance, Some(candidates[i]));
        }
        i += 1;
    }
    best
}

/// A word as it is compared: in small letters, without `_` and `-`. Beyond ASCII each byte counts as
/// a letter.
#[derive(Clone, Copy)]
struct Folded {
    letters: [u8; MAX_WORD],
    len: usize,
}

impl Folded {
    /// `None` for a word that is too long.
    const fn new(word: &str) -> Option<Self> {
        let word = word.as_bytes();
        if word.len() > MAX_WORD * 4 {
            return None;
        }
        let mut folded = Self { letters: [0; MAX_WORD], len: 0 };
        let mut i = 0;
        while i < word.len() {
            if !matches!(word[i], b'_' | b'-') {
                if folded.len == MAX_WORD {
                    return None;
                }
                folded.letters[folded.len] = word[i].to_ascii_lowercase();
                folded.len += 1;
            }
            i += 1;
        }
        Some(folded)
    }

    /// The distance of a candidate that is near enough.
    const fn near(&self, candidate: &str) -> Option<usize> {
        let Some(other) = Self::new(candidate) else { return None };
        let threshold = if self.len < 6 { 1 } else { self.len / 3 };
        let longer = if self.len < other.len { other.len } else { self.len };
        if self.len.abs_diff(other.len) > threshold {
            return None;
        }
        let distance = distance(self, &other);
        // One edit of a one-letter word is another word.
        if distance <= threshold && distance < longer { Some(distance) } else { None }
    }
}

/// Optimal string alignment: insertions, deletions, replacements and swaps of neighbours.
const fn distance(left: &Folded, right: &Folded) -> usize {
    let (mut before, mut above) = ([0; MAX_WORD + 1], [0; MAX_WORD + 1]);
    let mut column = 0;
    while column <= right.len {
        above[column] = column;
        column += 1;
    }
    let mut row = 1;
    while row <= left.len {
        let mut line = [0; MAX_WORD + 1];
        line[0] = row;
        let mut column = 1;
        while column <= right.len {
            let (a, b) = (left.letters[row - 1], right.letters[column - 1]);
            let mut least = above[column - 1] + (a != b) as usize;
            least = min(least, min(line[column - 1], above[column]) + 1);
            let swaps = row > 1 && column > 1;
            if swaps && left.letters[row - 2] == b && right.letters[column - 2] == a {
                least = min(least, before[column - 2] + 1);
            }
            line[column] = least;
            column += 1;
        }
        (before, above) = (above, line);
        row += 1;
    }
    above[right.len]
}

const fn min(a: usize, b: usize) -> usize {
    if a < b { a } else { b }
}

#[cfg(test)]
mod tests {
    use super::{Folded, distance, nearest, nearest_of};

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
            let folded = |text| Folded::new(text).unwrap();
            assert_eq!(distance(&folded(left), &folded(right)), expected, "{left} {right}");
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
            assert_eq!(nearest_of(word, &names), expected, "{word}");
        }
        let long = "x".repeat(10_000_000);
        assert_eq!(nearest(&long, names), None);
        assert_eq!(nearest("clean", [long.as_str()]), None);
        // Of equals the first wins, in both.
        let equals = ["clear", "clean", "cleat"];
        assert_eq!(
            (nearest("clea", equals), nearest_of("clea", &equals)),
            (Some("clear"), Some("clear"))
        );
    }
}
