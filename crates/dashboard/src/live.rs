//! What is under way right now: what the engine tells, kept until somebody asks.
//!
//! A signal of the engine costs it a short lock. Nobody is woken for it, unless a page waits for news;
//! and a page that was told waits a tenth of a second before it can be told again.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use nexus_core::journal::Timestamp;
use nexus_core::{Ended, Exception, Failure, Observer, RunEnd, RunEvent, StepEvent, StopCondition};
use serde::Serialize;
use tokio::sync::Notify;

use crate::clock::now;
use crate::live_pools::LivePools;

/// So many runs that are over are remembered, for pages that were away for a while.
const MOST_ENDED: usize = 10_000;

/// Tells the dashboard what the engine's runs do; see [`Dashboard::observer`](crate::Dashboard::observer).
#[derive(Debug)]
pub struct LiveObserver {
    live: Arc<Live>,
}

/// What is under way.
#[derive(Debug, Default)]
pub(crate) struct Live {
    state: Mutex<State>,
    pub(crate) pools: LivePools,
    /// Counts what has changed.
    version: AtomicU64,
    /// Whether an engine tells what happens.
    is_observed: AtomicBool,
    /// Whether a page waits for news.
    is_awaited: AtomicBool,
    news: Notify,
}

#[derive(Debug, Default)]
struct State {
    runs: HashMap<String, LiveRun>,
    /// The runs that are under way no more, and the version in which they ended.
    ended: VecDeque<(u64, String)>,
    /// What came before this version is forgotten.
    forgotten: u64,
}

/// A run under way.
#[derive(Debug, Default)]
struct LiveRun {
    /// The version that changed it last.
    changed: u64,
    tasks: BTreeMap<(String, Option<u64>), LiveTask>,
}

/// An attempt that runs, or the wait before one.
#[derive(Debug, Clone, Copy)]
struct LiveTask {
    attempt: u32,
    since: Timestamp,
    /// When it is tried again, if that is what it waits for.
    until: Option<Timestamp>,
    parts: Option<(u64, u64)>,
}

/// The same for a page.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Activity {
    pub(crate) path: String,
    pub(crate) item: Option<u64>,
    pub(crate) attempt: u32,
    pub(crate) since: Timestamp,
    /// When it is tried again; if it is nothing, it runs.
    pub(crate) until: Option<Timestamp>,
    pub(crate) done: Option<u64>,
    pub(crate) total: Option<u64>,
}

/// What has changed since a page was told last.
#[derive(Debug, Default, Serialize)]
pub(crate) struct News {
    /// The runs, or some of them.
    pub(crate) runs: Vec<String>,
    /// Whether there were more than these, or nobody knows which.
    pub(crate) more: bool,
}

/// So many runs are named in one piece of news.
const MOST_NAMED: usize = 200;

impl Live {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn is_observed(&self) -> bool {
        self.is_observed.load(Ordering::Relaxed)
    }

    pub(crate) fn version(&self) -> u64 {
        self.version.load(Ordering::Acquire)
    }

    /// Something has happened to this run.
    pub(crate) fn touch(&self, key: &str) {
        let mut state = self.state();
        let version = self.next();
        match state.runs.get_mut(key) {
            Some(run) => run.changed = version,
            None => state.end(version, key.to_owned()),
        }
        drop(state);
        self.tell();
    }

    /// Waits until the version is another than this, or for so long.
    pub(crate) async fn changed(&self, since: u64, patience: Duration) {
        let news = self.news.notified();
        tokio::pin!(news);
        news.as_mut().enable();
        self.is_awaited.store(true, Ordering::SeqCst);
        if self.version() == since {
            let _ = tokio::time::timeout(patience, news).await;
        }
    }

    /// The runs that have changed after this version.
    pub(crate) fn since(&self, version: u64) -> News {
        let state = self.state();
        if version < state.forgotten {
            return News { runs: Vec::new(), more: true };
        }
        let ended = state.ended.iter().rev().take_while(|(at, _)| *at > version);
        let active = state.runs.iter().filter(|(_, run)| run.changed > version);
        let mut keys = ended.map(|(_, key)| key).chain(active.map(|(key, _)| key));
        let runs: Vec<String> = keys.by_ref().take(MOST_NAMED).cloned().collect();
        News { runs, more: keys.next().is_some() }
    }

    /// What runs and waits in a run, and whether it is under way at all.
    pub(crate) fn activity(&self, key: &str) -> (bool, Vec<Activity>) {
        let state = self.state();
        let Some(run) = state.runs.get(key) else { return (false, Vec::new()) };
        (true, run.tasks.iter().map(activity).collect())
    }

    /// How many attempts run now of each event that has some: a step's path ends with its event.
    pub(crate) fn running(&self) -> HashMap<String, usize> {
        let state = self.state();
        let mut counts = HashMap::new();
        let tasks = state.runs.values().flat_map(|run| &run.tasks);
        for ((path, _), _) in tasks.filter(|(_, task)| task.until.is_none()) {
            let name = path.rsplit('/').next().unwrap_or(path);
            let event = name.split('#').next().unwrap_or(name);
            *counts.entry(event.to_owned()).or_insert(0) += 1;
        }
        counts
    }

    /// How many runs are under way.
    pub(crate) fn active_runs(&self) -> usize {
        self.state().runs.len()
    }

    fn next(&self) -> u64 {
        self.version.fetch_add(1, Ordering::AcqRel) + 1
    }

    /// Wakes the pages that wait for news, if there are any.
    fn tell(&self) {
        if self.is_awaited.load(Ordering::SeqCst) && self.is_awaited.swap(false, Ordering::SeqCst) {
            self.news.notify_waiters();
        }
    }

    fn change(&self, key: Option<&str>, change: impl FnOnce(&mut LiveRun)) {
        let Some(key) = key else { return };
        let mut state = self.state();
        let version = self.next();
        let run = match state.runs.get_mut(key) {
            Some(run) => run,
            None => state.runs.entry(key.to_owned()).or_default(),
        };
        run.changed = version;
        change(run);
        drop(state);
        self.tell();
    }

    fn change_task(&self, step: &StepEvent<'_>, task: Option<LiveTask>) {
        let context = step.context();
        let place = (context.step_path(), context.item());
        self.change(context.run_key(), |run| {
            match task {
                Some(task) => run.tasks.insert(place, task),
                None => run.tasks.remove(&place),
            };
        });
    }
}

impl State {
    fn end(&mut self, version: u64, key: String) {
        if self.ended.len() == MOST_ENDED
            && let Some((version, _)) = self.ended.pop_front()
        {
            self.forgotten = version;
        }
        self.ended.push_back((version, key));
    }
}

fn activity(((path, item), task): (&(String, Option<u64>), &LiveTask)) -> Activity {
    Activity {
        path: path.clone(),
        item: *item,
        attempt: task.attempt,
        since: task.since,
        until: task.until,
        done: task.parts.map(|(done, _)| done),
        total: task.parts.map(|(_, total)| total),
    }
}

impl LiveObserver {
    pub(crate) fn new(live: Arc<Live>) -> Self {
        live.is_observed.store(true, Ordering::Relaxed);
        Self { live }
    }
}

impl Observer for LiveObserver {
    fn pipeline_execution_start(&self, run: &RunEvent<'_>) {
        self.live.change(run.key(), |_| {});
    }

    fn pipeline_execution_stop(&self, run: &RunEvent<'_>, _: &StepEvent<'_>, _: StopCondition) {
        self.live.change(run.key(), |_| {});
    }

    fn pipeline_execution_end(&self, run: &RunEvent<'_>, _: &RunEnd<'_>) {
        self.live.pools.end_run(run);
        let Some(key) = run.key() else { return };
        let mut state = self.live.state();
        let version = self.live.next();
        state.runs.remove(key);
        state.end(version, key.to_owned());
        drop(state);
        self.live.tell();
    }

    fn pipeline_execution_gone(&self, run: &RunEvent<'_>) {
        self.live.pools.end_run(run);
    }

    fn event_execution_init(&self, step: &StepEvent<'_>) {
        self.live.pools.enter(step);
    }

    fn event_body_enter(&self, step: &StepEvent<'_>) {
        self.live.pools.body(step, true);
    }

    fn event_body_leave(&self, step: &StepEvent<'_>) {
        self.live.pools.body(step, false);
    }

    fn event_execution_start(&self, step: &StepEvent<'_>) {
        self.live.pools.begin(step);
        if step.context().run_key().is_some() {
            let attempt = step.context().attempt();
            let task = LiveTask { attempt, since: now(), until: None, parts: None };
            self.live.change_task(step, Some(task));
        }
    }

    fn event_execution_end(&self, step: &StepEvent<'_>, ended: Ended<'_>) {
        self.live.pools.end(step);
        if let Ended::Exception(exception) = ended {
            self.live.pools.lose_worker(step, exception);
        }
        if step.context().run_key().is_some() {
            self.live.change_task(step, None);
        }
    }

    fn event_execution_progress(&self, step: &StepEvent<'_>, done: u64, total: u64) {
        let context = step.context();
        self.live.change(context.run_key(), |run| {
            if let Some(task) = run.tasks.get_mut(&(context.step_path(), context.item())) {
                task.parts = Some((done, total));
            }
        });
    }

    fn event_execution_retry(&self, step: &StepEvent<'_>, _: &Exception, wait: Duration) {
        if step.context().run_key().is_some() {
            let (since, attempt) = (now(), step.context().attempt());
            let until = Some(since.plus(wait));
            self.live.change_task(step, Some(LiveTask { attempt, since, until, parts: None }));
        }
    }

    fn event_execution_bypassed(&self, step: &StepEvent<'_>, _: &str) {
        self.live.change_task(step, None);
    }

    fn event_execution_cancelled(&self, step: &StepEvent<'_>, _: &Failure) {
        self.live.pools.end_step(step);
        self.live.change_task(step, None);
    }
}
