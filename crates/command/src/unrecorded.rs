//! What stands in for `recording` in a build without durable runs.

use clap::ArgMatches;
use nexus_core::{Engine, Prepared, RunHandle};

use crate::interrupt::Interrupt;
use crate::output::Failure;
use crate::{App, Entry};

/// There is none.
pub(crate) enum Recording {}

impl Recording {
    #[expect(clippy::unnecessary_wraps, reason = "as in a build with durable runs")]
    pub(crate) fn of(_: &App, _: Entry, _: &ArgMatches) -> Result<Option<Self>, Failure> {
        Ok(None)
    }

    pub(crate) fn engine(&self, _: App) -> nexus_core::Result<Engine> {
        match *self {}
    }

    pub(crate) fn record(&self, _: Prepared) -> Result<Prepared, Failure> {
        match *self {}
    }

    pub(crate) fn leave_on_signal(&self, _: &Interrupt, _: &Engine, _: &RunHandle) {
        match *self {}
    }

    pub(crate) fn if_left(&self, _: &RunHandle) -> Option<Failure> {
        match *self {}
    }
}
