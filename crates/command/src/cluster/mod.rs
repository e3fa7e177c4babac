//! The roles of a cluster: a worker, and whoever begins runs and looks at them from elsewhere.

mod run;
mod runs;
mod work;

use clap::{Arg, ArgMatches, Command};
use nexus_restate::{Cluster, ClusterRun, Error, RunFilter};

use crate::output::{Exit, Failure};

pub(crate) use run::run;
pub(crate) use runs::runs;
pub(crate) use work::{command as work_command, work};

/// The port of a server's admin interface where nobody says another one.
const ADMIN_PORT: u16 = 9070;

/// Adds the options that name the cluster.
pub(crate) fn arguments(command: Command, is_global: bool) -> Command {
    let on = Arg::new("on")
        .long("on")
        .value_name("URL")
        .conflicts_with("store")
        .global(is_global)
        .help("On the cluster whose ingress is at this address, such as http://127.0.0.1:8080");
    let admin = Arg::new("admin").long("admin").value_name("URL").global(is_global).help(format!(
        "Where the cluster's admin interface is; without it, at the port {ADMIN_PORT} of the same host"
    ));
    command.arg(on).arg(admin)
}

/// Adds the option that tells runs apart which have the same key.
pub(crate) fn pipeline_argument(command: Command) -> Command {
    command.arg(
        Arg::new("pipeline")
            .long("pipeline")
            .value_name("PIPELINE")
            .help("On a cluster: the run's pipeline, where runs of several have the key"),
    )
}

/// Whether the command line names a cluster.
pub(crate) fn is_named(args: &ArgMatches) -> Result<bool, Failure> {
    let is_named = args.contains_id("on") && args.get_one::<String>("on").is_some();
    if !is_named && args.get_one::<String>("admin").is_some() {
        return Err(Failure::usage(
            "`--admin` says where a cluster is looked at; name the cluster with `--on URL`",
        ));
    }
    Ok(is_named)
}

/// The cluster that the command line names.
fn connect(args: &ArgMatches) -> Result<Cluster, Failure> {
    let on = args.get_one::<String>("on").map_or("", String::as_str);
    let admin = match args.get_one::<String>("admin") {
        Some(admin) => admin.clone(),
        None => admin_beside(on),
    };
    let cluster = Cluster::connect(on).map_err(failure)?;
    cluster.admin(&admin).map_err(failure)
}

/// The address of the admin interface of the server with this ingress.
fn admin_beside(ingress: &str) -> String {
    let ingress = ingress.trim_end_matches('/');
    let host = match ingress.rsplit_once(':') {
        Some((host, port)) if port.parse::<u16>().is_ok() => host,
        _ => ingress,
    };
    format!("{host}:{ADMIN_PORT}")
}

/// The run with this key, or why it is not known which one is meant.
fn find(cluster: &Cluster, args: &ArgMatches, key: &str) -> Result<ClusterRun, Failure> {
    let mut filter = RunFilter::new().key(key);
    let pipeline = args.get_one::<String>("pipeline");
    if let Some(pipeline) = pipeline {
        filter = filter.pipeline(pipeline);
    }
    let mut found = cluster.runs_where(&filter).map_err(failure)?;
    match (found.pop(), &*found) {
        (Some(run), []) => Ok(run),
        (None, _) => {
            let of = pipeline.map(|it| format!(" of `{it}`")).unwrap_or_default();
            Err(Failure::usage(format!(
                "the cluster has no run{of} with the key `{key}`; `runs list` shows what there is"
            )))
        }
        (Some(last), others) => {
            let names: Vec<String> =
                others.iter().chain([&last]).map(|run| format!("`{}`", run.pipeline)).collect();
            Err(Failure::usage(format!(
                "runs of {} have the key `{key}`; say which is meant with `--pipeline`",
                names.join(" and ")
            )))
        }
    }
}

/// What the user is told of something that the cluster did not do.
fn failure(error: Error) -> Failure {
    match error {
        Error::Nexus(error) => error.into(),
        Error::Address { .. } => Failure::usage(error.to_string()),
        error => Failure::new(Exit::Failed, error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::admin_beside;

    #[test]
    fn the_admin_interface_is_beside_the_ingress() {
        for (ingress, admin) in [
            ("http://127.0.0.1:8080", "http://127.0.0.1:9070"),
            ("http://cluster.example/", "http://cluster.example:9070"),
            ("http://[::1]:8080", "http://[::1]:9070"),
            ("http://[::1]", "http://[::1]:9070"),
        ] {
            assert_eq!(admin_beside(ingress), admin);
        }
    }
}
