//! The subscriber of a worker process.

use std::borrow::Cow;
use std::cell::RefCell;
use std::fmt::Debug;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use nexus_core::{BodyTracer, Said as Sender, TraceContext};
use tracing::field::{Field, Visit};
use tracing::level_filters::LevelFilter;
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Metadata, Subscriber};
use tracing_core::span::Current;

use super::{Said, Scalar, Site, Value};

nexus_core::register_body_tracer!(BodyTracer { enter, leave });

/// To whom the body of this process is listened for: a worker runs one at a time.
static LISTENING: Mutex<Option<Sender>> = Mutex::new(None);

/// How much of it, from 0 for nothing to 5 for everything.
static VERBOSITY: AtomicU8 = AtomicU8::new(0);

thread_local! {
    /// The spans that this thread is in, innermost last, with what they are.
    static CURRENT: RefCell<Vec<(u64, &'static Metadata<'static>)>> =
        const { RefCell::new(Vec::new()) };
}

/// A body is about to run.
fn enter(trace: &TraceContext, said: &Sender) {
    if trace.verbosity == 0 {
        return;
    }
    *LISTENING.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(said));
    // With the first one it becomes the subscriber of the process, unless the program has made
    // another one that. More may be wanted than before.
    let before = VERBOSITY.swap(trace.verbosity, Ordering::Relaxed);
    if before == 0 {
        _ = tracing::subscriber::set_global_default(Listener { spans: AtomicU64::new(0) });
    }
    if before != trace.verbosity {
        tracing_core::callsite::rebuild_interest_cache();
    }
}

/// The body has ended.
fn leave() {
    *LISTENING.lock().unwrap_or_else(PoisonError::into_inner) = None;
}

/// Passes on what it is told.
struct Listener {
    spans: AtomicU64,
}

/// Passes something on, if a body runs.
fn say(said: &Said<'_>) {
    let sender = LISTENING.lock().unwrap_or_else(PoisonError::into_inner).clone();
    // What cannot be written is not said; nothing of it can fail to be.
    if let (Some(sender), Ok(said)) = (sender, serde_json::to_vec(said)) {
        sender(&said);
    }
}

fn number(level: Level) -> u8 {
    match level {
        Level::ERROR => 1,
        Level::WARN => 2,
        Level::INFO => 3,
        Level::DEBUG => 4,
        Level::TRACE => 5,
    }
}

impl Site<'static> {
    fn of(metadata: &'static Metadata<'static>) -> Self {
        Self {
            is_span: metadata.is_span(),
            name: metadata.name().into(),
            target: metadata.target().into(),
            level: number(*metadata.level()),
            module: metadata.module_path().map(Cow::Borrowed),
            file: metadata.file().map(Cow::Borrowed),
            line: metadata.line(),
            fields: metadata.fields().iter().map(|field| Cow::Borrowed(field.name())).collect(),
        }
    }
}

impl Subscriber for Listener {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        number(*metadata.level()) <= VERBOSITY.load(Ordering::Relaxed)
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(match VERBOSITY.load(Ordering::Relaxed) {
            0 => LevelFilter::OFF,
            1 => LevelFilter::ERROR,
            2 => LevelFilter::WARN,
            3 => LevelFilter::INFO,
            4 => LevelFilter::DEBUG,
            _ => LevelFilter::TRACE,
        })
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        let id = self.spans.fetch_add(1, Ordering::Relaxed) + 1;
        let inside = if span.is_contextual() { current() } else { None };
        let parent = span.parent().map(Id::into_u64).or(inside);
        let mut values = Values::default();
        span.record(&mut values);
        say(&Said::Span { id, parent, site: Site::of(span.metadata()), values: values.0 });
        // Which one it is has to be known when it is entered.
        KNOWN.lock().unwrap_or_else(PoisonError::into_inner).push((id, 1, span.metadata()));
        Id::from_u64(id)
    }

    fn record(&self, span: &Id, record: &Record<'_>) {
        let mut values = Values::default();
        record.record(&mut values);
        say(&Said::Record { id: span.into_u64(), values: values.0 });
    }

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let inside = if event.is_contextual() { current() } else { None };
        let parent = event.parent().map(Id::into_u64).or(inside);
        let mut values = Values::default();
        event.record(&mut values);
        say(&Said::Event { parent, site: Site::of(event.metadata()), values: values.0 });
    }

    fn enter(&self, span: &Id) {
        let known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
        let metadata = known.iter().find(|(id, ..)| *id == span.into_u64()).map(|it| it.2);
        drop(known);
        if let Some(metadata) = metadata {
            CURRENT.with_borrow_mut(|current| current.push((span.into_u64(), metadata)));
        }
    }

    fn exit(&self, span: &Id) {
        CURRENT.with_borrow_mut(|current| {
            if let Some(place) = current.iter().rposition(|(id, _)| *id == span.into_u64()) {
                current.remove(place);
            }
        });
    }

    fn clone_span(&self, span: &Id) -> Id {
        let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(of) = known.iter_mut().find(|(id, ..)| *id == span.into_u64()) {
            of.1 += 1;
        }
        span.clone()
    }

    fn try_close(&self, span: Id) -> bool {
        let id = span.into_u64();
        let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(place) = known.iter().position(|(known, ..)| *known == id) else { return false };
        known[place].1 -= 1;
        if known[place].1 > 0 {
            return false;
        }
        known.swap_remove(place);
        drop(known);
        say(&Said::Close { id });
        true
    }

    fn current_span(&self) -> Current {
        let last = CURRENT.with_borrow(|current| current.last().copied());
        last.map_or_else(Current::none, |(id, metadata)| Current::new(Id::from_u64(id), metadata))
    }
}

/// A span: its number, how often it is held, what it is.
type Known = (u64, usize, &'static Metadata<'static>);

/// The spans that have not ended.
static KNOWN: Mutex<Vec<Known>> = Mutex::new(Vec::new());

/// The span that this thread is in.
fn current() -> Option<u64> {
    CURRENT.with_borrow(|current| current.last().map(|(id, _)| *id))
}

/// Values as they are recorded.
#[derive(Default)]
struct Values(Vec<Value<'static>>);

impl Values {
    fn add(&mut self, field: &Field, value: Scalar<'static>) {
        self.0.push(Value(field.index() as u32, value));
    }
}

impl Visit for Values {
    fn record_f64(&mut self, field: &Field, value: f64) {
        self.add(field, Scalar::Float(value));
    }
    fn record_i64(&mut self, field: &Field, value: i64) {
        self.add(field, Scalar::Signed(value));
    }
    fn record_u64(&mut self, field: &Field, value: u64) {
        self.add(field, Scalar::Unsigned(value));
    }
    fn record_bool(&mut self, field: &Field, value: bool) {
        self.add(field, Scalar::Bool(value));
    }
    fn record_str(&mut self, field: &Field, value: &str) {
        self.add(field, Scalar::Text(value.to_owned().into()));
    }
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.add(field, Scalar::Debugged(format!("{value:?}").into()));
    }
}
