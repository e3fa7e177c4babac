//! Names of packages, by cargo's rules.

use std::path::Path;

use crate::exit::{Error, Result};

/// Names that are Rust's or cargo's, or that belong to a package below the new one.
const RESERVED: &[&str] = &[
    "abstract",
    "alloc",
    "as",
    "async",
    "await",
    "become",
    "box",
    "break",
    "build",
    "const",
    "continue",
    "core",
    "crate",
    "deps",
    "do",
    "dyn",
    "else",
    "enum",
    "examples",
    "extern",
    "false",
    "final",
    "fn",
    "for",
    "gen",
    "if",
    "impl",
    "in",
    "incremental",
    "let",
    "loop",
    "macro",
    "match",
    "mod",
    "move",
    "mut",
    "nexus",
    "override",
    "priv",
    "proc_macro",
    "proc-macro",
    "pub",
    "ref",
    "return",
    "self",
    "static",
    "std",
    "struct",
    "super",
    "test",
    "trait",
    "true",
    "try",
    "type",
    "typeof",
    "unsafe",
    "unsized",
    "use",
    "virtual",
    "where",
    "while",
    "yield",
];

/// Names of devices, which are no file names on Windows.
const WINDOWS_DEVICES: &[&str] = &["aux", "con", "nul", "prn"];

/// The name of a package that is to be in this directory.
pub(super) fn from_directory(folder: &Path) -> Result<&str> {
    let shown = folder.display();
    let name = folder.file_name().ok_or_else(|| {
        Error::new(format!("`{shown}` does not end with a name; write `nexus new NAME`"))
    })?;
    let name = name.to_str().ok_or_else(|| invalid_name(&name.to_string_lossy(), RULE))?;
    match problem(name) {
        None => Ok(name),
        Some(why) => Err(invalid_name(name, why)),
    }
}

const RULE: &str = "it may have letters from a to z, digits, `-` and `_`, and starts with a letter";

fn invalid_name(name: &str, why: &str) -> Error {
    Error::new(format!("`{name}` is no name for a package: {why}; take another, such as `shop`"))
}

fn problem(name: &str) -> Option<&'static str> {
    let mut chars = name.chars();
    let starts = chars.next().is_some_and(|first| first.is_ascii_alphabetic());
    let lower = name.to_ascii_lowercase();
    let is_device = WINDOWS_DEVICES.contains(&&*lower)
        || lower.len() == 4
            && (lower.starts_with("com") || lower.starts_with("lpt"))
            && lower.ends_with(|last: char| last.is_ascii_digit());
    if !starts || !chars.all(|it| it.is_ascii_alphanumeric() || matches!(it, '-' | '_')) {
        Some(RULE)
    } else if name.len() > 64 {
        Some("it has more than 64 characters")
    } else if RESERVED.contains(&name) {
        Some("it means something else in Rust or to cargo")
    } else if is_device {
        Some("Windows keeps it for a device")
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        for good in ["shop", "a", "my-shop", "my_shop2", "Shop", "work/shop", "./shop/", "comma"] {
            assert!(from_directory(Path::new(good)).is_ok(), "{good}");
        }
        for (bad, why) in [
            ("", "does not end with a name"),
            ("..", "does not end with a name"),
            ("/", "does not end with a name"),
            ("2fast", "starts with a letter"),
            ("_x", "starts with a letter"),
            ("my shop", "letters from a to z"),
            ("my.shop", "letters from a to z"),
            ("café", "letters from a to z"),
            ("-x", "starts with a letter"),
            ("match", "means something else"),
            ("test", "means something else"),
            ("nexus", "means something else"),
            ("NUL", "Windows"),
            ("lpt1", "Windows"),
        ] {
            let error = from_directory(Path::new(bad)).unwrap_err().to_string();
            assert!(error.contains(why), "{bad}: {error}");
        }
        assert!(from_directory(Path::new(&"x".repeat(65))).is_err());
    }
}
