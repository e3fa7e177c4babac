//! The report of a run, and how the program ends with it.

use std::fmt::Write;
use std::io::IsTerminal;

use clap::ArgMatches;
use nexus_core::{Report, Status, StepOutcome, StepReport};
use nexus_pointy::visible;

use crate::output::{self, Exit, Failure};

/// What of a report is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shown {
    /// Its steps, for people.
    Report,
    /// What the flow yielded.
    Output,
    Json,
    /// The last of the events.
    Event,
}

impl Shown {
    pub(crate) fn of(args: &ArgMatches) -> Self {
        match args.get_one::<String>("json").map(String::as_str) {
            Some("events") => Self::Event,
            Some(_) => Self::Json,
            None if args.get_flag("quiet") => Self::Output,
            None => Self::Report,
        }
    }
}

/// Prints the report, and gives how the program ends.
pub(crate) fn print_report(report: Report, shown: Shown) -> Result<Exit, Failure> {
    let exit = match report.status() {
        Status::Succeeded => Exit::Success,
        Status::TimedOut => Exit::TimedOut,
        Status::Cancelled => Exit::Cancelled,
        _ => Exit::Failed,
    };
    let text = match shown {
        Shown::Report => report_text(&report),
        Shown::Output => output_text(&report).unwrap_or_default(),
        Shown::Json => json(&report)?,
        Shown::Event => format!(r#"{{"event":"report","report":{}}}"#, json(&report)?),
    };
    output::print(&text)?;
    let is_seen = std::io::stdout().is_terminal() && shown == Shown::Report;
    if let (Err(error), false) = (report.ok(), is_seen) {
        output::print_error(&error.to_string());
    }
    Ok(exit)
}

fn json(report: &Report) -> Result<String, Failure> {
    serde_json::to_string(report).map_err(|error| {
        Failure::new(Exit::Failed, format!("a value cannot be written as JSON: {error}"))
    })
}

/// The report, followed by what did not succeed, or by the flow's output if that can be written as
/// JSON.
pub(crate) fn report_text(report: &Report) -> String {
    let mut text = report.to_string();
    if let Some(output) = output_text(report) {
        let _ = write!(text, "\n{output}");
    }
    text + &failures(report)
}

fn output_text(report: &Report) -> Option<String> {
    let value = report.output_step().filter(StepReport::is_success)?.json()?;
    value.ok().filter(|value| !value.is_null()).map(|value| visible(value).to_string())
}

/// A report with so many lines is not seen at a glance.
const LONG: usize = 20;
/// So many failures are shown, of steps and of items.
const MOST_FAILURES: usize = 20;

/// What did not succeed, last of all, where one would look for it else: in a long report, and of items,
/// of which the report only says how many there are.
fn failures(report: &Report) -> String {
    let mut lines = Vec::new();
    for step in report.steps() {
        let path = visible(step.path()).on_one_line().to_string();
        match step.outcome() {
            StepOutcome::Each { failures, .. } => {
                let reason = |reason: &str| visible(reason).indented(4).to_string();
                lines.extend(failures.iter().map(|(item, failure)| {
                    format!("  {path}[{item}]: {}", reason(&failure.to_string()))
                }));
            }
            StepOutcome::Failure(_) | StepOutcome::Exception(_) if report.steps().len() > LONG => {
                lines.push(format!("  {path}: {}", visible(step.sentence()).indented(4)));
            }
            _ => {}
        }
    }
    if lines.is_empty() {
        return String::new();
    }
    let left_out = lines.len().saturating_sub(MOST_FAILURES);
    lines.truncate(MOST_FAILURES);
    let more = if left_out > 0 { format!("\n  and {left_out} more") } else { String::new() };
    format!("\nwithout success:\n{}{more}", lines.join("\n"))
}
