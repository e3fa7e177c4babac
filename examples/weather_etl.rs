//! Extract, transform, load: a year of weather observations into SQLite, bad rows left out.
//!
//! `cargo run --example weather_etl [OBSERVATIONS.csv [WEATHER.sqlite]]`

use std::collections::BTreeMap;
use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use csv::StringRecord;
use indicatif::ProgressBar;
use nexus::prelude::*;
use nexus::{Ended, StepEvent};
use rusqlite::{Connection, params};
use serde::Serialize;

/// One observation, in metric units.
#[derive(Debug, Clone, Serialize)]
struct Observation {
    station: String,
    time: String,
    celsius: f64,
    humidity: f64,
    wind_kmh: f64,
    precipitation_mm: f64,
    pressure_hpa: f64,
}

/// What the database says after the load.
#[derive(Debug, Serialize)]
struct Totals {
    rows: u64,
    stations: BTreeMap<String, (u64, f64)>,
}

/// The file of observations cannot be opened.
#[derive(Debug, thiserror::Error)]
#[error("cannot read {}: {source}", path.display())]
struct Unreadable {
    path: PathBuf,
    source: csv::Error,
}

/// Opens the file; its rows are read as the next step has room for them.
#[event]
fn extract(source: &Path) -> Result<Items<StringRecord>, Unreadable> {
    let reader = csv::ReaderBuilder::new().flexible(true).from_path(source);
    let rows = reader
        .map_err(|error| Unreadable { path: source.to_owned(), source: error })?
        .into_records();
    // A row that is no UTF-8 becomes an empty one, which the next step refuses.
    Ok(Items::new(rows.map(Result::unwrap_or_default)))
}

/// Makes an observation of a row, or says what is wrong with it.
#[event(execution_evaluation_state = SuccessForPartialSuccess)]
fn clean(#[piped] row: &StringRecord) -> Outcome<Observation> {
    let number = |column: usize, name: &str, range: std::ops::RangeInclusive<f64>| {
        let text = row.get(column).unwrap_or("");
        match text.parse::<f64>() {
            Ok(number) if range.contains(&number) => Ok(number),
            Ok(number) => Err(format!("{name} is {number}")),
            Err(_) => Err(format!("{name} is `{text}`")),
        }
    };
    let observation = || {
        Ok::<_, String>(Observation {
            station: row.get(0).unwrap_or("").to_owned(),
            time: row.get(14).unwrap_or("").to_owned(),
            celsius: (number(5, "temp", -80.0..=140.0)? - 32.0) / 1.8,
            humidity: number(7, "humid", 0.0..=100.0)?,
            wind_kmh: number(9, "wind_speed", 0.0..=250.0)? * 1.609_344,
            precipitation_mm: number(11, "precip", 0.0..=50.0)? * 25.4,
            pressure_hpa: number(12, "pressure", 850.0..=1100.0)?,
        })
    };
    observation().map_or_else(Outcome::failure, Outcome::success)
}

/// Writes the observations in one transaction, again from the start if the database is busy.
#[event(retry_policy = { max_attempts: 5, retry_on_exceptions: [rusqlite::Error] })]
fn load(#[piped] rows: &[Observation], database: &Path) -> Result<u64, rusqlite::Error> {
    let mut connection = Connection::open(database)?;
    let transaction = connection.transaction()?;
    transaction.execute_batch(
        "DROP TABLE IF EXISTS observations;
         CREATE TABLE observations (station TEXT, time TEXT, celsius REAL, humidity REAL,
             wind_kmh REAL, precipitation_mm REAL, pressure_hpa REAL, PRIMARY KEY (station, time));",
    )?;
    let mut insert =
        transaction.prepare("INSERT INTO observations VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)")?;
    for row in rows {
        insert.execute(params![
            row.station,
            row.time,
            row.celsius,
            row.humidity,
            row.wind_kmh,
            row.precipitation_mm,
            row.pressure_hpa
        ])?;
    }
    drop(insert);
    transaction.commit()?;
    Ok(rows.len() as u64)
}

/// Reads the totals back, and compares them with what was written.
#[event]
fn verify(#[piped] written: &u64, database: &Path) -> Result<Outcome<Totals>, rusqlite::Error> {
    let connection = Connection::open(database)?;
    let mut query = connection.prepare(
        "SELECT station, count(*), avg(celsius) FROM observations GROUP BY station ORDER BY station",
    )?;
    let stations: BTreeMap<String, (u64, f64)> = query
        .query_map([], |row| Ok((row.get(0)?, (row.get::<_, u32>(1)?.into(), row.get(2)?))))?
        .collect::<Result<_, _>>()?;
    let rows = stations.values().map(|(rows, _)| rows).sum();
    if rows != *written {
        return Ok(Outcome::failure(format!("wrote {written} rows, found {rows}")));
    }
    Ok(Outcome::success(Totals { rows, stations }))
}

/// From a file of observations to a database.
#[derive(Pipeline)]
#[pipeline(flow = extract |-> clean[each, max_concurrency = 64] |-> load |-> verify)]
struct WeatherEtl {
    source: PathBuf,
    database: PathBuf,
}

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
    let default = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut arguments = std::env::args_os().skip(1).map(PathBuf::from);
    let source =
        arguments.next().unwrap_or_else(|| default.join("data/weather/nyc_airports_2013.csv"));
    let database = arguments.next().unwrap_or_else(|| PathBuf::from("target/weather.sqlite"));
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
