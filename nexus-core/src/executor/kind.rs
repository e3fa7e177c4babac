//! Executors without their types: by which events, plans and engines name and hold them.

use std::any::{TypeId, type_name};
use std::fmt;
use std::sync::Arc;

use super::{BodyKind, ConfigError, DefaultExecutor, Executor, ExecutorInitializerConfig, Job};
use crate::value::short_type_name;

/// What an engine calls of an executor, of whatever type; see [`Executor`].
pub(crate) trait AnyExecutor: fmt::Debug + Send + Sync {
    fn submit(&self, job: Job);
    fn parallelism(&self) -> usize;
    fn abandon(&self);
    fn reclaim(&self);
    fn enter(&self, poll: &mut dyn FnMut());
    fn visit(&self, work: &mut dyn FnMut() -> bool) -> bool;
    fn shutdown(&self);
}

impl<E: Executor> AnyExecutor for E {
    fn submit(&self, job: Job) {
        Executor::submit(self, job);
    }
    fn parallelism(&self) -> usize {
        Executor::parallelism(self)
    }
    fn abandon(&self) {
        Executor::abandon(self);
    }
    fn reclaim(&self) {
        Executor::reclaim(self);
    }
    fn enter(&self, poll: &mut dyn FnMut()) {
        Executor::enter(self, poll);
    }
    fn visit(&self, work: &mut dyn FnMut() -> bool) -> bool {
        Executor::visit(self, work)
    }
    fn shutdown(&self) {
        Executor::shutdown(self);
    }
}

/// A type of executor, by which events and plans name it.
#[derive(Clone, Copy)]
pub struct ExecutorKind {
    pub(crate) id: TypeId,
    name: fn() -> &'static str,
    runs: BodyKind,
    pub(crate) check: fn(&ExecutorInitializerConfig) -> Result<(), ConfigError>,
    pub(crate) build: fn(&ExecutorInitializerConfig) -> Result<Arc<dyn AnyExecutor>, ConfigError>,
}

impl ExecutorKind {
    /// The executor type `E`.
    pub const fn of<E: Executor>() -> Self {
        Self {
            id: TypeId::of::<E>(),
            name: type_name::<E>,
            runs: E::RUNS,
            check: E::check_config,
            build: |config| Ok(Arc::new(E::from_config(config)?)),
        }
    }

    /// The type's name, without modules.
    pub fn name(&self) -> String {
        short_type_name((self.name)())
    }

    /// What kind of bodies its executors run.
    pub const fn runs(&self) -> BodyKind {
        self.runs
    }

    pub(crate) fn is_default(&self) -> bool {
        self.id == TypeId::of::<DefaultExecutor>()
    }
}

impl PartialEq for ExecutorKind {
    fn eq(&self, other: &Self) -> bool {
        self.id == other.id
    }
}

impl Eq for ExecutorKind {}

impl fmt::Debug for ExecutorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name())
    }
}

/// An executor type that flows which arrive as text may name; see
/// [`register_executor!`](crate::register_executor).
#[cfg(feature = "registry")]
#[derive(Debug)]
#[doc(hidden)]
pub struct LinkedExecutor(pub &'static str, pub ExecutorKind);

#[cfg(feature = "registry")]
inventory::collect!(LinkedExecutor);

/// Lets every flow that arrives as text name an executor type of the program's own:
/// `work[executor = Remote]`. One line beside the type, outside of any function.
///
/// ```
/// use nexus_core::{ConfigError, Executor, ExecutorInitializerConfig, Job};
///
/// #[derive(Debug)]
/// struct Direct;
///
/// impl Executor for Direct {
///     fn from_config(_: &ExecutorInitializerConfig) -> Result<Self, ConfigError> {
///         Ok(Self)
///     }
///     fn submit(&self, job: Job) {
///         job.run();
///     }
/// }
///
/// nexus_core::register_executor!(Direct);
/// # fn main() {}
/// ```
#[cfg(feature = "registry")]
#[macro_export]
macro_rules! register_executor {
    ($executor:ident) => {
        const _: () = {
            use $crate::__private as __nexus;
            __nexus::inventory::submit! {
                __nexus::LinkedExecutor(
                    ::core::stringify!($executor),
                    __nexus::ExecutorKind::of::<$executor>(),
                )
            }
        };
    };
}
