//! Where spans and metrics go.

use std::error::Error;

use opentelemetry::metrics::MeterProvider;
use opentelemetry::trace::TracerProvider;
use opentelemetry_otlp::{
    MetricExporter, Protocol, SpanExporter, WithExportConfig, WithHttpConfig,
};
use opentelemetry_sdk::metrics::SdkMeterProvider;
use opentelemetry_sdk::trace::{Sampler, SdkTracerProvider};
use tracing::level_filters::LevelFilter;
use tracing_subscriber::layer::SubscriberExt;

use crate::client::PlainHttp;
use crate::recorder::MeterRecorder;

/// What sends spans and metrics. What is not sent yet is when they are shut down.
pub(crate) struct Exporters {
    pub(crate) spans: SdkTracerProvider,
    pub(crate) metrics: SdkMeterProvider,
}

impl Exporters {
    // ANCHOR: to
    /// Sends everything to a collector, such as `http://127.0.0.1:4318`.
    pub(crate) fn to(collector: &str) -> Result<Self, Box<dyn Error>> {
        let exporter = SpanExporter::builder()
            .with_http()
            .with_http_client(PlainHttp)
            .with_protocol(Protocol::HttpJson)
            .with_endpoint(format!("{collector}/v1/traces"))
            .build()?;
        let spans = SdkTracerProvider::builder()
            .with_sampler(Sampler::AlwaysOn)
            .with_batch_exporter(exporter)
            .build();
        let layer = tracing_opentelemetry::layer().with_tracer(spans.tracer("orders"));
        // The level is also that down to which worker processes say what they do.
        let subscriber = tracing_subscriber::registry().with(layer).with(LevelFilter::INFO);
        tracing::subscriber::set_global_default(subscriber)?;

        let exporter = MetricExporter::builder()
            .with_http()
            .with_http_client(PlainHttp)
            .with_protocol(Protocol::HttpJson)
            .with_endpoint(format!("{collector}/v1/metrics"))
            .build()?;
        let metrics = SdkMeterProvider::builder().with_periodic_exporter(exporter).build();
        metrics::set_global_recorder(MeterRecorder::new(metrics.meter("orders")))
            .map_err(|_| "there is a recorder of metrics already")?;
        Ok(Self { spans, metrics })
    }
    // ANCHOR_END: to

    /// Sends what is left.
    pub(crate) fn shutdown(&self) -> Result<(), Box<dyn Error>> {
        self.spans.shutdown()?;
        Ok(self.metrics.shutdown()?)
    }
}
