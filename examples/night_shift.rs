//! The load of `weather_etl` each night, as a service: with a schedule, a store, a dashboard that shows logs
//! beside attempts, and spans over OTLP.
//!
//! `cargo run -p nexus-examples --features night_shift --example night_shift -- serve --dashboard 127.0.0.1:7878`
//! waits for the night; in another terminal, `.. --example night_shift -- schedules fire NightShift` does
//! not. `runs list`, `runs show KEY` and the page at <http://127.0.0.1:7878> show what became of it, and
//! Ctrl-C ends the service. Kill it while it loads, and start it again: it goes on. Spans go to the collector
//! that `OTEL_EXPORTER_OTLP_ENDPOINT` names, such as `http://127.0.0.1:4318`.

// A client for collectors on this machine; with its default features `opentelemetry-otlp` has its own.
#[path = "../crates/telemetry/examples/otlp/client.rs"]
mod client;
mod weather;

use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use nexus::prelude::*;
use nexus::telemetry::{AttemptLogs, OpenTelemetry, Spans};
use opentelemetry::trace::TracerProvider;
use opentelemetry_otlp::{Protocol, SpanExporter, WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::trace::SdkTracerProvider;
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::layer::SubscriberExt;
use weather::{WeatherEtl, default_database, load, observations, verify};

/// Loads all observations anew, and says how many rows there are. It does the same if it is done twice,
/// so the store only has to know that it was done.
#[event(
    executor = ThreadPoolExecutor,
    retry_policy = { max_attempts: 3, backoff_factor: 5.0 },
    timeout = "10m",
)]
fn reload(source: &Path, database: &Path) -> Result<u64, nexus::Error> {
    let etl = WeatherEtl { source: source.to_owned(), database: database.to_owned() };
    let rows = etl.run()?.ok()?.get::<load>().copied()?;
    tracing::info!(rows, "loaded");
    Ok(rows)
}

/// Loads the weather of New York's airports while everybody sleeps.
#[derive(Pipeline)]
#[pipeline(
    durable,
    flow = reload |-> verify,
    schedule = "30 2 * * *",
    zone = "America/New_York",
)]
struct NightShift {
    #[field(default = observations())]
    source: PathBuf,
    #[field(default = default_database())]
    database: PathBuf,
}

/// What sends spans, as long as it is kept.
fn spans() -> Result<SdkTracerProvider, Box<dyn Error>> {
    let Ok(collector) = std::env::var("OTEL_EXPORTER_OTLP_ENDPOINT") else {
        return Ok(SdkTracerProvider::default());
    };
    let exporter = SpanExporter::builder()
        .with_http()
        .with_http_client(client::PlainHttp)
        .with_protocol(Protocol::HttpJson)
        .with_endpoint(format!("{collector}/v1/traces"))
        .build()?;
    Ok(SdkTracerProvider::builder().with_batch_exporter(exporter).build())
}

fn main() -> Result<ExitCode, Box<dyn Error>> {
    nexus::init();
    let (spans, logs) = (spans()?, AttemptLogs::new());
    let traces = tracing_opentelemetry::layer().with_tracer(spans.tracer("night_shift"));
    let subscriber = tracing_subscriber::registry().with(LevelFilter::INFO);
    tracing::subscriber::set_global_default(subscriber.with(traces).with(logs.clone()))?;
    let exit = nexus::cli::App::new("night_shift")
        .about("Loads the weather each night")
        .store("target/night_shift.db")
        .pipeline::<NightShift>()
        .engine(|engine| engine.observer(Spans::with(OpenTelemetry)))
        .dashboard(move |page| page.attempt_logs(&logs))
        .main();
    if let Err(error) = spans.shutdown() {
        eprintln!("spans are lost: {error}");
    }
    Ok(exit)
}
