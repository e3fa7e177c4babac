//! `nexus check`: a user who trusts exit code 0 ships no broken flow.

use std::fs;

use crate::run::{TestDir, pin, pinned, run, run_with};

#[test]
fn what_people_programs_and_editors_read_is_pinned() {
    for format in ["human", "json", "short"] {
        let result = run(&pinned(), &["check", "scripts", "--message-format", format]);
        pin(&format!("check_{format}.txt"), &result);
    }
    pin("check_color.txt", &run(&pinned(), &["check", "scripts/below", "--color", "always"]));
}

#[test]
fn every_line_of_json_names_the_place_of_a_mistake() {
    let result =
        run(&pinned(), &["check", "scripts", "--message-format", "json", "--color", "always"]);
    let scripts = pinned();
    assert!(!result.out.is_empty());
    for line in result.out.lines() {
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
    run(&pinned(), &["check", "scripts/right.pty", "scripts/below/loose.pty"]).assert_is(
        0,
        "",
        "no mistakes in 2 scripts\n",
    );
}

#[test]
fn standard_input_has_the_name_it_is_given() {
    let read = |args: &[&str], input: &[u8]| run_with(&pinned(), args, input);
    read(&["check", "-"], b"A -> B").assert_is(0, "", "no mistakes in 1 script\n");
    read(&["check", "-", "--message-format=short"], b"A ->").assert_is(
        1,
        "<stdin>:1:3: error[P0010]: expected an event after `->`\n",
        "1 mistake in 1 of 1 script\n",
    );
    let result = read(&["check", "-", "--stdin-name", "order.pty"], b"A ->\r\n");
    assert!(result.out.contains("\n --> order.pty:1:3\n"), "{}", result.out);
    // An empty script has a mistake, not none.
    assert_eq!(read(&["check", "-"], b"").code, Some(1));
}

#[test]
fn names_of_files_do_nothing_to_a_terminal() {
    let dir = TestDir::new("names");
    dir.file("\u{1b}[31m.pty", "A ->");
    for args in [
        &["check", "."][..],
        &["check", ".", "--message-format=short"],
        &["fmt", "."],
        &["fmt", "none/\u{1b}"],
    ] {
        let result = run(dir.path(), args);
        assert!(!(result.out.contains('\u{1b}') || result.err.contains('\u{1b}')), "{args:?}");
        assert!(result.out.contains("\\u{1b}") || result.err.contains("\\u{1b}"), "{args:?}");
    }
}

#[test]
fn a_directory_is_searched_but_not_what_is_hidden_or_a_cache() {
    let dir = TestDir::new("search");
    let wrong = "A ->";
    for name in ["b.pty", "a/deep/down/c.pty", "a.pty/d.pty"] {
        dir.file(name, wrong);
    }
    for name in [".hidden.pty", ".git/x.pty", "target/x.pty", "notes.txt", "pty", "x.PTY.txt"] {
        dir.file(name, wrong);
    }
    dir.file("target/CACHEDIR.TAG", "");
    let result = dir.run(&["check", ".", "--message-format=short"]);
    let files: Vec<_> = result.out.lines().map(|line| line.split(':').next().unwrap()).collect();
    assert_eq!(files, ["./b.pty", "./a/deep/down/c.pty", "./a.pty/d.pty"]);

    // What is named is checked, whatever its name; and once, however often it is named.
    let result = dir.run(&["check", "notes.txt", ".git", "b.pty", "./b.pty", "notes.txt"]);
    assert_eq!(result.err, "3 mistakes in 3 of 3 scripts\n");
}

#[test]
fn links_cannot_lead_in_circles() {
    #[cfg(unix)]
    {
        let dir = TestDir::new("links");
        dir.file("flows/a.pty", "A");
        std::os::unix::fs::symlink("..", dir.path().join("flows/up")).unwrap();
        std::os::unix::fs::symlink("a.pty", dir.path().join("flows/b.pty")).unwrap();
        dir.run(&["check", "."]).assert_is(0, "", "no mistakes in 1 script\n");
    }
}

#[test]
fn what_cannot_be_read_is_said_and_the_rest_is_checked() {
    let dir = TestDir::new("unreadable");
    dir.file("wrong.pty", "A ->");
    dir.file("latin.pty", b"A\n  \xe9t\xe9 -> B");
    dir.file("wide.pty", b"\xff\xfeA\0");
    fs::create_dir(dir.path().join("empty")).unwrap();
    let args = ["latin.pty", "wide.pty", "worng.pty", "far/away.pty", "empty", "wrong.pty"];
    dir.run(&[&["check", "--message-format=short"][..], &args].concat()).assert_is(
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
    dir.run(&["check", "empty"]).assert_is(
        2,
        "",
        "error: there is no *.pty in `empty`; name another directory, or a script\nno script was checked; 1 path could not be read\n",
    );
}

#[cfg(unix)]
#[test]
fn a_file_that_the_system_keeps_closed_is_trouble() {
    use std::os::unix::fs::PermissionsExt;
    let dir = TestDir::new("closed");
    let _socket = std::os::unix::net::UnixListener::bind(dir.path().join("a.pty")).unwrap();
    let result = dir.run(&["check", "."]);
    assert_eq!(result.code, Some(2));
    assert!(result.err.starts_with("error: cannot read `./a.pty`: "), "{}", result.err);

    let path = dir.file("b.pty", "A");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o000)).unwrap();
    let result = dir.run(&["check", "b.pty"]);
    // The superuser may read everything.
    if fs::read(&path).is_ok() {
        result.assert_is(0, "", "no mistakes in 1 script\n");
    } else {
        assert_eq!(result.code, Some(2));
        let said = "error: may not read `b.pty`; look at its permissions\n";
        assert!(result.err.starts_with(said), "{}", result.err);
    }
}

#[test]
fn what_is_clear_is_corrected_and_the_rest_is_shown() {
    let dir = TestDir::new("fix");
    let wrong = "# flow\r\ncheck (0 => refuse, 1 -> pay[retry_policy = { max_atempts: 3 }])\r\n";
    dir.file("order.pty", wrong);
    dir.file("open.pty", "A → B ->");
    dir.file("right.pty", "A->B");
    dir.run(&["check", ".", "--message-format=short"]).assert_is(
        1,
        "\
./open.pty:1:3: error[P0005]: `→` is no arrow
./open.pty:1:7: error[P0010]: expected an event after `->`
./order.pty:2:10: error[P0005]: `=>` is no arrow
./order.pty:2:47: error[P0029]: unknown setting `max_atempts` in `retry_policy`
",
        "4 mistakes in 2 of 3 scripts; `--fix` corrects 3\n",
    );
    assert_eq!(dir.read("order.pty"), wrong, "nobody asked for it");
    dir.run(&["check", "--fix", ".", "--message-format=short"]).assert_is(
        1,
        "./open.pty:1:8: error[P0010]: expected an event after `->`\n",
        "3 mistakes corrected; 1 mistake in 1 of 3 scripts\n",
    );
    let right = wrong.replace("=>", "->").replace("atempts", "attempts");
    assert_eq!(dir.read("order.pty"), right);
    assert_eq!(dir.read("open.pty"), "A -> B ->");
    assert_eq!(dir.read("right.pty"), "A->B", "the layout is of no concern here");

    run_with(dir.path(), &["check", "--fix", "-"], b"A => B").assert_is(
        2,
        "",
        "error: `--fix` corrects files, not standard input; name one\n0 mistakes corrected; no script was checked; 1 path could not be read or written\n",
    );
}

#[test]
fn more_mistakes_than_are_listed_are_counted_as_more() {
    let result =
        run_with(&pinned(), &["check", "-", "--message-format=short"], &b"A B ".repeat(300));
    assert_eq!(result.out.lines().count(), 101);
    assert_eq!(result.err, "more than 100 mistakes in 1 of 1 script\n");
    assert_eq!(result.code, Some(1));
}
