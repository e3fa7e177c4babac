#![doc = include_str!("../README.md")]

pub use nexus_core::*;
pub use nexus_macros::{Descriptor, Event, Pipeline, event};

#[cfg(feature = "process")]
pub use nexus_process::{ProcessPoolExecutor, init, test_workers};

#[cfg(feature = "cli")]
#[doc(inline)]
pub use nexus_command as cli;

#[doc(hidden)]
pub use nexus_core::__private;

/// All that a program with pipelines needs: `use nexus::prelude::*;`.
pub mod prelude {
    #[cfg(feature = "tokio")]
    pub use nexus_core::AsyncExecutor;
    pub use nexus_core::StateFactory;
    pub use nexus_core::{
        Batch, Bypass, Clock, Context, DefaultExecutor, Engine, Event,
        EventExecutionEvaluationState, Exception, Executor, ExecutorInitializerConfig, Failure,
        Fields, Flow, Inputs, Items, Lines, Observer, Outcome, Pipeline, Registry, Report,
        RetryPolicy, State, Status, ThreadPoolExecutor,
    };
    pub use nexus_macros::{Descriptor, Event, Pipeline, event};
    #[cfg(feature = "process")]
    pub use nexus_process::ProcessPoolExecutor;
}

/// The guide's chapters, compiled and run with the tests.
#[cfg(doctest)]
mod guide;
