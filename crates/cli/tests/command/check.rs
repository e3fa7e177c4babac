//! `nexus check`: a user who trusts exit code 0 ships no broken flow.

use std::fs;

use crate::run::{Scratch, pin, pinned, run, run_with};

#[test]
fn what_people_programs_and_editors_read_is_pinned() {
    for format in ["human", "json", "short"] {
        let ran = run(&pinned(), &["check", "scripts", "--message-format", format]);
        pin(&format!("check_{format}.txt"), &ran);
    }
    pin("check_color.txt", &run(&pinned(), &["check", "scripts/below", "--color", "always"]));
}

#[test]
fn every_line_of_json_names_the_place_of_a_mistake() {
    let ran =
        run(&pinned(), &["check", "scripts", "--message-format", "json", "--color", "always"]);
    let scripts = pinned();
    assert!(!ran.out.is_empty());
    for line in ran.out.lines() {
        let mistake: serde_json::Value = serde_json::from_str(line).unwrap();
        let text = fs::read_to_string(scripts.join(mistake["file"].as_str().unwrap())).unwrap();
        let (start, end) = (mistake["start"].as_u64().unwrap(), mistake["end"].as_u64().unwrap());
        assert!(text.get(start as usize..end as usize).is_some(), "{line}");
        let first_line = text.lines().nth(mistake["line"].as_u64().unwrap() as usize - 1).unwrap();
        assert!(mistake["rendered"].as_str().unwrap().contains(first_line), "{line}");
    }
}

#[test]
fn scripts_without_mistakes_are_fine() {
    run(&pinned(), &["check", "scripts/right.pty", "scripts/below/loose.pty"]).is(
        0,
        "",
        "no mistakes in 2 scripts\n",
    );
}

#[test]
fn standard_input_has_the_name_it_is_given() {
    let read = |args: &[&str], input: &[u8]| run_with(&pinned(), args, input);
    read(&["check", "-"], b"A -> B").is(0, "", "no mistakes in 1 script\n");
    read(&["check", "-", "--message-format=short"], b"A ->").is(
        1,
        "<stdin>:1:3: error[P0010]: expected an event after `->`\n",
        "1 mistake in 1 of 1 script\n",
    );
    let ran = read(&["check", "-", "--stdin-name", "order.pty"], b"A ->\r\n");
    assert!(ran.out.contains("\n --> order.pty:1:3\n"), "{}", ran.out);
    // An empty script has a mistake, not none.
    assert_eq!(read(&["check", "-"], b"").code, Some(1));
}

#[test]
fn names_of_files_do_nothing_to_a_terminal() {
    let scratch = Scratch::new("names");
    scratch.file("\u{1b}[31m.pty", "A ->");
    for args in [
        &["check", "."][..],
        &["check", ".", "--message-format=short"],
        &["fmt", "."],
        &["fmt", "none/\u{1b}"],
    ] {
        let ran = run(scratch.path(), args);
        assert!(!(ran.out.contains('\u{1b}') || ran.err.contains('\u{1b}')), "{args:?}");
        assert!(ran.out.contains("\\u{1b}") || ran.err.contains("\\u{1b}"), "{args:?}");
    }
}

#[test]
fn a_directory_is_searched_but_not_what_is_hidden_or_a_cache() {
    let scratch = Scratch::new("search");
    let wrong = "A ->";
    for name in ["b.pty", "a/deep/down/c.pty", "a.pty/d.pty"] {
        scratch.file(name, wrong);
    }
    for name in [".hidden.pty", ".git/x.pty", "target/x.pty", "notes.txt", "pty", "x.PTY.txt"] {
        scratch.file(name, wrong);
    }
    scratch.file("target/CACHEDIR.TAG", "");
    let ran = scratch.run(&["check", ".", "--message-format=short"]);
    let files: Vec<_> = ran.out.lines().map(|line| line.split(':').next().unwrap()).collect();
    assert_eq!(files, ["./b.pty", "./a/deep/down/c.pty", "./a.pty/d.pty"]);

    // What is named is checked, whatever its name; and once, however often it is named.
    let ran = scratch.run(&["check", "notes.txt", ".git", "b.pty", "./b.pty", "notes.txt"]);
    assert_eq!(ran.err, "3 mistakes in 3 of 3 scripts\n");
}

#[test]
fn links_cannot_lead_in_circles() {
    #[cfg(unix)]
    {
        let scratch = Scratch::new("links");
        scratch.file("flows/a.pty", "A");
        std::os::unix::fs::symlink("..", scratch.path().join("flows/up")).unwrap();
        std::os::unix::fs::symlink("a.pty", scratch.path().join("flows/b.pty")).unwrap();
        scratch.run(&["check", "."]).is(0, "", "no mistakes in 1 script\n");
    }
}

#[test]
fn what_cannot_be_read_is_said_and_the_rest_is_checked() {
    let scratch = Scratch::new("unreadable");
    scratch.file("wrong.pty", "A ->");
    scratch.file("latin.pty", b"A\n  \xe9t\xe9 -> B");
    scratch.file("wide.pty", b"\xff\xfeA\0");
    fs::create_dir(scratch.path().join("empty")).unwrap();
    let args = ["latin.pty", "wide.pty", "worng.pty", "far/away.pty", "empty", "wrong.pty"];
    scratch.run(&[&["check", "--message-format=short"][..], &args].concat()).is(
        2,
        "wrong.pty:1:3: error[P0010]: expected an event after `->`\n",
        "\
error: latin.pty:2:3: the byte 0xe9 is not UTF-8; save the file as UTF-8
error: `wide.pty` is UTF-16; save it as UTF-8
error: there is no `worng.pty`; did you mean `wrong.pty`?
error: there is no `far/away.pty`; name a script, a directory, or `-`
error: there is no *.pty in `empty`; name another directory, or a script
1 mistake in 1 of 1 script; 5 paths could not be read
",
    );
    scratch.run(&["check", "empty"]).is(
        2,
        "",
        "error: there is no *.pty in `empty`; name another directory, or a script\nno script was checked; 1 path could not be read\n",
    );
}

#[cfg(unix)]
#[test]
fn a_file_that_the_system_keeps_closed_is_trouble() {
    use std::os::unix::fs::PermissionsExt;
    let scratch = Scratch::new("closed");
    let _socket = std::os::unix::net::UnixListener::bind(scratch.path().join("a.pty")).unwrap();
    let ran = scratch.run(&["check", "."]);
    assert_eq!(ran.code, Some(2));
    assert!(ran.err.starts_with("error: cannot read `./a.pty`: "), "{}", ran.err);

    let path = scratch.file("b.pty", "A");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o000)).unwrap();
    let ran = scratch.run(&["check", "b.pty"]);
    // The superuser may read everything.
    if fs::read(&path).is_ok() {
        ran.is(0, "", "no mistakes in 1 script\n");
    } else {
        assert_eq!(ran.code, Some(2));
        let said = "error: may not read `b.pty`; look at its permissions\n";
        assert!(ran.err.starts_with(said), "{}", ran.err);
    }
}

#[test]
fn more_mistakes_than_are_listed_are_counted_as_more() {
    let ran = run_with(&pinned(), &["check", "-", "--message-format=short"], &b"A B ".repeat(300));
    assert_eq!(ran.out.lines().count(), 101);
    assert_eq!(ran.err, "more than 100 mistakes in 1 of 1 script\n");
    assert_eq!(ran.code, Some(1));
}
