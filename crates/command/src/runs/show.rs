//! `runs show`.

use std::fmt::Write;
use std::time::Duration;

use clap::ArgMatches;
use nexus_core::journal::{
    ActionTaken, HaltCause, History, RunState, Span, Store, StoredRun, Timestamp,
};
use nexus_core::{Engine, EngineBuilder, StepAddress, TaskState, UnfinishedTask};
use nexus_picture::{Picture, StepLook, StepOutcome};
use nexus_pointy::visible;

use super::json::ShownRun;
use super::look::{Look, pending_attempts};
use super::{color, key, timeline};
use crate::App;
use crate::output::{self, Exit, Failure};
use crate::shell::shell_word;
use crate::store;
use crate::table::{Color, Screen};
use crate::time;

/// So many errors are shown; `--json` has all that are kept.
const MOST_ERRORS: usize = 20;

pub(crate) fn show(app: &App, args: &ArgMatches) -> Result<Exit, Failure> {
    let store = store::read(app, args)?;
    let run = store::run(&store, key(args))?;
    let history = match History::read(&store, key(args)) {
        Ok(Some(history)) => history,
        Ok(None) => return Err(Failure::usage("the run is gone by now")),
        Err(error) => return Err(store::failure(&error)),
    };
    let unfinished = unfinished(app, args, &run);
    let actions = store.actions(Some(key(args)), MOST_ACTIONS);
    let actions = actions.map_err(|error| store::failure(&error))?;
    if args.get_flag("json") {
        let text = serde_json::to_string(&ShownRun::new(&history, unfinished.as_deref(), &actions));
        let text = text.map_err(|error| Failure::new(Exit::Failed, error.to_string()))?;
        return output::print(&text);
    }
    let until = run.ended_at.unwrap_or_else(time::now);
    let screen = Screen::of_stdout();
    let mut page = page(&app.name, &history, until, screen);
    page.push_str(&under_way(unfinished.as_deref().unwrap_or_default(), screen));
    page.push_str(&done_by(&actions, screen));
    output::print(&page)
}

/// What the run waits for, if this program has its flow: that is not recorded, but follows from what
/// is.
fn unfinished(app: &App, args: &ArgMatches, run: &StoredRun) -> Option<Vec<UnfinishedTask>> {
    if matches!(run.state, RunState::Ended(_)) {
        return Some(Vec::new());
    }
    let store = store::read(app, args).ok()?;
    // Those of durable pipelines are found by themselves.
    let others = app.pipelines.iter().filter(|entry| !entry.is_durable);
    let plans = others.filter_map(|entry| (entry.plan)().ok());
    let engine =
        plans.fold(Engine::builder(), EngineBuilder::resumable).store(store).build().ok()?;
    engine.unfinished(key(args)).ok()
}

/// So many actions are shown: the last ones.
const MOST_ACTIONS: usize = 50;

/// What people have done to the run, in the order in which they did it.
fn done_by(actions: &[ActionTaken], screen: Screen) -> String {
    if actions.is_empty() {
        return String::new();
    }
    let mut out = format!("\n{}\n", screen.paint(Some(Color::Bold), "actions"));
    for action in actions.iter().rev() {
        let (by, what) = (visible(&action.by).on_one_line(), visible(&action.action).on_one_line());
        let _ = write!(out, "  {} UTC, {by}: {what}", time::date(action.at));
        if let Some(step) = &action.step {
            let _ = write!(out, " {}", visible(step).on_one_line());
        }
        if let Some(error) = &action.error {
            let _ = write!(out, "; it could not be done: {}", visible(error).indented(4));
        }
        out.push('\n');
    }
    out
}

/// So many tasks are shown that are under way.
const MOST_TASKS: usize = 20;

/// The tasks that run, or wait for their next attempt. Those that wait for the world outside are told
/// of above.
fn under_way(unfinished: &[UnfinishedTask], screen: Screen) -> String {
    let is_told = |task: &&UnfinishedTask| matches!(task.state, TaskState::Pending { .. });
    let tasks: Vec<&UnfinishedTask> = unfinished.iter().filter(|task| !is_told(task)).collect();
    if tasks.is_empty() {
        return String::new();
    }
    let mut out = format!("\n{}\n", screen.paint(Some(Color::Bold), "under way"));
    for task in tasks.iter().take(MOST_TASKS) {
        let step = visible(&task.step).on_one_line().to_string();
        let state = match task.state {
            TaskState::Retrying { until } => format!("waits until {} UTC", time::date(until)),
            _ => format!("since {} UTC", time::date(task.since)),
        };
        let _ = writeln!(out, "  {step}, attempt {}, {state}", task.attempt);
    }
    let more = tasks.len().saturating_sub(MOST_TASKS);
    if more > 0 {
        let _ = writeln!(out, "  and {more} more: see `--json`");
    }
    out
}

/// The run as people read it. `until` is when it ended, or now.
fn page(program: &str, history: &History, until: Timestamp, screen: Screen) -> String {
    let mut out = heading(history, until, screen);
    out.push_str(&decision(program, &history.run));
    if let Some(picture) = picture(history) {
        let picture = if screen.is_colored { picture.colored() } else { picture };
        let _ = write!(out, "\n{}", picture.text());
    }
    let _ = write!(out, "\n{}", timeline::draw(history, until, screen));
    out.push_str(&errors(history, screen));
    out.push_str(&pending(program, history, screen));
    out
}

/// The steps that wait for the world outside, and how to say what they wait for.
fn pending(program: &str, history: &History, screen: Screen) -> String {
    if matches!(history.run.state, RunState::Ended(_)) {
        return String::new();
    }
    let key = shell_word(&history.run.start.key);
    let mut out = String::new();
    for (step, attempt) in pending_attempts(history) {
        let address = StepAddress::new(&step.path, attempt.item).to_string();
        let (since, word) = (time::date(attempt.span.to), shell_word(&address));
        let _ = writeln!(out, "  {} since {since} UTC", visible(&address).on_one_line());
        let _ = writeln!(out, "    {program} runs resolve {key} {word} JSON");
        let _ = writeln!(out, "    {program} runs resolve {key} {word} --fail MESSAGE");
    }
    let heading = screen.paint(Some(Color::Bold), "waiting for the world outside");
    if out.is_empty() { out } else { format!("\n{heading}\n{out}") }
}

fn heading(history: &History, until: Timestamp, screen: Screen) -> String {
    let run = &history.run;
    let one_line = |text: &str| visible(text).on_one_line().to_string();
    let mut out = screen.paint(Some(Color::Bold), &one_line(&run.start.key));
    let status = screen.paint(color(run.state), run.state.name());
    let _ = writeln!(out, "  {}  {status}", one_line(&run.start.pipeline));
    let took = time::short(until.since(run.start.at));
    let took = if run.ended_at.is_some() { format!("took {took}") } else { format!("{took} ago") };
    let began = time::date(run.start.at);
    let _ = writeln!(out, "began {began} UTC, {took}; {} records", run.records);
    if let Some(deadline) = run.start.deadline.filter(|_| run.ended_at.is_none()) {
        let _ = writeln!(out, "its time is over {} UTC", time::date(deadline));
    }
    if let Some(parent) = &run.start.parent {
        let _ = writeln!(out, "inside of the run {}", one_line(parent));
    }
    if let Some((at, by)) = history.halted {
        let what = match by {
            HaltCause::Timeout => "its time was over",
            HaltCause::Parent => "cancelled with the run around it",
            _ => "cancelled",
        };
        let _ = writeln!(out, "{what} {} UTC", time::date(at));
    }
    out
}

/// Why somebody has to decide, and how.
fn decision(program: &str, run: &StoredRun) -> String {
    let reason =
        visible(run.reason.as_deref().unwrap_or("nothing says why")).indented(2).to_string();
    match run.state {
        RunState::NeedsDecision => {
            let key = shell_word(&run.start.key);
            let how = [
                ("adopt", "goes on with the flow of today, and what is recorded stands"),
                ("restart", "begins again, with the flow of today and the same inputs"),
                ("abandon", "ends it"),
            ];
            let how = how.map(|(verb, does)| {
                format!("  {:<8}{does}\n", format!("{program} runs {verb} {key}  "))
            });
            format!("\nIt cannot go on before somebody decides: {reason}\n{}", how.concat())
        }
        RunState::Damaged => format!("\nWhat is written of it is damaged: {reason}\n"),
        _ => String::new(),
    }
}

/// The flow with what became of each step; none if the store has another language than this program.
fn picture(history: &History) -> Option<Picture> {
    let flow = nexus_pointy::parse(&history.run.start.flow.script).into_result().ok()?;
    let looks = history.steps.iter().map(|step| {
        let look = Look::of(step, &history.run);
        let ran: Duration = step.running.iter().map(Span::duration).sum();
        let attempts = if step.items.is_some() { 1 } else { step.ended_attempts };
        let drawn = StepLook::new(look.outcome).took(ran);
        let drawn = drawn.attempts(u32::try_from(attempts).unwrap_or(u32::MAX));
        match look.outcome {
            StepOutcome::Success | StepOutcome::NotRun if step.items.is_none() => drawn,
            _ => drawn.note(look.sentence),
        }
    });
    Some(Picture::of(&flow).titled("").with_steps(looks))
}

fn errors(history: &History, screen: Screen) -> String {
    let mut out = String::new();
    let mut count = 0;
    for step in &history.steps {
        for attempt in step.attempts.iter().filter(|it| !it.ended.errors().is_empty()) {
            count += 1;
            if count > MOST_ERRORS {
                continue;
            }
            let item = attempt.item.map(|item| format!("[{item}]")).unwrap_or_default();
            let path = visible(&step.path).on_one_line();
            let at = time::date(attempt.span.to);
            let [first, sources @ ..] = attempt.ended.errors() else { continue };
            let first = visible(first).indented(4);
            let _ = writeln!(out, "  {path}{item}, attempt {}, {at}: {first}", attempt.attempt);
            for source in sources {
                let _ = writeln!(out, "    caused by: {}", visible(source).indented(6));
            }
        }
    }
    if count > MOST_ERRORS {
        let _ = writeln!(out, "  and {} more: see `--json`", count - MOST_ERRORS);
    }
    if out.is_empty() {
        out
    } else {
        format!("\n{}\n{out}", screen.paint(Some(Color::Bold), "errors"))
    }
}
