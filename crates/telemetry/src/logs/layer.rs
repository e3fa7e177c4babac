//! The layer: what is logged inside the span of an attempt.

use std::fmt::Debug;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use nexus_core::journal::Timestamp;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;
use tracing_subscriber::registry::{LookupSpan, SpanRef};

use super::kept::Attempt;
use super::text::Text;
use super::{AttemptLine, AttemptLogs};

/// The target of the spans and events that are nexus's own.
const NEXUS: &str = "nexus";

/// Kept with the span of a run: its key, if it is durable.
#[derive(Default)]
struct OfRun(Option<Arc<str>>);

/// Kept with a span of a body: its name and its fields.
struct OfBody(Text);

/// What the span of an attempt says of it.
#[derive(Default)]
struct Place {
    path: Option<Arc<str>>,
    item: Option<u64>,
    number: u32,
}

impl Visit for OfRun {
    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == "nexus.run.key" {
            self.0 = Some(value.into());
        }
    }
    fn record_debug(&mut self, _: &Field, _: &dyn Debug) {}
}

impl Visit for Place {
    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == "nexus.step" {
            self.path = Some(value.into());
        }
    }
    fn record_u64(&mut self, field: &Field, value: u64) {
        match field.name() {
            "nexus.item" => self.item = Some(value),
            "nexus.attempt" => self.number = u32::try_from(value).unwrap_or(u32::MAX),
            _ => {}
        }
    }
    fn record_debug(&mut self, _: &Field, _: &dyn Debug) {}
}

/// The attempt whose span this is.
fn attempt_of<'a, S: LookupSpan<'a>>(span: &SpanRef<'a, S>, place: Place) -> Option<Attempt> {
    let of_run = |around: SpanRef<'a, S>| Some(around.extensions().get::<OfRun>()?.0.clone());
    let key = span.scope().skip(1).find_map(of_run)??;
    Some(Attempt { key, path: place.path?, item: place.item, number: place.number })
}

fn now() -> Timestamp {
    Timestamp::since_epoch(SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default())
}

impl<S> Layer<S> for AttemptLogs
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let Some(span) = context.span(id) else { return };
        match (attributes.metadata().target(), attributes.metadata().name()) {
            (NEXUS, "run") => {
                let mut run = OfRun::default();
                attributes.record(&mut run);
                span.extensions_mut().insert(run);
            }
            (NEXUS, "attempt") => {
                let mut place = Place::default();
                attributes.record(&mut place);
                if let Some(attempt) = attempt_of(&span, place) {
                    span.extensions_mut().insert(attempt);
                }
            }
            (NEXUS, _) => {}
            (_, name) => {
                let is_attempt = |it: SpanRef<'_, S>| it.extensions().get::<Attempt>().is_some();
                if span.scope().any(is_attempt) {
                    let mut text = Text::new(name);
                    attributes.record(&mut text);
                    span.extensions_mut().insert(OfBody(text));
                }
            }
        }
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        let Some(span) = context.span(id) else { return };
        // Values are written before anything is locked: a `Debug` of the user may log something itself.
        if span.extensions().get::<OfRun>().is_some() {
            let mut run = OfRun::default();
            values.record(&mut run);
            if run.0.is_some() {
                span.extensions_mut().replace(run);
            }
        } else if span.extensions().get::<OfBody>().is_some() {
            let mut more = Text::default();
            values.record(&mut more);
            if let Some(OfBody(text)) = span.extensions_mut().get_mut() {
                text.push(format_args!("{}", more.as_str()));
            }
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        // Of what nexus says itself a page knows more than such a line would say.
        if event.metadata().target() == NEXUS {
            return;
        }
        let Some(scope) = context.event_scope(event) else { return };
        let mut around = Vec::new();
        for span in scope {
            let attempt = span.extensions().get::<Attempt>().cloned();
            if let Some(attempt) = attempt {
                self.add(&attempt, event, &around);
                return;
            }
            if let Some(OfBody(text)) = span.extensions().get() {
                around.push(text.as_str().to_owned());
            }
        }
    }
}

impl AttemptLogs {
    /// Keeps what was said in these spans, the innermost first.
    fn add(&self, attempt: &Attempt, event: &Event<'_>, around: &[String]) {
        let mut said = Text::default();
        event.record(&mut said);
        let mut text = Text::default();
        for span in around.iter().rev() {
            text.push(format_args!("{span}: "));
        }
        text.push(format_args!("{}", said.as_str().trim_start()));
        let line = AttemptLine {
            at: now(),
            level: *event.metadata().level(),
            text: text.shown(),
            attempt: attempt.number,
            item: attempt.item,
        };
        self.kept().add(attempt, line, self.limits);
    }
}
