//! Beginning a recorded run, or going on with one; and ending it.

use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use super::active::ActiveRun;
use super::keys::{Durable, id_of};
use super::mailbox::Contents;
use super::recorded::RunJournal;
use super::restore::{Unrecorded, can_go_on};
use super::shared::Shared;
use super::stored::{KeyGuard, cancel_children, open_children};
use super::writer::{Queued, RecordedRun};
use crate::context::RunId;
use crate::current;
use crate::error::{Error, Result};
use crate::journal::{
    Change, Record, RecordKind, Revision, RunStart, RunState, StoredRun, Timestamp,
};
use crate::plan::{Plan, shortened};
use crate::report::{Report, Status};
use crate::sync::{Mutex, lock, thread};
use crate::value::Value;
use crate::wire::VALUE_LIMIT;

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
    /// Whether to begin may be to wait for another run. Inside of an event keys come one after the
    /// other, so that one cannot tell.
    pub(super) fn may_wait(&self, durable: &Durable) -> bool {
        let is_inside = || current::recorded_run().is_some();
        self.key.as_ref().map_or_else(is_inside, |key| durable.is_taken(key))
    }

    /// That of a run under this key, or under a new one.
    pub(super) fn under(key: Option<Arc<str>>) -> Self {
        Self { key, resumes: false, resumed: Mutex::new(None) }
    }

    /// That of a run which goes on, and has taken its key.
    pub(super) fn resumed(resumed: Resumed) -> Self {
        let key = Some(Arc::clone(resumed.guard.key()));
        Self { key, resumes: true, resumed: Mutex::new(Some(resumed)) }
    }

    /// Takes the key, and looks up what the store has of it.
    ///
    /// # Errors
    ///
    /// If the engine has no store, the run's values cannot be written down, or the key belongs to
    /// another run.
    pub(super) fn begin(&self, engine: &Arc<Shared>, run: &Recorded<'_>) -> Result<Beginner> {
        let checked = self.check(engine, run)?;
        if let Some(resumed) = self.take_resumed() {
            return Ok(resumed.beginner());
        }
        let key = &checked.key;
        if !checked.durable.take(key) {
            return Err(Error::Durable(format!(
                "the task that waited for the run `{key}` is not wanted any more"
            )));
        }
        let guard = KeyGuard::taken(engine, key);
        checked.look_up(run, guard)
    }

    /// The same for a future.
    pub(super) async fn begin_async(
        &self,
        engine: &Arc<Shared>,
        run: &Recorded<'_>,
    ) -> Result<Beginner> {
        let checked = self.check(engine, run)?;
        if let Some(resumed) = self.take_resumed() {
            return Ok(resumed.beginner());
        }
        std::future::poll_fn(|cx| {
            let taken = checked.durable.poll_take(&checked.key, cx.waker());
            if taken { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
        let guard = KeyGuard::taken(engine, &checked.key);
        checked.look_up(run, guard)
    }

    fn take_resumed(&self) -> Option<Resumed> {
        lock(&self.resumed).take()
    }

    fn check<'a>(&self, engine: &'a Shared, run: &Recorded<'_>) -> Result<Checked<'a>> {
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
            Some(key) if durable.is_above(key, current::recorded_run()) => {
                return Err(Error::Durable(format!(
                    "the run `{key}` would wait for itself: it is begun inside of one of its own events"
                )));
            }
            Some(key) => Arc::clone(key),
            None => match current::next_key() {
                Some(key) => key,
                None => new_key(engine, durable)?,
            },
        };
        // A run of another engine has its children in another store.
        let parent = current::recorded_run();
        let parent = parent.filter(|parent| run.awaited && durable.is_taken(parent));
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
        Ok(Checked { durable, key, parent, inputs })
    }
}

/// A run whose values can be recorded, under its key.
struct Checked<'a> {
    durable: &'a Durable,
    key: Arc<str>,
    /// The key of the run whose event begins it.
    parent: Option<Arc<str>>,
    inputs: String,
}

impl Checked<'_> {
    /// What the store has of the key of a run that is not resumed.
    fn look_up(self, run: &Recorded<'_>, guard: KeyGuard) -> Result<Beginner> {
        let Self { durable, key, parent, inputs } = self;
        if let Some(parent) = &parent {
            durable.note_child(parent);
        }
        let Some(stored) = durable.store().run(&key)? else {
            let flow = Arc::clone(run.plan.flow_record());
            let at = guard.engine().timestamp();
            let mut start = RunStart::new(key, run.plan.name(), flow, inputs, at);
            start.deadline = run.timeout.map(|limit| at.plus(limit));
            start.parent = parent;
            return Ok(Beginner { guard, beginning: Beginning::New(Box::new(start)) });
        };
        same_run(&stored, run.plan, &inputs)?;
        can_go_on(&stored, run.plan)?;
        let is_tried_again = match &parent {
            Some(parent) => is_tried_again_with(durable, parent, &stored)?,
            None => false,
        };
        let resumed = if is_tried_again {
            let at = guard.engine().timestamp();
            Resumed::tried_again(guard, stored, None, at)
        } else {
            Resumed::as_it_is(guard, stored)
        };
        Ok(resumed.beginner())
    }
}

/// Whether a run that is over and did not succeed goes on once more, since somebody has decided so,
/// after its end, of the run whose event asks for it.
fn is_tried_again_with(durable: &Durable, parent: &str, stored: &StoredRun) -> Result<bool> {
    let (RunState::Ended(status), Some(ended_at)) = (stored.state, stored.ended_at) else {
        return Ok(false);
    };
    if status == Status::Succeeded {
        return Ok(false);
    }
    let is_later = |revision: &Revision| {
        revision.at >= ended_at
            && matches!(revision.kind, RecordKind::Retried | RecordKind::Restarted)
    };
    let parent = durable.store().run(parent)?;
    Ok(parent.is_some_and(|parent| parent.revisions.iter().any(is_later)))
}

impl Resumed {
    /// The run goes on as it is.
    pub(super) fn as_it_is(guard: KeyGuard, stored: StoredRun) -> Self {
        // What stood in its way is gone.
        let change = (stored.state == RunState::NeedsDecision)
            .then(|| Change::Decision { key: Arc::clone(&stored.start.key), reason: None });
        Self { guard, stored, change }
    }

    /// A run that is over goes on from what failed, or from a step.
    pub(super) fn tried_again(
        guard: KeyGuard,
        mut stored: StoredRun,
        step: Option<u32>,
        at: Timestamp,
    ) -> Self {
        let (seq, kind, flow) =
            (stored.records + 1, RecordKind::Retried, Arc::clone(stored.flow()));
        let body = flow.named_json();
        let record = Record { seq, at, kind, step, attempt: 0, item: None, body };
        let (key, written) = (Arc::clone(guard.key()), Arc::clone(&flow));
        let change = Some(Change::Revise { key, record, flow: written });
        (stored.state, stored.ended_at) = (RunState::Unfinished, None);
        stored.revisions.push(Revision { seq, at, kind, flow });
        Self { guard, stored, change }
    }

    fn beginner(self) -> Beginner {
        let Self { guard, stored, change } = self;
        Beginner { guard, beginning: Beginning::Stored(Box::new((stored, change))) }
    }
}

/// What is known of a run before it begins.
pub(super) struct Recorded<'a> {
    pub(super) plan: &'a Arc<Plan>,
    pub(super) fields: &'a [Value],
    pub(super) timeout: Option<Duration>,
    /// Whether it is a part of the task that begins it.
    pub(super) awaited: bool,
}

impl Beginner {
    /// The run's key.
    pub(super) fn key(&self) -> Arc<str> {
        Arc::clone(self.guard.key())
    }

    /// The run's identity, which follows from its key.
    pub(super) fn id(&self) -> RunId {
        id_of(self.guard.key())
    }

    /// The part of the run that writes it down.
    pub(super) fn journal(&self, engine: &Shared) -> Option<Box<RunJournal>> {
        let (began_at, ended_at) = match &self.beginning {
            Beginning::New(start) => (start.at, None),
            Beginning::Stored(stored) => (stored.0.start.at, stored.0.ended_at),
        };
        let writer = Arc::clone(&engine.durable.as_ref()?.writer);
        let (key, timer) = (Arc::clone(self.guard.key()), &engine.timer);
        Some(Box::new(RunJournal::new(writer, timer, key, began_at, ended_at)))
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
    /// The key of the run whose event has begun it.
    parent: Option<Arc<str>>,
    /// Whether it went on, so that another process may have begun runs inside of it.
    is_resumed: bool,
    /// What is to be written before anything is started.
    start: Option<Change>,
    /// The `traceparent` of the run, if it is new and somebody traces it: to be written soon.
    traceparent: Option<String>,
}

impl Begun {
    /// Brings a recorded run to where its records left it.
    ///
    /// # Errors
    ///
    /// If they cannot be read.
    pub(super) fn new(active: Arc<ActiveRun>, recorded: Option<Beginner>) -> Result<Self> {
        let (key, parent, start) = (None, None, None);
        let mut begun = Self { active, key, parent, is_resumed: false, start, traceparent: None };
        if let Some(Beginner { guard, beginning }) = recorded {
            begun.key = Some(guard);
            match beginning {
                Beginning::New(start) => {
                    begun.parent.clone_from(&start.parent);
                    begun.start = Some(Change::Start(*start));
                }
                Beginning::Stored(stored) => {
                    let (stored, change) = *stored;
                    begun.active.replay(&stored, change.as_ref(), Unrecorded::Compute)?;
                    (begun.parent, begun.start) = (stored.start.parent, change);
                    begun.is_resumed = true;
                }
            }
        }
        Ok(begun)
    }

    /// Tells the observers that the run is about to begin, or to go on.
    pub(super) fn init(&mut self) {
        let had_ended = self.active.journal.as_ref().is_some_and(|it| it.had_ended());
        if had_ended || !self.active.has_observers() {
            return;
        }
        let begun_in = if self.is_resumed { self.recorded_trace() } else { None };
        let traceparent = self.active.signal_run_init(begun_in.as_deref());
        self.traceparent = traceparent.filter(|_| matches!(self.start, Some(Change::Start(_))));
    }

    /// The `traceparent` that is the run's first record, if it has one.
    fn recorded_trace(&self) -> Option<String> {
        let (durable, key) = (self.active.engine.durable.as_ref()?, self.key.as_ref()?);
        // Without it, the run goes on all the same.
        let first = durable.store().records(key.key(), 0, 1).ok()?.pop()?;
        (first.kind == RecordKind::Traced).then_some(first.body)
    }

    /// Others can find the run from now on; what came for it before is told to it.
    pub(super) fn announce(&self) {
        if let (Some(durable), Some(key)) = (&self.active.engine.durable, &self.key) {
            let run: Arc<dyn RecordedRun> = Arc::<ActiveRun>::clone(&self.active);
            durable.set_run(key.key(), self.parent.as_ref(), &run);
        }
    }

    /// Writes that the run begins, or that it can go on again.
    pub(super) fn write_start(&mut self) -> Result<()> {
        self.queue_start()?.map_or(Ok(()), Queued::wait)?;
        self.write_trace()
    }

    /// Puts into the writer's queue that the run begins, or that it can go on again, if that is
    /// still to be written. It is to be safe before the run is announced.
    pub(super) fn queue_start(&mut self) -> Result<Option<Queued>> {
        match (self.start.take(), &self.active.journal) {
            (Some(start), Some(journal)) => journal.writer.queue(start).map(Some),
            _ => Ok(None),
        }
    }

    /// The same for a future.
    pub(super) async fn write_start_async(&mut self) -> Result<()> {
        if let (Some(start), Some(journal)) = (self.start.take(), &self.active.journal) {
            journal.writer.write_async(start).await?;
        }
        self.write_trace()
    }

    /// Has the trace written that the run begins in. Nobody waits for it: it goes along with the first
    /// record that somebody waits for.
    pub(super) fn write_trace(&mut self) -> Result<()> {
        if let (Some(traceparent), Some(journal)) = (self.traceparent.take(), &self.active.journal)
        {
            journal.record_trace(self.active.engine.timestamp(), traceparent)?;
        }
        Ok(())
    }

    /// Drives the run on this thread, and writes that it is over.
    pub(super) fn drive(self) -> Result<Report> {
        if let Some(report) = self.report_of_the_past() {
            return Ok(report);
        }
        let report = self.active.drive();
        if let (Some(end), Some(journal)) =
            (self.active.ending(report.status())?, &self.active.journal)
        {
            journal.writer.write(end)?;
            self.end_children(|cancel| cancel());
        }
        Ok(report)
    }

    /// Cancels what is not over of the runs that events of this one have begun: it is over, and
    /// nobody comes back to them.
    fn end_children(&self, call: impl FnOnce(Box<dyn FnOnce() + Send>)) {
        let (Some(durable), Some(key)) = (&self.active.engine.durable, &self.key) else { return };
        let key = Arc::clone(key.key());
        if !self.is_resumed && !durable.has_children(&key) {
            return;
        }
        // What cannot be cancelled now is when somebody resumes it.
        if open_children(durable, &key).is_ok_and(|children| !children.is_empty()) {
            let engine = Arc::clone(&self.active.engine);
            call(Box::new(move || {
                if let Some(durable) = &engine.durable {
                    let _ = cancel_children(&engine, durable, &key, Unrecorded::Compute);
                }
            }));
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
        if let (Some(end), Some(journal)) =
            (self.active.ending(report.status())?, &self.active.journal)
        {
            journal.writer.write_async(end).await?;
            // Writing it would block this thread, which is the runtime's.
            self.end_children(|cancel| {
                _ = thread::Builder::new().name("nexus-cancel".to_owned()).spawn(cancel);
            });
        }
        Ok(report)
    }
}

impl Drop for Begun {
    fn drop(&mut self) {
        self.active.signal_run_gone();
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
