//! `nexus graph`: every flow can be drawn, into a terminal, a file or a README.

use crate::run::{TestDir, pin, pinned, run, run_with};

#[test]
fn the_order_pipeline_in_every_form() {
    for format in ["text", "svg", "mermaid", "dot"] {
        let result = run(&pinned(), &["graph", "scripts/right.pty", "--format", format]);
        pin(&format!("graph_{format}.txt"), &result);
        if format == "text" {
            assert_eq!(result, run(&pinned(), &["graph", "scripts/right.pty"]));
        }
    }
    pin("graph_ascii.txt", &run(&pinned(), &["graph", "scripts/right.pty", "--format", "ascii"]));
}

#[test]
fn the_extension_of_the_file_says_the_form() {
    let dir = TestDir::new("graph");
    dir.file("order.pty", "validate |-> {pay} * 3");
    for (extension, start) in [
        ("svg", "<!-- A flow"),
        ("mmd", "---\ntitle"),
        ("dot", "digraph "),
        ("gv", "digraph "),
        ("txt", "order\n\n"),
    ] {
        let name = format!("picture.{extension}");
        dir.run(&["graph", "order.pty", "-o", &name]).assert_is(0, "", "");
        let drawn = dir.read(&name);
        assert!(drawn.starts_with(start), "{extension}: {drawn}");
    }
    // What is said wins over the extension, and a file that is there is written over.
    dir.run(&["graph", "order.pty", "-o", "picture.svg", "--format", "dot"]).assert_is(0, "", "");
    assert!(dir.read("picture.svg").starts_with("digraph "));
    dir.run(&["graph", "order.pty", "-o", "picture.png"]).assert_refused(
        "`picture.png` ends with none of .svg, .mmd, .dot, .gv and .txt; add `--format` with one of svg, mermaid, dot, text, ascii",
    );
    let result = dir.run(&["graph", "order.pty", "-o", "no/such/place.svg"]);
    assert_eq!(result.code, Some(2));
    assert!(result.err.starts_with("error: cannot write `no/such/place.svg`: "), "{}", result.err);
    // A terminal shows frames in a fainter colour; a file has no colours in it.
    let shown = dir.run(&["graph", "order.pty", "--color", "always"]).out;
    assert!(shown.contains('\u{1b}'), "{shown}");
    let args = ["graph", "order.pty", "-o", "plain.txt", "--color", "always"];
    dir.run(&args).assert_is(0, "", "");
    assert!(!dir.read("plain.txt").contains('\u{1b}'));
}

#[test]
fn titles() {
    let first = |args: &[&str]| {
        let result = run_with(&pinned(), args, b"A");
        assert_eq!(result.code, Some(0), "{result:?}");
        result.out.lines().next().unwrap().to_owned()
    };
    assert_eq!(first(&["graph", "scripts/right.pty"]), "right");
    assert_eq!(first(&["graph", "-"]), "┌───┐");
    assert_eq!(first(&["graph", "-", "--stdin-name", "flows/order.pty"]), "order");
    assert_eq!(first(&["graph", "-", "--title", "Orders"]), "Orders");
    assert_eq!(first(&["graph", "scripts/right.pty", "--title", ""]).trim(), "┌────────────────┐");
}

#[test]
fn a_large_flow_is_shortened_unless_all_of_it_is_wanted() {
    let script = vec!["step"; 300].join(" -> ");
    let short = run_with(&pinned(), &["graph", "-"], script.as_bytes());
    assert!(short.out.contains("… 294 more"), "{}", short.out);
    let full = run_with(&pinned(), &["graph", "-", "--full"], script.as_bytes());
    assert_eq!(full.out.matches("step").count(), 300);
}

#[test]
fn a_script_with_mistakes_is_not_drawn() {
    let result = run(&pinned(), &["graph", "scripts/several.pty"]);
    assert_eq!((result.code, &*result.out), (Some(1), ""));
    assert_eq!(result.err.matches("\n --> scripts/several.pty:").count(), 6);
    let dir = TestDir::new("graph-wrong");
    dir.file("wrong.pty", "A ->");
    assert_eq!(dir.run(&["graph", "wrong.pty", "-o", "a.svg"]).code, Some(1));
    assert_eq!(dir.names(), ["wrong.pty"]);
}

#[test]
fn what_cannot_be_drawn_is_said_in_one_line() {
    let assert_refused = |args: &[&str], line: &str| run(&pinned(), args).assert_refused(line);
    assert_refused(
        &["graph", "scripts/rihgt.pty"],
        "there is no `scripts/rihgt.pty`; did you mean `scripts/right.pty`?",
    );
    assert_refused(
        &["graph", "scripts"],
        "`scripts` is a directory; name one of the scripts in it",
    );
}
