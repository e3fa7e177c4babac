//! What is under way right now.
//!
//! The engine tells when runs begin and end, and what pools have to do. What a run does on its own thread
//! nobody is told of: the engine is asked when a page wants to know, four times a second at most. So a step
//! costs a run what it costs without a dashboard.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use nexus_core::journal::History;
use nexus_core::{
    Ended, Engine, Exception, Failure, Observer, RunActivity, RunEnd, RunEvent, RunId, Signals,
    StepEvent, StopCondition,
};
use serde::Serialize;
use tokio::sync::Notify;
use tokio::time::Instant;

use crate::activity::{Activity, Attempt, Parts};
use crate::live_pools::{LivePools, attempt_of};
use crate::lock;
use crate::rounds::{Round, Rounds};

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
    runs: Mutex<Runs>,
    pub(crate) pools: LivePools,
    /// Is held while the engine is asked: whoever comes meanwhile is told of what it says.
    pub(crate) rounds: Mutex<Rounds>,
    /// Counts how often somebody has looked for what has changed. What changes is marked with it, under the
    /// lock of the runs, so that whoever looks later finds it.
    version: AtomicU64,
    /// Whether an engine tells what happens.
    is_observed: AtomicBool,
    /// Whether a page waits for news.
    is_awaited: AtomicBool,
    news: Notify,
}

/// The runs, by their keys.
#[derive(Debug, Default)]
struct Runs {
    active: HashMap<String, LiveRun>,
    /// The runs that are under way no more, each with the version in which it ended. Of those that ended in
    /// the version `forgotten` or before, some may be missing.
    ended: VecDeque<(u64, String)>,
    forgotten: Option<u64>,
    /// When the engine has said what the runs do, if it was asked in the last round of news.
    told: Option<Instant>,
    /// When something happened last that it tells by itself.
    happened: Option<Instant>,
}

/// A run under way.
#[derive(Debug)]
struct LiveRun {
    id: RunId,
    /// The version that changed it last.
    changed: u64,
    /// What the engine said of it when it was asked last.
    seen: Option<Seen>,
    /// What the task on its own thread has said that said something last.
    parts: Option<(Attempt, Parts)>,
}

/// Enough of what a run does to notice a change.
#[derive(Debug, PartialEq, Eq)]
struct Seen {
    records: u64,
    running: Option<Attempt>,
    retrying: usize,
}

/// What has changed since a page was told last.
#[derive(Debug, Default, Serialize)]
pub(crate) struct News {
    /// The runs, or some of them.
    pub(crate) runs: Vec<String>,
    /// Whether there were more than these, or nobody knows which.
    pub(crate) more: bool,
}

/// What a page has heard.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Heard {
    /// In which round of news it was told last.
    round: u64,
    /// The first version that it was not told of.
    pub(crate) version: u64,
}

/// So many runs are named in one piece of news.
const MOST_NAMED: usize = 200;

impl News {
    fn is_empty(&self) -> bool {
        !self.more && self.runs.is_empty()
    }
}

impl Live {
    pub(crate) fn is_observed(&self) -> bool {
        self.is_observed.load(Ordering::Relaxed)
    }

    /// A version that no change has before this call, and each has after it.
    pub(crate) fn new_version(&self) -> u64 {
        self.version.fetch_add(1, Ordering::AcqRel) + 1
    }

    /// The version of a change. Who asks for it holds the lock of the runs.
    fn version(&self) -> u64 {
        self.version.load(Ordering::Acquire)
    }

    /// What a page has heard that is opened now.
    pub(crate) fn heard_nothing(&self) -> Heard {
        Heard { round: lock(&self.rounds).last(), version: self.new_version() }
    }

    /// Waits until something has changed that a page has not heard, or for so long; gives what has, which the
    /// page has then heard.
    pub(crate) async fn changed(
        &self,
        engine: &Engine,
        heard: &mut Heard,
        patience: Duration,
    ) -> Option<News> {
        let over = Instant::now() + patience;
        loop {
            let round = self.round(engine, heard.round).await;
            let happens = self.news.notified();
            tokio::pin!(happens);
            happens.as_mut().enable();
            self.is_awaited.store(true, Ordering::SeqCst);
            let (news, version) = self.since(heard.version);
            if !news.is_empty() {
                *heard = Heard { round, version };
                return Some(news);
            }
            if Instant::now() >= over {
                return None;
            }
            // Nobody tells what runs do that are under way; that one begins is told.
            let next = lock(&self.rounds).over().filter(|_| self.active_runs() > 0);
            let next = next.map_or(over, |next| next.min(over));
            let _ = tokio::time::timeout_at(next, happens).await;
        }
    }

    /// Waits until a page may be told of news that was told of some in this round, and gives the round in which
    /// it may. When one begins, the engine is asked what the runs do.
    async fn round(&self, engine: &Engine, told: u64) -> u64 {
        loop {
            let wait = {
                let mut rounds = lock(&self.rounds);
                let now = Instant::now();
                match rounds.round(told, now) {
                    Round::Joins(round) => return round,
                    Round::Begins(round) => {
                        self.ask(engine);
                        rounds.work(now.elapsed());
                        return round;
                    }
                    Round::Waits(until) => until,
                }
            };
            tokio::time::sleep_until(wait).await;
        }
    }

    /// The runs that have changed in this version or a later one, as far as it is known here, and the version
    /// in which whatever changes next does.
    pub(crate) fn since(&self, version: u64) -> (News, u64) {
        let next = self.new_version();
        let known = lock(&self.runs);
        if known.forgotten.is_some_and(|forgotten| version <= forgotten) {
            return (News { runs: Vec::new(), more: true }, next);
        }
        let active = known.active.iter().filter(|(_, run)| run.changed >= version);
        let ended = known.ended.iter().rev().take_while(|(at, _)| *at >= version);
        let changed = active.map(|(key, _)| key).chain(ended.map(|(_, key)| key));
        let mut runs: Vec<String> = changed.take(MOST_NAMED + 1).cloned().collect();
        let more = runs.len() > MOST_NAMED;
        runs.truncate(MOST_NAMED);
        (News { runs, more }, next)
    }

    /// Asks the engine what the runs do.
    fn ask(&self, engine: &Engine) {
        if self.active_runs() == 0 {
            lock(&self.runs).told = None;
            return;
        }
        let (activity, in_pools) = (engine.activity(), self.pools.take_changed());
        let told = Instant::now();
        let mut runs = lock(&self.runs);
        runs.told = Some(told);
        let version = self.version();
        for activity in activity {
            if let Some(run) = runs.active.get_mut(&*activity.key)
                && run.id == activity.run_id
                && run.differs_from(&activity)
            {
                run.changed = version;
            }
        }
        for key in in_pools {
            if let Some(run) = runs.active.get_mut(&key) {
                run.changed = version;
            }
        }
    }

    /// When the engine has said what runs do, if the round of news goes on in which it was asked.
    fn told(&self) -> Option<Instant> {
        let over = lock(&self.rounds).over()?;
        lock(&self.runs).told.filter(|_| Instant::now() < over)
    }

    /// The same, if this run is under way. Of whatever it has recorded since, pages are told in the next round.
    pub(crate) fn told_at(&self, key: &str) -> Option<Instant> {
        self.told().filter(|_| self.is_active(key))
    }

    /// The same, or when pages were told later of any run.
    pub(crate) fn all_told_at(&self) -> Option<Instant> {
        let told = self.told()?;
        Some(lock(&self.runs).happened.map_or(told, |happened| happened.max(told)))
    }

    /// Whether a run is under way.
    pub(crate) fn is_active(&self, key: &str) -> bool {
        lock(&self.runs).active.contains_key(key)
    }

    /// How many runs are under way.
    pub(crate) fn active_runs(&self) -> usize {
        lock(&self.runs).active.len()
    }

    /// What runs in a run, that which runs for longest first, and then what waits; so much at most.
    pub(crate) fn activity(
        &self,
        engine: &Engine,
        key: &str,
        history: &History,
        most: usize,
    ) -> Vec<Activity> {
        let mut all = self.pools.running(key, history);
        if let Some(run) = engine.activity_of(key) {
            let parts = lock(&self.runs).active.get(key).and_then(|run| run.parts);
            let parts_of = |attempt: Attempt| parts.filter(|(of, _)| *of == attempt);
            let own = Activity::of_run(&run, history, move |it| Some(parts_of(it)?.1));
            all.extend(own);
        }
        Activity::sorted(all, most)
    }

    /// The places of the steps of a run that are under way.
    pub(crate) fn active_steps(&self, engine: &Engine, key: &str) -> BTreeSet<usize> {
        let mut steps = self.pools.steps(key);
        if let Some(run) = engine.activity_of(key) {
            steps.extend(run.running.iter().chain(&run.retrying).map(|it| it.step_index));
        }
        steps
    }

    /// Something has happened to this run.
    pub(crate) fn touch(&self, key: &str) {
        let mut runs = lock(&self.runs);
        let version = self.version();
        match runs.active.get_mut(key) {
            Some(run) => run.changed = version,
            None => runs.end(version, key),
        }
        self.tell(runs);
    }

    fn start(&self, id: RunId, key: &str) {
        let mut runs = lock(&self.runs);
        let run = LiveRun { id, changed: self.version(), seen: None, parts: None };
        runs.active.insert(key.to_owned(), run);
        self.tell(runs);
    }

    fn end(&self, id: RunId, key: &str) {
        let mut runs = lock(&self.runs);
        // Somebody may have begun it again meanwhile.
        if runs.active.get(key).is_some_and(|run| run.id == id) {
            runs.active.remove(key);
        }
        let version = self.version();
        runs.end(version, key);
        self.tell(runs);
    }

    /// Something has happened that pages are told of: wakes those that wait for news, if there are any.
    fn tell(&self, mut runs: MutexGuard<'_, Runs>) {
        runs.happened = Some(Instant::now());
        drop(runs);
        if self.is_awaited.load(Ordering::SeqCst) && self.is_awaited.swap(false, Ordering::SeqCst) {
            self.news.notify_waiters();
        }
    }

    /// Changes a run, if it is durable and under way.
    fn change(&self, key: Option<&str>, change: impl FnOnce(&mut LiveRun)) {
        let Some(key) = key else { return };
        let mut runs = lock(&self.runs);
        let version = self.version();
        if let Some(run) = runs.active.get_mut(key) {
            run.changed = version;
            change(run);
            runs.happened = Some(Instant::now());
        }
    }
}

impl Runs {
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
    /// Whether the run does something else than it did, or is about to.
    fn differs_from(&mut self, now: &RunActivity) -> bool {
        let running = now.running.as_ref();
        let seen = Seen {
            records: now.records,
            running: running.map(|it| (it.step_index, it.item, it.attempt)),
            retrying: now.retrying.len(),
        };
        let differs = self.seen.as_ref() != Some(&seen);
        self.seen = Some(seen);
        differs || !now.is_settled
    }
}

/// How many attempts run now on the threads of their runs, of each event that has some.
pub(crate) fn running_on_own_threads(engine: &Engine) -> HashMap<String, usize> {
    let mut counts = HashMap::new();
    for task in engine.activity().into_iter().filter_map(|run| run.running) {
        *counts.entry(task.event).or_insert(0) += 1;
    }
    counts
}

impl LiveObserver {
    pub(crate) fn new(live: Arc<Live>) -> Self {
        live.is_observed.store(true, Ordering::Relaxed);
        Self { live }
    }
}

impl Observer for LiveObserver {
    fn signals(&self) -> Signals {
        Signals::POOL_TASKS.with(Signals::BODIES)
    }

    fn pipeline_execution_start(&self, run: &RunEvent<'_>) {
        if let Some(key) = run.key() {
            self.live.start(run.run_id(), key);
        }
    }

    fn pipeline_execution_stop(&self, run: &RunEvent<'_>, _: &StepEvent<'_>, _: StopCondition) {
        self.live.change(run.key(), |_| {});
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
    }

    fn event_execution_end(&self, step: &StepEvent<'_>, ended: Ended<'_>) {
        self.live.pools.end(step);
        if let Ended::Exception(exception) = ended {
            self.live.pools.lose_worker(step, exception);
        }
    }

    fn event_execution_progress(&self, step: &StepEvent<'_>, done: u64, total: u64) {
        if !self.live.pools.progress(step, (done, total)) {
            let parts = Some((attempt_of(step), (done, total)));
            self.live.change(step.context().run_key(), |run| run.parts = parts);
        }
    }

    fn event_execution_retry(&self, step: &StepEvent<'_>, _: &Exception, _: Duration) {
        // Of an attempt whose time is over, a body may run on.
        self.live.pools.end(step);
        self.live.change(step.context().run_key(), |_| {});
    }

    fn event_execution_bypassed(&self, step: &StepEvent<'_>, _: &str) {
        self.live.change(step.context().run_key(), |_| {});
    }

    fn event_execution_cancelled(&self, step: &StepEvent<'_>, _: &Failure) {
        self.live.pools.end_step(step);
        self.live.change(step.context().run_key(), |_| {});
    }
}

#[cfg(test)]
#[path = "live_tests.rs"]
mod tests;
