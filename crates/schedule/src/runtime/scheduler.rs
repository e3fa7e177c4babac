//! The scheduler.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use nexus_core::journal::{MemoryStore, Request, RunQuery, Store};
use nexus_core::{Engine, Error, Result, RunHandle};

use super::due::due;
use super::scheduled::{Misfire, Overlap, Scheduled};
use super::status::{ScheduleStatus, Standing};
use super::stored;

/// How often a scheduler's thread looks at the clock, and at what other processes ask for.
const LOOK_EVERY: Duration = Duration::from_millis(250);
/// A firing that comes later than this was missed.
const LATE: SignedDuration = SignedDuration::from_mins(1);
/// So many firings wait for the run before them.
const MOST_WAITING: usize = 100;

/// Fires schedules on an engine.
///
/// Where the engine has a store, each firing is a durable run with the key
/// `schedule/<name>/<time in UTC>`, so that neither a crash nor a second start fires it twice; and
/// what was paused stays paused. Without a store all that is in memory, and ends with the scheduler.
///
/// The time is the [wall time](nexus_core::Clock::wall_time) of the engine's clock.
///
/// ```
/// use nexus_core::{Context, Fields, Flow, Inputs, Outcome, Registry};
/// use nexus_core::testing::TestEngine;
/// use nexus_schedule::{Schedule, Scheduled, Scheduler};
/// let mut registry = Registry::new();
/// registry.event("load", |_: &Context| Outcome::success(7_u32));
/// let plan = Flow::parse("load")?.plan(&registry, &Fields::new())?;
/// let load = move |engine: &nexus_core::Engine| engine.prepare_plan(&plan, Inputs::new());
///
/// let test = TestEngine::new();
/// let clock = test.clock();
/// let hourly = Scheduled::new("load", Schedule::cron("@hourly")?, load);
/// let scheduler = Scheduler::new(&test.build()?).with(hourly)?;
/// let next = scheduler.tick()?;
/// clock.advance(std::time::Duration::from_secs(3600));
/// // A program calls `start` instead.
/// assert!(scheduler.tick()? > next);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use = "nothing is fired until `start`"]
pub struct Scheduler {
    engine: Engine,
    scheduled: Vec<Scheduled>,
    states: Mutex<Vec<State>>,
    /// In place of a store of the engine's.
    memory: MemoryStore,
    on_event: Box<dyn Fn(&ScheduleEvent) + Send + Sync>,
}

/// What is known of a schedule while the scheduler lives.
#[derive(Default)]
struct State {
    /// Its times after this one are still to come; not read yet where there is none.
    after: Option<Timestamp>,
    is_paused: bool,
    /// Firings that are to begin.
    waiting: VecDeque<Timestamp>,
    /// Runs that were begun here, where there is no store that knows of them.
    runs: Vec<RunHandle>,
}

/// Something that a scheduler has done, for logs.
#[derive(Debug)]
#[non_exhaustive]
pub enum ScheduleEvent {
    /// A run has begun.
    Fired {
        /// The schedule's name.
        schedule: Arc<str>,
        /// The run's key; a name only, where the engine has no store.
        key: String,
    },
    /// A firing was left out.
    Skipped {
        /// The schedule's name.
        schedule: Arc<str>,
        /// Which one.
        at: Timestamp,
        /// Why, in a sentence.
        why: &'static str,
    },
    /// A firing was due whose run could not begin.
    Failed {
        /// The schedule's name.
        schedule: Arc<str>,
        /// Why.
        error: Error,
    },
    /// Somebody has paused the schedule.
    Paused {
        /// The schedule's name.
        schedule: Arc<str>,
    },
    /// Somebody has resumed the schedule.
    Resumed {
        /// The schedule's name.
        schedule: Arc<str>,
    },
}

impl Scheduler {
    /// A scheduler without schedules.
    pub fn new(engine: &Engine) -> Self {
        Self {
            engine: engine.clone(),
            scheduled: Vec::new(),
            states: Mutex::default(),
            memory: MemoryStore::new(),
            on_event: Box::new(|_| {}),
        }
    }

    /// Adds a schedule.
    ///
    /// # Errors
    ///
    /// If its name is no word, or is another's; or if it fires more often than once a second.
    pub fn with(mut self, scheduled: Scheduled) -> Result<Self> {
        scheduled.check(self.now())?;
        if self.scheduled.iter().any(|other| other.name == scheduled.name) {
            let name = &scheduled.name;
            return Err(Error::Engine(format!("two schedules are called `{name}`")));
        }
        self.scheduled.push(scheduled);
        self.states().push(State::default());
        Ok(self)
    }

    /// Is told what the scheduler does, on its thread. It must not wait for the scheduler.
    pub fn on_event(mut self, tell: impl Fn(&ScheduleEvent) + Send + Sync + 'static) -> Self {
        self.on_event = Box::new(tell);
        self
    }

    /// Whether firings are recorded, and what is paused stays paused: whether the engine has a store.
    pub fn is_durable(&self) -> bool {
        self.engine.store().is_some()
    }

    /// Fires no more before [`resume`](Self::resume). Runs that are under way go on.
    ///
    /// # Errors
    ///
    /// If there is no such schedule, or the store cannot be written.
    pub fn pause(&self, name: &str) -> Result<()> {
        let key = Arc::clone(&self.find(name)?.name);
        Ok(self.store().request(&Request::PauseSchedule { key })?)
    }

    /// Fires again, at the times from now on: those of the pause are not made up for.
    ///
    /// # Errors
    ///
    /// If there is no such schedule, or the store cannot be written.
    pub fn resume(&self, name: &str) -> Result<()> {
        let (key, after) = (Arc::clone(&self.find(name)?.name), stored(self.now()));
        Ok(self.store().request(&Request::ResumeSchedule { key, after })?)
    }

    /// Fires once at the next look at the clock, whether the schedule is paused or has a run under way.
    ///
    /// # Errors
    ///
    /// If there is no such schedule, or the store cannot be written.
    pub fn fire(&self, name: &str) -> Result<()> {
        let (key, at) = (Arc::clone(&self.find(name)?.name), stored(self.now()));
        Ok(self.store().request(&Request::FireSchedule { key, at })?)
    }

    /// The schedules, each with how it stands.
    ///
    /// # Errors
    ///
    /// If the store cannot be read.
    pub fn list(&self) -> Result<Vec<(&Scheduled, ScheduleStatus)>> {
        let now = self.now();
        let status = |it| Scheduled::status(it, self.store(), now).map(|status| (it, status));
        self.scheduled.iter().map(status).collect()
    }

    /// Fires what is due, and does what was asked for. Gives the next time at which something is due.
    /// For tests and loops of one's own; a program calls [`start`](Self::start).
    ///
    /// # Errors
    ///
    /// If the store cannot be read or written.
    pub fn tick(&self) -> Result<Option<Timestamp>> {
        let (now, requests) = (self.now(), self.store().requests()?);
        let mut next = None;
        for (scheduled, state) in self.scheduled.iter().zip(self.states().iter_mut()) {
            self.look(scheduled, state, Standing::of(scheduled, &requests), now)?;
            let first = scheduled.schedule.after(now).next().map(|time| time.timestamp());
            next = [next, first].into_iter().flatten().min();
        }
        Ok(next)
    }

    /// Fires schedules on a thread, until what is returned is dropped.
    ///
    /// # Errors
    ///
    /// If the store cannot be read, or the system has no thread.
    pub fn start(self) -> Result<SchedulerThread> {
        self.tick()?;
        let stop = Arc::new((Mutex::new(false), Condvar::new()));
        let stopped = Arc::clone(&stop);
        let thread = thread::Builder::new().name("nexus-schedule".to_owned()).spawn(move || {
            let (is_stopped, changed) = &*stopped;
            let mut stopped = is_stopped.lock().unwrap_or_else(PoisonError::into_inner);
            let mut is_broken = false;
            while !*stopped {
                drop(stopped);
                let ticked = self.tick();
                if let (Err(error), false) = (&ticked, is_broken) {
                    self.tell_trouble(error);
                }
                is_broken = ticked.is_err();
                let wait = self.until(ticked.ok().flatten());
                stopped = is_stopped.lock().unwrap_or_else(PoisonError::into_inner);
                if !*stopped {
                    let waited = changed.wait_timeout(stopped, wait);
                    stopped = waited.unwrap_or_else(PoisonError::into_inner).0;
                }
            }
        });
        let why =
            |error| Error::Engine(format!("the system has no thread to fire schedules: {error}"));
        Ok(SchedulerThread { stop, thread: Some(thread.map_err(why)?) })
    }

    /// How long the thread waits before it looks again.
    fn until(&self, next: Option<Timestamp>) -> Duration {
        let left = next.map(|next| self.now().duration_until(next));
        let left = left.and_then(|left| Duration::try_from(left).ok());
        left.map_or(LOOK_EVERY, |left| left.min(LOOK_EVERY))
    }

    /// A store that cannot be read is every schedule's trouble.
    fn tell_trouble(&self, error: &Error) {
        for scheduled in &self.scheduled {
            let (schedule, error) = (Arc::clone(&scheduled.name), Error::Engine(error.to_string()));
            (self.on_event)(&ScheduleEvent::Failed { schedule, error });
        }
    }

    fn now(&self) -> Timestamp {
        let since = SignedDuration::try_from(self.engine.clock().wall_time());
        let now = since.ok().and_then(|since| Timestamp::from_duration(since).ok());
        now.unwrap_or(Timestamp::MAX)
    }

    fn states(&self) -> MutexGuard<'_, Vec<State>> {
        self.states.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Where requests stand.
    fn store(&self) -> &dyn Store {
        self.engine.store().unwrap_or(&self.memory)
    }

    fn find(&self, name: &str) -> Result<&Scheduled> {
        let found = self.scheduled.iter().find(|it| &*it.name == name);
        found.ok_or_else(|| Error::Engine(format!("there is no schedule `{name}`")))
    }

    fn look(
        &self,
        scheduled: &Scheduled,
        state: &mut State,
        standing: Standing,
        now: Timestamp,
    ) -> Result<()> {
        let after = match state.after.max(standing.after) {
            Some(after) => after,
            // It is new, and the store has to know since when.
            None => self.follow(scheduled, now).map(|()| now)?,
        };
        state.after = Some(after);
        for number in standing.outdated {
            self.store().remove_request(number)?;
        }
        self.tell_pause(scheduled, state, standing.is_paused);
        for (number, at) in standing.fire {
            self.fire_at(scheduled, state, at)?;
            self.store().remove_request(number)?;
        }
        if standing.is_paused {
            state.waiting.clear();
            return Ok(());
        }
        self.queue_due(scheduled, state, after, now)?;
        self.begin_waiting(scheduled, state)
    }

    /// Has the times up to this one count as done, though nothing was recorded of them.
    fn follow(&self, scheduled: &Scheduled, after: Timestamp) -> Result<()> {
        let (key, after) = (Arc::clone(&scheduled.name), stored(after));
        Ok(self.store().request(&Request::FollowSchedule { key, after })?)
    }

    fn tell_pause(&self, scheduled: &Scheduled, state: &mut State, is_paused: bool) {
        if std::mem::replace(&mut state.is_paused, is_paused) != is_paused {
            let schedule = Arc::clone(&scheduled.name);
            (self.on_event)(&if is_paused {
                ScheduleEvent::Paused { schedule }
            } else {
                ScheduleEvent::Resumed { schedule }
            });
        }
    }

    fn queue_due(
        &self,
        scheduled: &Scheduled,
        state: &mut State,
        after: Timestamp,
        now: Timestamp,
    ) -> Result<()> {
        let most = match scheduled.misfire {
            Misfire::All(limit) => limit.max(1),
            Misfire::Skip | Misfire::One => 1,
        };
        let due = due(&scheduled.schedule, after, now, most);
        let Some(&last) = due.back() else { return Ok(()) };
        state.after = Some(last);
        if scheduled.misfire == Misfire::Skip && last.duration_until(now) > LATE {
            return self.skip(scheduled, last, "it was missed");
        }
        state.waiting.extend(due);
        while state.waiting.len() > MOST_WAITING.max(most) {
            if let Some(at) = state.waiting.pop_back() {
                self.skip(scheduled, at, "too many wait for the runs before them")?;
            }
        }
        Ok(())
    }

    fn begin_waiting(&self, scheduled: &Scheduled, state: &mut State) -> Result<()> {
        while let Some(&at) = state.waiting.front() {
            if scheduled.overlap != Overlap::Allow && self.is_under_way(scheduled, state)? {
                if scheduled.overlap == Overlap::Queue {
                    return Ok(());
                }
                self.skip(scheduled, at, "the run before it is under way")?;
            } else {
                self.fire_at(scheduled, state, at)?;
                self.follow(scheduled, at)?;
            }
            state.waiting.pop_front();
        }
        Ok(())
    }

    fn skip(&self, scheduled: &Scheduled, at: Timestamp, why: &'static str) -> Result<()> {
        let schedule = Arc::clone(&scheduled.name);
        (self.on_event)(&ScheduleEvent::Skipped { schedule, at, why });
        self.follow(scheduled, at)
    }

    /// Begins the run of this time, unless it has begun before.
    fn fire_at(&self, scheduled: &Scheduled, state: &mut State, at: Timestamp) -> Result<()> {
        let key = scheduled.key_at(at);
        let store = self.engine.store();
        if let Some(store) = store
            && store.run(&key)?.is_some()
        {
            return Ok(());
        }
        let prepared = (scheduled.prepare)(&self.engine);
        let started = prepared.and_then(|run| match store {
            Some(_) => run.key(key.clone()).start(),
            None => run.start(),
        });
        let schedule = Arc::clone(&scheduled.name);
        match started {
            Ok(run) => {
                if store.is_none() {
                    state.runs.push(run);
                }
                (self.on_event)(&ScheduleEvent::Fired { schedule, key });
            }
            // Once the store is in order, or somebody else has it, the firing is still due.
            Err(Error::Store(why)) => return Err(Error::Store(why)),
            Err(error) => (self.on_event)(&ScheduleEvent::Failed { schedule, error }),
        }
        Ok(())
    }

    /// Whether a run of an earlier firing is under way: begun here, or before a crash.
    fn is_under_way(&self, scheduled: &Scheduled, state: &mut State) -> Result<bool> {
        let Some(store) = self.engine.store() else {
            state.runs.retain(|run| !run.is_finished());
            return Ok(!state.runs.is_empty());
        };
        let key_prefix = Some(scheduled.prefix());
        let query = RunQuery { key_prefix, limit: Some(1), ..RunQuery::unfinished() };
        Ok(!store.runs(&query)?.is_empty())
    }
}

impl fmt::Debug for Scheduler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scheduler").field("scheduled", &self.scheduled).finish_non_exhaustive()
    }
}

/// A scheduler that fires, until this is dropped. Runs that it has begun go on.
#[must_use = "dropping it ends the scheduler"]
pub struct SchedulerThread {
    stop: Arc<(Mutex<bool>, Condvar)>,
    thread: Option<thread::JoinHandle<()>>,
}

impl Drop for SchedulerThread {
    fn drop(&mut self) {
        let (is_stopped, changed) = &*self.stop;
        *is_stopped.lock().unwrap_or_else(PoisonError::into_inner) = true;
        changed.notify_all();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl fmt::Debug for SchedulerThread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SchedulerThread").finish_non_exhaustive()
    }
}
