//! `serve --dashboard`: the page beside the service.

use std::net::SocketAddr;
#[cfg(feature = "schedule")]
use std::sync::Arc;

use clap::{Arg, ArgAction, ArgMatches, Command, value_parser};
use nexus_core::journal::ActionTaken;
use nexus_core::{Engine, EngineBuilder};
use nexus_dashboard::{Dashboard, ServeError, Server};
#[cfg(feature = "schedule")]
use nexus_dashboard::{LastFiring, ScheduleLine};
#[cfg(feature = "schedule")]
use nexus_schedule::Scheduled;

use crate::App;
#[cfg(feature = "schedule")]
use crate::misfires::Misfires;
use crate::output::{Exit, Failure};

/// Has the token that is asked for, if any is.
const TOKEN: &str = "NEXUS_DASHBOARD_TOKEN";

/// What the program does to the page before it is served.
pub(crate) type Setup = Box<dyn FnOnce(Dashboard) -> Dashboard>;

/// The page that was asked for, if one was.
pub(crate) struct Page(Option<(Dashboard, SocketAddr)>);

impl Page {
    /// Reads the arguments. `say` is told of what people do.
    pub(crate) fn of(
        app: &mut App,
        args: &ArgMatches,
        say: impl Fn(&ActionTaken) + Send + Sync + 'static,
    ) -> Result<Self, Failure> {
        let Some(address) = args.get_one::<SocketAddr>("dashboard") else { return Ok(Self(None)) };
        let dashboard =
            app.dashboard.drain(..).fold(Dashboard::new(), |dashboard, setup| setup(dashboard));
        let mut dashboard = dashboard.allow_actions(args.get_flag("allow-actions")).on_action(say);
        for host in args.get_many::<String>("dashboard-host").into_iter().flatten() {
            dashboard = dashboard.host(host);
        }
        if let Some(token) = std::env::var_os(TOKEN).filter(|token| !token.is_empty()) {
            dashboard =
                dashboard.token(TOKEN, &token.to_string_lossy()).map_err(|it| failure(&it))?;
        }
        Ok(Self(Some((dashboard, *address))))
    }

    /// Lets the page hear of what happens.
    pub(crate) fn observe(&self) -> impl FnOnce(EngineBuilder) -> EngineBuilder + use<> {
        let observer = self.0.as_ref().map(|(dashboard, _)| dashboard.observer());
        move |engine| match observer {
            Some(observer) => engine.observer(observer),
            None => engine,
        }
    }

    /// Shows these schedules, as they stand in the store.
    #[cfg(feature = "schedule")]
    pub(crate) fn schedules(
        self,
        all: &[Scheduled],
        store: Arc<dyn nexus_core::journal::Store>,
        misfires: Arc<Misfires>,
    ) -> Self {
        let all = all.to_vec();
        let lines = move || all.iter().map(|it| line(it, &*store, &misfires)).collect();
        Self(self.0.map(|(dashboard, address)| (dashboard.schedules(lines), address)))
    }

    /// Serves it, as long as the result is kept.
    pub(crate) fn serve(self, engine: &Engine) -> Result<Option<Server>, Failure> {
        let served = self.0.map(|(dashboard, address)| dashboard.serve(engine, address));
        served.transpose().map_err(|error| failure(&error))
    }
}

#[cfg(feature = "schedule")]
fn line(
    scheduled: &Scheduled,
    store: &dyn nexus_core::journal::Store,
    misfires: &Misfires,
) -> nexus_core::Result<ScheduleLine> {
    let status = scheduled.status(store, crate::schedules::now())?;
    let mut line = ScheduleLine::new(scheduled.name());
    line.paused = status.is_paused;
    line.next = status.next.iter().map(crate::schedules::shown).collect();
    let due = status.due.and_then(|due| u64::try_from(due.timestamp().as_microsecond()).ok());
    line.due = due.map(nexus_core::journal::Timestamp);
    line.last = status.last.as_ref().map(LastFiring::new);
    if let Some((count, last)) = misfires.of(scheduled.name()) {
        (line.misfires, line.last_misfire) = (count, Some(last));
    }
    Ok(line)
}

fn failure(error: &ServeError) -> Failure {
    let exit = match error {
        ServeError::Listen { .. } => Exit::Failed,
        _ => Exit::Usage,
    };
    Failure::new(exit, error.to_string())
}

/// Adds its arguments to `serve`.
pub(crate) fn arguments(command: Command) -> Command {
    command
        .arg(
            Arg::new("dashboard")
                .long("dashboard")
                .value_name("ADDRESS")
                .value_parser(value_parser!(SocketAddr))
                .help("Serve a page that shows the runs at this address, such as 127.0.0.1:7878")
                .long_help(format!("Serve a page that shows the runs at this address, such as 127.0.0.1:7878. For an address that other machines reach, the environment variable `{TOKEN}` must have a token, which the page asks for")),
        )
        .arg(
            Arg::new("allow-actions")
                .long("allow-actions")
                .action(ArgAction::SetTrue)
                .requires("dashboard")
                .help("Let the page's users cancel, retry and resolve runs"),
        )
        .arg(
            Arg::new("dashboard-host")
                .long("dashboard-host")
                .value_name("NAME")
                .action(ArgAction::Append)
                .requires("dashboard")
                .help("A host name under which the page may be reached, beside `localhost` and addresses"),
        )
}
