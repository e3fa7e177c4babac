//! The input, cut into batches.

use std::sync::Arc;

use crate::error::Error;

/// Why an input broke.
pub(super) type Cause = Box<dyn std::error::Error + Send + Sync>;

/// Whether an item begins another batch.
pub(super) type Rule<'s, T> = Box<dyn FnMut(&[T], &T) -> bool + 's>;

/// What the user gave.
pub(super) enum Input<'s, T> {
    Items(Box<dyn Iterator<Item = Result<T, Cause>> + 's>),
    Batches(Box<dyn Iterator<Item = Result<Vec<T>, Cause>> + 's>),
}

/// The input, cut into batches. It is never asked again after its end, nor after an error.
pub(super) struct Source<'s, T> {
    /// `None` once it has ended.
    input: Option<Input<'s, T>>,
    size: usize,
    rule: Option<Rule<'s, T>>,
    /// The item that ended the last batch and begins the next.
    next: Option<T>,
    /// How many items were read.
    read: u64,
    error: Option<Error>,
}

/// A batch's memory is not set aside in advance beyond so many items: sizes may be huge.
const SET_ASIDE: usize = 1024;

impl<'s, T> Source<'s, T> {
    pub(super) fn new(input: Input<'s, T>, size: usize, rule: Option<Rule<'s, T>>) -> Self {
        Self { input: Some(input), size, rule, next: None, read: 0, error: None }
    }

    /// Why the input ended, if it broke.
    pub(super) fn error(&mut self) -> Option<Error> {
        self.error.take()
    }

    /// The next batch, which has at least one item.
    pub(super) fn next_batch(&mut self) -> Option<Vec<T>> {
        if let Some(Input::Batches(_)) = self.input {
            return self.next_made();
        }
        let mut batch = Vec::with_capacity(self.size.min(SET_ASIDE));
        batch.extend(self.next.take());
        while batch.len() < self.size {
            let Some(item) = self.next_item() else { break };
            if let Some(begins) = &mut self.rule
                && !batch.is_empty()
                && begins(&batch, &item)
            {
                self.next = Some(item);
                break;
            }
            batch.push(item);
        }
        if batch.is_empty() { None } else { Some(batch) }
    }

    fn next_item(&mut self) -> Option<T> {
        let Some(Input::Items(items)) = &mut self.input else { return None };
        let item = items.next();
        self.note(item, |_| 1)
    }

    fn next_made(&mut self) -> Option<Vec<T>> {
        loop {
            let Some(Input::Batches(batches)) = &mut self.input else { return None };
            let batch = batches.next();
            let batch = self.note(batch, Vec::len)?;
            if !batch.is_empty() {
                return Some(batch);
            }
        }
    }

    /// Counts what was read, and notes the end.
    fn note<U>(
        &mut self,
        read: Option<Result<U, Cause>>,
        items: impl FnOnce(&U) -> usize,
    ) -> Option<U> {
        match read {
            Some(Ok(read)) => {
                self.read += items(&read) as u64;
                return Some(read);
            }
            Some(Err(cause)) => {
                self.error = Some(Error::Item { item: self.read, source: Arc::from(cause) });
            }
            None => {}
        }
        self.input = None;
        None
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test says what it expects")]

    use proptest::prelude::*;

    use super::*;

    fn items<'s>(items: &'s [u8], reads: &'s std::cell::Cell<usize>) -> Input<'s, u8> {
        Input::Items(Box::new(items.iter().map(|item| {
            reads.set(reads.get() + 1);
            Ok(*item)
        })))
    }

    fn all(mut source: Source<'_, u8>) -> Vec<Vec<u8>> {
        std::iter::from_fn(|| source.next_batch()).collect()
    }

    proptest! {
        /// Batches of a size are the standard library's chunks.
        #[test]
        fn a_size_cuts_like_chunks(input: Vec<u8>, size in 1_usize..20) {
            let reads = std::cell::Cell::new(0);
            let batches = all(Source::new(items(&input, &reads), size, None));
            prop_assert_eq!(batches, input.chunks(size).map(<[u8]>::to_vec).collect::<Vec<_>>());
        }

        /// Batches by key are the standard library's chunks by key.
        #[test]
        fn a_rule_cuts_like_chunk_by(input in prop::collection::vec(0_u8..4, 0..60)) {
            let reads = std::cell::Cell::new(0);
            let rule: Rule<'_, u8> = Box::new(|batch, next| batch[0] != *next);
            let batches = all(Source::new(items(&input, &reads), usize::MAX, Some(rule)));
            let expected: Vec<_> = input.chunk_by(|a, b| a == b).map(<[u8]>::to_vec).collect();
            prop_assert_eq!(batches, expected);
        }

        /// A batch reads its own items, and with a rule one more: what it ends at.
        #[test]
        fn a_batch_reads_no_further_than_it_must(size in 1_usize..9, batches in 0_usize..9) {
            for (rule, more) in [(None, 0), (Some(Box::new(|batch: &[u8], _: &u8| batch.len() == size) as Rule<'_, u8>), 1)] {
                let reads = std::cell::Cell::new(0);
                let most = if rule.is_some() { usize::MAX } else { size };
                let endless = std::iter::repeat_with(|| { reads.set(reads.get() + 1); Ok(0) });
                let mut source = Source::new(Input::Items(Box::new(endless)), most, rule);
                for _ in 0..batches {
                    prop_assert_eq!(source.next_batch().unwrap().len(), size);
                }
                let expected = if batches == 0 { 0 } else { batches * size + more };
                prop_assert_eq!(reads.get(), expected);
            }
        }
    }

    #[test]
    fn an_input_is_not_asked_again_after_an_error() {
        let mut asked = 0;
        let broken = std::iter::from_fn(|| {
            asked += 1;
            Some(if asked == 3 { Err(Cause::from("torn")) } else { Ok(asked) })
        });
        let mut source = Source::new(Input::Items(Box::new(broken)), 10, None);
        assert_eq!(source.next_batch(), Some(vec![1, 2]));
        assert_eq!(source.next_batch(), None);
        assert_eq!(source.next_batch(), None);
        let error = source.error().unwrap().to_string();
        assert_eq!(error, "item 2 of the input (the first is 0) cannot be read: torn");
        drop(source);
        assert_eq!(asked, 3);
    }

    #[test]
    fn made_batches_stay_as_they_are() {
        let made = [Ok(vec![1]), Ok(vec![]), Ok(vec![2, 3]), Err(Cause::from("torn"))];
        let mut source = Source::new(Input::Batches(Box::new(made.into_iter())), 1, None);
        assert_eq!(source.next_batch(), Some(vec![1]));
        assert_eq!(source.next_batch(), Some(vec![2, 3]));
        assert_eq!(source.next_batch(), None);
        assert!(matches!(source.error(), Some(Error::Item { item: 3, .. })));
    }
}
