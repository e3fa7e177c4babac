//! The lines that are kept, and what goes where they are too many.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use super::AttemptLine;

/// About what a line takes beside its text.
const OF_LINE: usize = 64;

/// About what an attempt takes beside its lines.
const OF_ATTEMPT: usize = 256;

/// An attempt of a durable run.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Attempt {
    pub(super) key: Arc<str>,
    pub(super) path: Arc<str>,
    pub(super) item: Option<u64>,
    pub(super) number: u32,
}

/// How much is kept.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    /// Of an attempt.
    pub(super) lines: usize,
    /// Of all.
    pub(super) bytes: usize,
}

/// The lines of all attempts.
#[derive(Debug, Default)]
pub(super) struct Kept {
    attempts: BTreeMap<Attempt, Lines>,
    /// The same attempts, the one that logged first first.
    order: VecDeque<Attempt>,
    bytes: usize,
}

#[derive(Debug, Default)]
struct Lines {
    last: VecDeque<AttemptLine>,
    /// How many came before those.
    gone: u64,
}

impl Lines {
    /// Forgets the first line; gives what it took.
    fn pop(&mut self) -> usize {
        let popped = self.last.pop_front().map(|line| size(&line));
        self.gone += u64::from(popped.is_some());
        popped.unwrap_or(0)
    }
}

fn size(line: &AttemptLine) -> usize {
    line.text.len() + OF_LINE
}

impl Kept {
    pub(super) fn add(&mut self, attempt: &Attempt, line: AttemptLine, limits: Limits) {
        if !self.attempts.contains_key(attempt) {
            self.attempts.insert(attempt.clone(), Lines::default());
            self.order.push_back(attempt.clone());
            self.bytes += OF_ATTEMPT;
        }
        let Some(lines) = self.attempts.get_mut(attempt) else { return };
        self.bytes += size(&line);
        lines.last.push_back(line);
        if lines.last.len() > limits.lines {
            self.bytes -= lines.pop();
        }
        while self.bytes > limits.bytes && self.order.len() > 1 {
            self.forget_first();
        }
        // The only one that is left loses its first lines.
        while self.bytes > limits.bytes
            && let Some(lines) = self.attempts.get_mut(attempt)
            && lines.last.len() > 1
        {
            self.bytes -= lines.pop();
        }
    }

    fn forget_first(&mut self) {
        let first = self.order.pop_front();
        if let Some(lines) = first.and_then(|first| self.attempts.remove(&first)) {
            self.bytes -= OF_ATTEMPT + lines.last.iter().map(size).sum::<usize>();
        }
    }

    pub(super) fn of_step(&self, key: &str, path: &str) -> Vec<AttemptLine> {
        let first = Attempt { key: key.into(), path: path.into(), item: None, number: 0 };
        let of_step = self.attempts.range(&first..);
        let of_step = of_step.take_while(|(of, _)| (&*of.key, &*of.path) == (key, path));
        let mut found = Vec::new();
        for (_, lines) in of_step {
            if lines.gone > 0
                && let Some(next) = lines.last.front()
            {
                let text = format!("({} lines before this one are not kept)", lines.gone);
                found.push(AttemptLine { text, level: tracing::Level::INFO, ..next.clone() });
            }
            found.extend(lines.last.iter().cloned());
        }
        found.sort_by_key(|line| line.at);
        found
    }

    pub(super) fn attempts(&self) -> usize {
        self.attempts.len()
    }

    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use nexus_core::journal::Timestamp;

    fn attempt(path: &str, number: u32) -> Attempt {
        Attempt { key: "run".into(), path: path.into(), item: None, number }
    }

    fn line(at: u64, of: &Attempt) -> AttemptLine {
        let (level, text) = (tracing::Level::INFO, format!("line {at}"));
        AttemptLine { at: Timestamp(at), level, text, attempt: of.number, item: of.item }
    }

    fn texts(kept: &Kept, path: &str) -> Vec<String> {
        kept.of_step("run", path).into_iter().map(|line| line.text).collect()
    }

    /// An attempt that logs without end would take all memory, or all lines of the others.
    #[test]
    fn an_attempt_keeps_its_last_lines_and_says_how_many_came_before() {
        let (mut kept, limits) = (Kept::default(), Limits { lines: 2, bytes: 1 << 20 });
        let (noisy, quiet) = (attempt("a", 1), attempt("a", 2));
        kept.add(&quiet, line(0, &quiet), limits);
        (1..=5).for_each(|at| kept.add(&noisy, line(at, &noisy), limits));
        let said = ["line 0", "(3 lines before this one are not kept)", "line 4", "line 5"];
        assert_eq!(texts(&kept, "a"), said);
        assert!(texts(&kept, "b").is_empty() && kept.of_step("other", "a").is_empty());
    }

    /// Otherwise a program that runs for months would keep every line.
    #[test]
    fn the_attempts_that_logged_first_go_where_all_of_them_are_too_much() {
        let (mut kept, limits) = (Kept::default(), Limits { lines: 100, bytes: 1000 });
        for at in 0..100 {
            let of = attempt(&format!("step {at}"), 1);
            kept.add(&of, line(at, &of), limits);
            assert!(kept.bytes() <= limits.bytes);
        }
        assert!(texts(&kept, "step 0").is_empty());
        assert_eq!(texts(&kept, "step 99"), ["line 99"]);
        let last = attempt("last", 1);
        (0..100).for_each(|at| kept.add(&last, line(at, &last), limits));
        assert!(kept.bytes() <= limits.bytes && kept.attempts() == 1, "{kept:?}");
        assert_eq!(texts(&kept, "last").last().map(String::as_str), Some("line 99"));
        kept.forget_first();
        assert_eq!((kept.bytes(), kept.order.len()), (0, 0));
    }
}
