//! The command line of a program with pipelines: `nexus::cli`.
//!
//! ```no_run
//! use nexus_command::App;
//!
//! fn main() -> std::process::ExitCode {
//!     App::new("shop").about("Charges orders").main()
//! }
//! ```
//!
//! Where events run in worker processes, `nexus::init();` comes before it.
//!
//! `shop run PIPELINE --input file.json` runs one, `list`, `describe` and `graph` show what there
//! is, `completions` writes what a shell needs; `--help` tells of each. With the feature `durable`,
//! `runs` lists, shows and steers the runs of a store, and `serve` goes on with them; with the feature
//! `schedule`, `serve` fires schedules too, and `schedules` lists and steers them. With the feature
//! `restate`, `work` is a worker of a cluster, and `run` and `runs` take the cluster's address, `--on`.
//!
//! The program ends with
//!
//! | code | when |
//! |---|---|
//! | 0 | the run succeeded, or what was asked for was shown or done |
//! | 1 | the run failed or was stopped, or could not begin; what was asked for could not be done |
//! | 2 | the command line, the input or the flow is wrong; nothing ran |
//! | 3 | the run took longer than its timeout |
//! | 130 | Ctrl-C, SIGTERM or SIGHUP cancelled the run, or left it to be resumed |
#![forbid(unsafe_code)]

#[cfg(feature = "durable")]
mod actor;
mod args;
#[cfg(feature = "restate")]
mod cluster;
#[cfg(feature = "dashboard")]
mod dashboard;
mod describe;
mod events;
mod graph;
mod input;
mod interrupt;
#[cfg(feature = "schedule")]
mod misfires;
mod mistakes;
#[cfg(all(feature = "durable", not(feature = "dashboard")))]
mod no_dashboard;
#[cfg(feature = "durable")]
mod notify;
mod output;
mod plan;
mod position;
mod progress;
#[cfg(feature = "durable")]
mod recording;
mod report;
mod run;
#[cfg(feature = "durable")]
mod runs;
#[cfg(feature = "schedule")]
mod schedules;
#[cfg(feature = "durable")]
mod serve;
#[cfg(feature = "durable")]
mod shell;
mod spans;
#[cfg(feature = "durable")]
mod store;
#[cfg(feature = "durable")]
mod table;
#[cfg(feature = "durable")]
mod time;
#[cfg(not(feature = "durable"))]
mod unrecorded;

#[cfg(all(feature = "durable", not(feature = "dashboard")))]
use no_dashboard as dashboard;
#[cfg(not(feature = "durable"))]
use unrecorded as recording;

use std::ffi::OsString;
use std::fmt;
#[cfg(feature = "durable")]
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use nexus_core::command_line::{InputField, readable};
use nexus_core::{Engine, EngineBuilder, Fields, Pipeline, Plan};
use nexus_pointy::visible;

use output::{Exit, Failure};

/// A program's command line: its pipelines, and the engine that runs them.
#[must_use = "it does nothing until `main`"]
pub struct App {
    name: String,
    version: Option<String>,
    about: Option<String>,
    pipelines: Vec<Entry>,
    #[cfg(feature = "durable")]
    store: Option<PathBuf>,
    #[cfg(feature = "schedule")]
    schedules: Vec<nexus_schedule::Scheduled>,
    /// What is wrong with schedules that pipelines declare.
    #[cfg(feature = "schedule")]
    wrong_schedules: Vec<String>,
    engine: Vec<EngineSetup>,
    #[cfg(feature = "dashboard")]
    dashboard: Vec<dashboard::Setup>,
}

type EngineSetup = Box<dyn FnOnce(EngineBuilder) -> EngineBuilder>;

/// A pipeline, without its type.
#[derive(Clone, Copy)]
struct Entry {
    name: &'static str,
    doc: &'static str,
    input: &'static [InputField],
    fields: fn() -> Fields,
    plan: fn() -> nexus_core::Result<&'static Arc<Plan>>,
    timeout: fn() -> Option<Duration>,
    #[cfg(feature = "durable")]
    is_durable: bool,
}

impl App {
    /// A command line of the program `name`, without pipelines yet.
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            version: None,
            about: None,
            pipelines: Vec::new(),
            #[cfg(feature = "durable")]
            store: None,
            #[cfg(feature = "schedule")]
            schedules: Vec::new(),
            #[cfg(feature = "schedule")]
            wrong_schedules: Vec::new(),
            engine: Vec::new(),
            #[cfg(feature = "dashboard")]
            dashboard: Vec::new(),
        }
    }

    /// What `--version` says: `env!("CARGO_PKG_VERSION")`.
    pub fn version(mut self, version: impl Into<String>) -> Self {
        self.version = Some(version.into());
        self
    }

    /// What the program does, in one line, for `--help`.
    pub fn about(mut self, about: impl Into<String>) -> Self {
        self.about = Some(about.into());
        self
    }

    /// Adds a pipeline. `serve` fires the schedule that it declares with `#[pipeline(schedule = "..")]`.
    ///
    /// Each of its fields is read from JSON, so its type is `serde::de::DeserializeOwned`, or the
    /// field has a default: anything else is an error of the compiler that names the field.
    pub fn pipeline<P: Pipeline>(mut self) -> Self {
        const { readable(P::NAME, P::INPUT) };
        #[cfg(feature = "schedule")]
        match nexus_schedule::Scheduled::declared::<P>() {
            Ok(declared) => self.schedules.extend(declared),
            Err(error) => {
                self.wrong_schedules.push(format!("the schedule of `{}`: {error}", P::NAME));
            }
        }
        #[cfg(not(feature = "schedule"))]
        const {
            assert!(
                P::SCHEDULE.is_none(),
                "this pipeline has a schedule, which nothing fires: add the feature `schedule` of nexus"
            );
        }
        self.pipelines.push(Entry {
            name: P::NAME,
            doc: P::DOC,
            input: P::INPUT,
            fields: P::fields,
            plan: P::plan,
            timeout: P::timeout,
            #[cfg(feature = "durable")]
            is_durable: P::DURABLE,
        });
        self
    }

    /// Gives the engine a resource; events take it as `State<T>`.
    pub fn state<T: Send + Sync + 'static>(self, resource: T) -> Self {
        self.engine(|engine| engine.state(resource))
    }

    /// Sets the engine up, when something is run: resources that cost time, observers, a clock.
    pub fn engine(mut self, setup: impl FnOnce(EngineBuilder) -> EngineBuilder + 'static) -> Self {
        self.engine.push(Box::new(setup));
        self
    }

    /// Sets up the page of `serve --dashboard`: where its logs come from, who has tokens.
    #[cfg(feature = "dashboard")]
    pub fn dashboard(
        mut self,
        setup: impl FnOnce(nexus_dashboard::Dashboard) -> nexus_dashboard::Dashboard + 'static,
    ) -> Self {
        self.dashboard.push(Box::new(setup));
        self
    }

    /// Names the file of the store where durable runs are kept. The option `--store` wins, and so
    /// does the environment variable `NEXUS_STORE`.
    ///
    /// Give the store here and not to the [engine](Self::engine): `runs` opens it without one.
    #[cfg(feature = "durable")]
    pub fn store(mut self, file: impl Into<PathBuf>) -> Self {
        self.store = Some(file.into());
        self
    }

    /// Adds a schedule, which `serve` fires.
    #[cfg(feature = "schedule")]
    pub fn schedule(mut self, scheduled: nexus_schedule::Scheduled) -> Self {
        self.schedules.push(scheduled);
        self
    }

    /// Does what the command line of this process asks for. The result is what `main` returns.
    pub fn main(self) -> ExitCode {
        self.main_from(std::env::args_os())
    }

    /// [`main`](Self::main), with other arguments; the first is the program's name.
    pub fn main_from<T: Into<OsString> + Clone>(
        self,
        args: impl IntoIterator<Item = T>,
    ) -> ExitCode {
        let exit = match self.dispatch(args.into_iter().map(Into::into).collect()) {
            Ok(exit) => exit,
            Err(failure) => failure.report(),
        };
        ExitCode::from(exit as u8)
    }

    fn dispatch(self, args: Vec<OsString>) -> Result<Exit, Failure> {
        self.check()?;
        let matches = match args::command(&self).try_get_matches_from(args) {
            Ok(matches) => matches,
            Err(error) => {
                // If the message cannot be written, the failure could not be reported either.
                let _ = error.print();
                return Ok(if error.use_stderr() { Exit::Usage } else { Exit::Success });
            }
        };
        match matches.subcommand() {
            Some(("run", args)) => run::run(self, args),
            Some(("list", _)) => output::print(&visible(describe::list(&self)).to_string()),
            Some(("describe", args)) => {
                output::print(&visible(describe::describe(&self, args)?).to_string())
            }
            Some(("graph", args)) => graph::graph(&self, args),
            #[cfg(feature = "durable")]
            Some(("runs", args)) => runs::runs(self, args),
            #[cfg(feature = "durable")]
            Some(("serve", args)) => serve::serve(self, args),
            #[cfg(feature = "restate")]
            Some(("work", args)) => cluster::work(self, args),
            #[cfg(feature = "schedule")]
            Some(("schedules", args)) => schedules::schedules(&self, args),
            Some(("completions", args)) => output::print(&args::completions(&self, args)),
            _ => Ok(Exit::Usage),
        }
    }

    /// Checks that each pipeline has a name of its own.
    fn check(&self) -> Result<(), Failure> {
        for (index, entry) in self.pipelines.iter().enumerate() {
            if self.pipelines.iter().take(index).any(|other| other.name == entry.name) {
                let name = entry.name;
                return Err(Failure::usage(format!(
                    "two pipelines of this program are called `{name}`; give one of them another name with `#[pipeline(name = \"..\")]`"
                )));
            }
        }
        #[cfg(feature = "schedule")]
        if let Some(wrong) = self.wrong_schedules.first() {
            return Err(Failure::usage(wrong));
        }
        Ok(())
    }

    fn find(&self, name: &str) -> Option<Entry> {
        self.pipelines.iter().copied().find(|entry| entry.name == name)
    }

    fn build_engine(self) -> nexus_core::Result<Engine> {
        self.engine.into_iter().fold(Engine::builder(), |engine, setup| setup(engine)).build()
    }

    /// An engine that keeps its runs in this store, and can go on with those of all pipelines.
    #[cfg(feature = "durable")]
    fn build_durable_engine(
        mut self,
        store: Arc<nexus_sqlite::SqliteStore>,
        setup: impl FnOnce(EngineBuilder) -> EngineBuilder + 'static,
    ) -> nexus_core::Result<Engine> {
        // Those of durable pipelines are found by themselves, also where their flow has changed.
        let others = self.pipelines.iter().filter(|entry| !entry.is_durable);
        let plans: Vec<_> = others.filter_map(|entry| (entry.plan)().ok()).collect();
        self.engine.push(Box::new(move |engine| {
            let engine = plans.into_iter().fold(engine, EngineBuilder::resumable);
            setup(engine.store(store))
        }));
        self.build_engine()
    }
}

impl fmt::Debug for App {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let pipelines: Vec<&str> = self.pipelines.iter().map(|entry| entry.name).collect();
        f.debug_struct("App")
            .field("name", &self.name)
            .field("pipelines", &pipelines)
            .finish_non_exhaustive()
    }
}
