//! The engine: what runs share, and the drivers that carry a run out on this machine.
//!
//! The files can be read in this order; each imports only from those before it, and a test holds
//! them to that.
//!
//! | file | what it has |
//! |---|---|
//! | `work` | what leaves a run to be done, and what is told to it afterwards |
//! | `timer`, `ticker`, `open_timers` | calls at a point in time, every so often, and when pending tasks have had their time |
//! | `chunk`, `queue` | work that waits for a pool, and what its workers have taken |
//! | `lease` | what a worker has of a run's work |
//! | `lending` | the run, while the driving thread runs a body of a pool |
//! | `mailbox` | who holds the run, and what waits for whom |
//! | `notice` | waking whoever drives a run |
//! | `posts`, `activity` | the mailbox of a recorded run, and what that does at the moment |
//! | `progress` | what a handle can tell of a run |
//! | `runs` | the runs of an engine |
//! | `writer` | writing down what happens to runs |
//! | `drivers` | threads that drive recorded runs in the background |
//! | `keys` | the keys of the runs under way |
//! | `stepped` | an engine without threads |
//! | `shared` | what all runs of an engine share |
//! | `recorded` | what a recorded run has beside others |
//! | `active` | a run under way: all of the above |
//! | `signal` | telling the observers |
//! | `polling`, `perform` | calling a body |
//! | `inline` | tasks on the driving thread |
//! | `advance` | what moves a run |
//! | `resolving` | saying of a run under way how a task ended that is pending |
//! | `recording` | telling a recorded run what is safe |
//! | `watch` | taking back what stays behind a slow task |
//! | `claims` | tasks that an executor runs elsewhere |
//! | `jobs` | what executors do with a run |
//! | `driver`, `future` | who waits for it: a thread, or a future |
//! | `restore` | bringing a recorded run back |
//! | `stored` | runs that nobody drives |
//! | `durable` | beginning a recorded run, going on with one, ending it |
//! | `unrecorded` | what stands in for all that in a build without it |
//! | `inputs`, `handle` | what users give, and hold |
//! | `builder`, `engine`, `background`, `prepare`, `keyed`, `pending`, `shutdown` | the engine as users see it |
//! | `unfinished` | what a recorded run waits for |
//! | `decisions`, `retry`, `retention`, `actions` | deciding of runs that cannot go on; going on with those that are over; removing them; who did it |
//! | `requests` | what other processes ask of it |

#[cfg(feature = "durable")]
mod actions;
mod active;
#[cfg(feature = "durable")]
mod activity;
mod advance;
#[cfg(feature = "durable")]
mod background;
mod builder;
mod chunk;
#[cfg(feature = "wire")]
mod claims;
#[cfg(feature = "durable")]
mod decisions;
mod driver;
#[cfg(feature = "durable")]
mod drivers;
#[cfg(feature = "durable")]
mod durable;
#[expect(clippy::module_inception, reason = "the engine among the files of the engine")]
mod engine;
mod future;
mod handle;
mod inline;
mod inputs;
mod jobs;
#[cfg(feature = "durable")]
mod keyed;
#[cfg(feature = "durable")]
mod keys;
mod lease;
mod lending;
mod mailbox;
#[cfg(all(test, shuttle))]
mod model;
mod notice;
#[cfg(feature = "durable")]
mod open_timers;
#[cfg(feature = "durable")]
mod pending;
mod perform;
mod polling;
#[cfg(feature = "durable")]
mod posts;
mod prepare;
mod progress;
mod queue;
#[cfg(feature = "durable")]
mod recorded;
#[cfg(feature = "durable")]
mod recording;
#[cfg(feature = "durable")]
mod requests;
#[cfg(feature = "durable")]
mod resolving;
#[cfg(feature = "durable")]
mod restore;
#[cfg(feature = "durable")]
mod retention;
#[cfg(feature = "durable")]
mod retry;
mod runs;
mod share;
mod shared;
mod shutdown;
mod signal;
#[cfg(feature = "durable")]
mod stepped;
#[cfg(feature = "durable")]
mod stored;
#[cfg(feature = "durable")]
mod ticker;
mod timer;
#[cfg(feature = "durable")]
mod unfinished;
#[cfg(not(feature = "durable"))]
mod unrecorded;
mod visit;
mod watch;
mod work;
#[cfg(feature = "durable")]
mod writer;

#[cfg(not(feature = "durable"))]
use {unrecorded as durable, unrecorded as recorded};

#[cfg(feature = "durable")]
pub use activity::{OwnTask, RunActivity};
pub use builder::EngineBuilder;
pub use engine::Engine;
pub use handle::{Canceller, RunHandle};
pub use inputs::Inputs;
#[cfg(all(feature = "durable", feature = "json-input"))]
pub use inputs::inputs_of_values;
#[cfg(feature = "durable")]
pub(crate) use keys::id_of;
#[cfg(feature = "durable")]
pub use pending::PendingStep;
#[cfg(feature = "durable")]
pub(crate) use polling::to_end;
pub use prepare::Prepared;
#[cfg(feature = "json-input")]
pub use prepare::prepare_values;
pub use progress::{Progress, RunningTask};
#[cfg(feature = "durable")]
pub(crate) use resolving::step_at;
#[cfg(feature = "durable")]
pub(crate) use restore::flow_difference;
pub(crate) use shared::Mock;
pub use shutdown::{Shutdown, ShutdownReport};
#[cfg(feature = "durable")]
pub(crate) use stepped::{Stepped, Steps};
#[cfg(feature = "durable")]
pub use unfinished::{TaskState, UnfinishedTask};
