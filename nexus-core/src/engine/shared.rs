//! What the runs of an engine share: clock, resources, observers, mocks, pools.

use std::any::TypeId;
use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

#[cfg(feature = "durable")]
use super::keys::Durable;
use super::queue::processors;
use super::runs::Runs;
#[cfg(feature = "durable")]
use super::stepped::Stepped;
use super::timer::Timer;
use crate::context::RunId;
use crate::error::{Error, Result};
use crate::event::Body;
use crate::executor::{
    AnyExecutor, BodyKind, ExecutorInitializerConfig, ExecutorKind, ThreadPoolExecutor,
};
use crate::hash::mix;
use crate::observe::Observers;
use crate::panic;
use crate::plan::{Place, Plan, Pool};
use crate::sync::{Condvar, Mutex, lock, thread, wait_timeout};
use crate::time::Clock;
use crate::value::{TypeInfo, Value};

/// What the runs of an engine share.
pub(crate) struct Shared {
    pub(super) clock: Arc<dyn Clock>,
    pub(super) resources: HashMap<TypeId, Value>,
    pub(super) observers: Observers,
    pub(super) mocks: HashMap<String, Mock>,
    pub(super) pools: Mutex<Vec<OpenPool>>,
    pub(super) timer: Arc<Timer>,
    /// The same by the system's clock, whatever clock the engine has.
    pub(super) real_timer: Arc<Timer>,
    pub(super) runs: Runs,
    /// Whether durations of steps are measured.
    pub(super) step_timings: bool,
    pub(super) seed: u64,
    pub(super) run_ids: AtomicU64,
    /// What keeps the records of runs, if something does.
    #[cfg(feature = "durable")]
    pub(super) durable: Option<Durable>,
    /// What stands in for the engine's threads, if it has none.
    #[cfg(feature = "durable")]
    pub(super) stepped: Option<Stepped>,
}

/// A body that stands in for an event's own, and what it yields.
#[derive(Clone)]
pub(crate) struct Mock {
    pub(crate) body: Arc<dyn Body>,
    pub(crate) output: TypeInfo,
}

pub(super) struct OpenPool {
    /// `None` for the engine's own pool.
    kind: Option<(TypeId, ExecutorInitializerConfig)>,
    executor: Arc<dyn AnyExecutor>,
}

impl OpenPool {
    /// An executor of the user's may panic; the others are still to be shut down.
    pub(super) fn shut_down(&self) {
        let _ = panic::contain(|| self.executor.shutdown());
    }
}

/// A plan with mocks in place of some of its events.
pub(super) struct Mocked {
    pub(super) bodies: Vec<Arc<dyn Body>>,
    /// Where each step runs: what only other processes would run, and they do not have, has a pool
    /// behind those of the plan.
    pub(super) places: Vec<Place>,
    /// For each pool of the plan, whether it is one of other processes that nothing runs on.
    unused: Vec<bool>,
}

impl Shared {
    pub(super) fn next_id(&self) -> RunId {
        let run = self.run_ids.fetch_add(1, Ordering::Relaxed);
        // Each number of a run has a first half of its own, and so an id of its own.
        let first = mix(self.seed ^ mix(run));
        let second = mix(first ^ self.seed.rotate_left(32));
        RunId(u128::from(first) << 64 | u128::from(second))
    }

    /// The resources that the plan's steps take, in its order.
    #[inline]
    pub(super) fn states(&self, plan: &Plan) -> Result<Vec<Value>> {
        if plan.states.is_empty() {
            return Ok(Vec::new());
        }
        self.known_states(plan)
    }

    fn known_states(&self, plan: &Plan) -> Result<Vec<Value>> {
        let mut states = Vec::with_capacity(plan.states.len());
        for (ty, needed) in plan.states.iter().zip(&plan.states_needed) {
            states.push(match self.resources.get(&ty.id()) {
                Some(state) => state.clone(),
                None if *needed => return Err(Error::MissingState { ty: ty.name() }),
                None => Value::new(()),
            });
        }
        Ok(states)
    }

    /// The executors that the plan names, in its order; with mocks, the shared pool behind them.
    pub(super) fn open_pools(
        &self,
        plan: &Plan,
        mocked: Option<&Mocked>,
    ) -> Result<Vec<Arc<dyn AnyExecutor>>> {
        let mut pools = Vec::new();
        for (index, pool) in plan.pools.iter().enumerate() {
            let is_unused = mocked.is_some_and(|mocked| mocked.unused[index]);
            pools.push(self.executor_of(if is_unused { &Pool::Shared } else { pool })?);
        }
        if mocked.is_some() {
            pools.push(self.executor_of(&Pool::Shared)?);
        }
        Ok(pools)
    }

    /// The executor of a pool, made on first use.
    pub(super) fn executor_of(&self, pool: &Pool) -> Result<Arc<dyn AnyExecutor>> {
        let kind = match pool {
            Pool::Shared => None,
            Pool::Named(kind, config) => Some((kind.id, config.clone())),
        };
        let mut open = lock(&self.pools);
        if let Some(pool) = open.iter().find(|pool| pool.kind == kind) {
            return Ok(Arc::clone(&pool.executor));
        }
        let executor = self.make_executor(pool)?;
        open.push(OpenPool { kind, executor: Arc::clone(&executor) });
        Ok(executor)
    }

    /// The time, for the durations of steps; zero if they are not measured.
    #[inline]
    pub(super) fn step_now(&self) -> Duration {
        if self.step_timings { self.clock.timestamp() } else { Duration::ZERO }
    }

    /// The same in nanoseconds.
    #[inline]
    pub(super) fn step_now_nanos(&self) -> u64 {
        if self.step_timings { self.clock.timestamp_nanos() } else { 0 }
    }

    #[cfg(feature = "durable")]
    fn make_executor(&self, pool: &Pool) -> Result<Arc<dyn AnyExecutor>> {
        match &self.stepped {
            Some(stepped) => Ok(stepped.executor(pool)),
            None => make_executor(pool),
        }
    }

    #[cfg(not(feature = "durable"))]
    #[expect(clippy::unused_self, reason = "as in a build with recorded runs")]
    fn make_executor(&self, pool: &Pool) -> Result<Arc<dyn AnyExecutor>> {
        make_executor(pool)
    }

    /// How many threads get something done at a time.
    #[cfg(feature = "durable")]
    pub(super) fn processors(&self) -> usize {
        if self.stepped.is_some() { Stepped::PROCESSORS } else { processors() }
    }

    #[cfg(not(feature = "durable"))]
    #[expect(clippy::unused_self, reason = "as in a build with recorded runs")]
    pub(super) fn processors(&self) -> usize {
        processors()
    }

    /// The plan with mocks in place; `None` if there are no mocks.
    #[inline]
    pub(super) fn mocked(&self, plan: &Plan) -> Result<Option<Box<Mocked>>> {
        if self.mocks.is_empty() { Ok(None) } else { self.with_mocks(plan).map(Some) }
    }

    fn with_mocks(&self, plan: &Plan) -> Result<Box<Mocked>> {
        let is_remote = |pool: &Pool| match pool {
            Pool::Shared => false,
            Pool::Named(kind, _) => kind.runs() == BodyKind::Remote,
        };
        let remote: Vec<bool> = plan.pools.iter().map(is_remote).collect();
        let mut unused = remote.clone();
        let mut bodies = plan.bodies.clone();
        let mut places = Vec::with_capacity(plan.steps.len());
        for step in &plan.steps {
            let def = &plan.events[step.event as usize].def;
            let place = plan.options[step.options as usize].place;
            let Some(mock) = self.mocks.get(&*def.name) else {
                if let Place::Pool(pool) = place {
                    unused[pool as usize] = false;
                }
                places.push(place);
                continue;
            };
            if mock.output != def.output.ty {
                return Err(Error::Engine(format!(
                    "the mock of `{}` yields a `{:?}`, but the event yields a `{:?}`",
                    def.name, mock.output, def.output.ty
                )));
            }
            bodies[step.body as usize] = Arc::clone(&mock.body);
            places.push(match place {
                Place::Pool(pool) if remote[pool as usize] => Place::Pool(plan.pools.len() as u32),
                place => place,
            });
        }
        Ok(Box::new(Mocked { bodies, places, unused }))
    }

    /// Shuts the pools down. Gives the names of those that did not end in time.
    pub(super) fn shut_pools_down(&self, deadline: Option<Instant>) -> Vec<String> {
        let pools = std::mem::take(&mut *lock(&self.pools));
        let mut late = Vec::new();
        for pool in pools {
            let name = format!("{:?}", pool.executor);
            let Some(at) = deadline else {
                pool.shut_down();
                continue;
            };
            if !shuts_down_until(pool, at) {
                late.push(name);
            }
        }
        late
    }
}

/// Shuts a pool down on a thread of its own. `false` if it has not ended in time.
fn shuts_down_until(pool: OpenPool, at: Instant) -> bool {
    let done = Arc::new((Mutex::new(false), Condvar::new()));
    let told = Arc::clone(&done);
    let thread = thread::Builder::new().name("nexus-shutdown".to_owned()).spawn(move || {
        pool.shut_down();
        *lock(&told.0) = true;
        told.1.notify_all();
    });
    if thread.is_err() {
        return false;
    }
    let mut ended = lock(&done.0);
    while !*ended {
        let left = at.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return false;
        }
        ended = wait_timeout(&done.1, ended, left);
    }
    true
}

fn make_executor(pool: &Pool) -> Result<Arc<dyn AnyExecutor>> {
    let named = |kind: &ExecutorKind, config| {
        (kind.build)(config).map_err(|source| Error::Executor { executor: kind.name(), source })
    };
    match pool {
        Pool::Named(kind, config) => named(kind, config),
        Pool::Shared => match ThreadPoolExecutor::shared_pool() {
            Ok(pool) => Ok(Arc::new(pool)),
            Err(source) => Err(Error::Executor { executor: "shared pool".to_owned(), source }),
        },
    }
}

/// A number that differs from program to program: the standard library's hash keys are random.
pub(super) fn random_seed() -> u64 {
    use std::hash::{BuildHasher, Hasher};
    static STATE: OnceLock<std::collections::hash_map::RandomState> = OnceLock::new();
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let mut hasher = STATE.get_or_init(Default::default).build_hasher();
    hasher.write_u64(COUNT.fetch_add(1, Ordering::Relaxed));
    hasher.finish()
}
