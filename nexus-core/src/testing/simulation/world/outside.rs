//! What the world outside does to the runs: it cancels them, and says how pending steps ended.

use std::sync::Arc;
use std::time::Duration;

use super::World;
use super::process::Process;
use super::slots::Flag;
use crate::address::StepAddress;
use crate::context::Names;
use crate::journal::{Request, Store};

/// How often an engine looks at the requests of other processes.
pub(super) const LOOK_EVERY: Duration = Duration::from_millis(250);

/// When the world outside tries again.
const AGAIN: Duration = Duration::from_millis(100);

/// When an engine that began then looks at requests next.
fn next_look(began: Duration, now: Duration) -> Duration {
    let looks = now.saturating_sub(began).as_nanos().div_ceil(LOOK_EVERY.as_nanos());
    began + LOOK_EVERY * looks as u32
}

impl World {
    /// Somebody wants the run to end.
    pub(super) fn cancel(&self, run: usize, process: &Process) {
        let mut state = self.state();
        let Some((_, by_request)) = state.runs[run].cancel.take() else { return };
        let key = Arc::clone(&state.runs[run].key);
        if state.runs[run].ledger.ended.is_some() || !state.runs[run].ledger.is_started() {
            return;
        }
        state.faults += 1;
        state.note(format!("somebody cancels {key}"));
        let at = state.timestamp();
        drop(state);
        if by_request {
            self.request(&Request::Cancel { key }, process);
            self.state().runs[run].ledger.cancel.requested = Some(at);
        } else if matches!(self.call_engine(|| process.engine.cancel(&key)), Ok(true)) {
            self.state().runs[run].ledger.cancel.is_asked = true;
        }
    }

    /// Another process leaves a request.
    fn request(&self, request: &Request, process: &Process) {
        // A disk in memory does not fail.
        let _ = self.disk.request(request);
        let mut state = self.state();
        state.has_requests = true;
        state.next_requests = next_look(process.began, state.now);
    }

    /// Somebody tries a run again that is over. It may be refused: nothing of it has failed, or it
    /// never came to that step.
    pub(super) fn try_again(&self, run: usize, process: &Process) {
        let mut state = self.state();
        let Some((_, from)) = state.runs[run].again.take() else { return };
        let key = Arc::clone(&state.runs[run].key);
        let from = from.map(|step| self.plan.step_path(step));
        let what = from.as_ref().map(|from| format!(" from {from}")).unwrap_or_default();
        state.note(format!("somebody tries {key} again{what}"));
        drop(state);
        let prepared = self.call_engine(|| process.engine.prepare_again(&key, from.as_deref()));
        let mut state = self.state();
        match prepared {
            Ok(prepared) => {
                state.runs[run].before = state.runs[run].report.take();
                state.runs[run].woken = Flag::raised();
                state.runs[run].future = Some(Box::pin(prepared.run_async()));
            }
            Err(why) => state.note(why.to_string()),
        }
    }

    /// The engine is about to remove a request, which is done.
    pub(super) fn removes(&self, number: u64) {
        let requests = self.disk.requests().unwrap_or_default();
        let mut state = self.state();
        state.has_requests = requests.len() > 1;
        for (_, request) in requests.iter().filter(|(other, _)| *other == number) {
            let Request::Cancel { key } = request else { continue };
            for run in state.runs.iter_mut().filter(|run| run.key == *key) {
                run.ledger.cancel.is_taken = true;
            }
        }
    }

    /// The engine looks at what other processes ask of it.
    pub(super) fn look_at_requests(&self, process: &Process) {
        let mut state = self.state();
        state.next_requests = state.now + LOOK_EVERY;
        drop(state);
        self.call_engine(|| process.engine.look_at_requests());
    }

    /// The world outside says how a pending task ended, or tries to.
    pub(super) fn resolve(&self, at: usize, process: &Process) {
        let mut state = self.state();
        let pending = state.pending.remove(at);
        let run = &state.runs[pending.run];
        if run.ledger.ended.is_some() || !run.ledger.is_pending(pending.task) {
            return;
        }
        let (key, step) = (Arc::clone(&run.key), pending.task.step);
        let event = self.plan.event_name(step);
        let by = self.settings.resolves.iter().find(|(name, _)| name == event);
        let Some((_, make)) = by else { return };
        let address = StepAddress::new(self.plan.step_path(step), pending.task.item).to_string();
        state.note(format!("somebody resolves {key} {address}"));
        if state.random.chance(0.25) {
            // Whoever asks another process looks later whether it was done.
            let at = state.now + LOOK_EVERY * 2;
            state.pending.push(super::slots::PendingTask { at, ..pending });
            drop(state);
            let request = Request::Resolve { key, step: address, value: make() };
            return self.request(&request, process);
        }
        drop(state);
        let resolved = self.call_engine(|| process.engine.resolve_json(&key, &address, &make()));
        let mut state = self.state();
        let is_pending = state.runs[pending.run].ledger.is_pending(pending.task);
        match resolved {
            Ok(()) if is_pending && !state.is_dead => {
                let why = format!("`{address}` was resolved, and that is not safe");
                state.check(pending.run, Err(why));
            }
            Ok(()) => {}
            // Its run is being brought back, or the process has died.
            Err(_) => {
                let at = state.now + AGAIN;
                state.pending.push(super::slots::PendingTask { at, ..pending });
            }
        }
    }
}
