//! What a schedule fires, and how.

use std::fmt;
use std::sync::Arc;

use jiff::Timestamp;
use nexus_core::{Engine, Error, Pipeline, Prepared, Result};

use crate::{Schedule, ScheduleError};

/// What becomes of the times that were missed because the program was not running. The last one is
/// not missed but late, and fires, if the program is back within a minute.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Misfire {
    /// They are left out.
    Skip,
    /// The schedule fires once for all of them, as the last one.
    #[default]
    One,
    /// The last so many of them fire, in their order.
    All(usize),
}

/// What happens at a firing while a run of the one before is under way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Overlap {
    /// It is left out.
    #[default]
    Skip,
    /// It waits for the run's end. A hundred wait at most; the next are left out.
    Queue,
    /// Both go on side by side.
    Allow,
}

type Prepare = dyn Fn(&Engine) -> Result<Prepared> + Send + Sync;

/// A schedule with its name, and what it fires.
///
/// ```
/// # use nexus_core::{Context, Engine, Fields, Flow, Inputs, Outcome, Registry};
/// use nexus_schedule::{Misfire, Schedule, Scheduled};
/// # let mut registry = Registry::new();
/// # registry.event("load", |_: &Context| Outcome::success(7_u32));
/// # let plan = Flow::parse("load")?.plan(&registry, &Fields::new())?;
/// let nightly = Schedule::cron("30 2 * * *")?.zone("Europe/Oslo")?;
/// let load = Scheduled::new("load", nightly, move |engine: &Engine| {
///     engine.prepare_plan(&plan, Inputs::new())
/// });
/// let load = load.misfire(Misfire::All(7));
/// # let _ = load;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
#[must_use = "it fires nothing before it is added to a `Scheduler`"]
pub struct Scheduled {
    pub(super) name: Arc<str>,
    pub(super) schedule: Schedule,
    pub(super) prepare: Arc<Prepare>,
    pub(super) misfire: Misfire,
    pub(super) overlap: Overlap,
}

impl Scheduled {
    /// Fires the run that `prepare` prepares.
    pub fn new(
        name: impl Into<Arc<str>>,
        schedule: Schedule,
        prepare: impl Fn(&Engine) -> Result<Prepared> + Send + Sync + 'static,
    ) -> Self {
        let (misfire, overlap) = (Misfire::default(), Overlap::default());
        Self { name: name.into(), schedule, prepare: Arc::new(prepare), misfire, overlap }
    }

    /// Fires this pipeline, made anew each time.
    pub fn pipeline<P: Pipeline>(
        name: impl Into<Arc<str>>,
        schedule: Schedule,
        make: impl Fn() -> P + Send + Sync + 'static,
    ) -> Self {
        Self::new(name, schedule, move |engine| engine.prepare(make()))
    }

    /// What this pipeline says of itself with `#[pipeline(schedule = "..")]`, under its own name; `None`
    /// if it says nothing. Each run has the defaults of its fields.
    ///
    /// # Errors
    ///
    /// If the machine's time zone database has no such zone. The rest was checked by the compiler.
    pub fn declared<P: Pipeline>() -> std::result::Result<Option<Self>, ScheduleError> {
        let Some(declared) = P::SCHEDULE else { return Ok(None) };
        let mut schedule = Schedule::declared(declared.text)?;
        if let Some(zone) = declared.zone {
            schedule = schedule.zone(zone)?;
        }
        Ok(Some(Self::pipeline(P::NAME, schedule, declared.make)))
    }

    /// What becomes of the times that were missed.
    pub fn misfire(self, misfire: Misfire) -> Self {
        Self { misfire, ..self }
    }

    /// What happens at a firing while a run of the one before is under way.
    pub fn overlap(self, overlap: Overlap) -> Self {
        Self { overlap, ..self }
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// When it fires.
    pub fn schedule(&self) -> &Schedule {
        &self.schedule
    }

    /// What the keys of its runs begin with.
    pub(super) fn prefix(&self) -> String {
        format!("schedule/{}/", self.name)
    }

    /// The key of the run that fires at this time.
    pub(super) fn key_at(&self, time: Timestamp) -> String {
        format!("{}{time}", self.prefix())
    }

    /// Checks that its name can be a part of keys, and that it does not fire too often.
    pub(super) fn check(&self, now: Timestamp) -> Result<()> {
        let name = &self.name;
        if name.is_empty() || name.chars().any(|c| c == '/' || c.is_control() || c.is_whitespace())
        {
            let why = "a schedule's name is a word without `/`, a part of its runs' keys";
            return Err(Error::Engine(format!("{why}; `{}` is none", name.escape_debug())));
        }
        let mut next = self.schedule.after(now).map(|time| time.timestamp());
        if let (Some(first), Some(second)) = (next.next(), next.next())
            && first.duration_until(second).as_secs() < 1
        {
            let why = "fires more often than once a second; use a loop of your own for that";
            return Err(Error::Engine(format!("the schedule `{name}` {why}")));
        }
        Ok(())
    }
}

impl fmt::Debug for Scheduled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scheduled")
            .field("name", &self.name)
            .field("schedule", &self.schedule)
            .field("misfire", &self.misfire)
            .field("overlap", &self.overlap)
            .finish_non_exhaustive()
    }
}
