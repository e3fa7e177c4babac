//! Medians, and ratios pair by pair.

use std::collections::BTreeMap;
use std::fmt;
use std::num::NonZero;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

/// Rounds of a workload and its baselines, in turn.
const RUNS: usize = 101;

/// The same where a round takes a tenth of a second.
const FEW_RUNS: usize = 21;

/// The size of a growth table's row, times its rounds, unless that gives fewer or more rounds than
/// a median needs.
const SIZE_ROUNDS: usize = 1_000_000;

const FEWEST_RUNS: usize = 7;

static MOST_RUNS: AtomicUsize = AtomicUsize::new(RUNS);

/// No workload has more rounds from now on, whatever it asks for: with one of them it shows that it
/// works, and its figures say little.
pub fn limit_rounds(runs: NonZero<usize>) {
    MOST_RUNS.store(runs.get(), Ordering::Relaxed);
}

/// One side of a comparison: does the work once and says how much it took, in `unit`.
pub type Side<'a> = Box<dyn FnMut() -> f64 + 'a>;

/// A baseline's name, its median, and the median ratio of nexus to it.
type Baseline = (&'static str, f64, f64);

/// What was measured of a workload.
#[derive(Debug)]
pub struct Comparison {
    work: &'static str,
    size: Option<usize>,
    unit: &'static str,
    nexus: f64,
    baselines: Vec<Baseline>,
    runs: usize,
}

impl Comparison {
    /// Runs nexus and each baseline in turn, after a few rounds of warm-up.
    pub fn of(
        work: &'static str,
        unit: &'static str,
        nexus: Side<'_>,
        baselines: Vec<(&'static str, Side<'_>)>,
    ) -> Self {
        Self::of_runs(RUNS, work, unit, nexus, baselines)
    }

    /// The same for slow work, with fewer rounds.
    pub fn of_slow(
        work: &'static str,
        unit: &'static str,
        nexus: Side<'_>,
        baselines: Vec<(&'static str, Side<'_>)>,
    ) -> Self {
        Self::of_runs(FEW_RUNS, work, unit, nexus, baselines)
    }

    /// The same for one size of a growth table, with fewer rounds the larger it is.
    pub fn of_size(
        work: &'static str,
        size: usize,
        unit: &'static str,
        nexus: Side<'_>,
        baselines: Vec<(&'static str, Side<'_>)>,
    ) -> Self {
        let runs = (SIZE_ROUNDS / size).clamp(FEWEST_RUNS, RUNS);
        Self { size: Some(size), ..Self::of_runs(runs, work, unit, nexus, baselines) }
    }

    fn of_runs(
        runs: usize,
        work: &'static str,
        unit: &'static str,
        mut nexus: Side<'_>,
        mut baselines: Vec<(&'static str, Side<'_>)>,
    ) -> Self {
        let runs = runs.min(MOST_RUNS.load(Ordering::Relaxed));
        for _ in 0..runs.div_ceil(10) {
            nexus();
            for (_, side) in &mut baselines {
                side();
            }
        }
        let mut ours = Vec::with_capacity(runs);
        let mut theirs = vec![Vec::with_capacity(runs); baselines.len()];
        for _ in 0..runs {
            ours.push(nexus());
            for (values, (_, side)) in theirs.iter_mut().zip(&mut baselines) {
                values.push(side());
            }
        }
        let compared = baselines.iter().zip(&theirs).map(|((name, _), values)| {
            let ratios = ours.iter().zip(values).map(|(a, b)| a / b).collect();
            (*name, median(values.clone()), median(ratios))
        });
        let baselines = compared.collect();
        Self { work, size: None, unit, nexus: median(ours), baselines, runs }
    }

    /// One JSON object on one line.
    ///
    /// # Errors
    ///
    /// None that can happen: the names are texts.
    pub fn json(&self) -> serde_json::Result<String> {
        let by_name = |pick: fn(&Baseline) -> f64| {
            self.baselines.iter().map(|baseline| (baseline.0, round(pick(baseline)))).collect()
        };
        serde_json::to_string(&Line {
            work: self.work,
            size: self.size,
            unit: self.unit,
            nexus: round(self.nexus),
            baselines: by_name(|baseline| baseline.1),
            ratio: by_name(|baseline| baseline.2),
            runs: self.runs,
        })
    }
}

#[derive(serde::Serialize)]
struct Line {
    work: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    size: Option<usize>,
    unit: &'static str,
    nexus: f64,
    baselines: BTreeMap<&'static str, f64>,
    ratio: BTreeMap<&'static str, f64>,
    runs: usize,
}

fn round(value: f64) -> f64 {
    (value * 100.0).round() / 100.0
}

impl fmt::Display for Comparison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let size = self.size.map(|size| format!(" {size}")).unwrap_or_default();
        let name = format!("{}{size}", self.work);
        write!(f, "{name:28} {:>10.2} {}", self.nexus, self.unit)?;
        for (name, value, ratio) in &self.baselines {
            write!(f, "\n    {name:24} {value:>10.2}   nexus / it: {ratio:.2}")?;
        }
        Ok(())
    }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

/// Nanoseconds that `work` takes, divided by `parts`.
#[expect(clippy::cast_precision_loss, reason = "far below 2^53")]
pub fn nanos_each<T>(parts: usize, work: impl FnOnce() -> T) -> f64 {
    let start = Instant::now();
    let result = std::hint::black_box(work());
    let nanos = start.elapsed().as_nanos() as f64;
    drop(result);
    nanos / parts as f64
}
