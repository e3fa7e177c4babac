//! A run with 100,000 steps on the page: what matters of it is found, and the browser holds no more of it
//! than it shows.

use nexus_core::journal::MemoryStore;
use nexus_core::{Context, Engine, Fields, Flow, Inputs, Outcome, Plan, Registry};
use nexus_dashboard::Dashboard;
use serde_json::json;

use crate::devtools::Browser;
use crate::shop::Gate;
use crate::{blemishes, in_both_themes};

const STEPS: usize = 100_000;
/// The place of the step that waits until the test lets it go on.
const GATE: usize = 60_000;

fn plan(gate: Gate) -> std::sync::Arc<Plan> {
    let mut registry = Registry::new();
    registry.event("work", |_: &Context| Outcome::success(1_u32)).output_json();
    let wait = move |_: &Context| {
        gate.wait();
        Outcome::success(1_u32)
    };
    registry.event("gate", wait).output_json();
    registry.event("last", |_: &Context| Outcome::<u32>::failure("the last one")).output_json();
    let mut names = vec!["work"; STEPS];
    names[GATE] = "gate";
    names[STEPS - 1] = "last";
    Flow::parse(names.join(" -> ")).unwrap().plan(&registry, &Fields::new()).unwrap()
}

#[test]
fn a_run_of_100_000_steps_is_usable() {
    let gate = Gate::default();
    let plan = plan(gate.clone());
    let dashboard = Dashboard::new();
    let store = MemoryStore::new();
    let engine = Engine::builder().store(store).observer(dashboard.observer()).build().unwrap();
    let server = dashboard.serve(&engine, "127.0.0.1:0".parse().unwrap()).unwrap();
    let run = engine.prepare_plan(&plan, Inputs::new()).unwrap().key("long").start().unwrap();
    while engine.stored_run("long").unwrap().is_none() {
        std::thread::yield_now();
    }

    let mut page = Browser::start();
    page.size(1280, 900);
    page.open(&format!("http://{}/#/run/long", server.address()));
    page.wait("document.querySelectorAll('.lane').length === 200");
    // The picture is a short one.
    page.wait("document.querySelectorAll('#picture [data-step]').length === 6");
    page.sees("99994 more");
    under_way(&mut page);
    pages(&mut page);
    chosen(&mut page);
    gate.open();
    assert!(!run.wait().unwrap().is_success());
    page.wait("document.querySelector('h1 .is-failed')");
    // The picture shows what failed, wherever it is.
    page.wait(&format!("document.querySelector('#picture [data-step=\"{}\"].failure')", STEPS - 1));
    only(&mut page, "failed");
    page.wait("document.querySelectorAll('.lane').length === 1");
    page.sees("1 to 1 of 1");
    in_both_themes(&mut page, |page, _| blemishes(page));
    assert!(page.complaints.is_empty(), "{:#?}", page.complaints);
}

/// Which step is under way is asked once, and not looked for on 500 pages.
fn under_way(page: &mut Browser) {
    only(page, "active");
    page.wait(&format!("document.querySelector('.lane').id === 'lane-{GATE}'"));
    page.sees("1 to 1 of 1");
    only(page, "");
    page.wait("document.querySelectorAll('.lane').length === 200");
}

/// From page to page, to the end, and to a step by its number or its name. None of it stays in memory.
fn pages(page: &mut Browser) {
    let first = memory(page);
    for begin in (200..2000).step_by(200) {
        page.click("#steps-after");
        page.wait(&format!("document.querySelector('#lane-{begin}')"));
    }
    page.click("#steps-last");
    page.wait("document.querySelector('#lane-99999')");
    assert_eq!(page.eval("document.querySelectorAll('.lane').length"), 200);
    type_in(page, "steps-from", "50001");
    page.wait("document.querySelector('.lane').id === 'lane-50000'");
    page.sees("50,001 to 50,200 of 100,000");
    type_in(page, "steps-text", "work#777");
    // 777, and those from 7770 on, and from 77700 on.
    page.sees("1 to 111 of 111");
    page.sees("#77799");
    type_in(page, "steps-text", "");
    page.wait("document.querySelector('#lane-0')");
    let last = memory(page);
    // What a page of steps takes is collected now or later.
    let more = |name: usize| last[name] - first[name];
    assert!(more(0) < 8e6 && more(1) < 8000.0, "bytes and nodes: {first:?} {last:?}");
    assert!(last[0] < 32e6 && last[1] < 16_000.0, "bytes and nodes: {last:?}");
}

/// A link to a step leads to its place on the timeline.
fn chosen(page: &mut Browser) {
    page.eval("location.hash = '#/run/long?step=work%2340000'");
    page.wait("document.querySelector('.lane[aria-pressed=true]').id === 'lane-39999'");
    page.sees("attempt 1");
    // Whoever goes elsewhere then is not taken back.
    page.click("#steps-first");
    page.wait("document.querySelector('#lane-0')");
    page.eval("VIEW.changed({ runs: ['long'], more: false })");
    page.wait("document.querySelector('#lane-0')");
}

fn only(page: &mut Browser, which: &str) {
    page.eval(&format!(
        "(() => {{ const it = document.getElementById('steps-only'); it.value = '{which}'; it.dispatchEvent(new Event('change')); }})()"
    ));
}

fn type_in(page: &mut Browser, id: &str, text: &str) {
    page.eval(&format!(
        "document.getElementById('{id}').focus(); document.getElementById('{id}').select()"
    ));
    if text.is_empty() {
        page.key("Backspace", 8);
    } else {
        page.type_text(text);
    }
    page.key("Enter", 13);
}

/// How many bytes of memory the page's script has, and how many nodes the page.
fn memory(page: &mut Browser) -> [f64; 2] {
    page.call("HeapProfiler.collectGarbage", &json!({}));
    page.call("Performance.enable", &json!({}));
    let all = page.call("Performance.getMetrics", &json!({}));
    ["JSHeapUsedSize", "Nodes"].map(|name| {
        let metrics = all["metrics"].as_array().unwrap();
        metrics.iter().find(|it| it["name"] == name).unwrap()["value"].as_f64().unwrap()
    })
}
