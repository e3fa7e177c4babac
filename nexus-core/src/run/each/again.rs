//! The items of an `each` step that are done again, where those that had succeeded stay.

use super::EachState;
use crate::outcome::Failure;
use crate::piped::EachResult;

/// What an `each` step has from before. The items that are done now are counted from 0 in the order
/// of their numbers.
pub(super) struct Again {
    /// The items that had begun and did not succeed, in order.
    todo: Vec<u64>,
    /// The first item that had not begun.
    rest: u64,
    /// The items that were bypassed without a value, in order, and how many were bypassed at all.
    bypassed: Vec<(u64, Failure)>,
    bypassed_total: u64,
}

impl Again {
    /// How many items are not done again.
    fn kept(&self) -> u64 {
        self.rest - self.todo.len() as u64
    }
}

impl EachState {
    /// Does only what was left to do. If somebody else has the values from before, all is.
    pub(super) fn go_on_after(&mut self, before: EachResult) {
        if !self.collector.go_on_after(before.values) {
            return;
        }
        let rest = before.total + before.unfinished.len() as u64;
        let failed = before.failures.iter().map(|(item, _)| *item);
        let mut todo: Vec<u64> = failed.chain(before.unfinished).collect();
        todo.sort_unstable();
        let (bypassed, bypassed_total) = (before.bypassed, before.bypassed_total);
        self.again = Some(Box::new(Again { todo, rest, bypassed, bypassed_total }));
    }

    /// The number of the item that is the `nth` to be done.
    pub(super) fn number(&self, nth: u64) -> u64 {
        let Some(again) = &self.again else { return nth };
        let place = usize::try_from(nth).unwrap_or(usize::MAX);
        again.todo.get(place).copied().unwrap_or_else(|| nth + again.kept())
    }

    /// Which one to be done the item is; `None` if it was done before.
    pub(super) fn nth(&self, item: u64) -> Option<u64> {
        match &self.again {
            None => Some(item),
            Some(again) if item >= again.rest => Some(item - again.kept()),
            Some(again) => again.todo.binary_search(&item).ok().map(|nth| nth as u64),
        }
    }

    /// How many items have ended, with those from before.
    pub(super) fn ended_items(&self) -> u64 {
        let kept = self.again.as_ref().map_or(0, |again| again.kept());
        kept + self.next - self.running as u64
    }

    /// Puts what was done before to what was done now.
    pub(super) fn with_before(&mut self, now: EachResult) -> EachResult {
        let Some(again) = self.again.take() else {
            return EachResult { values: self.collector.finish(), ..now };
        };
        let Again { todo, rest, bypassed, bypassed_total } = *again;
        let begun = todo.len().min(usize::try_from(self.next).unwrap_or(usize::MAX));
        let end = rest + self.next - begun as u64;
        let mut unfinished = now.unfinished;
        unfinished.extend(&todo[begun..]);
        unfinished.sort_unstable();
        let was_kept = |item: u64| item < rest && todo.binary_search(&item).is_err();
        let is_in = |list: &[(u64, Failure)], item: u64| {
            list.binary_search_by_key(&item, |(item, _)| *item).is_ok()
        };
        let mut order = (0..end).filter_map(|item| {
            let was_kept = was_kept(item);
            let has_none = if was_kept {
                is_in(&bypassed, item)
            } else {
                is_in(&now.failures, item)
                    || is_in(&now.bypassed, item)
                    || unfinished.binary_search(&item).is_ok()
            };
            (!has_none).then_some(was_kept)
        });
        let values = self.collector.finish_with_before(&mut order);
        let mut all_bypassed = bypassed;
        all_bypassed.extend(now.bypassed);
        all_bypassed.sort_by_key(|(item, _)| *item);
        EachResult {
            values,
            failures: now.failures,
            bypassed: all_bypassed,
            bypassed_total: bypassed_total + now.bypassed_total,
            unfinished,
            total: now.total,
            verdict: now.verdict,
        }
    }
}
