//! Clients that want too much, and a store that breaks.

use std::io::{Read, Write};
use std::net::TcpStream;

use nexus_core::Engine;
use nexus_dashboard::{Dashboard, ServeError};

use crate::broken::Broken;
use crate::support::Site;

#[test]
fn a_port_that_is_taken_is_said_to_be() {
    let site = Site::new(|it| it);
    let error = Dashboard::new().serve(&Engine::new(), site.address()).unwrap_err();
    assert!(matches!(error, ServeError::Listen { .. }), "{error}");
    let place = site.address();
    assert!(
        error.to_string().starts_with(&format!("the dashboard cannot listen on {place}: ")),
        "{error}"
    );
}

#[test]
fn a_body_of_100_mb_is_refused_before_it_is_read() {
    let site = Site::new(|it| it.allow_actions(true));
    let mut stream = TcpStream::connect(site.address()).unwrap();
    write!(
        stream,
        "POST /api/v1/runs/a/actions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 104857600\r\n\r\n"
    )
    .unwrap();
    // It may well be that the connection is closed meanwhile.
    let block = vec![b' '; 1024 * 1024];
    let sent = (0..100).take_while(|_| stream.write_all(&block).is_ok()).count();
    let mut answer = String::new();
    let read = stream.read_to_string(&mut answer);
    assert!(answer.contains(" 413 ") || read.is_err() || sent < 100, "{sent} {answer}");
    assert_eq!(site.get("/info").status, 200);
}

#[test]
fn a_path_outside_leads_nowhere() {
    let site = Site::new(|it| it);
    for path in ["/../Cargo.toml", "/%2e%2e/etc/passwd", "/api/v1/../../x", "//", "/api/v2/runs"] {
        let answer = site.send(&format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n"), "");
        assert_eq!(answer.status, 404, "{path}");
    }
    let answer = site.send("DELETE /api/v1/runs HTTP/1.1\r\nHost: localhost\r\n", "");
    assert_eq!(answer.status, 405);
}

/// Opens a stream of news, and says how it was answered.
fn listen(site: &Site) -> (TcpStream, String) {
    let mut stream = TcpStream::connect(site.address()).unwrap();
    write!(stream, "GET /api/v1/live HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).unwrap();
        head.extend(byte);
    }
    (stream, String::from_utf8(head).unwrap())
}

/// 64 have a place. The others are told so at once and have no connection any more, which would be one
/// less for those who want to see something. `ci/dashboard.sh measure` does it with 10,000.
#[test]
fn pages_that_listen_are_bounded_and_others_are_served() {
    let site = Site::new(|it| it);
    let pages: Vec<_> = (0..64).map(|_| listen(&site)).collect();
    for (_, head) in &pages {
        assert!(head.starts_with("HTTP/1.1 200 "), "{head}");
    }
    for _ in 0..600 {
        let (mut stream, head) = listen(&site);
        assert!(head.starts_with("HTTP/1.1 503 "), "{head}");
        assert!(head.contains("connection: close"), "{head}");
        let mut rest = String::new();
        stream.read_to_string(&mut rest).unwrap();
        assert!(rest.contains("64 pages are open already"), "{rest}");
    }
    assert_eq!(site.get("/info").status, 200);
    drop(pages);
}

/// A client that sends requests and takes no answer waits for itself alone.
#[test]
fn clients_that_take_no_answer_keep_nobody_waiting() {
    let site = Site::new(|it| it);
    site.shop.run(&site.shop.long, "long");
    let ask = "GET /api/v1/runs/long/steps?limit=1000 HTTP/1.1\r\nHost: localhost\r\n\r\n";
    let stuck = |_| {
        let mut stream = TcpStream::connect(site.address()).unwrap();
        stream.write_all(ask.repeat(50).as_bytes()).unwrap();
        stream
    };
    let clients: Vec<TcpStream> = (0..8).map(stuck).collect();
    assert_eq!(site.get("/runs/long").status, 200);
    site.shop.run(&site.shop.order, "order-1");
    assert_eq!(site.get("/runs/order-1").status, 200);
    drop(clients);
}

#[test]
fn texts_of_users_come_as_json_and_never_as_markup() {
    let site = Site::new(|it| it);
    let key = "%3Cscript%3E%1b%5b31m";
    site.shop.run(&site.shop.order, "<script>\u{1b}[31m");
    let answer = site.get(&format!("/runs/{key}/steps"));
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert!(answer.head.contains("content-type: application/json"));
    let missing = site.get("/runs/%3Cscript%3E");
    assert!(missing.head.contains("content-type: application/json"));
}

#[test]
fn a_store_that_breaks_is_said_to_be_broken_and_the_dashboard_goes_on() {
    let store = std::sync::Arc::new(Broken::default());
    let engine = Engine::builder().store(std::sync::Arc::clone(&store)).build().unwrap();
    let mut site = Site::new(|it| it);
    site.server = Dashboard::new().serve(&engine, "127.0.0.1:0".parse().unwrap()).unwrap();
    assert_eq!(site.get("/runs").status, 200);
    store.breaks(true);
    let answer = site.get("/runs");
    assert_eq!(answer.status, 503);
    assert_eq!(answer.error(), "cannot read the store: the disk is gone");
    assert_eq!(site.get("/info").status, 200);
    store.breaks(false);
    assert_eq!(site.get("/runs").status, 200);
}

#[test]
fn an_engine_without_a_store_says_what_it_lacks() {
    let mut site = Site::new(|it| it);
    site.server = Dashboard::new().serve(&Engine::new(), "127.0.0.1:0".parse().unwrap()).unwrap();
    let answer = site.get("/runs");
    assert_eq!(answer.status, 409);
    assert!(answer.error().contains("the engine has no store"), "{}", answer.error());
}
