//! The only place that catches panics of user code (R12).

use std::any::Any;
use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, PanicHookInfo, catch_unwind, set_hook, take_hook};
use std::sync::Once;

use crate::outcome::Exception;

thread_local! {
    /// Where the last panic on this thread happened; filled by the hook.
    static LOCATION: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Adds the note of the location to whatever hook the program has; that one still runs, so a
/// panic is printed as the program wants it printed.
fn install_hook() {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let previous = take_hook();
        set_hook(Box::new(move |info: &PanicHookInfo<'_>| {
            let place = info.location().map(ToString::to_string);
            // During a thread's end the note is gone; the panic is then reported without a place.
            let _ = LOCATION.try_with(|slot| {
                if let Ok(mut slot) = slot.try_borrow_mut() {
                    *slot = place;
                }
            });
            previous(info);
        }));
    });
}

/// Makes panics carry their location from now on. Called where an engine is made.
pub(crate) fn prepare() {
    install_hook();
}

/// Runs user code; a panic comes back as an exception with message and location.
#[inline]
pub(crate) fn contain<T>(body: impl FnOnce() -> T) -> Result<T, Exception> {
    catch_unwind(AssertUnwindSafe(body)).map_err(describe)
}

#[cold]
fn describe(payload: Box<dyn Any + Send>) -> Exception {
    let location = LOCATION
        .try_with(|slot| slot.try_borrow_mut().ok().and_then(|mut slot| slot.take()))
        .unwrap_or_default();
    let message = if let Some(text) = payload.downcast_ref::<&str>() {
        (*text).to_owned()
    } else if let Some(text) = payload.downcast_ref::<String>() {
        text.clone()
    } else {
        "a panic whose payload is no text".to_owned()
    };
    drop_quietly(payload);
    Exception::panic(message, location)
}

/// Drops what user code made; should its `Drop` panic, that panic ends here.
pub(crate) fn drop_quietly<T>(value: T) {
    if let Err(payload) = catch_unwind(AssertUnwindSafe(|| drop(value))) {
        // A payload may panic in its own Drop, without end: leaking it ends the chain.
        std::mem::forget(payload);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Bomb;
    impl Drop for Bomb {
        fn drop(&mut self) {
            std::panic::resume_unwind(Box::new(Bomb));
        }
    }

    #[test]
    fn a_panic_comes_back_with_message_and_place() {
        prepare();
        let error = contain(|| panic!("no {}", 7)).unwrap_err();
        assert_eq!(error.message(), "no 7");
        assert!(error.location().is_some_and(|place| place.contains("panic.rs:")));
    }

    #[test]
    fn a_payload_that_panics_when_dropped_is_contained() {
        let error = contain(|| std::panic::resume_unwind(Box::new(Bomb))).map(drop);
        assert!(error.is_err());
    }
}
