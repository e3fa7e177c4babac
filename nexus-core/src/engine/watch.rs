//! Looking at a run's chunks now and then, so that nothing stays behind a task that is slow.
//!
//! The driving thread does it while it waits; where it cannot, the engine's own timer does.

use std::sync::Arc;
use std::time::Duration;

use super::active::ActiveRun;

/// How often.
pub(super) const LOOK_EVERY: Duration = Duration::from_millis(1);

impl ActiveRun {
    /// Takes back what does not move, and sees to it that somebody does it.
    pub(super) fn look_at_chunks(self: &Arc<Self>) {
        let (jobs, acquired) = self.mailbox.look();
        for (pool, count) in jobs {
            (0..count).for_each(|_| self.submit(pool));
        }
        if let Some((run, notifications)) = acquired {
            self.go_on(run, notifications, None);
        }
    }

    /// Has the engine look for as long as there is something to look at. Not by the engine's own
    /// clock, which may stand still.
    pub(super) fn watch_chunks(self: &Arc<Self>) {
        let look = self.when_alive(|run| {
            run.look_at_chunks();
            let mut contents = run.mailbox.lock();
            contents.watched = contents.needs_watch();
            let again = contents.watched;
            drop(contents);
            if again {
                run.watch_chunks();
            }
        });
        self.engine.real_timer.set_after(LOOK_EVERY, look);
    }
}
