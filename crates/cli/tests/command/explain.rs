//! `nexus explain`: every code that a message names has its page.

use crate::run::{pin, pinned, run};

#[test]
fn a_page_and_the_list_are_pinned() {
    pin("explain_page.txt", &run(&pinned(), &["explain", "N0004"]));
    pin("explain_list.txt", &run(&pinned(), &["explain"]));
    let result = run(&pinned(), &["explain", "p0010", "--color", "always"]);
    assert!(
        result.out.starts_with("\u{1b}[1mP0010: an event is missing\u{1b}[0m\n\n"),
        "{}",
        result.out
    );
}

#[test]
fn every_code_of_the_list_has_a_page() {
    let list = run(&pinned(), &["explain"]);
    for line in list.out.lines() {
        let code = line.split(':').next().unwrap();
        let page = run(&pinned(), &["explain", code]);
        assert_eq!(page.code, Some(0), "{code}");
        assert!(page.out.starts_with(&format!("{line}\n\n")), "{code}: {}", page.out);
    }
    for code in nexus_pointy::code::ALL {
        assert!(list.out.contains(&format!("{code}: ")), "{code}");
    }
}

#[test]
fn an_unknown_code_has_a_neighbour_or_none() {
    let assert_refused =
        |code: &str, line: &str| run(&pinned(), &["explain", code]).assert_refused(line);
    assert_refused(
        "P010",
        "there is no code `P010`; did you mean `P0010`? `nexus explain` lists all",
    );
    assert_refused("E0382", "there is no code `E0382`; `nexus explain` lists all");
    assert_refused("", "there is no code ``; `nexus explain` lists all");
}
