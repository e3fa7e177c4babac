//! What pools have to do, as the engine tells it: which attempts wait for a worker, which run, and which
//! bodies still run though nobody waits for them any more.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

use nexus_core::journal::{History, Timestamp};
use nexus_core::{Exception, ExceptionKind, RunEvent, RunId, StepEvent};
use serde::Serialize;

use crate::activity::{Activity, Attempt, Parts};
use crate::clock::now;
use crate::histories::path_of;
use crate::spread::Map;

/// What is in pools.
#[derive(Debug, Default)]
pub(crate) struct LivePools {
    state: Mutex<State>,
    /// How many attempts are known: where there are none, nobody has to look for one.
    attempts: AtomicUsize,
}

#[derive(Debug, Default)]
struct State {
    pools: BTreeMap<Arc<str>, Load>,
    runs: Map<RunId, OfRun>,
}

#[derive(Debug, Default)]
struct OfRun {
    key: Option<String>,
    attempts: Map<Attempt, Placed>,
    /// Whether something of it has changed since somebody asked.
    is_changed: bool,
}

/// An attempt that a pool has.
#[derive(Debug)]
struct Placed {
    pool: Arc<str>,
    /// Since when it waits for a worker, or has one.
    since: Timestamp,
    has_begun: bool,
    /// What its body has said of how far it is.
    parts: Option<Parts>,
    /// Whether its body is on a thread now.
    is_in_body: bool,
    /// Since when nobody waits for it any more.
    over: Option<Timestamp>,
}

/// What a pool has to do.
#[derive(Debug, Clone, Default)]
pub(crate) struct Load {
    pub(crate) workers: usize,
    pub(crate) events: BTreeSet<String>,
    /// Attempts that wait for a worker, and since when some have.
    pub(crate) queued: usize,
    pub(crate) queued_since: Option<Timestamp>,
    pub(crate) running: usize,
    /// Bodies that still run though their attempts are over.
    pub(crate) abandoned: usize,
    /// Workers that died under an attempt, and were replaced.
    pub(crate) lost: u64,
}

/// Attempts of a step that wait for a worker.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Queued {
    pub(crate) path: String,
    pub(crate) pool: String,
    pub(crate) workers: usize,
    pub(crate) attempts: usize,
    /// Since when the first of them waits.
    pub(crate) since: Timestamp,
}

/// A body that still runs though its attempt is over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Abandoned {
    pub(crate) path: String,
    pub(crate) item: Option<u64>,
    pub(crate) attempt: u32,
    /// Since when nobody waits for it any more.
    pub(crate) since: Timestamp,
}

impl LivePools {
    fn state(&self) -> MutexGuard<'_, State> {
        crate::lock(&self.state)
    }

    /// The pools that have had something to do, by their names.
    pub(crate) fn loads(&self) -> BTreeMap<Arc<str>, Load> {
        self.state().pools.clone()
    }

    /// What of a run waits for workers, step by step.
    pub(crate) fn queued(&self, key: &str, history: &History) -> Vec<Queued> {
        let state = self.state();
        let mut steps: BTreeMap<(usize, Arc<str>), (usize, Timestamp)> = BTreeMap::new();
        for ((step, ..), placed) in state.of_key(key).filter(|(_, it)| !it.has_begun) {
            let place = (*step, Arc::clone(&placed.pool));
            let (attempts, since) = steps.entry(place).or_insert((0, placed.since));
            *attempts += 1;
            *since = placed.since.min(*since);
        }
        let queued = |((step, pool), (attempts, since)): ((_, Arc<str>), _)| Queued {
            workers: state.pools.get(&pool).map_or(0, |it| it.workers),
            pool: pool.to_string(),
            path: path_of(history, step),
            attempts,
            since,
        };
        steps.into_iter().map(queued).collect()
    }

    /// What of a run has a worker.
    pub(crate) fn running(&self, key: &str, history: &History) -> Vec<Activity> {
        let state = self.state();
        let running = state.of_key(key).filter(|(_, it)| it.has_begun && it.over.is_none());
        let activity = |(attempt, it): (&Attempt, &Placed)| {
            Activity::running(history, *attempt, it.since, it.parts)
        };
        running.map(activity).collect()
    }

    /// The places in the flow of the steps that have workers, or wait for them.
    pub(crate) fn steps(&self, key: &str) -> BTreeSet<usize> {
        let state = self.state();
        let under_way = state.of_key(key).filter(|(_, it)| it.over.is_none());
        under_way.map(|((step, ..), _)| *step).collect()
    }

    /// The runs of which something has changed since this was asked last, as far as they are still known.
    pub(crate) fn take_changed(&self) -> Vec<String> {
        let mut state = self.state();
        let changed = state.runs.values_mut().filter_map(|run| {
            std::mem::take(&mut run.is_changed).then(|| run.key.clone()).flatten()
        });
        changed.collect()
    }

    /// What of a run still runs though nobody waits for it.
    pub(crate) fn abandoned(&self, key: &str, history: &History) -> Vec<Abandoned> {
        let state = self.state();
        let of_run = state.of_key(key).filter_map(|((step, item, attempt), placed)| {
            let (path, item, attempt) = (path_of(history, *step), *item, *attempt);
            Some(Abandoned { path, item, attempt, since: placed.over? })
        });
        of_run.collect()
    }

    /// A pool is given an attempt.
    pub(crate) fn enter(&self, step: &StepEvent<'_>) {
        let Some(pool) = step.pool() else { return };
        let mut state = self.state();
        let name: Arc<str> = match state.pools.get_key_value(&*pool.name) {
            Some((name, _)) => Arc::clone(name),
            None => pool.name.into(),
        };
        let load = state.pools.entry(Arc::clone(&name)).or_default();
        load.workers = pool.workers;
        if !load.events.contains(step.event()) {
            load.events.insert(step.event().to_owned());
        }
        let since = now();
        load.queued += 1;
        load.queued_since.get_or_insert(since);
        let context = step.context();
        let run = state.runs.entry(context.run_id()).or_default();
        if run.key.is_none() {
            run.key = context.run_key().map(str::to_owned);
        }
        run.is_changed = true;
        let placed = Placed {
            pool: name,
            since,
            has_begun: false,
            parts: None,
            is_in_body: false,
            over: None,
        };
        match run.attempts.insert(attempt_of(step), placed) {
            None => _ = self.attempts.fetch_add(1, Ordering::Relaxed),
            Some(before) => state.leave(&before),
        }
    }

    /// A worker has it.
    pub(crate) fn begin(&self, step: &StepEvent<'_>) {
        self.change(step, |placed, pools| {
            // It may begin again, on another worker.
            if !std::mem::replace(&mut placed.has_begun, true)
                && let Some(load) = pools.get_mut(&placed.pool)
            {
                load.leave_queue();
                load.running += 1;
                placed.since = now();
            }
            true
        });
    }

    /// Its body has said how far it is. Says whether the attempt is known here.
    pub(crate) fn progress(&self, step: &StepEvent<'_>, parts: Parts) -> bool {
        let mut is_known = false;
        self.change(step, |placed, _| {
            placed.parts = Some(parts);
            is_known = true;
            true
        });
        is_known
    }

    /// Its body is on a thread, or is not any more.
    pub(crate) fn body(&self, step: &StepEvent<'_>, is_on_thread: bool) {
        self.change(step, |placed, pools| {
            placed.is_in_body = is_on_thread;
            if is_on_thread || placed.over.is_none() {
                return true;
            }
            if let Some(load) = pools.get_mut(&placed.pool) {
                load.abandoned = load.abandoned.saturating_sub(1);
            }
            false
        });
    }

    /// It has ended, or nobody waits for it any more.
    pub(crate) fn end(&self, step: &StepEvent<'_>) {
        self.change(step, Placed::end);
    }

    /// A worker has died under an attempt.
    pub(crate) fn lose_worker(&self, step: &StepEvent<'_>, exception: &Exception) {
        if exception.kind() == ExceptionKind::WorkerLost
            && let Some(pool) = step.pool()
            && let Some(load) = self.state().pools.get_mut(&*pool.name)
        {
            load.lost += 1;
        }
    }

    /// Nothing more of a step is wanted.
    pub(crate) fn end_step(&self, step: &StepEvent<'_>) {
        self.end_all(step.context().run_id(), |(of, ..)| *of == step.step_index());
    }

    /// Nothing more of a run is wanted.
    pub(crate) fn end_run(&self, run: &RunEvent<'_>) {
        self.end_all(run.run_id(), |_| true);
    }

    fn end_all(&self, run: RunId, is_meant: impl Fn(&Attempt) -> bool) {
        if self.attempts.load(Ordering::Relaxed) == 0 {
            return;
        }
        let mut state = self.state();
        let State { pools, runs } = &mut *state;
        let Some(of_run) = runs.get_mut(&run) else { return };
        let before = of_run.attempts.len();
        of_run.attempts.retain(|it, placed| !is_meant(it) || placed.end(pools));
        self.attempts.fetch_sub(before - of_run.attempts.len(), Ordering::Relaxed);
        if of_run.attempts.is_empty() {
            runs.remove(&run);
        }
    }

    /// Changes an attempt, if it is known, and forgets it if `change` says so.
    fn change(
        &self,
        step: &StepEvent<'_>,
        change: impl FnOnce(&mut Placed, &mut BTreeMap<Arc<str>, Load>) -> bool,
    ) {
        if self.attempts.load(Ordering::Relaxed) == 0 {
            return;
        }
        let mut state = self.state();
        let State { pools, runs } = &mut *state;
        let Some(of_run) = runs.get_mut(&step.context().run_id()) else { return };
        let attempt = attempt_of(step);
        let Some(placed) = of_run.attempts.get_mut(&attempt) else { return };
        of_run.is_changed = true;
        if !change(placed, pools) {
            of_run.attempts.remove(&attempt);
            self.attempts.fetch_sub(1, Ordering::Relaxed);
            if of_run.attempts.is_empty() {
                runs.remove(&step.context().run_id());
            }
        }
    }
}

impl State {
    fn of_key<'a>(&'a self, key: &'a str) -> impl Iterator<Item = (&'a Attempt, &'a Placed)> {
        // A run that was tried again may have left bodies behind.
        let runs = self.runs.values().filter(move |run| run.key.as_deref() == Some(key));
        runs.flat_map(|run| &run.attempts)
    }

    fn leave(&mut self, placed: &Placed) {
        if let Some(load) = self.pools.get_mut(&placed.pool) {
            load.leave(placed);
        }
    }
}

impl Placed {
    /// Nobody waits for it any more. Says whether it is still to be known: while its body runs on.
    fn end(&mut self, pools: &mut BTreeMap<Arc<str>, Load>) -> bool {
        if self.over.is_some() {
            return true;
        }
        let Some(load) = pools.get_mut(&self.pool) else { return false };
        load.leave(self);
        if self.is_in_body {
            load.abandoned += 1;
            self.over = Some(now());
        }
        self.is_in_body
    }
}

impl Load {
    fn leave(&mut self, placed: &Placed) {
        if placed.over.is_some() {
            self.abandoned = self.abandoned.saturating_sub(1);
        } else if placed.has_begun {
            self.running = self.running.saturating_sub(1);
        } else {
            self.leave_queue();
        }
    }

    fn leave_queue(&mut self) {
        self.queued = self.queued.saturating_sub(1);
        if self.queued == 0 {
            self.queued_since = None;
        }
    }
}

pub(crate) fn attempt_of(step: &StepEvent<'_>) -> Attempt {
    (step.step_index(), step.context().item(), step.context().attempt())
}
