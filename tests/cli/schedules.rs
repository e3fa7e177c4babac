//! What a user of a program with schedules sees: `schedules`, and what `serve` fires.

use std::collections::BTreeSet;
use std::path::Path;

use nexus::journal::{RunQuery, RunState, Store, StoredRun};
use nexus::{SqliteStore, Status};

use crate::service::{DECLARED, OFTEN, Running, call, new_store, program};
use crate::shop::wait_for_result;

pub(crate) const ALL: &[(&str, fn())] = &[
    ("schedules_are_listed", schedules_are_listed),
    #[cfg(unix)]
    ("a_service_fires_what_it_is_asked_to", a_service_fires_what_it_is_asked_to),
    #[cfg(unix)]
    ("each_firing_is_fired_once_over_kills", each_firing_is_fired_once_over_kills),
    #[cfg(target_os = "linux")]
    ("a_service_says_when_it_is_ready_and_stops", a_service_says_when_it_is_ready_and_stops),
    #[cfg(unix)]
    ("a_service_fires_what_a_pipeline_declares", a_service_fires_what_a_pipeline_declares),
    ("runs_that_are_over_are_pruned", runs_that_are_over_are_pruned),
];

fn runs(store: &Path) -> Vec<StoredRun> {
    SqliteStore::read_only(store).unwrap().runs(&RunQuery::all()).unwrap()
}

fn schedules_are_listed() {
    let store = new_store("schedules");
    let list = call(&store, &["schedules", "list"]);
    let lines: Vec<&str> = list.out.lines().collect();
    assert_eq!(lines[0], "SCHEDULE  STATE   LAST RUN (UTC)  NEXT", "{}", list.err);
    assert_eq!(lines.len(), 6);
    assert!(lines[1].starts_with("yearly    active"), "{}", lines[1]);
    assert!(lines[1].ends_with("-01-01 00:00:00+01:00 Europe/Oslo"), "{}", lines[1]);
    let json = call(&store, &["schedules", "list", "--json"]);
    let json: serde_json::Value = serde_json::from_str(&json.out).unwrap();
    assert_eq!((&json["name"], &json["paused"]), (&"yearly".into(), &false.into()));
    assert_eq!(json["next"].as_array().unwrap().len(), 5);
    let unknown = call(&store, &["schedules", "pause", "yearli"]);
    assert!(unknown.err.contains("a similar value exists: 'yearly'"), "{}", unknown.err);
}

#[cfg(unix)]
fn a_service_fires_what_it_is_asked_to() {
    let store = new_store("fired");
    let mut service = Running::start(&store, &["serve"]);
    service.until(&format!("serving {}", store.display()));
    let pause = call(&store, &["schedules", "pause", "yearly"]);
    assert!(pause.out.starts_with("paused `yearly`"), "{}{}", pause.out, pause.err);
    service.until("schedule yearly is paused");
    assert!(call(&store, &["schedules", "list"]).out.contains("yearly    paused"));
    call(&store, &["schedules", "fire", "yearly"]);
    // The scheduler says that a run begins, and another thread what the run does.
    let (mut key, mut is_over) = (None, false);
    while key.is_none() || !is_over {
        let line = service.line();
        assert!(!line.is_empty(), "it ended before its run did");
        key = line.strip_prefix("schedule yearly begins `").map(str::to_owned).or(key);
        is_over |= line.starts_with("schedule/yearly/") && line.ends_with(" succeeded");
    }
    let key = key.unwrap();
    let key = key.trim_end_matches('`');
    assert!(key.starts_with("schedule/yearly/"), "{key}");
    call(&store, &["schedules", "resume", "yearly"]);
    service.until("schedule yearly goes on");
    service.signal(rustix::process::Signal::TERM);
    assert_eq!(service.end().code, Some(0));
    let [run] = &*runs(&store) else { panic!("one run") };
    assert_eq!((&*run.start.key, run.state), (key, RunState::Ended(Status::Succeeded)));
}

#[cfg(unix)]
fn until_fired(service: &mut Running) {
    loop {
        let line = service.line();
        assert!(!line.is_empty(), "it ended without firing");
        if line.contains("begins") {
            return;
        }
    }
}

/// Kills services around the times at which they fire, and looks whether each time has its run.
#[cfg(unix)]
fn each_firing_is_fired_once_over_kills() {
    let kills =
        std::env::var("NEXUS_SCHEDULE_KILLS").ok().and_then(|it| it.parse().ok()).unwrap_or(2);
    // Most of the time each of them waits for the next second.
    let services = kills.min(4);
    let firings: usize = std::thread::scope(|scope| {
        let of = |service: u64| kills * service / services..kills * (service + 1) / services;
        let all: Vec<_> = (0..services)
            .map(|service| scope.spawn(move || fired_once(&format!("kills{service}"), of(service))))
            .collect();
        all.into_iter().map(|one| one.join().unwrap()).sum()
    });
    println!("{kills} kills, {firings} firings");
}

/// Kills one service so often, and returns how many times it fired.
#[cfg(unix)]
fn fired_once(store: &str, kills: std::ops::Range<u64>) -> usize {
    let store = new_store(store);
    let serve = || Running::of(program(&store, &["serve"]).env(OFTEN, "1"));
    for kill in kills {
        let mut service = serve();
        until_fired(&mut service);
        // While it writes down that it has fired, or about when it fires next.
        let after = match kill % 2 {
            0 => kill * 137 % 3_000,
            _ => 985_000 + kill * 731 % 30_000,
        };
        std::thread::sleep(std::time::Duration::from_micros(after));
        service.child.kill().unwrap();
        let _ = service.child.wait();
    }
    let mut last = serve();
    until_fired(&mut last);
    last.signal(rustix::process::Signal::TERM);
    assert_eq!(last.end().code, Some(0));
    let mut last = serve();
    last.until(&format!("serving {}", store.display()));
    last.signal(rustix::process::Signal::TERM);
    assert_eq!(last.end().code, Some(0));
    let runs = runs(&store);
    let seconds: BTreeSet<i64> = runs
        .iter()
        .map(|run| run.start.key.strip_prefix("schedule/often/").unwrap())
        .map(|time| time.parse::<nexus::schedule::jiff::Timestamp>().unwrap().as_second())
        .collect();
    let (first, end) = (seconds.first().unwrap(), seconds.last().unwrap());
    assert_eq!(seconds.len(), runs.len(), "a firing has two runs");
    assert_eq!(
        i64::try_from(seconds.len()),
        Ok(end - first + 1),
        "a firing has no run: {seconds:?}"
    );
    runs.len()
}

/// One line in the pipeline's attribute is all that a program needs.
#[cfg(unix)]
fn a_service_fires_what_a_pipeline_declares() {
    let store = new_store("declared");
    let declared = |args: &[&str]| {
        let mut program = program(&store, args);
        program.env(OFTEN, DECLARED);
        program
    };
    let mut service = Running::of(&mut declared(&["serve"]));
    until_fired(&mut service);
    service.signal(rustix::process::Signal::TERM);
    assert_eq!(service.end().code, Some(0));
    let runs = runs(&store);
    assert!(!runs.is_empty());
    for run in runs {
        assert!(run.start.key.starts_with("schedule/SubscriptionPipeline/"), "{}", run.start.key);
    }
    let list = wait_for_result(declared(&["schedules", "list"]).spawn().unwrap());
    assert!(list.out.contains(" Europe/Oslo"), "{}{}", list.out, list.err);
}

#[cfg(target_os = "linux")]
fn a_service_says_when_it_is_ready_and_stops() {
    let store = new_store("notified");
    let socket = store.with_extension("socket");
    let _ = std::fs::remove_file(&socket);
    let manager = std::os::unix::net::UnixDatagram::bind(&socket).unwrap();
    manager.set_read_timeout(Some(std::time::Duration::from_secs(30))).unwrap();
    let said = || {
        let mut said = [0; 64];
        let length = manager.recv(&mut said).unwrap();
        String::from_utf8_lossy(&said[..length]).into_owned()
    };
    let service = Running::of(program(&store, &["serve"]).env("NOTIFY_SOCKET", &socket));
    assert_eq!(said(), "READY=1");
    service.signal(rustix::process::Signal::TERM);
    assert_eq!(said(), "STOPPING=1");
    assert_eq!(service.end().code, Some(0));
}

fn runs_that_are_over_are_pruned() {
    let store = new_store("pruned");
    call(&store, &["run", "ChargePipeline", "-s", "cents=5", "--key", "A-1"]);
    let kept = call(&store, &["runs", "prune", "--older-than", "1d"]);
    assert_eq!((&*kept.out, &*kept.err), ("removed 0 runs\n", ""));
    assert_eq!(call(&store, &["runs", "prune", "--older-than", "1ms"]).out, "removed 1 run\n");
    assert!(runs(&store).is_empty());
    let mut service = Running::start(&store, &["serve"]);
    service.until(&format!("serving {}", store.display()));
    let refused = call(&store, &["runs", "prune", "--older-than", "1d"]);
    assert_eq!(refused.code, Some(1));
    assert!(refused.err.contains("only the owner of the store removes runs"), "{}", refused.err);
}
