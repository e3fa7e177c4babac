//! `serve`: goes on with the runs of a store, fires schedules, and does what other processes ask for.

use std::borrow::Cow;
use std::collections::VecDeque;
use std::io::Write;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use clap::ArgMatches;
use nexus_core::journal::{ActionTaken, Request, RunQuery, RunState, StoredRun};
use nexus_core::{
    Ended as AttemptEnded, Engine, EngineBuilder, Observer, RunEnd, RunEvent, RunHandle, Shutdown,
    Signals, Status, StepEvent,
};
use nexus_pointy::visible;
#[cfg(feature = "schedule")]
use nexus_schedule::{ScheduleEvent, Scheduled, Scheduler, SchedulerThread};
use serde::Serialize;

use crate::App;
use crate::dashboard::Page;
use crate::interrupt::Interrupt;
#[cfg(feature = "schedule")]
use crate::misfires::Misfires;
use crate::output::{Exit, Failure};
use crate::progress::{Mode, ServiceProgress};
use crate::{notify, store, time};

pub(crate) fn serve(mut app: App, args: &ArgMatches) -> Result<Exit, Failure> {
    let path = store::needed_path(&app, args)?;
    let grace = args.get_one::<Duration>("grace").copied().unwrap_or_default();
    let interrupt = Interrupt::listen();
    let store = Arc::new(store::own(&path).map_err(|error| store::failure(&error))?);
    let (wake, woken) = mpsc::channel();
    let service = Arc::new(Service::new(args, wake.clone()));
    let is_unwanted = args.get_flag("json") || args.get_flag("quiet");
    let mut progress = ServiceProgress::new(Mode::unless(is_unwanted));
    let shown = progress.observe();
    let (observer, log) = (RunLog(Arc::clone(&service)), Arc::clone(&service));
    let page = Page::of(&mut app, args, move |action| log.say(&Line::action(action)))?;
    let observe = page.observe();
    let keep = args.get_one::<Duration>("keep-finished").copied();
    #[cfg(feature = "schedule")]
    let (schedules, misfires) = (std::mem::take(&mut app.schedules), Arc::new(Misfires::default()));
    #[cfg(feature = "schedule")]
    let page = page.schedules(&schedules, store.clone(), Arc::clone(&misfires));
    let engine = app.build_durable_engine(store, move |engine: EngineBuilder| {
        let engine = shown(observe(engine.observer(observer)));
        match keep {
            Some(time) => engine.keep_finished(time),
            None => engine,
        }
    })?;
    let page = page.serve(&engine)?;
    interrupt.stops("", move || _ = wake.send(Wake::Signal));

    service.say(&Line::of("serving").text(format!("serving {}", path.display())));
    if let Some(page) = &page {
        let address = format!("http://{}/", page.address());
        let mut line = Line::of("dashboard").text(format!("dashboard on {address}"));
        line.address = Some(address);
        service.say(&line);
    }
    let runs = engine.resume()?;
    say_undecided(&engine, &service)?;
    #[cfg(feature = "schedule")]
    let firing = fire(&engine, &service, schedules, misfires)?;
    progress.begin(path.display().to_string());
    notify::tell("READY=1");
    let woken = woken.recv();
    notify::tell("STOPPING=1");
    #[cfg(feature = "schedule")]
    drop(firing);
    end(&engine, &service, grace);
    drop(progress);
    match woken {
        Ok(Wake::Trouble) => Err(trouble(runs)),
        _ => Ok(Exit::Success),
    }
}

/// Says which runs somebody has to look at.
fn say_undecided(engine: &Engine, service: &Service) -> nexus_core::Result<()> {
    let query = RunQuery::all().state(RunState::NeedsDecision).state(RunState::Damaged);
    engine.runs(&query)?.iter().for_each(|run| service.say(&Line::undecided(run)));
    Ok(())
}

/// Fires schedules until what is returned is dropped.
#[cfg(feature = "schedule")]
fn fire(
    engine: &Engine,
    service: &Arc<Service>,
    all: Vec<Scheduled>,
    misfires: Arc<Misfires>,
) -> Result<SchedulerThread, Failure> {
    let service = Arc::clone(service);
    let scheduler = Scheduler::new(engine).on_event(move |event| {
        misfires.note(event);
        service.say(&Line::fired(event));
    });
    let scheduler = all.into_iter().try_fold(scheduler, Scheduler::with)?;
    Ok(scheduler.start()?)
}

/// Starts nothing more, lets what is under way end, and leaves the rest.
fn end(engine: &Engine, service: &Service, grace: Duration) {
    let text = format!("draining: attempts that are under way have {}", time::short(grace));
    service.say(&Line::of("draining").text(text));
    service.is_draining.store(true, Ordering::Release);
    let report = engine.shutdown(Shutdown::release().within(grace));
    for step in &report.still_running {
        service.say(&Line::of("abandoned").text(format!("did not end in time: {step}")));
    }
    service.summarise();
    service.say(&Line::of("stopped").text("stopped; every run that is not over can be resumed"));
}

/// Why a run was left without anybody asking for it.
fn trouble(runs: Vec<RunHandle>) -> Failure {
    let over = runs.into_iter().filter(RunHandle::is_finished);
    let mut whys = over.filter_map(|run| match run.wait() {
        Err(nexus_core::Error::Store(why)) => Some(why.to_string()),
        _ => None,
    });
    let why = whys.next().unwrap_or_else(|| "its store could not be written".to_owned());
    Failure::new(Exit::Failed, format!("a run could not go on: {why}"))
}

/// Why the main thread goes on.
enum Wake {
    Signal,
    /// A run was left, which nobody asked for.
    Trouble,
}

/// What the service says, and whether it ends.
struct Service {
    is_json: bool,
    /// Only what somebody has to look at is said.
    is_quiet: bool,
    ended: Mutex<Ended>,
    /// Systemd's journal has a time for each line.
    has_times: bool,
    is_draining: AtomicBool,
    wake: Mutex<Sender<Wake>>,
}

impl Service {
    fn new(args: &ArgMatches, wake: Sender<Wake>) -> Self {
        Self {
            is_json: args.get_flag("json"),
            is_quiet: args.get_flag("quiet"),
            ended: Mutex::default(),
            has_times: std::env::var_os("JOURNAL_STREAM").is_none(),
            is_draining: AtomicBool::new(false),
            wake: Mutex::new(wake),
        }
    }

    /// Says how many runs have ended since the service began, and once more which of them did not
    /// succeed: nobody has to look for them in its lines.
    fn summarise(&self) {
        let ended = std::mem::take(&mut *self.ended.lock().unwrap_or_else(PoisonError::into_inner));
        if ended.runs == 0 {
            return;
        }
        let runs = if ended.runs == 1 { "run" } else { "runs" };
        let text = format!("{} {runs} ended, {} without success", ended.runs, ended.failed);
        let mut line = Line::of("summary").text(text);
        (line.ended, line.failed) = (Some(ended.runs), Some(ended.failed));
        self.say(&line);
        ended.last_failed.iter().for_each(|line| self.say(line));
        let left_out = ended.failed - ended.last_failed.len() as u64;
        if left_out > 0 {
            self.say(&Line::of("more").text(format!("and {left_out} more before them")));
        }
    }

    /// Writes a line at once. Nobody may be left to read it, which is no reason to end.
    fn say(&self, line: &Line) {
        if self.is_quiet && !line.needs_attention() {
            return;
        }
        let mut out = std::io::stdout().lock();
        let at = time::rfc_3339(time::now());
        let line = if self.is_json {
            serde_json::to_string(&Timed { at, line }).unwrap_or_default()
        } else {
            let times = if self.has_times { at + " " } else { String::new() };
            let key = line.run.as_ref().filter(|_| line.schedule.is_none());
            let key = key.map(|key| format!("{key} ")).unwrap_or_default();
            let text = line.text.as_deref().unwrap_or(line.event);
            visible(format!("{times}{key}{text}")).on_one_line().to_string()
        };
        let _ = writeln!(out, "{line}").and_then(|()| out.flush());
    }

    fn trouble(&self) {
        if !self.is_draining.load(Ordering::Acquire) {
            let wake = self.wake.lock().unwrap_or_else(PoisonError::into_inner);
            let _ = wake.send(Wake::Trouble);
        }
    }
}

/// The runs that have ended.
#[derive(Default)]
struct Ended {
    runs: u64,
    failed: u64,
    /// What was said of the last ones that did not succeed.
    last_failed: VecDeque<Line>,
}

impl Ended {
    /// So many are said once more.
    const MOST: usize = 20;

    fn add(&mut self, line: &Line, status: Status) {
        self.runs += 1;
        if status != Status::Succeeded {
            self.failed += 1;
            self.last_failed.push_back(Line { event: "failed", ..line.clone() });
            if self.last_failed.len() > Self::MOST {
                self.last_failed.pop_front();
            }
        }
    }
}

/// Something that happened.
#[derive(Default, Clone, Serialize)]
struct Line {
    event: &'static str,
    run: Option<String>,
    pipeline: Option<String>,
    step: Option<String>,
    schedule: Option<String>,
    request: Option<Cow<'static, str>>,
    status: Option<&'static str>,
    reason: Option<String>,
    /// Who did it on the dashboard.
    #[serde(skip_serializing_if = "Option::is_none")]
    by: Option<String>,
    /// Where the dashboard is.
    #[serde(skip_serializing_if = "Option::is_none")]
    address: Option<String>,
    /// How many runs have ended, and how many of them without success.
    #[serde(skip_serializing_if = "Option::is_none")]
    ended: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    failed: Option<u64>,
    /// The same for people.
    #[serde(skip)]
    text: Option<String>,
}

#[derive(Serialize)]
struct Timed<'a> {
    at: String,
    #[serde(flatten)]
    line: &'a Line,
}

impl Line {
    fn of(event: &'static str) -> Self {
        Self { event, ..Self::default() }
    }

    fn of_run(event: &'static str, run: &RunEvent<'_>) -> Self {
        let (key, pipeline) = (run.key().map(str::to_owned), Some(run.pipeline().to_owned()));
        Self { event, run: key, pipeline, ..Self::default() }
    }

    /// Whether somebody has to look at it.
    fn needs_attention(&self) -> bool {
        match self.event {
            "needs_decision" | "damaged" | "not_fired" | "abandoned" | "failed" => true,
            "ended" => self.status != Some(Status::Succeeded.name()),
            "request" | "action" => self.reason.is_some(),
            "summary" => self.failed != Some(0),
            _ => false,
        }
    }

    fn undecided(run: &StoredRun) -> Self {
        let reason = run.reason.clone().unwrap_or_default();
        let (event, what) = match run.state {
            RunState::Damaged => ("damaged", "is damaged"),
            _ => ("needs_decision", "needs a decision"),
        };
        let text = Some(format!("{what}: {reason}"));
        let (key, pipeline) = (run.start.key.to_string(), run.start.pipeline.to_string());
        let (run, pipeline, reason) = (Some(key), Some(pipeline), Some(reason));
        Self { run, pipeline, reason, text, ..Self::of(event) }
    }

    #[cfg(feature = "schedule")]
    fn fired(event: &ScheduleEvent) -> Self {
        let (name, schedule, text) = match event {
            ScheduleEvent::Fired { schedule, key } => {
                ("fired", schedule, format!("begins `{key}`"))
            }
            ScheduleEvent::Skipped { schedule, at, why } => {
                ("skipped", schedule, format!("leaves {at} out: {why}"))
            }
            ScheduleEvent::Failed { schedule, error } => {
                ("not_fired", schedule, format!("cannot begin a run: {error}"))
            }
            ScheduleEvent::Paused { schedule } => ("paused", schedule, "is paused".to_owned()),
            ScheduleEvent::Resumed { schedule } => ("resumed", schedule, "goes on".to_owned()),
            _ => return Self::of("schedule"),
        };
        let mut line = Self::of(name).text(format!("schedule {schedule} {text}"));
        line.schedule = Some(schedule.to_string());
        match event {
            ScheduleEvent::Fired { key, .. } => line.run = Some(key.clone()),
            _ => line.reason = Some(text),
        }
        line
    }

    /// What somebody did on the dashboard.
    fn action(action: &ActionTaken) -> Self {
        let by = &action.by;
        let text = match &action.error {
            None => format!("{by} on the dashboard: {}", action.action),
            Some(why) => {
                format!("{by} on the dashboard: {}, which cannot be: {why}", action.action)
            }
        };
        let mut line = Self::of("action").text(text);
        (line.run, line.step) = (Some(action.key.to_string()), action.step.clone());
        (line.request, line.reason) = (Some(action.action.clone()), action.error.clone());
        line.by = Some(by.clone());
        line
    }

    fn text(mut self, text: impl Into<String>) -> Self {
        self.text = Some(text.into());
        self
    }
}

/// Says when runs begin and end, when they wait, and what others ask for.
struct RunLog(Arc<Service>);

impl Observer for RunLog {
    fn signals(&self) -> Signals {
        Signals::OWN_TASKS.with(Signals::POOL_TASKS)
    }

    fn pipeline_execution_start(&self, run: &RunEvent<'_>) {
        if run.key().is_some() {
            let text = format!("goes on: {}", run.pipeline());
            self.0.say(&Line::of_run("started", run).text(text));
        }
    }

    fn event_execution_end(&self, step: &StepEvent<'_>, ended: AttemptEnded<'_>) {
        if let (AttemptEnded::Pending, Some(key)) = (ended, step.context().run_key()) {
            let address = step.context().step_address().to_string();
            let mut line = Line::of("pending");
            line.run = Some(key.to_owned());
            let text = format!("waits for the world outside at `{address}`");
            line.step = Some(address);
            self.0.say(&line.text(text));
        }
    }

    fn request_handled(&self, request: &Request, done: Result<(), &nexus_core::Error>) {
        let mut line = Line::of("request");
        (line.run, line.request) = (Some(request.key().to_string()), Some(request.name().into()));
        line.reason = done.err().map(ToString::to_string);
        let text = match &line.reason {
            None => format!("was asked to {}", request.name()),
            Some(why) => format!("was asked to {}, which cannot be: {why}", request.name()),
        };
        self.0.say(&line.text(text));
    }

    fn pipeline_execution_end(&self, run: &RunEvent<'_>, end: &RunEnd<'_>) {
        if run.key().is_none() {
            return;
        }
        if end.is_left() {
            self.0.say(&Line::of_run("left", run).text("left where it is, to be resumed"));
            return self.0.trouble();
        }
        let mut line = Line::of_run("ended", run);
        (line.status, line.reason) = (Some(end.status().name()), end.reason());
        let text = match &line.reason {
            Some(reason) => format!("{}: {reason}", end.status()),
            None => end.status().to_string(),
        };
        let line = line.text(text);
        self.0.ended.lock().unwrap_or_else(PoisonError::into_inner).add(&line, end.status());
        self.0.say(&line);
    }
}

pub(crate) fn command(app: &App) -> clap::Command {
    let name = &app.name;
    let command = clap::Command::new("serve")
        .about("Goes on with the durable runs of a store, as a service")
        .long_about("Owns the store, goes on with every run that is not over, fires the program's schedules, and does what `runs` asks for from other processes. Writes a line for each thing that happens.

SIGTERM, SIGHUP or Ctrl-C ends it: nothing more starts, the attempts that are under way are let end for as long as `--grace` says, and the rest is left to be resumed. A second one ends it at once, which loses no more than what those attempts have done.

Tells systemd when it is ready and when it stops, for `Type=notify`.")
        .arg(crate::runs::store())
        .arg(
            clap::Arg::new("grace")
                .long("grace")
                .value_name("TIME")
                .value_parser(clap::builder::ValueParser::new(
                    nexus_pointy::settings::parse_duration,
                ))
                .default_value("30s")
                .help("How long attempts that are under way may take to end"),
        )
        .arg(
            clap::Arg::new("keep-finished")
                .long("keep-finished")
                .value_name("TIME")
                .value_parser(clap::builder::ValueParser::new(
                    nexus_pointy::settings::parse_duration,
                ))
                .help("Remove runs that were over for longer than this, such as `30d`; without it, all are kept"),
        )
        .arg(
            clap::Arg::new("json")
                .long("json")
                .action(clap::ArgAction::SetTrue)
                .help("Write each line as JSON"),
        )
        .arg(
            clap::Arg::new("quiet")
                .long("quiet")
                .short('q')
                .action(clap::ArgAction::SetTrue)
                .help("Show no progress, and write only what somebody has to look at: what did not succeed, cannot go on, or could not be done"),
        )
        .after_help(format!("Examples:\n  {name} serve --store orders.db\n  {name} serve --grace 5m --json"));
    crate::dashboard::arguments(command)
}
