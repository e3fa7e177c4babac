//! The dashboard as its users set it up.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::middleware::from_fn_with_state;
use nexus_core::Engine;
use nexus_core::journal::ActionTaken;

use crate::access::{Access, Token};
use crate::actions::OnAction;
use crate::app::App;
use crate::guard::check;
use crate::histories::Histories;
use crate::live::{Live, LiveObserver};
use crate::logs::{LogLine, LogSource, LogsOf};
use crate::picture::Pictures;
use crate::recent::Recent;
use crate::schedules::{ScheduleSource, Schedules};
use crate::server::{self, ServeError, Server};
use crate::sse::Streams;
use crate::{api, page};

/// The body of a request may have so many bytes; that of an action has a value of a step in it.
const BODY_LIMIT: usize = 1024 * 1024;

/// A dashboard, to be set up and then served.
#[must_use = "a dashboard does nothing until it is served"]
#[derive(Default)]
pub struct Dashboard {
    live: Arc<Live>,
    access: Access,
    allows_actions: bool,
    on_action: Option<OnAction>,
    logs: Option<LogSource>,
    schedules: Option<ScheduleSource>,
}

impl Dashboard {
    /// A dashboard that shows and changes nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// What the engine tells of its runs: give it to
    /// [`EngineBuilder::observer`](nexus_core::EngineBuilder::observer). Without it the page shows
    /// what is in the store, and looks there again every few seconds.
    pub fn observer(&self) -> LiveObserver {
        LiveObserver::new(Arc::clone(&self.live))
    }

    /// Lets whoever may see the page cancel runs, try them again, decide about those that cannot go
    /// on, and resolve what waits for the world outside. Each action is asked twice.
    pub fn allow_actions(mut self, allow: bool) -> Self {
        self.allows_actions = allow;
        self
    }

    /// Asks for a token: whoever has none sees nothing. `name` says who has it, in the list of
    /// actions; several people can have one each.
    ///
    /// A browser is asked for it once, and keeps it as a cookie that scripts cannot read and that other
    /// sites cannot have sent; a program sends it as `Authorization: Bearer ..`. Without TLS, whoever
    /// sees the network's traffic sees the token too: beyond loopback, put a proxy with TLS before it.
    ///
    /// # Errors
    ///
    /// If it has less than 16 characters, or others than letters, digits, `-`, `_`, `.` and `~`.
    pub fn token(mut self, name: impl Into<String>, secret: &str) -> Result<Self, ServeError> {
        self.access.tokens.push(Token::new(name.into(), secret)?);
        Ok(self)
    }

    /// Lets the dashboard be reached under this host name. Addresses and `localhost` are always
    /// allowed; any other name is refused, so that no name of a stranger can be made to lead here.
    pub fn host(mut self, name: impl Into<String>) -> Self {
        self.access.hosts.push(name.into().to_ascii_lowercase());
        self
    }

    /// Calls this, too, for each action that was taken, or tried in vain. The store keeps those about runs
    /// that it has, with who it was, and the page shows them.
    pub fn on_action(mut self, call: impl Fn(&ActionTaken) + Send + Sync + 'static) -> Self {
        let earlier = self.on_action.take();
        self.on_action = Some(Arc::new(move |action| {
            if let Some(earlier) = &earlier {
                earlier(action);
            }
            call(action);
        }));
        self
    }

    /// Shows what was logged beside each attempt: `source` is asked for the lines of a step. It is called
    /// on a thread where waiting is allowed.
    ///
    /// ```
    /// use nexus_dashboard::{Dashboard, LogLine, LogsOf};
    /// # use nexus_core::journal::Timestamp;
    /// let dashboard = Dashboard::new().logs(|of: &LogsOf| {
    ///     vec![LogLine::new(Timestamp(0), "INFO", format!("the log of {} in {}", of.path, of.key))]
    /// });
    /// # drop(dashboard);
    /// ```
    pub fn logs(
        mut self,
        source: impl Fn(&LogsOf) -> Vec<LogLine> + Send + Sync + 'static,
    ) -> Self {
        self.logs = Some(Arc::new(source));
        self
    }

    /// Shows the lines that these keep beside each attempt. They are a layer of the program's subscriber,
    /// and the engine needs the observer `Spans`.
    #[cfg(feature = "logs")]
    pub fn attempt_logs(self, logs: &nexus_telemetry::AttemptLogs) -> Self {
        self.logs(crate::logs::kept(logs.clone()))
    }

    /// Shows schedules: `source` is asked for them, on a thread where waiting is allowed. `serve` of
    /// `nexus::cli` gives those of the program.
    ///
    /// ```
    /// use nexus_dashboard::{Dashboard, ScheduleLine};
    /// let dashboard = Dashboard::new().schedules(|| {
    ///     let mut nightly = ScheduleLine::new("nightly");
    ///     nightly.next = vec!["2026-03-29 03:00:00+02:00 Europe/Oslo".to_owned()];
    ///     Ok(vec![nightly])
    /// });
    /// # drop(dashboard);
    /// ```
    pub fn schedules(mut self, source: impl Fn() -> Schedules + Send + Sync + 'static) -> Self {
        self.schedules = Some(Arc::new(source));
        self
    }

    /// The dashboard as an axum router: the page at `/`, the API below `/api/v1`.
    ///
    /// Mount it at the root, or with [`Router::nest`] below a path. It needs a tokio runtime with its
    /// timers on. Reading the store goes to the runtime's threads for blocking calls. Time limits for
    /// slow connections are the server's: those of [`serve`](Self::serve) are not part of the router.
    pub fn router(self, engine: &Engine) -> Router {
        let app = Arc::new(self.app(engine));
        Router::new()
            .merge(page::routes())
            .merge(api::routes())
            .fallback(api::not_found)
            .method_not_allowed_fallback(api::wrong_method)
            .layer(axum::extract::DefaultBodyLimit::max(BODY_LIMIT))
            .layer(from_fn_with_state(Arc::clone(&app), check))
            .with_state(app)
    }

    /// What its handlers of requests share.
    pub(crate) fn app(self, engine: &Engine) -> App {
        App {
            engine: engine.clone(),
            live: self.live,
            access: self.access,
            allows_actions: self.allows_actions,
            on_action: self.on_action,
            logs: self.logs,
            schedules: self.schedules,
            histories: Histories::default(),
            pictures: Pictures::default(),
            lists: Recent::until_news(),
            counts: Recent::default(),
            streams: Streams::default(),
        }
    }

    /// Serves the dashboard at this address, on a thread of its own, until the [`Server`] is dropped.
    ///
    /// # Errors
    ///
    /// If the address is no loopback address and no [`token`](Self::token) is asked for, or if nobody
    /// can listen there.
    pub fn serve(self, engine: &Engine, address: SocketAddr) -> Result<Server, ServeError> {
        if !address.ip().is_loopback() && self.access.tokens.is_empty() {
            return Err(ServeError::NoToken { address });
        }
        server::start(self.router(engine), address)
    }
}

impl fmt::Debug for Dashboard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Dashboard")
            .field("allows_actions", &self.allows_actions)
            .field("tokens", &self.access.tokens.len())
            .field("hosts", &self.access.hosts)
            .finish_non_exhaustive()
    }
}
