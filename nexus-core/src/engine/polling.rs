//! Polling an async body, its panics contained.

use std::future::poll_fn;
use std::task::{Context as PollContext, Poll, Waker};

use crate::current::{CurrentTask, running, running_again};
use crate::event::{Body, BodyFuture, Inputs};
use crate::outcome::TaskOutcome;
use crate::panic;

/// What became of a body at its first poll.
pub(super) enum FirstPoll<'a> {
    Ready(TaskOutcome),
    Pending(BodyFuture<'a>),
}

/// Calls a body, which runs `task`, and polls it. Many end at once, and need no more.
#[inline]
pub(super) fn first_poll<'a>(
    body: &'a dyn Body,
    inputs: Inputs<'a>,
    waker: &Waker,
    task: &mut Option<CurrentTask>,
) -> FirstPoll<'a> {
    // One guard for the call, the poll and the drop.
    let first = panic::contain(|| {
        running_again(task, || {
            let mut body = body.call_async(inputs);
            match body.as_mut().poll(&mut PollContext::from_waker(waker)) {
                Poll::Ready(outcome) => FirstPoll::Ready(outcome),
                Poll::Pending => FirstPoll::Pending(body),
            }
        })
    });
    first.unwrap_or_else(|exception| FirstPoll::Ready(exception.into()))
}

/// Polls a body that was polled just now, and waits, to its end. `None` if it is unwanted before:
/// then it is dropped where it waits. `is_unwanted` sees to it that the waker is called in that
/// case.
pub(super) async fn rest(
    mut body: BodyFuture<'_>,
    task: impl Fn() -> CurrentTask,
    is_unwanted: impl Fn(&PollContext<'_>) -> bool,
) -> Option<TaskOutcome> {
    let mut was_polled_just_now = true;
    let ended = poll_fn(|cx| {
        if !std::mem::take(&mut was_polled_just_now) {
            match panic::contain(|| running(task(), || body.as_mut().poll(cx))) {
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
pub(crate) async fn to_end(
    body: &dyn Body,
    inputs: Inputs<'_>,
    is_unwanted: impl Fn(&PollContext<'_>) -> bool,
) -> Option<TaskOutcome> {
    let context = inputs.context;
    let mut task = Some(CurrentTask::of_context(context));
    match first_poll(body, inputs, &waker().await, &mut task) {
        FirstPoll::Ready(outcome) => Some(outcome),
        FirstPoll::Pending(body) => {
            rest(body, || CurrentTask::of_context(context), is_unwanted).await
        }
    }
}

/// What wakes the task that polls this future now.
pub(super) async fn waker() -> Waker {
    poll_fn(|cx| Poll::Ready(cx.waker().clone())).await
}
