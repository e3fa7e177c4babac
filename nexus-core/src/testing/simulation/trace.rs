//! What happened in a simulation, line by line.

use std::fmt;
use std::time::Duration;

use crate::journal::Change;

/// What happened, in its order: the same for the same seed, byte for byte.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Trace(Vec<(Duration, String)>);

impl Trace {
    pub(super) fn push(&mut self, at: Duration, what: String) {
        self.0.push((at, what));
    }

    /// How many lines it has.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether nothing has happened.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Display for Trace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, what) in &self.0 {
            writeln!(f, "{:>10.3}s  {what}", at.as_secs_f64())?;
        }
        Ok(())
    }
}

/// Changes in a few words.
pub(super) struct Changes<'a>(pub(super) &'a [Change]);

impl fmt::Display for Changes<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, change) in self.0.iter().enumerate() {
            f.write_str(if at == 0 { "" } else { ", " })?;
            let key = change.key();
            match change {
                Change::Start(_) => write!(f, "{key} starts")?,
                Change::Record { record, .. } => {
                    write!(f, "{key} {} {}", record.seq, record.kind.name())?;
                    if let Some(step) = record.step {
                        write!(f, " {step} #{}", record.attempt)?;
                    }
                }
                Change::End { status, .. } => write!(f, "{key} {}", status.name())?,
                _ => write!(f, "{key} changes")?,
            }
        }
        Ok(())
    }
}
