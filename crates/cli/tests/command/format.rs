//! `nexus fmt`: it may be run on save and on a whole repository, and costs nobody a script.

use std::fs;

use crate::run::{Scratch, pin, pinned, run, run_with};

const LOOSE: &str = "A->B||C # both\n|->(D ->E)[ each ]\n";
const LAID_OUT: &str = "A\n-> B || C # both\n|-> {D -> E}[each]\n";

#[test]
fn scripts_are_laid_out_in_place() {
    let scratch = Scratch::new("fmt");
    scratch.file("loose.pty", LOOSE);
    scratch.file("right.pty", LAID_OUT);
    scratch.file("windows.pty", LOOSE.replace('\n', "\r\n"));
    scratch.run(&["fmt", "."]).is(0, "", "2 scripts laid out, 1 unchanged\n");
    assert_eq!(scratch.read("loose.pty"), LAID_OUT);
    assert_eq!(scratch.read("right.pty"), LAID_OUT);
    assert_eq!(scratch.read("windows.pty"), LAID_OUT.replace('\n', "\r\n"));
    assert_eq!(scratch.names(), ["loose.pty", "right.pty", "windows.pty"]);
    scratch.run(&["fmt", "."]).is(0, "", "3 scripts unchanged\n");
}

#[test]
fn check_shows_what_would_change_and_changes_nothing() {
    let scratch = Scratch::new("fmt-check");
    scratch.file("loose.pty", LOOSE);
    scratch.file("right.pty", LAID_OUT);
    let ran = scratch.run(&["fmt", "--check", "."]);
    assert_eq!((ran.code, &*ran.err), (Some(1), "1 script not laid out, 1 laid out\n"));
    assert_eq!(scratch.read("loose.pty"), LOOSE);
    scratch.run(&["fmt", "--check", "right.pty"]).is(0, "", "1 script laid out\n");

    pin("fmt_check.txt", &run(&pinned(), &["fmt", "--check", "scripts"]));
    let args = ["fmt", "--check", "scripts/below/loose.pty", "--color", "always"];
    pin("fmt_check_color.txt", &run(&pinned(), &args));
}

#[test]
fn a_difference_is_shown_in_short() {
    let long = "step ->\n".repeat(50_000) + "last";
    let ran = run_with(&pinned(), &["fmt", "--check", "-"], long.as_bytes());
    assert_eq!(ran.code, Some(1));
    assert_eq!(ran.out.lines().count(), 43, "{}", ran.out);
    let last = ran.out.lines().last().unwrap();
    assert!(last.starts_with(".. and ") && last.ends_with(" more lines"), "{last}");

    let wide = vec!["step"; 50_000].join("->");
    let ran = run_with(&pinned(), &["fmt", "--check", "-"], wide.as_bytes());
    assert!(ran.out.lines().all(|line| line.len() < 130));

    // Where line ends are what differs, one sees them.
    let ran = run_with(&pinned(), &["fmt", "--check", "-"], b"A # a\r\n-> B # b\n");
    assert!(ran.out.contains("\n--> B # b\n+-> B # b␍\n"), "{}", ran.out);
    let ran = run_with(&pinned(), &["fmt", "--check", "-"], b"A->B\r\n");
    assert!(ran.out.ends_with("\n-A->B\n+A -> B\n"), "{}", ran.out);
    let ran = run_with(&pinned(), &["fmt", "--check", "-"], b"A");
    assert!(ran.out.ends_with("\n-A\n\\ no line end here\n+A\n"), "{}", ran.out);
}

#[test]
fn a_script_with_mistakes_stays_as_it_is() {
    let scratch = Scratch::new("fmt-wrong");
    for (name, text) in [("syntax.pty", "A->B->"), ("setting.pty", "{A->B}[max_atempts=3]")] {
        scratch.file(name, text);
        for args in [&["fmt", name][..], &["fmt", "--check", name]] {
            let ran = scratch.run(args);
            assert_eq!((ran.code, &*ran.out), (Some(1), ""), "{ran:?}");
            assert!(ran.err.contains(&format!(" --> {name}:1:")), "{}", ran.err);
            assert!(ran.err.ends_with("\n\n1 script with mistakes\n"), "{}", ran.err);
        }
        assert_eq!(scratch.read(name), text);
    }
    // What an editor puts in place of its text is never half a script or a message.
    let ran = run_with(scratch.path(), &["fmt", "-", "--stdin-name", "x.pty"], b"A->B->");
    assert_eq!((ran.code, &*ran.out), (Some(1), ""));
    assert!(ran.err.contains(" --> x.pty:1:5\n"), "{}", ran.err);
}

#[test]
fn none_of_the_broken_scripts_of_the_language_is_touched() {
    let scratch = Scratch::new("fmt-broken");
    let broken = pinned().join("../../../pointy/tests/broken");
    let mut scripts = Vec::new();
    for entry in fs::read_dir(broken).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|it| it == "pty") {
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            let text = fs::read(&path).unwrap();
            scratch.file(&name, &text);
            scripts.push((name, text));
        }
    }
    assert!(scripts.len() >= 40);
    let ran = scratch.run(&["fmt", "."]);
    assert_eq!((ran.code, &*ran.out), (Some(1), ""));
    assert!(ran.err.ends_with(&format!("\n{} scripts with mistakes\n", scripts.len())));
    for (name, text) in scripts {
        assert_eq!(fs::read(scratch.path().join(&name)).unwrap(), text, "{name}");
    }
}

#[test]
fn standard_input_goes_to_standard_output() {
    run_with(&pinned(), &["fmt", "-"], LOOSE.as_bytes()).is(0, LAID_OUT, "");
    run_with(&pinned(), &["fmt", "-"], LAID_OUT.as_bytes()).is(0, LAID_OUT, "");
}

#[test]
fn what_cannot_be_read_is_said_and_the_rest_is_laid_out() {
    let scratch = Scratch::new("fmt-unreadable");
    scratch.file("loose.pty", LOOSE);
    scratch.run(&["fmt", "gone.txt", "loose.pty"]).is(
        2,
        "",
        "error: there is no `gone.txt`; name a script, a directory, or `-`\n1 script laid out, 1 not read or written\n",
    );
    assert_eq!(scratch.read("loose.pty"), LAID_OUT);
}

#[cfg(unix)]
#[test]
fn a_file_is_replaced_as_a_whole_and_keeps_its_permissions() {
    use std::os::unix::fs::{MetadataExt, PermissionsExt};
    let scratch = Scratch::new("fmt-replace");
    let path = scratch.file("loose.pty", LOOSE);
    fs::set_permissions(&path, fs::Permissions::from_mode(0o751)).unwrap();
    // Another name of the old file: were it written in place, both would change.
    fs::hard_link(&path, scratch.path().join("before")).unwrap();
    std::os::unix::fs::symlink("loose.pty", scratch.path().join("link.pty")).unwrap();
    scratch.run(&["fmt", "link.pty"]).is(0, "", "1 script laid out\n");
    assert_eq!(scratch.read("before"), LOOSE);
    assert_eq!(scratch.read("loose.pty"), LAID_OUT);
    assert_eq!(fs::metadata(&path).unwrap().mode() & 0o7777, 0o751);
    assert!(scratch.path().join("link.pty").is_symlink());
    assert_eq!(scratch.names(), ["before", "link.pty", "loose.pty"]);
}

#[cfg(unix)]
#[test]
fn a_file_that_may_not_be_written_stays_as_it_is() {
    use std::os::unix::fs::PermissionsExt;
    let scratch = Scratch::new("fmt-read-only");
    let path = scratch.file("loose.pty", LOOSE);
    fs::set_permissions(&path, fs::Permissions::from_mode(0o444)).unwrap();
    scratch.run(&["fmt", "loose.pty"]).is(
        2,
        "",
        "error: cannot write `loose.pty`: it is read-only\n1 script not read or written\n",
    );
    assert_eq!(scratch.read("loose.pty"), LOOSE);
    assert_eq!(scratch.names(), ["loose.pty"]);
}
