//! What can happen next.

use std::time::Duration;

use super::State;
use super::process::Process;
use super::slots::SimulatedPool;

/// What can happen next.
#[derive(Debug, Clone, Copy)]
pub(super) enum Choice {
    /// A run goes on.
    Run(usize),
    /// A task goes on.
    Task(u64),
    /// A worker takes a job of this pool.
    Job(usize),
    Commit,
    /// The engine's timer makes a call.
    Call,
    /// The engine looks at slow tasks.
    Look,
    /// The engine looks at what other processes ask of it.
    Requests,
    /// Somebody cancels a run.
    Cancel(usize),
    /// Somebody tries a run again that is over.
    TryAgain(usize),
    /// Somebody says how a pending task ended.
    Resolve(usize),
}

impl State {
    /// All that can happen now.
    pub(super) fn choices(&self, process: &Process) -> Vec<Choice> {
        let mut choices = Vec::new();
        let runs = self.runs.iter().enumerate();
        choices.extend(runs.filter_map(|(at, run)| {
            (run.future.is_some() && run.woken.is_raised()).then_some(Choice::Run(at))
        }));
        for (task, slot) in &self.tasks {
            let blocks = self.pools.get(slot.pool).is_some_and(SimulatedPool::blocks);
            if slot.can_go_on(self.now, blocks) {
                choices.push(Choice::Task(*task));
            }
        }
        let pools = self.pools.iter().enumerate().filter(|(_, pool)| pool.can_begin());
        choices.extend(pools.map(|(at, _)| Choice::Job(at)));
        if process.steps.wants_commit() {
            choices.push(Choice::Commit);
        }
        let is_due = |at: Option<Duration>| at.is_some_and(|at| process.began + at <= self.now);
        if is_due(process.steps.next_call()) {
            choices.push(Choice::Call);
        }
        // What these write waits for its commit, and so for one that is under way.
        if self.in_flight.is_none() {
            if is_due(process.steps.next_look()) {
                choices.push(Choice::Look);
            }
            if self.has_requests && self.next_requests <= self.now {
                choices.push(Choice::Requests);
            }
            // Its key is about to be free with the next commit.
            if !process.steps.wants_commit() {
                let over = self.runs.iter().enumerate();
                choices.extend(over.filter_map(|(at, run)| {
                    run.again.is_some_and(|(at, _)| at <= self.now).then_some(Choice::TryAgain(at))
                }));
            }
            let pending = self.pending.iter().enumerate();
            choices.extend(pending.filter_map(|(at, pending)| {
                (pending.at <= self.now).then_some(Choice::Resolve(at))
            }));
            let cancels = self.runs.iter().enumerate();
            choices.extend(cancels.filter_map(|(at, run)| {
                run.cancel.is_some_and(|(at, _)| at <= self.now).then_some(Choice::Cancel(at))
            }));
        }
        choices
    }
}
