//! The simulated machine: one thread, on which one thing happens after the other, as a seed decides.
//!
//! The engine is the real one, without threads. What could happen next is looked up at each step: a
//! run or a task can go on, a worker can take a job, the writer can commit, a timer is due. One of
//! them is drawn. Where there is nothing, the clock goes on to the next thing. What blocks its thread
//! in real life, a body of the driving thread and a commit, lets the others go on from within.

mod attempts;
mod body;
mod choices;
mod clock;
mod executor;
mod outside;
mod process;
mod slots;
mod store;

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Weak};
use std::task::{Context as PollContext, Poll, Waker};
use std::time::Duration;

use body::SimulatedBody;
use choices::Choice;
use executor::{SimulatedExecutor, shape_of};
use process::Process;
use slots::{Flag, MOST_TRIES, PendingTask, RunSlot, SimulatedPool, TaskSlot};

use super::ledger::Ledger;
use super::random::Random;
use super::settings::Settings;
use super::trace::{Changes, Trace};
use crate::context::Names;
use crate::current::running_again;
use crate::engine::id_of;
use crate::error::Result;
use crate::executor::{AnyExecutor, ClaimedTask, Job};
use crate::journal::{Change, MemoryStore, Timestamp};
use crate::plan::{Plan, Pool};
use crate::report::{Report, Status};
use crate::run::Task;
use crate::sync::{Mutex, MutexGuard, lock};

/// How often a process dies in one simulation.
const MOST_DEATHS: u32 = 24;

/// The year 2000 by the wall clock, when each simulation begins.
const YEAR_2000: Duration = Duration::from_hours(262_968);

struct World {
    plan: Arc<Plan>,
    settings: Settings,
    /// What outlives the process.
    disk: MemoryStore,
    state: Mutex<State>,
}

struct State {
    random: Random,
    now: Duration,
    /// How far the wall clock is from where it began, in microseconds.
    wall_offset: i64,
    /// Which process it is, from 1; and whether it is dead.
    process_number: u32,
    is_dead: bool,
    deaths: u32,
    process: Option<Arc<Process>>,
    pools: Vec<SimulatedPool>,
    tasks: BTreeMap<u64, TaskSlot>,
    last_task: u64,
    runs: Vec<RunSlot>,
    /// When the engine looks at the requests of other processes, and whether there are any: without,
    /// nothing comes of it.
    next_requests: Duration,
    has_requests: bool,
    /// What the world outside is to say how it ended.
    pending: Vec<PendingTask>,
    /// What is being written.
    in_flight: Option<Vec<Change>>,
    /// The task that is polled, and how the bodies that are called now take their time.
    current: Option<u64>,
    calls: Calls,
    faults: u64,
    trace: Trace,
    violation: Option<String>,
}

/// How the body that is called takes its time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Calls {
    /// It is computed again while its run is brought back.
    Replay,
    /// It is over at once.
    Instant,
    /// Others go on meanwhile.
    Timed,
}

impl World {
    fn new(plan: &Plan, settings: Settings, seed: u64, keys: &[Arc<str>]) -> Arc<Self> {
        Arc::new_cyclic(|world: &Weak<Self>| {
            let plan = Arc::new(plan.with_bodies(|inner| {
                Arc::new(SimulatedBody { inner: Arc::clone(inner), world: Weak::clone(world) })
            }));
            let mut random = Random::new(seed);
            let runs = keys.iter().map(|key| {
                let id = id_of(key);
                let cancelled = random.chance(settings.cancels);
                let cancel = (random.duration(Duration::from_secs(1)) * 4, random.chance(0.5));
                let at = Timestamp::since_epoch(YEAR_2000);
                RunSlot {
                    key: Arc::clone(key),
                    id,
                    future: None,
                    woken: Flag::raised(),
                    report: None,
                    ledger: Ledger::new(Arc::clone(&plan), id, at),
                    cancel: cancelled.then_some(cancel),
                    again: None,
                    tries: MOST_TRIES,
                    before: None,
                }
            });
            let runs = runs.collect();
            let state = State {
                random,
                now: Duration::ZERO,
                wall_offset: 0,
                process_number: 0,
                is_dead: true,
                deaths: 0,
                process: None,
                pools: Vec::new(),
                tasks: BTreeMap::new(),
                last_task: 0,
                runs,
                next_requests: Duration::ZERO,
                has_requests: false,
                pending: Vec::new(),
                in_flight: None,
                current: None,
                calls: Calls::Replay,
                faults: 0,
                trace: Trace::default(),
                violation: None,
            };
            Self { plan, settings, disk: MemoryStore::new(), state: Mutex::new(state) }
        })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }

    fn now(&self) -> Duration {
        self.state().now
    }

    fn wall_time(&self) -> Duration {
        self.state().wall_time()
    }

    fn is_alive(&self, process: u32) -> bool {
        let state = self.state();
        state.process_number == process && !state.is_dead
    }

    /// The executor that stands in for a pool of the process that begins.
    fn executor(self: &Arc<Self>, pool: &Pool) -> Arc<dyn AnyExecutor> {
        let (workers, blocks) = shape_of(pool);
        let mut state = self.state();
        let jobs = VecDeque::new();
        state.pools.push(SimulatedPool { workers, blocks, jobs, running: 0, abandoned: 0 });
        Arc::new(SimulatedExecutor::new(Arc::downgrade(self), state.pools.len() - 1, workers))
    }

    fn submit(&self, pool: usize, job: Job) {
        let mut state = self.state();
        if state.is_dead {
            drop(state);
            return drop(job);
        }
        state.pools[pool].jobs.push_back(job);
    }

    fn abandon(&self, pool: usize, bodies: isize) {
        if let Some(pool) = self.state().pools.get_mut(pool) {
            pool.abandoned += bodies;
        }
    }

    /// Does something that can be done now. `false` if there is nothing.
    fn step(self: &Arc<Self>) -> bool {
        let mut state = self.state();
        if state.is_dead {
            return false;
        }
        let Some(process) = state.process.clone() else { return false };
        let choices = state.choices(&process);
        if choices.is_empty() || state.may_die(&self.settings) {
            return false;
        }
        let choice = choices[state.random.below(choices.len())];
        drop(state);
        self.perform(choice, &process);
        true
    }

    fn perform(self: &Arc<Self>, choice: Choice, process: &Process) {
        match choice {
            Choice::Run(run) => self.poll_run(run),
            Choice::Task(task) => self.poll_task(task),
            Choice::Job(pool) => self.start_job(pool),
            Choice::Commit => outside(|| process.steps.commit()),
            Choice::Call => outside(|| process.steps.call()),
            Choice::Look => outside(|| process.steps.look()),
            Choice::Requests => self.look_at_requests(process),
            Choice::Resolve(at) => self.resolve(at, process),
            Choice::Cancel(run) => self.cancel(run, process),
            Choice::TryAgain(run) => self.try_again(run, process),
        }
    }

    /// Lets the clock go on to the next thing, but not over `limit`. `false` if there is nothing.
    fn advance(&self, limit: Option<Duration>) -> bool {
        let mut state = self.state();
        if state.is_dead {
            return false;
        }
        let Some(process) = state.process.clone() else { return false };
        let sleeps = state.tasks.values().filter_map(|task| task.sleeps_until);
        let cancels = state.runs.iter().filter_map(|run| run.cancel.map(|(at, _)| at));
        let tries = state.runs.iter().filter_map(|run| run.again.map(|(at, _)| at));
        let resolves = state.pending.iter().map(|pending| pending.at);
        let requests = state.has_requests.then_some(state.next_requests);
        let calls = [process.steps.next_call(), process.steps.next_look()];
        let calls = calls.into_iter().flatten().map(|at| process.began + at);
        let now = state.now;
        let next = sleeps
            .chain(cancels)
            .chain(tries)
            .chain(resolves)
            .chain(requests)
            .chain(calls)
            .chain(limit)
            .filter(|at| *at > now)
            .min();
        let Some(next) = next else { return false };
        if !state.may_die(&self.settings) {
            state.now = next;
        }
        true
    }

    /// Lets time pass for a body that blocks its thread, or a commit. `false` if the process has died
    /// meanwhile.
    fn pass(self: &Arc<Self>, time: Duration) -> bool {
        let state = self.state();
        let (calls, current, until) = (state.calls, state.current, state.now + time);
        drop(state);
        if calls == Calls::Timed && !time.is_zero() {
            outside(|| self.pass_until(until));
        }
        let mut state = self.state();
        (state.calls, state.current) = (calls, current);
        !state.is_dead
    }

    fn pass_until(self: &Arc<Self>, until: Duration) {
        while self.now() < until {
            if !self.step() && !self.advance(Some(until)) {
                return;
            }
        }
    }

    /// Somebody outside calls the engine, which may bring a run back for that.
    fn call_engine<T>(&self, call: impl FnOnce() -> T) -> T {
        let before = self.state().enter(None, Calls::Replay);
        let called = outside(call);
        self.state().leave(before);
        called
    }

    fn poll_run(self: &Arc<Self>, run: usize) {
        let mut state = self.state();
        let slot = &mut state.runs[run];
        slot.woken.take();
        let waker = Waker::from(Arc::clone(&slot.woken));
        let Some(mut future) = slot.future.take() else { return };
        let before = state.enter(None, Calls::Replay);
        drop(state);
        let polled = outside(|| future.as_mut().poll(&mut PollContext::from_waker(&waker)));
        self.state().leave(before);
        match polled {
            Poll::Pending => self.state().runs[run].future = Some(future),
            Poll::Ready(report) => {
                drop(future);
                self.run_ended(run, report);
            }
        }
    }

    fn run_ended(&self, run: usize, report: Result<Report>) {
        let mut state = self.state();
        if state.is_dead {
            return;
        }
        let ended = match report {
            Ok(report) => {
                let status = report.status();
                let ended_early = report.stopped_by().is_some() || report.broken_at().is_some();
                let over = state.runs[run].ledger.over(status, ended_early);
                state.runs[run].report = Some(report);
                let key = Arc::clone(&state.runs[run].key);
                state.note(format!("{key} ended as {}", status.name()));
                state.runs[run].before = None;
                state.may_try_again(run, status, self.plan.len(), &self.settings);
                over
            }
            // It was over, and stays so.
            Err(why)
                if state.runs[run].before.is_some() && state.runs[run].ledger.ended.is_some() =>
            {
                state.note(why.to_string());
                state.runs[run].report = state.runs[run].before.take();
                Ok(())
            }
            Err(why) => Err(format!("the run could not go on: {why}")),
        };
        state.check(run, ended);
    }

    fn poll_task(self: &Arc<Self>, task: u64) {
        let mut state = self.state();
        let Some(slot) = state.tasks.get_mut(&task) else { return };
        slot.woken.take();
        slot.sleeps_until = None;
        let waker = Waker::from(Arc::clone(&slot.woken));
        let Some(mut future) = slot.future.take() else { return };
        let before = state.enter(Some(task), Calls::Timed);
        drop(state);
        let polled = outside(|| future.as_mut().poll(&mut PollContext::from_waker(&waker)));
        let mut state = self.state();
        state.leave(before);
        if polled.is_pending() {
            if let Some(slot) = state.tasks.get_mut(&task) {
                slot.future = Some(future);
            }
            return;
        }
        if let Some(slot) = state.tasks.remove(&task)
            && let Some(pool) = state.pools.get_mut(slot.pool)
        {
            pool.running -= 1;
        }
        drop(state);
        drop(future);
    }

    /// A worker takes a job.
    fn start_job(self: &Arc<Self>, index: usize) {
        let mut state = self.state();
        let waiting = state.pools[index].jobs.len();
        let at = state.random.below(waiting);
        let by_thread = state.pools[index].blocks && state.random.chance(0.25);
        let most = 1 + state.random.below(8);
        let Some(job) = state.pools[index].jobs.remove(at) else { return };
        state.pools[index].running += 1;
        if by_thread {
            let before = state.enter(None, Calls::Instant);
            drop(state);
            let (_, again) = outside(|| job.run_some(most));
            let mut state = self.state();
            state.leave(before);
            state.pools[index].running -= 1;
            drop(state);
            if let Some(job) = again {
                self.submit(index, job);
            }
            return;
        }
        drop(state);
        let future = job.claim().map(ClaimedTask::run_async);
        let mut state = self.state();
        let Some(future) = future else {
            state.pools[index].running -= 1;
            return;
        };
        state.last_task += 1;
        let (task, woken) = (state.last_task, Flag::raised());
        let slot = TaskSlot { future: Some(future), woken, sleeps_until: None, pool: index };
        state.tasks.insert(task, slot);
    }

    /// A commit begins: others go on until the disk has it.
    fn begin_commit(self: &Arc<Self>, changes: &[Change]) {
        let mut state = self.state();
        state.in_flight = Some(changes.to_vec());
        let takes = match state.random.below(3) {
            0 => Duration::ZERO,
            _ => state.random.duration(Duration::from_millis(8)),
        };
        let before = state.enter(None, Calls::Timed);
        drop(state);
        self.pass(takes);
        let mut state = self.state();
        state.leave(before);
        state.may_die(&self.settings);
    }

    /// The changes are safe.
    fn committed(&self, changes: &[Change]) {
        let mut state = self.state();
        state.in_flight = None;
        state.safe(changes);
    }

    /// Whether the task that is polled sleeps on until then.
    fn sleeps(&self, until: Duration) -> bool {
        let mut state = self.state();
        if state.now >= until {
            return false;
        }
        let Some(task) = state.current else { return false };
        if let Some(slot) = state.tasks.get_mut(&task) {
            slot.sleeps_until = Some(until);
        }
        true
    }
}

/// Calls what is no part of the task that this thread is running.
fn outside<T>(call: impl FnOnce() -> T) -> T {
    running_again(&mut None, call)
}

impl State {
    fn wall_time(&self) -> Duration {
        let time = YEAR_2000 + self.now;
        let offset = Duration::from_micros(self.wall_offset.unsigned_abs());
        if self.wall_offset < 0 { time.saturating_sub(offset) } else { time + offset }
    }

    fn timestamp(&self) -> Timestamp {
        Timestamp::since_epoch(self.wall_time())
    }

    fn note(&mut self, what: String) {
        self.trace.push(self.now, what);
    }

    fn name(&self, run: usize, plan: &Plan, task: Task) -> String {
        let path = plan.step_path(task.step);
        let item = task.item.map(|item| format!("[{item}]")).unwrap_or_default();
        format!("{} {path}{item} #{}", self.runs[run].key, task.attempt)
    }

    fn enter(&mut self, task: Option<u64>, calls: Calls) -> (Option<u64>, Calls) {
        let before = (self.current, self.calls);
        (self.current, self.calls) = (task, calls);
        before
    }

    fn leave(&mut self, before: (Option<u64>, Calls)) {
        (self.current, self.calls) = before;
    }

    /// What must not be: the simulation is over.
    fn check(&mut self, run: usize, checked: std::result::Result<(), String>) {
        if let Err(why) = checked {
            let key = &self.runs[run].key;
            self.violation.get_or_insert(format!("{key}: {why}"));
            self.is_dead = true;
        }
    }

    /// Draws whether the process dies now.
    fn may_die(&mut self, settings: &Settings) -> bool {
        let is_over = self.runs.iter().all(|run| run.ledger.ended.is_some());
        if !self.is_dead
            && self.deaths < MOST_DEATHS
            && !is_over
            && self.random.chance(settings.crashes)
        {
            self.is_dead = true;
            self.deaths += 1;
            self.note("the process dies".to_owned());
        }
        self.is_dead
    }

    /// Draws whether somebody tries the run again that is over.
    fn may_try_again(&mut self, run: usize, status: Status, steps: usize, settings: &Settings) {
        if self.runs[run].tries == 0 || !self.random.chance(settings.retries) {
            return;
        }
        let from_step = status == Status::Succeeded || self.random.chance(0.5);
        let from = from_step.then(|| self.random.below(steps) as u32);
        let at = self.now + self.random.duration(Duration::from_secs(1));
        self.runs[run].tries -= 1;
        self.runs[run].again = Some((at, from));
    }

    /// Notes that changes are safe.
    fn safe(&mut self, changes: &[Change]) {
        self.note(format!("safe: {}", Changes(changes)));
        let now = self.timestamp();
        for change in changes {
            if let Some(run) = self.runs.iter().position(|run| run.key == *change.key()) {
                let safe = self.runs[run].ledger.safe(change, now);
                if let Some(task) = self.runs[run].ledger.take_pending() {
                    let at = self.now + self.random.duration(Duration::from_secs(1));
                    self.pending.push(PendingTask { run, task, at });
                }
                self.check(run, safe);
            }
        }
    }
}
