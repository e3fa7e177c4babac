//! The report of a run, and how the program ends with it.

use std::io::IsTerminal;

use nexus_core::{Report, Status, StepReport};
use nexus_pointy::visible;

use crate::output::{self, Exit, Failure};

/// Prints the report, and gives how the program ends.
pub(crate) fn print_report(report: Report, as_json: bool) -> Result<Exit, Failure> {
    let exit = match report.status() {
        Status::Succeeded => Exit::Success,
        Status::TimedOut => Exit::TimedOut,
        Status::Cancelled => Exit::Cancelled,
        _ => Exit::Failed,
    };
    let text = if as_json {
        serde_json::to_string(&report).map_err(|error| {
            Failure::new(Exit::Failed, format!("a value cannot be written as JSON: {error}"))
        })?
    } else {
        report_text(&report)
    };
    output::print(&text)?;
    let is_seen = std::io::stdout().is_terminal() && !as_json;
    if let (Err(error), false) = (report.ok(), is_seen) {
        output::print_error(&error.to_string());
    }
    Ok(exit)
}

/// The report, followed by the flow's output if that can be written as JSON.
fn report_text(report: &Report) -> String {
    let value = report.output_step().filter(StepReport::is_success).and_then(|step| step.json());
    match value {
        Some(Ok(value)) if !value.is_null() => format!("{report}\n{}", visible(value)),
        _ => report.to_string(),
    }
}
