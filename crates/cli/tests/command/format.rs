//! `nexus fmt`: it may be run on save and on a whole repository, and costs nobody a script.

use std::fs;

use crate::run::{TestDir, pin, pinned, run, run_with};

const LOOSE: &str = "A->B||C # both\n|->(D ->E)[ each ]\n";
const LAID_OUT: &str = "A\n-> B || C # both\n|-> {D -> E}[each]\n";

#[test]
fn scripts_are_laid_out_in_place() {
    let dir = TestDir::new("fmt");
    dir.file("loose.pty", LOOSE);
    dir.file("right.pty", LAID_OUT);
    dir.file("windows.pty", LOOSE.replace('\n', "\r\n"));
    dir.run(&["fmt", "."]).assert_is(0, "", "2 scripts laid out, 1 unchanged\n");
    assert_eq!(dir.read("loose.pty"), LAID_OUT);
    assert_eq!(dir.read("right.pty"), LAID_OUT);
    assert_eq!(dir.read("windows.pty"), LAID_OUT.replace('\n', "\r\n"));
    assert_eq!(dir.names(), ["loose.pty", "right.pty", "windows.pty"]);
    dir.run(&["fmt", "."]).assert_is(0, "", "3 scripts unchanged\n");
}

#[test]
fn check_shows_what_would_change_and_changes_nothing() {
    let dir = TestDir::new("fmt-check");
    dir.file("loose.pty", LOOSE);
    dir.file("right.pty", LAID_OUT);
    let result = dir.run(&["fmt", "--check", "."]);
    assert_eq!((result.code, &*result.err), (Some(1), "1 script not laid out, 1 laid out\n"));
    assert_eq!(dir.read("loose.pty"), LOOSE);
    dir.run(&["fmt", "--check", "right.pty"]).assert_is(0, "", "1 script laid out\n");

    pin("fmt_check.txt", &run(&pinned(), &["fmt", "--check", "scripts"]));
    let args = ["fmt", "--check", "scripts/below/loose.pty", "--color", "always"];
    pin("fmt_check_color.txt", &run(&pinned(), &args));
}

#[test]
fn a_difference_is_shown_in_short() {
    let long = "step ->\n".repeat(50_000) + "last";
    let result = run_with(&pinned(), &["fmt", "--check", "-"], long.as_bytes());
    assert_eq!(result.code, Some(1));
    assert_eq!(result.out.lines().count(), 43, "{}", result.out);
    let last = result.out.lines().last().unwrap();
    assert!(last.starts_with(".. and ") && last.ends_with(" more lines"), "{last}");

    let wide = vec!["step"; 50_000].join("->");
    let result = run_with(&pinned(), &["fmt", "--check", "-"], wide.as_bytes());
    assert!(result.out.lines().all(|line| line.len() < 130));

    // Where line ends are what differs, one sees them.
    let result = run_with(&pinned(), &["fmt", "--check", "-"], b"A # a\r\n-> B # b\n");
    assert!(result.out.contains("\n--> B # b\n+-> B # b␍\n"), "{}", result.out);
    let result = run_with(&pinned(), &["fmt", "--check", "-"], b"A->B\r\n");
    assert!(result.out.ends_with("\n-A->B\n+A -> B\n"), "{}", result.out);
    let result = run_with(&pinned(), &["fmt", "--check", "-"], b"A");
    assert!(result.out.ends_with("\n-A\n\\ no line end here\n+A\n"), "{}", result.out);
}

#[test]
fn a_script_with_mistakes_stays_as_it_is() {
    let dir = TestDir::new("fmt-wrong");
    for (name, text) in [("syntax.pty", "A->B->"), ("setting.pty", "{A->B}[max_atempts=3]")] {
        dir.file(name, text);
        for args in [&["fmt", name][..], &["fmt", "--check", name]] {
            let result = dir.run(args);
            assert_eq!((result.code, &*result.out), (Some(1), ""), "{result:?}");
            assert!(result.err.contains(&format!(" --> {name}:1:")), "{}", result.err);
            assert!(result.err.ends_with("\n\n1 script with mistakes\n"), "{}", result.err);
        }
        assert_eq!(dir.read(name), text);
    }
    // What an editor puts in place of its text is never half a script or a message.
    let result = run_with(dir.path(), &["fmt", "-", "--stdin-name", "x.pty"], b"A->B->");
    assert_eq!((result.code, &*result.out), (Some(1), ""));
    assert!(result.err.contains(" --> x.pty:1:5\n"), "{}", result.err);
}

#[test]
fn none_of_the_broken_scripts_of_the_language_is_touched() {
    let dir = TestDir::new("fmt-broken");
    let broken = pinned().join("../../../pointy/tests/broken");
    let mut scripts = Vec::new();
    for entry in fs::read_dir(broken).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|it| it == "pty") {
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            let text = fs::read(&path).unwrap();
            dir.file(&name, &text);
            scripts.push((name, text));
        }
    }
    assert!(scripts.len() >= 40);
    let result = dir.run(&["fmt", "."]);
    assert_eq!((result.code, &*result.out), (Some(1), ""));
    assert!(result.err.ends_with(&format!("\n{} scripts with mistakes\n", scripts.len())));
    for (name, text) in scripts {
        assert_eq!(fs::read(dir.path().join(&name)).unwrap(), text, "{name}");
    }
}

#[test]
fn standard_input_goes_to_standard_output() {
    run_with(&pinned(), &["fmt", "-"], LOOSE.as_bytes()).assert_is(0, LAID_OUT, "");
    run_with(&pinned(), &["fmt", "-"], LAID_OUT.as_bytes()).assert_is(0, LAID_OUT, "");
}

#[test]
fn what_cannot_be_read_is_said_and_the_rest_is_laid_out() {
    let dir = TestDir::new("fmt-unreadable");
    dir.file("loose.pty", LOOSE);
    dir.run(&["fmt", "gone.txt", "loose.pty"]).assert_is(
        2,
        "",
        "error: there is no `gone.txt`; name a script, a directory, or `-`\n1 script laid out, 1 not read or written\n",
    );
    assert_eq!(dir.read("loose.pty"), LAID_OUT);
}

#[cfg(unix)]
#[test]
fn a_file_is_replaced_as_a_whole_and_keeps_its_permissions() {
    use std::os::unix::fs::{MetadataExt, PermissionsExt};
    let dir = TestDir::new("fmt-replace");
    let path = dir.file("loose.pty", LOOSE);
    fs::set_permissions(&path, fs::Permissions::from_mode(0o751)).unwrap();
    // Another name of the old file: were it written in place, both would change.
    fs::hard_link(&path, dir.path().join("before")).unwrap();
    std::os::unix::fs::symlink("loose.pty", dir.path().join("link.pty")).unwrap();
    dir.run(&["fmt", "link.pty"]).assert_is(0, "", "1 script laid out\n");
    assert_eq!(dir.read("before"), LOOSE);
    assert_eq!(dir.read("loose.pty"), LAID_OUT);
    assert_eq!(fs::metadata(&path).unwrap().mode() & 0o7777, 0o751);
    assert!(dir.path().join("link.pty").is_symlink());
    assert_eq!(dir.names(), ["before", "link.pty", "loose.pty"]);
}

#[cfg(unix)]
#[test]
fn a_file_that_may_not_be_written_stays_as_it_is() {
    use std::os::unix::fs::PermissionsExt;
    let dir = TestDir::new("fmt-read-only");
    let path = dir.file("loose.pty", LOOSE);
    fs::set_permissions(&path, fs::Permissions::from_mode(0o444)).unwrap();
    dir.run(&["fmt", "loose.pty"]).assert_is(
        2,
        "",
        "error: cannot write `loose.pty`: it is read-only\n1 script not read or written\n",
    );
    assert_eq!(dir.read("loose.pty"), LOOSE);
    assert_eq!(dir.names(), ["loose.pty"]);
}
