//! A batch under way: an iterator that reads, begins runs, and hands on reports.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::Listener;
use super::source::Source;
use super::summary::{BatchEnd, BatchReport, BatchSummary};
use super::workers::{BatchRun, FinishedRun, Shared, Workers};
use crate::engine::{Engine, Prepared};
use crate::error::Result;
use crate::panic::drop_quietly;
use crate::pipeline::Pipeline;

/// The reports of a batch's runs, in the order of the batches; see [`Batch::start`](super::Batch).
///
/// `next` reads the input and begins runs until there are as many under way as there may be, or
/// until the next report is there. The last item is an error if the input broke, or if a run could
/// not begin.
///
/// Dropping the iterator cancels the runs that are under way, without waiting for them.
#[must_use = "nothing runs until reports are asked for"]
pub struct Batches<'s, P: Pipeline> {
    template: P,
    fill: fn(&P, Vec<P::BatchItem>) -> P,
    engine: Engine,
    source: Source<'s, P::BatchItem>,
    workers: Workers,
    in_flight: usize,
    stop_on_failure: bool,
    progress: Option<Listener<'s>>,
    begun: u64,
    taken: u64,
    /// How many items were handed to runs.
    items: u64,
    /// Why nothing more begins.
    end: Option<BatchEnd>,
    since: Duration,
    summary: BatchSummary,
}

impl<'s, P: Pipeline> Batches<'s, P> {
    pub(super) fn new(
        template: P,
        fill: fn(&P, Vec<P::BatchItem>) -> P,
        engine: Engine,
        source: Source<'s, P::BatchItem>,
        in_flight: usize,
    ) -> Self {
        Self {
            template,
            fill,
            source,
            workers: Workers::new(in_flight),
            in_flight,
            stop_on_failure: false,
            progress: None,
            begun: 0,
            taken: 0,
            items: 0,
            end: None,
            since: engine.now(),
            engine,
            summary: BatchSummary::new(P::NAME),
        }
    }

    pub(super) fn with(self, stop_on_failure: bool, progress: Option<Listener<'s>>) -> Self {
        Self { stop_on_failure, progress, ..self }
    }

    /// What became of the batches whose reports were handed on.
    pub fn summary(&self) -> &BatchSummary {
        &self.summary
    }

    /// Reads nothing more, and cancels the runs that are under way. Their reports still come.
    pub fn cancel(&self) {
        self.workers.shared().cancel();
    }

    /// A handle that can only cancel, for a signal handler or another thread.
    pub fn canceller(&self) -> BatchCanceller {
        BatchCanceller(Arc::clone(self.workers.shared()))
    }

    /// Runs the rest, in whatever order the runs end, and drops their reports.
    pub fn finish(mut self) -> BatchSummary {
        while let Some(batch) = self.next_report(false) {
            drop_quietly(batch);
        }
        self.summary.clone()
    }

    /// The next report, or that of any run that has ended.
    fn next_report(&mut self, in_order: bool) -> Option<Result<BatchReport>> {
        loop {
            // One batch is read between two looks at the reports, so that a report waits for no
            // more than that where the input is slow.
            let next = in_order.then_some(self.taken);
            let under_way = self.begun - self.taken;
            let done = if under_way < self.in_flight as u64 && self.begin() {
                self.workers.ended(next)
            } else if under_way > 0 {
                Some(self.workers.wait_for(next))
            } else {
                return self.close();
            };
            if let Some((index, done)) = done {
                self.taken += 1;
                if let Some(batch) = self.hand_on(index, done) {
                    return Some(Ok(batch));
                }
            }
        }
    }

    /// Reads a batch and begins its run, unless there is a reason not to.
    fn begin(&mut self) -> bool {
        if self.end.is_none() {
            self.end = self.begin_next().err();
        }
        self.end.is_none()
    }

    fn begin_next(&mut self) -> std::result::Result<(), BatchEnd> {
        let shared = self.workers.shared();
        if shared.is_cancelled() {
            return Err(BatchEnd::Cancelled);
        }
        if self.stop_on_failure && shared.has_failed() {
            return Err(BatchEnd::StoppedOnFailure);
        }
        let Some(batch) = self.source.next_batch() else {
            return Err(self.source.error().map_or(BatchEnd::Complete, BatchEnd::Broken));
        };
        let items = self.items..self.items + batch.len() as u64;
        let pipeline = (self.fill)(&self.template, batch);
        let prepared = self.engine.prepare(pipeline).and_then(Prepared::ready);
        let (canceller, run) = prepared.map_err(BatchEnd::Broken)?;
        self.items = items.end;
        let index = self.begun;
        self.begun += 1;
        self.workers.start(BatchRun { index, items, run: Box::new(run) }, canceller);
        Ok(())
    }

    fn hand_on(
        &mut self,
        index: u64,
        FinishedRun { items, report }: FinishedRun,
    ) -> Option<BatchReport> {
        let report = match report {
            Ok(report) => report,
            Err(error) => {
                self.end = Some(BatchEnd::Broken(error));
                return None;
            }
        };
        let batch = BatchReport { index, items, report };
        self.summary.add(&batch);
        self.summary.elapsed = self.engine.now().saturating_sub(self.since);
        if let Some(listener) = &mut self.progress {
            listener(&self.summary);
        }
        Some(batch)
    }

    /// Notes why it is over; an error is handed on once.
    fn close(&mut self) -> Option<Result<BatchReport>> {
        if self.summary.end.is_some() {
            return None;
        }
        self.summary.end.clone_from(&self.end);
        self.summary.elapsed = self.engine.now().saturating_sub(self.since);
        self.summary.error().cloned().map(Err)
    }
}

impl<P: Pipeline> Iterator for Batches<'_, P> {
    type Item = Result<BatchReport>;

    fn next(&mut self) -> Option<Self::Item> {
        self.next_report(true)
    }
}

impl<P: Pipeline> std::iter::FusedIterator for Batches<'_, P> {}

impl<P: Pipeline> fmt::Debug for Batches<'_, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Batches")
            .field("in_flight", &self.in_flight)
            .field("begun", &self.begun)
            .field("summary", &self.summary)
            .finish_non_exhaustive()
    }
}

/// Cancels a batch; see [`Batches::canceller`].
#[derive(Clone)]
pub struct BatchCanceller(Arc<Shared>);

impl BatchCanceller {
    /// See [`Batches::cancel`].
    pub fn cancel(&self) {
        self.0.cancel();
    }
}

impl fmt::Debug for BatchCanceller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BatchCanceller").field("cancelled", &self.0.is_cancelled()).finish()
    }
}
