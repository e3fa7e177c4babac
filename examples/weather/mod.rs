//! The events of the examples `weather_etl` and `night_shift`, and the flow of a load.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use csv::StringRecord;
use nexus::prelude::*;
use rusqlite::{Connection, params};
use serde::{Deserialize, Serialize};

/// One observation, in metric units.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Observation {
    station: String,
    time: String,
    celsius: f64,
    humidity: f64,
    wind_kmh: f64,
    precipitation_mm: f64,
    pressure_hpa: f64,
}

/// What the database says after the load.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Totals {
    pub(crate) rows: u64,
    pub(crate) stations: BTreeMap<String, (u64, f64)>,
}

/// The file of observations cannot be opened.
#[derive(Debug, thiserror::Error)]
#[error("cannot read {}: {source}", path.display())]
pub(crate) struct Unreadable {
    path: PathBuf,
    source: csv::Error,
}

/// Opens the file; its rows are read as the next step has room for them.
#[event]
pub(crate) fn extract(source: &Path) -> Result<Items<StringRecord>, Unreadable> {
    let reader = csv::ReaderBuilder::new().flexible(true).from_path(source);
    let rows = reader
        .map_err(|error| Unreadable { path: source.to_owned(), source: error })?
        .into_records();
    // A row that is no UTF-8 becomes an empty one, which the next step refuses.
    Ok(Items::new(rows.map(Result::unwrap_or_default)))
}

/// Makes an observation of a row, or says what is wrong with it.
#[event(execution_evaluation_state = SuccessForPartialSuccess)]
pub(crate) fn clean(#[piped] row: &StringRecord) -> Outcome<Observation> {
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
pub(crate) fn load(#[piped] rows: &[Observation], database: &Path) -> Result<u64, rusqlite::Error> {
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
pub(crate) fn verify(
    #[piped] written: &u64,
    database: &Path,
) -> Result<Outcome<Totals>, rusqlite::Error> {
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
pub(crate) struct WeatherEtl {
    pub(crate) source: PathBuf,
    pub(crate) database: PathBuf,
}

/// The observations that come with the examples.
pub(crate) fn observations() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("data/weather/nyc_airports_2013.csv")
}

/// Where they go.
pub(crate) fn default_database() -> PathBuf {
    PathBuf::from("target/weather.sqlite")
}
