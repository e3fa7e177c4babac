//! What is shown at a moment, and the lines that show it.

use std::fmt::Write;
use std::time::Duration;

use nexus_pointy::visible;
use nexus_terminal::cut;

/// What is under way at a moment.
#[derive(Debug, Clone)]
pub(crate) struct View {
    pub(crate) title: String,
    /// What is counted: steps of a run, runs of a service.
    pub(crate) unit: &'static str,
    pub(crate) done: u64,
    pub(crate) total: u64,
    pub(crate) failed: u64,
    pub(crate) retrying: u64,
    /// How long it will take yet, if one can tell.
    pub(crate) left: Option<Duration>,
    pub(crate) running: Vec<Row>,
}

/// A task that is running.
#[derive(Debug, Clone)]
pub(crate) struct Row {
    pub(crate) label: String,
    pub(crate) since: Duration,
    /// So many parts of so many are done.
    pub(crate) parts: Option<(u64, u64)>,
}

/// A plain line names so many tasks.
const MAX_NAMED: usize = 8;
/// The columns of a bar, where there is room for one.
const BAR: usize = 24;

impl View {
    /// A line for each running task, and below them one for all. Each has at most `width` columns, and
    /// there are at most `height` of them, but for the last one, which is always there.
    pub(crate) fn lines(&self, width: usize, height: usize) -> Vec<String> {
        let room = height.saturating_sub(1);
        let shown = if self.running.len() > room { room.saturating_sub(1) } else { room };
        let mut lines: Vec<String> =
            self.running.iter().take(shown).map(|row| row.line(width)).collect();
        let more = self.running.len().saturating_sub(shown);
        if more > 0 && room > 0 {
            lines.push(cut(&format!("  … and {more} more"), width));
        }
        lines.push(cut(&self.summary(), width));
        lines
    }

    /// `Orders: 1/3 steps, 2 running, 1 failed, 1 retrying, about 20s left`
    fn summary(&self) -> String {
        let Self { title, unit, done, total, .. } = self;
        let mut line = format!("{title}: {done}/{total} {unit}, {} running", self.running.len());
        for (count, what) in [(self.failed, "failed"), (self.retrying, "retrying")] {
            if count > 0 {
                let _ = write!(line, ", {count} {what}");
            }
        }
        if let Some(left) = self.left {
            let _ = write!(line, ", about {} left", seconds(left));
        }
        line
    }

    /// All of it in a plain line, for a log:
    /// `Orders: 1 of 3 steps ended after 2s; running: charge[4] for 1s (2 of 5)`
    pub(crate) fn line(&self, elapsed: Duration) -> String {
        let Self { title, unit, done, total, .. } = self;
        let mut line =
            format!("{title}: {done} of {total} {unit} ended after {}", seconds(elapsed));
        for (index, row) in self.running.iter().take(MAX_NAMED).enumerate() {
            let before = if index == 0 { "; running: " } else { ", " };
            let _ = write!(line, "{before}{} for {}", row.label, seconds(row.since));
            if let Some((done, total)) = row.parts {
                let _ = write!(line, " ({done} of {total})");
            }
        }
        let more = self.running.len().saturating_sub(MAX_NAMED);
        if more > 0 {
            let _ = write!(line, " and {more} more");
        }
        line
    }
}

impl Row {
    fn line(&self, width: usize) -> String {
        let plain = format!("  {} for {}", self.label, seconds(self.since));
        let Some((done, total)) = self.parts else { return cut(&plain, width) };
        let figures = format!(" {done}/{total}");
        // The figures say more than the end of a long name.
        let name = cut(&plain, width.saturating_sub(figures.len()));
        let line = format!("{name} {}{figures}", bar(done, total));
        if nexus_terminal::columns_of(&line) <= width { line } else { name + &figures }
    }
}

fn bar(done: u64, total: u64) -> String {
    let full = u128::from(done.min(total)) * BAR as u128 / u128::from(total.max(1));
    let full = usize::try_from(full).unwrap_or(BAR);
    format!("[{}{}]", "#".repeat(full), "-".repeat(BAR - full))
}

/// `charge[4], attempt 2,`
pub(crate) fn label(path: &str, item: Option<u64>, attempt: u32) -> String {
    let mut name = visible(path).on_one_line().to_string();
    if let Some(item) = item {
        let _ = write!(name, "[{item}]");
    }
    if attempt > 1 {
        let _ = write!(name, ", attempt {attempt},");
    }
    name
}

/// How long the rest takes if it goes on like this. Nobody can tell at the beginning.
#[expect(clippy::cast_precision_loss, reason = "it is an estimate")]
pub(crate) fn left(done: u64, total: u64, running: &[Row], elapsed: Duration) -> Option<Duration> {
    const FIRST: Duration = Duration::from_secs(2);
    const LEAST: f64 = 0.05;
    let part = |(done, total): (u64, u64)| (done as f64 / total.max(1) as f64).min(1.0);
    let parts: f64 = running.iter().filter_map(|row| row.parts).map(part).sum();
    let whole = (done as f64 + parts) / total.max(1) as f64;
    if elapsed < FIRST || !(LEAST..1.0).contains(&whole) {
        return None;
    }
    Duration::try_from_secs_f64(elapsed.as_secs_f64() * (1.0 - whole) / whole).ok()
}

/// `45s`, `2m 5s`, `3h 4m`
pub(crate) fn seconds(time: Duration) -> String {
    match time.as_secs() {
        all @ ..60 => format!("{all}s"),
        all @ 60..3600 => format!("{}m {}s", all / 60, all % 60),
        all => format!("{}h {}m", all / 3600, all / 60 % 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(label: &str, since: u64, parts: Option<(u64, u64)>) -> Row {
        Row { label: label.to_owned(), since: Duration::from_secs(since), parts }
    }

    fn view(running: Vec<Row>) -> View {
        let title = "Orders".to_owned();
        View {
            title,
            unit: "steps",
            done: 1,
            total: 3,
            failed: 0,
            retrying: 0,
            left: None,
            running,
        }
    }

    #[test]
    fn each_task_has_a_line_while_there_is_room() {
        let tasks =
            || (0..5).map(|item| row(&label("charge", Some(item), 1), item, None)).collect();
        let charge = |item: u64| format!("  charge[{item}] for {item}s");
        let last = "Orders: 1/3 steps, 5 running".to_owned();
        for (height, lines) in [
            (6, vec![charge(0), charge(1), charge(2), charge(3), charge(4), last.clone()]),
            (5, vec![charge(0), charge(1), charge(2), "  … and 2 more".to_owned(), last.clone()]),
            (3, vec![charge(0), "  … and 4 more".to_owned(), last.clone()]),
            (2, vec!["  … and 5 more".to_owned(), last.clone()]),
            (1, vec![last.clone()]),
            (0, vec![last.clone()]),
        ] {
            assert_eq!(view(tasks()).lines(80, height), lines, "{height} lines");
        }
        assert_eq!(view(Vec::new()).lines(80, 24), ["Orders: 1/3 steps, 0 running"]);
    }

    #[test]
    fn lines_fit_the_width() {
        let tasks =
            vec![row("注文番号四七一一番の注文", 3, None), row("await_bank", 65, Some((12, 3000)))];
        let lines = view(tasks.clone()).lines(60, 9);
        assert_eq!(lines[1], "  await_bank for 1m 5s [------------------------] 12/3000");
        for width in 0..60 {
            let lines = view(tasks.clone()).lines(width, 9);
            let widest = lines.iter().map(|line| nexus_terminal::columns_of(line)).max();
            assert!(widest <= Some(width.max(9)), "{width}: {lines:?}");
        }
        assert_eq!(view(tasks).lines(20, 9)[1], "  await_ban… 12/3000", "the figures stay");
    }

    #[test]
    fn the_last_line_says_what_is_the_matter() {
        let mut view = view(vec![row("a", 1, None)]);
        (view.failed, view.retrying) = (2, 1);
        view.left = Some(Duration::from_secs(3725));
        let lines = view.lines(99, 9);
        assert_eq!(
            lines.last().map(String::as_str),
            Some("Orders: 1/3 steps, 1 running, 2 failed, 1 retrying, about 1h 2m left")
        );
    }

    #[test]
    fn a_log_has_all_of_it_in_a_line() {
        let tasks =
            (0..10).map(|item| row(&label("charge", Some(item), 2), 1, Some((2, 5)))).collect();
        let line = view(tasks).line(Duration::from_secs(12));
        let begin = "Orders: 1 of 3 steps ended after 12s; running: charge[0], attempt 2, for 1s (2 of 5), ";
        assert!(
            line.starts_with(begin)
                && line.ends_with("charge[7], attempt 2, for 1s (2 of 5) and 2 more"),
            "{line}"
        );
    }

    #[test]
    fn the_time_left_is_what_the_rest_takes_at_this_pace() {
        let secs = Duration::from_secs;
        for (done, total, parts, elapsed, expected) in [
            (0, 4, None, 60, None),
            (1, 4, None, 1, None),
            (1, 4, None, 10, Some(30)),
            (0, 1, Some((1, 4)), 10, Some(30)),
            (1, 2, Some((1, 2)), 30, Some(10)),
            (0, 0, None, 10, None),
            (4, 4, None, 10, None),
        ] {
            let left = left(done, total, &[row("a", 1, parts)], secs(elapsed));
            assert_eq!(left, expected.map(secs), "{done}/{total} {parts:?} after {elapsed}");
        }
    }
}
