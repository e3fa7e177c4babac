//! Batches: one pipeline, run over an input of any length in parts.
//!
//! The thread that asks for results pulls the input, so the input needs to be neither `Send` nor
//! finite: it is read only where a run may begin. The runs go on beside that thread
//! ([`workers`]), never more of them than `in_flight`, and a run counts until its report was handed
//! on. So memory holds that many batches or reports, and the batch that is being read.

mod batches;
mod items;
mod lines;
mod source;
mod summary;
mod workers;

use std::fmt;

pub use batches::{BatchCanceller, Batches};
pub use items::ItemsOf;
pub use lines::{LineError, Lines, Parsed};
use source::{Cause, Input, Rule, Source};
pub use summary::{BatchEnd, BatchFailure, BatchReport, BatchSummary};

use crate::engine::Engine;
use crate::error::{Error, Result};
use crate::pipeline::Pipeline;

/// A pipeline with a field that is filled in batches: `#[field(batch_size = 500)]` on a `Vec`
/// field of a `#[derive(Pipeline)]` implements it.
#[diagnostic::on_unimplemented(
    message = "`{Self}` has no field that is filled in batches",
    label = "no field of this pipeline has a `batch_size`",
    note = "put `#[field(batch_size = 500)]` on the `Vec` field that the batches go to"
)]
pub trait Batched: Pipeline {
    /// The field's name.
    const FIELD: &'static str;

    /// How many items a batch has, if nothing else is said.
    const SIZE: usize;

    #[doc(hidden)]
    fn take_batch(&mut self) -> Vec<Self::BatchItem>;

    #[doc(hidden)]
    fn with_batch(&self, batch: Vec<Self::BatchItem>) -> Self;
}

/// The field of a pipeline that is filled in batches.
///
/// A batch asks [`Batched`] where it is made, and only there, so that a pipeline without such a
/// field is one error.
struct BatchField<P: Pipeline> {
    name: &'static str,
    size: usize,
    take: fn(&mut P) -> Vec<P::BatchItem>,
    fill: fn(&P, Vec<P::BatchItem>) -> P,
}

/// A field that is the same for all batches, and therefore cloned for each.
#[diagnostic::on_unimplemented(
    message = "a field of type `{Self}` cannot be the same for all batches",
    label = "not `Clone`",
    note = "the fields beside the one with the `batch_size` are cloned for each batch: derive `Clone` for the type, or wrap it in an `Arc`"
)]
#[doc(hidden)]
pub trait CloneForBatch: Sized {
    fn clone_for_batch(&self) -> Self;
}

#[diagnostic::do_not_recommend]
impl<T: Clone> CloneForBatch for T {
    fn clone_for_batch(&self) -> Self {
        self.clone()
    }
}

/// Runs a pipeline over an input of any length, batch by batch.
///
/// The template gives the fields that are the same for all runs. The input comes from
/// [`over`](Self::over), [`try_over`](Self::try_over) or [`in_batches`](Self::in_batches); without
/// any of them it is what the template's own field holds. The input is pulled: it is read only as
/// far as runs can begin.
///
/// [`run`](Self::run) gives a summary, [`for_each`](Self::for_each) hands each report on, and
/// [`start`](Self::start) is an iterator over the reports, in the order of the batches.
///
/// The guide's chapter "Batches" has examples that use each of these.
#[must_use = "nothing runs until `run`, `for_each` or `start`"]
pub struct Batch<'s, P: Pipeline> {
    template: P,
    field: BatchField<P>,
    input: Option<Input<'s, P::BatchItem>>,
    size: Option<usize>,
    rule: Option<Rule<'s, P::BatchItem>>,
    in_flight: Option<usize>,
    engine: Option<Engine>,
    stop_on_failure: bool,
    progress: Option<Listener<'s>>,
}

/// Is called after every batch that has ended.
type Listener<'s> = Box<dyn FnMut(&BatchSummary) + 's>;

/// What [`Batch::of`] needs of the pipeline: that it is [`Batched`]. Asked of the batch, since of a type of
/// the user's the compiler shows the whole definition as well.
#[diagnostic::on_unimplemented(
    message = "`{P}` has no field that is filled in batches",
    label = "put `#[field(batch_size = 500)]` on the `Vec` field that the batches go to"
)]
#[doc(hidden)]
pub trait BatchesOf<P> {
    fn made_of(template: P) -> Self;
}

#[diagnostic::do_not_recommend]
impl<P: Batched> BatchesOf<P> for Batch<'_, P> {
    fn made_of(template: P) -> Self {
        let field =
            BatchField { name: P::FIELD, size: P::SIZE, take: P::take_batch, fill: P::with_batch };
        Self {
            template,
            field,
            input: None,
            size: None,
            rule: None,
            in_flight: None,
            engine: None,
            stop_on_failure: false,
            progress: None,
        }
    }
}

impl<'s, P: Pipeline> Batch<'s, P> {
    /// Batches of this pipeline, which is [`Batched`]. What the template holds in the batch's field is
    /// the input, unless another one is given.
    #[rustfmt::skip] // The compiler shows all lines between the name and the bound.
    pub fn of(template: P) -> Self where Self: BatchesOf<P> {
        Self::made_of(template)
    }

    /// Takes the items from here: an iterator, which may be endless.
    pub fn over<I: ItemsOf<P::BatchItem, <I as IntoIterator>::Item>>(self, items: I) -> Self
    where
        I::IntoIter: 's,
    {
        let items = items.into_iter().map(|item| Ok(I::item(item)));
        Self { input: Some(Input::Items(Box::new(items))), ..self }
    }

    /// Takes the items from an input that can break, such as a file or a database. At the first
    /// error the input ends: the items before it are run, and the error is reported last, with the
    /// item's number.
    pub fn try_over<I, E>(self, items: I) -> Self
    where
        I: IntoIterator<Item = Result<P::BatchItem, E>>,
        I::IntoIter: 's,
        E: Into<Cause>,
    {
        let items = items.into_iter().map(|item| item.map_err(Into::into));
        Self { input: Some(Input::Items(Box::new(items))), ..self }
    }

    /// Takes batches that are already made, whatever their size. Empty ones are left out.
    pub fn in_batches<I>(self, batches: I) -> Self
    where
        I: IntoIterator<Item = Vec<P::BatchItem>>,
        I::IntoIter: 's,
    {
        let batches = batches.into_iter().map(Ok);
        Self { input: Some(Input::Batches(Box::new(batches))), ..self }
    }

    /// The same from an input that can break, such as the pages of a database; see
    /// [`try_over`](Self::try_over).
    pub fn try_in_batches<I, E>(self, batches: I) -> Self
    where
        I: IntoIterator<Item = Result<Vec<P::BatchItem>, E>>,
        I::IntoIter: 's,
        E: Into<Cause>,
    {
        let batches = batches.into_iter().map(|batch| batch.map_err(Into::into));
        Self { input: Some(Input::Batches(Box::new(batches))), ..self }
    }

    /// How many items a batch has, from 1 up, instead of what the field says. The last batch may
    /// have fewer.
    pub fn batch_size(self, items: usize) -> Self {
        Self { size: Some(items), ..self }
    }

    /// Ends a batch where the function says so, instead of at a size: it is given the batch so far,
    /// which is never empty, and the next item, and says whether that item begins another batch.
    /// With [`batch_size`](Self::batch_size) beside it, a batch ends at whichever comes first.
    ///
    /// This makes batches by key, where the input is sorted by it:
    /// `.split_when(|batch, next| batch[0].customer != next.customer)`.
    pub fn split_when(
        self,
        begins: impl FnMut(&[P::BatchItem], &P::BatchItem) -> bool + 's,
    ) -> Self {
        Self { rule: Some(Box::new(begins)), ..self }
    }

    /// How many runs may be under way at a time, from 1 up; the default is the machine's
    /// processors. A run counts until its report was handed on. With 1, the runs are carried out on
    /// the thread that asks for them.
    pub fn in_flight(self, runs: usize) -> Self {
        Self { in_flight: Some(runs), ..self }
    }

    /// Runs on this engine instead of the program's shared one.
    pub fn on(self, engine: &Engine) -> Self {
        Self { engine: Some(engine.clone()), ..self }
    }

    /// Begins no more runs once one did not succeed. Those under way go on to their end.
    pub fn stop_on_failure(self) -> Self {
        Self { stop_on_failure: true, ..self }
    }

    /// Calls the function after each batch, on the thread that asks for the results.
    pub fn progress(self, listener: impl FnMut(&BatchSummary) + 's) -> Self {
        Self { progress: Some(Box::new(listener)), ..self }
    }

    /// Runs all batches. Reports are counted as they come and then dropped.
    ///
    /// # Errors
    ///
    /// If no run can begin: a setting is 0, there are two inputs, the plan makes no sense, a
    /// `State` is missing, or an executor cannot be set up. All that happens later is in the
    /// summary: failed runs, and an input that breaks.
    pub fn run(self) -> Result<BatchSummary> {
        Ok(self.start()?.finish())
    }

    /// Runs all batches and hands on the report of each, in the order of the batches.
    ///
    /// # Errors
    ///
    /// As [`run`](Self::run).
    pub fn for_each(self, mut handler: impl FnMut(BatchReport)) -> Result<BatchSummary> {
        let mut batches = self.start()?;
        // The error that may come last is in the summary.
        batches.by_ref().flatten().for_each(&mut handler);
        Ok(batches.finish())
    }

    /// An iterator over the reports, in the order of the batches. Nothing is read and nothing runs
    /// until it is asked for the first one.
    ///
    /// # Errors
    ///
    /// As [`run`](Self::run).
    pub fn start(mut self) -> Result<Batches<'s, P>> {
        let size = match (self.size, &self.rule) {
            (Some(size), _) => size,
            (None, Some(_)) => usize::MAX,
            (None, None) => self.field.size,
        };
        let processors = || std::thread::available_parallelism().map_or(1, usize::from);
        let in_flight = self.in_flight.unwrap_or_else(processors);
        for (name, value) in [("batch_size", size), ("in_flight", in_flight)] {
            if value == 0 {
                return Err(Error::Input(format!("`{name}` is 0: it takes a number from 1 up")));
            }
        }
        let own = (self.field.take)(&mut self.template);
        let input = match self.input {
            None => Input::Items(Box::new(own.into_iter().map(Ok))),
            Some(input) if own.is_empty() => input,
            Some(_) => {
                return Err(Error::Input(format!(
                    "`{}` has items in `{}`, and was given another input: leave the field empty",
                    P::NAME,
                    self.field.name
                )));
            }
        };
        let engine = self.engine.unwrap_or_else(|| Engine::shared().clone());
        engine.can_run(P::plan()?)?;
        let source = Source::new(input, size, self.rule);
        let batches = Batches::new(self.template, self.field.fill, engine, source, in_flight);
        Ok(batches.with(self.stop_on_failure, self.progress))
    }
}

impl<P: Pipeline> fmt::Debug for Batch<'_, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Batch")
            .field("pipeline", &P::NAME)
            .field("batch_size", &self.size.unwrap_or(self.field.size))
            .field("in_flight", &self.in_flight)
            .field("stop_on_failure", &self.stop_on_failure)
            .finish_non_exhaustive()
    }
}
