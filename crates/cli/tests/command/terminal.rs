//! Colours: on a terminal, unless somebody does not want them.

use std::fs::File;
use std::io::Read;
use std::process::{Command, Stdio};

use rustix::fs::{Mode, OFlags, open};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

use crate::run::{TestDir, nexus};

/// What the command writes to a terminal.
fn on_terminal(command: &mut Command) -> String {
    let keyboard = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&keyboard).unwrap();
    unlockpt(&keyboard).unwrap();
    let name = ptsname(&keyboard, Vec::new()).unwrap();
    let screen = open(&*name, OFlags::RDWR | OFlags::NOCTTY, Mode::empty()).unwrap();
    let mut child = command.stdout(screen).stderr(Stdio::null()).spawn().unwrap();
    // The command keeps the terminal open as long as it lives.
    command.stdout(Stdio::null());
    let mut shown = Vec::new();
    // A terminal that nobody has open any more is an error on Linux.
    let _ = File::from(keyboard).read_to_end(&mut shown);
    child.wait().unwrap();
    String::from_utf8(shown).unwrap()
}

#[test]
fn colours_are_for_terminals() {
    let dir = TestDir::new("terminal");
    dir.file("wrong.pty", "A ->");
    let check = || {
        let mut command = nexus(dir.path());
        command.args(["check", "wrong.pty"]);
        command
    };
    let is_colored = |shown: &str| {
        assert!(shown.contains("expected an event"), "{shown}");
        shown.contains('\u{1b}')
    };
    assert!(is_colored(&on_terminal(&mut check())));
    assert!(!is_colored(&on_terminal(check().env("NO_COLOR", "1"))));
    assert!(is_colored(&on_terminal(check().env("NO_COLOR", ""))));
    assert!(!is_colored(&on_terminal(check().env("TERM", "dumb"))));
    assert!(!is_colored(&on_terminal(check().args(["--color", "never"]))));
    assert!(is_colored(&on_terminal(check().env("NO_COLOR", "1").args(["--color=always"]))));

    let piped =
        |command: &mut Command| String::from_utf8(command.output().unwrap().stdout).unwrap();
    assert!(!is_colored(&piped(&mut check())));
    assert!(is_colored(&piped(check().env("NO_COLOR", "1").args(["--color=always"]))));
}
