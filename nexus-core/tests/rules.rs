//! The rules of the design, one module for each; a test's name says what a user would lose.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panic")]
#![allow(clippy::needless_pass_by_value, reason = "shorter calls")]

mod patience;
#[path = "rules/support.rs"]
mod support;

#[path = "rules/d4_checkpoint.rs"]
mod d4_checkpoint;
#[path = "rules/r10_goto.rs"]
mod r10_goto;
#[path = "rules/r11_bypass.rs"]
mod r11_bypass;
#[path = "rules/r12_panics.rs"]
mod r12_panics;
#[path = "rules/r13_cancellation.rs"]
mod r13_cancellation;
#[path = "rules/r13_children.rs"]
mod r13_children;
#[path = "rules/r13_timeouts.rs"]
mod r13_timeouts;
#[path = "rules/r14_limits.rs"]
mod r14_limits;
#[path = "rules/r15_identity.rs"]
mod r15_identity;
#[path = "rules/r2_mistakes.rs"]
mod r2_mistakes;
#[path = "rules/r3_closures.rs"]
mod r3_closures;
#[path = "rules/r5_flow.rs"]
mod r5_flow;
#[path = "rules/r5_lent.rs"]
mod r5_lent;
#[path = "rules/r5_parallel.rs"]
mod r5_parallel;
#[path = "rules/r5_plain.rs"]
mod r5_plain;
#[path = "rules/r5_previous.rs"]
mod r5_previous;
#[path = "rules/r6_status.rs"]
mod r6_status;
#[path = "rules/r7_retry.rs"]
mod r7_retry;
#[path = "rules/r8_evaluation.rs"]
mod r8_evaluation;
#[path = "rules/r9_stop.rs"]
mod r9_stop;
#[path = "rules/s6_executors.rs"]
mod s6_executors;
#[path = "rules/s8_signals.rs"]
mod s8_signals;
