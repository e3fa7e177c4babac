//! Measures the dashboard: how long pages take where the store has much to show, what idle clients
//! cost, and what it costs the runs of its process, with pages and without. `ci/dashboard.sh measure` runs
//! it; with the argument `pages` it does the last alone.

mod alone;
mod client;
mod history;
mod idle;
mod open_pages;
mod pages;
mod pairs;

use std::error::Error;
use std::path::{Path, PathBuf};

type Result<T, E = Box<dyn Error>> = std::result::Result<T, E>;

fn main() -> Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    // Clients are processes of their own, so that their time and memory are not the engine's.
    match &args.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [open_pages::ROLE, address] => return open_pages::be(address.parse()?),
        [idle::ROLE, address] => return idle::be(address.parse()?),
        ["alone", beside, runs] => return alone::run(*beside == "dashboard", runs.parse()?),
        ["pages"] => {
            alone::measure()?;
            return pages::measure(&Folder::new()?.0);
        }
        _ => {}
    }
    let folder = Folder::new()?;
    history::measure(&folder.0)?;
    idle::measure()?;
    alone::measure()?;
    pages::measure(&folder.0)
}

/// A folder for stores, which goes when the program ends.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Result<Self> {
        let path = std::env::temp_dir().join(format!("nexus-dashboard-{}", std::process::id()));
        std::fs::create_dir_all(&path)?;
        Ok(Self(path))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Removes a store with its log.
fn remove_store(path: &Path) -> Result<()> {
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    for entry in path.parent().unwrap_or(path).read_dir()? {
        let entry = entry?;
        if entry.file_name().to_string_lossy().starts_with(&name) {
            std::fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

/// The middle one of some figures.
fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures[figures.len() / 2]
}

/// The middle one of some figures, and the two between which half of them lie.
struct Spread {
    low: f64,
    middle: f64,
    high: f64,
}

impl Spread {
    fn of(mut figures: Vec<f64>) -> Self {
        figures.sort_by(f64::total_cmp);
        let at = |quarters: usize| figures[figures.len() * quarters / 4];
        Self { low: at(1), middle: at(2), high: at(3) }
    }
}

impl std::fmt::Display for Spread {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:.2} ({:.2} to {:.2})", self.middle, self.low, self.high)
    }
}
