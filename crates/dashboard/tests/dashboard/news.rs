//! What a page is told while runs go on.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::support::Site;

/// Whoever is told nothing for so long never is: even where there is no news, there is a line now and then.
const PATIENCE: Duration = Duration::from_mins(2);

/// A page that listens.
pub(crate) struct Listener(BufReader<TcpStream>);

impl Listener {
    pub(crate) fn new(site: &Site, last: Option<&str>) -> Self {
        let mut stream = TcpStream::connect(site.address()).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let last = last.map(|id| format!("Last-Event-ID: {id}\r\n")).unwrap_or_default();
        write!(stream, "GET /api/v1/live HTTP/1.1\r\nHost: localhost\r\n{last}\r\n").unwrap();
        Self(BufReader::new(stream))
    }

    fn line_with(&mut self, start: &str) -> String {
        loop {
            let mut line = String::new();
            assert_ne!(self.0.read_line(&mut line).unwrap(), 0, "the stream has ended");
            if let Some(rest) = line.trim_end().strip_prefix(start) {
                return rest.to_owned();
            }
        }
    }

    /// The next piece of news, and its id.
    pub(crate) fn next(&mut self) -> (String, Value) {
        let id = self.line_with("id: ");
        (id, serde_json::from_str(&self.line_with("data: ")).unwrap())
    }

    /// Listens until the news is about this run.
    pub(crate) fn until(&mut self, key: &str) -> String {
        loop {
            let (id, news) = self.next();
            if news["runs"].as_array().unwrap().iter().any(|it| it == key) {
                return id;
            }
        }
    }
}

#[test]
fn a_page_is_told_of_runs_and_of_what_it_missed() {
    let site = Site::new(|it| it);
    let mut page = Listener::new(&site, None);
    let (first, news) = page.next();
    assert_eq!(news["runs"], serde_json::json!([]));
    site.shop.run(&site.shop.order, "order-1");
    assert_ne!(first, page.until("order-1"));
    drop(page);
    // What the page was told may have been the run's beginning; a page that comes now has missed nothing.
    let (last, _) = Listener::new(&site, None).next();
    site.shop.run(&site.shop.order, "order-2");
    let (_, news) = Listener::new(&site, Some(&last)).next();
    assert_eq!(
        (&news["runs"], &news["more"]),
        (&serde_json::json!(["order-2"]), &Value::Bool(false))
    );
}

#[test]
fn an_id_of_another_process_says_nothing_so_the_page_looks_at_everything() {
    let site = Site::new(|it| it);
    for id in ["1-5", "x", "", "99999999999999999999-1"] {
        let (_, news) = Listener::new(&site, Some(id)).next();
        assert_eq!(news["more"], true, "{id}");
    }
}

#[test]
fn many_changes_are_told_in_one_piece() {
    let site = Site::new(|it| it);
    let begun = Instant::now();
    let mut page = Listener::new(&site, None);
    page.next();
    site.shop.run(&site.shop.long, "long");
    site.shop.run(&site.shop.order, "last");
    let mut pieces = 0;
    loop {
        pieces += 1;
        let (_, news) = page.next();
        if news["runs"].as_array().unwrap().iter().any(|it| it == "last") {
            break;
        }
    }
    // The run has 3,000 steps, each of which changed something; four times a second is often enough.
    let took = begun.elapsed();
    assert!(pieces <= took.as_millis() / 250, "{pieces} pieces in {took:?}");
}
