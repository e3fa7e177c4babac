//! Events that count how often they are invoked, stores that were left at a certain record, and
//! stores whose commits fail or wait.

use std::collections::BTreeMap;
use std::fmt;
use std::pin::Pin;
use std::sync::{Arc, Condvar, Mutex};
use std::task::{Context as PollContext, Poll, Waker};

use nexus_core::journal::{
    Change, MemoryStore, Record, RecordKind, Request, RunCounts, RunQuery, RunState, Store,
    StoreError, StoredRun,
};
use nexus_core::testing::TestEngine;
use nexus_core::{
    Context, Engine, EventBuilder, Fields, Flow, Inputs, IntoOutcome, Plan, Prepared, Registry,
    Report,
};

use crate::patience;
pub(crate) use crate::patience::{PATIENCE, within};

/// How often each step was invoked, by path and item.
#[derive(Clone, Default)]
pub(crate) struct Calls(Arc<Mutex<BTreeMap<String, u32>>>);

impl Calls {
    pub(crate) fn note(&self, ctx: &Context) {
        let item = ctx.item().map(|item| format!("[{item}]")).unwrap_or_default();
        let name = format!("{}{item}", ctx.step_path());
        *self.0.lock().unwrap().entry(name).or_default() += 1;
    }

    pub(crate) fn of(&self, step: &str) -> u32 {
        self.0.lock().unwrap().get(step).copied().unwrap_or(0)
    }

    pub(crate) fn total(&self) -> u32 {
        self.0.lock().unwrap().values().sum()
    }
}

/// A registry whose events are counted.
pub(crate) struct Events {
    pub(crate) registry: Registry,
    pub(crate) calls: Calls,
}

impl Events {
    pub(crate) fn new() -> Self {
        Self { registry: Registry::new(), calls: Calls::default() }
    }

    pub(crate) fn add<R, Form, T>(
        &mut self,
        name: &str,
        body: impl Fn(&Context) -> R + Send + Sync + 'static,
    ) -> EventBuilder<'_, T>
    where
        R: IntoOutcome<Form, Output = T> + 'static,
        Form: 'static,
        T: serde::Serialize + serde::de::DeserializeOwned + Send + Sync + 'static,
    {
        let calls = self.calls.clone();
        let event = self.registry.event(name, move |ctx: &Context| {
            calls.note(ctx);
            body(ctx)
        });
        event.output_json()
    }

    pub(crate) fn plan(&self, script: &str) -> Arc<Plan> {
        Flow::parse(script).unwrap().plan(&self.registry, &Fields::new()).unwrap()
    }
}

/// An engine on a virtual clock that keeps its runs in this store.
pub(crate) fn engine(store: &Arc<MemoryStore>, plan: &Arc<Plan>) -> Engine {
    TestEngine::new().store(Arc::clone(store)).resumable(plan).build().unwrap()
}

/// A run of a plan under the key `k`.
pub(crate) fn prepare(engine: &Engine, plan: &Arc<Plan>) -> Prepared {
    engine.prepare_plan(plan, Inputs::new()).unwrap().key("k")
}

/// Runs a plan under the key `k`.
pub(crate) fn run(engine: &Engine, plan: &Arc<Plan>) -> nexus_core::Result<Report> {
    prepare(engine, plan).run()
}

/// How far the run `k` is.
pub(crate) fn state(store: &MemoryStore) -> RunState {
    store.run("k").unwrap().unwrap().state
}

/// Has everything written that was left to be written on this engine.
pub(crate) fn settle(engine: &Engine) {
    let mut registry = Registry::new();
    registry.event("settle", |_: &Context| nexus_core::Outcome::success(())).output_json();
    let plan = Flow::parse("settle").unwrap().plan(&registry, &Fields::new()).unwrap();
    engine.prepare_plan(&plan, Inputs::new()).unwrap().key("settled").run().unwrap();
}

/// All records of the run `k`.
pub(crate) fn records(store: &MemoryStore) -> Vec<Record> {
    store.records("k", 0, usize::MAX).unwrap()
}

/// What a process leaves behind that dies when so many records of the run `k` are safe.
pub(crate) fn left_at(store: &MemoryStore, records: usize) -> Arc<MemoryStore> {
    let left = MemoryStore::new();
    let StoredRun { start, revisions, .. } = store.run("k").unwrap().unwrap();
    let key = Arc::clone(&start.key);
    let kept = self::records(store).into_iter().take(records);
    let mut changes = vec![Change::Start(start)];
    changes.extend(kept.map(|record| {
        let key = Arc::clone(&key);
        match revisions.iter().find(|revision| revision.seq == record.seq) {
            Some(revision) => Change::Revise { key, record, flow: Arc::clone(&revision.flow) },
            None => Change::Record { key, record },
        }
    }));
    left.commit(&changes).unwrap();
    Arc::new(left)
}

/// The kinds of the records of the run `k`, with the attempts that they are about.
pub(crate) fn kinds(store: &MemoryStore) -> Vec<(RecordKind, u32)> {
    records(store).iter().map(|record| (record.kind, record.attempt)).collect()
}

type Before = dyn Fn(&[Change]) -> Result<(), StoreError> + Send + Sync;

/// A store in memory that asks before each commit.
pub(crate) struct Asking {
    inner: Arc<MemoryStore>,
    before: Box<Before>,
}

impl Asking {
    pub(crate) fn new(
        inner: &Arc<MemoryStore>,
        before: impl Fn(&[Change]) -> Result<(), StoreError> + Send + Sync + 'static,
    ) -> Self {
        Self { inner: Arc::clone(inner), before: Box::new(before) }
    }
}

impl fmt::Debug for Asking {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Asking").finish_non_exhaustive()
    }
}

impl Store for Asking {
    fn commit(&self, changes: &[Change]) -> Result<(), StoreError> {
        (self.before)(changes)?;
        self.inner.commit(changes)
    }
    fn run(&self, key: &str) -> Result<Option<StoredRun>, StoreError> {
        self.inner.run(key)
    }
    fn records(&self, key: &str, after: u64, most: usize) -> Result<Vec<Record>, StoreError> {
        self.inner.records(key, after, most)
    }
    fn runs(&self, query: &RunQuery) -> Result<Vec<StoredRun>, StoreError> {
        self.inner.runs(query)
    }
    fn counts(&self, query: &RunQuery) -> Result<RunCounts, StoreError> {
        self.inner.counts(query)
    }
    fn request(&self, request: &Request) -> Result<(), StoreError> {
        self.inner.request(request)
    }
    fn requests(&self) -> Result<Vec<(u64, Request)>, StoreError> {
        self.inner.requests()
    }
    fn remove_request(&self, number: u64) -> Result<(), StoreError> {
        self.inner.remove_request(number)
    }
    fn remove(&self, keys: &[Arc<str>]) -> Result<usize, StoreError> {
        self.inner.remove(keys)
    }
}

/// A store whose commits wait while it is held.
#[derive(Clone, Default)]
pub(crate) struct Slow {
    pub(crate) inner: Arc<MemoryStore>,
    gate: Arc<(Mutex<Gate>, Condvar)>,
}

#[derive(Default)]
struct Gate {
    is_held: bool,
    /// Whether a commit waits.
    has_commit: bool,
}

impl Slow {
    /// The store, for an engine.
    pub(crate) fn store(&self) -> Asking {
        let gate = Arc::clone(&self.gate);
        Asking::new(&self.inner, move |_| {
            let (gate, changed) = &*gate;
            let mut gate = gate.lock().unwrap();
            while gate.is_held {
                gate.has_commit = true;
                changed.notify_all();
                gate = changed.wait(gate).unwrap();
            }
            gate.has_commit = false;
            Ok(())
        })
    }

    pub(crate) fn hold(&self) {
        self.gate.0.lock().unwrap().is_held = true;
    }

    pub(crate) fn release(&self) {
        self.gate.0.lock().unwrap().is_held = false;
        self.gate.1.notify_all();
    }

    /// Whether a commit waits.
    pub(crate) fn has_commit(&self) -> bool {
        self.gate.0.lock().unwrap().has_commit
    }

    /// Waits until a commit waits.
    pub(crate) fn wait_for_commit(&self) {
        let (gate, changed) = &*self.gate;
        let gate = gate.lock().unwrap();
        let (gate, _) =
            changed.wait_timeout_while(gate, PATIENCE, |gate| !gate.has_commit).unwrap();
        assert!(gate.has_commit, "nothing to commit after {PATIENCE:?}");
    }
}

/// A run as a future.
pub(crate) type Ending = Pin<Box<dyn Future<Output = nexus_core::Result<Report>> + Send>>;

/// A run of a plan under the key `k`, as a future that has not been polled.
pub(crate) fn future(engine: &Engine, plan: &Arc<Plan>) -> Ending {
    Box::pin(prepare(engine, plan).run_async())
}

/// Polls a future once.
pub(crate) fn poll(future: &mut Ending) -> Poll<nexus_core::Result<Report>> {
    future.as_mut().poll(&mut PollContext::from_waker(Waker::noop()))
}

/// Polls a future until it is ready; one that is not woken any more fails the test.
pub(crate) fn block_on(future: Ending) -> nexus_core::Result<Report> {
    within(move || patience::block_on(future))
}
