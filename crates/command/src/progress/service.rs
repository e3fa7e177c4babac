//! What a service is doing, at the bottom of its terminal.

use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread::JoinHandle;

use nexus_core::EngineBuilder;

use super::board::Board;
use super::mode::Mode;
use super::screen::{FRAME, Screen};
use super::view::View;

/// Shows what the runs of a service are doing. Dropping it ends that.
pub(crate) struct ServiceProgress(Option<Shown>);

struct Shown {
    board: Board,
    thread: Option<(Sender<()>, JoinHandle<()>)>,
}

impl ServiceProgress {
    /// On a terminal; elsewhere the service's lines say it all.
    pub(crate) fn new(mode: Mode) -> Self {
        let shown = || Shown { board: Board::new(), thread: None };
        Self((mode == Mode::Screen).then(shown))
    }

    pub(crate) fn observe(&self) -> impl FnOnce(EngineBuilder) -> EngineBuilder + use<> {
        let board = self.0.as_ref().map(|shown| shown.board.clone());
        move |engine| match board {
            Some(board) => engine.observer(board),
            None => engine,
        }
    }

    /// Begins to draw. A system without another thread shows nothing.
    pub(crate) fn begin(&mut self, title: String) {
        let Some(shown) = &mut self.0 else { return };
        let board = shown.board.clone();
        let (end, ended) = mpsc::channel();
        let draw = move || {
            let mut screen = Screen::new();
            loop {
                screen.show(&view(&title, &board));
                if ended.recv_timeout(FRAME) != Err(RecvTimeoutError::Timeout) {
                    break;
                }
            }
        };
        let thread = std::thread::Builder::new().name("nexus-progress".to_owned()).spawn(draw);
        shown.thread = thread.ok().map(|thread| (end, thread));
    }
}

impl Drop for ServiceProgress {
    fn drop(&mut self) {
        if let Some((end, thread)) = self.0.take().and_then(|shown| shown.thread) {
            drop(end);
            let _ = thread.join();
        }
    }
}

fn view(title: &str, board: &Board) -> View {
    let counts = board.counts();
    View {
        title: title.to_owned(),
        unit: "runs",
        done: counts.ended_runs,
        total: counts.runs,
        failed: counts.failed_runs,
        retrying: counts.retrying,
        // Nobody can tell how many runs will come.
        left: None,
        running: board.rows(),
    }
}
