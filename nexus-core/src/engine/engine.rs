//! The engine as its users hold it.

use std::fmt;
#[cfg(feature = "durable")]
use std::sync::Weak;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, LazyLock};

use super::builder::EngineBuilder;
#[cfg(feature = "durable")]
use super::keys::Durable;
use super::runs::Runs;
use super::shared::{OpenPool, Shared, random_seed};
#[cfg(feature = "durable")]
use super::stepped::{Stepped, Steps};
#[cfg(not(feature = "durable"))]
use super::timer::Timer;
use crate::error::{Error, Result};
use crate::observe::Observers;
#[cfg(feature = "durable")]
use crate::observe::Signals;
use crate::sync::{Mutex, lock};
use crate::time::Clock;
#[cfg(not(feature = "durable"))]
use crate::time::SystemClock;

/// Runs pipelines. Its pools, resources, observers and clock are shared by all its runs.
///
/// A clone is another handle of the same engine. When the last one goes, the pools finish what
/// they were given and end.
///
/// ```
/// use nexus_core::Engine;
/// let engine = Engine::builder().state(String::from("shared by all events")).build()?;
/// # Ok::<(), nexus_core::Error>(())
/// ```
#[derive(Clone)]
pub struct Engine {
    owner: Arc<Owner>,
}

/// What the handles of an engine hold together. A task that ends late holds [`Shared`] alone, so
/// that the engine ends where its last handle goes, not on a worker some time later.
struct Owner(Arc<Shared>);

/// An engine that may have ended.
#[cfg(feature = "durable")]
pub(super) struct WeakEngine {
    owner: Weak<Owner>,
    shared: Weak<Shared>,
}

#[cfg(feature = "durable")]
impl WeakEngine {
    /// A handle of the engine, if it has one.
    pub(super) fn upgrade(&self) -> Option<Engine> {
        self.owner.upgrade().map(|owner| Engine { owner })
    }

    /// What its runs share, as long as it has not ended.
    pub(super) fn shared(&self) -> Option<Arc<Shared>> {
        self.shared.upgrade()
    }
}

impl Engine {
    /// An engine without resources and observers, on the system's clock.
    pub fn new() -> Self {
        Self::from_parts(EngineBuilder::default())
    }

    /// Sets an engine up.
    pub fn builder() -> EngineBuilder {
        EngineBuilder::default()
    }

    /// The engine that [`Pipeline::run`](crate::Pipeline::run) uses, one for the whole program.
    pub fn shared() -> &'static Self {
        static SHARED: LazyLock<Engine> = LazyLock::new(Engine::new);
        &SHARED
    }

    /// The engine's clock.
    pub fn clock(&self) -> &dyn Clock {
        &*self.owner.0.clock
    }

    pub(super) fn shared_state(&self) -> &Arc<Shared> {
        &self.owner.0
    }

    #[cfg(feature = "durable")]
    pub(super) fn downgrade(&self) -> WeakEngine {
        let owner = &self.owner;
        WeakEngine { owner: Arc::downgrade(owner), shared: Arc::downgrade(&owner.0) }
    }

    /// What an engine with a store has to do, where it has no threads.
    #[cfg(feature = "durable")]
    pub(crate) fn steps(&self) -> Option<Steps> {
        let shared = &self.owner.0;
        let writer = Arc::clone(&shared.durable.as_ref()?.writer);
        let (timer, real_timer) = (Arc::clone(&shared.timer), Arc::clone(&shared.real_timer));
        Some(Steps { writer, timer, real_timer })
    }

    fn from_parts(parts: EngineBuilder) -> Self {
        crate::panic::prepare();
        #[cfg(feature = "durable")]
        let (timer, real_timer) = Stepped::timers(parts.stepped.as_ref(), &parts.clock);
        #[cfg(not(feature = "durable"))]
        let (timer, real_timer) =
            (Timer::new(Arc::clone(&parts.clock)), Timer::new(Arc::new(SystemClock::new())));
        let observers = Observers::new(parts.observers);
        #[cfg(feature = "durable")]
        let durable = parts.store.map(|store| {
            let observers = observers.that_want(Signals::COMMITS).cloned().collect();
            let writer = Stepped::writer(parts.stepped.as_ref(), store, observers);
            Durable::new(writer, &real_timer, parts.resumable, parts.keep_finished)
        });
        Self {
            owner: Arc::new(Owner(Arc::new(Shared {
                timer,
                real_timer,
                clock: parts.clock,
                resources: parts.resources,
                observers,
                mocks: parts.mocks,
                pools: Mutex::new(Vec::new()),
                runs: Runs::default(),
                step_timings: parts.step_timings,
                seed: parts.seed.unwrap_or_else(random_seed),
                run_ids: AtomicU64::new(0),
                #[cfg(feature = "durable")]
                durable,
                #[cfg(feature = "durable")]
                stepped: parts.stepped,
            }))),
        }
    }
}

impl EngineBuilder {
    /// The engine. Its pools start with their first task.
    ///
    /// # Errors
    ///
    /// If two resources of the same type were given, of which events could only see one.
    pub fn build(self) -> Result<Engine> {
        if let Some(ty) = self.duplicate_state() {
            return Err(Error::Engine(format!(
                "the engine was given two resources of type `{ty}`; wrap one of them in a type of its own"
            )));
        }
        let engine = Engine::from_parts(self);
        #[cfg(feature = "durable")]
        engine.begin_retention();
        Ok(engine)
    }
}

impl Default for Engine {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Engine")
            .field("clock", &self.owner.0.clock)
            .field("observers", &self.owner.0.observers.len())
            .finish_non_exhaustive()
    }
}

impl Drop for Owner {
    fn drop(&mut self) {
        #[cfg(feature = "durable")]
        if let Some(durable) = &self.0.durable {
            durable.requests.stop();
        }
        self.0.timer.close();
        self.0.real_timer.close();
        let pools = std::mem::take(&mut *lock(&self.0.pools));
        pools.iter().for_each(OpenPool::shut_down);
        #[cfg(feature = "durable")]
        if let Some(durable) = &self.0.durable {
            durable.drivers.close();
            durable.writer.close();
        }
    }
}
