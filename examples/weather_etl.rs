//! Extract, transform, load: a year of weather observations into SQLite, bad rows left out.
//!
//! `cargo run --example weather_etl [OBSERVATIONS.csv [WEATHER.sqlite]]`

mod weather;

use std::collections::BTreeMap;
use std::error::Error;
use std::path::PathBuf;
use std::process::ExitCode;

use indicatif::ProgressBar;
use nexus::prelude::*;
use nexus::{Ended, StepEvent};

use weather::{WeatherEtl, clean, default_database, observations, verify};

/// Shows how many rows are done, where there is a terminal to show it on.
struct Progress(ProgressBar);

impl Observer for Progress {
    fn event_execution_end(&self, step: &StepEvent<'_>, _: Ended<'_>) {
        if step.context().item().is_some() {
            self.0.inc(1);
        }
    }
    fn pipeline_execution_end(&self, _: &nexus::RunEvent<'_>, _: &nexus::RunEnd<'_>) {
        self.0.finish_and_clear();
    }
}

fn main() -> ExitCode {
    let mut arguments = std::env::args_os().skip(1).map(PathBuf::from);
    let source = arguments.next().unwrap_or_else(observations);
    let database = arguments.next().unwrap_or_else(default_database);
    match run(source, database) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

/// What a shell says of a program that Ctrl-C ended.
const INTERRUPTED: u8 = 130;

fn run(source: PathBuf, database: PathBuf) -> Result<ExitCode, Box<dyn Error>> {
    let shown = database.display().to_string();
    if let Some(folder) = database.parent() {
        // Should this fail, opening the database says why.
        let _ = std::fs::create_dir_all(folder);
    }
    let engine = Engine::builder().observer(Progress(ProgressBar::new_spinner())).build()?;
    let run = engine.prepare(WeatherEtl { source, database })?.start()?;
    let canceller = run.canceller();
    ctrlc::set_handler(move || canceller.cancel())?;
    let report = run.wait()?;
    if report.status() == Status::Cancelled {
        let is_loaded = report.step("load").is_some_and(|load| load.is_success());
        println!("interrupted: {}", if is_loaded { "loaded, not verified" } else { "not loaded" });
        return Ok(ExitCode::from(INTERRUPTED));
    }
    let report = report.ok()?;

    for step in report.steps_of::<clean>() {
        println!("clean: {}", step.sentence());
        if let nexus::StepOutcome::Each { failures, .. } = step.outcome() {
            let mut reasons: BTreeMap<&str, usize> = BTreeMap::new();
            for (_, failure) in &failures {
                *reasons.entry(failure.reason()).or_default() += 1;
            }
            for (reason, rows) in reasons {
                println!("  {rows:>5} rows where {reason}");
            }
        }
    }
    let totals = report.get::<verify>()?;
    println!("{shown}: {} rows", totals.rows);
    for (station, (rows, celsius)) in &totals.stations {
        println!("  {station}  {rows:>5} rows, {celsius:.2} °C on average");
    }
    Ok(ExitCode::SUCCESS)
}
