//! The subscriber of this test's process.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Debug;
use std::sync::{Mutex, MutexGuard, OnceLock};
use std::thread::ThreadId;

use nexus_telemetry::Propagator;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Span, Subscriber};
use tracing_core::span::Current;

/// Keeps all spans and events of this process.
#[derive(Default)]
pub(crate) struct Seen {
    all: Mutex<All>,
}

#[derive(Default)]
struct All {
    spans: Vec<SeenSpan>,
    said: Vec<SeenEvent>,
    entered: HashMap<ThreadId, Vec<u64>>,
}

#[derive(Clone, Default, Debug)]
pub(crate) struct SeenSpan {
    pub(crate) name: &'static str,
    pub(crate) target: &'static str,
    pub(crate) parent: Option<u64>,
    pub(crate) fields: BTreeMap<&'static str, String>,
    /// How often it is held; it has ended when nobody does.
    held: usize,
    /// How many threads are in it.
    inside: i32,
}

#[derive(Clone, Debug)]
pub(crate) struct SeenEvent {
    pub(crate) fields: BTreeMap<&'static str, String>,
    pub(crate) parent: Option<u64>,
    pub(crate) line: Option<u32>,
}

/// The one of this process, which is installed with the first call.
pub(crate) fn seen() -> &'static Seen {
    static SEEN: OnceLock<&'static Seen> = OnceLock::new();
    SEEN.get_or_init(|| {
        let seen: &'static Seen = Box::leak(Box::default());
        tracing::subscriber::set_global_default(Log(seen)).unwrap();
        seen
    })
}

impl Seen {
    fn all(&self) -> MutexGuard<'_, All> {
        self.all.lock().unwrap()
    }

    /// What was said once.
    pub(crate) fn said(&self, said: &str) -> SeenEvent {
        let all = self.all();
        let found: Vec<_> = all.said.iter().filter(|it| it.fields["message"] == said).collect();
        assert_eq!(found.len(), 1, "{said}: {:?}", all.said);
        found[0].clone()
    }

    /// What was said in a span, or in those inside of it.
    pub(crate) fn said_inside(&self, span: u64) -> Vec<SeenEvent> {
        let all = self.all();
        let is_inside = |event: &&SeenEvent| {
            let around = |id: &u64| all.spans[*id as usize - 1].parent;
            std::iter::successors(event.parent, around).any(|id| id == span)
        };
        all.said.iter().filter(is_inside).cloned().collect()
    }

    pub(crate) fn span(&self, id: u64) -> SeenSpan {
        self.all().spans[id as usize - 1].clone()
    }

    /// A span and those around it, from the inside out.
    pub(crate) fn around(&self, id: Option<u64>) -> Vec<SeenSpan> {
        let around = |id: &u64| self.span(*id).parent;
        std::iter::successors(id, around).map(|id| self.span(id)).collect()
    }

    /// The spans of which this is true, with their numbers.
    pub(crate) fn spans(&self, is: impl Fn(&SeenSpan) -> bool) -> Vec<(u64, SeenSpan)> {
        let all = self.all();
        let numbered = all.spans.iter().enumerate().map(|(n, span)| (n as u64 + 1, span));
        numbered.filter(|(_, span)| is(span)).map(|(id, span)| (id, span.clone())).collect()
    }

    /// The one span with this name and this value of a field.
    pub(crate) fn the(&self, name: &str, field: &str, value: &str) -> (u64, SeenSpan) {
        let mut found = self.spans(|it| it.name == name && it.is(field, value));
        assert_eq!(found.len(), 1, "{found:?}");
        found.remove(0)
    }

    /// Everything that was ever seen, as text.
    pub(crate) fn text(&self) -> String {
        let all = self.all();
        format!("{:?}{:?}", all.spans, all.said)
    }
}

impl SeenSpan {
    pub(crate) fn is(&self, field: &str, value: &str) -> bool {
        self.fields.get(field).is_some_and(|known| known == value)
    }

    /// Whether it has ended and no thread has stayed inside.
    pub(crate) fn is_over(&self) -> bool {
        self.held == 0 && self.inside == 0
    }
}

struct Fill<'a>(&'a mut BTreeMap<&'static str, String>);

impl Visit for Fill<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.0.insert(field.name(), format!("{value:?}").trim_matches('"').to_owned());
    }
}

#[derive(Clone)]
struct Log(&'static Seen);

impl Log {
    fn current(&self) -> Option<u64> {
        self.0.all().entered.get(&std::thread::current().id())?.last().copied()
    }
}

impl Subscriber for Log {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        *metadata.level() <= tracing::Level::DEBUG
    }
    fn max_level_hint(&self) -> Option<tracing::level_filters::LevelFilter> {
        Some(tracing::level_filters::LevelFilter::DEBUG)
    }
    fn new_span(&self, span: &Attributes<'_>) -> Id {
        let contextual = if span.is_contextual() { self.current() } else { None };
        let parent = span.parent().map(Id::into_u64).or(contextual);
        let (name, target) = (span.metadata().name(), span.metadata().target());
        let mut seen = SeenSpan { name, target, parent, held: 1, ..SeenSpan::default() };
        span.record(&mut Fill(&mut seen.fields));
        let mut all = self.0.all();
        all.spans.push(seen);
        Id::from_u64(all.spans.len() as u64)
    }
    fn record(&self, span: &Id, values: &Record<'_>) {
        let mut all = self.0.all();
        values.record(&mut Fill(&mut all.spans[span.into_u64() as usize - 1].fields));
    }
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn event(&self, event: &Event<'_>) {
        let contextual = if event.is_contextual() { self.current() } else { None };
        let mut fields = BTreeMap::new();
        event.record(&mut Fill(&mut fields));
        let parent = event.parent().map(Id::into_u64).or(contextual);
        let line = event.metadata().line();
        self.0.all().said.push(SeenEvent { fields, parent, line });
    }
    fn enter(&self, span: &Id) {
        let mut all = self.0.all();
        all.spans[span.into_u64() as usize - 1].inside += 1;
        all.entered.entry(std::thread::current().id()).or_default().push(span.into_u64());
    }
    fn exit(&self, span: &Id) {
        let mut all = self.0.all();
        all.spans[span.into_u64() as usize - 1].inside -= 1;
        let left = all.entered.entry(std::thread::current().id()).or_default().pop();
        drop(all);
        assert_eq!(left, Some(span.into_u64()), "spans are left in the order of a stack");
    }
    fn clone_span(&self, span: &Id) -> Id {
        self.0.all().spans[span.into_u64() as usize - 1].held += 1;
        span.clone()
    }
    fn try_close(&self, span: Id) -> bool {
        let mut all = self.0.all();
        let span = &mut all.spans[span.into_u64() as usize - 1];
        span.held -= 1;
        span.held == 0
    }
    fn current_span(&self) -> Current {
        Current::none()
    }
}

/// Numbers of spans as a `traceparent`.
pub(crate) struct Numbers;

impl Propagator for Numbers {
    fn traceparent(&self, span: &Span) -> Option<String> {
        Some(format!("00-{:032x}-{:016x}-01", 1, span.id()?.into_u64()))
    }
    fn set_parent(&self, span: &Span, traceparent: &str) {
        tracing::info!(parent: span, traceparent, "has a parent elsewhere");
    }
    fn link(&self, span: &Span, traceparent: &str) {
        // What a test can see: the field that a run has anyway.
        tracing::info!(parent: span, traceparent, "linked");
    }
}
