//! The page without a mouse: walks with the Tab key.

use std::collections::BTreeSet;

use nexus_core::Engine;
use nexus_core::journal::MemoryStore;
use nexus_dashboard::Dashboard;
use serde_json::Value;

use crate::devtools::Browser;
use crate::{blemishes, in_both_themes};

/// What the walk asks the page.
const WALK: &str = include_str!("walk.js");

/// Walks through the page from its beginning to its end, and back. Every control is reached, whatever has
/// the focus is seen to have it, and nothing keeps it: else somebody without a mouse, or who sees little,
/// can do less than others.
pub(crate) fn walk(page: &mut Browser) {
    page.eval(WALK);
    page.eval("walk.begin()");
    let there = go(page, "Tab");
    page.eval("walk.begin()");
    let back = go(page, "Shift+Tab");
    for walked in [&there, &back] {
        let missed: Vec<String> =
            controls(page).into_iter().filter(|it| !walked.contains(it)).collect();
        assert!(missed.is_empty(), "never reached: {missed:#?}\nreached: {walked:#?}");
    }
}

/// Walks from where the focus is until it leaves the page or is there again, and gives all that had it.
fn go(page: &mut Browser, key: &str) -> BTreeSet<String> {
    let most = 2 * controls(page).len() + 20;
    let first = page.eval("walk.focused().sign").as_str().unwrap().to_owned();
    let mut seen = BTreeSet::from([first.clone()]);
    for _ in 0..most {
        press(page, key);
        let focused = page.eval("walk.focused()");
        let trouble = focused["trouble"].as_array().unwrap();
        assert!(trouble.is_empty(), "{trouble:#?}");
        match focused["sign"].as_str() {
            // Back from the first control it leaves the page, and comes to the last one.
            None if seen.len() == 1 => {}
            None => return seen,
            Some(sign) if sign == first => return seen,
            Some(sign) => _ = seen.insert(sign.to_owned()),
        }
    }
    panic!("the focus does not leave the page after {most} steps: {seen:#?}");
}

fn controls(page: &mut Browser) -> Vec<String> {
    let all = page.eval("walk.controls()");
    all.as_array().unwrap().iter().map(|it| it.as_str().unwrap().to_owned()).collect()
}

fn press(page: &mut Browser, key: &str) {
    match key {
        "Shift+Tab" => page.key_with("Tab", 9, 8),
        "Tab" => page.key("Tab", 9),
        "Enter" => page.key("Enter", 13),
        _ => page.key("Escape", 27),
    }
}

/// Opens a dialog with the keyboard and leaves it again. The focus stays inside meanwhile, and is then where
/// it was, also on a page whose buttons are drawn anew meanwhile, because its run goes on.
pub(crate) fn dialog(page: &mut Browser, opener: &str, goes_on: bool) {
    page.eval(WALK);
    page.wait(&format!("document.getElementById('{opener}')"));
    page.eval(&format!("document.getElementById('{opener}').focus()"));
    press(page, "Enter");
    page.wait("document.querySelector('#dialog').open");
    in_both_themes(page, |page, _| blemishes(page));
    let inside = go(page, "Tab");
    let all: BTreeSet<String> = controls(page).into_iter().collect();
    assert_eq!(inside, all);
    if goes_on {
        page.eval(&format!("document.getElementById('{opener}').isOld = true"));
        page.wait(&format!("!document.getElementById('{opener}').isOld"));
    }
    press(page, "Escape");
    page.wait("!document.querySelector('#dialog').open");
    page.wait(&format!("document.activeElement.id === '{opener}'"));
}

/// The link that leads past the head of the page leads there, and to no other view.
pub(crate) fn skip(page: &mut Browser) {
    let before = page.eval("location.href");
    page.eval("document.getElementById('skip').focus()");
    press(page, "Enter");
    page.wait("document.activeElement.id === 'main'");
    assert_eq!(page.eval("location.href"), before);
}

/// What a page asks for that has a token, with the keyboard alone.
#[test]
fn somebody_without_a_mouse_logs_in() {
    let dashboard = Dashboard::new().token("ada", "0123456789abcdef").unwrap();
    let engine = Engine::builder().store(MemoryStore::new()).build().unwrap();
    let server = dashboard.serve(&engine, "127.0.0.1:0".parse().unwrap()).unwrap();
    let mut page = Browser::start();
    page.open(&format!("http://{}/", server.address()));
    page.wait("document.getElementById('token')");
    in_both_themes(&mut page, |page, _| blemishes(page));
    walk(&mut page);
    page.eval("document.getElementById('token').focus()");
    page.type_text("0123456789abcdee");
    press(&mut page, "Enter");
    page.sees("that token is not known here");
    page.eval("document.getElementById('token').select()");
    page.type_text("0123456789abcdef");
    press(&mut page, "Enter");
    page.sees("No run is like that.");
    // The browser itself says of every such answer that it is an error.
    let others: Vec<&String> = page.complaints.iter().filter(|it| !it.contains("401")).collect();
    assert!(others.is_empty(), "{others:#?}");
    assert_eq!(page.eval("document.cookie"), Value::from(""));
}
