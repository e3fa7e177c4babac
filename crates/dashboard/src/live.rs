//! What is under way right now: what the engine tells, kept until somebody asks.
//!
//! A signal of the engine costs it a short lock. Nobody is woken for it, unless a page waits for news;
//! and a page that was told waits a tenth of a second before it can be told again.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::hash::{BuildHasher, BuildHasherDefault};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use nexus_core::journal::{History, Timestamp};
use nexus_core::{
    Ended, Exception, Failure, Observer, RunEnd, RunEvent, RunId, StepEvent, StopCondition,
};
use serde::Serialize;
use tokio::sync::Notify;

use crate::clock::now;
use crate::histories::path_of;
use crate::live_pools::LivePools;
use crate::lock;
use crate::spread::{Map, Spread};

/// So many runs that are over are remembered, for pages that were away for a while.
const MOST_ENDED: usize = 10_000;

/// Tells the dashboard what the engine's runs do; see [`Dashboard::observer`](crate::Dashboard::observer).
#[derive(Debug)]
pub struct LiveObserver {
    live: Arc<Live>,
}

/// What is under way.
#[derive(Debug)]
pub(crate) struct Live {
    parts: Box<[Part; PARTS]>,
    keys: Mutex<Keys>,
    pub(crate) pools: LivePools,
    /// Counts how often somebody has looked for what has changed. What changes is marked with it, under the
    /// lock of where it is, so that whoever looks later finds it. Only pages write it: processors that do
    /// runs at a time would else take it from each other at each step.
    version: AtomicU64,
    /// Whether an engine tells what happens.
    is_observed: AtomicBool,
    /// Whether a page waits for news.
    is_awaited: AtomicBool,
    news: Notify,
}

/// So many parts that different runs are seldom in the same one.
const PARTS: usize = 256;

/// Some of the runs. Processors that work on different parts do not take memory from each other.
#[derive(Debug, Default)]
#[repr(align(128))]
struct Part(Mutex<Map<RunId, LiveRun>>);

/// The keys of runs.
#[derive(Debug, Default)]
struct Keys {
    active: HashMap<String, RunId>,
    /// The runs that are under way no more, each with the version in which it ended. Of those that ended in
    /// the version `forgotten` or before, some may be missing.
    ended: VecDeque<(u64, String)>,
    forgotten: Option<u64>,
}

/// A run under way.
#[derive(Debug)]
struct LiveRun {
    key: String,
    /// The version that changed it last.
    changed: u64,
    /// By the step's place in the flow, and the item.
    tasks: Map<Place, LiveTask>,
    /// The memory of a name that is not used any more.
    spare: String,
}

type Place = (usize, Option<u64>);

/// An attempt that runs, or the wait before one.
#[derive(Debug, Clone)]
struct LiveTask {
    event: String,
    attempt: u32,
    since: Timestamp,
    /// When it is tried again, if that is what it waits for.
    until: Option<Timestamp>,
    parts: Option<(u64, u64)>,
}

/// The same for a page.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Activity {
    /// The step's place in the flow.
    pub(crate) index: usize,
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

impl Default for Live {
    fn default() -> Self {
        Self {
            parts: Box::new(std::array::from_fn(|_| Part::default())),
            keys: Mutex::default(),
            pools: LivePools::default(),
            version: AtomicU64::new(0),
            is_observed: AtomicBool::new(false),
            is_awaited: AtomicBool::new(false),
            news: Notify::new(),
        }
    }
}

impl News {
    fn is_empty(&self) -> bool {
        !self.more && self.runs.is_empty()
    }
}

impl Live {
    /// The part of the runs in which this one is.
    fn part(&self, run: RunId) -> MutexGuard<'_, Map<RunId, LiveRun>> {
        let hash = BuildHasherDefault::<Spread>::default().hash_one(run);
        lock(&self.parts[(hash >> 32) as usize % PARTS].0)
    }

    pub(crate) fn is_observed(&self) -> bool {
        self.is_observed.load(Ordering::Relaxed)
    }

    /// A version that no change has before this call, and each has after it.
    pub(crate) fn new_version(&self) -> u64 {
        self.version.fetch_add(1, Ordering::AcqRel) + 1
    }

    /// The version of a change. Who asks for it holds the lock of what changes.
    fn version(&self) -> u64 {
        self.version.load(Ordering::Acquire)
    }

    /// Waits until something has changed in this version or a later one, or for so long; gives what has,
    /// and the version in which whatever changes next does.
    pub(crate) async fn changed(&self, version: u64, patience: Duration) -> Option<(News, u64)> {
        let news = self.news.notified();
        tokio::pin!(news);
        news.as_mut().enable();
        self.is_awaited.store(true, Ordering::SeqCst);
        let told = self.since(version);
        if !told.0.is_empty() {
            return Some(told);
        }
        tokio::time::timeout(patience, news).await.ok()?;
        Some(self.since(version))
    }

    /// The runs that have changed in this version or a later one, and the version in which whatever changes
    /// next does.
    pub(crate) fn since(&self, version: u64) -> (News, u64) {
        let next = self.new_version();
        let mut runs = Vec::new();
        for part in &*self.parts {
            let part = lock(&part.0);
            let active = part.values().filter(|run| run.changed >= version);
            runs.extend(active.take(MOST_NAMED + 1).map(|run| run.key.clone()));
        }
        let keys = lock(&self.keys);
        if keys.forgotten.is_some_and(|forgotten| version <= forgotten) {
            return (News { runs: Vec::new(), more: true }, next);
        }
        let ended = keys.ended.iter().rev().take_while(|(at, _)| *at >= version);
        runs.extend(ended.take(MOST_NAMED + 1).map(|(_, key)| key.clone()));
        let more = runs.len() > MOST_NAMED;
        runs.truncate(MOST_NAMED);
        (News { runs, more }, next)
    }

    /// The run with this key, if it is under way.
    fn active(&self, key: &str) -> Option<RunId> {
        lock(&self.keys).active.get(key).copied()
    }

    /// Whether a run is under way.
    pub(crate) fn is_active(&self, key: &str) -> bool {
        self.active(key).is_some()
    }

    /// How many runs are under way.
    pub(crate) fn active_runs(&self) -> usize {
        lock(&self.keys).active.len()
    }

    /// What runs in a run, that which runs for longest first, and then what waits; so much at most.
    pub(crate) fn activity(&self, key: &str, history: &History, most: usize) -> Vec<Activity> {
        let Some(run) = self.active(key) else { return Vec::new() };
        let mut tasks: Vec<(Place, LiveTask)> = match self.part(run).get(&run) {
            None => Vec::new(),
            Some(run) => run.tasks.iter().map(|(place, task)| (*place, task.clone())).collect(),
        };
        tasks.sort_by_key(|(place, task)| (task.until.is_some(), task.since, *place));
        tasks.truncate(most);
        let activity = |((index, item), task): (Place, LiveTask)| Activity {
            index,
            path: path_of(history, index),
            item,
            attempt: task.attempt,
            since: task.since,
            until: task.until,
            done: task.parts.map(|(done, _)| done),
            total: task.parts.map(|(_, total)| total),
        };
        tasks.into_iter().map(activity).collect()
    }

    /// The places of the steps of a run that are under way.
    pub(crate) fn active_steps(&self, key: &str) -> BTreeSet<usize> {
        let mut steps = self.pools.queued_steps(key);
        if let Some(run) = self.active(key)
            && let Some(run) = self.part(run).get(&run)
        {
            steps.extend(run.tasks.keys().map(|(step, _)| *step));
        }
        steps
    }

    /// How many attempts run now of each event that has some.
    pub(crate) fn running(&self) -> HashMap<String, usize> {
        let mut counts = HashMap::new();
        for part in &*self.parts {
            let part = lock(&part.0);
            let tasks = part.values().flat_map(|run| run.tasks.values());
            for task in tasks.filter(|task| task.until.is_none()) {
                match counts.get_mut(&task.event) {
                    Some(count) => *count += 1,
                    None => _ = counts.insert(task.event.clone(), 1),
                }
            }
        }
        counts
    }

    /// Something has happened to this run.
    pub(crate) fn touch(&self, key: &str) {
        if let Some(run) = self.active(key) {
            return self.change(run, |_| {});
        }
        let mut keys = lock(&self.keys);
        let version = self.version();
        keys.end(version, key);
        drop(keys);
        self.tell();
    }

    fn start(&self, run: RunId, key: &str) {
        let (key, tasks, spare) = (key.to_owned(), Map::default(), String::new());
        lock(&self.keys).active.insert(key.clone(), run);
        let mut part = self.part(run);
        part.insert(run, LiveRun { key, changed: self.version(), tasks, spare });
        drop(part);
        self.tell();
    }

    fn end(&self, run: RunId, key: &str) {
        self.part(run).remove(&run);
        let mut keys = lock(&self.keys);
        // Somebody may have begun it again meanwhile.
        if keys.active.get(key) == Some(&run) {
            keys.active.remove(key);
        }
        let version = self.version();
        keys.end(version, key);
        drop(keys);
        self.tell();
    }

    /// Wakes the pages that wait for news, if there are any.
    fn tell(&self) {
        if self.is_awaited.load(Ordering::SeqCst) && self.is_awaited.swap(false, Ordering::SeqCst) {
            self.news.notify_waiters();
        }
    }

    /// Changes a run, if it is durable and under way.
    fn change(&self, run: RunId, change: impl FnOnce(&mut LiveRun)) {
        let mut part = self.part(run);
        let Some(run) = part.get_mut(&run) else { return };
        run.changed = self.version();
        change(run);
        drop(part);
        self.tell();
    }

    /// An attempt runs since then, or the next one waits until then.
    fn begin_task(&self, step: &StepEvent<'_>, since: Timestamp, until: Option<Timestamp>) {
        let context = step.context();
        self.change(context.run_id(), |run| {
            let mut event = std::mem::take(&mut run.spare);
            event.push_str(step.event());
            let task = LiveTask { event, attempt: context.attempt(), since, until, parts: None };
            let before = run.tasks.insert(place(step), task);
            run.keep_memory_of(before);
        });
    }

    fn end_task(&self, step: &StepEvent<'_>) {
        self.change(step.context().run_id(), |run| {
            let task = run.tasks.remove(&place(step));
            run.keep_memory_of(task);
        });
    }
}

impl Keys {
    fn end(&mut self, version: u64, key: &str) {
        if self.ended.len() == MOST_ENDED
            && let Some((version, _)) = self.ended.pop_front()
        {
            self.forgotten = Some(version);
        }
        self.ended.push_back((version, key.to_owned()));
    }
}

impl LiveRun {
    fn keep_memory_of(&mut self, task: Option<LiveTask>) {
        if let Some(task) = task {
            self.spare = task.event;
            self.spare.clear();
        }
    }
}

fn place(step: &StepEvent<'_>) -> Place {
    (step.step_index(), step.context().item())
}

impl LiveObserver {
    pub(crate) fn new(live: Arc<Live>) -> Self {
        live.is_observed.store(true, Ordering::Relaxed);
        Self { live }
    }
}

impl Observer for LiveObserver {
    fn pipeline_execution_start(&self, run: &RunEvent<'_>) {
        if let Some(key) = run.key() {
            self.live.start(run.run_id(), key);
        }
    }

    fn pipeline_execution_stop(&self, run: &RunEvent<'_>, _: &StepEvent<'_>, _: StopCondition) {
        self.live.change(run.run_id(), |_| {});
    }

    fn pipeline_execution_end(&self, run: &RunEvent<'_>, _: &RunEnd<'_>) {
        self.live.pools.end_run(run);
        if let Some(key) = run.key() {
            self.live.end(run.run_id(), key);
        }
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
        self.live.begin_task(step, now(), None);
    }

    fn event_execution_end(&self, step: &StepEvent<'_>, ended: Ended<'_>) {
        self.live.pools.end(step);
        if let Ended::Exception(exception) = ended {
            self.live.pools.lose_worker(step, exception);
        }
        self.live.end_task(step);
    }

    fn event_execution_progress(&self, step: &StepEvent<'_>, done: u64, total: u64) {
        self.live.change(step.context().run_id(), |run| {
            if let Some(task) = run.tasks.get_mut(&place(step)) {
                task.parts = Some((done, total));
            }
        });
    }

    fn event_execution_retry(&self, step: &StepEvent<'_>, _: &Exception, wait: Duration) {
        let since = now();
        self.live.begin_task(step, since, Some(since.plus(wait)));
    }

    fn event_execution_bypassed(&self, step: &StepEvent<'_>, _: &str) {
        self.live.end_task(step);
    }

    fn event_execution_cancelled(&self, step: &StepEvent<'_>, _: &Failure) {
        self.live.pools.end_step(step);
        self.live.end_task(step);
    }
}

#[cfg(test)]
#[path = "live_tests.rs"]
mod tests;
