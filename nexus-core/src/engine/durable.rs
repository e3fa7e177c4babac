//! Beginning a recorded run, or going on with one; and ending it.

use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use super::active::ActiveRun;
use super::keys::Durable;
use super::mailbox::Contents;
use super::recorded::RunJournal;
use super::restore::{can_go_on, flow_record};
use super::shared::Shared;
use super::writer::RecordedRun;
use crate::context::RunId;
use crate::current;
use crate::error::{Error, Result};
use crate::hash::Fnv128;
use crate::journal::{Change, RunStart, RunState, StoredRun, shortened};
use crate::plan::Plan;
use crate::report::{Report, Status};
use crate::sync::{Mutex, lock};
use crate::value::Value;
use crate::wire::VALUE_LIMIT;

/// The right to run under a key, which only one run has at a time.
pub(super) struct KeyGuard {
    engine: Arc<Shared>,
    key: Arc<str>,
}

impl KeyGuard {
    /// Takes the key, if no run has it.
    pub(super) fn try_take(engine: &Arc<Shared>, key: &Arc<str>) -> Option<Self> {
        let taken = engine.durable.as_ref()?.try_take(key);
        taken.then(|| Self::taken(engine, key))
    }

    pub(super) fn key(&self) -> &Arc<str> {
        &self.key
    }

    /// The right to a key that was taken for it.
    pub(super) fn taken(engine: &Arc<Shared>, key: &Arc<str>) -> Self {
        Self { engine: Arc::clone(engine), key: Arc::clone(key) }
    }
}

impl Drop for KeyGuard {
    /// The key is free when what the run has written is safe: whoever has it next reads that.
    fn drop(&mut self) {
        let (engine, key) = (Arc::clone(&self.engine), Arc::clone(&self.key));
        let Some(durable) = &self.engine.durable else { return };
        durable.writer.after_all(move |_| {
            if let Some(durable) = &engine.durable {
                durable.free(&key);
            }
        });
    }
}

/// A key that no run has.
fn new_key(engine: &Shared, durable: &Durable) -> Result<Arc<str>> {
    loop {
        let key: Arc<str> = engine.next_id().to_string().into();
        // An engine with a fixed seed begins with the same ids each time.
        if !durable.is_taken(&key) && durable.store().run(&key)?.is_none() {
            return Ok(key);
        }
    }
}

/// The id of the run with this key: the same after a crash and on another machine, and so are its
/// jitter and its idempotency keys.
pub(crate) fn id_of(key: &str) -> RunId {
    let mut hash = Fnv128::new();
    hash.write(key.as_bytes());
    RunId(hash.0)
}

/// That a run is to be recorded.
pub(super) struct Recording {
    /// Its key; a new one if there is none.
    key: Option<Arc<str>>,
    /// Whether it is there already, and its inputs are those of its records.
    resumes: bool,
    /// The run that goes on, which has taken its key already.
    resumed: Mutex<Option<Resumed>>,
}

/// A run that is in the store, and is to go on.
pub(super) struct Resumed {
    pub(super) guard: KeyGuard,
    pub(super) stored: StoredRun,
    /// What is to be written of it before it goes on.
    pub(super) change: Option<Change>,
}

/// A recorded run that has taken its key, and is to begin.
pub(super) struct Beginner {
    guard: KeyGuard,
    beginning: Beginning,
}

/// How a recorded run begins here.
enum Beginning {
    /// It is new: this is to be written before anything is started.
    New(Box<RunStart>),
    /// It is in the store; something may have to be written before it goes on.
    Stored(Box<(StoredRun, Option<Change>)>),
}

impl Recording {
    /// That of a run under this key, or under a new one.
    pub(super) fn under(key: Option<Arc<str>>) -> Self {
        Self { key, resumes: false, resumed: Mutex::new(None) }
    }

    /// That of a run which goes on, and has taken its key.
    pub(super) fn resumed(resumed: Resumed) -> Self {
        let key = Some(Arc::clone(&resumed.guard.key));
        Self { key, resumes: true, resumed: Mutex::new(Some(resumed)) }
    }

    /// Takes the key, and looks up what the store has of it.
    ///
    /// # Errors
    ///
    /// If the engine has no store, the run's values cannot be written down, or the key belongs to
    /// another run.
    pub(super) fn begin(&self, engine: &Arc<Shared>, run: &Recorded<'_>) -> Result<Beginner> {
        let (durable, key, inputs) = self.check(engine, run)?;
        if let Some(resumed) = self.take_resumed() {
            return Ok(resumed.beginner());
        }
        durable.take(&key);
        look_up(durable, run, KeyGuard { engine: Arc::clone(engine), key }, inputs)
    }

    /// The same for a future.
    pub(super) async fn begin_async(
        &self,
        engine: &Arc<Shared>,
        run: &Recorded<'_>,
    ) -> Result<Beginner> {
        let (durable, key, inputs) = self.check(engine, run)?;
        if let Some(resumed) = self.take_resumed() {
            return Ok(resumed.beginner());
        }
        std::future::poll_fn(|cx| {
            let taken = durable.poll_take(&key, cx.waker());
            if taken { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
        look_up(durable, run, KeyGuard { engine: Arc::clone(engine), key }, inputs)
    }

    fn take_resumed(&self) -> Option<Resumed> {
        lock(&self.resumed).take()
    }

    fn check<'a>(
        &self,
        engine: &'a Shared,
        run: &Recorded<'_>,
    ) -> Result<(&'a Durable, Arc<str>, String)> {
        let Some(durable) = &engine.durable else {
            let of = self.key.as_ref().map(|key| format!(" `{key}`")).unwrap_or_default();
            return Err(Error::Durable(format!(
                "a run has the key{of}, but its engine has no store; give it one with `Engine::builder().store(..)`"
            )));
        };
        let mistakes = run.plan.durable_mistakes();
        if !mistakes.is_empty() {
            let (name, mistakes) = (run.plan.name(), mistakes.join("; "));
            return Err(Error::Durable(format!(
                "a run of `{name}` cannot be recorded: {mistakes}"
            )));
        }
        let inputs = run.plan.fields.write_json(run.fields, VALUE_LIMIT);
        let inputs = inputs.map_err(|error| {
            Error::Durable(format!(
                "the input of `{}` cannot be recorded: {error}",
                run.plan.name()
            ))
        })?;
        let key = match &self.key {
            Some(key) if key.trim().is_empty() => {
                return Err(Error::Durable(
                    "a run's key is empty; give it a name of its own".into(),
                ));
            }
            Some(key) if current::is_inside(id_of(key)) => {
                return Err(Error::Durable(format!(
                    "the run `{key}` would wait for itself: it is begun inside of one of its own events"
                )));
            }
            Some(key) => Arc::clone(key),
            None => new_key(engine, durable)?,
        };
        // Without the store nothing can be done under a key, and nothing is invoked.
        durable.writer.check()?;
        // A run under way is not waited for only to be refused then.
        if !self.resumes
            && durable.is_taken(&key)
            && let Some(stored) = durable.store().run(&key)?
        {
            same_run(&stored, run.plan, &inputs)?;
            can_go_on(&stored, run.plan)?;
        }
        Ok((durable, key, inputs))
    }
}

/// What the store has of the key of a run that is not resumed.
fn look_up(
    durable: &Durable,
    run: &Recorded<'_>,
    guard: KeyGuard,
    inputs: String,
) -> Result<Beginner> {
    let Some(stored) = durable.store().run(&guard.key)? else {
        let flow = Arc::new(flow_record(run.plan));
        let (key, at) = (Arc::clone(&guard.key), guard.engine.timestamp());
        let mut start = RunStart::new(key, run.plan.name(), flow, inputs, at);
        start.deadline = run.timeout.map(|limit| at.plus(limit));
        return Ok(Beginner { guard, beginning: Beginning::New(Box::new(start)) });
    };
    same_run(&stored, run.plan, &inputs)?;
    can_go_on(&stored, run.plan)?;
    Ok(Resumed::as_it_is(guard, stored).beginner())
}

impl Resumed {
    /// The run goes on as it is.
    pub(super) fn as_it_is(guard: KeyGuard, stored: StoredRun) -> Self {
        // What stood in its way is gone.
        let change = (stored.state == RunState::NeedsDecision)
            .then(|| Change::Decision { key: Arc::clone(&stored.start.key), reason: None });
        Self { guard, stored, change }
    }

    fn beginner(self) -> Beginner {
        let Self { guard, stored, change } = self;
        Beginner { guard, beginning: Beginning::Stored(Box::new((stored, change))) }
    }
}

/// What is known of a run before it begins.
pub(super) struct Recorded<'a> {
    pub(super) plan: &'a Plan,
    pub(super) fields: &'a [Value],
    pub(super) timeout: Option<Duration>,
}

impl Beginner {
    /// The run's identity, which follows from its key.
    pub(super) fn id(&self) -> RunId {
        id_of(&self.guard.key)
    }

    /// The part of the run that writes it down.
    pub(super) fn journal(&self, engine: &Shared) -> Option<RunJournal> {
        let (began_at, ended_at) = match &self.beginning {
            Beginning::New(start) => (start.at, None),
            Beginning::Stored(stored) => (stored.0.start.at, stored.0.ended_at),
        };
        let writer = Arc::clone(&engine.durable.as_ref()?.writer);
        let (key, timer) = (Arc::clone(&self.guard.key), &engine.timer);
        Some(RunJournal::new(writer, timer, key, began_at, ended_at))
    }

    /// When the run's time is over, by the engine's clock; it counts from the first start, or from
    /// where it was decided that the run begins again, or goes on after its end.
    pub(super) fn deadline(&self, engine: &Shared) -> Option<Duration> {
        let (start, began_at) = match &self.beginning {
            Beginning::New(start) => (&**start, start.at),
            Beginning::Stored(stored) => (&stored.0.start, stored.0.timed_from()),
        };
        let limit = start.deadline?.since(start.at);
        // A clock that was set back gives no more time than there was.
        let left = began_at.plus(limit).since(engine.timestamp()).min(limit);
        Some(engine.clock.now().saturating_add(left))
    }
}

/// A run that has begun, for whichever driver.
pub(super) struct Begun {
    pub(super) active: Arc<ActiveRun>,
    /// What keeps a recorded run's key, which is free again when the run is over.
    key: Option<KeyGuard>,
    /// What is to be written before anything is started.
    start: Option<Change>,
}

impl Begun {
    /// Brings a recorded run to where its records left it.
    ///
    /// # Errors
    ///
    /// If they cannot be read.
    pub(super) fn new(active: Arc<ActiveRun>, recorded: Option<Beginner>) -> Result<Self> {
        let mut begun = Self { key: None, start: None, active };
        if let Some(Beginner { guard, beginning }) = recorded {
            if let Some(durable) = &guard.engine.durable {
                let run: Arc<dyn RecordedRun> = Arc::<ActiveRun>::clone(&begun.active);
                durable.set_run(&guard.key, Arc::downgrade(&run));
            }
            begun.key = Some(guard);
            match beginning {
                Beginning::New(start) => begun.start = Some(Change::Start(*start)),
                Beginning::Stored(stored) => {
                    let (stored, change) = *stored;
                    begun.active.replay(&stored, change.as_ref())?;
                    begun.start = change;
                }
            }
        }
        Ok(begun)
    }

    /// Writes that the run begins, or that it can go on again.
    pub(super) fn write_start(&mut self) -> Result<()> {
        let (Some(start), Some(journal)) = (self.start.take(), &self.active.journal) else {
            return Ok(());
        };
        journal.writer.write(start)
    }

    /// The same for a future.
    pub(super) async fn write_start_async(&mut self) -> Result<()> {
        let (Some(start), Some(journal)) = (self.start.take(), &self.active.journal) else {
            return Ok(());
        };
        journal.writer.write_async(start).await
    }

    /// Drives the run on this thread, and writes that it is over.
    pub(super) fn drive(self) -> Result<Report> {
        if let Some(report) = self.report_of_the_past() {
            return Ok(report);
        }
        let report = self.active.drive();
        match (self.active.ending(report.status())?, &self.active.journal) {
            (Some(end), Some(journal)) => journal.writer.write(end).map(|()| report),
            _ => Ok(report),
        }
    }

    /// The report of a run that was over when it was brought back: nothing happens any more, and
    /// nobody is told of it.
    pub(super) fn report_of_the_past(&self) -> Option<Report> {
        let journal = self.active.journal.as_ref().filter(|journal| journal.had_ended())?;
        let run = journal.take_resumed()?;
        let elapsed = journal.elapsed(&self.active.engine);
        Some(Report::new(*run, self.active.id, elapsed))
    }

    /// Writes that a run is over that a future has driven.
    pub(super) async fn end_async(self, report: Report) -> Result<Report> {
        match (self.active.ending(report.status())?, &self.active.journal) {
            (Some(end), Some(journal)) => journal.writer.write_async(end).await.map(|()| report),
            _ => Ok(report),
        }
    }
}

impl Drop for Begun {
    fn drop(&mut self) {
        self.active.engine.runs.remove(&*self.active);
        // A run that nobody has driven says nothing to those who ask it.
        drop(Contents::close(self.active.mailbox.lock()));
    }
}

/// Refuses to attach a run to another one.
fn same_run(stored: &StoredRun, plan: &Plan, inputs: &str) -> Result<()> {
    let key = &stored.start.key;
    if *stored.start.pipeline != *plan.name() {
        return Err(Error::Durable(format!(
            "the key `{key}` belongs to a run of `{}`, and was given to one of `{}`; give each run a key of its own",
            stored.start.pipeline,
            plan.name()
        )));
    }
    // A map may be written in another order each time.
    let parsed = |text: &str| serde_json::from_str::<serde_json::Value>(text).ok();
    if stored.start.inputs != inputs && parsed(&stored.start.inputs) != parsed(inputs) {
        return Err(Error::Durable(format!(
            "the key `{key}` belongs to a run with other inputs: it began with {}, and was given {}",
            shortened(&stored.start.inputs),
            shortened(inputs)
        )));
    }
    Ok(())
}

impl ActiveRun {
    /// What is left to do for a recorded run that is over: gives the change to be written, if there
    /// is one.
    ///
    /// # Errors
    ///
    /// If the run could not be written any further, or was left for somebody to resume.
    pub(super) fn ending(&self, status: Status) -> Result<Option<Change>> {
        let Some(journal) = &self.journal else { return Ok(None) };
        if let Some(why) = journal.failure() {
            return Err(Error::Store(why));
        }
        if journal.is_released() {
            return Err(Error::Durable(format!(
                "the run `{}` was left where it is, to be resumed",
                journal.key
            )));
        }
        if journal.had_ended() {
            return Ok(None);
        }
        let (key, at) = (Arc::clone(&journal.key), self.engine.timestamp());
        Ok(Some(Change::End { key, at, status }))
    }
}
