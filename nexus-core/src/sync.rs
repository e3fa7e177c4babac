//! The primitives that the pool and the drivers are built on: the standard library's, or those of
//! the `shuttle` model checker when a test is compiled with `--cfg shuttle`.

#[cfg(not(shuttle))]
pub(crate) use std::{
    sync::{Condvar, Mutex, MutexGuard},
    thread, thread_local,
};

#[cfg(not(shuttle))]
use crossbeam::atomic::AtomicCell;
#[cfg(shuttle)]
pub(crate) use shuttle::{
    sync::{Condvar, Mutex, MutexGuard},
    thread, thread_local,
};

/// A place for one thing, which threads put there and take with one atomic exchange.
#[cfg(not(shuttle))]
pub(crate) struct Handover<T>(AtomicCell<Option<T>>);

/// The same, of the model checker's parts.
#[cfg(shuttle)]
pub(crate) struct Handover<T>(Mutex<Option<T>>);

impl<T> Default for Handover<T> {
    fn default() -> Self {
        #[cfg(not(shuttle))]
        use AtomicCell as Place;
        #[cfg(shuttle)]
        use Mutex as Place;
        Self(Place::new(None))
    }
}

#[cfg(not(shuttle))]
impl<T> Handover<T> {
    #[inline]
    pub(crate) fn put(&self, thing: Option<T>) {
        drop(self.0.swap(thing));
    }

    #[inline]
    pub(crate) fn take(&self) -> Option<T> {
        self.0.take()
    }
}

#[cfg(shuttle)]
impl<T> Handover<T> {
    pub(crate) fn put(&self, thing: Option<T>) {
        drop(std::mem::replace(&mut *lock(&self.0), thing));
    }

    pub(crate) fn take(&self) -> Option<T> {
        lock(&self.0).take()
    }
}

/// Locks a mutex. No user code runs while one is held, so a poisoned one is still sound.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// Waits on a condition, for so long at most.
pub(crate) fn wait_timeout<'a, T>(
    condvar: &Condvar,
    guard: MutexGuard<'a, T>,
    time: std::time::Duration,
) -> MutexGuard<'a, T> {
    condvar.wait_timeout(guard, time).unwrap_or_else(std::sync::PoisonError::into_inner).0
}

/// Waits on a condition.
pub(crate) fn wait<'a, T>(condvar: &Condvar, guard: MutexGuard<'a, T>) -> MutexGuard<'a, T> {
    condvar.wait(guard).unwrap_or_else(std::sync::PoisonError::into_inner)
}
