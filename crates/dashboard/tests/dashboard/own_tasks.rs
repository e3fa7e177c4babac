//! What the page shows of steps on the threads of their runs, of which nobody tells it.

use std::sync::{Mutex, mpsc};

use nexus_core::journal::MemoryStore;
use nexus_core::{
    Context, DefaultExecutor, Engine, Fields, Flow, Inputs, Outcome, Registry, RetryPolicy,
    RunHandle,
};
use nexus_dashboard::Dashboard;
use serde_json::{Value, json};

use crate::news::Listener;
use crate::support::{Site, until};

/// A dashboard of a run of three steps, each of which says so when it begins, and goes on when it is let.
struct Held {
    site: Site,
    run: RunHandle,
    begun: mpsc::Receiver<()>,
    end: mpsc::Sender<()>,
}

impl Held {
    fn new() -> Self {
        let (begins, begun) = mpsc::channel();
        let (end, ends) = mpsc::channel();
        let ends = Mutex::new(ends);
        let mut registry = Registry::new();
        registry
            .event("hold", move |ctx: &Context| {
                ctx.progress(2, 5);
                let _ = begins.send(());
                let _ = ends.lock().unwrap().recv();
                Outcome::success(1_u32)
            })
            .output_json()
            .executor::<DefaultExecutor>();
        let flow = Flow::parse("hold -> hold -> hold").unwrap();
        let plan = flow.plan(&registry, &Fields::new()).unwrap();
        let dashboard = Dashboard::new();
        let engine = Engine::builder().store(MemoryStore::new()).observer(dashboard.observer());
        let engine = engine.build().unwrap();
        let run = engine.prepare_plan(&plan, Inputs::new()).unwrap().key("held").start().unwrap();
        // Nobody has looked before this.
        begun.recv().unwrap();
        let mut site = Site::new(|it| it);
        site.server = dashboard.serve(&engine, "127.0.0.1:0".parse().unwrap()).unwrap();
        Self { site, run, begun, end }
    }

    /// Has the next step begin.
    fn go_on(&self) {
        self.end.send(()).unwrap();
        self.begun.recv().unwrap();
    }

    fn end(self) -> Site {
        drop(self.end);
        assert!(self.run.wait().unwrap().is_success());
        self.site
    }
}

fn activity(site: &Site) -> Value {
    site.json("/runs/held")["activity"].clone()
}

/// Whoever opens the page because a step takes long must see which one it is, and since when it runs.
#[test]
fn a_page_that_is_opened_in_the_middle_of_a_step_shows_it() {
    let held = Held::new();
    let first = activity(&held.site);
    assert_eq!((&first[0]["path"], &first[0]["attempt"]), (&json!("hold"), &json!(1)));
    assert_eq!((&first[0]["done"], &first[0]["total"]), (&json!(2), &json!(5)));
    assert_eq!(held.site.json("/runs/held")["active"], true);
    assert_eq!(held.site.json("/runs/held")["hints"], json!([]));
    held.go_on();
    let second = activity(&held.site);
    assert_eq!((second.as_array().unwrap().len(), &second[0]["index"]), (1, &json!(1)));
    assert!(second[0]["since"].as_u64() >= first[0]["since"].as_u64());
    let active = held.site.json("/runs/held/steps?only=active");
    assert_eq!((&active["total"], &active["steps"][0]["index"]), (&json!(1), &json!(1)));
    let site = held.end();
    assert_eq!(activity(&site), json!([]));
}

/// A page that misses a step shows a run as it was.
#[test]
fn a_page_hears_of_each_step_also_of_those_while_it_was_closed() {
    let held = Held::new();
    let mut page = Listener::new(&held.site, None);
    page.next();
    held.go_on();
    let id = loop {
        let id = page.until("held");
        if activity(&held.site)[0]["index"] == 1 {
            break id;
        }
    };
    drop(page);
    held.go_on();
    let mut again = Listener::new(&held.site, Some(&id));
    let (id, news) = again.next();
    assert_eq!((&news["runs"], &news["more"]), (&json!(["held"]), &json!(false)));
    // It has heard of all that it can see.
    assert_eq!(activity(&held.site)[0]["index"], 2);
    drop(again);
    let site = held.end();
    assert_eq!(Listener::new(&site, Some(&id)).next().1["runs"], json!(["held"]));
}

/// Whoever sees that nothing runs must see that it waits, for which attempt, and until when.
#[test]
fn a_step_that_waits_for_its_next_attempt_says_so() {
    let mut registry = Registry::new();
    let policy =
        RetryPolicy::builder().max_attempts(2).backoff_factor(3600.0).max_backoff(3600.0).build();
    registry
        .event("busy", |_: &Context| Err::<u32, _>(std::io::Error::other("busy")))
        .retry_policy(policy)
        .output_json()
        .executor::<DefaultExecutor>();
    let plan = Flow::parse("busy").unwrap().plan(&registry, &Fields::new()).unwrap();
    let dashboard = Dashboard::new();
    let engine = Engine::builder().store(MemoryStore::new()).observer(dashboard.observer());
    let engine = engine.build().unwrap();
    let mut site = Site::new(|it| it);
    site.server = dashboard.serve(&engine, "127.0.0.1:0".parse().unwrap()).unwrap();
    let run = engine.prepare_plan(&plan, Inputs::new()).unwrap().key("busy").start().unwrap();
    let shown = until(&site, "/runs/busy", |run| run["activity"][0]["until"].is_u64());
    let wait = &shown["activity"][0];
    assert_eq!((&wait["path"], &wait["attempt"]), (&json!("busy"), &json!(1)));
    let minutes = (wait["until"].as_u64().unwrap() - wait["since"].as_u64().unwrap()) / 60_000_000;
    assert!((50..=90).contains(&minutes), "{wait}");
    assert_eq!(shown["hints"], json!([]));
    assert_eq!(site.json("/runs/busy/steps?only=active")["total"], 1);
    run.cancel();
    assert_eq!(run.wait().unwrap().status().to_string(), "cancelled");
}
