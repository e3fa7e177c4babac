//! What several pages ask for at the same time, done once.

use std::collections::HashSet;
use std::sync::{Condvar, Mutex, PoisonError};

use crate::lock;

/// What is being done, by names. Whoever is to do the same waits, and may find it done.
#[derive(Debug, Default)]
pub(crate) struct Turns {
    taken: Mutex<HashSet<String>>,
    /// Wakes those who wait.
    done: Condvar,
}

/// Something that is being done. When it is dropped, the next one may do it.
pub(crate) struct Turn<'a> {
    turns: &'a Turns,
    name: &'a str,
}

impl Turns {
    /// Waits until nobody else does what has this name.
    pub(crate) fn take<'a>(&'a self, name: &'a str) -> Turn<'a> {
        let mut taken = lock(&self.taken);
        while !taken.insert(name.to_owned()) {
            taken = self.done.wait(taken).unwrap_or_else(PoisonError::into_inner);
        }
        Turn { turns: self, name }
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        lock(&self.turns.taken).remove(self.name);
        self.turns.done.notify_all();
    }
}
