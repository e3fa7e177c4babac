//! Events that count how often they are invoked, and stores that were left at a certain record.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use nexus_core::journal::{Change, MemoryStore, Record, Store};
use nexus_core::testing::TestEngine;
use nexus_core::{
    Context, Engine, EventBuilder, Fields, Flow, Inputs, IntoOutcome, Plan, Registry,
};

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

/// Runs a plan under the key `k`.
pub(crate) fn run(engine: &Engine, plan: &Arc<Plan>) -> nexus_core::Result<nexus_core::Report> {
    engine.prepare_plan(plan, Inputs::new())?.key("k").run()
}

/// All records of the run `k`.
pub(crate) fn records(store: &MemoryStore) -> Vec<Record> {
    store.records("k", 0, usize::MAX).unwrap()
}

/// What a process leaves behind that dies when so many records of the run `k` are safe.
pub(crate) fn left_at(store: &MemoryStore, records: usize) -> Arc<MemoryStore> {
    let left = MemoryStore::new();
    let start = store.run("k").unwrap().unwrap().start;
    let key = Arc::clone(&start.key);
    let kept = self::records(store).into_iter().take(records);
    let mut changes = vec![Change::Start(start)];
    changes.extend(kept.map(|record| Change::Record { key: Arc::clone(&key), record }));
    left.commit(&changes).unwrap();
    Arc::new(left)
}
