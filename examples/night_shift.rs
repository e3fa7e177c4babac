//! The load of `weather_etl` each night, as a service: with a schedule, a store, a dashboard and traces.
//!
//! `cargo run -p nexus-examples --features night_shift --example night_shift -- serve --dashboard 127.0.0.1:7878`
//! waits for the night; in another terminal, `.. --example night_shift -- schedules fire NightShift` does
//! not. `runs list`, `runs show KEY` and the page at <http://127.0.0.1:7878> show what became of it, and
//! Ctrl-C ends the service. Kill it while it loads, and start it again: it goes on.

mod weather;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use nexus::prelude::*;
use nexus::telemetry::Spans;
use tracing_subscriber::fmt::format::FmtSpan;
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
    etl.run()?.ok()?.get::<load>().copied()
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

fn main() -> ExitCode {
    nexus::init();
    // A service would send its spans to a collector; here they are lines on the standard error.
    tracing_subscriber::fmt()
        .with_span_events(FmtSpan::CLOSE)
        .with_writer(std::io::stderr)
        .with_ansi(false)
        .init();
    nexus::cli::App::new("night_shift")
        .about("Loads the weather each night")
        .store("target/night_shift.db")
        .pipeline::<NightShift>()
        .engine(|engine| engine.observer(Spans::new()))
        .main()
}
