//! How long pages take where there is much to show: `cargo test --release -p nexus-dashboard --features
//! server --test dashboard -- --ignored --nocapture measure`.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use nexus::SqliteStore;
use nexus_core::journal::{Change, FlowRecord, FlowStep, RunStart, Store, Timestamp};
use nexus_core::{Context, Engine, Fields, Flow, Inputs, Outcome, Registry, Status};
use nexus_dashboard::Dashboard;

use crate::support::Site;

/// The median of some answers to the same question.
fn median(site: &Site, path: &str) -> Duration {
    let ask = |_| {
        let begun = Instant::now();
        site.json(path);
        begun.elapsed()
    };
    let mut times: Vec<Duration> = (0..9).map(ask).collect();
    times.sort();
    println!("{:>9.1?}  {path}", times[4]);
    times[4]
}

#[test]
#[ignore = "takes a minute"]
fn measure_a_store_of_100_000_runs() {
    let folder = std::env::temp_dir().join(format!("nexus-dashboard-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let store = SqliteStore::open(folder.join("runs.db")).unwrap();
    let step = |path: &str| FlowStep {
        path: path.to_owned(),
        event: path.to_owned(),
        version: 1,
        output: "()".to_owned(),
    };
    let flow =
        Arc::new(FlowRecord { script: "a -> b".to_owned(), steps: vec![step("a"), step("b")] });
    let ends = [Status::Succeeded, Status::Succeeded, Status::Succeeded, Status::Failed];
    for part in 0..100 {
        let mut changes = Vec::new();
        for number in part * 1000..(part + 1) * 1000 {
            let (key, at) =
                (format!("order-{number}"), Timestamp(1_764_000_000_000_000 + number * 1000));
            let pipeline = if number % 3 == 0 { "Orders" } else { "Returns" };
            changes.push(Change::Start(RunStart::new(
                &*key,
                pipeline,
                Arc::clone(&flow),
                "{}".into(),
                at,
            )));
            let status = ends[number as usize % ends.len()];
            changes.push(Change::End { key: key.into(), at: Timestamp(at.0 + 500), status });
        }
        store.commit(&changes).unwrap();
    }
    let mut site = Site::new(|it| it);
    let engine = Engine::builder().store(store).build().unwrap();
    site.server = Dashboard::new().serve(&engine, "127.0.0.1:0".parse().unwrap()).unwrap();
    let last = site.json("/runs?limit=50")["next"].as_str().unwrap().to_owned();
    for path in [
        "/runs",
        "/counts",
        &format!("/runs?after={last}"),
        "/runs?status=failed",
        "/runs?status=failed&pipeline=Orders",
        "/counts?pipeline=Orders",
        "/runs?key=order-99",
        "/runs?key=order-1&status=failed",
        "/counts?key=order-99",
        "/grid?pipeline=Orders",
    ] {
        median(&site, path);
    }
    drop((site, engine));
    std::fs::remove_dir_all(folder).unwrap();
}

/// What the page with the table does: it hears the news, and asks again once a second at most.
fn page(site: &Site, is_over: &AtomicBool) {
    let mut stream = TcpStream::connect(site.address()).unwrap();
    write!(stream, "GET /api/v1/live HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
    stream.set_read_timeout(Some(Duration::from_millis(100))).unwrap();
    let mut bytes = [0; 4096];
    while !is_over.load(Ordering::SeqCst) {
        site.json("/runs");
        site.json("/counts");
        let asked = Instant::now();
        while asked.elapsed() < Duration::from_secs(1) && !is_over.load(Ordering::SeqCst) {
            let _ = stream.read(&mut bytes);
        }
    }
}

#[test]
#[ignore = "takes a minute"]
fn measure_what_open_pages_cost_64_runs() {
    let mut registry = Registry::new();
    registry.event("work", |_: &Context| Outcome::success(1_u32)).output_json();
    let flow = Flow::parse(vec!["work"; 50].join(" -> ")).unwrap();
    let plan = flow.plan(&registry, &Fields::new()).unwrap();
    let round = |engine: &Engine, name: &str, round: u32| {
        let begun = Instant::now();
        std::thread::scope(|scope| {
            for run in 0..64 {
                let (engine, plan) = (engine, &plan);
                let key = format!("{name}-{round}-{run}");
                scope.spawn(move || {
                    engine.prepare_plan(plan, Inputs::new()).unwrap().key(key).run().unwrap()
                });
            }
        });
        begun.elapsed().as_secs_f64() * 1e6 / (64.0 * 50.0)
    };
    let folder = std::env::temp_dir().join(format!("nexus-dashboard-cost-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let open = |name: &str| SqliteStore::open(folder.join(name)).unwrap();
    let alone = Engine::builder().store(open("plain.db")).build().unwrap();
    let dashboard = Dashboard::new();
    let watched =
        Engine::builder().store(open("watched.db")).observer(dashboard.observer()).build().unwrap();
    let mut site = Site::new(|it| it);
    site.server = dashboard.serve(&watched, "127.0.0.1:0".parse().unwrap()).unwrap();
    // Blocks of rounds with and without pages, in turn, so that the machine's load is the same for both.
    let (mut without, mut with) = (Vec::new(), Vec::new());
    for block in 0..6 {
        without.extend((0..20).map(|number| round(&alone, "run", block * 20 + number)));
        let is_over = AtomicBool::new(false);
        std::thread::scope(|scope| {
            (0..4).for_each(|_| drop(scope.spawn(|| page(&site, &is_over))));
            with.extend((0..20).map(|number| round(&watched, "run", block * 20 + number)));
            is_over.store(true, Ordering::SeqCst);
        });
    }
    without.sort_by(f64::total_cmp);
    with.sort_by(f64::total_cmp);
    let middle = without.len() / 2;
    println!("a step of 64 runs: {:.2} µs without, {:.2} µs with", without[middle], with[middle]);
    println!("the best round: {:.2} µs without, {:.2} µs with", without[0], with[0]);
    drop((site, alone, watched));
    std::fs::remove_dir_all(folder).unwrap();
}
