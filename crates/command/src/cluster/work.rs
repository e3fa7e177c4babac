//! `work`: a worker of a cluster.

use clap::builder::ArgAction;
use clap::{Arg, ArgMatches, Command};
use nexus_core::Engine;
use nexus_pointy::visible;
use nexus_restate::Worker;

use super::failure;
use crate::output::{self, Exit, Failure};
use crate::{App, notify};

pub(crate) fn work(app: App, args: &ArgMatches) -> Result<Exit, Failure> {
    let durable = app.pipelines.iter().filter(|entry| entry.is_durable);
    let pipelines: Vec<&'static str> = durable.map(|entry| entry.name).collect();
    if pipelines.is_empty() {
        return Err(Failure::usage(
            "this program has no durable pipeline to offer; say `#[pipeline(durable, ..)]` of one",
        ));
    }
    let listen = args.get_one::<String>("listen").cloned().unwrap_or_default();
    let reached_at =
        args.get_one::<String>("reached-at").cloned().unwrap_or_else(|| format!("http://{listen}"));
    let admins: Vec<&String> = args.get_many("register").into_iter().flatten().collect();
    let offer = format!("offering {} at {listen}", pipelines.join(", "));
    let registered = match &*admins {
        [] => "; no server is told of it (`--register URL`)".to_owned(),
        [admin, ..] => format!(", registered at {admin} as {reached_at}"),
    };
    let ready = move || {
        // Nobody may be left to read it, which is no reason to end.
        let _ = output::print(&visible(offer + &registered).on_one_line().to_string());
        notify::tell("READY=1");
    };
    let engine = app.engine.into_iter().fold(Engine::builder(), |engine, setup| setup(engine));
    let mut worker =
        Worker::new().pipelines(pipelines).set_up_like(&engine).listen(listen).when_ready(ready);
    for admin in admins {
        worker = worker.register(admin, &reached_at);
    }
    if let Some(events) = args.get_many::<String>("event") {
        worker = worker.events(events);
    }
    for key in args.get_many::<String>("identity-key").into_iter().flatten() {
        worker = worker.identity_key(key);
    }
    worker.run().map_err(failure)?;
    notify::tell("STOPPING=1");
    output::print(
        "stopped; what was under way goes on at another worker, or when this one begins again",
    )
}

pub(crate) fn command(name: &str) -> Command {
    let many = |name: &'static str, value: &'static str, help: &'static str| {
        Arg::new(name).long(name).value_name(value).action(ArgAction::Append).help(help)
    };
    Command::new("work")
        .about("Offers this program's events and durable pipelines to a cluster of Restate servers")
        .long_about("Offers this program's events and durable pipelines to a cluster of Restate servers: a worker, of which there may be as many as one likes.

The server calls the worker, so it is told where that is (`--register`), once for each address: workers behind a balancer share the balancer's (`--reached-at`). Whoever reaches a worker can run any event, unless it answers only to servers with a key (`--identity-key`); so it listens on this machine alone if nothing else is said.

SIGTERM or Ctrl-C ends it: it takes nothing new, and what is under way may end for ten seconds. The cluster gives what is left to another worker, or keeps it until there is one.")
        .arg(
            Arg::new("listen")
                .long("listen")
                .value_name("ADDRESS")
                .default_value("127.0.0.1:9080")
                .help("Where it listens"),
        )
        .arg(many("register", "URL", "Tell the server with this admin interface of the worker, such as http://127.0.0.1:9070"))
        .arg(
            Arg::new("reached-at")
                .long("reached-at")
                .value_name("URL")
                .requires("register")
                .help("The address by which servers reach it: a balancer's, such as http://workers:9080; without it, that where it listens"),
        )
        .arg(many("event", "NAME", "Offer no events but this; may be given several times"))
        .arg(many("identity-key", "KEY", "Answer only to servers that sign with this key, publickeyv1_.."))
        .after_help(format!(
            "Examples:
  {name} work --register http://127.0.0.1:9070
  {name} work --listen 10.0.0.7:9080 --register http://10.0.0.2:9070 --reached-at http://workers:9080
  {name} work --event charge --register http://127.0.0.1:9070"
        ))
}
