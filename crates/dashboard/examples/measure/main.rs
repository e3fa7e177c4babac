//! Measures the dashboard: how long pages take where the store has much to show, what idle clients
//! cost, and what open pages cost the runs of their process. `ci/dashboard.sh measure` runs it.

mod client;
mod history;
mod idle;
mod pages;

use std::error::Error;
use std::path::{Path, PathBuf};

type Result<T, E = Box<dyn Error>> = std::result::Result<T, E>;

fn main() -> Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    // Clients are processes of their own, so that their time and memory are not the engine's.
    match &args.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [pages::ROLE, address, view] => return pages::be(address.parse()?, view),
        [idle::ROLE, address] => return idle::be(address.parse()?),
        ["counted", beside, runs] => return pages::counted(beside, runs.parse()?),
        ["pages"] => return pages::measure(&Folder::new()?.0),
        _ => {}
    }
    let folder = Folder::new()?;
    history::measure(&folder.0)?;
    idle::measure()?;
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
