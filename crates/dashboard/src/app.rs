//! What the handlers of requests share.

use std::sync::Arc;

use nexus_core::Engine;
use nexus_core::journal::RunCounts;

use crate::access::Access;
use crate::actions::OnAction;
use crate::histories::Histories;
use crate::live::Live;
use crate::logs::LogSource;
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
    pub(crate) counts: Recent<RunCounts>,
    pub(crate) streams: Streams,
}
