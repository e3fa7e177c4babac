//! What a run needs so that its notifications, told again, make the same of it.

#[cfg(feature = "durable")]
use super::Action;
use super::Run;

impl Run {
    /// Starts the groups that are ready. The state that a notification finds must not depend on
    /// when somebody has asked for actions, so a recorded run does this after each.
    pub(crate) fn start_ready(&mut self) {
        while let Some(group) = self.ready.pop_front() {
            self.start_group(group);
        }
    }

    #[cfg(feature = "durable")]
    /// Asks for these again: they were asked for before, and nobody carries them out.
    pub(crate) fn ask_again(&mut self, actions: impl IntoIterator<Item = Action>) {
        for action in actions {
            self.actions.push_back(action);
        }
    }
}
