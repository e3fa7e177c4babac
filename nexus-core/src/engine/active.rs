//! A run under way: everything about it but the run itself, which its holder has.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicUsize};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use super::lending::Lending;
use super::mailbox::Mailbox;
use super::progress::ProgressTracker;
use super::recorded::RunJournal;
use super::shared::{Mocked, Shared};
use super::timer::TimerKey;
use super::work::{Work, WorkKind};
use crate::context::{Names, RunInfo};
use crate::event::Body;
use crate::executor::AnyExecutor;
use crate::observe::Signals;
use crate::panic;
use crate::plan::{Place, Plan};
use crate::run::{Run, Task};
use crate::sync::{Mutex, lock};

/// What tells of each step on the driving thread.
const OWN_STEPS: Signals = Signals::OWN_TASKS.with(Signals::STEP_ENDS);

/// A run under way.
pub(crate) type ActiveRun = RunInfo<LocalRun>;

/// What the engine has of a run under way.
pub(crate) struct LocalRun {
    pub(super) engine: Arc<Shared>,
    pub(super) plan: Arc<Plan>,
    pub(super) pools: Vec<Arc<dyn AnyExecutor>>,
    pub(super) mocked: Option<Box<Mocked>>,
    pub(super) tracker: Option<Arc<ProgressTracker>>,
    pub(super) mailbox: Mailbox,
    pub(super) lending: Lending,
    /// What writes the run down, if something does.
    pub(super) journal: Option<Box<RunJournal>>,
    starts: FirstStarts,
    /// Whether it is a part of another run's task.
    pub(super) is_nested: AtomicBool,
    /// Where it stands among the engine's runs.
    pub(super) place: AtomicUsize,
}

/// When the tasks whose policy bounds the time of all attempts began; made with the first of them.
#[derive(Default)]
struct FirstStarts(OnceLock<Box<Starts>>);

type Starts = Mutex<BTreeMap<(u32, Option<u64>), Duration>>;

impl FirstStarts {
    fn starts(&self) -> &Starts {
        self.0.get_or_init(Box::default)
    }
}

impl LocalRun {
    #[expect(clippy::inline_always, reason = "it is built where it stays, instead of copied there")]
    #[inline(always)]
    pub(super) fn new(
        engine: Arc<Shared>,
        plan: Arc<Plan>,
        pools: Vec<Arc<dyn AnyExecutor>>,
        mocked: Option<Box<Mocked>>,
        tracker: Option<Arc<ProgressTracker>>,
        journal: Option<Box<RunJournal>>,
    ) -> Self {
        // An executor of the user's may say anything, and may panic.
        let parallelism =
            |pool: &Arc<dyn AnyExecutor>| panic::contain(|| pool.parallelism()).unwrap_or(1);
        Self {
            mailbox: Mailbox::new(pools.iter().map(parallelism), || engine.processors()),
            lending: Lending::default(),
            starts: FirstStarts::default(),
            is_nested: AtomicBool::new(false),
            place: AtomicUsize::new(0),
            engine,
            plan,
            pools,
            mocked,
            tracker,
            journal,
        }
    }

    /// Where a step's body runs.
    pub(super) fn place_of(&self, step: u32) -> Place {
        match &self.mocked {
            None => self.plan.options_of(step).place,
            Some(mocked) => mocked.places[step as usize],
        }
    }
}

impl ActiveRun {
    /// The run as its tasks see it.
    pub(super) fn info(self: &Arc<Self>) -> Arc<RunInfo> {
        Arc::<Self>::clone(self)
    }

    pub(super) fn new_run(&self) -> Run {
        match &self.journal {
            // Nothing comes between, so that it is made where it stays.
            None => self.run_at_start(),
            Some(journal) => self.recorded_run(journal),
        }
    }

    #[inline]
    fn run_at_start(&self) -> Run {
        let ends = self.engine.observers.want(Signals::STEP_ENDS);
        Run::new(Arc::clone(&self.plan), self.id.0 as u64, self.has_observers(), ends)
    }

    #[cold]
    fn recorded_run(&self, journal: &RunJournal) -> Run {
        if let Some(run) = journal.take_resumed() {
            return *run;
        }
        #[cfg_attr(not(feature = "durable"), expect(unused_mut, reason = "nothing is pending"))]
        let mut run = self.run_at_start();
        #[cfg(feature = "durable")]
        {
            run.accept_pending();
            // Whatever it is told first must find it as it will when it is brought back.
            run.start_ready();
        }
        run
    }

    pub(super) fn body(&self, step: u32) -> &dyn Body {
        let body = self.plan.steps[step as usize].body as usize;
        match &self.mocked {
            None => &*self.plan.bodies[body],
            Some(mocked) => &*mocked.bodies[body],
        }
    }

    /// Where a step's body runs.
    pub(super) fn place(&self, step: u32) -> Place {
        self.place_of(step)
    }

    /// A piece of work that leaves the run.
    pub(super) fn work(&self, kind: WorkKind, task: Task, run: &mut Run) -> Work {
        match kind {
            WorkKind::Body => Work::of_body(task, run, self.wants_previous(task.step)),
            WorkKind::BypassCheck => Work::of_check(task),
        }
    }

    /// Whether the body reads what came along from its context.
    pub(super) fn wants_previous(&self, step: u32) -> bool {
        self.plan.steps[step as usize].hints.closure || self.mocked.is_some()
    }

    /// Whether somebody is told what becomes of each step.
    #[inline]
    pub(super) fn is_observed(&self) -> bool {
        self.tracker.is_some()
            || self.engine.observers.want_any_of(OWN_STEPS.with(Signals::POOL_TASKS))
    }

    /// The same of steps on the driving thread.
    #[inline]
    pub(super) fn are_own_steps_observed(&self) -> bool {
        self.tracker.is_some() || self.engine.observers.want_any_of(OWN_STEPS)
    }

    #[inline]
    pub(super) fn has_observers(&self) -> bool {
        !self.engine.observers.is_empty()
    }

    /// Whether the task's policy bounds the time of all its attempts.
    pub(super) fn is_bounded(&self, task: Task) -> bool {
        self.plan.steps[task.step as usize].hints.bounded
    }

    /// Notes when a bounded task began, which is when its first attempt did.
    pub(super) fn note_start(&self, task: Task, at: Duration) {
        lock(self.starts.starts()).entry((task.step, task.item)).or_insert(at);
    }

    /// The same for a task that began before its run was brought back.
    #[cfg(feature = "durable")]
    pub(super) fn note_start_again(&self, task: Task, at: Duration) {
        if self.is_bounded(task) {
            lock(self.starts.starts()).insert((task.step, task.item), at);
        }
    }

    /// The time since a bounded task's first attempt began; zero for others.
    #[inline]
    pub(super) fn elapsed(&self, task: Task) -> Duration {
        if !self.is_bounded(task) {
            return Duration::ZERO;
        }
        self.since_start(task)
    }

    #[cold]
    fn since_start(&self, task: Task) -> Duration {
        if let Some(recorded) = self.journal.as_ref().and_then(|it| it.take_elapsed(task)) {
            return recorded;
        }
        self.measured_elapsed(task)
    }

    /// The same, by the clock.
    pub(super) fn measured_elapsed(&self, task: Task) -> Duration {
        let start = lock(self.starts.starts()).get(&(task.step, task.item)).copied();
        start.map_or(Duration::ZERO, |start| self.engine.clock.now().saturating_sub(start))
    }

    /// How long an attempt of the task may take.
    pub(super) fn timeout(&self, task: Task) -> Option<Duration> {
        if !self.plan.steps[task.step as usize].hints.guarded {
            return None;
        }
        self.plan.options_of(task.step).timeout
    }

    /// Has what `call` gives called when the task's time is over, if it has a limit. Gives when that
    /// is.
    pub(super) fn set_timeout<C: FnOnce() + Send + 'static>(
        &self,
        task: Task,
        call: impl FnOnce() -> C,
    ) -> Option<(Duration, TimerKey)> {
        let limit = self.timeout(task)?;
        let at = self.engine.clock.now().saturating_add(limit);
        Some((at, self.engine.timer.set(at, call())))
    }

    /// A call of `then` for the engine's timer, which does not keep the run alive.
    pub(super) fn when_alive(
        self: &Arc<Self>,
        then: impl FnOnce(&Arc<Self>) + Send + 'static,
    ) -> impl FnOnce() + Send + 'static {
        let run = Arc::downgrade(self);
        move || {
            if let Some(run) = run.upgrade() {
                then(&run);
            }
        }
    }

    /// A body that was abandoned has ended.
    pub(super) fn reclaim(&self, pool: u32) {
        let _ = panic::contain(|| self.pools[pool as usize].reclaim());
    }

    pub(super) fn abandon(&self, pool: u32) {
        let _ = panic::contain(|| self.pools[pool as usize].abandon());
    }

    /// Wakes whoever drives the run.
    pub(super) fn wake(&self) {
        self.mailbox.notify(self.mailbox.lock());
    }

    /// The steps whose bodies run on although nobody waits for them.
    pub(super) fn abandoned_names(&self) -> Vec<String> {
        let name = |task: &Task| {
            let item = task.item.map(|item| format!(", item {item}")).unwrap_or_default();
            format!("{}: {}{item}", self.plan.name(), self.plan.step_path(task.step))
        };
        self.mailbox.abandoned().iter().map(name).collect()
    }
}
