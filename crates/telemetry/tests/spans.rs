//! What a subscriber of `tracing` sees of runs.

#![allow(clippy::unwrap_used, reason = "a test says what it expects")]

use std::collections::{BTreeMap, HashMap};
use std::fmt::Debug;
use std::sync::{Arc, Mutex};

use nexus_core::{AsyncExecutor, ThreadPoolExecutor};
use nexus_core::{Context, Engine, Fields, Flow, Inputs, Outcome, Registry, RetryPolicy};
use nexus_telemetry::Spans;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};
use tracing_core::span::Current;

/// Keeps all spans and events: a span's name, its parent and its fields.
#[derive(Default)]
struct Seen {
    spans: Mutex<Vec<SeenSpan>>,
    /// What was said, and the span that it stands in.
    said: Mutex<Vec<(String, Option<u64>)>>,
    entered: Mutex<HashMap<std::thread::ThreadId, Vec<u64>>>,
}

#[derive(Clone, Default)]
struct SeenSpan {
    name: &'static str,
    parent: Option<u64>,
    fields: BTreeMap<&'static str, String>,
}

struct Fill<'a>(&'a mut BTreeMap<&'static str, String>);

impl Visit for Fill<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.0.insert(field.name(), format!("{value:?}").trim_matches('"').to_owned());
    }
}

#[derive(Clone)]
struct Log(Arc<Seen>);

impl Log {
    fn current(&self) -> Option<u64> {
        let entered = self.0.entered.lock().unwrap();
        entered.get(&std::thread::current().id())?.last().copied()
    }
}

impl Subscriber for Log {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }
    fn new_span(&self, span: &Attributes<'_>) -> Id {
        let contextual = if span.is_contextual() { self.current() } else { None };
        let parent = span.parent().map(Id::into_u64).or(contextual);
        let mut seen = SeenSpan { name: span.metadata().name(), parent, ..SeenSpan::default() };
        span.record(&mut Fill(&mut seen.fields));
        let mut spans = self.0.spans.lock().unwrap();
        spans.push(seen);
        Id::from_u64(spans.len() as u64)
    }
    fn record(&self, span: &Id, values: &Record<'_>) {
        let mut spans = self.0.spans.lock().unwrap();
        values.record(&mut Fill(&mut spans[span.into_u64() as usize - 1].fields));
    }
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn event(&self, event: &Event<'_>) {
        let contextual = if event.is_contextual() { self.current() } else { None };
        let mut fields = BTreeMap::new();
        event.record(&mut Fill(&mut fields));
        let parent = event.parent().map(Id::into_u64).or(contextual);
        self.0.said.lock().unwrap().push((fields["message"].clone(), parent));
    }
    fn enter(&self, span: &Id) {
        let mut entered = self.0.entered.lock().unwrap();
        entered.entry(std::thread::current().id()).or_default().push(span.into_u64());
    }
    fn exit(&self, span: &Id) {
        let mut entered = self.0.entered.lock().unwrap();
        let left = entered.entry(std::thread::current().id()).or_default().pop();
        assert_eq!(left, Some(span.into_u64()), "spans are left in the order of a stack");
    }
    fn current_span(&self) -> Current {
        Current::none()
    }
}

impl Seen {
    /// The field of the span in which this was said, and that of the span around it.
    fn place_of(&self, said: &str) -> (SeenSpan, SeenSpan) {
        let all = self.said.lock().unwrap();
        let found: Vec<_> = all.iter().filter(|it| it.0 == said).collect();
        assert_eq!(found.len(), 1, "{all:?}");
        let spans = self.spans.lock().unwrap();
        let span = spans[found[0].1.unwrap() as usize - 1].clone();
        let around = span.parent.map(|around| spans[around as usize - 1].clone());
        (span, around.unwrap_or_default())
    }
}

#[test]
fn what_a_body_says_stands_in_the_span_of_its_attempt_wherever_it_runs() {
    let seen = Arc::new(Seen::default());
    // For all threads of this test's process, which has this one test.
    tracing::subscriber::set_global_default(Log(Arc::clone(&seen))).unwrap();
    let inner = {
        let mut registry = Registry::new();
        registry.event("leaf", |_: &Context| {
            tracing::info!("from the leaf");
            Outcome::success(1_u32)
        });
        Flow::parse("leaf").unwrap().plan(&registry, &Fields::new()).unwrap()
    };
    let engine = Engine::builder().observer(Spans::new()).build().unwrap();
    let (nested, mut registry) = (engine.clone(), Registry::new());
    registry.event("here", move |_: &Context| {
        tracing::info!("from here");
        nested.run_plan(&inner, Inputs::new()).unwrap();
        tracing::info!("from here again");
        Outcome::success(1_u32)
    });
    registry
        .event("pool", |ctx: &Context| {
            tracing::info!("from attempt {}", ctx.attempt());
            if ctx.attempt() == 1 { Err(std::io::Error::other("busy")) } else { Ok(2_u32) }
        })
        .executor::<ThreadPoolExecutor>()
        .retry_policy(RetryPolicy::builder().backoff_factor(0.001).build());
    registry
        .async_event("future", |_: &Context| {
            Box::pin(async {
                tracing::info!("before the wait");
                tokio::task::yield_now().await;
                tracing::info!("after the wait");
                Outcome::success(3_u32)
            })
        })
        .executor::<AsyncExecutor>();
    registry.event("no", |_: &Context| Outcome::<u32>::failure("private words"));
    let flow = Flow::parse("here -> pool -> future -> no").unwrap();
    let plan = flow.plan(&registry, &Fields::new()).unwrap();
    engine.run_plan(&plan, Inputs::new()).unwrap();

    for (said, event, attempt) in [
        ("from here", "here", "1"),
        ("from here again", "here", "1"),
        ("from the leaf", "leaf", "1"),
        ("from attempt 1", "pool", "1"),
        ("from attempt 2", "pool", "2"),
        ("before the wait", "future", "1"),
        ("after the wait", "future", "1"),
    ] {
        let (span, around) = seen.place_of(said);
        assert_eq!((span.name, around.name), ("attempt", "run"), "{said}");
        assert_eq!(span.fields["cicd.pipeline.task.name"], event, "{said}");
        assert_eq!(span.fields["nexus.attempt"], attempt, "{said}");
    }
    assert_eq!(seen.place_of("retry").0.name, "run");
    let failed = seen.place_of("from attempt 1").0.fields;
    assert_eq!(failed["cicd.pipeline.task.run.result"], "error");
    assert_eq!((&*failed["error.type"], &*failed["otel.status_code"]), ("error", "ERROR"));
    // The run inside of an event is in the attempt that began it.
    let spans = seen.spans.lock().unwrap();
    let inner = spans.iter().filter(|it| it.name == "run").nth(1).unwrap();
    let around = &spans[inner.parent.unwrap() as usize - 1];
    assert_eq!(around.fields["cicd.pipeline.task.name"], "here");
    assert_eq!(inner.fields["cicd.pipeline.result"], "success");
    let all = spans.iter().flat_map(|it| it.fields.values());
    assert!(all.clone().all(|value| !value.contains("private words")), "reasons may be private");
    assert!(seen.entered.lock().unwrap().values().all(Vec::is_empty), "all are left");
}
