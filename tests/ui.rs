//! Compiler errors: one mistake a file, in `tests/ui/*/`. What must compile is in `tests/pass.rs`.
//!
//! The texts are those of the toolchain in `rust-toolchain.toml`. To accept new ones:
//! `TRYBUILD=overwrite cargo test --test ui`.

#![allow(clippy::unwrap_used, reason = "a test says what it expects")]

#[path = "ui/same_flags.rs"]
mod same_flags;

#[test]
fn mistakes_are_explained_at_the_users_token() {
    same_flags::with_same_flags(|cases| {
        for folder in ["event", "derive", "pipeline", "descriptor"] {
            cases.compile_fail(format!("tests/ui/{folder}/*.rs"));
        }
    });
}

/// Messages that rustc makes and that no attribute of a library shortens: what makes them long, and
/// why what was tried does not stay.
const LONGER: &[(&str, &str)] = &[(
    "pipeline/a_unknown_name",
    "14 lines: the name that is spelt in nearly the same way, and where it is, with the fix that an editor \
     offers; as an import it has five, without name and fix, and of a crate that nobody meant. In an \
     expression, as executors are named, it would have twelve, of a module or crate as well",
)];

/// A user reads a message in one look: it has at most twelve lines.
#[test]
fn no_message_is_longer_than_twelve_lines() {
    for folder in ["event", "derive", "pipeline", "descriptor"] {
        for entry in std::fs::read_dir(format!("tests/ui/{folder}")).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_none_or(|ending| ending != "stderr") {
                continue;
            }
            let name = format!("{folder}/{}", path.file_stem().unwrap().to_string_lossy());
            let is_known = LONGER.iter().any(|(known, _)| *known == name);
            let longest = messages(&std::fs::read_to_string(path).unwrap()).max().unwrap();
            assert_eq!(longest > 12, is_known, "{name} has a message of {longest} lines");
        }
    }
}

/// How many lines each message of a `.stderr` file has.
fn messages(text: &str) -> impl Iterator<Item = usize> {
    let mut counts = Vec::new();
    for line in text.lines() {
        if line.starts_with("error") || line.starts_with("warning") {
            counts.push(0);
        }
        if let Some(count) = counts.last_mut().filter(|_| !line.is_empty()) {
            *count += 1;
        }
    }
    counts.into_iter()
}
