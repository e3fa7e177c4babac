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

/// Messages that rustc makes and that no attribute of a library shortens, with what makes them long.
const LONGER: &[(&str, &str)] = &[
    ("derive/async_not_send", "the value that is kept over an `await`, and where"),
    ("event/async_not_send", "the value that is kept over an `await`, and where"),
    ("derive/attribute_above", "a name that could be the attribute or the derive's helper"),
    ("derive/bypass_answer", "the one implementation that is nearly the right one"),
    ("event/closure_bypass_value", "the same, and the method's bound"),
    ("event/closure_return", "the method's bound"),
    ("pipeline/j_batch_item", "the method's bound"),
    ("pipeline/j_batch_without", "the method's bound, and the pipeline"),
    ("pipeline/a_unknown_name", "a name that is spelt in nearly the same way, with its fix"),
    ("pipeline/g_executor_unknown", "a name that is spelt in nearly the same way, with its fix"),
];

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
