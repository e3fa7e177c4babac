//! What stands in for the dashboard in a build without it.

#![allow(clippy::unnecessary_wraps, clippy::unused_self, reason = "as in a build with a dashboard")]

use std::net::SocketAddr;

use clap::{ArgMatches, Command};
use nexus_core::journal::ActionTaken;
use nexus_core::{Engine, EngineBuilder};

use crate::App;
use crate::output::Failure;

/// No page was asked for.
pub(crate) struct Page;

/// There is none.
pub(crate) enum Server {}

impl Server {
    pub(crate) fn address(&self) -> SocketAddr {
        match *self {}
    }
}

impl Page {
    pub(crate) fn of(
        _: &mut App,
        _: &ArgMatches,
        _: impl Fn(&ActionTaken) + Send + Sync + 'static,
    ) -> Result<Self, Failure> {
        Ok(Self)
    }

    pub(crate) fn observe(&self) -> impl FnOnce(EngineBuilder) -> EngineBuilder + use<> {
        |engine| engine
    }

    #[cfg(feature = "schedule")]
    pub(crate) fn schedules(
        self,
        _: &[nexus_schedule::Scheduled],
        _: std::sync::Arc<dyn nexus_core::journal::Store>,
        _: std::sync::Arc<crate::misfires::Misfires>,
    ) -> Self {
        self
    }

    pub(crate) fn serve(self, _: &Engine) -> Result<Option<Server>, Failure> {
        Ok(None)
    }
}

pub(crate) fn arguments(command: Command) -> Command {
    command
}
