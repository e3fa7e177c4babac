//! A run whose process is killed, and which goes on in another one.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use nexus::prelude::*;
use nexus_core::journal::{RunState, Store};

use crate::receiver::Receiver;
use crate::setup::Exporters;
use crate::{Inside, Trip, observed};

/// Says which half of the run a process has to do, where it sends its spans, and where the store is.
const HALF: &str = "NEXUS_OTLP_HALF";

/// Does the half that this process was started for, if it was.
pub(crate) fn half() -> bool {
    let Ok(asked) = std::env::var(HALF) else { return false };
    let [half, address, store] = asked.split('|').collect::<Vec<_>>()[..] else {
        panic!("no half: {asked}")
    };
    let exporters = Exporters::to(address).unwrap();
    let inside = observed().build().unwrap();
    let builder = observed().state(Inside(inside)).store(SqliteStore::open(store).unwrap());
    let engine = builder.build().unwrap();
    if half == "second" {
        let resumed = engine.resume().unwrap().pop().unwrap();
        engine.resolve("killed", "approve", "yes").unwrap();
        assert!(resumed.wait().unwrap().is_success());
        exporters.shutdown().unwrap();
        return true;
    }
    let request = tracing::info_span!("request");
    let run = || engine.prepare(Trip { number: 8 }).unwrap().key("killed").start().unwrap();
    let handle = request.in_scope(run);
    while engine.pending("killed").unwrap().is_empty() {
        std::thread::yield_now();
    }
    exporters.spans.force_flush().unwrap();
    println!("waits");
    handle.wait().unwrap();
    panic!("it ends though nobody resolves it");
}

fn start(half: &str, address: &str, store: &Path) -> Child {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.env(HALF, format!("{half}|{address}|{}", store.display()));
    command.stdout(Stdio::piped()).spawn().unwrap()
}

/// Otherwise nobody who looks at the second half of a run would find what happened before the crash.
pub(crate) fn a_run_of_a_killed_process_goes_on_in_a_trace_that_is_linked_to_the_first() {
    let folder = std::env::temp_dir().join(format!("nexus-otlp-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let store = folder.join("killed.db");
    let (receiver, address) = Receiver::start();

    let mut first = start("first", &address, &store);
    let mut said = String::new();
    BufReader::new(first.stdout.as_mut().unwrap()).read_line(&mut said).unwrap();
    assert_eq!(said, "waits\n");
    first.kill().unwrap();
    assert!(!first.wait().unwrap().success());
    let beside = SqliteStore::read_only(&store).unwrap();
    assert_eq!(beside.run("killed").unwrap().unwrap().state, RunState::Unfinished);
    drop(beside);
    // The span of the run had not ended, so nobody has sent it; those inside of it name it.
    assert!(receiver.spans().iter().all(|span| span.name() != "Trip"));
    let step = receiver.the("in_process", |span| span.attribute("nexus.attempt").is_none());
    let of_first = (step.text("traceId").to_owned(), step.text("parentSpanId").to_owned());
    let worker = receiver.only("worker work");
    assert_eq!(worker.text("traceId"), of_first.0);

    assert!(start("second", &address, &store).wait().unwrap().success());
    let second = receiver.only("Trip");
    assert_eq!(second.links(), [of_first]);
    assert_eq!(second.attribute("nexus.run.resumed").as_deref(), Some("true"));
    assert_eq!(second.attribute("cicd.pipeline.result").as_deref(), Some("success"));
    let step = receiver.the("after_approval", |span| span.attribute("nexus.attempt").is_none());
    assert_eq!(receiver.around(&step).text("spanId"), second.text("spanId"));
    // What the first process had done was not done again.
    receiver.only("worker work");
    std::fs::remove_dir_all(&folder).unwrap();
}
