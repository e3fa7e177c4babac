//! What the tests of the store share.
#![allow(dead_code, unreachable_pub, reason = "each test binary uses a part of it")]

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use nexus_core::Status;
use nexus_core::journal::{
    Change, FlowRecord, FlowStep, Record, RecordKind, Request, RunQuery, RunStart, Store,
    StoredRun, Timestamp,
};

/// A folder that is removed at the end.
#[derive(Debug)]
pub struct Folder(PathBuf);

impl Folder {
    /// On the disk.
    pub fn new() -> Self {
        Self::within(&std::env::temp_dir())
    }

    /// In memory where there is such a file system: for tests that open a store very often.
    pub fn fast() -> Self {
        let memory = Path::new("/dev/shm");
        if memory.is_dir() { Self::within(memory) } else { Self::new() }
    }

    fn within(parent: &Path) -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let folder = parent.join(format!("nexus-sqlite-{}-{number}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        Self(fs::canonicalize(folder).unwrap())
    }

    pub fn path(&self) -> &Path {
        &self.0
    }

    pub fn file(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// The requests that were left, which are removed then.
pub fn taken(store: &impl Store) -> Vec<Request> {
    let requests = store.requests().unwrap();
    for (number, _) in &requests {
        store.remove_request(*number).unwrap();
    }
    requests.into_iter().map(|(_, request)| request).collect()
}

/// The time at which everything in the tests begins: 2026-01-02 03:04:05 UTC.
pub const BEGIN: u64 = 1_767_323_045_000_000;

pub fn flow() -> Arc<FlowRecord> {
    let step = |path: &str, event: &str| FlowStep {
        path: String::from(path),
        event: String::from(event),
        version: 1,
        output: String::from("u32"),
    };
    let steps = vec![step("validate", "validate"), step("validate/1/charge", "charge")];
    Arc::new(FlowRecord { script: String::from("validate (1 -> charge)"), steps })
}

pub fn start_of(key: &str, at: u64) -> RunStart {
    RunStart::new(key, "Orders", flow(), String::from("{\"order\":1}"), Timestamp(at))
}

pub fn start(key: &str) -> Change {
    Change::Start(start_of(key, BEGIN))
}

pub fn record(key: &str, seq: u64, body: &str) -> Change {
    let record = Record {
        seq,
        at: Timestamp(BEGIN + seq * 1_000),
        kind: RecordKind::Completed,
        step: Some(u32::from(seq.is_multiple_of(2))),
        attempt: 1,
        item: None,
        body: String::from(body),
    };
    Change::Record { key: key.into(), record }
}

/// Somebody has decided that the run goes on with a flow that has a step more.
pub fn adopt(key: &str, seq: u64) -> Change {
    let mut flow = FlowRecord::clone(&flow());
    flow.script.push_str(" -> ship");
    let (event, output) = (String::from("ship"), String::from("u8"));
    flow.steps.insert(0, FlowStep { path: event.clone(), event, version: 1, output });
    let record = Record {
        seq,
        at: Timestamp(BEGIN + seq * 1_000),
        kind: RecordKind::Adopted,
        step: None,
        attempt: 0,
        item: None,
        body: format!("{{\"flow\":\"{:032x}\"}}", flow.digest()),
    };
    Change::Revise { key: key.into(), record, flow: Arc::new(flow) }
}

pub fn end(key: &str) -> Change {
    Change::End { key: key.into(), at: Timestamp(BEGIN + 1_500_000), status: Status::Succeeded }
}

/// All that a store says about its runs.
pub fn contents(store: &dyn Store) -> Vec<(StoredRun, Vec<Record>)> {
    let runs = store.runs(&RunQuery::all()).unwrap();
    runs.into_iter()
        .map(|run| {
            let records = store.records(&run.start.key, 0, usize::MAX).unwrap();
            (run, records)
        })
        .collect()
}

/// Every error of the chain, as a program prints it.
pub fn said(error: &dyn std::error::Error) -> String {
    let mut said = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_said = cause.to_string();
        if !said.contains(&cause_said) {
            said.push_str(": ");
            said.push_str(&cause_said);
        }
        source = cause.source();
    }
    said
}
