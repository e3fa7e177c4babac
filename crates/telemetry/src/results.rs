//! How things ended, in OpenTelemetry's words.

use nexus_core::{Ended, ExceptionKind, Status};

/// The value of `cicd.pipeline.result`.
pub(crate) fn of_run(status: Status) -> &'static str {
    match status {
        Status::Succeeded => "success",
        Status::Failed => "failure",
        Status::TimedOut => "timeout",
        Status::Cancelled => "cancellation",
        // A stop condition that was asked for.
        _ => "skip",
    }
}

/// The value of `cicd.pipeline.task.run.result`.
pub(crate) fn of_attempt(ended: Ended<'_>) -> &'static str {
    match ended {
        Ended::Success => "success",
        Ended::Failure(_) => "failure",
        Ended::Exception(exception) if exception.kind() == ExceptionKind::Timeout => "timeout",
        Ended::Exception(_) => "error",
        // It waits for the world outside.
        _ => "pending",
    }
}

/// The value of `error.type`.
pub(crate) fn error_type(ended: Ended<'_>) -> Option<&'static str> {
    match ended {
        Ended::Exception(exception) => Some(match exception.kind() {
            ExceptionKind::Error => "error",
            ExceptionKind::Panic => "panic",
            ExceptionKind::Lost => "lost",
            ExceptionKind::Timeout => "timeout",
            ExceptionKind::WorkerLost => "worker_lost",
            ExceptionKind::Poisoned => "poisoned",
            ExceptionKind::Serialization => "serialization",
            _ => "_OTHER",
        }),
        _ => None,
    }
}
