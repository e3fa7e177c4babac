//! `serve --dashboard`: the page beside the service, which `ci/dashboard.sh` tests.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::Command;

use crate::service::{Running, call, new_store, program};
use crate::shop::{CommandResult, wait_for_result};

pub(crate) const ALL: &[(&str, fn())] = &[
    #[cfg(unix)]
    ("dashboard_beside_a_service", dashboard_beside_a_service),
    #[cfg(unix)]
    ("dashboard_with_a_token", dashboard_with_a_token),
    ("dashboard_at_a_wrong_address", dashboard_at_a_wrong_address),
];

const TOKEN: &str = "NEXUS_DASHBOARD_TOKEN";

/// The program, without a token that whoever runs the tests may have.
fn serve(name: &str, args: &[&str]) -> Command {
    let mut command = program(&new_store(name), &[&["serve"], args].concat());
    command.env_remove(TOKEN);
    command
}

fn refused(mut command: Command) -> CommandResult {
    let result = wait_for_result(command.spawn().unwrap());
    assert_eq!(result.out, "", "it must not say that it serves");
    result
}

/// Where the page is, once the service says so.
#[cfg(unix)]
fn address(service: &mut Running) -> SocketAddr {
    loop {
        let line = service.line();
        assert!(!line.is_empty(), "it ended without saying where its page is");
        if let Some(url) = line.strip_prefix("dashboard on http://") {
            return url.strip_suffix('/').unwrap().parse().unwrap();
        }
    }
}

/// The whole answer to a request, of which `head` has no blank line yet.
#[cfg(unix)]
fn ask(address: SocketAddr, head: &str, body: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    let length = body.len();
    write!(
        stream,
        "{head}\r\nHost: {address}\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{body}"
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[cfg(unix)]
fn dashboard_beside_a_service() {
    let store = new_store("page");
    let failed = call(&store, &["run", "ShipPipeline", "-s", "cents=7", "--key", "A-1"]);
    assert_eq!(failed.code, Some(1), "{}", failed.err);
    let args = ["serve", "--dashboard", "127.0.0.1:0", "--allow-actions"];
    let mut service = Running::of(program(&store, &args).env_remove(TOKEN));
    let address = address(&mut service);
    let page = ask(address, "GET / HTTP/1.1", "");
    assert!(page.starts_with("HTTP/1.1 200 ") && page.contains("<title>nexus</title>"), "{page}");
    let runs = ask(address, "GET /api/v1/runs?status=failed HTTP/1.1", "");
    assert!(runs.contains(r#""key":"A-1""#), "{runs}");
    let head = "POST /api/v1/runs/A-1/actions HTTP/1.1\r\nContent-Type: application/json";
    let again = ask(address, head, r#"{"action":"retry","confirm":"A-1","by":"Ada"}"#);
    assert!(again.starts_with("HTTP/1.1 200 "), "{again}");
    // The service's log says who it was.
    service.until("A-1 Ada on the dashboard: retry");
    // And so does the store.
    let shown = call(&store, &["runs", "show", "A-1"]);
    assert!(shown.out.contains(" UTC, Ada: retry\n"), "{}", shown.out);
    service.signal(rustix::process::Signal::TERM);
    assert_eq!(service.end().code, Some(0));
    assert!(TcpStream::connect(address).is_err(), "the page ends with the service");
}

#[cfg(unix)]
fn dashboard_with_a_token() {
    let token = "0123456789abcdef";
    let mut command = serve("page-token", &["--dashboard", "127.0.0.1:0"]);
    let mut service = Running::of(command.env(TOKEN, token));
    let address = address(&mut service);
    let stranger = ask(address, "GET /api/v1/runs HTTP/1.1", "");
    assert!(stranger.starts_with("HTTP/1.1 401 "), "{stranger}");
    let head = format!("GET /api/v1/runs HTTP/1.1\r\nAuthorization: Bearer {token}");
    let friend = ask(address, &head, "");
    assert!(friend.starts_with("HTTP/1.1 200 "), "{friend}");
    service.signal(rustix::process::Signal::TERM);
    assert_eq!(service.end().code, Some(0));
}

fn dashboard_at_a_wrong_address() {
    let open = refused(serve("page-open", &["--dashboard", "0.0.0.0:0"]));
    let why = "error: 0.0.0.0:0 can be reached from other machines, so that a dashboard there needs a token; give it one, or listen on 127.0.0.1\n";
    assert_eq!((open.code, &*open.err), (Some(2), why));

    let mut weak = serve("page-weak", &["--dashboard", "0.0.0.0:0"]);
    weak.env(TOKEN, "guess");
    let weak = refused(weak);
    assert_eq!(weak.code, Some(2));
    assert!(weak.err.contains("must have at least 16 characters"), "{}", weak.err);
    assert!(!weak.err.contains("guess"), "a token is never shown: {}", weak.err);

    let wrong = refused(serve("page-wrong", &["--dashboard", "localhost"]));
    assert_eq!(wrong.code, Some(2));
    assert!(
        wrong.err.contains("invalid value 'localhost' for '--dashboard <ADDRESS>'"),
        "{}",
        wrong.err
    );

    let alone = refused(serve("page-alone", &["--allow-actions"]));
    assert_eq!(alone.code, Some(2));
    assert!(alone.err.contains("--dashboard <ADDRESS>"), "{}", alone.err);

    let other = TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = other.local_addr().unwrap().to_string();
    let result = refused(serve("page-taken", &["--dashboard", &taken]));
    assert_eq!(result.code, Some(1));
    let why = format!("error: the dashboard cannot listen on {taken}: ");
    assert!(result.err.starts_with(&why), "{}", result.err);
}
