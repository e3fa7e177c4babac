//! What was said elsewhere, said again here.

use std::collections::HashMap;

use tracing::{Metadata, Span, dispatcher};
use tracing_core::field::Value as TracingValue;
use tracing_core::span::{Attributes, Id, Record};
use tracing_core::{Dispatch, Event, field};

use super::callsites::metadata_of;
use super::{Said, Scalar, Site, Value};

/// The spans that the body of an attempt has begun in its process and not ended.
#[derive(Debug, Default)]
pub(crate) struct RemoteSpans(HashMap<u64, RemoteSpan>);

/// A span here, which ends when this is dropped.
#[derive(Debug)]
struct RemoteSpan {
    id: Id,
    metadata: &'static Metadata<'static>,
    dispatch: Dispatch,
}

impl Drop for RemoteSpan {
    fn drop(&mut self) {
        self.dispatch.try_close(self.id.clone());
    }
}

impl RemoteSpans {
    /// Says again what the body has said, inside its attempt's span. What cannot be read is not said:
    /// the other process is the same program, and never writes such a thing.
    pub(crate) fn say(&mut self, attempt: &Span, said: &[u8]) {
        let Ok(said) = serde_json::from_slice::<Said<'static>>(said) else { return };
        let dispatch = dispatcher::get_default(Dispatch::clone);
        match said {
            Said::Span { id, parent, site, values } => {
                let Some(metadata) = enabled(&dispatch, &site) else { return };
                let parent = self.here(attempt, parent);
                let made = with_values(metadata, &values, |values| {
                    let values = metadata.fields().value_set_all(values);
                    dispatch.new_span(&match parent {
                        Some(parent) => Attributes::child_of(parent, metadata, &values),
                        None => Attributes::new_root(metadata, &values),
                    })
                });
                self.0.insert(id, RemoteSpan { id: made, metadata, dispatch });
            }
            Said::Record { id, values } => {
                let Some(span) = self.0.get(&id) else { return };
                with_values(span.metadata, &values, |values| {
                    let values = span.metadata.fields().value_set_all(values);
                    span.dispatch.record(&span.id, &Record::new(&values));
                });
            }
            Said::Close { id } => drop(self.0.remove(&id)),
            Said::Event { parent, site, values } => {
                let Some(metadata) = enabled(&dispatch, &site) else { return };
                let parent = self.here(attempt, parent);
                with_values(metadata, &values, |values| {
                    let values = metadata.fields().value_set_all(values);
                    dispatch.event(&Event::new_child_of(parent, metadata, &values));
                });
            }
        }
    }

    /// The span here in which the body said something.
    fn here(&self, attempt: &Span, parent: Option<u64>) -> Option<Id> {
        let inside = parent.and_then(|parent| Some(self.0.get(&parent)?.id.clone()));
        inside.or_else(|| attempt.id())
    }
}

/// What is known of the site, if somebody here wants to hear of it.
fn enabled(dispatch: &Dispatch, site: &Site<'static>) -> Option<&'static Metadata<'static>> {
    metadata_of(site).filter(|metadata| dispatch.enabled(metadata))
}

/// Calls `then` with a value, or none, for each field of the site.
fn with_values<T>(
    metadata: &Metadata<'_>,
    values: &[Value<'_>],
    then: impl FnOnce(&[Option<&dyn TracingValue>]) -> T,
) -> T {
    let mut places: Vec<Option<Box<dyn TracingValue + '_>>> = Vec::new();
    places.resize_with(metadata.fields().len(), || None);
    for Value(field, value) in values {
        if let Some(place) = places.get_mut(*field as usize) {
            *place = Some(match value {
                Scalar::Bool(value) => Box::new(*value),
                Scalar::Signed(value) => Box::new(*value),
                Scalar::Unsigned(value) => Box::new(*value),
                Scalar::Float(value) => Box::new(*value),
                Scalar::Text(text) => Box::new(&**text),
                Scalar::Debugged(text) => Box::new(field::display(text)),
            });
        }
    }
    let values: Vec<Option<&dyn TracingValue>> = places.iter().map(Option::as_deref).collect();
    then(&values)
}
