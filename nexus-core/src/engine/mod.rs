//! The engine: what runs share, and the driver that carries a run out on this machine.

mod alarm;
mod build;
mod drive;
mod future;
mod handle;
mod inbox;
#[cfg(all(test, shuttle))]
mod model;
mod polling;
mod pooled;
mod prepare;
mod shutdown;
mod signal;
mod task;

use std::any::TypeId;
use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{LazyLock, OnceLock};

pub use build::EngineBuilder;
pub use handle::{Canceller, Progress, RunHandle, RunningTask};
pub use prepare::{Prepared, prepare_values};
pub use shutdown::{Shutdown, ShutdownReport};

use crate::context::RunId;
use crate::error::{Error, Result};
use crate::event::Body;
use crate::executor::{Executor, ExecutorInitializerConfig, ExecutorKind, ThreadPoolExecutor};
use crate::observe::Observer;
use crate::plan::{Plan, Pool};
use crate::sync::{Mutex, lock};
use crate::time::Clock;
use crate::value::{TypeInfo, Value};

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

/// What the runs of an engine share.
pub(crate) struct Shared {
    clock: Arc<dyn Clock>,
    resources: Arc<HashMap<TypeId, Value>>,
    observers: Vec<Box<dyn Observer>>,
    mocks: HashMap<String, Mock>,
    pools: Mutex<Vec<OpenPool>>,
    alarm: Arc<alarm::Alarm>,
    runs: shutdown::Runs,
    /// Whether durations of steps are measured.
    step_timings: bool,
    seed: u64,
    run_ids: AtomicU64,
}

/// A body that stands in for an event's own, and what it yields.
#[derive(Clone)]
pub(crate) struct Mock {
    pub(crate) body: Arc<dyn Body>,
    pub(crate) output: TypeInfo,
}

struct OpenPool {
    /// `None` for the engine's own pool.
    kind: Option<(TypeId, ExecutorInitializerConfig)>,
    executor: Arc<dyn Executor>,
}

impl OpenPool {
    /// An executor of the user's may panic; the others are still to be shut down.
    fn end(&self) {
        let _ = crate::panic::contain(|| self.executor.shutdown());
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

    fn from_parts(parts: EngineBuilder) -> Self {
        crate::panic::prepare();
        Self {
            owner: Arc::new(Owner(Arc::new(Shared {
                alarm: alarm::Alarm::new(Arc::clone(&parts.clock)),
                clock: parts.clock,
                resources: Arc::new(parts.resources),
                observers: parts.observers,
                mocks: parts.mocks,
                pools: Mutex::new(Vec::new()),
                runs: shutdown::Runs::default(),
                step_timings: parts.step_timings,
                seed: parts.seed.unwrap_or_else(random_seed),
                run_ids: AtomicU64::new(0),
            }))),
        }
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

impl Shared {
    fn next_id(&self) -> RunId {
        let run = self.run_ids.fetch_add(1, Ordering::Relaxed);
        let mut hash = crate::context::Fnv128::new();
        hash.write(&self.seed.to_be_bytes());
        hash.write(&run.to_be_bytes());
        RunId(hash.0)
    }

    fn states(&self, plan: &Plan) -> Result<Vec<Value>> {
        let find = |(ty, needed): (&TypeInfo, &bool)| match self.resources.get(&ty.id()) {
            Some(state) => Ok(state.clone()),
            None if *needed => Err(Error::MissingState { ty: ty.name() }),
            None => Ok(Value::new(())),
        };
        plan.states.iter().zip(&plan.states_needed).map(find).collect()
    }

    /// The executors that the plan names, in its order.
    fn open_pools(&self, plan: &Plan) -> Result<Vec<Arc<dyn Executor>>> {
        plan.pools.iter().map(|pool| self.executor_of(pool)).collect()
    }

    /// The executor of a pool, made on first use.
    fn executor_of(&self, pool: &Pool) -> Result<Arc<dyn Executor>> {
        let kind = match pool {
            Pool::Shared => None,
            Pool::Named(kind, config) => Some((kind.id, config.clone())),
        };
        let mut open = lock(&self.pools);
        if let Some(pool) = open.iter().find(|pool| pool.kind == kind) {
            return Ok(Arc::clone(&pool.executor));
        }
        let executor = make_executor(pool)?;
        open.push(OpenPool { kind, executor: Arc::clone(&executor) });
        Ok(executor)
    }

    /// The time, for the durations of steps; zero if they are not measured.
    #[inline]
    fn step_now(&self) -> std::time::Duration {
        if self.step_timings { self.clock.now() } else { std::time::Duration::ZERO }
    }

    /// The plan's bodies with mocks in place; `None` if there are no mocks.
    fn mocked_bodies(&self, plan: &Plan) -> Result<Option<Vec<Arc<dyn Body>>>> {
        if self.mocks.is_empty() {
            return Ok(None);
        }
        let mut bodies = plan.bodies.clone();
        for step in &plan.steps {
            let def = &plan.events[step.event as usize].def;
            let Some(mock) = self.mocks.get(&*def.name) else { continue };
            if mock.output != def.output.ty {
                return Err(Error::Engine(format!(
                    "the mock of `{}` yields a `{:?}`, but the event yields a `{:?}`",
                    def.name, mock.output, def.output.ty
                )));
            }
            bodies[step.body as usize] = Arc::clone(&mock.body);
        }
        Ok(Some(bodies))
    }
}

fn make_executor(pool: &Pool) -> Result<Arc<dyn Executor>> {
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

impl Drop for Owner {
    fn drop(&mut self) {
        self.0.alarm.close();
        let pools = std::mem::take(&mut *lock(&self.0.pools));
        pools.iter().for_each(OpenPool::end);
    }
}

/// A number that differs from program to program: the standard library's hash keys are random.
fn random_seed() -> u64 {
    use std::hash::{BuildHasher, Hasher};
    static STATE: OnceLock<std::collections::hash_map::RandomState> = OnceLock::new();
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let mut hasher = STATE.get_or_init(Default::default).build_hasher();
    hasher.write_u64(COUNT.fetch_add(1, Ordering::Relaxed));
    hasher.finish()
}

/// The input of a plan: values by field name.
///
/// ```
/// use nexus_core::Inputs;
/// let inputs = Inputs::new().with("city", String::from("Porto")).with("days", 7_u32);
/// # let _ = inputs;
/// ```
#[derive(Debug, Clone, Default)]
#[must_use = "inputs do nothing until a plan is run with them"]
pub struct Inputs(Vec<(String, Value, TypeInfo)>);

impl Inputs {
    /// No inputs.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds the value of field `name`.
    pub fn with<T: Send + Sync + 'static>(mut self, name: impl Into<String>, value: T) -> Self {
        self.0.push((name.into(), Value::new(value), TypeInfo::of::<T>()));
        self
    }

    /// The values in the order of the plan's fields.
    fn arrange(self, plan: &Plan) -> Result<Vec<Value>> {
        let mut complaints = Vec::new();
        let mut values = Vec::with_capacity(plan.fields.0.len());
        for (name, ty) in &plan.fields.0 {
            let mut given = self.0.iter().filter(|(given, _, _)| **given == **name);
            match (given.next(), given.next()) {
                (None, _) => complaints.push(format!("the input `{name}: {ty:?}` is missing")),
                (Some(_), Some(_)) => complaints.push(format!("the input `{name}` is given twice")),
                (Some((_, value, has)), None) if has == ty => values.push(value.clone()),
                (Some((_, _, has)), None) => {
                    complaints.push(format!(
                        "the input `{name}` takes a `{ty:?}`, and was given a `{has:?}`"
                    ));
                }
            }
        }
        for (name, _, _) in &self.0 {
            if !plan.fields.names().any(|field| field == name) {
                let near = nexus_pointy::suggest::nearest(name, plan.fields.names());
                let hint = near.map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
                complaints.push(format!("there is no input `{name}`{hint}"));
            }
        }
        if complaints.is_empty() { Ok(values) } else { Err(Error::Input(complaints.join("; "))) }
    }
}
