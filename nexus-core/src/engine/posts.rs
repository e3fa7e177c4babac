//! What is left for a recorded run in its mailbox when it is safe.

use super::lease::{Lease, WorkerNext};
use super::mailbox::{Acquired, Mailbox};
use super::queue::PoolQueue;
use super::work::{Notification, Work};

impl Mailbox {
    /// A worker has left its notifications elsewhere: what it does next.
    pub(super) fn leave(&self, lease: Option<Lease<'_>>) -> WorkerNext {
        let mut contents = self.lock();
        let abandoned = lease.is_some_and(|lease| contents.leave_body(lease));
        match (contents.closed, abandoned) {
            (true, true) => WorkerNext::Abandoned,
            (true, false) => WorkerNext::Done,
            (false, _) => contents.next_of(lease),
        }
    }

    /// Leaves a notification for whoever holds the run next, and calls `posted` under the lock.
    /// Gives it back if it comes too late.
    pub(super) fn post(
        &self,
        notification: Notification,
        posted: impl FnOnce(),
    ) -> Option<Notification> {
        let mut contents = self.lock();
        posted();
        if contents.closed {
            return Some(notification);
        }
        contents.notifications.push(notification);
        None
    }

    /// Takes back what the pools were given and have not begun. It is not given again.
    pub(super) fn withdraw(&self) -> Vec<Work> {
        let mut contents = self.lock();
        let withdrawn: Vec<Work> =
            contents.queues.iter_mut().flat_map(PoolQueue::withdraw).collect();
        contents.withdrawn += withdrawn.len();
        withdrawn
    }

    /// Whether nobody holds the run, and nothing of it runs.
    pub(super) fn is_at_rest(&self) -> bool {
        let contents = self.lock();
        let unbegun = contents.inline.len() + contents.withdrawn;
        let run = contents.run.as_ref().filter(|_| contents.notifications.is_empty());
        run.is_some_and(|run| run.is_at_rest(unbegun))
    }

    /// Wakes whoever drives the run if that is one of the engine's drivers, which reads what was
    /// left for it. Says whether it is.
    pub(super) fn wake_driver(&self) -> bool {
        let contents = self.lock();
        if !contents.has_driver {
            return false;
        }
        if contents.run.is_some() && !contents.notifications.is_empty() {
            self.notify(contents);
        }
        true
    }

    /// The run and what was left for it, if there is something and nobody holds the run.
    pub(super) fn take_up(&self) -> Option<Acquired> {
        let mut contents = self.lock();
        if contents.notifications.is_empty() {
            return None;
        }
        let run = contents.run.take()?;
        Some((run, std::mem::take(&mut contents.notifications)))
    }
}
