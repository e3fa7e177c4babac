//! A queue whose first entry stands in place: most runs never have a second one, and so allocate
//! nothing for it.

use std::collections::VecDeque;

pub(crate) struct ShortQueue<T> {
    first: Option<T>,
    rest: VecDeque<T>,
}

impl<T> Default for ShortQueue<T> {
    fn default() -> Self {
        Self { first: None, rest: VecDeque::new() }
    }
}

impl<T> ShortQueue<T> {
    #[inline]
    pub(crate) fn push_back(&mut self, entry: T) {
        if self.first.is_none() {
            self.first = Some(entry);
        } else {
            self.rest.push_back(entry);
        }
    }

    pub(crate) fn push_front(&mut self, entry: T) {
        if let Some(first) = self.first.replace(entry) {
            self.rest.push_front(first);
        }
    }

    #[inline]
    pub(crate) fn pop_front(&mut self) -> Option<T> {
        self.first.as_ref()?;
        let first = self.first.take();
        if !self.rest.is_empty() {
            self.first = self.rest.pop_front();
        }
        first
    }

    #[inline]
    pub(crate) fn front(&self) -> Option<&T> {
        self.first.as_ref()
    }

    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.first.is_none()
    }

    #[cfg(feature = "durable")]
    pub(crate) fn iter(&self) -> impl Iterator<Item = &T> {
        self.first.iter().chain(&self.rest)
    }

    pub(crate) fn len(&self) -> usize {
        usize::from(self.first.is_some()) + self.rest.len()
    }

    /// Takes all entries of `other`, in their order.
    pub(crate) fn append(&mut self, other: &mut Self) {
        while let Some(entry) = other.pop_front() {
            self.push_back(entry);
        }
    }

    pub(crate) fn clear(&mut self) {
        self.first = None;
        self.rest.clear();
    }

    /// Keeps the entries for which `keep` holds, in their order.
    pub(crate) fn retain(&mut self, keep: impl Fn(&T) -> bool) {
        self.rest.extend(self.first.take());
        self.rest.rotate_right(usize::from(!self.rest.is_empty()));
        self.rest.retain(keep);
        self.first = self.rest.pop_front();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_a_queue() {
        let mut queue = ShortQueue::default();
        (0..5).for_each(|n| queue.push_back(n));
        assert_eq!(queue.pop_front(), Some(0));
        queue.retain(|n| n % 2 == 1);
        queue.push_back(9);
        queue.push_front(0);
        assert_eq!((queue.pop_front(), queue.len()), (Some(0), 3));
        assert_eq!(queue.front(), Some(&1));
        let mut other = ShortQueue::default();
        other.append(&mut queue);
        assert_eq!((queue.front(), queue.len()), (None, 0));
        queue.append(&mut other);
        let left: Vec<i32> = std::iter::from_fn(|| queue.pop_front()).collect();
        assert_eq!(left, [1, 3, 9]);
        assert!(queue.is_empty());
        queue.push_back(1);
        queue.retain(|_| false);
        assert!(queue.is_empty());
    }
}
