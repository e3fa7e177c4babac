//! How long pages take of a store that has 100,000 runs.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use nexus::SqliteStore;
use nexus_core::journal::{Change, FlowRecord, FlowStep, RunStart, Store, Timestamp};
use nexus_core::{Engine, Status};
use nexus_dashboard::Dashboard;

use crate::client::get;
use crate::{Result, median, remove_store};

const RUNS: u64 = 100_000;

/// How often each question is asked.
const TIMES: usize = 15;

pub(crate) fn measure(folder: &Path) -> Result<()> {
    let path = folder.join("history.db");
    let store = SqliteStore::open(&path)?;
    write_runs(&store)?;
    let engine = Engine::builder().store(store).build()?;
    let server = Dashboard::new().serve(&engine, "127.0.0.1:0".parse()?)?;
    let address = server.address();
    let page = get(address, "/runs?limit=50")?;
    let next = page.split_once("\"next\":\"").and_then(|(_, rest)| rest.split_once('"'));
    let (next, _) = next.ok_or("the first page has no next one")?;
    println!(
        "{RUNS} runs in the store; the median of {TIMES} answers (limits: 100 ms for a page, 200 ms for a filter):"
    );
    for path in [
        "/runs",
        "/counts",
        &format!("/runs?after={next}"),
        "/runs?status=failed",
        "/runs?status=failed&pipeline=Orders",
        "/counts?pipeline=Orders",
        "/runs?key=order-99",
        "/runs?key=order-1&status=failed",
        "/counts?key=order-99",
        "/grid?pipeline=Orders",
    ] {
        println!("{:>8.2} ms  {path}", milliseconds(address, path)?);
    }
    drop((server, engine));
    remove_store(&path)
}

fn milliseconds(address: SocketAddr, path: &str) -> Result<f64> {
    let ask = |_| {
        let begun = Instant::now();
        get(address, path)?;
        Ok(begun.elapsed().as_secs_f64() * 1e3)
    };
    Ok(median((0..TIMES).map(ask).collect::<Result<_>>()?))
}

/// Writes runs of two pipelines, of which every fourth has failed.
fn write_runs(store: &SqliteStore) -> Result<()> {
    let step = |path: &str| FlowStep {
        path: path.to_owned(),
        event: path.to_owned(),
        version: 1,
        output: "()".to_owned(),
    };
    let steps = vec![step("reserve"), step("charge")];
    let flow = Arc::new(FlowRecord { script: "reserve -> charge".to_owned(), steps });
    for part in 0..RUNS / 1000 {
        let mut changes = Vec::new();
        for number in part * 1000..(part + 1) * 1000 {
            let key = format!("order-{number}");
            let at = Timestamp(1_764_000_000_000_000 + number * 1000);
            let pipeline = if number.is_multiple_of(3) { "Orders" } else { "Returns" };
            let start = RunStart::new(&*key, pipeline, Arc::clone(&flow), "{}".into(), at);
            changes.push(Change::Start(start));
            let status = if number.is_multiple_of(4) { Status::Failed } else { Status::Succeeded };
            changes.push(Change::End { key: key.into(), at: Timestamp(at.0 + 500), status });
        }
        store.commit(&changes)?;
    }
    Ok(())
}
