//! Readers that go away, and outputs that are full.

use std::io::Read;
use std::process::{Command, Stdio};

use crate::run::{CommandResult, TestDir, nexus};

/// Reads a few bytes of what it writes, and closes the pipe.
fn after_a_glance(command: &mut Command) -> CommandResult {
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut pipe = child.stdout.take().unwrap();
    pipe.read_exact(&mut [0; 16]).unwrap();
    drop(pipe);
    child.wait_with_output().unwrap().into()
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let dir = TestDir::new("pipes");
    // More than any pipe holds.
    for number in 0..30 {
        dir.file(&format!("{number:02}.pty"), "A B ".repeat(40));
    }
    let result = after_a_glance(nexus(dir.path()).args(["check", "."]));
    result.assert_is(1, "", "2370 mistakes in 30 of 30 scripts\n");

    dir.file("long.pty", vec!["step"; 20_000].join(" -> "));
    let result = after_a_glance(nexus(dir.path()).args(["graph", "--full", "long.pty"]));
    result.assert_is(0, "", "");
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_trouble() {
    let dir = TestDir::new("full");
    dir.file("a.pty", "A ->");
    for args in [&["check", "a.pty"][..], &["explain"], &["completions", "bash"]] {
        let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
        let output = nexus(dir.path()).args(args).stdout(full).output().unwrap();
        let result = CommandResult::from(output);
        assert_eq!(result.code, Some(2), "{args:?}");
        assert!(
            result.err.starts_with("error: cannot write the output: "),
            "{args:?}: {}",
            result.err
        );
        assert_eq!(result.err.lines().count(), 1, "{args:?}: {}", result.err);
    }
}
