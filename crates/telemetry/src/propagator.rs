//! The traces of other systems.

use tracing::Span;

/// Knows the W3C `traceparent` of a span, as the system does that spans are exported to.
///
/// The crate `tracing` has no such thing. With the feature `opentelemetry` there is one for
/// `tracing-opentelemetry`; another system may have its own.
pub trait Propagator: Send + Sync + 'static {
    /// The span's `traceparent`, if spans are exported.
    fn traceparent(&self, span: &Span) -> Option<String>;

    /// Puts the span, which has just begun, into the one with this `traceparent`, which is in another
    /// process.
    fn set_parent(&self, span: &Span, traceparent: &str);

    /// Links the span, which has just begun, to the one with this `traceparent`.
    fn link(&self, span: &Span, traceparent: &str);
}
