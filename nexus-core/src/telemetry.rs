//! What telemetry needs beside signals: the contexts of traces, the names of pools, and who hears what
//! bodies say in other processes.

use std::sync::Arc;

/// The place in a trace at which a task runs; see
/// [`Observer::trace_context`](crate::Observer::trace_context).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct TraceContext {
    /// The W3C `traceparent`, for whatever the task calls. `None` where no tracing system is set up
    /// that knows of one.
    pub traceparent: Option<String>,
    /// How much is to be heard of what the body says in another process: 0 nothing, 1 errors, 2
    /// warnings too, 3 information, 4 debugging, 5 everything.
    pub verbosity: u8,
}

impl TraceContext {
    /// One with both parts.
    pub fn new(traceparent: Option<String>, verbosity: u8) -> Self {
        Self { traceparent, verbosity }
    }
}

/// A pool of an engine: what an executor type with one configuration runs tasks on; see
/// [`StepEvent::pool`](crate::StepEvent::pool).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct PoolInfo {
    /// Its name: `shared` for the engine's own; else the executor's type and how it is configured,
    /// such as `ThreadPoolExecutor(max_workers: 4)`. A program has as many as it has configurations.
    pub name: String,
    /// How many tasks it runs at once.
    pub workers: usize,
}

impl PoolInfo {
    pub(crate) fn new(name: String, workers: usize) -> Self {
        Self { name, workers }
    }
}

/// What a body has said, on its way to the process that has sent its task.
pub type Said = Arc<dyn Fn(&[u8]) + Send + Sync>;

/// Hears what bodies say in a worker process, and passes it on to the process that has sent their
/// tasks: there it arrives at [`Observer::event_body_said`](crate::Observer::event_body_said).
///
/// A crate of telemetry registers one with [`register_body_tracer!`](crate::register_body_tracer). It
/// is called only for tasks that were sent with a [`TraceContext`], on the thread that runs the body.
#[derive(Clone, Copy, Debug)]
pub struct BodyTracer {
    /// A body is about to run in this place of a trace.
    pub enter: fn(&TraceContext, &Said),
    /// The body has ended.
    pub leave: fn(),
}

#[cfg(feature = "registry")]
inventory::collect!(BodyTracer);

#[cfg(feature = "wire")]
impl BodyTracer {
    /// Those that are linked into this program.
    pub(crate) fn linked() -> impl Iterator<Item = &'static Self> {
        #[cfg(feature = "registry")]
        return inventory::iter::<Self>();
        #[cfg(not(feature = "registry"))]
        std::iter::empty()
    }
}

/// Registers a [`BodyTracer`], for the worker processes of every program that links the crate.
#[cfg(feature = "registry")]
#[macro_export]
macro_rules! register_body_tracer {
    ($tracer:expr) => {
        const _: () = {
            use $crate::__private as __nexus;
            __nexus::inventory::submit! { $tracer }
        };
    };
}
