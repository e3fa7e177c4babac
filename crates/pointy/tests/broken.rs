//! Broken scripts: for each `tests/broken/NN-name.pty`, what a user reads is in the file
//! `NN-name.txt` beside it. To accept new texts, read them, then
//! `UPDATE=1 cargo test -p nexus-pointy --all-features --test broken`.
#![cfg(feature = "json")]
#![allow(clippy::unwrap_used, reason = "a test says what it expects")]

mod common;

use std::path::{Path, PathBuf};

use nexus_pointy::render::{json, render};
use nexus_pointy::{Diagnostic, check, explain, line_column};

fn scripts() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/broken");
    let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut scripts: Vec<_> =
        files.filter(|path| path.extension().is_some_and(|it| it == "pty")).collect();
    scripts.sort();
    scripts
}

#[test]
fn messages_are_pinned() {
    let scripts = scripts();
    assert!(scripts.len() >= 40, "{} scripts", scripts.len());
    let mut changed = Vec::new();
    for path in scripts {
        let source = std::fs::read_to_string(&path).unwrap();
        let name = path.file_name().unwrap().to_str().unwrap();
        let mistakes = check(&source).diagnostics;
        assert!(!mistakes.is_empty(), "{name} is right");
        let text = render(&mistakes, name, &source, false);
        for mistake in &mistakes {
            is_complete(mistake, &source, name, &text);
        }
        assert_eq!(json(&mistakes, name, &source).lines().count(), mistakes.len(), "{name}");
        common::checks::check(&source).unwrap();
        let pinned = path.with_extension("txt");
        if std::env::var_os("UPDATE").is_some() {
            std::fs::write(&pinned, &text).unwrap();
        } else if std::fs::read_to_string(&pinned).ok().as_ref() != Some(&text) {
            changed.push(format!("{name} says now:\n{text}"));
        }
    }
    assert!(changed.is_empty(), "{}", changed.join("\n"));
}

/// The place, the cause and the cure are there.
fn is_complete(mistake: &Diagnostic, source: &str, name: &str, text: &str) {
    let (line, column) = line_column(source, mistake.span.start as usize);
    assert!(text.contains(&format!("--> {name}:{line}:{column}\n")), "{name}: {mistake}");
    assert!(text.contains(&format!("error[{}]: {}\n", mistake.code, mistake.message)), "{name}");
    assert!(mistake.help.as_ref().is_some_and(|help| !help.is_empty()), "{name}: {mistake}");
    assert!(explain(mistake.code).is_some(), "{name}: {mistake}");
}
