//! The traces of OpenTelemetry.

use opentelemetry::Context;
use opentelemetry::trace::{SpanContext, SpanId, TraceContextExt, TraceFlags, TraceId, TraceState};
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt;

use crate::Propagator;

/// Knows the `traceparent` of spans that `tracing-opentelemetry` exports.
///
/// ```
/// use nexus_core::Engine;
/// use nexus_telemetry::{OpenTelemetry, Spans};
/// let engine = Engine::builder().observer(Spans::with(OpenTelemetry)).build()?;
/// # Ok::<(), nexus_core::Error>(())
/// ```
#[derive(Debug, Clone, Copy, Default)]
pub struct OpenTelemetry;

impl Propagator for OpenTelemetry {
    fn traceparent(&self, span: &Span) -> Option<String> {
        let context = span.context();
        let context = context.span().span_context().clone();
        context.is_valid().then(|| {
            let (trace, span) = (context.trace_id(), context.span_id());
            format!("00-{trace}-{span}-{:02x}", context.trace_flags().to_u8())
        })
    }

    fn set_parent(&self, span: &Span, traceparent: &str) {
        if let Some(context) = parse(traceparent) {
            // A span that is not exported has no parent either.
            _ = span.set_parent(Context::new().with_remote_span_context(context));
        }
    }

    fn link(&self, span: &Span, traceparent: &str) {
        if let Some(context) = parse(traceparent) {
            span.add_link(context);
        }
    }
}

/// Reads a `traceparent`. What is none, or one of a later version that says it otherwise, is no context.
fn parse(traceparent: &str) -> Option<SpanContext> {
    let mut parts = traceparent.split('-').skip(1);
    let trace = TraceId::from_hex(parts.next()?).ok()?;
    let span = SpanId::from_hex(parts.next()?).ok()?;
    let flags = TraceFlags::new(u8::from_str_radix(parts.next()?, 16).ok()?);
    Some(SpanContext::new(trace, span, flags, true, TraceState::NONE))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Otherwise a run that goes on would be linked to nothing.
    #[test]
    fn what_is_a_traceparent_is_read_and_all_else_is_not() {
        let given = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
        let read = parse(given).filter(SpanContext::is_valid).map(|it| it.trace_id().to_string());
        assert_eq!(read.as_deref(), Some("0af7651916cd43dd8448eb211c80319c"));
        for wrong in ["", "00", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331", "00-x-y-01"]
        {
            assert!(parse(wrong).is_none(), "{wrong}");
        }
    }
}
