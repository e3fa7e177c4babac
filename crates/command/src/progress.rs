//! The progress of a run: a line for each running task on a terminal, and a plain line now and then
//! elsewhere.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::io::IsTerminal;
use std::time::{Duration, Instant};

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use nexus_core::{Progress, Report, RunHandle, RunningTask};
use nexus_pointy::visible;

use crate::output::warn;

/// Where progress is shown, if at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    Bars,
    Lines,
    Off,
}

impl Mode {
    /// What suits the standard error.
    pub(crate) fn of_stderr() -> Self {
        if std::io::stderr().is_terminal() { Self::Bars } else { Self::Lines }
    }
}

/// At most this many tasks have a line of their own.
const MAX_TASKS: usize = 8;
/// The longest wait between two looks at the run, so the longest delay after its end.
const MAX_POLL_INTERVAL: Duration = Duration::from_millis(50);
/// Shorter runs show no bars, since nobody could read them in time.
const BARS_DELAY: Duration = Duration::from_millis(300);
/// When the first plain line is due, and how long after it the next ones are.
const FIRST_LINE_DELAY: Duration = Duration::from_secs(2);
const LINE_INTERVAL: Duration = Duration::from_secs(10);

/// Waits for the run's end.
pub(crate) fn wait(handle: RunHandle, name: &str, mode: Mode) -> nexus_core::Result<Report> {
    let began = Instant::now();
    let name = &*visible(name).on_one_line().to_string();
    let mut bars = None;
    let mut lines = Lines { next: FIRST_LINE_DELAY };
    let mut poll_interval = Duration::from_millis(1);
    while mode != Mode::Off && !handle.is_finished() {
        std::thread::sleep(poll_interval);
        poll_interval = (poll_interval * 2).min(MAX_POLL_INTERVAL);
        let elapsed = began.elapsed();
        match mode {
            Mode::Bars if elapsed >= BARS_DELAY => {
                bars.get_or_insert_with(Bars::new).show(name, &handle.progress());
            }
            Mode::Lines if lines.is_due(elapsed) => warn(&line(name, elapsed, &handle.progress())),
            _ => {}
        }
    }
    if let Some(bars) = bars {
        bars.clear();
    }
    handle.wait()
}

struct Lines {
    next: Duration,
}

impl Lines {
    fn is_due(&mut self, elapsed: Duration) -> bool {
        let due = elapsed >= self.next;
        if due {
            self.next = elapsed + LINE_INTERVAL;
        }
        due
    }
}

/// `Orders: 1 of 3 steps ended after 2s; running: charge[4] for 1s (2 of 5)`
fn line(name: &str, elapsed: Duration, progress: &Progress) -> String {
    let mut line = format!(
        "{name}: {} of {} steps ended after {}",
        progress.ended,
        progress.steps,
        seconds(elapsed)
    );
    for (index, task) in progress.running.iter().take(MAX_TASKS).enumerate() {
        let before = if index == 0 { "; running: " } else { ", " };
        let _ = write!(line, "{before}{} for {}", task_label(task), seconds(task.since));
        if let Some((done, total)) = task.parts {
            let _ = write!(line, " ({done} of {total})");
        }
    }
    let more = progress.running.len().saturating_sub(MAX_TASKS);
    if more > 0 {
        let _ = write!(line, " and {more} more");
    }
    line
}

/// `charge[4], attempt 2`
fn task_label(task: &RunningTask) -> String {
    let mut name = visible(&task.path).on_one_line().to_string();
    if let Some(item) = task.item {
        let _ = write!(name, "[{item}]");
    }
    if task.attempt > 1 {
        let _ = write!(name, ", attempt {},", task.attempt);
    }
    name
}

fn seconds(time: Duration) -> String {
    format!("{}s", time.as_secs())
}

type TaskKey = (String, Option<u64>, u32);

struct Bars {
    all: MultiProgress,
    summary: ProgressBar,
    tasks: BTreeMap<TaskKey, ProgressBar>,
}

impl Bars {
    fn new() -> Self {
        let all = MultiProgress::new();
        let summary = all.add(ProgressBar::new_spinner().with_style(style("{wide_msg}")));
        Self { all, summary, tasks: BTreeMap::new() }
    }

    fn show(&mut self, name: &str, progress: &Progress) {
        let shown = progress.running.iter().take(MAX_TASKS);
        let now: BTreeMap<TaskKey, &RunningTask> =
            shown.map(|task| ((task.path.clone(), task.item, task.attempt), task)).collect();
        self.tasks.retain(|key, bar| {
            let goes_on = now.contains_key(key);
            if !goes_on {
                bar.finish_and_clear();
                self.all.remove(bar);
            }
            goes_on
        });
        let more = match progress.running.len().saturating_sub(MAX_TASKS) {
            0 => String::new(),
            more => format!(", {more} more running"),
        };
        self.summary
            .set_message(format!("{name}: {}/{} steps{more}", progress.ended, progress.steps));
        for (key, task) in now {
            let all = &self.all;
            let bar = self.tasks.entry(key).or_insert_with(|| {
                all.add(ProgressBar::new_spinner().with_style(style("  {spinner} {wide_msg}")))
            });
            bar.set_message(format!("{} for {}", task_label(task), seconds(task.since)));
            if let Some((done, total)) = task.parts {
                if bar.length() != Some(total) {
                    bar.set_style(style("  {spinner} {msg} [{bar:24}] {pos}/{len}"));
                    bar.set_length(total);
                }
                bar.set_position(done);
            }
            bar.tick();
        }
        self.summary.tick();
    }

    fn clear(self) {
        // The lines that are left would otherwise stay.
        let _ = self.all.clear();
    }
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_spinner())
}
