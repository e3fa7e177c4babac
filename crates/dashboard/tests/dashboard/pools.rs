//! What the API shows of pools, while they have more to do than workers.

use std::sync::{Arc, Condvar, Mutex};

use nexus_core::journal::MemoryStore;
use nexus_core::{Context, Engine, Fields, Flow, Inputs, Outcome, Registry};
use nexus_dashboard::Dashboard;
use serde_json::{Value, json};

use crate::support::{Site, until};

fn pool(pools: &Value) -> &Value {
    let all = pools.as_array().unwrap();
    all.iter().find(|it| it["events"] == json!(["hold"])).unwrap_or(&Value::Null)
}

/// Somebody whose runs do not move has to see that a pool is too small, and which one.
#[test]
fn what_waits_for_a_worker_is_shown_with_the_pool_that_has_too_few() {
    let gate = Arc::new((Mutex::new(false), Condvar::new()));
    let waits = Arc::clone(&gate);
    let mut registry = Registry::new();
    registry
        .event("hold", move |_: &Context| {
            let is_open = waits.0.lock().unwrap();
            drop(waits.1.wait_while(is_open, |is_open| !*is_open).unwrap());
            Outcome::success(1_u32)
        })
        .output_json();
    let one = "hold[executor = ThreadPoolExecutor, executor_config = {max_workers: 1}]";
    let plan = Flow::parse(one).unwrap().plan(&registry, &Fields::new()).unwrap();
    let dashboard = Dashboard::new();
    let store = MemoryStore::new();
    let engine = Engine::builder().store(store).observer(dashboard.observer()).build().unwrap();
    let mut site = Site::new(|it| it);
    site.server = dashboard.serve(&engine, "127.0.0.1:0".parse().unwrap()).unwrap();
    let start =
        |key: &str| engine.prepare_plan(&plan, Inputs::new()).unwrap().key(key).start().unwrap();
    let first = start("first");
    until(&site, "/pools", |pools| pool(pools)["running"] == 1);
    let second = start("second");
    let pools = until(&site, "/pools", |pools| pool(pools)["queued"] == 1);
    let shown = pool(&pools);
    assert_eq!(shown["name"], "ThreadPoolExecutor(max_workers: 1)");
    assert_eq!((&shown["workers"], &shown["running"]), (&json!(1), &json!(1)));
    assert!(shown["queued_since"].is_u64(), "{shown}");
    let queued = site.json("/runs/second")["queued"].clone();
    assert_eq!(queued[0]["path"], "hold");
    assert_eq!(queued[0]["pool"], "ThreadPoolExecutor(max_workers: 1)");
    assert_eq!(site.json("/runs/second/steps?only=active")["total"], 1);
    let running = until(&site, "/runs/first", |run| run["activity"][0].is_object());
    let running = &running["activity"][0];
    assert_eq!((&running["index"], &running["path"]), (&json!(0), &json!("hold")));
    assert_eq!(site.json("/runs/first")["queued"], json!([]));
    *gate.0.lock().unwrap() = true;
    gate.1.notify_all();
    first.wait().unwrap();
    second.wait().unwrap();
    let pools = until(&site, "/pools", |pools| pool(pools)["running"] == 0);
    assert_eq!((&pool(&pools)["queued"], &pool(&pools)["abandoned"]), (&json!(0), &json!(0)));
}
