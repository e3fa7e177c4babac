//! What the handlers of requests share.

use std::sync::Arc;
use std::time::Instant;

use nexus_core::Engine;
use nexus_core::journal::{History, RunCounts};

use crate::access::Access;
use crate::actions::OnAction;
use crate::error::ApiError;
use crate::histories::Histories;
use crate::listed::Page;
use crate::live::Live;
use crate::logs::LogSource;
use crate::picture::Pictures;
use crate::recent::Recent;
use crate::schedules::ScheduleSource;
use crate::sse::Streams;

/// What the handlers of requests share.
pub(crate) struct App {
    pub(crate) engine: Engine,
    pub(crate) live: Arc<Live>,
    pub(crate) access: Access,
    pub(crate) allows_actions: bool,
    pub(crate) on_action: Option<OnAction>,
    pub(crate) logs: Option<LogSource>,
    pub(crate) schedules: Option<ScheduleSource>,
    pub(crate) histories: Histories,
    pub(crate) pictures: Pictures,
    pub(crate) lists: Recent<Arc<Page>>,
    pub(crate) counts: Recent<RunCounts>,
    pub(crate) streams: Streams,
}

impl App {
    /// When pages were told last what happens: an answer to a question that was asked since serves them all.
    pub(crate) fn told_at(&self) -> Option<Instant> {
        self.live.all_told_at().map(tokio::time::Instant::into_std)
    }

    /// The history of the run with this key. What a page asks for after it was told of a run is of one moment,
    /// and read once for all pages; whatever is written after that, they are told of next.
    pub(crate) fn history(&self, key: &str) -> Result<Arc<History>, ApiError> {
        let told_at = self.live.told_at(key);
        let known = told_at.and_then(|at| self.histories.read_after(at.into_std(), key));
        known.map_or_else(|| self.histories.read(&self.engine, key), Ok)
    }
}
