//! Holds the sources to the layers of ARCHITECTURE.md, and files to a length that one can read.

#![allow(clippy::unwrap_used, reason = "a test says what it expects")]

#[path = "layering/circles.rs"]
mod circles;

use std::fs;
use std::path::{Path, PathBuf};

/// From the bottom. A module imports only from those before it; modules in one row belong
/// together.
const LAYERS: &[&[&str]] = &[
    &["value"],
    &["secret"],
    &["hash"],
    &["address"],
    &["input"],
    &["sync"],
    &["time"],
    &["cancel"],
    &["telemetry"],
    &["failure"],
    &["outcome"],
    &["panic"],
    &["retry"],
    &["piped"],
    &["shape"],
    &["context"],
    &["current"],
    &["executor"],
    &["settings"],
    &["event", "checked", "wire"],
    &["error"],
    &["registry"],
    &["remote"],
    &["plan"],
    &["run"],
    &["describe"],
    &["report"],
    &["journal"],
    &["picture"],
    &["observe"],
    &["engine"],
    &["flow"],
    &["pipeline"],
    &["batch"],
    &["driver"],
    &["testing"],
    &["command_line"],
    &["private"],
];

/// The files of `engine/`, in the order in which they can be read: each imports only from those
/// before it.
const ENGINE: &[&str] = &[
    "work",
    "timer",
    "ticker",
    "chunk",
    "queue",
    "lease",
    "lending",
    "mailbox",
    "notice",
    "posts",
    "activity",
    "progress",
    "runs",
    "writer",
    "drivers",
    "keys",
    "stepped",
    "observed_store",
    "shared",
    "open_timers",
    "recorded",
    "active",
    "signal",
    "polling",
    "perform",
    "inline",
    "advance",
    "resolving",
    "recording",
    "watch",
    "claims",
    "jobs",
    "share",
    "visit",
    "driver",
    "future",
    "restore",
    "stored",
    "durable",
    "unrecorded",
    "inputs",
    "handle",
    "builder",
    "engine",
    "background",
    "prepare",
    "pending",
    "unfinished",
    "keyed",
    "actions",
    "shutdown",
    "decisions",
    "retention",
    "retry",
    "requests",
];

const LONGEST_FILE: usize = 600;

fn rust_files(folder: &Path, into: &mut Vec<PathBuf>) {
    let mut entries: Vec<PathBuf> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    entries.sort();
    for path in entries {
        if path.is_dir() && path.file_name().is_none_or(|name| name != "target") {
            rust_files(&path, into);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            into.push(path);
        }
    }
}

fn layer(module: &str) -> Option<usize> {
    LAYERS.iter().position(|row| row.contains(&module))
}

/// The modules that a source file imports by `crate::name`, outside of its tests.
fn imports(source: &str) -> impl Iterator<Item = &str> {
    let code = source.lines().filter(|line| !line.trim_start().starts_with("//"));
    code.flat_map(|line| {
        line.match_indices("crate::").map(move |(at, found)| &line[at + found.len()..])
    })
    .map(|rest| rest.split(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap_or(""))
    .filter(|name| name.starts_with(char::is_lowercase))
}

#[test]
fn a_module_imports_only_from_the_layers_below_it() {
    let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    rust_files(&sources, &mut files);
    let mut wrong = Vec::new();
    for file in files {
        let inside = file.strip_prefix(&sources).unwrap();
        let first = inside.components().next().unwrap().as_os_str().to_str().unwrap();
        let module = first.trim_end_matches(".rs");
        let is_test =
            matches!(inside.file_stem().and_then(|s| s.to_str()), Some("tests" | "model"));
        if module == "lib" || is_test {
            continue;
        }
        let own = layer(module).unwrap_or_else(|| panic!("`{module}` stands in no layer"));
        for import in imports(&fs::read_to_string(&file).unwrap()) {
            if import.starts_with("__") || import == module {
                continue;
            }
            match layer(import) {
                Some(layer) if layer <= own => {}
                _ => wrong.push(format!("{} imports {import}", inside.display())),
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn the_engine_can_be_read_in_one_direction() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/engine");
    let mut files = Vec::new();
    rust_files(&folder, &mut files);
    let mut wrong = Vec::new();
    for file in files {
        let name = file.file_stem().unwrap().to_str().unwrap();
        if ["mod", "model"].contains(&name) {
            continue;
        }
        let own = ENGINE.iter().position(|it| *it == name);
        let own = own.unwrap_or_else(|| panic!("`{name}` has no place in the order"));
        let source = fs::read_to_string(&file).unwrap();
        // A file's own tests see all of it.
        let source = source.split("\nmod tests {").next().unwrap();
        for (at, found) in source.match_indices("super::") {
            let rest = &source[at + found.len()..];
            let import = rest.split(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap();
            match ENGINE.iter().position(|it| *it == import) {
                Some(other) if other < own => {}
                _ => wrong.push(format!("{name} imports {import}")),
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn no_files_import_each_other_in_a_circle() {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let crates = fs::read_dir(workspace.join("crates")).unwrap().map(|entry| entry.unwrap().path());
    let others = ["", "nexus-core", "nexus-macros", "benches"].map(|name| workspace.join(name));
    let mut found = Vec::new();
    for sources in crates.chain(others).map(|package| package.join("src")) {
        let mut files = Vec::new();
        rust_files(&sources, &mut files);
        assert!(!files.is_empty(), "{} has no files", sources.display());
        found.extend(circles::circles(&sources, &files));
    }
    assert!(found.is_empty(), "{found:#?}");
}

#[test]
fn no_file_is_longer_than_one_can_read() {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let mut files = Vec::new();
    rust_files(workspace, &mut files);
    let long: Vec<String> = files
        .iter()
        .map(|file| (file, fs::read_to_string(file).unwrap().lines().count()))
        .filter(|(_, lines)| *lines > LONGEST_FILE)
        .map(|(file, lines)| format!("{}: {lines} lines", file.display()))
        .collect();
    assert!(long.is_empty(), "{long:#?}");
}
