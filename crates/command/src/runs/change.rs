//! What changes a run: done at once where nobody owns the store, and else asked of its owner.

use std::sync::Arc;
use std::time::{Duration, Instant};

use clap::ArgMatches;
use nexus_core::journal::{AttemptEnd, History, Request, RunState, Store, StoredRun};
use nexus_core::{Engine, RunHandle, StepAddress};
use nexus_pointy::visible;
use nexus_sqlite::SqliteStore;

use super::key;
use crate::actor::{self, noted};
use crate::output::{self, Exit, Failure};
use crate::progress::{Mode, RunProgress};
use crate::store::{self, Opened};
use crate::{App, recording};

/// How often it is looked whether a request was done.
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// How long the owner may take to look at a request, and to do it then.
const PATIENCE: Duration = Duration::from_secs(10);

pub(crate) fn cancel(app: &App, args: &ArgMatches) -> Result<Exit, Failure> {
    let key = key(args);
    let opened = store::open(app, args)?;
    let run = store::run(opened.store(), key)?;
    if let RunState::Ended(status) = run.state {
        return Err(refused(format!(
            "the run `{key}` is over ({}); there is nothing to cancel",
            status.name()
        )));
    }
    let request = Request::Cancel { key: key.into() };
    match opened {
        Opened::Owned(store) => {
            let engine = Engine::builder().store(store).build()?;
            noted(&engine, actor::action(args, &request), engine.cancel(key))?;
            done(&format!("cancelled `{key}`"))
        }
        Opened::Beside { store, owner } => {
            // A body that does not look whether it is wanted is waited for.
            ask(&store, &owner, &request, None, args, |store| is_over(store, key))
        }
    }
}

pub(crate) fn abandon(app: &App, args: &ArgMatches) -> Result<Exit, Failure> {
    let key = key(args);
    let opened = store::open(app, args)?;
    needs_decision(&store::run(opened.store(), key)?)?;
    let request = Request::Abandon { key: key.into() };
    match opened {
        Opened::Owned(store) => {
            let engine = Engine::builder().store(store).build()?;
            noted(&engine, actor::action(args, &request), engine.abandon(key))?;
            done(&format!("abandoned `{key}`"))
        }
        Opened::Beside { store, owner } => {
            ask(&store, &owner, &request, Some(PATIENCE), args, |store| is_over(store, key))
        }
    }
}

pub(crate) fn prune(app: &App, args: &ArgMatches) -> Result<Exit, Failure> {
    let older_than = args.get_one::<Duration>("older-than").copied().unwrap_or(Duration::MAX);
    match store::open(app, args)? {
        Opened::Owned(store) => {
            let removed = Engine::builder().store(store).build()?.prune(older_than)?;
            done(&format!("removed {removed} run{}", if removed == 1 { "" } else { "s" }))
        }
        Opened::Beside { owner, .. } => Err(refused(format!(
            "only the owner of the store removes runs: {owner}; end it for a moment, or start it with `--keep-finished TIME`"
        ))),
    }
}

pub(crate) fn adopt(app: App, args: &ArgMatches) -> Result<Exit, Failure> {
    let request = Request::Adopt { key: key(args).into() };
    go_on(app, args, &request, needs_decision, |engine| engine.adopt(key(args)))
}

pub(crate) fn restart(app: App, args: &ArgMatches) -> Result<Exit, Failure> {
    let request = Request::Restart { key: key(args).into() };
    go_on(app, args, &request, needs_decision, |engine| engine.restart(key(args)))
}

pub(crate) fn retry(app: App, args: &ArgMatches) -> Result<Exit, Failure> {
    let from = args.get_one::<String>("from");
    let request = Request::Retry { key: key(args).into(), from: from.cloned() };
    let is_over = |run: &StoredRun| {
        if matches!(run.state, RunState::Ended(_)) {
            return Ok(());
        }
        let (key, state) = (&run.start.key, run.state.name());
        Err(refused(format!("the run `{key}` is {state}; only one that is over is tried again")))
    };
    go_on(app, args, &request, is_over, |engine| match from {
        None => engine.retry(key(args)),
        Some(step) => engine.retry_from(key(args), step),
    })
}

/// Has a run go on that stands still: here, until it is over, or in the process that owns the store.
fn go_on(
    app: App,
    args: &ArgMatches,
    request: &Request,
    check: impl Fn(&StoredRun) -> Result<(), Failure>,
    begin: impl Fn(&Engine) -> nexus_core::Result<RunHandle>,
) -> Result<Exit, Failure> {
    let opened = store::open(&app, args)?;
    let before = store::run(opened.store(), key(args))?;
    check(&before)?;
    match opened {
        Opened::Owned(store) => {
            let program = app.name.clone();
            let progress = RunProgress::new(Mode::of_stderr());
            let engine = app.build_durable_engine(Arc::new(store), progress.observe())?;
            let run = noted(&engine, actor::action(args, request), begin(&engine))?;
            recording::drive(&engine, run, progress, &program)
        }
        Opened::Beside { store, owner } => {
            let goes_on = |store: &SqliteStore| {
                let run = store::run(store, key(args))?;
                Ok(run.records > before.records && run.state != RunState::NeedsDecision)
            };
            ask(&store, &owner, request, Some(PATIENCE), args, goes_on)
        }
    }
}

pub(crate) fn resolve(app: App, args: &ArgMatches) -> Result<Exit, Failure> {
    let (key, program) = (key(args), app.name.clone());
    let step = args.get_one::<String>("step").map_or("", String::as_str);
    let answer = Answer::of(args);
    let (of_run, of_step) = (Arc::from(key), step.to_owned());
    let request = match answer {
        Answer::Value(json) => {
            Request::Resolve { key: of_run, step: of_step, value: json.to_owned() }
        }
        Answer::Failure(message) => {
            Request::Fail { key: of_run, step: of_step, message: message.to_owned() }
        }
    };
    let opened = store::open(&app, args)?;
    store::run(opened.store(), key)?;
    match opened {
        Opened::Owned(store) => {
            let engine = app.build_durable_engine(Arc::new(store), |it| it)?;
            let resolved = match answer {
                Answer::Value(json) => engine.resolve_json(key, step, json),
                Answer::Failure(message) => engine.fail(key, step, message),
            };
            noted(&engine, actor::action(args, &request), resolved)?;
            done(&format!(
                "resolved `{step}` of `{key}`; the run goes on when `{program} serve` does"
            ))
        }
        Opened::Beside { store, owner } => {
            let beside = SqliteStore::read_only(store.path());
            let beside = Arc::new(beside.map_err(|error| store::failure(&error))?);
            let engine = app.build_durable_engine(beside, |it| it)?;
            match answer {
                Answer::Value(json) => engine.check_resolve_json(key, step, json)?,
                Answer::Failure(_) => engine.check_fail(key, step)?,
            }
            let Ok(address) = step.parse::<StepAddress>();
            let is_resolved = |store: &SqliteStore| Ok(!is_pending(store, args, &address)?);
            ask(&store, &owner, &request, Some(PATIENCE), args, is_resolved)
        }
    }
}

/// How a step is to end that is pending.
#[derive(Clone, Copy)]
enum Answer<'a> {
    Value(&'a str),
    Failure(&'a str),
}

impl<'a> Answer<'a> {
    fn of(args: &'a ArgMatches) -> Self {
        let text = |name| args.get_one::<String>(name).map(String::as_str);
        match text("fail") {
            Some(message) => Self::Failure(message),
            None => Self::Value(text("value").unwrap_or_default()),
        }
    }
}

fn is_pending(
    store: &SqliteStore,
    args: &ArgMatches,
    address: &StepAddress,
) -> Result<bool, Failure> {
    let history = History::read(store, key(args)).map_err(|error| store::failure(&error))?;
    let steps = history.iter().flat_map(|history| &history.steps);
    let mut attempts = steps.filter(|it| it.path == address.path()).flat_map(|it| &it.attempts);
    Ok(attempts.any(|it| it.item == address.item() && it.ended == AttemptEnd::Pending))
}

/// Whether the run is over.
fn is_over(store: &SqliteStore, key: &str) -> Result<bool, Failure> {
    Ok(matches!(store::run(store, key)?.state, RunState::Ended(_)))
}

/// Checks that somebody has to decide what becomes of the run.
fn needs_decision(run: &StoredRun) -> Result<(), Failure> {
    if run.state == RunState::NeedsDecision {
        return Ok(());
    }
    let (key, state) = (&run.start.key, run.state.name());
    Err(refused(format!("the run `{key}` needs no decision: it is {state}")))
}

fn refused(why: String) -> Failure {
    Failure::new(Exit::Failed, why)
}

fn done(what: &str) -> Result<Exit, Failure> {
    output::print(&visible(what).to_string())
}

/// Leaves a request for the store's owner. With `--wait`, waits until `is_done`; once the owner has
/// taken the request, for as long as `patience` at most.
fn ask(
    store: &SqliteStore,
    owner: &str,
    request: &Request,
    patience: Option<Duration>,
    args: &ArgMatches,
    is_done: impl Fn(&SqliteStore) -> Result<bool, Failure>,
) -> Result<Exit, Failure> {
    let what = format!("{} `{}`", request.name(), request.key());
    // Who wants it is known first: what is asked for may be done at once.
    let noted = store.note(&actor::action(args, request));
    noted.and_then(|()| store.request(request)).map_err(|error| store::failure(&error))?;
    if !args.get_flag("wait") {
        return done(&format!("asked the owner of the store to {what}: {owner}"));
    }
    let (mut since, mut is_taken) = (Instant::now(), false);
    while !is_done(store)? {
        let left = store.requests().map_err(|error| store::failure(&error))?;
        if !is_taken && !left.iter().any(|(_, left)| left == request) {
            (since, is_taken) = (Instant::now(), true);
        }
        let patience = if is_taken { patience } else { Some(PATIENCE) };
        if patience.is_some_and(|patience| since.elapsed() > patience) {
            return Err(refused(if is_taken {
                let why = why(store, args)?;
                format!(
                    "the owner of the store took the request to {what}, and could not do it: {why}"
                )
            } else {
                format!(
                    "nobody has taken the request to {what}, which waits for the owner of the store: {owner}"
                )
            }));
        }
        std::thread::sleep(LOOK_EVERY);
    }
    done(&format!("the owner of the store did what it was asked to: {what}"))
}

/// What stands in the way, as far as the store says.
fn why(store: &SqliteStore, args: &ArgMatches) -> Result<String, Failure> {
    let reason = store::run(store, key(args))?.reason;
    Ok(reason.unwrap_or_else(|| "what it says itself has the reason".to_owned()))
}
