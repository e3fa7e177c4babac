//! `run --on`: a run on a cluster.

use std::sync::Arc;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::{Duration, Instant};

use clap::ArgMatches;
use nexus_core::command_line::inputs_of_values;
use nexus_core::{Plan, Report, Value};
use nexus_restate::{Cluster, Prepared, RunFilter};

use super::{connect, failure};
use crate::Entry;
use crate::interrupt::Interrupt;
use crate::output::{Exit, Failure, warn};

/// When it is first said how far a run is, and how long after that it is said again.
const FIRST_LINE: Duration = Duration::from_secs(2);
const LINE_INTERVAL: Duration = Duration::from_secs(10);

/// Runs a pipeline on the cluster that the command line names, and waits for its end.
pub(crate) fn run(
    program: &str,
    entry: Entry,
    args: &ArgMatches,
    plan: &Arc<Plan>,
    values: Vec<Value>,
) -> Result<Report, Failure> {
    if !entry.is_durable {
        let name = entry.name;
        return Err(Failure::usage(format!(
            "only durable pipelines run on a cluster; say `#[pipeline(durable, ..)]` of `{name}`"
        )));
    }
    let is_events = args.get_one::<String>("json").is_some_and(|json| json == "events");
    if is_events || args.contains_id("report") {
        return Err(Failure::usage(
            "`--json=events` and `--report` say how this program ran something; on a cluster workers do",
        ));
    }
    let cluster = connect(args)?;
    let mut prepared =
        cluster.prepare_plan(plan, inputs_of_values(plan, values)).map_err(failure)?;
    let limit = args.get_one::<Duration>("timeout").copied().or_else(entry.timeout);
    if let Some(limit) = limit {
        prepared = prepared.timeout(limit);
    }
    match args.get_one::<String>("key") {
        Some(key) => {
            say_if_there(&cluster, entry.name, key);
            prepared = prepared.key(&**key);
        }
        None => warn(&format!("the run has the key `{}`", prepared.run_key())),
    }
    let is_never = args.get_one::<String>("progress").is_some_and(|when| when == "never");
    let is_quiet = is_never || args.get_flag("quiet");
    wait(&cluster, prepared, entry.name, program, is_quiet)
}

/// Says what the cluster has under the key already. Where that cannot be seen, nothing depends on it.
fn say_if_there(cluster: &Cluster, pipeline: &str, key: &str) {
    let found = cluster.runs_where(&RunFilter::new().pipeline(pipeline).key(key));
    if let Ok([found]) = found.as_deref() {
        let what = if found.is_over() {
            "is over; nothing is run again"
        } else {
            "is not over; it goes on where it is"
        };
        warn(&format!("the run `{key}` is there already, and {what}"));
    }
}

/// What ends a wait.
enum Wake {
    Signal,
    Over(Box<nexus_restate::Result<Report>>),
}

/// Waits for the run's end. A signal leaves the run, which the cluster goes on with.
fn wait(
    cluster: &Cluster,
    prepared: Prepared,
    pipeline: &str,
    program: &str,
    is_quiet: bool,
) -> Result<Report, Failure> {
    let key = prepared.run_key().to_owned();
    let (wake, woken) = mpsc::channel();
    let (interrupt, stop) = (Interrupt::listen(), wake.clone());
    std::thread::spawn(move || _ = wake.send(Wake::Over(Box::new(prepared.run()))));
    interrupt.stops("", move || _ = stop.send(Wake::Signal));
    let (began, mut next) = (Instant::now(), FIRST_LINE);
    loop {
        match woken.recv_timeout(next.saturating_sub(began.elapsed())) {
            Ok(Wake::Over(ended)) => return ended.map_err(failure),
            Ok(Wake::Signal) | Err(RecvTimeoutError::Disconnected) => {
                return Err(Failure::new(
                    Exit::Cancelled,
                    format!(
                        "the run `{key}` goes on without this program: the same command with this key waits for it, and `{program} runs cancel` ends it"
                    ),
                ));
            }
            Err(RecvTimeoutError::Timeout) => {
                if !is_quiet {
                    say_state(cluster, pipeline, &key, began.elapsed());
                }
                next = began.elapsed() + LINE_INTERVAL;
            }
        }
    }
}

/// `OrderPipeline: running after 12s`, as far as that can be seen.
fn say_state(cluster: &Cluster, pipeline: &str, key: &str, after: Duration) {
    let found = cluster.runs_where(&RunFilter::new().pipeline(pipeline).key(key));
    if let Ok([run]) = found.as_deref() {
        let failure = run.failure.as_ref().filter(|_| run.state != "running");
        let why = failure.map(|why| format!(": {why}")).unwrap_or_default();
        warn(&format!("{pipeline}: {} after {}s{why}", run.state, after.as_secs()));
    }
}
