//! The roles of a cluster: `work`, and `run` and `runs` with `--on`.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::Path;

use rustix::process::Signal;

use crate::service::{Running, call};
use crate::shop::CommandResult;

/// What needs no servers.
pub(crate) const ALL: &[(&str, fn())] = &[
    ("a_cluster_that_is_none_is_refused", a_cluster_that_is_none_is_refused),
    ("a_cluster_that_speaks_otherwise_is_refused", a_cluster_that_speaks_otherwise_is_refused),
    (
        "a_worker_of_a_cluster_that_cannot_begin_says_why",
        a_worker_of_a_cluster_that_cannot_begin_says_why,
    ),
    ("what_a_cluster_cannot_do_is_said_before", what_a_cluster_cannot_do_is_said_before),
];

/// What needs the servers of `ci/cluster.sh`.
pub(crate) const WITH_SERVERS: &[(&str, fn())] =
    &[("the_roles_of_a_cluster_work_together", the_roles_of_a_cluster_work_together)];

/// The argument that chooses those.
pub(crate) const SERVERS: &str = "with_servers";

fn shop(args: &[&str]) -> CommandResult {
    call(Path::new("no-such.db"), args)
}

fn assert_error(args: &[&str], code: i32, says: &str) {
    let result = shop(args);
    assert_eq!((result.code, &*result.out), (Some(code), ""), "{args:?}: {}", result.err);
    assert!(result.err.contains(says), "{args:?}: {}", result.err);
}

const CHARGE: [&str; 4] = ["run", "ChargePipeline", "--set", "cents=5"];

/// A command on the cluster at this address.
fn on<'a>(args: &[&'a str], url: &'a str) -> Vec<&'a str> {
    [args, &["--on", url]].concat()
}

fn a_cluster_that_is_none_is_refused() {
    for (url, code, says) in [
        ("http://127.0.0.1:1", 1, "no server answers at http://127.0.0.1:1"),
        ("https://127.0.0.1:8080", 2, "let a proxy do that"),
        ("127.0.0.1:8080", 2, "does not begin with `http://`"),
        ("http://", 2, "is no address of a server"),
    ] {
        assert_error(&on(&CHARGE, url), code, says);
        assert_error(&on(&["runs", "list"], url), code, says);
    }
    assert_error(
        &["runs", "list", "--admin", "http://127.0.0.1:1"],
        2,
        "name the cluster with `--on URL`",
    );
    let store = on(&["runs", "list", "--store", "a.db"], "http://127.0.0.1:1");
    assert_error(&store, 2, "cannot be used with");
}

/// A server that gives each request this answer, and its address.
fn server(answer: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let (mut stream, mut request) = (stream.unwrap(), [0; 4096]);
            // What is asked for fits into one read, or does not matter.
            let _ = stream.read(&mut request).unwrap();
            let _ = stream.write_all(answer.as_bytes());
            // To close it before all of a request is read would take the answer back.
            let _ = stream.shutdown(std::net::Shutdown::Write);
            let _ = stream.read_to_end(&mut Vec::new());
        }
    });
    address
}

fn a_cluster_that_speaks_otherwise_is_refused() {
    let (gone, hello, newer) = (
        server("HTTP/1.1 404 Not Found\r\ncontent-length: 4\r\nconnection: close\r\n\r\ngone"),
        server("HTTP/1.1 200 OK\r\ncontent-length: 5\r\nconnection: close\r\n\r\nhello"),
        server(
            "HTTP/1.1 400 Bad Request\r\ncontent-length: 40\r\nconnection: close\r\n\r\n{\"message\":\"the protocol 9 is too new\"}\n",
        ),
    );
    assert_error(&on(&CHARGE, &gone), 1, "refused a look at its health, with status 404: gone");
    let result = shop(&on(&CHARGE, &hello));
    assert_eq!((result.code, &*result.out), (Some(1), ""), "{}", result.err);
    assert!(result.err.contains("cannot be read"), "{}", result.err);
    let list = ["runs", "list", "--admin", &hello];
    assert_error(&on(&list, &hello), 1, "the answer to a query of its runs cannot be read");
    assert_error(
        &["work", "--listen", "127.0.0.1:0", "--register", &newer],
        1,
        "with status 400: the protocol 9 is too new",
    );
}

fn a_worker_of_a_cluster_that_cannot_begin_says_why() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    assert_error(&["work", "--listen", &address], 1, &format!("it cannot listen at {address}"));
    let work = |args: &[&'static str]| [&["work", "--listen", "127.0.0.1:0"], args].concat();
    assert_error(&["work", "--listen", "shop"], 1, "`shop` is no address to listen at");
    assert_error(&work(&["--event", "nobody"]), 1, "no event `nobody`");
    assert_error(&work(&["--identity-key", "x"]), 1, "`x` is no identity key");
    assert_error(&work(&["--register", "nonsense"]), 2, "`nonsense` is no address of a server");
    assert_error(&work(&["--reached-at", "http://workers:9080"]), 2, "--register");
    let help = shop(&["work", "--help"]);
    assert!(
        help.out.contains("Examples:\n  shop work --register http://127.0.0.1:9070"),
        "{}",
        help.out
    );
}

fn what_a_cluster_cannot_do_is_said_before() {
    let nobody = "http://127.0.0.1:1";
    for (args, says) in [
        (
            &["run", "UnlockPipeline", "--set", "pin=1"][..],
            "only durable pipelines run on a cluster",
        ),
        (
            &["run", "ChargePipeline", "--set", "cents=5", "--report", "a.html"],
            "on a cluster workers do",
        ),
        (&["runs", "retry", "A-1"], "`runs retry` is for the runs of a store"),
        (&["runs", "list", "--failed"], "`--failed` is for the runs of a store"),
    ] {
        assert_error(&on(args, nobody), 2, says);
    }
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("a.html");
    assert!(!page.exists(), "a run that never began left a page");
}

/// An address of `ci/cluster.sh`.
fn address(name: &str) -> String {
    let there = std::env::var(name).unwrap_or_default();
    there.split_whitespace().next().expect("these need servers: `ci/cluster.sh test`").to_owned()
}

fn free_address() -> String {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string()
}

fn the_roles_of_a_cluster_work_together() {
    let (ingress, admin) = (address("NEXUS_CLUSTER_INGRESS"), address("NEXUS_CLUSTER_ADMIN"));
    let on = |args: &[&str]| -> Vec<String> {
        let on = ["--on", &ingress, "--admin", &admin];
        args.iter().chain(&on).map(|arg| (*arg).to_owned()).collect()
    };
    let start = |args: &[&str]| {
        let args = on(args);
        let args: Vec<&str> = args.iter().map(String::as_str).collect();
        Running::start(Path::new("no-such.db"), &args)
    };
    let call = |args: &[&str]| start(args).end();
    let says = |args: &[&str], code: i32, what: &str| {
        let result = call(args);
        let all = result.out + &result.err;
        assert!(
            result.code == Some(code) && all.contains(what),
            "{args:?}: {:?} {all}",
            result.code
        );
    };

    // Nobody is there yet.
    says(&CHARGE, 1, "no worker offers the pipeline `ChargePipeline`");
    let listen = free_address();
    let work = ["work", "--listen", &listen, "--register", &admin];
    let mut worker = Running::start(Path::new("no-such.db"), &work);
    let offer = worker.line();
    assert!(offer.starts_with("offering ChargePipeline, HoldPipeline"), "{offer}");
    assert!(offer.ends_with(&format!("registered at {admin} as http://{listen}")), "{offer}");

    // A run is as it is elsewhere, and its key is taken.
    let charge = ["run", "ChargePipeline", "--set", "cents=5", "--key", "c"];
    says(&charge, 0, "ChargePipeline succeeded");
    // The observers of the program's engine hear of what its workers do.
    worker.until("received confirm");
    says(&charge, 0, "the run `c` is there already, and is over; nothing is run again");
    let other = ["run", "ChargePipeline", "--set", "cents=6", "--key", "c"];
    says(&other, 1, "belongs to a run with other inputs");
    says(&["run", "ChargePipeline", "--set", "cents=2000"], 1, "too much");
    says(&["runs", "show", "c"], 0, "ChargePipeline succeeded");
    says(&["runs", "show", "d"], 2, "the cluster has no run with the key `d`");
    says(&["runs", "cancel", "c"], 1, "the run `c` is over; there is nothing to cancel");

    // A step waits for somebody.
    let approve = start(&["run", "ApprovePipeline", "--set", "cents=5", "--key", "a"]);
    loop {
        let shown = call(&["runs", "show", "a", "--json"]);
        if shown.code == Some(0) {
            let shown: serde_json::Value = serde_json::from_str(&shown.out).unwrap();
            if shown["pending"] == serde_json::json!(["approve"]) {
                break;
            }
        }
    }
    says(&["runs", "resolve", "a", "approve", "nonsense"], 2, "is no JSON");
    says(&["runs", "resolve", "a", "approve", "\"x\""], 1, "yields `u64`");
    says(&["runs", "resolve", "a", "approve", "7"], 0, "resolved `approve` of `a`");
    let approved = approve.end();
    assert_eq!(approved.code, Some(0), "{}", approved.err);

    // Ctrl-C leaves a run alone, and its key leads back to it.
    let hold = start(&["run", "HoldPipeline", "--set", "cents=5", "--key", "h"]);
    worker.until("hold begins");
    hold.signal(Signal::INT);
    let left = hold.end();
    assert!(
        left.code == Some(130) && left.err.contains("goes on without this program"),
        "{}",
        left.err
    );
    says(&["runs", "list", "--pipeline", "HoldPipeline"], 0, "1 run");
    says(&["runs", "cancel", "h"], 0, "cancelled `h`");
    says(&["run", "HoldPipeline", "--set", "cents=5", "--key", "h"], 130, "cancelled");
    says(&["run", "HoldPipeline", "--set", "cents=5", "--timeout", "500ms"], 3, "timed out");
    worker.release();
    worker.release();

    worker.signal(Signal::TERM);
    let ended = worker.end();
    assert!(
        ended.code == Some(0) && ended.out.contains("stopped; "),
        "{:?} {}",
        ended.code,
        ended.err
    );
}
