//! What an engine's runs are doing, as their signals say.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use nexus_core::{
    Context, Ended, Exception, Failure, Observer, RunEnd, RunEvent, RunId, Signals, StepEvent,
};
use nexus_pointy::visible;

use super::view::{Row, label};

/// Listens to an engine. Clones share what they have heard.
#[derive(Clone, Default)]
pub(crate) struct Board(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    /// What each run is called that is under way.
    runs: HashMap<RunId, String>,
    counts: Counts,
    /// The oldest first.
    running: Vec<Running>,
    retrying: HashSet<Task>,
}

/// Sums over all runs so far.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Counts {
    pub(crate) runs: u64,
    pub(crate) ended_runs: u64,
    pub(crate) failed_runs: u64,
    /// Tasks that ended without success, and are not tried again.
    pub(crate) failed: u64,
    /// Tasks that wait for their next attempt.
    pub(crate) retrying: u64,
}

/// A task of a run: the step, and its item.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Task {
    run: RunId,
    path: String,
    item: Option<u64>,
}

struct Running {
    task: Task,
    attempt: u32,
    began: Instant,
    parts: Option<(u64, u64)>,
}

impl Task {
    fn of(context: &Context) -> Self {
        Self { run: context.run_id(), path: context.step_path(), item: context.item() }
    }
}

impl Board {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    pub(crate) fn counts(&self) -> Counts {
        let state = self.state();
        Counts { retrying: state.retrying.len() as u64, ..state.counts }
    }

    /// The tasks that are running, each with its run's name, those that began first in front.
    #[cfg_attr(
        not(any(feature = "durable", test)),
        expect(dead_code, reason = "only a service asks for it")
    )]
    pub(crate) fn rows(&self) -> Vec<Row> {
        let state = self.state();
        let row = |running: &Running| {
            let run = state.runs.get(&running.task.run).map_or("", String::as_str);
            let task = label(&running.task.path, running.task.item, running.attempt);
            let (since, parts) = (running.began.elapsed(), running.parts);
            Row { label: format!("{run} {task}").trim_start().to_owned(), since, parts }
        };
        state.running.iter().map(row).collect()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn remove(&mut self, task: &Task, attempt: Option<u32>) {
        let is_it = |running: &Running| {
            running.task == *task && attempt.is_none_or(|attempt| running.attempt == attempt)
        };
        if let Some(place) = self.running.iter().position(is_it) {
            self.running.remove(place);
        }
    }
}

impl Observer for Board {
    fn signals(&self) -> Signals {
        Signals::OWN_TASKS.with(Signals::POOL_TASKS)
    }

    fn pipeline_execution_start(&self, run: &RunEvent<'_>) {
        #[cfg(feature = "durable")]
        let name = run.key().unwrap_or_else(|| run.pipeline());
        #[cfg(not(feature = "durable"))]
        let name = run.pipeline();
        let name = visible(name).on_one_line().to_string();
        let mut state = self.state();
        state.runs.insert(run.run_id(), name);
        state.counts.runs += 1;
    }

    fn pipeline_execution_end(&self, run: &RunEvent<'_>, end: &RunEnd<'_>) {
        let id = run.run_id();
        let mut state = self.state();
        state.runs.remove(&id);
        state.running.retain(|running| running.task.run != id);
        state.retrying.retain(|task| task.run != id);
        if end.is_left() {
            state.counts.runs -= 1;
            return;
        }
        state.counts.ended_runs += 1;
        state.counts.failed_runs += u64::from(end.status() != nexus_core::Status::Succeeded);
    }

    fn event_execution_start(&self, step: &StepEvent<'_>) {
        let (task, attempt) = (Task::of(step.context()), step.context().attempt());
        let mut state = self.state();
        state.retrying.remove(&task);
        state.running.push(Running { task, attempt, began: Instant::now(), parts: None });
    }

    fn event_execution_end(&self, step: &StepEvent<'_>, ended: Ended<'_>) {
        let task = Task::of(step.context());
        let mut state = self.state();
        state.remove(&task, Some(step.context().attempt()));
        state.counts.failed += u64::from(matches!(ended, Ended::Failure(_) | Ended::Exception(_)));
    }

    fn event_execution_progress(&self, step: &StepEvent<'_>, done: u64, total: u64) {
        let task = Task::of(step.context());
        let mut state = self.state();
        if let Some(running) = state.running.iter_mut().find(|running| running.task == task) {
            running.parts = Some((done, total));
        }
    }

    fn event_execution_retry(&self, step: &StepEvent<'_>, _: &Exception, _: Duration) {
        let mut state = self.state();
        // Its attempt was counted as one that failed.
        state.counts.failed = state.counts.failed.saturating_sub(1);
        state.retrying.insert(Task::of(step.context()));
    }

    fn event_execution_cancelled(&self, step: &StepEvent<'_>, _: &Failure) {
        let task = Task::of(step.context());
        let mut state = self.state();
        state.remove(&task, None);
        state.retrying.remove(&task);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test says what it expects")]

    use nexus_core::{Engine, Fields, Flow, Inputs, Outcome, Registry, RetryPolicy};

    use super::*;

    #[derive(Debug)]
    struct Broken;
    impl std::fmt::Display for Broken {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("broken")
        }
    }
    impl std::error::Error for Broken {}

    /// What a person sees while bodies run is what runs, and at the end nothing is left over.
    #[test]
    fn a_board_has_what_is_under_way() {
        let board = Board::new();
        let mut registry = Registry::new();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let (shown, said) = (board.clone(), Arc::clone(&seen));
        registry.event("work", move |ctx: &Context| {
            ctx.progress(1, 2);
            let rows = shown.rows();
            let rows = rows.into_iter().map(|row| format!("{} {:?}", row.label, row.parts));
            said.lock().unwrap().push((rows.collect::<Vec<_>>(), shown.counts().failed));
            if ctx.attempt() == 1 { Err(Broken) } else { Ok(Outcome::<()>::failure("no")) }
        });
        let retry = RetryPolicy::builder().max_attempts(2).build().unwrap();
        let _ = retry;
        let plan = Flow::parse("work * 2").unwrap().plan(&registry, &Fields::new()).unwrap();
        let engine = Engine::builder().observer(board.clone()).build().unwrap();
        let report = engine.run_plan(&plan, Inputs::new()).unwrap();
        assert!(!report.is_success());
        let name = report.pipeline();
        assert_eq!(
            *seen.lock().unwrap(),
            [
                (vec![format!("{name} work Some((1, 2))")], 0),
                (vec![format!("{name} work, attempt 2, Some((1, 2))")], 0),
            ]
        );
        assert!(board.rows().is_empty());
        let counts = board.counts();
        assert_eq!((counts.failed, counts.retrying), (1, 0));
        assert_eq!((counts.runs, counts.ended_runs, counts.failed_runs), (1, 1, 1));
    }
}
