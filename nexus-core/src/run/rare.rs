//! What most runs have nothing of, and so need no memory for.

use std::collections::{BTreeMap, BTreeSet};

/// Made when the first of them is there.
#[derive(Default)]
pub(super) struct Rare {
    /// The flows in which a failure was left unhandled.
    pub(super) failed: BTreeSet<u32>,
    /// How many workers have died of a task so far.
    pub(super) crashes: BTreeMap<(u32, Option<u64>), u32>,
    /// How many waits are under way, for each step that has any.
    pub(super) waits: BTreeMap<u32, usize>,
}
