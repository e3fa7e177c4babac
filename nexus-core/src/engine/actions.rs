//! Who has done what to the runs in the store.

use super::engine::Engine;
use crate::error::Result;
use crate::journal::ActionTaken;

impl Engine {
    /// Writes down in the store that somebody has done this, for those who ask later who it was. It
    /// changes nothing else: the run is cancelled by [`cancel`](Self::cancel), and so on.
    ///
    /// ```
    /// use nexus_core::Engine;
    /// use nexus_core::journal::{ActionTaken, MemoryStore, Timestamp};
    /// let engine = Engine::builder().store(MemoryStore::new()).build()?;
    /// engine.note_action(&ActionTaken::new(Timestamp(1), "Ada", "cancel", "order-7"))?;
    /// assert_eq!(engine.actions(Some("order-7"), 10)?[0].by, "Ada");
    /// # Ok::<(), nexus_core::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// If the engine has no store, or the store cannot be written to.
    pub fn note_action(&self, action: &ActionTaken) -> Result<()> {
        Ok(self.durable()?.store().note(action)?)
    }

    /// What people have done to the run or the schedule of this name, or to all of them: the last first,
    /// and at most so many. What was done to a run goes with the run.
    ///
    /// # Errors
    ///
    /// If the engine has no store, or the store cannot be read.
    pub fn actions(&self, key: Option<&str>, most: usize) -> Result<Vec<ActionTaken>> {
        Ok(self.durable()?.store().actions(key, most)?)
    }
}
