//! What a run is doing, while somebody waits for its end.

use std::time::{Duration, Instant};

use nexus_core::{EngineBuilder, Progress, Report, RunHandle};
use nexus_pointy::visible;

use super::board::Board;
use super::mode::Mode;
use super::screen::{FRAME, Screen};
use super::view::{self, Row, View};
use crate::output::warn;

/// The longest wait between two looks at the run, so the longest delay after its end.
const MAX_POLL_INTERVAL: Duration = Duration::from_millis(50);
/// Shorter runs show no lines, since nobody could read them in time.
const SCREEN_DELAY: Duration = Duration::from_millis(300);
/// When the first plain line is due, and how long after it the next ones are.
const FIRST_LINE_DELAY: Duration = Duration::from_secs(2);
const LINE_INTERVAL: Duration = Duration::from_secs(10);

/// What is shown of a run.
pub(crate) struct RunProgress {
    mode: Mode,
    board: Board,
}

impl RunProgress {
    pub(crate) fn new(mode: Mode) -> Self {
        Self { mode, board: Board::new() }
    }

    /// Lets an engine tell what its runs do. Plain lines do without, so that a run which nobody
    /// watches costs nothing.
    pub(crate) fn observe(&self) -> impl FnOnce(EngineBuilder) -> EngineBuilder + use<> {
        let board = (self.mode == Mode::Screen).then(|| self.board.clone());
        move |engine| match board {
            Some(board) => engine.observer(board),
            None => engine,
        }
    }

    /// Shows what is under way until the run's end.
    pub(crate) fn wait(self, handle: RunHandle, name: &str) -> nexus_core::Result<Report> {
        let began = Instant::now();
        let name = &*visible(name).on_one_line().to_string();
        let mut screen = Screen::new();
        let mut due = match self.mode {
            Mode::Screen => SCREEN_DELAY,
            _ => FIRST_LINE_DELAY,
        };
        let mut poll_interval = Duration::from_millis(1);
        while self.mode != Mode::Off && !handle.is_finished() {
            std::thread::sleep(poll_interval);
            poll_interval = (poll_interval * 2).min(MAX_POLL_INTERVAL);
            let elapsed = began.elapsed();
            if elapsed < due {
                continue;
            }
            let view = self.view(name, elapsed, &handle.progress());
            due = if self.mode == Mode::Screen {
                screen.show(&view);
                elapsed + FRAME
            } else {
                warn(&view.line(elapsed));
                elapsed + LINE_INTERVAL
            };
        }
        screen.close();
        handle.wait()
    }

    fn view(&self, name: &str, elapsed: Duration, progress: &Progress) -> View {
        let running = progress.running.iter().map(|task| Row {
            label: view::label(&task.path, task.item, task.attempt),
            since: task.since,
            parts: task.parts,
        });
        let (done, total) = (progress.ended as u64, progress.steps as u64);
        let counts = self.board.counts();
        let running: Vec<Row> = running.collect();
        View {
            title: name.to_owned(),
            unit: "steps",
            done,
            total,
            failed: counts.failed,
            retrying: counts.retrying,
            left: view::left(done, total, &running, elapsed),
            running,
        }
    }
}
