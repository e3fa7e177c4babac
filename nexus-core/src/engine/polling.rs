//! Polling an async body, its panics contained.

use std::future::poll_fn;
use std::task::{Context as Polling, Poll, Waker};

use crate::event::{Body, BodyFuture, Inputs};
use crate::outcome::TaskOutcome;
use crate::panic;

/// What became of a body at its first poll.
pub(super) enum First<'a> {
    Ended(TaskOutcome),
    Waits(BodyFuture<'a>),
}

/// Calls a body and polls it. Many end at once, and need no more.
#[inline]
pub(super) fn first<'a>(body: &'a dyn Body, inputs: Inputs<'a>, waker: &Waker) -> First<'a> {
    // One guard for the call, the poll and the drop.
    let first = panic::contain(|| {
        let mut body = body.call_async(inputs);
        match body.as_mut().poll(&mut Polling::from_waker(waker)) {
            Poll::Ready(outcome) => First::Ended(outcome),
            Poll::Pending => First::Waits(body),
        }
    });
    first.unwrap_or_else(|exception| First::Ended(exception.into()))
}

/// Polls a body that was polled just now, and waits, to its end. `None` if it is unwanted before:
/// then it is dropped where it waits. `is_unwanted` sees to it that the waker is called in that
/// case.
pub(super) async fn rest(
    mut body: BodyFuture<'_>,
    is_unwanted: impl Fn(&Polling<'_>) -> bool,
) -> Option<TaskOutcome> {
    let mut was_polled_just_now = true;
    let ended = poll_fn(|cx| {
        if !std::mem::take(&mut was_polled_just_now) {
            match panic::contain(|| body.as_mut().poll(cx)) {
                Ok(Poll::Ready(outcome)) => return Poll::Ready(Some(outcome)),
                Err(exception) => return Poll::Ready(Some(exception.into())),
                Ok(Poll::Pending) => {}
            }
        }
        if is_unwanted(cx) { Poll::Ready(None) } else { Poll::Pending }
    });
    let ended = ended.await;
    panic::drop_quietly(body);
    ended
}

/// Calls a body and polls it to its end; see [`rest`].
pub(super) async fn to_end(
    body: &dyn Body,
    inputs: Inputs<'_>,
    is_unwanted: impl Fn(&Polling<'_>) -> bool,
) -> Option<TaskOutcome> {
    match first(body, inputs, &waker().await) {
        First::Ended(outcome) => Some(outcome),
        First::Waits(body) => rest(body, is_unwanted).await,
    }
}

/// What wakes the task that polls this future now.
pub(super) async fn waker() -> Waker {
    poll_fn(|cx| Poll::Ready(cx.waker().clone())).await
}
