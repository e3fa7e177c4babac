//! The page in a real browser, on an engine whose runs go on meanwhile. `ci/dashboard.sh` runs it, and
//! takes the guide's pictures with it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test says what it expects"
)]

#[path = "../dashboard/broken.rs"]
mod broken;
mod devtools;
mod long;
mod shop;
mod walk;

use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;

use broken::Broken;
use devtools::Browser;
use nexus_core::Engine;
use nexus_dashboard::Dashboard;
use shop::{Checkout, Knock, Shop, Weather};
use walk::{dialog, skip, walk};

/// Whatever on the page is hard to see against what is behind it, and every control that has no name.
const BLEMISHES: &str = include_str!("blemishes.js");

#[test]
fn the_page_shows_and_steers_runs() {
    let shop = Shop::new();
    for number in 1..=60 {
        let cents = if number % 9 == 0 { 0 } else { 1_000 + number };
        shop.run(&format!("A-{number}"), Checkout::of("Ada", cents));
    }
    shop.run("B-1", Checkout::of("Bob", 200_000));
    let weather = shop.start("weather/2026-11-27", Weather { rows: 10_000 });
    let approval = shop.start("C-1", Checkout::of("<b>Cy</b>", 90_000));
    let mut page = Browser::start();
    page.size(1280, 900);
    let root = format!("http://{}/", shop.server.address());

    runs(&mut page, &root);
    failed_run(&mut page, &root, &shop);
    running_run(&mut page, &root);
    pending_run(&mut page, &root);
    assert!(approval.wait().unwrap().is_success());
    grid_pools_events(&mut page, &root);
    schedules_and_hints(&mut page, &root, &shop);
    news(&mut page, &root, &shop);
    background(&mut page, &root, &shop);

    shop.gate.open();
    shop.engine.cancel("weather/2026-11-27").unwrap();
    drop(weather.wait());
    assert_eq!(page.eval("document.title === 'owned'"), false);
    let strangers: Vec<_> = page
        .requests
        .iter()
        .filter(|url| !url.starts_with(&root) && *url != "about:blank" && !url.starts_with("data:"))
        .collect();
    assert!(strangers.is_empty(), "{strangers:?}");
    assert!(page.complaints.is_empty(), "{:#?}", page.complaints);
}

/// The table: counts, filters, pages.
fn runs(page: &mut Browser, root: &str) {
    page.open(root);
    page.wait("document.querySelectorAll('table.runs tbody tr').length === 50");
    page.sees("weather/2026-11-27");
    page.click("#older");
    page.wait("document.querySelectorAll('table.runs tbody tr').length === 13");
    page.click("#newer");
    page.wait("document.querySelectorAll('table.runs tbody tr').length === 50");
    picture(page, "dashboard_runs", 420);
    walk(page);
    skip(page);
    page.click("#only-failed");
    page.wait("document.querySelectorAll('table.runs tbody tr').length === 1");
    page.sees("B-1");
    page.open(&format!("{root}#/?key=A-1"));
    page.wait("document.querySelectorAll('table.runs tbody tr').length === 11");
}

/// Opens a run, and waits for its picture, which comes last and moves what stands below it.
fn open_run(page: &mut Browser, root: &str, key: &str) {
    page.open(&format!("{root}#/run/{}", key.replace('/', "%2F")));
    page.wait(&format!("document.querySelector('h1').innerText.startsWith('{key}')"));
    page.wait("document.querySelector('#picture [data-step]')");
}

/// A run that failed: its picture, a step by keyboard, its error as text, trying it again.
fn failed_run(page: &mut Browser, root: &str, shop: &Shop) {
    open_run(page, root, "B-1");
    page.wait("document.querySelectorAll('#picture [data-step]').length === 6");
    page.wait("document.querySelectorAll('.lane').length === 6");
    page.eval("document.querySelector('#picture [data-step=\"3\"]').focus()");
    page.key("Enter", 13);
    page.sees("onerror=");
    assert_eq!(page.eval("document.querySelectorAll('main img').length"), 0);
    page.wait("document.querySelector('aside .is-failure')");
    // What it takes, with the field's value.
    page.wait("document.querySelector('aside').innerText.includes('lamp')");
    picture(page, "dashboard_failed", 800);
    shop.bank.open();
    walk(page);
    skip(page);
    dialog(page, "act-retry", false);
    page.click("#act-retry");
    page.eval("document.getElementById('by').value = 'Ada'");
    page.click("#confirm");
    page.sees("waits for the world outside");
    page.open(&format!("{root}#/actions"));
    page.sees("Ada");
    page.sees("retry");
    picture(page, "dashboard_actions", 250);
    walk(page);
}

/// A run that goes on: a folded fan-out, its items, progress, the wait before the next attempt.
fn running_run(page: &mut Browser, root: &str) {
    open_run(page, root, "weather/2026-11-27");
    page.wait("document.querySelector('#picture [data-step=\"2\"]').classList.contains('runs')");
    page.sees("10,000 items, 11 failed");
    page.sees("7 of 20");
    page.sees("retrying");
    page.click("#lane-1");
    page.wait("document.querySelectorAll('aside .attempt').length === 11");
    page.click("#lane-3");
    page.sees("caused by: connection refused");
    page.wait("/attempt 2 begins/.test(document.querySelector('aside').innerText)");
    page.wait("document.querySelector('aside .attempt pre.log')");
    page.click("#zoom-in");
    page.click("#zoom-right");
    page.click("#zoom-all");
    picture(page, "dashboard_running", 960);
    walk(page);
    dialog(page, "act-cancel", true);
}

/// A run that waits for somebody, who says what its step yields.
fn pending_run(page: &mut Browser, root: &str) {
    open_run(page, root, "C-1");
    page.sees("for a value of the type String");
    in_both_themes(page, |page, _| blemishes(page));
    walk(page);
    page.eval("document.getElementById('value-0').value = '7'");
    page.click(".pending button");
    page.wait("document.querySelector('#dialog').open");
    page.click("#confirm");
    page.sees("yields `String`");
    // The browser itself says of every such answer that it is an error.
    let refused = page.complaints.pop().unwrap_or_default();
    assert!(refused.contains("409") && page.complaints.is_empty(), "{refused}");
    page.click("#dismiss");
    page.eval("document.getElementById('value-0').value = '\"Ada says yes\"'");
    page.click(".pending button");
    page.wait("document.querySelector('#dialog').open");
    page.click("#confirm");
    page.wait("document.querySelector('h1 .is-succeeded')");
}

fn grid_pools_events(page: &mut Browser, root: &str) {
    page.open(&format!("{root}#/grid?pipeline=Checkout"));
    page.wait("document.querySelectorAll('table.grid tbody tr').length === 6");
    picture(page, "dashboard_grid", 350);
    walk(page);
    page.open(&format!("{root}#/pools"));
    page.sees("all are busy");
    picture(page, "dashboard_pools", 330);
    walk(page);
    page.open(&format!("{root}#/events"));
    page.sees("5 attempts, waits 60s");
    in_both_themes(page, |page, _| blemishes(page));
    walk(page);
}

/// When schedules fire, and what somebody who knows nexus would say of one that does not, and of a step.
fn schedules_and_hints(page: &mut Browser, root: &str, shop: &Shop) {
    page.open(&format!("{root}#/schedules"));
    page.sees("2026-12-02 02:30:00+01:00 Europe/Oslo");
    page.sees("hourly: a firing is due for");
    page.sees("onerror=");
    assert_eq!(page.eval("document.querySelectorAll('main img').length"), 0);
    picture(page, "dashboard_schedules", 400);
    walk(page);
    shop.run("K-1", Knock {});
    open_run(page, root, "K-1");
    page.sees("10 attempts in vain");
    logs(page);
    in_both_themes(page, |page, _| blemishes(page));
    walk(page);
}

/// What each attempt has logged stands beside it, as text.
fn logs(page: &mut Browser) {
    page.click("#lane-0");
    page.wait("document.querySelectorAll('aside .attempt pre.log').length === 10");
    let third = "document.querySelectorAll('aside .attempt')[2].innerText";
    page.wait(&format!("{third}.includes('attempt 3')"));
    page.wait(&format!("/ WARN <img .* knock=3/.test({third})"));
    assert_eq!(page.eval("document.querySelectorAll('main img').length"), 0);
}

/// A new run comes without anybody asking for it; the keyboard's focus stays.
fn news(page: &mut Browser, root: &str, shop: &Shop) {
    page.open(&format!("{root}#/"));
    page.wait("document.querySelector('#state').textContent === 'live'");
    page.wait("document.getElementById('older')");
    page.eval("document.getElementById('older').focus()");
    shop.run("Z-1", Checkout::of("Zoe", 5));
    page.sees("Z-1");
    assert_eq!(page.eval("document.activeElement.id"), "older");
}

/// A page that nobody sees asks for nothing, and whoever comes back to it sees what there is.
fn background(page: &mut Browser, root: &str, shop: &Shop) {
    let is_seen = |page: &mut Browser, is_seen: bool| {
        let hidden = format!(
            "Object.defineProperty(document, 'hidden', {{ value: {}, configurable: true }})",
            !is_seen
        );
        page.eval(&format!("{hidden}; document.dispatchEvent(new Event('visibilitychange')); 0"));
    };
    page.open(&format!("{root}#/"));
    page.wait("document.querySelector('#state').textContent === 'live'");
    // What every view asks with, at a piece of news and now and then.
    page.eval("var asked = 0, ask = paced(() => { asked += 1; }, 0); ask(); 0");
    page.eval("var rests = false; setTimeout(() => { rests = true; }, 0); 0");
    page.wait("asked === 1 && rests");
    is_seen(page, false);
    page.sees("waits until it is seen");
    assert_eq!(page.eval("ask(); asked"), 1);
    shop.run("Z-2", Checkout::of("Zoe", 5));
    is_seen(page, true);
    page.wait("asked === 2");
    page.wait("document.querySelector('#state').textContent === 'live'");
    page.sees("Z-2");
}

/// While the store is broken the page says so, and shows what there is as soon as it works again, without
/// anybody asking for it.
#[test]
fn a_page_over_a_store_that_breaks_comes_back() {
    let store = Arc::new(Broken::default());
    let engine = Engine::builder().store(Arc::clone(&store)).build().unwrap();
    let server = Dashboard::new().serve(&engine, "127.0.0.1:0".parse().unwrap()).unwrap();
    let mut page = Browser::start();
    let root = format!("http://{}/", server.address());
    for view in ["", "#/grid", "#/run/A-1"] {
        store.breaks(true);
        page.open(&format!("{root}{view}"));
        page.sees("the disk is gone");
        in_both_themes(&mut page, |page, _| blemishes(page));
        store.breaks(false);
        page.wait("!document.body.innerText.includes('the disk is gone')");
    }
    page.sees("the store has no run `A-1`");
    // The browser itself says of every answer that it is an error.
    let is_answer = |it: &String| it.contains("503") || it.contains("404");
    assert!(page.complaints.iter().all(is_answer), "{:#?}", page.complaints);
}

/// Looks at the page in light and in dark, and keeps both for the guide where that is asked for.
fn picture(page: &mut Browser, name: &str, height: u32) {
    page.size(1100, height);
    page.eval("document.activeElement.blur(); scrollTo(0, 0)");
    let folder = std::env::var_os("NEXUS_PICTURES");
    in_both_themes(page, |page, theme| {
        blemishes(page);
        if let Some(folder) = &folder {
            let path = Path::new(folder).join(format!("{name}_{theme}.png"));
            keep(&page.screenshot(), &path);
        }
    });
}

/// Looks at the page in light and in dark.
fn in_both_themes(page: &mut Browser, look: impl Fn(&mut Browser, &str)) {
    // The page has a button that says which is the other one; that for the token has none.
    let paint = |theme: &str| {
        format!(
            "typeof paint === 'undefined' ? document.documentElement.className = '{theme}' : paint('{theme}')"
        )
    };
    for theme in ["light", "dark"] {
        page.eval(&paint(theme));
        look(page, theme);
    }
    page.eval(&paint("light"));
}

fn blemishes(page: &mut Browser) {
    let found = page.eval(BLEMISHES);
    assert!(found.as_array().is_some_and(Vec::is_empty), "{found:#}");
}

fn keep(base64: &str, path: &Path) {
    use std::io::Write;
    let file = std::fs::File::create(path).unwrap();
    let mut decoder =
        Command::new("base64").arg("-d").stdin(Stdio::piped()).stdout(file).spawn().unwrap();
    decoder.stdin.take().unwrap().write_all(base64.as_bytes()).unwrap();
    assert!(decoder.wait().unwrap().success());
}
