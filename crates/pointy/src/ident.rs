//! Which characters make names, and which must not hide in a script.

pub(crate) fn is_start(c: char) -> bool {
    c.is_ascii_alphabetic() || c == '_' || (!c.is_ascii() && c.is_alphabetic())
}

pub(crate) fn is_continue(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_' || (!c.is_ascii() && (c.is_alphanumeric() || is_mark(c)))
}

/// Whether a text is one identifier.
pub(crate) fn is_ident(text: &str) -> bool {
    text.starts_with(is_start) && text.chars().all(is_continue)
}

/// Characters that change how a script looks without being seen: bidirectional controls.
pub(crate) fn is_bidi(c: char) -> bool {
    matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200e}' | '\u{200f}' | '\u{61c}')
}

/// Characters that a message must not repeat as they are.
pub(crate) fn is_hidden(c: char) -> bool {
    c.is_control()
        || is_bidi(c)
        || matches!(c, '\u{200b}'..='\u{200d}' | '\u{2028}' | '\u{2029}' | '\u{2060}'..='\u{2064}' | '\u{feff}' | '\u{ad}')
}

/// `U+0000 (NUL)`: how a message names a character that cannot be shown.
pub(crate) fn describe(c: char) -> String {
    let name = match c {
        '\0' => " (NUL)",
        '\u{200e}' => " (left-to-right mark)",
        '\u{200f}' => " (right-to-left mark)",
        '\u{202e}' => " (right-to-left override)",
        '\u{200b}' => " (zero-width space)",
        '\u{feff}' => " (byte order mark)",
        '\u{1b}' => " (escape)",
        _ if is_bidi(c) => " (bidirectional control)",
        _ if c.is_control() => " (control character)",
        _ => " (invisible character)",
    };
    format!("U+{:04X}{name}", u32::from(c))
}

fn is_mark(c: char) -> bool {
    MARKS
        .binary_search_by(|&(first, last)| {
            if last < c {
                std::cmp::Ordering::Less
            } else if first > c {
                std::cmp::Ordering::Greater
            } else {
                std::cmp::Ordering::Equal
            }
        })
        .is_ok()
}

// XID_Continue of Unicode 14 that `char::is_alphanumeric` leaves out: viramas, accents, vowel signs.
#[rustfmt::skip]
const MARKS: &[(char, char)] = &[
    ('\u{b7}', '\u{b7}'), ('\u{300}', '\u{362}'), ('\u{387}', '\u{387}'), ('\u{483}', '\u{487}'),
    ('\u{591}', '\u{5af}'), ('\u{658}', '\u{658}'), ('\u{6df}', '\u{6e0}'),
    ('\u{6ea}', '\u{6ec}'), ('\u{740}', '\u{7f3}'), ('\u{7fd}', '\u{7fd}'),
    ('\u{818}', '\u{82d}'), ('\u{859}', '\u{85b}'), ('\u{898}', '\u{8e1}'),
    ('\u{8ea}', '\u{954}'), ('\u{9bc}', '\u{9cd}'), ('\u{9fe}', '\u{a4d}'),
    ('\u{abc}', '\u{acd}'), ('\u{afd}', '\u{b55}'), ('\u{bcd}', '\u{bcd}'),
    ('\u{c3c}', '\u{c4d}'), ('\u{cbc}', '\u{d4d}'), ('\u{dca}', '\u{dca}'),
    ('\u{e47}', '\u{e4e}'), ('\u{eba}', '\u{ecc}'), ('\u{f18}', '\u{f19}'),
    ('\u{f35}', '\u{f35}'), ('\u{f37}', '\u{f37}'), ('\u{f39}', '\u{f39}'),
    ('\u{f3e}', '\u{f84}'), ('\u{f86}', '\u{f87}'), ('\u{fc6}', '\u{fc6}'),
    ('\u{1037}', '\u{103a}'), ('\u{135d}', '\u{135f}'), ('\u{1714}', '\u{1734}'),
    ('\u{17b4}', '\u{17d3}'), ('\u{17dd}', '\u{17dd}'), ('\u{180b}', '\u{180d}'),
    ('\u{180f}', '\u{193b}'), ('\u{1a60}', '\u{1a7f}'), ('\u{1ab0}', '\u{1abd}'),
    ('\u{1ac1}', '\u{1b44}'), ('\u{1b6b}', '\u{1b73}'), ('\u{1baa}', '\u{1bf3}'),
    ('\u{1c37}', '\u{1c37}'), ('\u{1cd0}', '\u{1cd2}'), ('\u{1cd4}', '\u{1dff}'),
    ('\u{203f}', '\u{2040}'), ('\u{2054}', '\u{2054}'), ('\u{20d0}', '\u{20dc}'),
    ('\u{20e1}', '\u{20e1}'), ('\u{20e5}', '\u{20f0}'), ('\u{2118}', '\u{2118}'),
    ('\u{212e}', '\u{212e}'), ('\u{2cef}', '\u{2cf1}'), ('\u{2d7f}', '\u{2d7f}'),
    ('\u{302a}', '\u{302f}'), ('\u{3099}', '\u{309a}'), ('\u{a66f}', '\u{a66f}'),
    ('\u{a67c}', '\u{a67d}'), ('\u{a6f0}', '\u{a6f1}'), ('\u{a806}', '\u{a806}'),
    ('\u{a82c}', '\u{a82c}'), ('\u{a8c4}', '\u{a8c4}'), ('\u{a8e0}', '\u{a8f1}'),
    ('\u{a92b}', '\u{a92d}'), ('\u{a953}', '\u{a953}'), ('\u{a9b3}', '\u{a9c0}'),
    ('\u{aabf}', '\u{aac1}'), ('\u{aaf6}', '\u{aaf6}'), ('\u{abec}', '\u{abed}'),
    ('\u{fe00}', '\u{fe0f}'), ('\u{fe20}', '\u{fe2f}'), ('\u{fe33}', '\u{fe34}'),
    ('\u{fe4d}', '\u{fe4f}'), ('\u{ff3f}', '\u{ff3f}'), ('\u{101fd}', '\u{102e0}'),
    ('\u{10a38}', '\u{10a3f}'), ('\u{10ae5}', '\u{10ae6}'), ('\u{10f46}', '\u{10f50}'),
    ('\u{10f82}', '\u{10f85}'), ('\u{11046}', '\u{11046}'), ('\u{11070}', '\u{110ba}'),
    ('\u{11133}', '\u{11134}'), ('\u{11173}', '\u{11173}'), ('\u{111c0}', '\u{111c0}'),
    ('\u{111c9}', '\u{111cc}'), ('\u{11235}', '\u{11236}'), ('\u{112e9}', '\u{11446}'),
    ('\u{1145e}', '\u{114c3}'), ('\u{115bf}', '\u{115c0}'), ('\u{1163f}', '\u{1163f}'),
    ('\u{116b6}', '\u{116b7}'), ('\u{1172b}', '\u{1172b}'), ('\u{11839}', '\u{1183a}'),
    ('\u{1193d}', '\u{11943}'), ('\u{119e0}', '\u{119e0}'), ('\u{11a33}', '\u{11a34}'),
    ('\u{11a47}', '\u{11a99}'), ('\u{11c3f}', '\u{11c3f}'), ('\u{11d42}', '\u{11d97}'),
    ('\u{16af0}', '\u{16af4}'), ('\u{16b30}', '\u{16b36}'), ('\u{16fe4}', '\u{16fe4}'),
    ('\u{1bc9d}', '\u{1bc9d}'), ('\u{1cf00}', '\u{1cf46}'), ('\u{1d165}', '\u{1d169}'),
    ('\u{1d16d}', '\u{1d172}'), ('\u{1d17b}', '\u{1d182}'), ('\u{1d185}', '\u{1d18b}'),
    ('\u{1d1aa}', '\u{1d1ad}'), ('\u{1d242}', '\u{1d244}'), ('\u{1da00}', '\u{1da36}'),
    ('\u{1da3b}', '\u{1da6c}'), ('\u{1da75}', '\u{1da75}'), ('\u{1da84}', '\u{1da84}'),
    ('\u{1da9b}', '\u{1e136}'), ('\u{1e2ae}', '\u{1e2ef}'), ('\u{1e8d0}', '\u{1e94a}'),
    ('\u{e0100}', '\u{e01ef}'),
];

#[cfg(test)]
mod tests {
    use super::{MARKS, is_continue, is_start};

    #[test]
    fn the_table_is_sorted() {
        assert!(MARKS.windows(2).all(|pair| pair[0].1 < pair[1].0));
    }

    #[test]
    fn names_of_many_scripts() {
        for name in ["übung", "x\u{301}y", "क्षमा", "名前", "_x9", "Ω"] {
            let mut chars = name.chars();
            assert!(chars.next().is_some_and(is_start), "{name}");
            assert!(chars.all(is_continue), "{name}");
        }
        for c in ['→', '\u{202e}', '·', '“', '9', '\u{200b}', '🦀'] {
            assert!(!is_start(c), "{c:?}");
        }
    }
}
