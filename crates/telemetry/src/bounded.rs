//! Values of labels, of which there are only so many.

use std::collections::HashSet;
use std::sync::Arc;

/// So many values a label has. A program names its pipelines, events and pools in its code, so it gets
/// there only if it makes them up at run time.
const MOST: usize = 500;

/// What stands for all values after those.
const OTHER: &str = "_OTHER";

/// The values that a label has had.
#[derive(Debug, Default)]
pub(crate) struct Bounded(HashSet<Arc<str>>);

impl Bounded {
    /// The value of the label.
    pub(crate) fn value(&mut self, value: &str) -> Arc<str> {
        if let Some(known) = self.0.get(value) {
            return Arc::clone(known);
        }
        let value: Arc<str> = Arc::from(if self.0.len() < MOST { value } else { OTHER });
        self.0.insert(Arc::clone(&value));
        value
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A label with a value for each run would cost whoever stores the metrics all his memory.
    #[test]
    fn a_label_has_only_so_many_values() {
        let mut label = Bounded::default();
        for number in 0..MOST {
            assert_eq!(&*label.value(&number.to_string()), number.to_string());
        }
        assert_eq!(&*label.value("one more"), OTHER);
        assert_eq!(&*label.value("and another"), OTHER);
        assert_eq!(&*label.value("7"), "7");
        assert_eq!(label.0.len(), MOST + 1);
    }
}
