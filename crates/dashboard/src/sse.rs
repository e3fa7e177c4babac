//! News for pages: server-sent events.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use nexus_core::Engine;
use nexus_core::journal::Timestamp;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::clock::now;
use crate::error::ApiError;
use crate::live::{Heard, Live, News};
use crate::rounds::SHORTEST;

/// A line that says nothing, by which both ends notice that the other is gone.
const KEEP_ALIVE: Duration = Duration::from_secs(15);
/// So many pages are told at a time.
pub(crate) const MOST_PAGES: usize = 64;

/// What the streams of news share.
#[derive(Debug)]
pub(crate) struct Streams {
    places: Arc<Semaphore>,
    /// When this process began to count versions: another process's versions say nothing here.
    epoch: Timestamp,
}

impl Default for Streams {
    fn default() -> Self {
        Self { places: Arc::new(Semaphore::new(MOST_PAGES)), epoch: now() }
    }
}

/// A page's stream of news. It holds nothing but what the page has heard, so a page that reads slowly costs no
/// memory: what it has missed is told in one piece.
struct Told {
    engine: Engine,
    live: Arc<Live>,
    epoch: Timestamp,
    heard: Heard,
    greeting: Option<News>,
    _place: OwnedSemaphorePermit,
}

impl Streams {
    /// A stream of news for a page, which says with `Last-Event-ID` what it knows already.
    pub(crate) fn open(&self, engine: &Engine, live: &Arc<Live>, headers: &HeaderMap) -> Response {
        let Ok(place) = Arc::clone(&self.places).try_acquire_owned() else {
            let why = format!("{MOST_PAGES} pages are open already, and told what happens");
            return ApiError::new(StatusCode::SERVICE_UNAVAILABLE, why).into_response();
        };
        let last = headers.get("last-event-id").and_then(|id| id.to_str().ok());
        let mut heard = live.heard_nothing();
        // What has happened meanwhile is told first, and what happens from here on later.
        let greeting = match last.map(|id| known(id, self.epoch)) {
            None => News::default(),
            Some(Some(last)) => {
                let (news, version) = live.since(last);
                heard.version = version;
                news
            }
            Some(None) => News { runs: Vec::new(), more: true },
        };
        let told = Told {
            engine: engine.clone(),
            live: Arc::clone(live),
            epoch: self.epoch,
            heard,
            greeting: Some(greeting),
            _place: place,
        };
        let body = Body::from_stream(stream::unfold(told, |mut told| async move {
            let piece = told.next().await;
            Some((Ok::<_, Infallible>(Bytes::from(piece)), told))
        }));
        ([(header::CONTENT_TYPE, "text/event-stream")], body).into_response()
    }
}

impl Told {
    /// The next piece of the stream.
    async fn next(&mut self) -> String {
        if let Some(news) = self.greeting.take() {
            return format!("retry: 2000\n{}", self.piece(&news));
        }
        tokio::time::sleep(SHORTEST).await;
        let news = self.live.changed(&self.engine, &mut self.heard, KEEP_ALIVE).await;
        news.map_or_else(|| ":\n\n".to_owned(), |news| self.piece(&news))
    }

    fn piece(&self, news: &News) -> String {
        let data = serde_json::to_string(news).unwrap_or_default();
        format!("id: {}-{}\ndata: {data}\n\n", self.epoch.0, self.heard.version)
    }
}

/// The version in an id, if this process has given it.
fn known(id: &str, epoch: Timestamp) -> Option<u64> {
    let (of, version) = id.split_once('-')?;
    if of.parse() == Ok(epoch.0) { version.parse().ok() } else { None }
}
