//! The keys of the runs that are under way, each of which is one run's alone.

use std::collections::HashMap;
use std::sync::{Arc, Weak};
use std::task::Waker;

use super::drivers::Drivers;
use super::ticker::Ticker;
use super::timer::Timer;
use super::writer::{RecordedRun, Writer};
use crate::journal::Store;
use crate::plan::Plan;
use crate::sync::{Condvar, Mutex, MutexGuard, lock, wait};

/// What an engine with a store has beside others.
pub(super) struct Durable {
    pub(super) writer: Arc<Writer>,
    /// What drives runs in the background.
    pub(super) drivers: Arc<Drivers>,
    /// Plans made at run time whose runs can be resumed.
    pub(super) resumable: Vec<Arc<Plan>>,
    keys: Mutex<Keys>,
    /// A run is over, or it is known which one has a key.
    over: Condvar,
    /// Looks at the requests of other processes.
    pub(super) requests: Arc<Ticker>,
}

#[derive(Default)]
struct Keys {
    /// The run is not there yet while it is brought back.
    taken: HashMap<Arc<str>, Option<Weak<dyn RecordedRun>>>,
    /// Futures that wait for a run to be over.
    wakers: Vec<Waker>,
}

impl Durable {
    /// `timer` goes by the system's clock.
    pub(super) fn new(
        store: Arc<dyn Store>,
        resumable: Vec<Arc<Plan>>,
        timer: &Arc<Timer>,
    ) -> Self {
        let (keys, over) = (Mutex::default(), Condvar::new());
        let writer = Writer::new(store);
        let drivers = Drivers::new(&writer, timer);
        Self { writer, drivers, resumable, keys, over, requests: Arc::default() }
    }

    pub(super) fn store(&self) -> &dyn Store {
        &*self.writer.store
    }

    /// The run with this key, if it is under way here.
    pub(super) fn active(&self, key: &str) -> Option<Arc<dyn RecordedRun>> {
        lock(&self.keys).taken.get(key)?.as_ref()?.upgrade()
    }

    pub(super) fn is_taken(&self, key: &str) -> bool {
        lock(&self.keys).taken.contains_key(key)
    }

    /// Takes a key, if no run has it.
    pub(super) fn try_take(&self, key: &Arc<str>) -> bool {
        Self::take_free(&mut lock(&self.keys), key)
    }

    fn take_free(keys: &mut MutexGuard<'_, Keys>, key: &Arc<str>) -> bool {
        let is_free = !keys.taken.contains_key(key);
        if is_free {
            keys.taken.insert(Arc::clone(key), None);
        }
        is_free
    }

    /// Takes a key; waits for the run that has it.
    pub(super) fn take(&self, key: &Arc<str>) {
        let mut keys = lock(&self.keys);
        while !Self::take_free(&mut keys, key) {
            keys = crate::executor::while_blocked(|| wait(&self.over, keys));
        }
    }

    /// The same for a future: without the key, it is woken when one is free.
    pub(super) fn poll_take(&self, key: &Arc<str>, waker: &Waker) -> bool {
        let mut keys = lock(&self.keys);
        let taken = Self::take_free(&mut keys, key);
        if !taken {
            keys.wakers.push(waker.clone());
        }
        taken
    }

    /// The run with this key, if one is under way here; the key is taken otherwise. Waits while
    /// neither can be: a run is being brought back, or what it has written is not safe yet.
    pub(super) fn active_or_take(&self, key: &Arc<str>) -> Option<Arc<dyn RecordedRun>> {
        let mut keys = lock(&self.keys);
        loop {
            if Self::take_free(&mut keys, key) {
                return None;
            }
            let active = keys.taken.get(key).and_then(Option::as_ref).and_then(Weak::upgrade);
            if active.is_some() {
                return active;
            }
            keys = crate::executor::while_blocked(|| wait(&self.over, keys));
        }
    }

    /// Says which run has the key.
    pub(super) fn set_run(&self, key: &Arc<str>, run: Weak<dyn RecordedRun>) {
        lock(&self.keys).taken.insert(Arc::clone(key), Some(run));
        self.over.notify_all();
    }

    /// The run that had the key is over.
    pub(super) fn free(&self, key: &str) {
        let mut keys = lock(&self.keys);
        keys.taken.remove(key);
        let wakers = std::mem::take(&mut keys.wakers);
        drop(keys);
        self.over.notify_all();
        wakers.into_iter().for_each(Waker::wake);
    }
}
