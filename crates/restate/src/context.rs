//! What the SDK's context offers to the interpreter.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use nexus_core::TraceContext;
use nexus_core::driver::{LocalTask, Timestamp};
use restate_sdk::context::{DurableFuture, DurableFuturesUnordered, RequestTarget, RunFuture as _};
use restate_sdk::endpoint::{ContextInternal, InputMetadata};
use restate_sdk::errors::{HandlerResult, TerminalError};
use restate_sdk::serde::{Deserialize, Serialize};

use crate::interpreter::{Cancelled, Completion, Durable, promise_name};
use crate::message::{ALREADY_RESOLVED, Answer, Resolution, TRACEPARENT};
use crate::pace::{Paces, can_block};

type UnderWay<'a> = Pin<Box<dyn DurableFuture<Output = Completion> + Send + 'a>>;

/// The names of promises, which the SDK wants to borrow for as long as its context: in parts, each of
/// which is twice as long as the one before.
#[derive(Default)]
pub(crate) struct Names([OnceLock<Vec<OnceLock<String>>>; 32]);

impl Names {
    fn keep(&self, nth: usize, name: String) -> &str {
        let part = (nth + 1).ilog2();
        let first = (1 << part) - 1;
        let make = || (0..=first).map(|_| OnceLock::new()).collect();
        self.0[part as usize].get_or_init(make)[nth - first].get_or_init(|| name)
    }
}

/// A handler's context. Nothing of it is awaited beside something else.
pub(crate) struct SdkContext<'a> {
    context: &'a ContextInternal,
    names: &'a Names,
    paces: &'a Arc<Paces>,
    /// The run's place in a trace, which its calls take along.
    traceparent: Option<String>,
    /// How many promises were waited for.
    promises: usize,
    under_way: DurableFuturesUnordered<UnderWay<'a>>,
}

impl<'a> SdkContext<'a> {
    pub(crate) fn new(
        context: &'a ContextInternal,
        metadata: &InputMetadata,
        names: &'a Names,
        paces: &'a Arc<Paces>,
    ) -> Self {
        let traceparent = trace_of(metadata).and_then(|trace| trace.traceparent);
        let under_way = DurableFuturesUnordered::new();
        Self { context, names, paces, traceparent, promises: 0, under_way }
    }
}

/// The place in a trace that a request came with.
pub(crate) fn trace_of(metadata: &InputMetadata) -> Option<TraceContext> {
    let traceparent = metadata.headers.get(TRACEPARENT)?;
    // What bodies say is for this process's own subscriber.
    Some(TraceContext::new(Some(traceparent.clone()), 0))
}

/// How a call or a promise has ended.
fn completion(ended: Result<Bytes, TerminalError>) -> Completion {
    let json = match ended {
        Ok(json) => json,
        Err(error) => return Completion::Failed(error.message().to_owned()),
    };
    match Answer::read(&json) {
        Some(answer) => Completion::Answer(answer),
        None => Completion::Failed("its answer cannot be read".to_owned()),
    }
}

/// Has a pending step end with an answer, unless it has ended with another one already.
pub(crate) async fn resolve(context: &ContextInternal, given: Resolution) -> HandlerResult<Bytes> {
    let count = context.get::<u32>(&given.step).await?.unwrap_or(1);
    let name = promise_name(&given.step, count);
    let answer = Answer { at: given.at, said: Some(given.said.get().to_owned()) };
    context.resolve_promise(&name, answer);
    let there = context.peek_promise::<Bytes>(&name).await?.unwrap_or_default();
    let there = Answer::read(&there).and_then(|there| there.said);
    if there.as_deref() == Some(given.said.get()) {
        return Ok(Bytes::from_static(b"null"));
    }
    Err(TerminalError::new_with_code(ALREADY_RESOLVED, "it is resolved already").into())
}

/// The time by the wall clock.
pub(crate) fn wall_time() -> Timestamp {
    Timestamp::since_epoch(SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default())
}

impl Durable for SdkContext<'_> {
    fn call(&mut self, service: String, handler: &'static str, request: String) -> usize {
        let target = RequestTarget::service(service, handler);
        let mut request = self.context.request::<Bytes, Bytes>(target, Bytes::from(request));
        if let Some(traceparent) = &self.traceparent {
            request = request.header(TRACEPARENT.to_owned(), traceparent.clone());
        }
        self.under_way.push(Box::pin(request.call().map(completion)))
    }

    fn sleep(&mut self, time: Duration) -> usize {
        let sleep = self.context.sleep(time).map(|_: Result<(), TerminalError>| Completion::Slept);
        self.under_way.push(Box::pin(sleep))
    }

    fn promise(&mut self, name: String) -> usize {
        let name = self.names.keep(self.promises, name);
        self.promises += 1;
        self.under_way.push(Box::pin(self.context.promise::<Bytes>(name).map(completion)))
    }

    fn note_wait(&mut self, step: &str, count: u32) {
        self.context.set(step, count);
    }

    async fn run(
        &mut self,
        name: String,
        task: LocalTask,
        limit: Option<Duration>,
    ) -> Result<Answer, Cancelled> {
        let paces = Arc::clone(self.paces);
        let run = move || async move { perform(task, limit, &paces).await };
        self.context.run(run).name(name).await.map_err(|_| Cancelled)
    }

    async fn next(&mut self) -> Result<(usize, Completion), Cancelled> {
        match self.under_way.next().await {
            Ok(Some(ended)) => Ok(ended),
            // A run that is not over waits for something.
            Ok(None) | Err(_) => Err(Cancelled),
        }
    }
}

impl Serialize for Answer {
    type Error = Infallible;

    fn serialize(&self) -> Result<Bytes, Infallible> {
        Ok(Bytes::from(self.json()))
    }
}

/// An answer is none.
#[derive(Debug, thiserror::Error)]
#[error("it is no answer of a task")]
pub(crate) struct NoAnswer;

impl Deserialize for Answer {
    type Error = NoAnswer;

    fn deserialize(json: &mut Bytes) -> Result<Self, NoAnswer> {
        Self::read(json).ok_or(NoAnswer)
    }
}

/// Runs a task where it may block, or as a future. An error has the server try again, with another
/// worker perhaps.
pub(crate) async fn perform(
    task: LocalTask,
    limit: Option<Duration>,
    paces: &Paces,
) -> HandlerResult<Answer> {
    let began = tokio::time::Instant::now();
    let said = if task.is_async() {
        let run = task.run_async();
        match limit {
            None => Some(run.await),
            Some(limit) => tokio::time::timeout(limit, run).await.ok(),
        }
    } else if can_block() {
        let quick = paces.of(task.event());
        Some(paces.run(&quick, move || task.run()))
    } else {
        Some(tokio::task::spawn_blocking(move || task.run()).await?)
    };
    // A thread cannot be ended: its time is judged when it is done.
    let is_late = limit.is_some_and(|limit| began.elapsed() >= limit);
    Ok(Answer { at: wall_time(), said: said.filter(|_| !is_late) })
}
